"""Derivatives that the user gives, in both modes."""

from collections.abc import Callable

import numpy as np
import pytest

import graphc as gx

NONLINEAR: dict[str, Callable[[gx.Node, gx.Node, gx.Node], tuple[gx.Node]]] = {
    "clipped": lambda y, c, x: (gx.clip(c, -1, 1) * x,),
    "sign": lambda y, c, x: (gx.sign(c),),
    "square": lambda y, c, x: (c * c,),
    "one side": lambda y, c, x: (gx.where(c > 0, c, 0.0),),
}

x, t = gx.input("x", (3,), "float64"), gx.input("t", (3,), "float64")
X = np.array([0.5, -2.0, 3.0])


@pytest.mark.parametrize("rule", NONLINEAR.values(), ids=NONLINEAR)
def test_forward_mode_of_a_rule_that_is_not_linear_says_what_to_do(
    rule: Callable[[gx.Node, gx.Node, gx.Node], tuple[gx.Node]],
) -> None:
    y = gx.custom_vjp(gx.sin, rule)(x * 2)
    with pytest.raises(gx.UnsupportedError) as raised:
        gx.jvp(y, x, t)
    assert "custom_vjp: forward mode transposes the reverse rule, which is not linear" in str(raised.value)
    assert "gx.grad and gx.vjp use the rule as it is" in str(raised.value)
    assert "test_custom.py" in str(raised.value)
    gx.evaluate(gx.grad(gx.sum(y), x), {x: X})


def test_forward_mode_of_a_linear_rule_is_its_transpose() -> None:
    outside = gx.exp(x)
    y = gx.custom_vjp(gx.sin, lambda y, c, x: (3 * c * x + c * outside,))(x)
    found = gx.evaluate(gx.jvp(y, x, t), {x: X, t: np.ones(3)})
    np.testing.assert_allclose(found, 3 * X + np.exp(X))


def test_a_rule_that_gives_nothing_has_tangents_of_zero() -> None:
    y = gx.custom_vjp(gx.sin, lambda y, c, x: (None,))(x)
    assert gx.evaluate(gx.jvp(y, x, t), {x: X, t: np.ones(3)}).tolist() == [0, 0, 0]


def test_what_the_function_reads_beside_its_operands_is_refused() -> None:
    w, a = gx.param("w", 2.0), gx.input("a", (), "float32")
    for hidden in (lambda x: x * w, lambda x: x * (a + 1), lambda x: w):
        with pytest.raises(gx.ArgumentError, match="which is no operand") as caught:
            gx.custom_vjp(hidden, lambda y, c, x: (c,))(a * 3)
        assert "test_custom.py" in str(caught.value)
    held = gx.custom_vjp(lambda x: x * gx.stop_gradient(w), lambda y, c, x: c * gx.stop_gradient(w))
    assert gx.evaluate(gx.grad(held(a) + w * w, w), {a: 3.0}) == 4
    assert gx.evaluate(gx.grad(held(a), a), {a: 3.0}) == 2, "one cotangent needs no tuple"


def test_a_mask_does_not_go_through_a_rule_as_if_it_were_a_cotangent() -> None:
    a, b, c = gx.input("a", (2, 2), "float64"), gx.input("b", (2,), "float64"), gx.input("c", (2,), "bool")
    g = gx.grad(gx.sum(gx.where(c, gx.linalg.solve(a, b), 0.0)), b)
    found = gx.evaluate(g, {a: 2 * np.eye(2), b: np.ones(2), c: np.array([True, False])})
    np.testing.assert_array_equal(found, [0.5, 0.0])
