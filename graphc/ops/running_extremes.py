"""The largest and the smallest of all elements so far."""

from collections.abc import Sequence
from typing import ClassVar, final

from graphc.ir.apply import apply
from graphc.ir.arithmetic import spread, zeros_like
from graphc.ir.given import a_flag
from graphc.ir.kinds import Differentiable, Running, require_ordered
from graphc.ir.node import Like, Node
from graphc.ir.operands import accumulated, as_node, where
from graphc.kernel.monoids import Monoid
from graphc.ops.axes import one_axis
from graphc.ops.creation import iota
from graphc.ops.indexing import ScatterAdd, Take
from graphc.ops.logic import equal
from graphc.types import TensorType

__all__ = ["CumMax", "CumMin", "cummax", "cummin"]


class RunningExtreme(Running, Differentiable):
    """An extreme of all elements up to each.  The latest of the elements that reach it has the derivative."""

    def infer(self, *types: TensorType) -> TensorType:
        require_ordered(self.name, types[0].dtype)
        return types[0]

    def vjp(self, node: Node, cotangents: Sequence[Node | None]) -> Sequence[Node | None]:
        return _from_latest(node, self.axis, self.reverse, cotangents)

    def jvp(self, node: Node, tangents: Sequence[Node | None]) -> Sequence[Node | None]:
        return _of_latest(node, self.axis, self.reverse, tangents)


@final
class CumMax(RunningExtreme):
    """The largest of all elements up to each, along one axis; nan from the first nan on."""

    axis: int
    reverse: bool = False
    name: ClassVar[str] = "cummax"
    monoid: ClassVar[Monoid] = Monoid.MAX


@final
class CumMin(RunningExtreme):
    """The smallest of all elements up to each, along one axis; nan from the first nan on."""

    axis: int
    reverse: bool = False
    name: ClassVar[str] = "cummin"
    monoid: ClassVar[Monoid] = Monoid.MIN


def _latest(node: Node, axis: int, reverse: bool) -> Node:
    """The place of the latest element that reaches each extreme: itself a running extreme, of places."""
    (x,) = node.inputs
    n = x.shape[axis]
    places = spread(iota(n), x.shape, tuple(i for i in range(x.ndim) if i != axis))
    reached = equal(x, node)
    if reverse:
        return apply(CumMin(axis, reverse), where(reached, places, n - 1))
    return apply(CumMax(axis), where(reached, places, 0))


def _from_latest(node: Node, axis: int, reverse: bool, cotangents: Sequence[Node | None]) -> Sequence[Node | None]:
    (cotangent,) = cotangents
    if cotangent is None:
        return (None,)
    places = _latest(node, axis, reverse)
    return (accumulated(ScatterAdd(axis, paired=True, checked=False), zeros_like(cotangent), places, cotangent),)


def _of_latest(node: Node, axis: int, reverse: bool, tangents: Sequence[Node | None]) -> Sequence[Node | None]:
    (tangent,) = tangents
    if tangent is None:
        return (None,)
    return (apply(Take(axis, paired=True, checked=False), tangent, _latest(node, axis, reverse)),)


def cummax(x: Like, axis: int = -1, *, reverse: bool = False) -> Node:
    """The largest of all elements up to each, along `axis`; from the other end where `reverse` holds.

    Nan from the first nan on.  The latest of the elements that reach it gets the gradient.

    x [..., n, ...]   ->   [..., n, ...].  Slopes: 1 for that element, else 0.
    """
    node = as_node(x)
    return apply(CumMax(one_axis("cummax", axis, node.ndim, node), a_flag("cummax", "reverse", reverse)), node)


def cummin(x: Like, axis: int = -1, *, reverse: bool = False) -> Node:
    """The smallest of all elements up to each, along `axis`; from the other end where `reverse` holds.

    Nan from the first nan on.  The latest of the elements that reach it gets the gradient.

    x [..., n, ...]   ->   [..., n, ...].  Slopes: 1 for that element, else 0.
    """
    node = as_node(x)
    return apply(CumMin(one_axis("cummin", axis, node.ndim, node), a_flag("cummin", "reverse", reverse)), node)
