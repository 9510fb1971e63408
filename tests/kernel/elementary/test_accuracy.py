"""How far the formulas are from the exact values, and what they are at the ends of their ranges."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeAlias

import mpmath as m
import numpy as np
import numpy.typing as npt
import pytest

from benchmarks.measure.formulas import evaluated, formula_of
from graphc.kernel.elementary.expansion import EXPANSIONS
from graphc.kernel.meaning import MEANING
from graphc.kernel.scalar import Fn

Array: TypeAlias = npt.NDArray[Any]  # Any: float32 or float64
Range: TypeAlias = tuple[float, float]

ULPS = {"float32": 1.5, "float64": 2.0}
PRECISION = 200  # bits
SOME, MANY = 500, 100_000  # points of each range


@dataclass(frozen=True)
class Row:
    """A function, the same in mpmath, the ranges that points are drawn from, and what it may be off.

    more    beyond `ULPS`, in units of the last place of the exact value
    beside  of what is added to the error that is borne: a number per operand's unit, close to roots and poles
    """

    fn: Fn
    exact: Callable[..., Any]  # Any: mpmath has no types
    ranges: tuple[tuple[Range, ...], ...]
    more: float = 0.0
    beside: float = 0.0


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
    of(Fn.COS, m.cos, (-4.0, 4.0), (-1e4, 1e4), (-1e38, 1e38), more=0.1),
    of(Fn.TAN, m.tan, (-4.0, 4.0), (-1e4, 1e4), (-1e38, 1e38)),
    of(Fn.TANH, m.tanh, (-1.0, 1.0), (-20.0, 20.0)),
)  # fmt: skip


def drawn(low: float, high: float, count: int, rng: np.random.Generator) -> Array:
    """Points of a range: half are even, half even in the logarithm of their distance from 0 or from its lower end."""
    even = rng.uniform(low, high, count // 2)
    start = max(low, 0.0)
    near = start + (high - start) * 10.0 ** -rng.uniform(0, 12, count - count // 2)
    if low < 0:
        near = np.where(rng.random(near.size) < 0.5, -near, near)
    return np.concatenate([even, near]).clip(low, high)


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
    error, at = worst(row, dtype, ranges, MANY)
    assert error <= ULPS[dtype] + row.more, at


def test_every_formula_has_a_row() -> None:
    assert {row.fn for row in ROWS} == set(EXPANSIONS)


@pytest.mark.parametrize("dtype", ULPS)
@pytest.mark.parametrize("fn", [row.fn for row in ROWS if len(row.ranges[0]) == 1], ids=lambda fn: fn.value)
@np.errstate(all="ignore")
def test_zeros_infinities_and_nan_are_those_of_the_meaning(fn: Fn, dtype: str) -> None:
    limits = np.finfo(dtype)
    ends = (limits.max, limits.tiny, limits.smallest_subnormal, np.inf, 0.0)
    x = np.array([*ends, *(-end for end in ends), 1.0, -1.0, np.nan], dtype)
    found, expected = values_of(fn, x), np.array([MEANING[fn](one) for one in x], dtype)
    is_special = ~np.isfinite(expected) | (expected == 0) | (x == 0)
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
