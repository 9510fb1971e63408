"""Functions with corners, and signs.  At each corner one slope is chosen, and said."""

import math
from collections.abc import Sequence
from typing import ClassVar, final

from ml_dtypes import finfo

from graphc.ir.apply import apply
from graphc.ir.arithmetic import ones_like
from graphc.ir.complex import complex, imag, real
from graphc.ir.kinds import Elementwise
from graphc.ir.node import Like, Node
from graphc.ir.operands import as_node, meet, where
from graphc.kernel import functions as k
from graphc.kernel.scalar import Scalar
from graphc.ops.elementwise import meet_floating
from graphc.ops.logic import (
    equal,
    greater,
    greater_equal,
    isinf,
    isnan,
    less_equal,
    logical_or,
    logical_xor,
)
from graphc.ops.powers import hypot
from graphc.types import BOOL, accumulator, is_complex, is_floating

__all__ = [
    "abs",
    "clip",
    "copysign",
    "heaviside",
    "maximum",
    "minimum",
    "nan_to_num",
    "relu",
    "sign",
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
    commutes: ClassVar[bool] = True

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
    commutes: ClassVar[bool] = True

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


def heaviside(x: Like, at_zero: Like) -> Node:
    """0 for x < 0, `at_zero` for x = 0, 1 for x > 0; of bools whether one holds.  Slopes: 0; 1 where x = 0, else 0."""
    node, start = meet("heaviside", x, at_zero)
    return logical_or(node, start) if node.dtype == BOOL else apply(Heaviside(), node, start)
