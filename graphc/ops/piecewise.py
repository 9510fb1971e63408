"""Functions with corners and steps.  At each corner one slope is chosen, and said."""

import math
from builtins import abs as magnitude
from collections.abc import Sequence
from typing import ClassVar, final

import numpy as np
from ml_dtypes import finfo

from graphc.errors import ArgumentError
from graphc.ir.apply import apply, locate
from graphc.ir.arithmetic import ones_like, zeros_like
from graphc.ir.complex import complex, imag, real
from graphc.ir.given import a_whole_number
from graphc.ir.kinds import Elementwise
from graphc.ir.node import Like, Node
from graphc.ir.operands import as_node, as_number, cast, meet, where
from graphc.ir.values import fits
from graphc.kernel import functions as k
from graphc.kernel.scalar import Scalar
from graphc.ops.elementwise import meet_floating, stop_gradient
from graphc.ops.logic import (
    equal,
    greater,
    greater_equal,
    isfinite,
    isinf,
    isnan,
    less_equal,
    logical_and,
    logical_or,
    logical_xor,
)
from graphc.ops.powers import hypot
from graphc.origin import here
from graphc.types import BOOL, accumulator, is_complex, is_differentiable, is_floating

__all__ = [
    "abs",
    "ceil",
    "clip",
    "copysign",
    "floor",
    "floordiv",
    "fmod",
    "heaviside",
    "maximum",
    "minimum",
    "nan_to_num",
    "relu",
    "remainder",
    "round",
    "sign",
    "trunc",
]


@final
class Abs(Elementwise):
    """|x|.  Slope: sign(x), so 0 at 0."""

    name: ClassVar[str] = "abs"
    accepts: ClassVar[str] = "iuf"

    def scalar(self, *xs: Scalar) -> Scalar:
        return k.abs(*xs)

    def partials(self, y: Node, *xs: Node) -> Sequence[Node | None]:
        return (sign(*xs),)


@final
class Sign(Elementwise):
    """-1, 0 or 1; 0 for -0, nan for nan.  Slope: 0."""

    name: ClassVar[str] = "sign"
    accepts: ClassVar[str] = "iuf"

    def scalar(self, *xs: Scalar) -> Scalar:
        (x,) = xs
        return k.sign(x.cast(accumulator(x.dtype))).cast(x.dtype)  # that of ml_dtypes keeps the sign of a zero


@final
class Relu(Elementwise):
    """max(x, 0).  Slope: 1 where y > 0, else 0, also at x = 0."""

    name: ClassVar[str] = "relu"
    accepts: ClassVar[str] = "iuf"

    def scalar(self, *xs: Scalar) -> Scalar:
        (x,) = xs
        return k.maximum(x, 0)

    def partials(self, y: Node, *xs: Node) -> Sequence[Node | None]:
        return (where(greater(y, 0), ones_like(y), 0.0),)


@final
class Maximum(Elementwise):
    """The larger of two; nan if one is.  Slopes: 1 for the larger, 0 for the other, 1/2 each if equal."""

    name: ClassVar[str] = "maximum"
    accepts: ClassVar[str] = "biuf"

    def scalar(self, *xs: Scalar) -> Scalar:
        return k.maximum(*xs)

    def partials(self, y: Node, *xs: Node) -> Sequence[Node | None]:
        left, right = xs
        share = where(equal(left, right), 0.5, ones_like(y))
        return (where(greater_equal(left, right), share, 0.0), where(greater_equal(right, left), share, 0.0))


@final
class Minimum(Elementwise):
    """The smaller of two; nan if one is.  Slopes: 1 for the smaller, 0 for the other, 1/2 each if equal."""

    name: ClassVar[str] = "minimum"
    accepts: ClassVar[str] = "biuf"

    def scalar(self, *xs: Scalar) -> Scalar:
        return k.minimum(*xs)

    def partials(self, y: Node, *xs: Node) -> Sequence[Node | None]:
        left, right = xs
        share = where(equal(left, right), 0.5, ones_like(y))
        return (where(less_equal(left, right), share, 0.0), where(less_equal(right, left), share, 0.0))


def abs(x: Like) -> Node:
    """|x|; of a complex number √(Re² + Im²), a real number; a bool is its own.

    Slope: sign(x), so 0 at 0.  Of complex numbers dy = Re(conj(x) dx) / y, and 0 at 0.
    """
    node = as_node(x)
    if node.dtype == BOOL:
        return node
    return hypot(real(node), imag(node)) if is_complex(node.dtype) else apply(Abs(), node)


def sign(x: Like) -> Node:
    """-1, 0 or 1, in the dtype of `x`; nan for nan.  Of a complex number x / |x|, and 0 for 0.

    Where one part of it is infinite that is 1, -1, i or -i; where both are, nan.
    Slope: 0.  Of complex numbers dy = i y Im(dx / x), and 0 at 0.
    """
    node = as_node(x)
    if not is_complex(node.dtype):
        return apply(Sign(), node)
    parts = real(node), imag(node)
    is_at_end = logical_or(equal(node, 0), logical_xor(*map(isinf, parts)))
    along = complex(*(where(isinf(part), sign(part), 0.0) for part in parts))
    other = where(is_at_end, 1.0, node)  # whose slopes are finite, so that none of them is 0 times inf
    return where(is_at_end, along, other / abs(other))


def relu(x: Like) -> Node:
    """max(x, 0).  Slope: 1 where x > 0, else 0, also at 0.  Nair, Hinton: Rectified linear units, 2010."""
    return apply(Relu(), as_node(x))


def maximum(left: Like, right: Like) -> Node:
    """The larger of two, elementwise; nan if one is.  Slopes: 1 for it, 0 for the other, 1/2 each if equal."""
    return apply(Maximum(), *meet("maximum", left, right))


def minimum(left: Like, right: Like) -> Node:
    """The smaller of two, elementwise; nan if one is.  Slopes: 1 for it, 0 for the other, 1/2 each if equal."""
    return apply(Minimum(), *meet("minimum", left, right))


def clip(x: Like, low: "Like | None" = None, high: "Like | None" = None) -> Node:
    """`x`, but not below `low` nor above `high`.  Slope: 1 between these, 0 beyond, 1/2 at one, which has the other."""
    node = as_node(x)
    if low is not None:
        node = maximum(node, low)
    return node if high is None else minimum(node, high)


@final
class CopySign(Elementwise):
    """|x| with the sign of y, also of a zero or nan.  Slopes: 1 where the signs agree, else -1, 0 at x = 0; and 0."""

    name: ClassVar[str] = "copysign"

    def scalar(self, *xs: Scalar) -> Scalar:
        return k.copysign(*xs)

    def partials(self, y: Node, *xs: Node) -> Sequence[Node | None]:
        x, signed = xs
        return (sign(x) * copysign(ones_like(x), signed), None)


def copysign(x: Like, signed: Like) -> Node:
    """|x| with the sign of `signed`, also of a zero.  Slopes: 1 where signs agree, else -1, 0 at 0; and 0."""
    return apply(CopySign(), *meet_floating("copysign", x, signed))


def nan_to_num(x: Like, nan: Like = 0.0, posinf: "Like | None" = None, neginf: "Like | None" = None) -> Node:
    """`x` with numbers in place of nan and infinities: 0 and the largest of its dtype, unless others are given.

    No gradient reaches `x` where it is nan or infinite.  The parts of a complex number are replaced apart.

    Slope: 1, and 0 where `x` is nan or infinite.
    """
    node = as_node(x)
    if is_complex(node.dtype):
        return complex(*(nan_to_num(part, nan, posinf, neginf) for part in (real(node), imag(node))))
    if not is_floating(node.dtype):
        return node
    largest = float(finfo(node.dtype).max)  # type: ignore[no-untyped-call]
    high, low = largest if posinf is None else posinf, -largest if neginf is None else neginf
    bounded = where(equal(node, math.inf), high, where(equal(node, -math.inf), low, node))
    return where(isnan(node), nan, bounded)


# Steps: their slope is 0, wherever they have one.


@final
class Floor(Elementwise):
    """The largest integer that is not above x.  Slope: 0."""

    name: ClassVar[str] = "floor"

    def scalar(self, *xs: Scalar) -> Scalar:
        return k.floor(*xs)


@final
class Ceil(Elementwise):
    """The smallest integer that is not below x.  Slope: 0."""

    name: ClassVar[str] = "ceil"

    def scalar(self, *xs: Scalar) -> Scalar:
        return k.ceil(*xs)


@final
class Round(Elementwise):
    """The nearest integer, the even one of two as near.  Slope: 0."""

    name: ClassVar[str] = "round"

    def scalar(self, *xs: Scalar) -> Scalar:
        return k.round(*xs)


@final
class Trunc(Elementwise):
    """The nearest integer that is not farther from 0 than x.  Slope: 0."""

    name: ClassVar[str] = "trunc"

    def scalar(self, *xs: Scalar) -> Scalar:
        return k.trunc(*xs)


@final
class Heaviside(Elementwise):
    """0 for x < 0, h for x = 0, 1 for x > 0; nan for nan.  Slopes: 0; 1 where x = 0, else 0."""

    name: ClassVar[str] = "heaviside"
    accepts: ClassVar[str] = "iuf"

    def scalar(self, *xs: Scalar) -> Scalar:
        x, at_zero = xs
        positive = k.where(x > 0, x.of(1), x)  # nan stays
        return k.where(x == 0, at_zero, k.where(x < 0, x.of(0), positive))

    def partials(self, y: Node, *xs: Node) -> Sequence[Node | None]:
        return (None, where(equal(xs[0], 0), ones_like(y), 0.0))


@final
class FloorDiv(Elementwise):
    """⌊x / y⌋.  Slopes: 0, 0."""

    name: ClassVar[str] = "floordiv"
    accepts: ClassVar[str] = "iuf"

    def scalar(self, *xs: Scalar) -> Scalar:
        return k.floordiv(*xs)


@final
class Remainder(Elementwise):
    """x - y ⌊x / y⌋, of the sign of y.  Slopes: 1, -⌊x / y⌋."""

    name: ClassVar[str] = "mod"
    accepts: ClassVar[str] = "iuf"

    def scalar(self, *xs: Scalar) -> Scalar:
        return k.remainder(*xs)

    def partials(self, y: Node, *xs: Node) -> Sequence[Node | None]:
        return (ones_like(y), -floordiv(*xs))


@final
class Fmod(Elementwise):
    """x - y trunc(x / y), of the sign of x.  Slopes: 1, -trunc(x / y).  Of integers: 0 where y = 0."""

    name: ClassVar[str] = "fmod"
    accepts: ClassVar[str] = "iuf"

    def scalar(self, *xs: Scalar) -> Scalar:
        x, y = xs
        if x.dtype.kind not in "iu":
            return k.copysign(k.remainder(k.abs(x), k.abs(y)), x)
        rest = k.remainder(x, y)  # of the sign of y; the least integer has no absolute value
        has_other_sign = k.bitwise_and(rest != 0, k.bitwise_xor(x < 0, y < 0))
        return k.where(has_other_sign, rest - y, rest)

    def partials(self, y: Node, *xs: Node) -> Sequence[Node | None]:
        x, divisor = xs
        return (ones_like(y), -trunc(x / divisor))


def floor(x: Like) -> Node:
    """The largest integer that is not above x, in the dtype of `x`.  Slope: 0."""
    node = as_node(x)
    return apply(Floor(), node) if is_differentiable(node.dtype) else node


def ceil(x: Like) -> Node:
    """The smallest integer that is not below x, in the dtype of `x`.  Slope: 0."""
    node = as_node(x)
    return apply(Ceil(), node) if is_differentiable(node.dtype) else node


def round(x: Like, decimals: int = 0) -> Node:
    """The nearest multiple of 10^-decimals, the even one of two as near, in the dtype of `x`.  Slope: 0.

    As in NumPy it is the product with 10^decimals that is brought to an integer, and divided again.  The parts of a
    complex number are rounded apart.
    """
    node = as_node(x)
    count = a_whole_number("round", "decimals", decimals, node)
    if is_complex(node.dtype):
        return complex(round(real(node), count), round(imag(node), count))
    if is_differentiable(node.dtype):
        return _rounded(node, count) if count else apply(Round(), node)
    return _rounded_to_tens(node, -count) if count < 0 else node


def _rounded(x: Node, count: int) -> Node:
    """Floats with so many digits after the point, or zeros before it."""
    wide = cast(x, accumulator(x.dtype))
    limit = math.log10(float(finfo(wide.dtype).max))  # type: ignore[no-untyped-call]
    if magnitude(count) > limit:
        raise locate(ArgumentError(f"round: 10^{magnitude(count)} is no {wide.dtype}"), here(), (x,))
    scale = 10.0 ** magnitude(count)
    if count < 0:
        return cast(apply(Round(), wide / scale) * scale, x.dtype)
    scaled = wide * scale
    kept = stop_gradient(wide)  # where the product is infinite, no digit lies behind the last one that is kept
    return cast(where(isfinite(scaled), apply(Round(), scaled) / scale, kept), x.dtype)


def _rounded_to_tens(x: Node, zeros: int) -> Node:
    """Integers with so many zeros at the end.  Where the nearest one does not fit, it wraps around."""
    if x.dtype == BOOL or zeros >= 20 or not fits(np.asarray(10**zeros), x.dtype):
        return zeros_like(x)
    ten: int = 10**zeros
    tens = floordiv(x, ten)
    rest = x - tens * ten
    is_odd = equal(remainder(tens, 2), 1)
    is_up = logical_or(greater(rest, ten // 2), logical_and(equal(rest, ten // 2), is_odd))
    return (tens + cast(is_up, x.dtype)) * ten


def trunc(x: Like) -> Node:
    """The nearest integer that is not farther from 0 than `x`, in the dtype of `x`.  Slope: 0."""
    node = as_node(x)
    return apply(Trunc(), node) if is_differentiable(node.dtype) else node


def heaviside(x: Like, at_zero: Like) -> Node:
    """0 for x < 0, `at_zero` for x = 0, 1 for x > 0; of bools whether one holds.  Slopes: 0; 1 where x = 0, else 0."""
    node, start = meet("heaviside", x, at_zero)
    return logical_or(node, start) if node.dtype == BOOL else apply(Heaviside(), node, start)


def floordiv(left: Like, right: Like) -> Node:
    """⌊left / right⌋, elementwise; of bools int8.  Slopes: 0, 0."""
    return apply(FloorDiv(), *map(as_number, meet("floordiv", left, right)))


def remainder(left: Like, right: Like) -> Node:
    """left - right ⌊left / right⌋, elementwise: of the sign of `right`; of bools int8.  Slopes: 1, -⌊left / right⌋."""
    return apply(Remainder(), *map(as_number, meet("remainder", left, right)))


def fmod(left: Like, right: Like) -> Node:
    """x - y trunc(x / y), of the sign of x, as in C; of bools int8.  Slopes: 1, -trunc(x / y)."""
    return apply(Fmod(), *map(as_number, meet("fmod", left, right)))
