"""What formulas are written as: common factors in front, and functions that share what they are made of."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import sympy

import graphc as gx
from graphc.ops.formula import Formula
from graphc.ops.sympy_functions import formula_text
from graphc.ops.sympy_stable import stable

X = sympy.Symbol("x", real=True)
Y = sympy.Symbol("y", real=True)


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        (X * sympy.exp(-(X**2)) - 2 * X**3 * sympy.exp(-(X**2)), "x*(1 - 2*x**2)*exp(-x**2)"),
        (sympy.exp(X) * sympy.sin(X) - sympy.exp(2 * X) * sympy.sin(X), "-exp(x)*sin(x)*expm1(x)"),
        (8 * X**2 / (X**2 + 1) ** 3 - 2 / (X**2 + 1) ** 2, "(6*x**2 - 2)/(x**2 + 1)**3"),
        (1 / sympy.sqrt(X**2 + 1) - X**2 / (X**2 + 1) ** sympy.Rational(3, 2), "(x**2 + 1)**(-3/2)"),
        (4 * sympy.tanh(X) ** 2 * sympy.sech(X) ** 2 - 2 * sympy.sech(X) ** 4, "(6*tanh(x)**2 - 2)*sech(x)**2"),
        (X**2 / (sympy.exp(X) - 1) ** 2 * sympy.exp(X), "-x**2/(expm1(-x)*expm1(x))"),
    ],
    ids=["polynomial", "exponentials", "quotients", "roots", "tanh", "mirrored"],
)
def test_common_factors_stand_in_front(written: Any, expected: str) -> None:
    assert formula_text(stable(written)) == expected


@pytest.mark.parametrize(
    "written",
    [
        1 / (X**2 + 1) + 1 / (X**2 + 1) ** 2,  # (x^2 + 2) / (x^2 + 1)^2 is nan at infinity
        Y / (X**2 + 1) ** 2 + 1 / (X**2 + 1),
        1 + 1 / X,
        sympy.exp(-X) + 1,
    ],
    ids=str,
)
def test_no_numerator_is_made_that_overflows_where_none_did(written: Any) -> None:
    def value(expression: Any) -> Any:
        call = sympy.lambdify([X, Y], expression, "numpy")
        return call(np.array([np.inf, 1e200, 1e-200]), np.array([1.0, 1.0, 1.0]))

    with np.errstate(all="ignore"):
        np.testing.assert_allclose(value(stable(written)), value(written))


def test_what_falls_as_sech_does_is_no_difference_of_ones() -> None:
    falling = X * sympy.exp(-(X**2)) * sympy.tanh(X) + X * sympy.sech(X) ** 2
    assert stable(falling).has(sympy.sech)


def called(formula: Callable[[Any], Any], at: list[float]) -> list[float]:
    """The value of a formula in float64."""
    x = gx.input("x", len(at), "float64")
    found: list[float] = gx.compile([x], gx.op("f", formula)(x))(np.array(at)).tolist()
    return found


def test_sigmoids_of_both_signs_take_one_exponential() -> None:
    x = gx.input("x", (3,), "float64")
    y = gx.op("sigmoid", lambda x: 1 / (1 + sympy.exp(-x)))(x)
    slope = gx.grad(gx.sum(y), x)
    source = gx.compile([x], slope, backend="numpy").source
    assert source.count("np.exp(") == 1


def test_tanh_of_softplus_neither_overflows_nor_vanishes() -> None:
    found = called(lambda x: sympy.tanh(sympy.log(1 + sympy.exp(x))), [-700.0, -1000.0, 1000.0, -np.inf, np.inf])
    assert found == pytest.approx([np.exp(-700.0), 0, 1, 0, 1], rel=1e-15)


def test_slopes_of_a_formula_are_formulas_in_one_factor() -> None:
    x = gx.input("x", (3,), "float64")
    node = gx.op("isru", lambda x: x / sympy.sqrt(1 + x**2))(x)
    assert isinstance(node.op, Formula)
    (slope,) = node.op.partials(node, x)
    assert slope is not None
    assert isinstance(slope.op, Formula)
    assert slope.op.definition() == "isru[dx](x) = (x**2 + 1)**(-3/2)"
