"""Ops that move elements and compute nothing: transpose, slice and pad, pick, reshape, concat."""

from collections.abc import Sequence
from dataclasses import field
from typing import ClassVar, final

from graphc.errors import IndexRangeError
from graphc.ir.apply import apply
from graphc.ir.arithmetic import Squeeze, spread
from graphc.ir.kinds import Deposit, IndexMap, Movement, Reshaped
from graphc.ir.leaves import full, uniform
from graphc.ir.node import IndexBound, Node, Op, SameSize
from graphc.kernel.affine import AffineIndex
from graphc.kernel.scalar import Number
from graphc.ops.axes import listed, without
from graphc.ops.layers import Interval, are_known, in_layers, in_line
from graphc.sizes import Size, maximum, product, total
from graphc.types import Shape, TensorType

__all__ = [
    "Concat",
    "Declare",
    "Pad",
    "Pick",
    "Reshape",
    "Slice",
    "Transpose",
    "axis_beside",
    "moved",
    "start_text",
    "steps_map",
]


@final
class Transpose(Movement):
    """Axis i of the result is axis permutation[i] of the operand.  Adjoint: the inverse permutation."""

    permutation: tuple[int, ...]
    name: ClassVar[str] = "transpose"

    def infer(self, *types: TensorType) -> TensorType:
        (x,) = types
        return TensorType(tuple(x.shape[axis] for axis in self.permutation), x.dtype, x.weak)

    def source(self, operand: Shape) -> IndexMap:
        return IndexMap(tuple(AffineIndex(((axis, 1),)) for axis in self.inverse))

    @property
    def inverse(self) -> tuple[int, ...]:
        """The permutation that undoes this one."""
        return tuple(sorted(range(len(self.permutation)), key=self.permutation.__getitem__))

    def transpose(self, node: Node, cotangent: Node) -> Sequence[Node | None]:
        return (moved(Transpose(self.inverse), cotangent),)

    def lifted(self, extent: Size) -> Op:
        return Transpose((0, *(axis + 1 for axis in self.permutation)))

    def text(self) -> str:
        return f"transpose[{listed(self.permutation)}]"


@final
class Slice(Movement):
    """Along each axis `lengths` elements, from `starts` on, every `steps`-th.  Adjoint: pad with 0.

    All in range.  A step may be negative.  Where a length is 0 the start means nothing.
    """

    starts: tuple[Size, ...]
    steps: tuple[int, ...]
    lengths: Shape
    name: ClassVar[str] = "slice"

    def infer(self, *types: TensorType) -> TensorType:
        return TensorType(self.lengths, types[0].dtype, types[0].weak)

    def source(self, operand: Shape) -> IndexMap:
        return steps_map(self.starts, self.steps)

    def transpose(self, node: Node, cotangent: Node) -> Sequence[Node | None]:
        return (apply(Pad(self.starts, self.steps, node.inputs[0].shape, 0), cotangent),)

    def lifted(self, extent: Size) -> Op:
        return Slice((0, *self.starts), (1, *self.steps), (extent, *self.lengths))

    def text(self) -> str:
        return f"slice[{listed(map(_range, self.starts, self.steps, self.lengths))}]"


@final
class Pad(Deposit):
    """Element i of the operand goes to starts + i steps; all else is `value`.  Adjoint: slice."""

    starts: tuple[Size, ...]
    steps: tuple[int, ...]
    shape: Shape
    value: Number
    signs: str = field(init=False, repr=False)  # of the parts of the value: 0.0 equals -0.0, and is another filling
    name: ClassVar[str] = "pad"

    def __post_init__(self) -> None:
        object.__setattr__(self, "signs", repr(complex(self.value)))

    def infer(self, *types: TensorType) -> TensorType:
        return TensorType(self.shape, types[0].dtype)

    def places(self, *operands: Shape) -> Sequence[IndexMap]:
        return (steps_map(self.starts, self.steps),)

    def covers(self) -> bool:
        return False

    def fill(self) -> Number:
        return self.value

    def linear_part(self) -> Op:
        return Pad(self.starts, self.steps, self.shape, 0)

    def transpose(self, node: Node, cotangent: Node) -> Sequence[Node | None]:
        return (moved(Slice(self.starts, self.steps, node.inputs[0].shape), cotangent),)

    def lifted(self, extent: Size) -> Op:
        return Pad((0, *self.starts), (1, *self.steps), (extent, *self.shape), self.value)

    @classmethod
    def together(cls, parts: Sequence[Node]) -> Sequence[Node]:
        """Concatenations of what lies side by side along one axis; one for each layer, where parts meet.

        Of open parts those alone that fill the whole: of others it is not known how they lie.
        """
        along: dict[tuple[int, Shape], list[Node]] = {}
        found: list[Node] = []
        for part in parts:
            axis = axis_beside(part)
            if axis is None:
                found.append(part)
            else:
                along.setdefault((axis, part.shape), []).append(part)
        for (axis, _), some in along.items():
            found += _side_by_side(some, axis)
        return found

    def text(self) -> str:
        value = f" with {self.value}" if self.value else ""
        return f"pad[{listed(map(start_text, self.starts, self.steps))}]{value}"


def axis_beside(padded: Node) -> int | None:
    """The axis along which zeros stand beside an array; None for other padding."""
    op, under = padded.op, padded.inputs[0]
    assert isinstance(op, Pad)
    apart = [axis for axis, n in enumerate(op.shape) if under.shape[axis] != n]
    if len(apart) != 1 or op.value != 0 or any(step != 1 for step in op.steps):
        return None
    return apart[0]


def _side_by_side(parts: Sequence[Node], axis: int) -> Sequence[Node]:
    """What has the sum of parts of one shape, beside which zeros stand along an axis."""
    like = parts[0]
    places: list[Interval] = []
    for part in parts:
        op, under = part.op, part.inputs[0]
        assert isinstance(op, Pad)
        places.append((op.starts[axis], op.starts[axis] + under.shape[axis], under))
    line = in_line(places, like.shape[axis])
    if line is not None:
        return [_laid_out(line, axis, like)]
    layers = in_layers([place for place in places if are_known(place)])
    apart = [part for part, place in zip(parts, places, strict=True) if not are_known(place)]
    return [*apart, *(_laid_out(layer, axis, like) for layer in layers)]


def _laid_out(layer: Sequence[Interval], axis: int, like: Node) -> Node:
    """Parts of one layer in an array of zeros of the type of `like`."""
    extent = like.shape[axis]
    pieces: list[Node] = []
    place: Size = 0
    for start, end, part in (*layer, (extent, extent, None)):
        if place != start:
            pieces.append(full((*like.shape[:axis], start - place, *like.shape[axis + 1 :]), 0, like.dtype))
        if part is not None and start != end:
            pieces.append(part)
        place = end
    return apply(Concat(axis), *pieces) if len(pieces) > 1 else pieces[0]


@final
class Pick(Movement):
    """The elements at `places` along `axes`, which the result lacks.  Adjoint: all else is 0.

    A place is counted from the front; places that may be outside are checked when called.
    """

    axes: tuple[int, ...]
    places: tuple[Size, ...]
    name: ClassVar[str] = "pick"

    def requirements(self, *types: TensorType) -> Sequence[SameSize | IndexBound]:
        found = []
        for axis, place in zip(self.axes, self.places, strict=True):
            n = types[0].shape[axis]
            if isinstance(n, int) and isinstance(place, int):
                continue  # decided in `infer`
            because = f"index {place} is outside axis {axis} of extent {n}"
            for size, clipped in ((n, maximum(n, place + 1)), (place, maximum(place, 0))):
                if clipped != size:
                    found.append(SameSize(size, clipped, because))
        return found

    def infer(self, *types: TensorType) -> TensorType:
        (x,) = types
        for axis, place in zip(self.axes, self.places, strict=True):
            n = x.shape[axis]
            if isinstance(n, int) and isinstance(place, int) and not 0 <= place < n:
                shown = place if place >= n else place - n
                raise IndexRangeError(f"index {shown} is outside axis {axis} of extent {n}")
        return TensorType(without(self.axes, x.shape), x.dtype, x.weak)

    def source(self, operand: Shape) -> IndexMap:
        kept = iter(range(len(operand)))
        chosen = dict(zip(self.axes, self.places, strict=True))
        return IndexMap(
            tuple(
                AffineIndex((), chosen[axis]) if axis in chosen else AffineIndex(((next(kept), 1),))
                for axis in range(len(operand))
            )
        )

    def transpose(self, node: Node, cotangent: Node) -> Sequence[Node | None]:
        whole = node.inputs[0].shape
        chosen = dict(zip(self.axes, self.places, strict=True))
        thin = spread(cotangent, tuple(1 if axis in chosen else n for axis, n in enumerate(whole)), self.axes)
        starts = tuple(chosen.get(axis, 0) for axis in range(len(whole)))
        return (apply(Pad(starts, (1,) * len(whole), whole, 0), thin),)

    def lifted(self, extent: Size) -> Op:
        return Pick(tuple(axis + 1 for axis in self.axes), self.places)

    def text(self) -> str:
        return f"pick[{listed(f'{a}:{p}' for a, p in zip(self.axes, self.places, strict=True))}]"


@final
class Reshape(Reshaped):
    """The same elements, in row-major order, under another shape.  Adjoint: the old shape."""

    shape: Shape
    name: ClassVar[str] = "reshape"

    def requirements(self, *types: TensorType) -> Sequence[SameSize | IndexBound]:
        return [SameSize(types[0].size, product(self.shape), "the numbers of elements differ")]

    def infer(self, *types: TensorType) -> TensorType:
        return TensorType(self.shape, types[0].dtype, types[0].weak)

    def transpose(self, node: Node, cotangent: Node) -> Sequence[Node | None]:
        return (moved(Reshape(node.inputs[0].shape), cotangent),)

    def lifted(self, extent: Size) -> Op:
        return Reshape((extent, *self.shape))

    def text(self) -> str:
        return f"reshape[{listed(self.shape)}]"


@final
class Declare(Reshaped):
    """The operand, whose extents are declared equal to those of `shape`, and checked when called.

    because   what the user asked for that does not hold where they differ
    """

    shape: Shape
    because: str = field(default="", compare=False)
    name: ClassVar[str] = "declare"

    def requirements(self, *types: TensorType) -> Sequence[SameSize | IndexBound]:
        return [
            SameSize(n, m, self.because or f"extents differ along axis {axis}")
            for axis, (n, m) in enumerate(zip(types[0].shape, self.shape, strict=True))
            if n != m
        ]

    def infer(self, *types: TensorType) -> TensorType:
        return TensorType(self.shape, types[0].dtype, types[0].weak)

    def transpose(self, node: Node, cotangent: Node) -> Sequence[Node | None]:
        return (apply(Declare(node.inputs[0].shape), cotangent),)

    def lifted(self, extent: Size) -> Op:
        return Declare((extent, *self.shape), self.because)


@final
class Concat(Deposit):
    """The operands one after the other along `axis`.  Adjoint: a slice for each."""

    axis: int
    name: ClassVar[str] = "concat"

    def requirements(self, *types: TensorType) -> Sequence[SameSize | IndexBound]:
        first, *others = types
        return [
            SameSize(n, m, f"extents differ along axis {axis}")
            for other in others
            for axis, (n, m) in enumerate(zip(first.shape, other.shape, strict=True))
            if axis != self.axis and n != m
        ]

    def infer(self, *types: TensorType) -> TensorType:
        extents = [*types[0].shape]
        extents[self.axis] = total(x.shape[self.axis] for x in types)
        return TensorType(tuple(extents), types[0].dtype)

    def places(self, *operands: Shape) -> Sequence[IndexMap]:
        return [
            steps_map(tuple(start if axis == self.axis else 0 for axis in range(len(shape))), (1,) * len(shape))
            for shape, start in zip(operands, self._starts(operands), strict=True)
        ]

    def covers(self) -> bool:
        return True

    def transpose(self, node: Node, cotangent: Node) -> Sequence[Node | None]:
        shapes = [x.shape for x in node.inputs]
        return [
            moved(
                Slice(
                    tuple(start if axis == self.axis else 0 for axis in range(len(shape))),
                    (1,) * len(shape),
                    shape,
                ),
                cotangent,
            )
            for shape, start in zip(shapes, self._starts(shapes), strict=True)
        ]

    def _starts(self, operands: Sequence[Shape]) -> list[Size]:
        starts: list[Size] = [0]
        for shape in operands[:-1]:
            starts.append(starts[-1] + shape[self.axis])
        return starts

    def lifted(self, extent: Size) -> Op:
        return Concat(self.axis + 1)

    def text(self) -> str:
        return f"concat[{self.axis}]"


def steps_map(starts: Sequence[Size], steps: Sequence[int]) -> IndexMap:
    """Along each axis: start + i step."""
    along = enumerate(zip(starts, steps, strict=True))
    return IndexMap(tuple(AffineIndex(((axis, step),), start) for axis, (start, step) in along))


def start_text(start: Size, step: int) -> str:
    return str(start) if step == 1 else f"{start}:{step}"


def _range(start: Size, step: int, length: Size) -> str:
    """`2:8:2`; the end as in Python, where it is a number."""
    stop = start + length * step
    end = "" if isinstance(stop, int) and stop < 0 else str(stop)
    return f"{start}:{end}" + ("" if step == 1 else f":{step}")


def moved(op: Movement | Reshaped, x: Node) -> Node:
    """The node of `op` on `x`.  What moves nothing is left out, what is undone or done twice is one node."""
    match op, x.op:
        case (Transpose(permutation=outer), Transpose(permutation=inner)):
            return moved(Transpose(tuple(inner[axis] for axis in outer)), x.inputs[0])
        case (Reshape(), Reshape()):
            return moved(op, x.inputs[0])
        case (Squeeze(axes=outer), Squeeze(axes=inner)):
            left = without(inner, range(x.inputs[0].ndim))
            return moved(Squeeze(tuple(sorted((*inner, *(left[axis] for axis in outer))))), x.inputs[0])
    match op:
        case Transpose(permutation=permutation) if permutation == tuple(range(x.ndim)):
            return x
        case Reshape(shape=shape) | Declare(shape=shape) if shape == x.shape:
            return x
        case Slice(lengths=lengths, steps=steps) if lengths == x.shape and all(step == 1 for step in steps):
            return x
        case Squeeze(axes=()) | Pick(axes=()):
            return x
        case Pick(axes=axes, places=places) if all(n == 0 for n in places) and all(x.shape[a] == 1 for a in axes):
            return moved(Squeeze(axes), x)
    node = apply(op, x)
    number = uniform(x)
    return node if number is None else full(node.shape, number, node.dtype, weak=node.tensor.weak)
