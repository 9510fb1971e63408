"""An array in which another one takes the place of a slice."""

from collections.abc import Sequence
from typing import ClassVar, final

from graphc.ir.apply import apply
from graphc.ir.arithmetic import Squeeze, Where, zeros_like
from graphc.ir.kinds import Deposit, IndexMap
from graphc.ir.leaves import full
from graphc.ir.node import IndexBound, Node, Op, SameSize
from graphc.kernel.affine import AffineIndex
from graphc.ops.axes import listed
from graphc.ops.placement import Pick, Slice, moved, start_text, steps_map
from graphc.sizes import Size
from graphc.types import BOOL, Shape, TensorType

__all__ = ["Inset"]


@final
class Inset(Deposit):
    """Operand 0, in which operand 1 takes the place of a slice: element i of it goes to starts + i steps.

    Operand 1 lacks the axes `picked`, of which it takes one place.  Adjoint: the cotangent outside the slice, and
    the slice of it.  It is masked, so that what is replaced brings no nan.
    """

    starts: tuple[Size, ...]
    steps: tuple[int, ...]
    picked: tuple[int, ...] = ()
    name: ClassVar[str] = "inset"

    def requirements(self, *types: TensorType) -> Sequence[SameSize | IndexBound]:
        return Pick(self.picked, tuple(self.starts[axis] for axis in self.picked)).requirements(types[0])

    def infer(self, *types: TensorType) -> TensorType:
        return TensorType(types[0].shape, types[0].dtype)

    def places(self, *operands: Shape) -> Sequence[IndexMap]:
        kept = iter(range(len(self.starts)))
        inside = tuple(
            AffineIndex((), start) if axis in self.picked else AffineIndex(((next(kept), step),), start)
            for axis, (start, step) in enumerate(zip(self.starts, self.steps, strict=True))
        )
        return steps_map((0,) * len(self.starts), (1,) * len(self.starts)), IndexMap(inside)

    def covers(self) -> bool:
        return True

    def transpose(self, node: Node, cotangent: Node) -> Sequence[Node | None]:
        part = node.inputs[1]
        extents = iter(part.shape)
        lengths = tuple(1 if axis in self.picked else next(extents) for axis in range(node.ndim))
        there = moved(Squeeze(self.picked), moved(Slice(self.starts, self.steps, lengths), cotangent))
        outside = apply(self, full(node.shape, True, BOOL), full(part.shape, False, BOOL))
        return apply(Where(), outside, cotangent, zeros_like(cotangent)), there

    def lifted(self, extent: Size) -> Op:
        return Inset((0, *self.starts), (1, *self.steps), tuple(axis + 1 for axis in self.picked))

    def text(self) -> str:
        return f"inset[{listed(map(start_text, self.starts, self.steps))}]"
