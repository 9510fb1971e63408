"""One-line formulas and their derivatives of three orders beside mpmath's, away from roots."""

from typing import Any

import mpmath
import numpy as np
import pytest
import sympy

import graphc as gx
from tests.ops.activations import ACTIVATIONS, LIMITS, RANGES

POINTS = 121
STEEP = 2.0  # |x f' / f| above this: close to a root, where an ulp of x is worth more than one of f
USUAL = (4.0, 4.0, 4.0, 4.0)  # ulp
SLOPES = {"DiracDelta": lambda *_: 0, "Heaviside": lambda x, *_: mpmath.mpf(x > 0)}  # away from kinks


def exact(expression: Any, symbol: Any, points: list[mpmath.mpf]) -> list[mpmath.mpf]:
    """The values of an expression of SymPy."""
    call = sympy.lambdify(symbol, expression, modules=[SLOPES, "mpmath"])
    return [mpmath.mpf(call(point)) for point in points]


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_a_formula_and_its_derivatives_keep_their_digits(name: str) -> None:
    low, high = RANGES.get(name, (-3.0, 3.0))
    at = np.linspace(low + 0.0131, high + 0.017, POINTS)  # no kink among them
    x = gx.input("x", POINTS, "float64")
    results = [gx.op(name, ACTIVATIONS[name])(x)]
    for _ in range(3):
        results.append(gx.grad(gx.sum(results[-1]), x, unconnected="zero"))
    found = gx.compile([x], results)(at)
    symbol = sympy.Symbol("x", real=True)
    expressions = [ACTIVATIONS[name](symbol)]
    for _ in range(4):
        expressions.append(expressions[-1].diff(symbol))
    with mpmath.workdps(50):
        points = [mpmath.mpf(float(point)) for point in at]
        values = [exact(expression, symbol, points) for expression in expressions]
        worst = [0.0] * 4
        for order in range(4):
            largest = max(map(abs, values[order]))
            for point, ours, true, slope in zip(points, found[order], values[order], values[order + 1], strict=True):
                if abs(true) > 0.02 * largest and abs(point * slope) <= STEEP * abs(true):
                    ulp = mpmath.mpf(float(np.spacing(abs(float(true)))))
                    worst[order] = max(worst[order], float(abs(mpmath.mpf(float(ours)) - true) / ulp))
    limits = LIMITS.get(name, USUAL)
    assert all(error <= limit for error, limit in zip(worst, limits, strict=True)), worst


@pytest.mark.parametrize(
    ("name", "kink", "slope"),
    [("relu", 0.0, 0.0), ("hard_shrink", 0.5, 0.0), ("threshold", 1.0, 0.0), ("elu", 0.0, 1.0)],
)
def test_a_piecewise_has_the_slope_of_the_piece_taken_at_its_kink(name: str, kink: float, slope: float) -> None:
    x = gx.input("x", (), "float64")
    y = gx.op(name, ACTIVATIONS[name])(x)
    assert gx.compile([x], gx.grad(y, x))(kink) == slope


def test_the_tail_of_one_plus_erf_is_no_difference_of_ones() -> None:
    x = gx.input("x", (), "float64")
    tail = gx.op("normal_cdf", ACTIVATIONS["normal_cdf"])(x)
    exact = float(mpmath.ncdf(mpmath.mpf(-9.0)))
    assert gx.compile([x], tail)(-9.0) == pytest.approx(exact, rel=1e-14)


def test_forty_formulas_and_their_derivatives_keep_to_the_usual_limit() -> None:
    assert set(LIMITS) <= set(ACTIVATIONS)
    assert len(ACTIVATIONS) - len(LIMITS) >= 40
