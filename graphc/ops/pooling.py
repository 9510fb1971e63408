"""Pooling: one number for each window."""

import math
from collections.abc import Sequence

import numpy as np

from graphc.errors import DTypeError, ShapeError
from graphc.ir.apply import apply, locate
from graphc.ir.arithmetic import sum_over
from graphc.ir.leaves import full
from graphc.ir.node import Like, Node
from graphc.ir.operands import as_node, broadcast, div
from graphc.ops.elementwise import floating
from graphc.ops.extremes import Max
from graphc.ops.movement import pad
from graphc.ops.window import PerAxis, Sides, per_axis, sides_of, windows
from graphc.origin import here
from graphc.sizes import Size
from graphc.types import BOOL, DType, is_integer

__all__ = ["avg_pool", "max_pool"]


def max_pool(x: Like, window: PerAxis, *, stride: PerAxis | None = None, padding: Sides = 0) -> Node:
    """The largest element of each window.  [..., n...]   ->   [..., p...]

    window    an extent for each of the last two axes, or a tuple of extents, one per axis
    stride    from window to window; the window itself for None, so that windows tile
    padding   see `conv2d`; what is added is less than every element

    Elements that share the maximum share the gradient equally.
    """
    node = as_node(x)
    if node.dtype == BOOL:
        raise locate(DTypeError("max_pool has no meaning for bool", hint="gx.any(gx.windows(x, ...))"), here(), (node,))
    extents, strides = _pooling("max_pool", window, stride)
    sides = sides_of("max_pool", padding, node.shape[-len(extents) :], extents, strides, (1,) * len(extents))
    framed = _framed("max_pool", node, sides, _lowest(node.dtype))
    parts = windows(framed, extents, stride=strides)
    return apply(Max(tuple(range(node.ndim, parts.ndim))), parts)


def avg_pool(
    x: Like,
    window: PerAxis,
    *,
    stride: PerAxis | None = None,
    padding: Sides = 0,
    count_include_pad: bool = True,
) -> Node:
    """The mean of each window.  [..., n...]   ->   [..., p...]; options as for `max_pool`.

    `count_include_pad`: whether the zeros around the array count; else the sum is divided by the number of
    elements of the array that the window covers.
    """
    node = floating(x)
    extents, strides = _pooling("avg_pool", window, stride)
    sides = sides_of("avg_pool", padding, node.shape[-len(extents) :], extents, strides, (1,) * len(extents))

    def summed(values: Node) -> Node:
        parts = windows(_framed("avg_pool", values, sides, 0), extents, stride=strides)
        return sum_over(parts, tuple(range(values.ndim, parts.ndim)))

    total = summed(node)
    if count_include_pad or all(side == 0 for pair in sides for side in pair):
        return div(total, full((), math.prod(extents), node.dtype))
    covered = summed(full(node.shape[-len(extents) :], 1, node.dtype))
    return div(total, broadcast(covered, total.shape))


def _lowest(dtype: DType) -> float:
    """What is no larger than any number."""
    return int(np.iinfo(dtype).min) if is_integer(dtype) else float("-inf")


def _pooling(name: str, window: PerAxis, stride: PerAxis | None) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """The extents of the window, and from window to window."""
    extents = per_axis(name, "window", window, 2 if isinstance(window, int) else len(window))
    return extents, extents if stride is None else per_axis(name, "stride", stride, len(extents))


def _framed(name: str, x: Node, sides: Sequence[tuple[Size, Size]], value: float) -> Node:
    """`x` padded along its last axes."""
    lead = x.ndim - len(sides)
    if lead < 0:
        raise locate(ShapeError(f"{name}: {len(sides)} axes of an array of rank {x.ndim}"), here(), (x,))
    return pad(x, [(0, 0)] * lead + list(sides), value)
