"""Functions with corners and steps.  At each corner one slope is chosen, and said."""

from collections.abc import Sequence
from typing import ClassVar, final

from graphc.ir.apply import apply
from graphc.ir.arithmetic import ones_like
from graphc.ir.kinds import Elementwise
from graphc.ir.node import Like, Node
from graphc.ir.operands import as_node, meet, where
from graphc.kernel import functions as k
from graphc.kernel.scalar import Scalar
from graphc.ops.logic import equal, greater, greater_equal, less_equal
from graphc.types import is_floating

__all__ = [
    "abs",
    "ceil",
    "clip",
    "floor",
    "floordiv",
    "maximum",
    "minimum",
    "relu",
    "remainder",
    "round",
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
    """-1, 0 or 1; nan for nan.  Slope: 0."""

    name: ClassVar[str] = "sign"
    accepts: ClassVar[str] = "iuf"

    def scalar(self, *xs: Scalar) -> Scalar:
        return k.sign(*xs)


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
    """|x|.  The slope at 0 is 0."""
    return apply(Abs(), as_node(x))


def sign(x: Like) -> Node:
    """-1, 0 or 1, in the dtype of `x`; nan for nan."""
    return apply(Sign(), as_node(x))


def relu(x: Like) -> Node:
    """max(x, 0).  The slope at 0 is 0."""
    return apply(Relu(), as_node(x))


def maximum(left: Like, right: Like) -> Node:
    """The larger of two, elementwise; nan if one is.  Equal ones share the gradient."""
    return apply(Maximum(), *meet("maximum", left, right))


def minimum(left: Like, right: Like) -> Node:
    """The smaller of two, elementwise; nan if one is.  Equal ones share the gradient."""
    return apply(Minimum(), *meet("minimum", left, right))


def clip(x: Like, low: "Like | None" = None, high: "Like | None" = None) -> Node:
    """`x`, but not below `low` nor above `high`.  At a bound the gradient is shared with the bound."""
    node = as_node(x)
    if low is not None:
        node = maximum(node, low)
    return node if high is None else minimum(node, high)


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


def floor(x: Like) -> Node:
    """The largest integer that is not above x, in the dtype of `x`."""
    node = as_node(x)
    return apply(Floor(), node) if is_floating(node.dtype) else node


def ceil(x: Like) -> Node:
    """The smallest integer that is not below x, in the dtype of `x`."""
    node = as_node(x)
    return apply(Ceil(), node) if is_floating(node.dtype) else node


def round(x: Like) -> Node:
    """The nearest integer, the even one of two as near, in the dtype of `x`."""
    node = as_node(x)
    return apply(Round(), node) if is_floating(node.dtype) else node


def floordiv(left: Like, right: Like) -> Node:
    """⌊left / right⌋, elementwise."""
    return apply(FloorDiv(), *meet("floordiv", left, right))


def remainder(left: Like, right: Like) -> Node:
    """left - right ⌊left / right⌋, elementwise: of the sign of `right`."""
    return apply(Remainder(), *meet("remainder", left, right))
