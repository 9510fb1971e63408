"""Windows that move over the last axes: views of them, their adjoint, and pooling."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, TypeAlias, final

import numpy as np

from graphc.errors import ArgumentError, ShapeError
from graphc.ir.arithmetic import sum_over
from graphc.ir.kinds import Deposit, IndexMap, Movement
from graphc.ir.leaves import full
from graphc.ir.node import IndexBound, Like, Node, Op, SameSize, apply, locate
from graphc.ir.operands import as_node, broadcast
from graphc.kernel.program import AffineIndex
from graphc.kernel.scalar import Number
from graphc.ops.elementwise import floating
from graphc.ops.movement import pad
from graphc.ops.extremes import Max
from graphc.origin import here
from graphc.sizes import Size, lower_bound, maximum
from graphc.types import BOOL, DType, Shape, TensorType, is_floating

__all__ = [
    "PerAxis",
    "WindowSum",
    "Windows",
    "avg_pool",
    "count_of",
    "max_pool",
    "per_axis",
    "sides_of",
    "window_index",
    "windows",
]

PerAxis: TypeAlias = int | Sequence[int]
Sides: TypeAlias = "Size | str | Sequence[Size | tuple[Size, Size]]"


def count_of(n: Size, window: Size, stride: int, dilation: int) -> Size:
    """How many windows fit: (n - (window - 1) dilation - 1) // stride + 1."""
    return (n - (window - 1) * dilation - 1) // stride + 1


def window_index(place: int, offset: int, stride: int, dilation: int) -> AffineIndex:
    """place * stride + offset * dilation, over the axes of that number."""
    return AffineIndex(((place, stride), (offset, dilation)))


@final
@dataclass(frozen=True)
class Windows(Movement):
    """All windows over the last axes, overlapping ones too.  Adjoint: WindowSum.

    [..., n...]   ->   [..., p..., k...]   where element (p, k) is that at p * stride + k * dilation
    """

    window: Shape
    stride: tuple[int, ...]
    dilation: tuple[int, ...]
    name: ClassVar[str] = "windows"
    repeats: ClassVar[bool] = True

    def infer(self, *types: TensorType) -> TensorType:
        (x,) = types
        lead = len(x.shape) - len(self.window)
        return TensorType((*x.shape[:lead], *self._counts(x.shape[lead:]), *self.window), x.dtype)

    def requirements(self, *types: TensorType) -> Sequence[SameSize | IndexBound]:
        counts = self._counts(types[0].shape[-len(self.window) :])
        return [SameSize(maximum(p, 0), p, "the window is larger than the array") for p in counts if _may_fail(p)]

    def _counts(self, extents: Shape) -> Shape:
        return tuple(map(count_of, extents, self.window, self.stride, self.dilation))

    def source(self, operand: Shape) -> IndexMap:
        return _window_map(len(operand), self.stride, self.dilation)

    def transpose(self, node: Node, cotangent: Node) -> Sequence[Node | None]:
        extents = node.inputs[0].shape[-len(self.window) :]
        return (apply(WindowSum(extents, self.stride, self.dilation), cotangent),)

    def lifted(self, extent: Size) -> Op:
        return self

    def text(self) -> str:
        return f"windows[{','.join(map(str, self.window))}]"


@final
@dataclass(frozen=True)
class WindowSum(Deposit):
    """Windows laid back to where they came from; elements that meet are added.  Adjoint: Windows.

    [..., p..., k...]   ->   [..., n...]   where n are `extents`
    """

    extents: Shape
    stride: tuple[int, ...]
    dilation: tuple[int, ...]
    name: ClassVar[str] = "window_sum"
    adds: ClassVar[bool] = True

    def infer(self, *types: TensorType) -> TensorType:
        (x,) = types
        return TensorType((*x.shape[: len(x.shape) - 2 * len(self.extents)], *self.extents), x.dtype)

    def places(self, *operands: Shape) -> Sequence[IndexMap]:
        return (_window_map(len(operands[0]) - len(self.extents), self.stride, self.dilation),)

    def covers(self) -> bool:
        return False

    def transpose(self, node: Node, cotangent: Node) -> Sequence[Node | None]:
        window = node.inputs[0].shape[-len(self.extents) :]
        return (apply(Windows(window, self.stride, self.dilation), cotangent),)

    def lifted(self, extent: Size) -> Op:
        return self


def _window_map(rank: int, stride: tuple[int, ...], dilation: tuple[int, ...]) -> IndexMap:
    """From the axes of the windows to an index of the array, which has `rank` axes."""
    lead = rank - len(stride)
    plain = [AffineIndex(((axis, 1),)) for axis in range(lead)]
    moving = [
        window_index(lead + number, rank + number, *steps)
        for number, steps in enumerate(zip(stride, dilation, strict=True))
    ]
    return IndexMap((*plain, *moving))


def _may_fail(count: Size) -> bool:
    low = lower_bound(count)
    return low is None or low < 0


def windows(x: Like, window: Sequence[Size], *, stride: PerAxis = 1, dilation: PerAxis = 1) -> Node:
    """All windows over the last axes.  [..., n...]   ->   [..., p..., k...]

    `window`: the extents k.  The windows begin `stride` apart, and their elements lie `dilation` apart.
    """
    node, count = as_node(x), len(window)
    if node.ndim < count:
        raise locate(ShapeError(f"windows: {count} axes of an array of rank {node.ndim}"), here(), (node,))
    strides = per_axis("windows", "stride", stride, count)
    return apply(Windows(tuple(window), strides, per_axis("windows", "dilation", dilation, count)), node)


def max_pool(x: Like, window: PerAxis, *, stride: PerAxis | None = None, padding: Sides = 0) -> Node:
    """The largest element of each window.  [..., n...]   ->   [..., p...]

    window    an extent for each of the last two axes, or a tuple of extents, one per axis
    stride    from window to window; the window itself for None, so that windows tile
    padding   see `conv2d`; what is added is less than every element

    Elements that share the maximum share the gradient equally.
    """
    node = as_node(x)
    if node.dtype == BOOL:
        raise locate(ArgumentError("max_pool: bool has no order", hint="gx.any"), here(), (node,))
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
        return total / full((), _product_of(extents), node.dtype)
    covered = summed(full(node.shape[-len(extents) :], 1, node.dtype))
    return total / broadcast(covered, total.shape)


def _product_of(extents: Sequence[int]) -> int:
    return int(np.prod(extents, dtype=np.int64))


def _lowest(dtype: DType) -> Number:
    return float("-inf") if is_floating(dtype) else int(np.iinfo(dtype).min)


def _pooling(name: str, window: PerAxis, stride: PerAxis | None) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """The extents of the window, and from window to window."""
    extents = per_axis(name, "window", window, 2 if isinstance(window, int) else len(window))
    return extents, extents if stride is None else per_axis(name, "stride", stride, len(extents))


def _framed(name: str, x: Node, sides: Sequence[tuple[Size, Size]], value: Number) -> Node:
    """`x` padded along its last axes."""
    lead = x.ndim - len(sides)
    if lead < 0:
        raise locate(ShapeError(f"{name}: {len(sides)} axes of an array of rank {x.ndim}"), here(), (x,))
    return pad(x, [(0, 0)] * lead + list(sides), value)


def per_axis(name: str, what: str, value: PerAxis, count: int) -> tuple[int, ...]:
    """One positive number for each of `count` axes."""
    values = (value,) * count if isinstance(value, int) else tuple(value)
    if len(values) != count:
        raise ArgumentError(f"{name}: {what} has {len(values)} numbers for {count} axes").located(())
    if not all(isinstance(number, int) and number > 0 for number in values):
        raise ArgumentError(f"{name}: {what} is a positive int for each axis, not {value!r}").located(())
    return values


def sides_of(
    name: str, padding: Sides, extents: Shape, window: Shape, stride: Sequence[int], dilation: Sequence[int]
) -> list[tuple[Size, Size]]:
    """How much to pad before and after each axis.

    A number is meant for all sides, a sequence has a number or a pair (before, after) per axis.  "valid" pads
    nothing; "same" so that there are n // stride windows, rounded up, with the odd one after.
    """
    count = len(window)
    if padding == "valid":
        return [(0, 0)] * count
    if padding == "same":
        found: list[tuple[Size, Size]] = []
        for n, k, s, d in zip(extents, window, stride, dilation, strict=True):
            missing = maximum(((n - 1) // s) * s + (k - 1) * d + 1 - n, 0) if s > 1 else (k - 1) * d
            found.append((missing // 2, missing - missing // 2))
        return found
    if isinstance(padding, str):
        raise ArgumentError(f"{name}: padding is a number, pairs, 'same' or 'valid', not {padding!r}").located(())
    each = list(padding) if isinstance(padding, Sequence) else [padding] * count
    if len(each) != count:
        raise ArgumentError(f"{name}: padding has {len(each)} numbers or pairs for {count} axes").located(())
    return [side if isinstance(side, tuple) else (side, side) for side in each]
