"""Random numbers of a distribution: each element is a function of the key and of its own place, and so fuses."""

import math

from graphc.errors import ArgumentError, DTypeError
from graphc.ir.apply import locate
from graphc.ir.given import an_array_shape
from graphc.ir.kinds import require_floating
from graphc.ir.leaves import ConstantValue, full
from graphc.ir.leaves import uniform as number_of
from graphc.ir.node import Like, Node
from graphc.ir.operands import as_node, broadcast_shapes, cast, where
from graphc.ops.bits import right_shift
from graphc.ops.elementwise import erf, erfinv, floating, log
from graphc.ops.keys import numbers
from graphc.ops.logic import greater_equal, less, less_equal, logical_and
from graphc.ops.movement import Extents, broadcast_to
from graphc.ops.piecewise import clip
from graphc.origin import here
from graphc.types import BFLOAT16, DTYPES, FLOAT32, DType, Shape, accumulator, as_dtype, is_floating, promote

__all__ = [
    "a_float",
    "bernoulli",
    "bits",
    "exponential",
    "normal",
    "open_uniform",
    "parameter",
    "truncated_normal",
    "uniform",
    "waiting",
]

_FLOAT16, _FLOAT64 = DTYPES["float16"], DTYPES["float64"]
_UINT32 = DTYPES["uint32"]
_DIGITS = {_FLOAT16: 11, BFLOAT16: 8, FLOAT32: 24, _FLOAT64: 53}  # bits of a significand


def bits(key: Like, shape: Extents = (), dtype: object = "uint32") -> Node:
    """Random bits: every number of an unsigned dtype is as likely.   key []   ->   `shape`

    Element i, in row-major order, is word i mod 4 of what Philox 4x32-10 gives for counter i div 4; of 64 bits it is
    words 2 i and 2 i + 1 of that sequence, the low one first; of 8 and 16 bits the high ones of word i.

    No slope.  Salmon, Moraes, Dror, Shaw: Parallel random numbers: as easy as 1, 2, 3, 2011.
    """
    wanted = as_dtype(dtype)
    if wanted.kind != "u":
        raise locate(DTypeError(f"bits has no meaning for {wanted}", hint='dtype="uint32"'), here(), ())
    width = 8 * wanted.itemsize
    words = numbers("bits", key, an_array_shape("bits", shape), 64 if width == 64 else 32)
    return words if width >= 32 else cast(right_shift(words, 32 - width), wanted)


def uniform(key: Like, shape: Extents = (), dtype: object = "float32", *, low: Like = 0.0, high: Like = 1.0) -> Node:
    """Uniform numbers from `low` on and below `high`, which broadcast to `shape`.   key []   ->   `shape`

    From 0 to 1 they are k / 2^24 for float32, of the high bits k of a word, so that all are as likely: k / 2^53 for
    float64, 2^11 for float16, 2^8 for bfloat16.  Where low + (high - low) u is rounded to `high` it is `low`.

    Slopes: 1 - u by `low`, u by `high`.  Raises ArgumentError for numbers with low >= high.
    """
    wanted = a_float("uniform", dtype)
    extents = an_array_shape("uniform", shape)
    unit = _unit("uniform", key, extents, wanted)
    first, last = as_node(low), as_node(high)
    ends = number_of(first), number_of(last)
    if None not in ends and not first.ndim and not last.ndim:
        _require_ascending("uniform", *ends)
        if ends == (0, 1):
            return unit
    start, stop = (parameter("uniform", end, extents, wanted) for end in (first, last))
    drawn = start + (stop - start) * unit
    return where(greater_equal(drawn, stop), start, drawn)


def _unit(name: str, key: Like, shape: Shape, dtype: DType) -> Node:
    """k / 2^digits."""
    digits = _DIGITS[dtype]
    width = 64 if dtype == _FLOAT64 else 32
    return cast(right_shift(numbers(name, key, shape, width), width - digits), dtype) * 2.0**-digits


def open_uniform(name: str, key: Like, shape: Shape, dtype: DType) -> Node:
    """(k + 1/2) / 2^(digits - 1): above 0 and below 1, and as far from either.  float32 or float64."""
    return _signed(name, key, shape, dtype) * 0.5 + 0.5


def _signed(name: str, key: Like, shape: Shape, dtype: DType) -> Node:
    """Above -1 and below 1: odd multiples of 2^-digits, for float32 or float64.  Never 0."""
    width = 64 if dtype == _FLOAT64 else 32
    digits = _DIGITS[dtype]
    words = cast(numbers(name, key, shape, width), DTYPES[f"int{width}"])
    return cast(right_shift(words, width - digits - 1) | 1, dtype) * 2.0**-digits


def normal(key: Like, shape: Extents = (), dtype: object = "float32") -> Node:
    """Normal numbers of mean 0 and variance 1.   key []   ->   `shape`

    √2 erfinv(v), the inverse of the distribution, at odd multiples v of 2^-24 from -1 to 1 (2^-53 for float64):
    finite, from -5.4 to 5.4 (8.3), and never 0.  float16 and bfloat16 are rounded from float32.

    No slope of its own: mean + deviation * normal(key, ...) has slopes by mean and deviation.
    """
    wanted = a_float("normal", dtype)
    signed = _signed("normal", key, an_array_shape("normal", shape), accumulator(wanted))
    return cast(erfinv(signed) * math.sqrt(2), wanted)


def truncated_normal(
    key: Like, lower: Like, upper: Like, shape: "Extents | None" = None, dtype: object = "float32"
) -> Node:
    """Normal numbers given that they are from `lower` to `upper`; `shape` is that of the bounds where not given.

    key []   lower [...]   upper [...]   ->   `shape`

    √2 erfinv(v), with v uniform from erf(lower / √2) to erf(upper / √2): by float32 coarse beyond 4 deviations, as
    few numbers are there.

    Slopes by the bounds: through v.  Raises ArgumentError for numbers with lower >= upper.
    """
    wanted = a_float("truncated_normal", dtype)
    wide = accumulator(wanted)
    first, last = as_node(lower), as_node(upper)
    if not first.ndim and not last.ndim:
        _require_ascending("truncated_normal", number_of(first), number_of(last))
    extents = broadcast_shapes(first.shape, last.shape) if shape is None else an_array_shape("truncated_normal", shape)
    start, stop = (parameter("truncated_normal", end, extents, wide) for end in (first, last))
    least, most = (erf(end * math.sqrt(0.5)) for end in (start, stop))
    unit = open_uniform("truncated_normal", key, extents, wide)
    limit = 1 - 2.0 ** -_DIGITS[wide]
    drawn = erfinv(clip(least + (most - least) * unit, -limit, limit)) * math.sqrt(2)
    return cast(clip(drawn, start, stop), wanted)


def exponential(key: Like, shape: Extents = (), dtype: object = "float32") -> Node:
    """Exponential numbers of mean 1.   key []   ->   `shape`

    -log(u), with u an odd multiple of 2^-24 (2^-53 for float64) from 0 to 1: finite, and never 0.  float16 and bfloat16
    are rounded from float32.

    No slope of its own: exponential(key, ...) * mean has one by mean.
    """
    wanted = a_float("exponential", dtype)
    return cast(waiting("exponential", key, an_array_shape("exponential", shape), accumulator(wanted)), wanted)


def waiting(name: str, key: Like, shape: Shape, dtype: DType) -> Node:
    """Exponential numbers of mean 1, float32 or float64."""
    return -log(open_uniform(name, key, shape, dtype))


def bernoulli(key: Like, p: Like = 0.5, shape: "Extents | None" = None) -> Node:
    """True with probability `p`; `shape` is that of `p` where it is not given.   key []   p [...]   ->   `shape`

    Whether 32 random bits, as a number, are below ⌊2^32 p⌋: true for p >= 1, false for p <= 0 and for nan.  No slope.
    Raises ArgumentError for numbers p outside 0 .. 1.
    """
    chance = floating(p)
    require_floating("bernoulli", chance.dtype)
    _require_probabilities("bernoulli", "p", chance)
    extents = chance.shape if shape is None else an_array_shape("bernoulli", shape)
    words = numbers("bernoulli", key, extents, 32)
    number = number_of(chance)
    if number is not None:
        below = int(float(number.real) * 2**32)
        if below == 2**32:
            return greater_equal(words, full((), 0, _UINT32))
        return less(words, full((), below, _UINT32))
    scaled = cast(chance, _FLOAT64) * 2.0**32
    last = cast(where(scaled >= 1, clip(scaled - 1, 0, 2**32 - 1), 0), _UINT32)
    return logical_and(less_equal(words, broadcast_to(last, extents)), broadcast_to(scaled >= 1, extents))


def _require_probabilities(name: str, what: str, p: Node) -> None:
    """Raise ArgumentError where the values are known, and one is no probability."""
    if isinstance(p.op, ConstantValue) and not bool(((p.op.array >= 0) & (p.op.array <= 1)).all()):
        worst = min(p.op.array.flat, key=lambda one: 0 <= one <= 1)
        raise locate(ArgumentError(f"{name}: {what} is a probability, from 0 to 1, not {worst}"), here(), ())


def _require_ascending(name: str, low: object, high: object) -> None:
    if isinstance(low, int | float) and isinstance(high, int | float) and not low < high:
        raise locate(ArgumentError(f"{name}: from {low} to {high} is no interval"), here(), ())


def a_float(name: str, dtype: object) -> DType:
    """The dtype of what is drawn: of real floats."""
    wanted = as_dtype(dtype)
    require_floating(name, wanted)
    return wanted


def parameter(name: str, x: Node, shape: Shape, dtype: DType) -> Node:
    """A parameter of a distribution in the dtype and the shape of what is drawn."""
    if is_floating(x.dtype) and not x.tensor.weak and promote(x.tensor, full((), 0.0, dtype).tensor) != dtype:
        hint = f'dtype="{x.dtype}", or x.astype("{dtype}")'
        raise locate(DTypeError(f"{name}: a {x.dtype} parameter of {dtype} numbers", hint=hint), here(), (x,))
    require_floating(name, cast(floating(x), dtype).dtype)
    return broadcast_to(cast(floating(x), dtype), shape)
