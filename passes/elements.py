"""Single elements as lets: of a node that is read, at an index that an index map or data gives."""

from collections.abc import Callable, Container, Sequence
from dataclasses import field
from typing import TypeAlias

from graphc.dataclass import dataclass
from graphc.ir.kinds import Counting, Elementwise, IndexMap, Lookup, Scatter
from graphc.ir.leaves import ConstantValue, SizeOf
from graphc.ir.node import Node
from graphc.kernel.affine import AffineIndex
from graphc.kernel.buffer import Buffer
from graphc.kernel.scalar import Fn, Formula, Load, Scalar
from graphc.passes.sources import Source
from graphc.sizes import product
from graphc.types import INT64, Shape

__all__ = ["BufferOf", "Elements", "Read", "SourceOf", "element", "looked_up", "mapped"]

BufferOf: TypeAlias = Callable[[Node], Buffer]
SourceOf: TypeAlias = Callable[[Node], Source]
Read: TypeAlias = Callable[[Formula, Source, Sequence[int]], int]  # the let for an element of a source at an index


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


@dataclass
class Elements:
    """Elements of nodes as lets of one formula: those in `shown` are computed, others read.

    known   (node, index) -> its let
    """

    formula: Formula
    shown: Container[Node]
    source: SourceOf
    buffer: BufferOf
    known: dict[tuple[Node, tuple[int, ...]], int] = field(default_factory=dict)

    def of(self, source: Source, index: Sequence[int]) -> int:
        """The let for an element of a source at the index of what reads it."""
        if source.node not in self.shown:
            return element(self.formula, source, index, self.buffer)
        wanted = (source.node, tuple(mapped(self.formula, source.map, index)))
        pending = [wanted]
        while pending:
            node, at = pending[-1]
            found = [self.source(x) for x in node.inputs]
            places = [(x.node, tuple(mapped(self.formula, x.map, at))) for x in found]
            missing = [place for place in places if place[0] in self.shown and place not in self.known]
            if missing:
                pending += missing
                continue
            values = [
                self.known[place] if place in self.known else element(self.formula, x, at, self.buffer)
                for x, place in zip(found, places, strict=True)
            ]
            op = node.op
            assert isinstance(op, Elementwise), node
            self.known[pending.pop()] = op.scalar(*[Scalar(self.formula, value) for value in values]).number
        return self.known[wanted]


def _row_major(shape: Shape) -> AffineIndex:
    """How many elements of an array come before the one at an index."""
    return AffineIndex(tuple((axis, product(shape[axis + 1 :])) for axis, extent in enumerate(shape) if extent != 1))


def mapped(formula: Formula, map: IndexMap | None, index: Sequence[int]) -> Sequence[int]:
    """The lets of the index to which `map` takes the one whose lets are `index`; None takes it to itself."""
    if map is None:
        return index
    if not map.digits:
        return [formula.affine(part, index) for part in map.parts]
    axes = dict(enumerate(index))
    for number, digit in enumerate(map.digits, 1):
        found = formula.affine(digit.of, axes)
        if digit.divisor != 1:
            found = formula.call(Fn.FLOORDIV, (found, formula.size(digit.divisor)))
        if digit.modulus is not None:
            found = formula.call(Fn.MOD, (found, formula.size(digit.modulus)))
        axes[-number] = found
    return [formula.affine(part, axes) for part in map.parts]


def looked_up(
    formula: Formula, op: Lookup | Scatter, shape: Shape, found: int, index: Sequence[int], rank: int
) -> list[int]:
    """The index into an array of `shape` where an index array of `rank` axes, read at `index`, holds `found`.

    What is found may count from the end: its floor remainder by the extent counts from the front.
    """
    place = formula.call(Fn.MOD, (found, formula.size(shape[op.axis])))
    after = 0 if op.paired else rank - op.leading - 1
    return [place if axis == op.axis else index[axis if axis < op.axis else axis + after] for axis in range(len(shape))]
