"""Sorting along an axis, and the largest few."""

from collections.abc import Sequence
from typing import ClassVar, final

from graphc.errors import ShapeError
from graphc.ir.apply import apply, locate
from graphc.ir.arithmetic import zeros_like
from graphc.ir.given import a_count, a_flag, a_size
from graphc.ir.kinds import Differentiable, Routine, require_ordered
from graphc.ir.leaves import item, items
from graphc.ir.node import Like, Node, Op
from graphc.ir.operands import as_node
from graphc.ops.axes import one_axis
from graphc.ops.guarded import provided
from graphc.ops.indexing import ScatterAdd, Take
from graphc.ops.movement import moveaxis, ravel
from graphc.ops.placement import Declare, Slice, moved
from graphc.origin import here
from graphc.sizes import Size, maximum, minimum
from graphc.types import INT64, TensorType, TupleType

__all__ = ["Sort", "argpartition", "argsort", "partition", "sort", "topk"]


@final
class Sort(Routine, Differentiable):
    """The last axis in order, and where each element stood: values, and their int64 places.

    Stable: equal elements keep their order.  A nan counts as larger than every number.  Tangents and
    cotangents go with their elements; where some are equal, that is the derivative of one of several orders.
    """

    descending: bool = False
    name: ClassVar[str] = "sort"
    routine: ClassVar[str] = "sort"

    def options(self) -> tuple[tuple[str, int | bool | str], ...]:
        return (("descending", self.descending),)

    def infer(self, *types: TensorType) -> TupleType:
        (x,) = types
        require_ordered(self.name, x.dtype)
        return TupleType((TensorType(x.shape, x.dtype), TensorType(x.shape, INT64)))

    def vjp(self, node: Node, cotangents: Sequence[Node | None]) -> Sequence[Node | None]:
        cotangent = cotangents[0]
        if cotangent is None:
            return (None,)
        last = cotangent.ndim - 1
        return (apply(ScatterAdd(last, paired=True, checked=False), zeros_like(cotangent), item(node, 1), cotangent),)

    def jvp(self, node: Node, tangents: Sequence[Node | None]) -> Sequence[Node | None]:
        tangent = tangents[0]
        if tangent is None:
            return None, None
        return apply(Take(tangent.ndim - 1, paired=True, checked=False), tangent, item(node, 1)), None

    def lifted(self, extent: Size) -> Op:
        return self

    def text(self) -> str:
        return "sort[descending]" if self.descending else "sort"


def sort(x: Like, axis: int | None = -1, *, descending: bool = False) -> Node:
    """The elements in order along `axis`; of all elements for None.  A nan counts as larger than every number.

    x [..., n, ...]   ->   [..., n, ...].  Slopes: 1 for the element that comes to stand there, else 0.
    """
    return _sorted("sort", x, axis, descending)[0]


def argsort(x: Like, axis: int | None = -1, *, descending: bool = False) -> Node:
    """Where the elements in order stand along `axis`, int64.  Equal elements keep their order.

    For None the places are those in all elements, in row-major order.

    x [..., n, ...]   ->   [..., n, ...].  No slope.
    """
    return _sorted("argsort", x, axis, descending)[1]


def partition(x: Like, kth: Size, axis: int | None = -1) -> Node:
    """The elements along `axis` with the one of place `kth` where a sort has it, no larger ones before it.

    All are in order: it is a sort.  A negative `kth` counts from the end; where there is no such place, the call fails.

    x [..., n, ...]   ->   [..., n, ...].  Slopes: 1 for the element that comes to stand there, else 0.
    Raises ShapeError for a `kth` that is no place.
    """
    return _partitioned("partition", x, kth, axis)[0]


def argpartition(x: Like, kth: Size, axis: int | None = -1) -> Node:
    """Where the elements of `partition` stand, int64.  [..., n, ...]   ->   [..., n, ...]

    No slope.
    """
    return _partitioned("argpartition", x, kth, axis)[1]


def topk(x: Like, k: Size, axis: int = -1) -> tuple[Node, Node]:
    """The `k` largest along `axis`, the largest first, and their places.

    [..., n, ...]   ->   [..., k, ...] twice

    Equal elements keep their order.  A nan counts as larger than every number.

    Slopes: 1 for the element that comes to stand there, else 0; none by places.  Raises ShapeError for a `k` above n.
    """
    node = as_node(x)
    k = a_count("topk", "k", k, node)
    i = one_axis("topk", axis, node.ndim, node)
    n = node.shape[i]
    if isinstance(k, int) and isinstance(n, int) and k > n:
        raise locate(ShapeError(f"topk: {k} elements of an axis with {n}"), here(), (node,))
    values, places = _sorted("topk", node, i, True)
    return _first(values, i, k), _first(places, i, k)


def _partitioned(name: str, x: Like, kth: Size, axis: int | None) -> tuple[Node, Node]:
    """Values and places in order along `axis`, which has a place `kth`: now, or when called."""
    node = as_node(x)
    n = node.size if axis is None else node.shape[one_axis(name, axis, node.ndim, node)]
    kth = a_size(name, "kth", kth, node)
    if isinstance(kth, int) and isinstance(n, int) and not -n <= kth < n:
        raise locate(ShapeError(f"{name}: an axis with {n} elements has no place {kth}"), here(), (node,))
    wanted = maximum(kth + 1, -kth)
    because = f"place {kth} takes {wanted} elements or more"
    return _sorted(name, provided(name, node, minimum(n, wanted), wanted, because), axis, False)


def _sorted(name: str, x: Like, axis: int | None, descending: bool) -> tuple[Node, Node]:
    """Values and places in order along `axis`."""
    node = ravel(x) if axis is None else as_node(x)
    i = one_axis(name, -1 if axis is None else axis, node.ndim, node)
    values, places = items(apply(Sort(a_flag(name, "descending", descending)), moveaxis(node, i, -1)))
    return moveaxis(values, -1, i), moveaxis(places, -1, i)


def _first(x: Node, axis: int, k: Size) -> Node:
    """The first `k` elements along `axis`.  Fails at the call where there are fewer."""
    there = tuple(minimum(k, n) if i == axis else n for i, n in enumerate(x.shape))
    wanted = tuple(k if i == axis else n for i, n in enumerate(x.shape))
    enough = Declare(wanted, f"{k} elements take an axis of {k} or more")
    return moved(enough, moved(Slice((0,) * x.ndim, (1,) * x.ndim, there), x))
