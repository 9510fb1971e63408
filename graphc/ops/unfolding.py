"""Unfolding images into columns of windows, and folding them back: im2col and col2im."""

from graphc.errors import ShapeError
from graphc.ir.apply import locate
from graphc.ir.node import Like, Node
from graphc.ir.operands import accumulated, as_node
from graphc.ops.movement import reshape, transpose
from graphc.ops.padding import pad
from graphc.ops.placement import Slice, moved
from graphc.ops.window import PerAxis, WindowSum, count_of, per_axis, windows
from graphc.origin import here
from graphc.sizes import equal, product

__all__ = ["fold", "unfold"]


def unfold(x: Like, window: PerAxis, *, dilation: PerAxis = 1, padding: PerAxis = 0, stride: PerAxis = 1) -> Node:
    """All windows as columns.  [n, c, h, w]   ->   [n, c j k, p q] for windows of j x k at p x q places

    window     an extent for both axes, or one per axis: as many as `x` has after the channels
    padding    zeros on both sides of each axis

    A column holds the window of channel 0, then that of channel 1 ..., each in row-major order.

    Adjoint: `fold`.
    """
    node = as_node(x)
    rank = node.ndim - 2
    if rank < 1:
        problem = f"unfold: the array has rank {node.ndim}"
        raise locate(ShapeError(problem, hint="its axes are [n, c, ...]"), here(), (node,))
    extents = per_axis("unfold", "window", window, rank, node)
    sides = [(side, side) for side in per_axis("unfold", "padding", padding, rank, node, least=0)]
    framed = pad(node, [(0, 0), (0, 0), *sides])
    parts = windows(framed, extents, stride=stride, dilation=dilation)
    order = (0, 1, *range(2 + rank, 2 + 2 * rank), *range(2, 2 + rank))
    places = product(parts.shape[2 : 2 + rank])
    return reshape(transpose(parts, order), (node.shape[0], node.shape[1] * product(extents), places))


def fold(
    x: Like, shape: PerAxis, window: PerAxis, *, dilation: PerAxis = 1, padding: PerAxis = 0, stride: PerAxis = 1
) -> Node:
    """Columns of windows laid back, elements that meet added: the adjoint of `unfold`.

    [n, c j k, p q]   ->   [n, c, h, w], where (h, w) is `shape`

    An int is meant for two axes.  The other options are those of `unfold`.

    Adjoint: `unfold`.
    """
    node = as_node(x)
    rank = len(shape) if isinstance(shape, list | tuple) else 2
    if node.ndim != 3:
        problem = f"fold: the array has rank {node.ndim}, not 3"
        raise locate(ShapeError(problem, hint="its axes are [n, c j k, p q]"), here(), (node,))
    extents, lengths = per_axis("fold", "window", window, rank, node), per_axis("fold", "shape", shape, rank, node)
    strides, steps = per_axis("fold", "stride", stride, rank, node), per_axis("fold", "dilation", dilation, rank, node)
    sides = per_axis("fold", "padding", padding, rank, node, least=0)
    framed = tuple(n + 2 * side for n, side in zip(lengths, sides, strict=True))
    places = tuple(map(count_of, framed, extents, strides, steps))
    for found, wanted, what in (
        (node.shape[2], product(places), "columns"),
        (node.shape[1] % product(extents), 0, "rows, beyond whole windows,"),
    ):
        if equal(found, wanted) is False:
            raise locate(ShapeError(f"fold: {found} {what}, not {wanted}"), here(), (node,))
    channels = node.shape[1] // product(extents)
    parts = reshape(node, (node.shape[0], channels, *extents, *places))
    order = (0, 1, *range(2 + rank, 2 + 2 * rank), *range(2, 2 + rank))
    whole = accumulated(WindowSum(framed, strides, steps), transpose(parts, order))
    return moved(Slice((0, 0, *sides), (1,) * whole.ndim, (*whole.shape[:2], *lengths)), whole)
