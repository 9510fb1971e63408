"""Fusing: which nodes become one kernel.

Nodes are visited users first.  A node joins the unit that, of all units that read it, runs first, if it can
be computed in that unit's loops: its operands are then needed there or earlier, so no cycle can arise.  Other
units read what that one has stored; or, where that costs less, all of them compute the node and none stores it.
A loop unit walks rows (outer axes) and, in each row, inner axes; a node of it is a value per row or per point.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import field

from graphc.dataclass import dataclass
from graphc.ir.control import Chosen, Repeated
from graphc.ir.graph import Graph
from graphc.ir.kinds import (
    Deposit,
    Elementwise,
    IndexMap,
    Leaf,
    Lookup,
    Movement,
    Product,
    Reduction,
    Reshaped,
    Routine,
    Running,
    Scatter,
)
from graphc.ir.leaves import Item
from graphc.ir.node import Node
from graphc.kernel.target import Target
from graphc.ops.guarded import Guarded
from graphc.passes.alignment import place_through
from graphc.passes.costs import Costs
from graphc.passes.lifetimes import bytes_of
from graphc.passes.merge import merged
from graphc.passes.pipeline import Log
from graphc.passes.read_through import read_through
from graphc.passes.rounds import has_come_round
from graphc.passes.sources import (
    Source,
    composed,
    index_places,
    is_of_rows,
    is_view,
    row_places,
    row_source,
    shows_all,
    sources,
    under,
)
from graphc.passes.unit_readings import UnitReading, points_read
from graphc.passes.units import LoopAxis, Loops, Partition, Place, Single, Unit
from graphc.passes.walks import axes_of, folded_rows, is_formula, is_shift, is_whole, started, walk, walked
from graphc.sizes import estimate, product
from graphc.types import Shape, TensorType

__all__ = ["fuse", "separate"]


def fuse(graph: Graph, target: Target, log: Log) -> Partition:
    """Cut the graph into units, as few bytes and calls as can be seen.  Linear in the number of nodes."""
    costs = Costs(target)
    known = sources(graph, read_through(graph, costs))
    partition = _Fusion(graph, target, known, folded_rows(graph), costs, log).run()
    return partition if graph.order else merged(partition, target, costs, log)  # an order was decided on for its peak


def separate(graph: Graph) -> Partition:
    """Cut the graph into units of one node each."""
    target = Target("one node at a time", largest_kernel=1)
    return _Fusion(graph, target, sources(graph), {}, Costs(target), Log()).run()


@dataclass
class _Fusion:
    graph: Graph
    target: Target
    sources: Mapping[Node, Source]
    folded: Mapping[Node, frozenset[Shape]]
    costs: Costs
    log: Log
    units: list[Unit] = field(default_factory=list)  # the last one runs first
    read: list[set[Node]] = field(default_factory=list)  # what each unit reads
    readings: dict[Node, list[UnitReading]] = field(default_factory=dict)
    first: dict[Node, int] = field(default_factory=dict)  # node -> the number of the unit that first needs it
    stored: set[Node] = field(default_factory=set)
    members: dict[Node, tuple[int, ...]] = field(default_factory=dict)  # node -> the units that compute it
    demanded: set[Node] = field(default_factory=set)
    shown: dict[Node, list[UnitReading]] = field(default_factory=dict)  # node -> the readings that compute it

    def run(self) -> Partition:
        roots = set(self.graph.roots)
        self.stored |= roots
        self._store_demanded()
        for node in reversed(self.graph.nodes):
            self._visit(node, node in roots)
        return Partition(self.graph, tuple(reversed(self.units)), frozenset(self.stored), self.sources)

    def _store_demanded(self) -> None:
        """Indices are checked as they lie in a buffer: their own, or the one of which they show every element."""
        for index in self.graph.demanded:
            whole = self.sources[index].node if shows_all(index, self.sources) else index
            self.demanded |= {index, whole}
            if not isinstance(whole.op, Leaf):
                self.stored.add(whole)

    def _visit(self, node: Node, is_root: bool) -> None:
        op = node.op
        match op:
            case Guarded():  # what it guards by is checked before it runs, as an index is
                self._place(node)
                self._read_operand(node, node.inputs[0], None)
                for position in range(1, len(node.inputs)):
                    self._read_index(node, position, None)
            case Elementwise() | Reduction():
                self._place(node)
                self._read_operands(node)
            case Product() | Running():
                self._alone(node)
                self._read_operands(node)
            case Leaf():
                if is_root:
                    self._alone(node)
            case Movement() if is_root and is_view(node, self.sources):
                self.stored.discard(node)
                self._show(node, self.sources[node].node)
            case Movement():
                if is_root or node in self.stored:
                    self._alone(node)
                    source, map = self.sources[node]
                    self._note(source, UnitReading(len(self.units) - 1, node, map))
            case Reshaped() if node in self.sources:
                pass  # what reads it reads its operand
            case Reshaped() | Item():
                self._show(node, node.inputs[0])
            case Lookup():
                self._place(node)
                self._read_operand(node, node.inputs[0], None, by_data=True)
                self._read_index(node, 1, index_places(op, node.inputs[1].ndim))
            case Routine() | Chosen():
                self._alone(node)
                self._read_whole(node.inputs)
            case Repeated():
                self._alone(node)
                sequences = op.parts(node.inputs).sequences
                shown = [row_source(operand, self.sources) for operand in sequences]
                rows = [x if row is None else row[0] for x, row in zip(sequences, shown, strict=True)]
                self._read_whole(op.parts(node.inputs)._replace(sequences=rows).all)
            case Scatter() if is_of_rows(node):
                self.members[node] = (self._begin(started(node)),)
                self.stored.add(node)
                self._read_operand(node, node.inputs[0], None)
                self._read_index(node, 1, row_places(op, node.ndim))
                self._read_operand(node, node.inputs[2], row_places(op, node.ndim))
            case Scatter():
                self._alone(node)
                self._read_operand(node, node.inputs[0], None)
                self._read_index(node, 1, index_places(op, node.inputs[1].ndim))
                self._read_operand(node, node.inputs[2], None)
            case Deposit():
                self._alone(node)
                for operand in node.inputs:
                    self._read_operand(node, operand, None, part=operand.shape)
            case _:
                raise AssertionError(f"no unit for {node!r}")

    def _show(self, node: Node, under: Node) -> None:
        """What reads a view of a node reads its buffer, which must have been written by then."""
        if node in self.first:
            self._note(under, UnitReading(self.first[node], node, None, by_data=True))
        self.stored.add(under)

    def _read_whole(self, operands: Iterable[Node]) -> None:
        """Read operands as they lie in buffers."""
        for operand in operands:
            self._need(operand, len(self.units) - 1)
            self.stored.add(operand)

    def _need(self, node: Node, unit: int) -> None:
        if unit > self.first.get(node, -1):
            self.first[node] = unit

    def _alone(self, node: Node) -> None:
        self._begin(Single(node))
        self.stored.add(node)

    def _read_operands(self, node: Node) -> None:
        """Read every operand at the index of the node itself."""
        if node in self.shown:
            for operand in node.inputs:
                self._read_operand(node, operand, None)
            return
        numbers = self._units_of(node)
        for operand in node.inputs:
            source = self.sources.get(operand)
            shown, map = (operand, None) if source is None else source
            for number in numbers:
                self._note(shown, UnitReading(number, node, map))

    def _read_operand(
        self, node: Node, operand: Node, map: IndexMap | None, *, by_data: bool = False, part: Shape | None = None
    ) -> None:
        source = self.sources.get(operand)
        shown, inner = (operand, None) if source is None else source
        readings = self.shown.get(node)
        if readings is None:
            seen = map if inner is None else composed(inner, map)
            for number in self._units_of(node):
                self._note(shown, UnitReading(number, node, seen, by_data, False, part))
        else:
            for reading in readings:
                seen = composed(inner, reading.map)
                self._note(shown, UnitReading(reading.unit, reading.reader, seen, False, True, reading.part))

    def _read_index(self, node: Node, position: int, map: IndexMap | None) -> None:
        """Read an operand of indices.  One that is checked is computed, and checked, before the unit runs."""
        operand = node.inputs[position]
        source = self.sources.get(operand)
        checked = operand in self.demanded or (source is not None and source.node in self.demanded)
        self._read_operand(node, operand, map, by_data=checked)
        if operand in self.stored:
            self._need(operand, max(self._units_of(node)))

    def _units_of(self, reader: Node) -> tuple[int, ...]:
        """The units that compute a node: the last one made, where none was chosen."""
        return self.members.get(reader) or (len(self.units) - 1,)

    def _note(self, source: Node, reading: UnitReading) -> None:
        number = reading.unit
        self.read[number].add(source)
        if isinstance(source.op, Leaf):
            return
        if number > self.first.get(source, -1):
            self.first[source] = number
        unit = self.units[number]
        if reading.by_data or (isinstance(unit, Single) and not unit.is_kernel):
            self.stored.add(source)
        self.readings.setdefault(source, []).append(reading)

    def _begin(self, unit: Unit) -> int:
        """A new unit, which runs before all others."""
        self.units.append(unit)
        self.read.append(set())
        return len(self.units) - 1

    def _place(self, node: Node) -> None:
        """Put a node into the unit that first needs it, or into a new one; or into all units that read it."""
        readers = {reading.unit: None for reading in self.readings.get(node, ())}
        if len(readers) > 1 and self._is_computed_again(node, readers):
            self.members[node] = tuple(readers)
            return
        number = self.first.get(node, -1)
        unit = self.units[number] if number >= 0 else None
        unit = None if isinstance(unit, Loops) and has_come_round(unit, node, self.target.largest_kernel) else unit
        if not isinstance(unit, Loops) or self._lives_on(node, number) or not self._joins(node, unit, number):
            if unit is not None and not self._lives_on(node, number) and self._is_shown(node, unit, number):
                return
            number = self._begin(started(node))
        self.members[node] = (number,)
        if len(readers) > (number in readers):
            self.stored.add(node)

    def _lives_on(self, node: Node, number: int) -> bool:
        """Whether more lives until a unit runs if it computes a node; only where a pass has decided on an order."""
        if not self.graph.order or number == len(self.units) - 1:
            return False
        ended = 0
        for x in {under(x, self.sources) for x in node.inputs}:
            if not isinstance(x.op, Leaf) and all(reading.unit > number for reading in self.readings.get(x, ())):
                ended += bytes_of(x)
        return ended > bytes_of(node)

    def _is_computed_again(self, node: Node, readers: Collection[int]) -> bool:
        """Whether every unit that reads a node had best compute it; if so, it now does."""
        if node in self.stored or not isinstance(node.op, Elementwise):
            return False
        if [number for number in readers if not isinstance(self.units[number], Loops)]:
            return False
        kept = self.costs.keeping(node, len(readers) - 1)
        if self.costs.computing(node, ()) * (len(readers) - 1) > kept:  # whatever its operands take
            return False
        found: list[tuple[Loops, Place]] = []
        for number in readers:
            unit = self.units[number]
            assert isinstance(unit, Loops), unit
            place = self._place_in(unit, number, node)
            if place is None or not self._fits(node, unit, place):
                return False
            found.append((unit, place))
        operands = [under(x, self.sources) for x in node.inputs]
        moved = [x for x in operands if not is_formula(x)]
        first = self.first[node]
        living = sum([self.costs.keeping(x, 0) for x in moved if x not in self.stored and not isinstance(x.op, Leaf)])
        again = sum(
            [
                self.costs.computing(node, [x for x in moved if x not in self.read[number]]) + living
                for number in readers
                if number != first
            ]
        )
        if again >= kept:
            return False
        for unit, place in found:
            self._enter(node, unit, place)
        self.log.note(f"computed in {len(found)} kernels: {again:,.0f} against {kept:,.0f} bytes", node.origin)
        return True

    def _is_shown(self, node: Node, unit: Unit, number: int) -> bool:
        """Whether a node had best be computed wherever a unit reads it, at another index each time; if so, it is."""
        readings = self.readings.get(node, ())
        is_formula = isinstance(node.op, Elementwise) and not isinstance(node.op, Guarded)
        if not is_formula or self._is_needed_elsewhere(node, number) or len(unit.nodes) >= self.target.largest_kernel:
            return False
        if any(reading.by_data or not is_shift(reading.map) for reading in readings):
            return False
        maps = {(reading.map, reading.part): points_read(node, reading, unit, self.sources) for reading in readings}
        if max(maps.values()) > estimate(product(node.shape)):  # elements are repeated
            return False
        again = sum(self.costs.computing(node, [], points) for points in maps.values())
        once = self.costs.computing(node, []) + self.costs.keeping(node, len(maps)) + self.target.kernel
        if again > once:
            return False
        if isinstance(unit, Loops):
            unit.places[node] = ()
            unit.shown.add(node)
        else:
            unit.shown[node] = None
        self.shown[node] = [*{(reading.reader, reading.map, reading.part): reading for reading in readings}.values()]
        return True

    def _joins(self, node: Node, unit: Loops, number: int) -> bool:
        """Whether `node` can be computed in the loops of `unit`; if so, it now is."""
        place = self._place_in(unit, number, node)
        if place is None or (self._is_needed_elsewhere(node, number) and not is_whole(place, node.shape)):
            return False
        if isinstance(node.op, Reduction):
            return self._joins_as_fold(node, unit, place, [axis for axis in place if axis is not None])
        if not self._fits(node, unit, place):
            return False
        self._enter(node, unit, place)
        return True

    def _place_in(self, unit: Loops, number: int, node: Node) -> Place | None:
        """Where the readers in a unit, which has room for it, see a node; None where they do not agree."""
        if len(unit.places) >= self.target.largest_kernel or not isinstance(node.type, TensorType):
            return None
        place: Place | None = None
        for reading in self.readings.get(node, ()):
            if reading.unit != number:
                continue
            if reading.by_data or reading.is_shown:
                return None
            seen = place_through(reading.map, axes_of(reading.reader, unit), node.shape)
            if seen is None or (place is not None and seen != place):  # not one element for each point
                return None
            place = seen
        axes = [axis for axis in place or () if axis is not None]
        return place if len(set(axes)) == len(axes) else None

    def _fits(self, node: Node, unit: Loops, place: Place) -> bool:
        """Whether a value at `place` is one per point of a unit, or one per row."""
        rest = [axis for axis in unit.order if axis not in place]
        if not rest or unit.inner is not None:
            return not rest or unit.inner == rest
        return tuple([axis.extent for axis in rest]) in self.folded.get(node, ())

    def _enter(self, node: Node, unit: Loops, place: Place) -> None:
        rest = [axis for axis in unit.order if axis not in place]
        if rest:
            unit.inner = rest
        unit.places[node] = place

    def _is_needed_elsewhere(self, node: Node, number: int) -> bool:
        return node in self.stored or bool([r for r in self.readings.get(node, ()) if r.unit != number])

    def _joins_as_fold(self, node: Node, unit: Loops, place: Place, axes: list[LoopAxis]) -> bool:
        op = node.op
        assert isinstance(op, Reduction)
        operand = node.inputs[0].shape
        axes_walked = walked(op, operand)
        reduced = [operand[axis] for axis in axes_walked]
        rest = [axis for axis in unit.order if axis not in axes]
        if unit.inner is not None and unit.inner != rest:
            return False
        if rest:
            if [axis.extent for axis in rest] != reduced:
                return False
            inner = rest
        else:
            inner = [LoopAxis(extent) for extent in reduced]
        places = walk(op, len(operand), place, dict(zip(axes_walked, inner, strict=True)))
        if not rest:
            if any(axis is None for axis in place):
                return False
            unit.order = [axis for axis in places if axis is not None]
        unit.inner = inner
        unit.places[node] = place
        unit.walks[node] = places
        return True
