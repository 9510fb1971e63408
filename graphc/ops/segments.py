"""Sums and extremes of segments: elements that share a number are combined."""

from graphc.errors import ShapeError
from graphc.ir.apply import apply, locate
from graphc.ir.given import a_count
from graphc.ir.leaves import full
from graphc.ir.node import Like, Node
from graphc.ir.operands import accumulated, as_node, cast, div
from graphc.kernel.monoids import Monoid, start_of
from graphc.ops.elementwise import floating
from graphc.ops.extremes import ordered
from graphc.ops.guarded import within
from graphc.ops.indexing import ScatterAdd, as_index
from graphc.ops.movement import expand_dims, ravel
from graphc.ops.scattering import ScatterMax, ScatterMin
from graphc.origin import here
from graphc.sizes import Size
from graphc.types import INT64, accumulator, as_summed

__all__ = ["bincount", "segment_max", "segment_mean", "segment_min", "segment_sum"]


def segment_sum(x: Like, segment: Like, count: Size) -> Node:
    """The sums of the elements, or slices, that have the same segment; of none: 0.

    x [m..., q...]   segment [m...], from 0 to count - 1   ->   [count, q...]

    The number of segments is known before the call.  A negative segment counts from the end; others outside fail
    at the call.  Integers are added up in int64 (uint64); float16 and bfloat16 in float32, rounded once.

    Adjoint: `take` of the cotangent at `segment`.
    """
    node, places = _segmented("segment_sum", as_node(x), segment, count)
    return _summed(ScatterAdd(0), node, places, count)


def _summed(op: ScatterAdd, x: Node, places: Node, count: Size) -> Node:
    """The sums at each of `count` places."""
    node = cast(x, as_summed(x.dtype))
    return accumulated(op, full((count, *node.shape[places.ndim :]), 0, node.dtype), places, node)


def segment_mean(x: Like, segment: Like, count: Size) -> Node:
    """The means of the elements that have the same segment; of none: nan.  See `segment_sum`.

    Slopes: 1 over the number of elements of the segment.
    """
    node, places = _segmented("segment_mean", floating(x), segment, count)
    wide = cast(node, accumulator(node.dtype))
    total = segment_sum(wide, places, count)
    elements = segment_sum(full(places.shape, 1, wide.dtype), places, count)
    return cast(div(total, expand_dims(elements, tuple(range(1, total.ndim)))), node.dtype)


def segment_max(x: Like, segment: Like, count: Size) -> Node:
    """The largest of the elements that have the same segment; of none: the least number of the dtype, or -inf.

    Equal ones share the gradient.  See `segment_sum`.

    Slopes: 1 / k for each of the k that are largest, else 0.
    """
    node, places = _segmented("segment_max", ordered("segment_max", x), segment, count)
    least = full((count, *node.shape[places.ndim :]), start_of(Monoid.MAX, node.dtype), node.dtype)
    return apply(ScatterMax(0, checked=True), least, places, node)


def segment_min(x: Like, segment: Like, count: Size) -> Node:
    """The smallest of the elements that have the same segment; of none: the greatest number of the dtype, or inf.

    Equal ones share the gradient.  See `segment_sum`.

    Slopes: 1 / k for each of the k that are smallest, else 0.
    """
    node, places = _segmented("segment_min", ordered("segment_min", x), segment, count)
    greatest = full((count, *node.shape[places.ndim :]), start_of(Monoid.MIN, node.dtype), node.dtype)
    return apply(ScatterMin(0, checked=True), greatest, places, node)


def bincount(x: Like, length: Size, *, weights: "Like | None" = None) -> Node:
    """How often each of 0 .. length - 1 stands in an array, int64; or the sums of the weights that stand there.

    x [...]   weights [...]   ->   [length]

    Other elements fail at the call, negative ones too.

    Adjoint by weights: `take` of the cotangent at `x`.
    """
    places = as_index("bincount", x)
    length = a_count("bincount", "the length", length, places)
    places = within("bincount", places, length, "an element is out of range")
    add = ScatterAdd(0, checked=False)
    if weights is None:
        return _summed(add, ravel(full(places.shape, 1, INT64)), ravel(places), length)
    node = as_node(weights)
    if node.ndim != places.ndim:
        problem = f"bincount: the weights have rank {node.ndim}, the array {places.ndim}"
        raise locate(ShapeError(problem), here(), (places, node))
    return _summed(add, node, places, length)


def _segmented(name: str, node: Node, segment: Like, count: Size) -> tuple[Node, Node]:
    """The operand, and its segments as indices."""
    places = as_index(name, segment, node)
    a_count(name, "the number of segments", count, node, places)
    if places.ndim > node.ndim:
        problem = f"{name}: the segments have rank {places.ndim}, the array {node.ndim}"
        raise locate(ShapeError(problem, hint="the leading axes are those of the segments"), here(), (node, places))
    return node, places
