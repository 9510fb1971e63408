"""Branches: only the one that is taken runs, in values and in derivatives."""

from collections.abc import Callable, Sequence

import numpy as np
import pytest

import graphc as gx
from tests.constructs import Array

LEVELS = pytest.mark.parametrize("level", [0, 1, 2])
AT = np.array([0.5, 2.0, 3.0])


def inputs(*names: str) -> list[gx.Node]:
    return [gx.input(name, (3,), "float64") for name in names]


def orders(y: gx.Node, x: gx.Node) -> list[gx.Node]:
    """A number, and its derivatives: two by reverse mode, and the second in the other ways."""
    g = gx.grad(y, x)
    ones = np.ones(x.shape)
    return [y, g, gx.grad(gx.sum(g), x), gx.jvp(g, x, ones), gx.grad(gx.jvp(y, x, ones), x), gx.hessian(y, x)]


def endless(x: gx.Node) -> gx.Node:
    result: gx.Node = gx.while_loop(lambda s: gx.sum(s) > -np.inf, lambda s: s + 1.0, x, max_steps=10**15)
    return gx.sum(result)


#: what cannot run for x = AT
IMPOSSIBLE: dict[str, Callable[[gx.Node], gx.Node]] = {
    "an index out of range": lambda x: x[gx.sum(x).astype("int64")] ** 2,
    "a loop without end": endless,
    "a branch that is not there": lambda x: gx.switch(gx.sum(x).astype("int64"), [lambda: x[0], lambda: x[1]]),
    "one step too many": lambda x: gx.while_loop(lambda s: s > 0, lambda s: s + 1.0, x[0] ** 2, max_steps=3),
    "infinities and nan": lambda x: gx.sum(gx.log(x - x)) + gx.sum(gx.sqrt(x * 0.0)),
}


@LEVELS
@pytest.mark.parametrize("what", IMPOSSIBLE)
def test_a_branch_that_is_not_taken_does_not_run(what: str, level: int) -> None:
    (x,) = inputs("x")
    taken = gx.input("taken", (), "bool")
    y = gx.cond(taken, lambda: gx.sum(x**3), lambda: IMPOSSIBLE[what](x))
    f = gx.compile([x, taken], orders(y, x), level=level, verify=True, debug=True)
    value, *slopes, hessian = f(AT, True)
    assert value == np.sum(AT**3)
    for found, exact in zip(slopes, (3 * AT**2, 6 * AT, 6 * AT, 6 * AT), strict=True):
        np.testing.assert_allclose(found, exact, rtol=1e-14)
    np.testing.assert_allclose(hessian, np.diag(6 * AT), rtol=1e-14)
    if what not in ("a loop without end", "infinities and nan"):
        with pytest.raises((gx.IndexRangeError, gx.StepLimitError)):
            f(AT, False)


@pytest.mark.parametrize("what", IMPOSSIBLE)
def test_nor_at_places_that_do_not_take_it(what: str) -> None:
    """Under vmap both branches are computed, and one that is not taken brings neither an error nor a nan."""
    rows = np.stack([AT, -AT, 2 * AT])
    x = gx.input("x", (3, 3), "float64")
    other = IMPOSSIBLE[what]

    def one(x: gx.Node) -> gx.Node:
        result: gx.Node = gx.cond(gx.sum(x) > -100, lambda: gx.sum(x**3), lambda: other(x))
        return result

    y = gx.sum(gx.vmap(one)(x))
    g = gx.grad(y, x)
    inside = gx.vmap(lambda x: gx.grad(one(x), x))(x)
    seconds = [gx.grad(gx.sum(g), x), gx.jvp(g, x, np.ones((3, 3))), gx.jvp(inside, x, np.ones((3, 3)))]
    value, *slopes = gx.compile([x], [y, g, inside, *seconds], verify=True, debug=True)(rows)
    assert value == pytest.approx(np.sum(rows**3))
    for found, exact in zip(slopes, [3 * rows**2] * 2 + [6 * rows] * 3, strict=True):
        np.testing.assert_allclose(found, exact, rtol=1e-14)


@LEVELS
def test_a_loop_in_a_branch_counts_its_own_steps(level: int) -> None:
    """Of a place that does not take the branch, and of one that has ended, no step is made."""
    n, x = gx.input("n", (4,), "int64"), gx.input("x", (5,), "float64")

    def one(n: gx.Node) -> gx.Node:
        def added() -> gx.Node:
            total, _ = gx.while_loop(lambda s: s[1] < n, lambda s: (s[0] + x[s[1]] ** 2, s[1] + 1), (0.0 * x[0], 0), 5)
            result: gx.Node = total
            return result

        result: gx.Node = gx.cond(n >= 0, added, lambda: gx.sum(x))
        return result

    y = gx.vmap(one)(n)
    arrays = np.array([2, -7, 0, 5]), np.arange(1.0, 6.0)
    weights = np.array([1.0, 10.0, 100.0, 1000.0])
    outputs = [y, gx.grad(gx.sum(y * weights), x), gx.vmap(lambda n: gx.grad(one(n), x))(n)]
    values, slopes, each = gx.compile([n, x], outputs, level=level, debug=True)(*arrays)
    np.testing.assert_array_equal(values, [5.0, 15.0, 0.0, 55.0])
    exact = np.array([[2, 4, 0, 0, 0], [1, 1, 1, 1, 1], [0, 0, 0, 0, 0], [2, 4, 6, 8, 10]])
    np.testing.assert_array_equal(each, exact)
    np.testing.assert_array_equal(slopes, weights @ exact)


def test_a_loop_that_has_ended_brings_no_nan() -> None:
    """At 1 the step has an infinite slope, and it is not made there."""
    x = gx.input("x", (3,), "float64")
    root = gx.vmap(lambda x: gx.while_loop(lambda s: s > 1.0, lambda s: gx.sqrt(gx.abs(s - 1.0)), x, max_steps=9))
    y = root(x)
    found = gx.evaluate([y, gx.grad(gx.sum(y), x), gx.jvp(y, x, np.ones(3))], {x: np.array([5.0, 2.0, 1.0])})
    np.testing.assert_allclose(np.stack(found), np.array([[1, 1, 1], [0.125, 0.5, 1], [0.125, 0.5, 1]]), rtol=1e-14)


#: of one place, a vector, a matrix and a table that all places share: a number that is nan for x < 0, as are its slopes
SHARED: dict[str, Callable[[gx.Node, gx.Node, gx.Node], gx.Node]] = {
    "elements": lambda x, v, m: gx.sum(gx.sqrt(x) * v),
    "slopes of elements": lambda x, v, m: gx.sum(gx.log(x * v)),
    "a product": lambda x, v, m: gx.sum(gx.sqrt(x * v) @ m),
    "a product of what is known": lambda x, v, m: gx.sqrt(x) * gx.sum(v @ m),
    "a lookup": lambda x, v, m: gx.sqrt(x) * gx.sum(m[x.astype("int64")]),
    "a loop": lambda x, v, m: gx.sum(gx.scan(lambda h, _: (gx.sqrt(x) * gx.tanh(h @ m + v), None), v, None, 3)[0]),
    "a branch": lambda x, v, m: gx.cond(gx.sum(v) > 0, lambda: gx.sum(gx.sqrt(x) * v @ m), lambda: x),
    "both at once": lambda x, v, m: gx.sqrt(x) * gx.cond(x < 2, lambda: gx.sum(v @ m), lambda: gx.sum(gx.sqrt(x) * v)),
}


@pytest.mark.parametrize("what", SHARED)
def test_what_all_places_share_gets_no_nan_from_those_that_do_not_take_a_branch(what: str) -> None:
    (v,) = inputs("v")
    m, xs = gx.input("m", (3, 3), "float64"), gx.input("xs", (4,), "float64")

    def one(x: gx.Node) -> gx.Node:
        result: gx.Node = gx.cond(x > 0, lambda: SHARED[what](x, v, m), lambda: gx.sum(v) * x + gx.sum(m))
        return result

    def slopes(y: gx.Node) -> list[gx.Node]:
        first = gx.grad(y, [v, m], unconnected="zero")
        second = gx.grad(gx.sum(first[0] ** 2) + gx.sum(first[1] ** 2), [v, m], unconnected="zero")
        return [*first, *second, gx.jvp(first[0], v, np.ones(3))]

    places = [one(xs[n]) for n in range(4)]
    outputs = [slopes(gx.sum(gx.vmap(one)(xs))), slopes(places[0] + places[1] + places[2] + places[3])]
    arrays = [AT, np.arange(1.0, 10.0).reshape(3, 3) / 10, np.array([1.5, -1.0, 2.5, -3.0])]
    found, exact = gx.compile([v, m, xs], outputs)(*arrays)
    for one_of, other in zip(found, exact, strict=True):
        np.testing.assert_allclose(one_of, other, rtol=1e-12)


def test_what_all_places_share_gets_no_nan_from_a_branch_that_no_place_takes() -> None:
    (v,) = inputs("v")
    x = gx.input("x", (2,), "float64")
    y = gx.vmap(lambda x: gx.cond(x > 0, lambda: x * gx.sum(gx.sqrt(v)), lambda: x * gx.sum(v)))(x)
    found = gx.evaluate(gx.grad(gx.sum(y), v), {x: np.array([-1.0, -2.0]), v: np.array([0.0, -1.0, 1.0])})
    np.testing.assert_array_equal(found, [-3.0] * 3)


@LEVELS
def test_a_branch_that_is_known_when_compiled(level: int) -> None:
    (x,) = inputs("x")
    outputs = [gx.cond(True, lambda: x * 2, lambda: x * 3), gx.switch(1, [lambda: x * 2, lambda: x * 3])]
    first, second = gx.compile([x], outputs, level=level)(AT)
    np.testing.assert_array_equal([first, second], [AT * 2, AT * 3])


@pytest.mark.parametrize("index", [-1, 3])
@pytest.mark.parametrize("dtype", ["int8", "uint8", "int64"])
def test_an_index_without_a_branch(index: int, dtype: str) -> None:
    x = gx.input("x", (), dtype)
    f = gx.compile([x], gx.switch(x, [lambda: 1.0, lambda: 2.0, lambda: 3.0]))
    assert f(2) == 3.0
    given = np.array(index).astype(dtype)
    with pytest.raises(gx.IndexRangeError, match=f"there is no such branch, {given} is not in 0 .. 2") as caught:
        f(given)
    assert "test_branches.py" in str(caught.value)


def test_branches_that_read_different_nodes() -> None:
    x, y, z = inputs("x", "y", "z")
    taken = gx.input("taken", (), "bool")
    both = gx.sum(gx.cond(taken, lambda: x * 2, lambda: y * 3))
    f = gx.compile([x, y, taken], gx.grad(both, [x, y]))
    np.testing.assert_array_equal(f(AT, AT, True), [[2, 2, 2], [0, 0, 0]])
    np.testing.assert_array_equal(f(AT, AT, False), [[0, 0, 0], [3, 3, 3]])
    with pytest.raises(gx.UnconnectedError, match="'z'"):
        gx.grad(both, z)
    assert not gx.evaluate(gx.grad(both, z, unconnected="zero"), {z: AT}).any()


MANY: Sequence[Callable[[gx.Node], gx.Node]] = [gx.sin, lambda x: x * x * x, gx.exp]


@pytest.mark.parametrize("nested", [False, True])
def test_switch_at_every_place(nested: bool) -> None:
    x, k = gx.input("x", (2, 3), "float64"), gx.input("k", (2, 3), "int64")
    arrays: list[Array] = [np.array([AT, AT / 2]), np.array([[0, 1, 2], [2, 2, 0]])]

    def one(x: gx.Node, k: gx.Node) -> gx.Node:
        result: gx.Node = gx.switch(k, [lambda f=f: f(x) for f in MANY])
        return result

    if nested:
        y = gx.vmap(gx.vmap(one))(x, k)
    else:
        y = gx.reshape(gx.vmap(one)(gx.reshape(x, (6,)), gx.reshape(k, (6,))), (2, 3))
    g = gx.grad(gx.sum(y), x)
    found = gx.compile([x, k], [y, g, gx.grad(gx.sum(g), x)])(*arrays)
    tables = [
        [np.sin, lambda v: v**3, np.exp],
        [np.cos, lambda v: 3 * v**2, np.exp],
        [lambda v: -np.sin(v), lambda v: 6 * v, np.exp],
    ]
    for actual, functions in zip(found, tables, strict=True):
        exact = np.choose(arrays[1], [f(arrays[0]) for f in functions])  # type: ignore[operator]
        np.testing.assert_allclose(actual, exact, rtol=1e-14)
