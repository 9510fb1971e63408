"""Interpolation: between two values, and images of other extents."""

from collections.abc import Sequence
from typing import ClassVar, Literal, TypeAlias, final

from graphc.errors import ArgumentError, ShapeError
from graphc.ir.apply import apply, locate
from graphc.ir.arithmetic import spread
from graphc.ir.given import LARGEST, a_choice, a_count, a_flag, a_number
from graphc.ir.kinds import Elementwise
from graphc.ir.leaves import size_node
from graphc.ir.node import Like, Node
from graphc.ir.operands import as_node, cast, meet
from graphc.kernel import functions as k
from graphc.kernel.scalar import Scalar
from graphc.ops.creation import iota
from graphc.ops.elementwise import floating
from graphc.ops.indexing import Take
from graphc.ops.piecewise import maximum, minimum
from graphc.ops.stepping import floordiv
from graphc.origin import here
from graphc.sizes import Size, lower_bound
from graphc.sizes import maximum as larger
from graphc.types import DTYPES

__all__ = ["interpolate", "lerp"]

Interpolation: TypeAlias = Literal["nearest", "linear", "bilinear", "trilinear"]

_RANKS = {"bilinear": 2, "trilinear": 3}


# Between two values.


@final
class Lerp(Elementwise):
    """x + w (y - x), written so that it is exactly y for w = 1.  Slopes: 1 - w, w, y - x.

    Where y - x is more than the dtype has, it is (1 - w) x + w y.
    """

    name: ClassVar[str] = "lerp"

    def scalar(self, *xs: Scalar) -> Scalar:
        x, y, w = xs
        gap = y - x
        from_nearer = k.where(w < 0.5, x + w * gap, y - (1 - w) * gap)
        return k.where(k.is_finite(gap), from_nearer, (1 - w) * x + w * y)

    def partials(self, y: Node, *xs: Node) -> Sequence[Node | None]:
        start, end, w = xs
        return (1 - w, w, end - start)


def lerp(start: Like, end: Like, weight: Like) -> Node:
    """start + weight (end - start): `start` for a weight of 0 and `end` for 1, both exactly; also beyond them.

    Slopes: 1 - weight, weight, end - start.
    """
    x, y = meet("lerp", start, end)
    x, w = meet("lerp", x, weight)
    y, w = meet("lerp", y, w)
    return apply(Lerp(), floating(x), floating(y), floating(w))


# Images.


def interpolate(
    x: Like,
    size: "Size | Sequence[Size] | None" = None,
    *,
    scale: "float | Sequence[float] | None" = None,
    mode: Interpolation = "nearest",
    align_corners: bool = False,
) -> Node:
    """An image of other extents.  [n, c, h, w]   ->   [n, c, p, q]; any number of axes after the channels.

    size            the new extents, one for each axis after the channels, or one for all
    scale           instead of these: how many times the old ones, rounded down
    mode            "nearest": element i is that at floor(i h / p)
                    "linear" ("bilinear", "trilinear" for two and three axes): between the two elements beside
                    the place of i, in proportion, along one axis after the other
    align_corners   for "linear": whether the place of i is i (h - 1) / (p - 1), so that corners keep their
                    values; else (i + 1/2) h / p - 1/2, elements are areas, and places beyond the first and the
                    last element are moved there

    The conventions are PyTorch's; places are computed exactly, in integers.

    Adjoint: each element gets from the cotangent what it gave, in the same proportions.
    """
    node = as_node(x)
    rank = node.ndim - 2
    if rank < 1:
        problem = f"interpolate: the array has rank {node.ndim}"
        raise locate(ShapeError(problem, hint="its axes are [n, c, ...]"), here(), (node,))
    align_corners = a_flag("interpolate", "align_corners", align_corners)
    a_choice("interpolate", "the mode", mode, ("nearest", "linear", *_RANKS), node)
    if _RANKS.get(mode, rank) != rank:
        problem = f"interpolate: no mode {mode!r} for {rank} axes"
        raise locate(ArgumentError(problem, hint="'nearest', or 'linear' for any number"), here(), (node,))
    if mode == "nearest" and align_corners:
        problem = "interpolate: align_corners has no meaning for 'nearest'"
        raise locate(ArgumentError(problem), here(), (node,))
    node = node if mode == "nearest" else floating(node)
    for axis, p in enumerate(_extents(node, size, scale), start=2):
        if p != node.shape[axis]:
            node = _nearest(node, axis, p) if mode == "nearest" else _between(node, axis, p, align_corners)
    return node


def _extents(x: Node, size: "Size | Sequence[Size] | None", scale: "float | Sequence[float] | None") -> list[Size]:
    """The new extents of the axes after the channels."""
    rank = x.ndim - 2
    given = scale if size is None else size
    each = [*given] if isinstance(given, list | tuple) else [given] * rank
    if (size is None) == (scale is None) or len(each) != rank:
        problem = f"interpolate: one size, or one scale, for each of {rank} axes"
        raise locate(ArgumentError(problem), here(), (x,))
    extents: list[Size] = []
    for n, factor in zip(x.shape[2:], each, strict=True):
        if size is not None:
            extents.append(a_count("interpolate", "the size", factor, x))
            continue
        times = a_number("interpolate", "the scale", factor, x)
        if not 0 <= times <= LARGEST:
            raise locate(ArgumentError(f"interpolate: {times} is no scale"), here(), (x,))
        if isinstance(times, int):
            extents.append(n * times)
        elif isinstance(n, int):
            extents.append(int(n * times))
        else:
            problem = f"interpolate: {factor} times an extent of {n} is no size"
            raise locate(ArgumentError(problem, hint="a whole number of times, or size=..."), here(), (x,))
    return extents


def _nearest(x: Node, axis: int, p: Size) -> Node:
    """Element i along `axis` is that at floor(i n / p)."""
    n = size_node(x.shape[axis])
    return _read(x, axis, floordiv(iota(p) * n, size_node(larger(p, 1))))


def _between(x: Node, axis: int, p: Size, align_corners: bool) -> Node:
    """Element i along `axis` lies between two, at the place above / below."""
    n = x.shape[axis]
    if align_corners:
        above, below = iota(p) * size_node(n - 1), larger(p - 1, 1)
    else:
        above, below = maximum((iota(p) * 2 + 1) * size_node(n) - size_node(p), 0), larger(2 * p, 1)
    first = floordiv(above, size_node(below))
    second = minimum(first + 1, size_node(n - 1))
    part = cast(above - first * size_node(below), DTYPES["float64"]) / size_node(below)
    weight = spread(cast(part, x.dtype), (*x.shape[:axis], p, *x.shape[axis + 1 :]), _others(x, axis))
    low, high = _read(x, axis, first), _read(x, axis, second)
    return low + weight * (high - low)


def _read(x: Node, axis: int, places: Node) -> Node:
    """The elements at `places` along `axis`, which are in range where there are any elements."""
    return apply(Take(axis, checked=not (lower_bound(x.shape[axis]) or 0) > 0), x, places)


def _others(x: Node, axis: int) -> list[int]:
    return [i for i in range(x.ndim) if i != axis]
