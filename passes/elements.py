"""Single elements as lets: of a node that is read, at an index that an index map or data gives."""

from collections.abc import Callable, Sequence
from typing import TypeAlias

from graphc.ir.kinds import Counting, IndexMap, Lookup, Scatter
from graphc.ir.leaves import ConstantValue, SizeOf
from graphc.ir.node import Node
from graphc.kernel.affine import AffineIndex
from graphc.kernel.buffer import Buffer
from graphc.kernel.scalar import Fn, Formula, Load
from graphc.passes.sources import Source
from graphc.sizes import product
from graphc.types import INT64, Shape

__all__ = ["BufferOf", "SourceOf", "element", "looked_up", "mapped"]

BufferOf: TypeAlias = Callable[[Node], Buffer]
SourceOf: TypeAlias = Callable[[Node], Source]


def element(formula: Formula, source: Source, index: Sequence[int], buffer: BufferOf) -> int:
    """The let for the element of a source at an index given as lets, one per axis of what reads it."""
    node = source.node
    index = mapped(formula, source.map, index)
    op = node.op
    match op:
        case ConstantValue() if op.is_uniform:
            return formula.constant(op.number, node.dtype)
        case SizeOf():
            return formula.size(op.size)
        case Counting():
            place = formula.affine(_row_major(node.shape), index)
            return place if node.dtype == INT64 else formula.call(Fn.CAST, (place,), node.dtype)
        case _:
            return formula.add(Load(buffer(node), tuple(index), node.dtype))


def _row_major(shape: Shape) -> AffineIndex:
    """How many elements of an array come before the one at an index."""
    return AffineIndex(tuple((axis, product(shape[axis + 1 :])) for axis, extent in enumerate(shape) if extent != 1))


def mapped(formula: Formula, map: IndexMap | None, index: Sequence[int]) -> Sequence[int]:
    """The lets of the index to which `map` takes the one whose lets are `index`; None takes it to itself."""
    return index if map is None else [formula.affine(part, index) for part in map.parts]


def looked_up(
    formula: Formula, op: Lookup | Scatter, shape: Shape, found: int, index: Sequence[int], rank: int
) -> list[int]:
    """The index into an array of `shape` where an index array of `rank` axes, read at `index`, holds `found`.

    What is found may count from the end: its floor remainder by the extent counts from the front.
    """
    place = formula.call(Fn.MOD, (found, formula.size(shape[op.axis])))
    after = 0 if op.paired else rank - op.leading - 1
    return [place if axis == op.axis else index[axis if axis < op.axis else axis + after] for axis in range(len(shape))]
