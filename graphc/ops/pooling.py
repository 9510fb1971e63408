"""Pooling: one number for each window."""

import math
from collections.abc import Sequence
from typing import NamedTuple

from graphc.errors import ArgumentError, ShapeError
from graphc.ir.apply import apply, locate
from graphc.ir.arithmetic import sum_over
from graphc.ir.given import a_flag, a_number, a_whole_number
from graphc.ir.leaves import full
from graphc.ir.node import Like, Node
from graphc.ir.operands import as_node, broadcast, cast, div, where
from graphc.kernel.monoids import Monoid, start_of
from graphc.kernel.scalar import Number
from graphc.ops.elementwise import floating
from graphc.ops.extremes import Max, ordered
from graphc.ops.extremes import max as largest
from graphc.ops.guarded import provided
from graphc.ops.logic import greater
from graphc.ops.movement import reshape
from graphc.ops.padding import pad
from graphc.ops.piecewise import abs
from graphc.ops.powers import power
from graphc.ops.statistics import mean
from graphc.ops.window import PerAxis, Sides, per_axis, sides_of, windows
from graphc.origin import here
from graphc.printable import counted
from graphc.sizes import Size, equal, maximum, minimum
from graphc.types import Shape, accumulator, real_of

__all__ = [
    "adaptive_avg_pool",
    "adaptive_max_pool",
    "avg_pool",
    "global_avg_pool",
    "global_max_pool",
    "lp_pool",
    "max_pool",
]


def max_pool(
    x: Like, window: PerAxis, *, stride: PerAxis | None = None, padding: Sides = 0, dilation: PerAxis = 1
) -> Node:
    """The largest element of each window.  [..., n...]   ->   [..., p...]

    window     an extent for each of the last two axes, or a tuple of extents, one per axis
    stride     from window to window; the window itself for None, so that windows tile
    padding    see `conv2d`; what is added is less than every element.  A number is at most half of the window
               with its dilation, so that a window has elements of the array, or the call fails
    dilation   from element to element of a window

    Elements that share the maximum share the gradient equally.  A window that does not fit is left out.  Of bools
    it is whether one holds.

    Slopes: 1 / k for each of the k that are largest in a window, else 0.
    Goodfellow, Bengio, Courville: Deep Learning, 2016, section 9.3.
    """
    node = ordered("max_pool", x)
    pooling = _pooling("max_pool", node, window, stride, padding, dilation)
    parts = pooling.parts(node, start_of(Monoid.MAX, node.dtype))
    return apply(Max(tuple(range(node.ndim, parts.ndim))), parts)


def avg_pool(
    x: Like,
    window: PerAxis,
    *,
    stride: PerAxis | None = None,
    padding: Sides = 0,
    dilation: PerAxis = 1,
    count_include_pad: bool = True,
) -> Node:
    """The mean of each window.  [..., n...]   ->   [..., p...]; options as for `max_pool`.

    `count_include_pad`: whether the zeros around the array count; else the sum is divided by the number of
    elements of the array that the window covers.  float16 and bfloat16 are added in float32 and rounded once.

    Slopes: 1 over the number of elements that count.
    """
    node = floating(x)
    wide = cast(node, accumulator(node.dtype))
    pooling = _pooling("avg_pool", wide, window, stride, padding, dilation)
    total = pooling.summed(wide)
    if a_flag("avg_pool", "count_include_pad", count_include_pad) or all(
        side == 0 for pair in pooling.sides for side in pair
    ):
        count = full((), math.prod(pooling.window), wide.dtype)
    else:
        count = broadcast(pooling.summed(full(wide.shape[-len(pooling.window) :], 1, wide.dtype)), total.shape)
    return cast(div(total, count), node.dtype)


def lp_pool(
    x: Like,
    p: float,
    window: PerAxis,
    *,
    stride: PerAxis | None = None,
    padding: Sides = 0,
    dilation: PerAxis = 1,
) -> Node:
    """The p-norm of each window, (sum of |x|^p)^(1/p).  [..., n...]   ->   [..., q...]; options as for `max_pool`.

    For an infinite p the largest |x|.  Where a norm is 0, so are its derivatives.  (PyTorch takes x^p, which for
    odd p lets elements of different signs cancel.)

    Slopes: sign(x) (|x| / y)^(p - 1), where y is the norm of the window.
    """
    node = floating(x)
    p = a_number("lp_pool", "p", p, node)
    if not p > 0:
        raise locate(ArgumentError(f"lp_pool: p is a positive number, not {p}"), here(), (node,))
    if p == math.inf:
        return max_pool(abs(node), window, stride=stride, padding=padding, dilation=dilation)
    wide = abs(cast(node, accumulator(node.dtype)))
    total = _pooling("lp_pool", wide, window, stride, padding, dilation).summed(power(wide, p))
    is_some = greater(total, 0)
    return cast(where(is_some, power(where(is_some, total, 1.0), 1 / p), total), real_of(node.dtype))


def adaptive_avg_pool(x: Like, shape: PerAxis) -> Node:
    """The means of as many equal parts along each of the last axes as `shape` says.  [..., n...]   ->   [..., p...]

    An int is meant for the last two axes.  The extents are multiples of those of `shape`.

    Slopes: 1 over the number of elements of the part.  Raises ShapeError for unequal parts.
    """
    node = floating(x)
    apart, axes = _parts("adaptive_avg_pool", node, shape)
    return mean(apart, axes)


def adaptive_max_pool(x: Like, shape: PerAxis) -> Node:
    """The largest of as many equal parts along each of the last axes as `shape` says: see `adaptive_avg_pool`.

    Slopes: 1 / k for each of the k that are largest in a part, else 0.
    """
    apart, axes = _parts("adaptive_max_pool", as_node(x), shape)
    return largest(apart, axes)


def global_avg_pool(x: Like, rank: int = 2) -> Node:
    """The mean over the last `rank` axes, which keep an extent of 1.  [..., n, m]   ->   [..., 1, 1]

    Slopes: 1 over the number of elements.  Lin, Chen, Yan: Network in network, 2014, section 3.2.
    """
    return adaptive_avg_pool(x, (1,) * _rank("global_avg_pool", rank))


def global_max_pool(x: Like, rank: int = 2) -> Node:
    """The largest over the last `rank` axes, which keep an extent of 1.  [..., n, m]   ->   [..., 1, 1]

    Slopes: 1 / k for each of the k that are largest, else 0.
    """
    return adaptive_max_pool(x, (1,) * _rank("global_max_pool", rank))


def _rank(name: str, rank: object) -> int:
    """How many axes are pooled over; NumPy's arrays have at most 64."""
    return min(a_whole_number(name, "the rank", rank, least=1), 65)


class _Pooling(NamedTuple):
    """Windows over the last axes: their extents, how they move, how much stands around the array, and at most may."""

    name: str
    window: tuple[int, ...]
    stride: tuple[int, ...]
    dilation: tuple[int, ...]
    sides: Sequence[tuple[Size, Size]]
    most: Sequence[Size]

    def parts(self, x: Node, value: Number) -> Node:
        """All windows of `x`, with `value` around it.  [..., n...]   ->   [..., p..., k...]"""
        for (before, after), most in zip(self.sides, self.most, strict=True):
            for side in (before, after):
                x = provided(self.name, x, side, minimum(side, most), "the padding is more than half of the window")
        framed = pad(x, [(0, 0)] * (x.ndim - len(self.sides)) + list(self.sides), value)
        return windows(framed, self.window, stride=self.stride, dilation=self.dilation)

    def summed(self, x: Node) -> Node:
        """The sum of each window, with zeros around the array."""
        parts = self.parts(x, 0)
        return sum_over(parts, tuple(range(x.ndim, parts.ndim)))


def _pooling(
    name: str, x: Node, window: PerAxis, stride: PerAxis | None, padding: Sides, dilation: PerAxis
) -> _Pooling:
    """The options of pooling, for each of the last axes."""
    extents = _for_last(name, x, "window", window)
    count = len(extents)
    strides = extents if stride is None else per_axis(name, "stride", stride, count, x)
    steps = per_axis(name, "dilation", dilation, count, x)
    sides = sides_of(name, padding, x.shape[-count:], extents, strides, steps, x)
    half: Sequence[Size] = [((k - 1) * step + 1) // 2 for k, step in zip(extents, steps, strict=True)]
    by_name = isinstance(padding, str)  # what "same" and "full" add follows from the window
    most = [maximum(*pair) for pair in sides] if by_name else half
    return _Pooling(name, extents, strides, steps, sides, most)


def _parts(name: str, x: Node, shape: PerAxis) -> tuple[Node, tuple[int, ...]]:
    """Each of the last axes cut into equal parts: [..., p, n / p, ...], and the axes of the parts."""
    wanted = _for_last(name, x, "shape", shape)
    lead = x.ndim - len(wanted)
    apart: Shape = x.shape[:lead]
    for n, p in zip(x.shape[lead:], wanted, strict=True):
        if equal(n % p, 0) is False:
            hint = "avg_pool with a window and a stride covers parts that overlap"
            raise locate(ShapeError(f"{name}: {p} equal parts of an extent of {n}", hint=hint), here(), (x,))
        apart = (*apart, p, n // p)
    return reshape(x, apart), tuple(range(lead + 1, len(apart), 2))


def _for_last(name: str, x: Node, what: str, value: PerAxis) -> tuple[int, ...]:
    """One positive number for each of the last axes: two, where one number is given."""
    found = per_axis(name, what, value, len(value) if isinstance(value, list | tuple) else 2, x)
    if not 0 < len(found) <= x.ndim:
        raise locate(
            ShapeError(f"{name}: {counted(len(found), 'axis', 'axes')} of an array of rank {x.ndim}"), here(), (x,)
        )
    return found
