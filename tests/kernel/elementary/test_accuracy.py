"""How far the formulas are from the exact values, and what they are at the ends of their ranges."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeAlias

import mpmath as m
import numpy as np
import numpy.typing as npt
import pytest

from benchmarks.measure.floats import drawn, inverse_erf
from benchmarks.measure.formulas import evaluated, formula_of
from graphc.kernel.elementary.expansion import EXPANSIONS, EXPANSIONS_OF_INTEGERS
from graphc.kernel.meaning import MEANING, value_of
from graphc.kernel.scalar import Fn
from graphc.kernel.signatures import SIGNATURES

Array: TypeAlias = npt.NDArray[Any]  # Any: float32 or float64
Range: TypeAlias = tuple[float, float]

ULPS = {"float32": 1.5, "float64": 2.0}
PRECISION = 200  # bits
SOME, MANY = 500, 100_000  # points of each range, and of all ranges of a function


@dataclass(frozen=True)
class Row:
    """A function, the same in mpmath, the ranges that points are drawn from, and what it may be off.

    more    beyond `ULPS`, in units of the last place of the exact value
    beside  what is borne besides, close to roots: in units of the last place of 1
    """

    fn: Fn
    exact: Callable[..., Any]  # Any: mpmath has no types
    ranges: tuple[tuple[Range, ...], ...]
    more: float = 0.0
    beside: float = 0.0


def log_gamma(x: Any) -> Any:
    return m.log(abs(m.gamma(x))) if x < 30 else m.loggamma(x)


def of(fn: Fn, exact: Callable[..., Any], *ranges: Range, more: float = 0.0, beside: float = 0.0) -> Row:
    """The row of a function of one operand."""
    return Row(fn, exact, tuple((one,) for one in ranges), more, beside)


ROWS = (
    of(Fn.EXP, m.exp, (-1.0, 1.0), (-104.0, 89.0), (-745.0, 709.5)),
    of(Fn.EXP2, lambda x: m.mpf(2) ** x, (-1.0, 1.0), (-149.0, 128.0), (-1074.0, 1023.9)),
    of(Fn.EXPM1, m.expm1, (-1.0, 1.0), (-40.0, 88.5), (-1.0, 709.5)),
    of(Fn.LOG, m.log, (0.5, 2.0), (0.0, 1e-38), (0.0, 1e30)),
    of(Fn.LOG2, lambda x: m.log(x) / m.log(2), (0.5, 2.0), (0.0, 1e-38), (0.0, 1e30)),
    of(Fn.LOG10, lambda x: m.log(x) / m.log(10), (0.5, 2.0), (0.0, 1e-38), (0.0, 1e30)),
    of(Fn.LOG1P, m.log1p, (-0.9999, 1.0), (-1e-3, 1e-3), (0.0, 1e30)),
    of(Fn.SIN, m.sin, (-4.0, 4.0), (-1e4, 1e4), (-1e38, 1e38)),
    of(Fn.COS, m.cos, (-4.0, 4.0), (-1e4, 1e4), (-1e38, 1e38)),
    of(Fn.TAN, m.tan, (-4.0, 4.0), (-1e4, 1e4), (-1e38, 1e38)),
    of(Fn.ASIN, m.asin, (-1.0, 1.0), (0.99, 1.0)),
    of(Fn.ACOS, m.acos, (-1.0, 1.0), (0.99, 1.0)),
    of(Fn.ATAN, m.atan, (-2.0, 2.0), (-1e6, 1e6)),
    Row(Fn.ATAN2, m.atan2, (((-2.0, 2.0), (-2.0, 2.0)), ((-1e6, 1e6), (-1.0, 1.0)), ((-1.0, 1.0), (-1e6, 1e6)))),
    of(Fn.SINH, m.sinh, (-2.0, 2.0), (-89.0, 89.0), (-710.0, 710.0)),
    of(Fn.COSH, m.cosh, (-2.0, 2.0), (-89.0, 89.0), (-710.0, 710.0)),
    of(Fn.TANH, m.tanh, (-1.0, 1.0), (-20.0, 20.0)),
    of(Fn.ASINH, m.asinh, (-2.0, 2.0), (-1e30, 1e30)),
    of(Fn.ACOSH, m.acosh, (1.0, 2.0), (1.0, 1e30)),
    of(Fn.ATANH, m.atanh, (-1.0, 1.0), (0.99, 1.0)),
    of(Fn.SIGMOID, lambda x: 1 / (1 + m.exp(-x)), (-2.0, 2.0), (-104.0, 20.0), (-746.0, 40.0)),
    of(Fn.SILU, lambda x: x / (1 + m.exp(-x)), (-2.0, 2.0), (-109.0, 20.0), (-752.0, 40.0), (-1e38, 1e38)),
    of(Fn.ERF, m.erf, (-1.5, 1.5), (-7.0, 7.0), more=2.0),
    of(Fn.ERFC, m.erfc, (-1.0, 1.0), (-7.0, 10.0), (0.0, 27.0), more=2.0),
    of(Fn.ERFINV, inverse_erf, (-1.0, 1.0), (-1e-3, 1e-3)),
    of(Fn.LGAMMA, log_gamma, (0.0, 3.0), more=2.0, beside=0.5),
    of(Fn.LGAMMA, log_gamma, (2.0, 20.0), (3.0, 1e30), more=2.0),
    of(Fn.LGAMMA, log_gamma, (-20.0, -0.01), more=2.0, beside=4.0),
    of(Fn.DIGAMMA, m.digamma, (0.0, 3.0), (2.0, 20.0), (1.0, 1e30), more=2.0),
    of(Fn.DIGAMMA, m.digamma, (-20.0, -0.01), more=2.0, beside=4.0),
    of(Fn.CBRT, lambda x: m.sign(x) * m.cbrt(abs(x)), (-8.0, 8.0), (-1e38, 1e38), (0.0, 1e-38)),
    Row(
        Fn.POW,
        m.power,
        (((0.5, 2.0), (-100.0, 100.0)), ((0.0, 1e10), (-4.0, 4.0)), ((0.9, 1.1), (-800.0, 800.0))),
        more=2.0,
    ),
)  # fmt: skip


def values_of(fn: Fn, *operands: Array) -> Array:
    """What the formula gives."""
    lets, number = formula_of(EXPANSIONS[fn], *(operand.dtype for operand in operands))
    return evaluated(lets, number, operands)


def worst(row: Row, dtype: str, ranges: tuple[Range, ...], count: int) -> tuple[float, tuple[float, ...]]:
    """The largest error above what is borne beside it, in units of the last place, and where it is."""
    rng = np.random.default_rng(0)
    points = [drawn(low, high, count, rng).astype(dtype) for low, high in ranges]
    points = [point[np.all(np.isfinite(points), axis=0)] for point in points]
    found = values_of(row.fn, *points)
    largest: float = 0.0
    at: tuple[float, ...] = ()
    with m.workprec(PRECISION):
        for value, point in zip(found, zip(*points, strict=True), strict=True):
            operands = [m.mpf(float(x)) for x in point]
            exact = row.exact(*operands)
            if not m.isfinite(exact) or abs(exact) > float(np.finfo(dtype).max):
                continue
            unit = float(np.spacing(np.abs(np.dtype(dtype).type(float(exact)))))
            beside = row.beside * float(np.finfo(dtype).eps)
            error = max(0.0, float(abs(m.mpf(float(value)) - exact) - beside)) / unit
            if not error <= largest:
                largest, at = error, tuple(map(float, point))
    return largest, at


CASES = [
    pytest.param(row, dtype, ranges, id=f"{row.fn.value}-{dtype}-{number}")
    for row in ROWS
    for dtype in ULPS
    for number, ranges in enumerate(row.ranges)
]


@pytest.mark.parametrize(("row", "dtype", "ranges"), CASES)
def test_formula_is_exact_to_the_last_places(row: Row, dtype: str, ranges: tuple[Range, ...]) -> None:
    error, at = worst(row, dtype, ranges, SOME)
    assert error <= ULPS[dtype] + row.more, at


@pytest.mark.full
@pytest.mark.parametrize(("row", "dtype", "ranges"), CASES)
def test_formula_is_exact_to_the_last_places_at_many_points(row: Row, dtype: str, ranges: tuple[Range, ...]) -> None:
    error, at = worst(row, dtype, ranges, -(-MANY // len(row.ranges)))
    assert error <= ULPS[dtype] + row.more, at


def test_every_formula_has_a_row() -> None:
    assert {row.fn for row in ROWS} | {Fn.POLYGAMMA} == set(EXPANSIONS)


@pytest.mark.parametrize("dtype", ULPS)
@pytest.mark.parametrize("fn", [fn for fn in EXPANSIONS if SIGNATURES[fn].arity == 1], ids=lambda fn: fn.value)
@np.errstate(all="ignore")
def test_zeros_infinities_and_nan_are_those_of_the_meaning(fn: Fn, dtype: str) -> None:
    limits = np.finfo(dtype)
    ends = (limits.max, limits.tiny, limits.smallest_subnormal, np.inf, 0.0)
    x = np.array([*ends, *(-end for end in ends), 1.0, -1.0, np.nan], dtype)
    found, expected = values_of(fn, x), np.array([MEANING[fn](one) for one in x], dtype)
    is_special = ~np.isfinite(expected) | (expected == 0) | (x == 0)
    if fn is Fn.LGAMMA:
        is_special &= (x == 0) | (np.abs(x) >= 1)  # it is finite around 0, where SciPy's is not
    np.testing.assert_array_equal(found[is_special], expected[is_special])
    is_zero = expected == 0
    np.testing.assert_array_equal(np.signbit(found[is_zero]), np.signbit(expected[is_zero]))


@pytest.mark.parametrize("dtype", ULPS)
@pytest.mark.parametrize(
    ("fn", "x", "y"),
    [
        (Fn.EXP, 0.0, 1.0),
        (Fn.EXP2, 10.0, 1024.0),
        (Fn.LOG, 1.0, 0.0),
        (Fn.LOG2, 1024.0, 10.0),
        (Fn.LOG10, 1000.0, 3.0),
        (Fn.COS, 0.0, 1.0),
    ],
)
def test_value_is_exact_where_it_is_known(fn: Fn, x: float, y: float, dtype: str) -> None:
    assert values_of(fn, np.array([x], dtype)) == y


#: zeros, ones, infinities, nan, odd and even numbers, fractions, the ends of the range
HOSTILE = (
    0.0, -0.0, 1.0, -1.0, 0.5, -0.5, 2.0, -2.0, 3.0, -3.0, 2.5, 1e30, -1e30, 1e-30, np.inf, -np.inf, np.nan,
    2.0**24 + 1, 2.0**53 - 1, 1e-45, -1e-45,
)  # fmt: skip


@pytest.mark.parametrize("dtype", ULPS)
@pytest.mark.parametrize("fn", [Fn.POW, Fn.ATAN2], ids=lambda fn: fn.value)
@np.errstate(all="ignore")
def test_function_of_two_is_its_meaning_at_every_pair_of_ends(fn: Fn, dtype: str) -> None:
    x, y = (grid.ravel() for grid in np.meshgrid(np.array(HOSTILE, dtype), np.array(HOSTILE, dtype)))
    found = values_of(fn, x, y)
    expected = MEANING[fn](x.astype(np.float64), y.astype(np.float64)).astype(dtype) if fn is Fn.ATAN2 else None
    if expected is None:
        expected = np.float_power(x, y).astype(dtype)
    limits = np.finfo(dtype)
    np.testing.assert_allclose(found, expected, rtol=float(4 * limits.eps), atol=float(limits.smallest_subnormal))
    numbers = ~np.isnan(expected)
    np.testing.assert_array_equal(np.signbit(found[numbers]), np.signbit(expected[numbers]))


@pytest.mark.parametrize("dtype", ULPS)
@pytest.mark.parametrize("order", [0, 1, 2, 5, 20])
def test_polygamma_is_exact_but_for_what_its_terms_lose(order: int, dtype: str) -> None:
    x = np.geomspace(0.5, 100, 60).astype(dtype)
    found = values_of(Fn.POLYGAMMA, np.full_like(x, order), x)
    with m.workprec(PRECISION):
        exact = [m.polygamma(order, m.mpf(float(one))) for one in x]
        units = np.spacing(np.abs(np.array([float(one) for one in exact]).astype(dtype)))
        errors = [abs(m.mpf(float(y)) - e) / float(u) for y, e, u in zip(found, exact, units, strict=True)]
    assert max(errors) <= 6 + order  # x + k is rounded, and raised to that power


@pytest.mark.parametrize("order", [0, 1, 2, 3])
def test_polygamma_has_poles_and_reflects(order: int) -> None:
    x = np.array([0.0, -1.0, -2.0, np.inf, -np.inf, np.nan, -0.3, -2.7, -9.4])
    expected = [value_of(Fn.POLYGAMMA, (np.float64(order), one), np.dtype("float64")) for one in x]
    np.testing.assert_allclose(values_of(Fn.POLYGAMMA, np.full_like(x, order), x), expected, rtol=1e-11)


@pytest.mark.parametrize("dtype", ["int8", "uint8", "int32", "uint32", "int64", "uint64"])
def test_power_of_integers_is_its_meaning(dtype: str) -> None:
    limits = np.iinfo(dtype)
    numbers = [0, 1, 2, 3, 7, limits.max, limits.max - 1, limits.min]
    numbers += [-1, -2, -3] if limits.min < 0 else []
    x, y = (grid.ravel() for grid in np.meshgrid(np.array(numbers, dtype), np.array(numbers, dtype)))
    lets, number = formula_of(EXPANSIONS_OF_INTEGERS[Fn.POW], dtype, dtype)
    expected = [value_of(Fn.POW, pair, np.dtype(dtype)) for pair in zip(x, y, strict=True)]
    np.testing.assert_array_equal(evaluated(lets, number, [x, y]), np.array(expected, dtype))
