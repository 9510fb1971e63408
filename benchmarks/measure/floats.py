"""Functions of floats beside mpmath: which, points of all their range, their exact values, and errors."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import mpmath
import numpy as np
import numpy.typing as npt

import graphc as gx
from benchmarks.measure.numpy_functions import IN_NUMPY

__all__ = [
    "BOUNDS",
    "FUNCTIONS",
    "Exact",
    "Function",
    "Worst",
    "drawn",
    "exact_at",
    "inverse_erf",
    "ordinary_points",
    "points",
    "worst_of",
]

Array: TypeAlias = npt.NDArray[Any]  # Any: float32 or float64
Range: TypeAlias = tuple[float, float]
Formula: TypeAlias = Callable[..., Any]  # Any: mpmath has no types
m = mpmath

PRECISION = 110  # bits: twice those of float64
SHIFT = 300  # numbers near the ends of float64 are compared times 2^SHIFT or divided by it

#: what a function may be off, in units of the last place of the exact value
BOUNDS = {"float32": 1.5, "float64": 2.0}


@dataclass(frozen=True)
class Function:
    """A public function, the same in mpmath, and ranges that its points are drawn from.

    ranges    of its operands; the first are ordinary ones
    order     of polygamma
    whole     whether points are drawn from all floats as well
    more      what it may be off beyond `BOUNDS`
    beside    what is borne besides, in units of the last place of 1: close to roots, where operands cancel
    share     which part of the points are taken: mpmath takes long
    """

    name: str
    exact: Formula
    ranges: tuple[tuple[Range, ...], ...]
    order: int | None = None
    whole: bool = True
    more: float = 0.0
    beside: float = 0.0
    share: int = 1

    @property
    def label(self) -> str:
        return self.name if self.order is None else f"{self.name}({self.order}, x)"

    @property
    def arity(self) -> int:
        return len(self.ranges[0])

    def build(self, *xs: gx.Node) -> gx.Node:
        function: Callable[..., gx.Node] = getattr(gx, self.name)
        return function(*xs) if self.order is None else function(self.order, *xs)


@dataclass(frozen=True)
class Worst:
    """The largest error, in units of the last place of the exact value, and the point where it was found."""

    ulps: float
    at: tuple[float, ...]


@dataclass(frozen=True)
class Exact:
    """Exact values, in two parts, as 2^shift times what they are.

    first     nan where there is none
    is_pole   where all that is asked of the value is not to be finite
    """

    first: Array
    second: Array
    shift: Array
    is_pole: Array


def of(name: str, exact: Formula, *ranges: Range, **others: Any) -> Function:  # Any: fields of several types
    """A function of one operand."""
    return Function(name, exact, tuple((one,) for one in ranges), **others)


def _log_gamma(x: Any) -> Any:
    return m.loggamma(x).real


def _erfc(x: Any) -> Any:
    """That of mpmath, which has no room for the numbers of digits that it takes far out."""
    return m.erfc(min(max(x, -1000), 1000))


def _power(x: Any, y: Any) -> Any:
    """That of mpmath, which multiplies for minutes where the result is far beyond the range."""
    size = y * m.log(abs(x))
    if abs(size) < 2000 or (x < 0 and not m.isint(y)):
        return m.power(x, y) if x > 0 or m.isint(y) else m.nan
    return m.exp(m.sign(size) * 2000) * (-1 if x < 0 and int(y) % 2 else 1)


def inverse_erf(x: Any) -> Any:
    """Two of Newton's steps: mpmath's own way takes ten times as long."""
    if not -1 < x < 1:
        return m.erfinv(x) if abs(x) == 1 else m.nan
    from scipy import special

    y = m.mpf(float(special.erfinv(float(x))))
    for _ in range(2):
        y -= (m.erf(y) - x) * m.sqrt(m.pi) / 2 * m.exp(y * y)
    return y


def _logistic(x: Any) -> Any:
    return 1 / (1 + m.exp(-x))


EVERY = (-50.0, 50.0)
TURNS = ((-4.0, 4.0), (-1e4, 1e4))
BESIDE_1 = ((0.5, 2.0), (0.0, 1e-38), (1e-30, 1e30))
FUNCTIONS = (
    of("exp", m.exp, (-1.0, 1.0), (-104.0, 89.0), (-745.5, 710.0)),
    of("exp2", lambda x: m.mpf(2) ** x, (-1.0, 1.0), (-150.0, 128.0), (-1075.0, 1024.0)),
    of("expm1", m.expm1, (-1.0, 1.0), (-40.0, 89.0), (-1.0, 710.0)),
    of("log", m.log, *BESIDE_1),
    of("log2", lambda x: m.log(x) / m.ln2, *BESIDE_1),
    of("log10", lambda x: m.log(x) / m.ln10, *BESIDE_1),
    of("log1p", m.log1p, (-0.9999, 1.0), (-1e-3, 1e-3), (0.0, 1e30)),
    of("sqrt", m.sqrt, (0.0, 1e30)),
    of("rsqrt", lambda x: 1 / m.sqrt(x), (1e-30, 1e30)),
    of("cbrt", lambda x: m.sign(x) * m.cbrt(abs(x)), (-8.0, 8.0), (-1e38, 1e38)),
    Function("power", _power, (
        ((0.5, 2.0), (-100.0, 100.0)), ((0.0, 1e10), (-4.0, 4.0)), ((0.9, 1.1), (-800.0, 800.0)),
    ), more=2.0),
    of("sin", m.sin, *TURNS),
    of("cos", m.cos, *TURNS),
    of("tan", m.tan, *TURNS),
    of("asin", m.asin, (-1.0, 1.0), (0.99, 1.0)),
    of("acos", m.acos, (-1.0, 1.0), (0.99, 1.0)),
    of("atan", m.atan, (-2.0, 2.0), (-1e6, 1e6)),
    Function("atan2", m.atan2, (((-2.0, 2.0), (-2.0, 2.0)), ((-1e6, 1e6), (-1.0, 1.0)), ((-1.0, 1.0), (-1e6, 1e6)))),
    Function("hypot", m.hypot, (((-2.0, 2.0), (-2.0, 2.0)), ((-1e30, 1e30), (-1e30, 1e30))), more=0.5),
    of("degrees", m.degrees, EVERY),
    of("radians", m.radians, EVERY),
    of("sinc", m.sincpi, (-4.0, 4.0), EVERY, more=1.5),
    of("sinh", m.sinh, (-2.0, 2.0), (-90.0, 90.0), (-711.0, 711.0)),
    of("cosh", m.cosh, (-2.0, 2.0), (-90.0, 90.0), (-711.0, 711.0)),
    of("tanh", m.tanh, (-1.0, 1.0), (-20.0, 20.0)),
    of("asinh", m.asinh, (-2.0, 2.0), (-1e30, 1e30)),
    of("acosh", m.acosh, (1.0, 2.0), (1.0, 1e30)),
    of("atanh", m.atanh, (-1.0, 1.0), (0.99, 1.0)),
    of("sigmoid", _logistic, (-8.0, 8.0), (-104.0, 20.0), (-746.0, 40.0)),
    of("log_sigmoid", lambda x: -m.log1p(m.exp(-x)), (-8.0, 8.0), (-20.0, 104.0), (-40.0, 746.0), more=0.5),
    of("softplus", lambda x: m.log1p(m.exp(x)), (-8.0, 8.0), (-104.0, 20.0), (-746.0, 40.0), more=0.5),
    of("silu", lambda x: x * _logistic(x), (-8.0, 8.0), (-109.0, 20.0), (-752.0, 40.0)),
    of("gelu", lambda x: x * _erfc(-x / m.sqrt(2)) / 2, (-4.0, 4.0), (-15.0, 9.0), (-39.0, 9.0), more=2000.0),
    of("erf", m.erf, (-1.5, 1.5), (-7.0, 7.0), more=2.0),
    of("erfc", _erfc, (-1.0, 1.0), (-7.0, 10.0), (0.0, 27.5), more=2.0),
    of("erfinv", inverse_erf, (-1.0, 1.0), (-1e-3, 1e-3)),
    of("lgamma", _log_gamma, (0.0, 3.0), (2.0, 20.0), (3.0, 1e30), (-20.0, -0.01), more=2.0, beside=4.0),
    of("digamma", m.digamma, (0.0, 3.0), (2.0, 20.0), (1.0, 1e30), (-20.0, -0.01), more=2.0, beside=4.0),
    of("polygamma", lambda x: m.polygamma(1, x), (0.5, 100.0), order=1, whole=False, more=6.0, share=16),
    of("polygamma", lambda x: m.polygamma(2, x), (0.5, 100.0), order=2, whole=False, more=6.0, share=16),
    Function("logaddexp", lambda x, y: m.log(m.exp(x) + m.exp(y)), ((EVERY, EVERY),), beside=2.0),
    Function("logaddexp2", lambda x, y: m.log(m.mpf(2) ** x + m.mpf(2) ** y) / m.ln2, ((EVERY, EVERY),), beside=2.0),
    Function("xlogy", lambda x, y: x * m.log(y), ((EVERY, (1e-6, 1e6)),), more=0.5),
    Function("xlog1py", lambda x, y: x * m.log1p(y), ((EVERY, (-0.999, 1e6)),), more=0.5),
    Function("lerp", lambda x, y, w: x + w * (y - x), (((1.0, 2.0), (3.0, 4.0), (0.0, 1.0)),), whole=False),
)  # fmt: skip


# Points.


def drawn(low: float, high: float, count: int, rng: np.random.Generator) -> Array:
    """Points of a range: a half even, a half even in the logarithm of their distance from 0, or from `low`."""
    even = rng.uniform(low, high, count // 2)
    start = max(low, 0.0)
    near = start + (high - start) * 10.0 ** -rng.uniform(0, 12, count - count // 2)
    if low < 0:
        near = np.where(rng.random(near.size) < 0.5, -near, near)
    return np.concatenate([even, near]).clip(low, high)


def _of_bits(dtype: str, count: int, rng: np.random.Generator) -> Array:
    """Floats of any exponent and sign, those without all their digits among them."""
    width = 8 * np.dtype(dtype).itemsize
    found: Array = rng.integers(0, 1 << width, count, np.dtype(f"uint{width}")).view(dtype)
    return np.where(np.isfinite(found), found, found.dtype.type(1))


def _ends(dtype: str) -> Array:
    """Zeros, the ends of the range, infinities and nan."""
    limits = np.finfo(dtype)
    ends = (0.0, limits.smallest_subnormal, limits.tiny, 1.0, limits.max, np.inf)
    return np.array([*ends, *(-end for end in ends), np.nan], dtype)


@np.errstate(all="ignore")
def points(function: Function, dtype: str, count: int) -> list[Array]:
    """So many operands, the same at each run: of the ranges, of all floats, and all combinations of their ends."""
    rng = np.random.default_rng(0)
    ends = [grid.ravel() for grid in np.meshgrid(*[_ends(dtype)] * function.arity)] if function.whole else []
    shares = len(function.ranges) * (2 if function.whole else 1)
    each = -(-count // shares)
    parts = [[drawn(low, high, each, rng).astype(dtype) for low, high in ranges] for ranges in function.ranges]
    if function.whole:
        parts.append([_of_bits(dtype, each * len(function.ranges), rng) for _ in range(function.arity)])
    found = [np.concatenate(one) for one in zip(*parts, strict=True)]
    order = rng.permutation(found[0].size)
    return [np.concatenate([*ends[n : n + 1], one[order]])[:count] for n, one in enumerate(found)]


def ordinary_points(function: Function, dtype: str, count: int) -> list[Array]:
    """Operands of the first ranges, even in them."""
    rng = np.random.default_rng(0)
    return [rng.uniform(low, high, count).astype(dtype) for low, high in function.ranges[0]]


# Values and errors.


def exact_at(function: Function, arrays: Sequence[Array]) -> Exact:
    """The values of a function at some points; of zeros, infinities and nan, those of the NumPy backend.

    Those that float32 is compared with are NumPy's or SciPy's of float64, where roots do not take their digits.
    """
    count, dtype = arrays[0].size, arrays[0].dtype
    limit = mpmath.mpf(2) ** np.finfo(dtype).maxexp
    first, second = np.zeros(count), np.zeros(count)
    shift, is_pole = np.zeros(count, np.int64), np.zeros(count, np.bool_)
    known = np.logical_and(np.isfinite(arrays), arrays).all(axis=0)
    in_double = None if function.beside or dtype == np.float64 else IN_NUMPY.get(function.name)
    if in_double is not None:
        with np.errstate(all="ignore"):
            first = in_double(*(array.astype(np.float64) for array in arrays)).clip(-float(limit), float(limit))
    with mpmath.workprec(PRECISION):
        for n in np.flatnonzero(known) if in_double is None else ():
            try:
                value = function.exact(*(mpmath.mpf(float(array[n])) for array in arrays))
            except (ValueError, ZeroDivisionError):  # as mpmath says that there is a pole
                is_pole[n] = True
                continue
            if isinstance(value, mpmath.mpc) or mpmath.isnan(value):
                first[n] = np.nan
                continue
            value = min(max(value, -limit), limit)  # which is what an infinite result counts for
            size = mpmath.mag(value) if value else 0
            shift[n] = SHIFT if size < -SHIFT else -SHIFT if size > SHIFT else 0
            value = mpmath.ldexp(value, int(shift[n]))
            first[n] = float(value)
            second[n] = float(value - first[n])
    if not known.all():
        wide = [array[~known].astype(np.float64) for array in arrays]
        nodes = [gx.input(f"x{n}", array.size, "float64") for n, array in enumerate(wide)]
        with np.errstate(all="ignore"):
            value = np.asarray(gx.compile(nodes, function.build(*nodes), backend="numpy")(*wide))
        first[~known] = np.where(np.isinf(value), np.copysign(float(limit / 2) * 2.0, value), value)
        if dtype == np.float64:
            first[~known] = np.where(np.isinf(value), np.copysign(float(mpmath.ldexp(limit, -SHIFT)), value), value)
            shift[~known] = np.where(np.isinf(value), -SHIFT, 0)
    return Exact(first, second, shift, is_pole)


@np.errstate(all="ignore")
def worst_of(function: Function, exact: Exact, arrays: Sequence[Array], found: Array) -> Worst:
    """The worst error of what was found at some points, above what is borne `beside`."""
    limits = np.finfo(found.dtype)
    size = np.ldexp(np.abs(exact.first), -exact.shift)
    largest = float(limits.max) * 0.75  # the units above are those of it, where `spacing` has none
    unit = np.spacing(np.minimum(size, largest).astype(found.dtype)).astype(np.float64)
    infinite = np.ldexp(1.0, limits.maxexp + np.minimum(exact.shift, 0))
    scaled = np.ldexp(found.astype(np.float64), exact.shift)
    scaled = np.where(np.isinf(found), np.copysign(infinite, found), scaled)
    error = np.abs((scaled - exact.first) - exact.second)
    beside = np.ldexp(function.beside * float(limits.eps), exact.shift)
    ulps = np.maximum(error - beside, 0.0) / np.ldexp(unit, exact.shift)
    ulps = np.where(np.isnan(exact.first), np.where(np.isnan(found), 0.0, np.inf), ulps)
    ulps = np.where(exact.is_pole, np.where(np.isfinite(found), np.inf, 0.0), ulps)
    is_signed = np.equal(arrays, 0).any(axis=0) & (exact.first == 0)
    ulps = np.where(is_signed & (np.signbit(found) != np.signbit(exact.first)), np.inf, ulps)
    ulps = np.where(np.isnan(ulps), np.inf, ulps)
    worst = int(np.argmax(ulps))
    return Worst(float(ulps[worst]), tuple(float(array[worst]) for array in arrays))
