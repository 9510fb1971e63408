"""Units and products that repeat: what lowering found for one holds for all of its pattern."""

from collections.abc import Hashable, Mapping, Sequence

from graphc.dataclass import dataclass
from graphc.ir.kinds import Counting, Elementwise, IndexMap, Product, Reduction
from graphc.ir.leaves import ConstantValue, SizeOf
from graphc.ir.node import Node
from graphc.kernel.affine import AffineIndex, axes_in
from graphc.kernel.buffer import Buffer
from graphc.kernel.pattern import Pattern, stand_in
from graphc.passes.elements import BufferOf
from graphc.passes.sources import Source, composed_index
from graphc.passes.units import LoopAxis, Loops
from graphc.sizes import Size
from graphc.types import TensorType

__all__ = ["Iteration", "iteration_of", "opened", "unit_pattern"]

Index = tuple[AffineIndex, ...]


def unit_pattern(
    unit: Loops, outputs: Mapping[Node, Sequence[Buffer]], sources: Mapping[Node, Source], buffer: BufferOf
) -> tuple[Pattern, list[Buffer]]:
    """All that the kernel of a unit depends on but its buffers, and these: first those that it reads.

    Units of one pattern have kernels of one pattern, whose buffers correspond.
    """
    axes: dict[LoopAxis | None, int] = {axis: number for number, axis in enumerate(unit.order)}
    axes[None] = -1
    buffers: dict[Buffer, int] = {}
    members: dict[Node, int] = {}
    parts: list[Hashable] = [tuple([axis.extent for axis in unit.order])]
    if unit.inner is not None:
        parts.append(tuple([axes[axis] for axis in unit.inner]))
    for node in reversed(unit.places):
        op = node.op
        parts += (op, tuple([axes[axis] for axis in unit.places[node]]))
        if isinstance(op, Reduction):
            parts.append(tuple([axes[axis] for axis in unit.walks[node]]))
        elif not isinstance(op, Elementwise):
            parts += [x.shape for x in node.inputs]
        for x in node.inputs:
            found = sources.get(x)
            under, map = (x, None) if found is None else found
            number = members.get(under)
            if number is not None:
                parts.append(number)
                if under in unit.shown:
                    parts.append(map)
            elif _is_formula(under):
                parts += (map, under.op, under.dtype)
            else:
                shown = buffer(under)
                parts += (map, (buffers.setdefault(shown, len(buffers)), shown.dtype))
        members[node] = len(members)
        result = node.type
        parts += (result.dtype if isinstance(result, TensorType) else result, len(outputs.get(node, ())))
        if node in unit.after:
            parts.append("after")
    return tuple(parts), [*buffers, *(written for group in outputs.values() for written in group)]


def _is_formula(node: Node) -> bool:
    """Whether a kernel writes a node down instead of reading it."""
    op = node.op
    return op.is_uniform if isinstance(op, ConstantValue) else isinstance(op, _COUNTS)


_COUNTS = (SizeOf, Counting)


@dataclass(frozen=True, slots=True)
class Iteration:
    """The iteration space of a product whose operands are read through movements.

    copied  which operands are copied first
    """

    copied: tuple[bool, ...]
    extents: tuple[Size, ...]
    left: Index
    right: Index
    out: Index

    def at(self, fixed: Mapping[AffineIndex, AffineIndex]) -> "Iteration":
        """The same with these positions for the symbols that `opened` has put in."""
        if not fixed:
            return self
        left, right, out = (
            tuple([fixed.get(part, part) for part in index]) for index in (self.left, self.right, self.out)
        )
        return Iteration(self.copied, self.extents, left, right, out)


def opened(maps: Sequence[IndexMap | None]) -> tuple[Sequence[IndexMap | None], Mapping[AffineIndex, AffineIndex]]:
    """Maps with a symbol for each fixed position, and what the symbols stand for.

    So products that read rows 0, 1, 2 ... run alike.
    """
    fixed: dict[AffineIndex, AffineIndex] = {}
    if not [part for map in maps if map is not None for part in map.parts if not part.terms]:
        return maps, fixed

    def open(part: AffineIndex) -> AffineIndex:
        if part.terms or not isinstance(part.offset, int):
            return part
        found = stand_in(len(fixed))
        fixed[found] = part
        return found

    return [None if map is None else IndexMap(tuple([open(part) for part in map.parts])) for map in maps], fixed


def iteration_of(op: Product, maps: Sequence[IndexMap | None]) -> Iteration:
    """How a product runs when its operands are read through `maps`.

    An operand that is repeated along an axis then lacks it.  Where only one of operands and result is left
    to have the axis, the operand is copied; an axis of extent 1 is dropped instead.
    """
    left, right, out = op.indices()
    places = [left, right, out]
    copied = []
    for which, map in enumerate(maps):
        if map is not None and map.digits:
            copied.append(True)
            continue
        seen = _through(map, places[which])
        others = [axes_in(places[1 - which]), axes_in(out)]
        lost = axes_in(places[which]) - axes_in(seen)
        copied.append(any(op.extents[axis] != 1 and not all(axis in other for other in others) for axis in lost))
        if not copied[-1]:
            places[which] = seen
    held = [axes_in(part) for part in places]
    kept = [axis for axis in range(len(op.extents)) if sum(axis in axes for axes in held) > 1]
    numbered = tuple(AffineIndex(((kept.index(axis), 1),) if axis in kept else ()) for axis in range(len(op.extents)))
    left, right, out = (tuple([composed_index(part, numbered) for part in index]) for index in places)
    return Iteration(tuple(copied), tuple([op.extents[axis] for axis in kept]), left, right, out)


def _through(map: IndexMap | None, index: Index) -> Index:
    return index if map is None else tuple([composed_index(part, index) for part in map.parts])
