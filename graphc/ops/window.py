"""Windows that move over the last axes: views of them, and their adjoint."""

from collections.abc import Sequence
from typing import ClassVar, Literal, TypeAlias, final

from graphc.errors import ArgumentError, ShapeError
from graphc.ir.apply import apply, locate
from graphc.ir.given import LARGEST, a_size, an_array_shape, is_extent, is_whole
from graphc.ir.kinds import Deposit, IndexMap, Movement
from graphc.ir.node import IndexBound, Like, Node, Op, SameSize
from graphc.ir.operands import accumulated, as_node
from graphc.kernel.affine import AffineIndex
from graphc.origin import here
from graphc.printable import counted, described
from graphc.sizes import Size, lower_bound, maximum
from graphc.types import Shape, TensorType

__all__ = [
    "PerAxis",
    "Sides",
    "WindowSum",
    "Windows",
    "count_of",
    "per_axis",
    "sides_of",
    "window_index",
    "windows",
]

PerAxis: TypeAlias = int | Sequence[int]
Sides: TypeAlias = 'Size | Literal["same", "valid", "full"] | Sequence[Size | tuple[Size, Size]]'


def count_of(n: Size, window: Size, stride: int, dilation: int) -> Size:
    """How many windows fit: (n - (window - 1) dilation - 1) // stride + 1."""
    return (n - (window - 1) * dilation - 1) // stride + 1


def window_index(place: int, offset: int, stride: int, dilation: int) -> AffineIndex:
    """place * stride + offset * dilation, over the axes of that number."""
    return AffineIndex(((place, stride), (offset, dilation)))


@final
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
        because = "the window is larger than the array"
        extents = types[0].shape[len(types[0].shape) - len(self.window) :]
        reach = [(k - 1) * step + 1 for k, step in zip(self.window, self.dilation, strict=True)]
        missing = zip(reach, extents, self._counts(extents), strict=True)
        return [SameSize(maximum(k, n), n, because) for k, n, count in missing if _may_be_none(count)]

    def _counts(self, extents: Shape) -> Shape:
        return tuple(map(count_of, extents, self.window, self.stride, self.dilation))

    def source(self, operand: Shape) -> IndexMap:
        return _window_map(len(operand), self.stride, self.dilation)

    def transpose(self, node: Node, cotangent: Node) -> Sequence[Node | None]:
        extents = node.inputs[0].shape[-len(self.window) :]
        return (accumulated(WindowSum(extents, self.stride, self.dilation), cotangent),)

    def lifted(self, extent: Size) -> Op:
        return self

    def text(self) -> str:
        return f"windows[{','.join(map(str, self.window))}]"


@final
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


def _may_be_none(count: Size) -> bool:
    """Whether the array may be too small for a window."""
    low = lower_bound(count)
    return low is None or low < 1


def windows(x: Like, window: Sequence[Size], *, stride: PerAxis = 1, dilation: PerAxis = 1) -> Node:
    """All windows over the last axes.  [..., n...]   ->   [..., p..., k...]

    `window`: the extents k.  The windows begin `stride` apart, and their elements lie `dilation` apart.

    Adjoint: each element gets the sum over the windows that it is in.
    """
    node, extents = as_node(x), an_array_shape("windows", window)
    count = len(extents)
    if node.ndim < count:
        raise locate(
            ShapeError(f"windows: {counted(count, 'axis', 'axes')} of an array of rank {node.ndim}"), here(), (node,)
        )
    strides = per_axis("windows", "stride", stride, count, node)
    return apply(Windows(extents, strides, per_axis("windows", "dilation", dilation, count, node)), node)


def per_axis(name: str, what: str, value: object, count: int, *operands: Node, least: int = 1) -> tuple[int, ...]:
    """One number, `least` or more, for each of `count` axes.  `name` is the function that asks, for `what`."""
    given = list(value) if isinstance(value, list | tuple) else [value] * count
    numbers = tuple(int(number) for number in given if is_whole(number) and least <= number <= LARGEST)
    if len(given) != count or len(numbers) != count:
        each = counted(count, "axis", "axes")
        wanted = f"{'a positive int' if least else 'an int of 0 or more'}, or one for each of {each}"
        raise locate(ArgumentError(f"{name}: {what} is {wanted}, not {described(value)}"), here(), operands)
    return numbers


def sides_of(
    name: str,
    padding: object,
    extents: Shape,
    window: Shape,
    stride: Sequence[int],
    dilation: Sequence[int],
    *operands: Node,
) -> list[tuple[Size, Size]]:
    """How much to pad before and after each axis.

    A number is meant for all sides, a sequence has a number or a pair (before, after) per axis.  "valid" pads
    nothing; "same" so that there are n / stride windows, rounded up, with the odd one after; "full" so that every
    window stands that meets one element of the array.
    """
    count = len(window)
    if not isinstance(padding, str):
        return _pairs_of(name, padding, count, operands)
    if padding == "full":
        reach = [maximum((k - 1) * step, 0) for k, step in zip(window, dilation, strict=True)]
        return [(side, side) for side in reach]
    if padding == "same":
        missing = map(_missing, extents, window, stride, dilation)
        return [(size // 2, (size + 1) // 2) for size in missing]
    return _pairs_of(name, 0 if padding == "valid" else padding, count, operands)


def _pairs_of(name: str, padding: object, count: int, operands: Sequence[Node]) -> list[tuple[Size, Size]]:
    """A number for all sides, or a number or a pair per axis."""
    each = list(padding) if isinstance(padding, list | tuple) else [padding] * count
    pairs = [tuple(side) if isinstance(side, list | tuple) else (side, side) for side in each]
    if len(pairs) != count or any(len(pair) != 2 or not all(map(_is_width, pair)) for pair in pairs):
        wanted = f"a number of 0 or more, {count} numbers or pairs, 'same', 'valid' or 'full'"
        raise locate(ArgumentError(f"{name}: padding is {wanted}, not {described(padding)}"), here(), operands)
    return [(a_size(name, "padding", before), a_size(name, "padding", after)) for before, after in pairs]


def _is_width(side: object) -> bool:
    """Whether so much may stand beside an array."""
    return is_extent(side) and not (is_whole(side) and side < 0)


def _missing(n: Size, window: Size, stride: int, dilation: int) -> Size:
    """How much an axis lacks to have n / stride windows, rounded up."""
    reach = (window - 1) * dilation
    return maximum(reach if stride == 1 else (n - 1) // stride * stride + reach + 1 - n, 0)
