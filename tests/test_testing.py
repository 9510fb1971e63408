"""gx.testing.check_gradients: silent about what is right, exact about what is wrong."""

import numpy as np
import pytest

import graphc as gx
from graphc.testing import check_gradients

rng = np.random.default_rng(0)
X = rng.standard_normal((3, 4))
W = rng.standard_normal((4, 2))


def test_right_derivatives_of_a_function_pass() -> None:
    check_gradients(lambda x, w: gx.softmax(gx.tanh(x @ w), 1), [X, W], order=3)


def test_right_derivatives_of_nodes_pass() -> None:
    x = gx.input("x", ("batch", 4), "float64")
    w = gx.param("w", W)
    check_gradients({"loss": gx.sum(gx.logsumexp(x @ w, 1))}, {x: X, w: W}, order=2)


def test_what_stays_is_not_moved() -> None:
    check_gradients(lambda x, i: gx.take(x, i, 0), [X, np.array([2, 0, 0])])


def test_float32_arrays_are_checked_in_float64() -> None:
    check_gradients(gx.exp, [X.astype(np.float32)], order=3)


def test_constant_result_has_slope_zero() -> None:
    check_gradients(lambda x: gx.stop_gradient(x) * 0 + 1, [X])


def test_right_custom_rule_passes() -> None:
    square = gx.custom_vjp(lambda x: x * x, lambda y, c, x: (2 * c * x,))
    check_gradients(lambda x: gx.sin(square(x)), [X], order=3)


def test_wrong_custom_rule_is_named_with_its_order_and_line() -> None:
    cube = gx.custom_vjp(lambda x: x**3, lambda y, c, x: (2 * c * x * x,))
    with pytest.raises(AssertionError) as caught:
        check_gradients(lambda x: gx.exp(gx.sin(cube(x)) + x), [X])
    report = str(caught.value)
    assert report.startswith("derivative 1: reverse mode gives ")
    assert "the first that is wrong: custom_vjp" in report
    assert "test_testing.py" in report
    assert "gx.sin(cube(x))" in report


def test_rule_with_a_wrong_second_derivative_is_wrong_in_order_two() -> None:
    halfway = gx.custom_vjp(lambda x: x * x, lambda y, c, x: (2 * c * gx.stop_gradient(x),))
    check_gradients(lambda x: gx.sin(halfway(x)), [X], order=1)
    with pytest.raises(AssertionError, match="derivative 2"):
        check_gradients(lambda x: gx.sin(halfway(x)), [X], order=2)


def test_nan_is_reported() -> None:
    with pytest.raises(AssertionError, match="nan"):
        check_gradients(gx.log, [-np.ones(3)])


def test_float32_nodes_are_refused_with_what_to_do() -> None:
    x = gx.input("x", 3)
    with pytest.raises(gx.DTypeError, match="differences need float64"):
        check_gradients(gx.exp(x), {x: np.ones(3)})


def test_nothing_that_is_a_float_is_refused() -> None:
    with pytest.raises(gx.ArgumentError, match="no output or no input is a float"):
        check_gradients(lambda i: i + 1, [np.arange(3)])


def test_complex_numbers_move_in_every_direction() -> None:
    z, x = np.array([1 + 2j, 0.5 - 1j]), np.array([0.3, -0.7])
    check_gradients(lambda z, x: gx.abs(gx.exp(z) * x + gx.conj(z)), [z, x], order=3)


def test_a_conjugate_too_many_is_found() -> None:
    wrong = gx.custom_vjp(lambda z: z * z, lambda y, c, z: (2 * c * gx.conj(z),))
    with pytest.raises(AssertionError, match="derivative 1"):
        check_gradients(wrong, [np.array([1 + 2j])])
