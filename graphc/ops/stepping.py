"""Whole numbers near others, and what is left of a division by whole multiples.  Steps have no slope."""

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
from graphc.ops.elementwise import stop_gradient
from graphc.ops.logic import (
    equal,
    greater,
    isfinite,
    logical_and,
    logical_or,
)
from graphc.origin import here
from graphc.types import BOOL, accumulator, is_complex, is_differentiable

__all__ = ["ceil", "floor", "floordiv", "fmod", "remainder", "round", "trunc"]


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


def floordiv(left: Like, right: Like) -> Node:
    """⌊left / right⌋, elementwise; of bools int8.  Slopes: 0, 0."""
    return apply(FloorDiv(), *map(as_number, meet("floordiv", left, right)))


def remainder(left: Like, right: Like) -> Node:
    """left - right ⌊left / right⌋, elementwise: of the sign of `right`; of bools int8.  Slopes: 1, -⌊left / right⌋."""
    return apply(Remainder(), *map(as_number, meet("remainder", left, right)))


def fmod(left: Like, right: Like) -> Node:
    """x - y trunc(x / y), of the sign of x, as in C; of bools int8.  Slopes: 1, -trunc(x / y)."""
    return apply(Fmod(), *map(as_number, meet("fmod", left, right)))
