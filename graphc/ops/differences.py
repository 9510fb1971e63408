"""Differences of neighbours, sums by rules, weighted averages, ranges."""

from graphc.errors import ArgumentError, ShapeError
from graphc.ir.apply import locate
from graphc.ir.given import a_whole_number
from graphc.ir.node import Like, Node
from graphc.ir.operands import as_node, broadcast, cast, div, mul, one_number, sub
from graphc.ops.axes import Axes, one_axis, several_axes, some_axes, with_axes
from graphc.ops.elementwise import floating
from graphc.ops.extremes import max, min
from graphc.ops.logic import not_equal
from graphc.ops.movement import broadcast_to, concat, reshape, transpose
from graphc.ops.placement import Slice, moved
from graphc.ops.reduction import sum
from graphc.ops.statistics import mean
from graphc.origin import here
from graphc.sizes import Size, equal, maximum
from graphc.types import BOOL, accumulator, promote

__all__ = ["average", "diff", "ptp", "trapezoid"]


MOST = 1000  # times; each is a node


def diff(x: Like, n: int = 1, axis: int = -1, *, prepend: "Like | None" = None, append: "Like | None" = None) -> Node:
    """Each element less the one before it along `axis`, `n` times over.  [..., m, ...]   ->   [..., m - n, ...]

    prepend, append   numbers or arrays to go before and after `x` along `axis` first

    Of bools: whether they differ.

    Adjoint: as often the negative differences of the cotangent, between two zeros.
    """
    node = as_node(x)
    i = one_axis("diff", axis, node.ndim, node)
    n = a_whole_number("diff", "n", n, node, least=0)
    if n > MOST:
        raise locate(
            ArgumentError(f"diff: {n} times is too often: each is a node", hint=f"{MOST} at most"), here(), (node,)
        )
    one = tuple(1 if j == i else m for j, m in enumerate(node.shape))
    ends = [None if end is None else as_node(end) for end in (prepend, append)]
    before, after = (end if end is None or end.ndim else broadcast_to(end, one) for end in ends)
    parts = [part for part in (before, node, after) if part is not None]
    node = concat(parts, i) if len(parts) > 1 else node
    for _ in range(n):
        first, second = _neighbours(node, i)
        node = not_equal(second, first) if node.dtype == BOOL else sub(second, first)
    return node


def _neighbours(x: Node, axis: int) -> tuple[Node, Node]:
    """All elements but the last along `axis`, and all but the first."""
    count = maximum(x.shape[axis] - 1, 0)
    lengths = tuple(count if i == axis else n for i, n in enumerate(x.shape))

    def part(start: Size) -> Node:
        return moved(Slice(tuple(start if i == axis else 0 for i in range(x.ndim)), (1,) * x.ndim, lengths), x)

    return part(0), part(1)


def trapezoid(y: Like, x: "Like | None" = None, *, dx: Like = 1.0, axis: int = -1) -> Node:
    """The area under points joined by lines, along `axis`: Σ (x[i + 1] - x[i]) (y[i] + y[i + 1]) / 2.

    x    where the points are: one axis for all, or in the shape of y
    dx   how far apart they are, where `x` is not given

    y [..., n, ...]   ->   [..., ...]

    Slopes, but at the ends: (x[i + 1] - x[i - 1]) / 2 by y[i], (y[i - 1] - y[i + 1]) / 2 by x[i].  DLMF 3.5.
    """
    node = floating(y)
    i = one_axis("trapezoid", axis, node.ndim, node)
    first, second = _neighbours(node, i)
    heights = mul(first + second, 0.5)
    if x is None:
        return sum(mul(heights, one_number("trapezoid", "dx", dx)), i)
    places = floating(x)
    if places.ndim == 1:
        places = reshape(places, tuple(places.shape[0] if j == i else 1 for j in range(node.ndim)))
    return sum(mul(heights, diff(places, axis=i - node.ndim)), i)


def average(x: Like, axis: Axes = None, *, weights: "Like | None" = None, keepdims: bool = False) -> Node:
    """The mean over `axis`, in which each element counts by its weight: Σ w x / Σ w.

    weights   in the shape of x, or of the axes that are averaged over, in the order of `axis`

    float16 and bfloat16 are added up in float32.

    Slopes: w / Σ w by x, (x - y) / Σ w by w, where y is the result.  Shapes: see `sum`.
    """
    if weights is None:
        return mean(x, axis, keepdims=keepdims)
    node, given = floating(x), as_node(weights)
    weight = given
    axes = some_axes("average", axis, node.ndim, node)
    if axis is not None and weight.ndim == len(axes) < node.ndim:
        order = several_axes("average", axis, node.ndim)
        extents = dict(zip(order, weight.shape, strict=True))
        weight = transpose(weight, [order.index(i) for i in axes])
        weight = reshape(weight, tuple(extents.get(i, 1) for i in range(node.ndim)))
    if weight.ndim != node.ndim or any(
        n != 1 and equal(n, m) is False for n, m in zip(weight.shape, node.shape, strict=True)
    ):
        problem = f"average: weights {given.tensor} for {node.tensor}"
        hint = "weights of one axis go with axis=" if given.ndim == 1 else None
        raise locate(ShapeError(problem, hint=hint), here(), (node, given))
    dtype = promote(node.tensor, weight.tensor)
    wide = cast(node, accumulator(dtype))
    weight = broadcast(cast(weight, wide.dtype), wide.shape)
    found = div(sum(mul(wide, weight), axes), sum(weight, axes))
    return with_axes(cast(found, dtype), node, axes, keepdims)


def ptp(x: Like, axis: Axes = None, *, keepdims: bool = False) -> Node:
    """The largest less the smallest over `axis`.  Slopes: those of `max` less those of `min`.

    Shapes: see `sum`.
    """
    return sub(max(x, axis, keepdims=keepdims), min(x, axis, keepdims=keepdims))
