"""Fusing: which nodes become one kernel.

Nodes are visited users first.  A node joins the unit that, of all units that read it, runs first, if it can
be computed in that unit's loops: its operands are then needed there or earlier, so no cycle can arise.
A loop unit walks rows (outer axes) and, in each row, inner axes; a node of it is a value per row or per point.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

from graphc.ir.graph import Graph
from graphc.ir.kinds import (
    Elementwise,
    IndexMap,
    Leaf,
    Lookup,
    Movement,
    Reduction,
    Reshaped,
    Routine,
    Scatter,
)
from graphc.ir.leaves import Item
from graphc.ir.node import IndexBound, Node
from graphc.kernel.target import Target
from graphc.passes.sources import Source, composed, index_places, shows_all, sources
from graphc.sizes import Size
from graphc.types import Shape, TensorType

__all__ = ["LoopAxis", "Loops", "Partition", "Single", "Unit", "fuse"]


@dataclass(eq=False, slots=True)
class LoopAxis:
    """An axis of a loop unit."""

    extent: Size


Place: TypeAlias = tuple[LoopAxis | None, ...]  # the axis behind each axis of a node; None: extent 1, index 0


@dataclass(eq=False, slots=True)
class Loops:
    """A unit that becomes one kernel.

    places   node -> its axes, in order; for a reduction those of its result
    walks    reduction -> the axes of its operand
    order    all axes as they lie in memory
    inner    the axes that reductions fold, or None while none has decided
    """

    places: dict[Node, Place]
    walks: dict[Node, Place]
    order: list[LoopAxis]
    inner: list[LoopAxis] | None = None

    @property
    def nodes(self) -> tuple[Node, ...]:
        """The members, operands first."""
        return tuple(reversed(self.places))

    @property
    def outer(self) -> list[LoopAxis]:
        """The axes of rows."""
        return self.order if self.inner is None else [axis for axis in self.order if axis not in self.inner]


@dataclass(frozen=True, eq=False, slots=True)
class Single:
    """A unit of one node that shares its step with no other: a product, a routine, a scatter, a copy."""

    node: Node


Unit: TypeAlias = Loops | Single


@dataclass(frozen=True, eq=False)
class Partition:
    """A graph cut into units, in the order in which they run.

    stored   nodes whose value needs a buffer
    sources  what each movement really reads
    """

    graph: Graph
    units: tuple[Unit, ...]
    stored: frozenset[Node]
    sources: Mapping[Node, Source]


def fuse(graph: Graph, target: Target) -> Partition:
    """Cut the graph into units.  Linear in the number of nodes."""
    return _Fusion(graph, target, sources(graph)).run()


@dataclass(frozen=True, slots=True)
class _Reading:
    """Some unit reads a node, at `map` of the axes of `reader` (of its operand, for a reduction)."""

    unit: int
    reader: Node
    map: IndexMap | None
    by_data: bool = False  # at indices that only data know


@dataclass
class _Fusion:
    graph: Graph
    target: Target
    sources: Mapping[Node, Source]
    units: list[Unit] = field(default_factory=list)  # the last one runs first
    readings: dict[Node, list[_Reading]] = field(default_factory=dict)
    first: dict[Node, int] = field(default_factory=dict)  # node -> the number of the unit that first needs it
    stored: set[Node] = field(default_factory=set)
    folded: dict[Node, frozenset[Shape]] = field(default_factory=dict)
    member: dict[Node, int] = field(default_factory=dict)

    def run(self) -> Partition:
        for node in self.graph.nodes:
            self._note_folded(node)
        roots = set(self.graph.roots)
        self.stored |= roots
        for node in reversed(self.graph.nodes):
            self._visit(node, node in roots)
        return Partition(self.graph, tuple(reversed(self.units)), frozenset(self.stored), self.sources)

    def _note_folded(self, node: Node) -> None:
        """Remember, for values per row, the extents of the rows that were folded to get them."""
        if isinstance(node.op, Reduction):
            shape = node.inputs[0].shape
            self.folded[node] = frozenset({tuple(shape[axis] for axis in node.op.axes)})
        elif isinstance(node.op, Elementwise) or (
            isinstance(node.op, Movement) and _wide(node.shape) == _wide(node.inputs[0].shape)
        ):
            found: frozenset[Shape] | None = None
            for operand in node.inputs:
                rows = self.folded.get(operand)
                if rows is not None and rows is not found:
                    found = rows if found is None else found | rows
            if found is not None:
                self.folded[node] = found

    def _visit(self, node: Node, is_root: bool) -> None:
        op = node.op
        match op:
            case Leaf():
                if is_root:
                    self._alone(node)
            case Movement():
                if is_root or node in self.stored:
                    self._alone(node)
                    self._read(self.sources[node].node, node, self.sources[node].map)
            case Reshaped() | Item():
                operand = node.inputs[0]
                self._need(operand, self.first.get(node, -1))
                self.stored.add(operand)
                if is_root:
                    self.stored.add(node)
            case Elementwise() | Reduction():
                self._place(node)
                for operand in node.inputs:
                    self._read_operand(node, operand, None)
            case Lookup():
                self._place(node)
                self._read_operand(node, node.inputs[0], None, by_data=True)
                self._read_index(node, 1, index_places(op, node.inputs[1].ndim))
            case Routine():
                self._alone(node)
                for operand in node.inputs:
                    self._need(operand, len(self.units) - 1)
                    self.stored.add(operand)
            case Scatter():
                self._alone(node)
                self._read_operand(node, node.inputs[0], None)
                self._read_index(node, 1, index_places(op, node.inputs[1].ndim))
                self._read_operand(node, node.inputs[2], None)
            case _:
                self._alone(node)
                for operand in node.inputs:
                    self._read_operand(node, operand, None)

    def _need(self, node: Node, unit: int) -> None:
        self.first[node] = max(self.first.get(node, -1), unit)

    def _alone(self, node: Node) -> None:
        self.units.append(Single(node))
        self.stored.add(node)

    def _read_operand(self, node: Node, operand: Node, map: IndexMap | None, *, by_data: bool = False) -> None:
        source = self.sources.get(operand)
        if source is None:
            self._read(operand, node, map, by_data)
        else:
            self._read(source.node, node, composed(source.map, map), by_data)

    def _read_index(self, node: Node, position: int, map: IndexMap | None) -> None:
        """Read an operand of indices.  One that is checked is stored, just as it is checked, before the unit runs."""
        operand = node.inputs[position]
        checked = any(isinstance(r, IndexBound) for r in node.op.requirements(*(x.tensor for x in node.inputs)))
        self._read_operand(node, operand, map, by_data=checked)
        if checked and not isinstance(operand.op, Leaf) and not shows_all(operand, self.sources):
            self.stored.add(operand)
            self._need(operand, self.member.get(node, len(self.units) - 1))

    def _read(self, source: Node, reader: Node, map: IndexMap | None, by_data: bool = False) -> None:
        if isinstance(source.op, Leaf):
            return
        unit = self.member.get(reader, len(self.units) - 1)
        self._need(source, unit)
        if by_data or isinstance(self.units[unit], Single):
            self.stored.add(source)
        self.readings.setdefault(source, []).append(_Reading(unit, reader, map, by_data))

    def _place(self, node: Node) -> None:
        """Put a node into the unit that first needs it, or into a new one."""
        number = self.first.get(node, -1)
        unit = self.units[number] if number >= 0 else None
        if isinstance(unit, Loops) and self._joins(node, unit, number):
            self.member[node] = number
        else:
            self.member[node] = len(self.units)
            self.units.append(_started(node))
        if any(reading.unit != self.member[node] for reading in self.readings.get(node, ())):
            self.stored.add(node)

    def _joins(self, node: Node, unit: Loops, number: int) -> bool:
        """Whether `node` can be computed in the loops of `unit`; if so, it now is."""
        if len(unit.places) >= self.target.largest_kernel or not isinstance(node.type, TensorType):
            return False
        place: Place | None = None
        for reading in self.readings.get(node, ()):
            if reading.unit != number:
                continue
            seen = _place_seen(reading, unit, node.shape)
            if seen is None or (place is not None and seen != place):
                return False
            place = seen
        if place is None or (self._is_needed_elsewhere(node, number) and not _is_whole(place, node.shape)):
            return False
        axes = [axis for axis in place if axis is not None]
        if len(set(axes)) != len(axes):
            return False
        if isinstance(node.op, Reduction):
            return self._joins_as_fold(node, unit, place, axes)
        rest = [axis for axis in unit.order if axis not in axes]
        if rest and unit.inner is None:
            if tuple(axis.extent for axis in rest) not in self.folded.get(node, ()):
                return False
            unit.inner = rest
        if rest and unit.inner != rest:
            return False
        unit.places[node] = place
        return True

    def _is_needed_elsewhere(self, node: Node, number: int) -> bool:
        return node in self.stored or any(reading.unit != number for reading in self.readings.get(node, ()))

    def _joins_as_fold(self, node: Node, unit: Loops, place: Place, axes: list[LoopAxis]) -> bool:
        op = node.op
        assert isinstance(op, Reduction)
        operand = node.inputs[0].shape
        reduced = [operand[axis] for axis in op.axes]
        rest = [axis for axis in unit.order if axis not in axes]
        if unit.inner is not None and unit.inner != rest:
            return False
        if rest:
            if [axis.extent for axis in rest] != reduced:
                return False
            inner = rest
        else:
            inner = [LoopAxis(extent) for extent in reduced]
        kept, folded = iter(place), iter(inner)
        walk = tuple(next(folded) if axis in op.axes else next(kept) for axis in range(len(operand)))
        if not rest:
            if any(axis is None for axis in place):
                return False
            unit.order = [axis for axis in walk if axis is not None]
        unit.inner = inner
        unit.places[node] = place
        unit.walks[node] = walk
        return True


def _wide(shape: Shape) -> Shape:
    return tuple(extent for extent in shape if extent != 1)


def _place_seen(reading: _Reading, unit: Loops, shape: Shape) -> Place | None:
    """The axes at which a member of `unit` reads a node, or None where that is not one element per point."""
    if reading.by_data:
        return None
    reader = reading.reader
    axes = unit.walks[reader] if reader in unit.walks else unit.places[reader]
    if reading.map is None:
        return axes
    place: list[LoopAxis | None] = []
    for part, extent in zip(reading.map.parts, shape, strict=True):
        if part.offset != 0 or len(part.terms) > 1:
            return None
        if not part.terms:
            place.append(None)
            continue
        ((axis, coefficient),) = part.terms
        at = axes[axis]
        if coefficient != 1 or (at is None and extent != 1) or (at is not None and at.extent != extent):
            return None
        place.append(at)
    return tuple(place)


def _is_whole(place: Place, shape: Shape) -> bool:
    """Whether a walk over `place` meets every element: no axis is seen at its first index only."""
    return all(axis is not None or extent == 1 for axis, extent in zip(place, shape, strict=True))


def _started(node: Node) -> Loops:
    """A new unit of one node."""
    types = node.type.items if not isinstance(node.type, TensorType) else (node.type,)
    place: Place = tuple(None if extent == 1 else LoopAxis(extent) for extent in types[0].shape)
    order = [axis for axis in place if axis is not None]
    if not isinstance(node.op, Reduction):
        return Loops({node: place}, {}, order)
    operand, reduced = node.inputs[0].shape, node.op.axes
    kept = iter(place)
    folded = {axis: LoopAxis(operand[axis]) for axis in reduced}
    walk = tuple(folded[axis] if axis in folded else next(kept) for axis in range(len(operand)))
    return Loops({node: place}, {node: walk}, [axis for axis in walk if axis is not None], list(folded.values()))
