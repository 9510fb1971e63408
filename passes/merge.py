"""Units that share a pass: what reads the same rows becomes one kernel.

Two units are merged where their axes correspond by a node that both touch, no unit in between needs the one and is
needed by the other, and bytes are saved.  What then folds other axes than the rows of the kernel have inside is a
total: combined over all rows, and known, with what is made of it, when they are done.
"""

from collections.abc import Collection, Iterable, Iterator
from dataclasses import field
from functools import cached_property
from itertools import islice
from typing import TypeAlias

from graphc.dataclass import dataclass
from graphc.ir.graph import Graph
from graphc.ir.kinds import Leaf, Product, Reshaped
from graphc.ir.leaves import Item
from graphc.ir.node import Node
from graphc.kernel.target import Target
from graphc.passes.alignment import Axes, correspondence, readings
from graphc.passes.costs import Costs
from graphc.passes.joining import Joining
from graphc.passes.order import Order, Vertex
from graphc.passes.pipeline import Log
from graphc.passes.sources import under
from graphc.passes.units import Loops, Partition, Place, Single, Unit
from graphc.types import TensorType

__all__ = ["merged"]

_Seen: TypeAlias = dict[Node, dict[Place | None, None]]  # node -> the places at which it is read

TRIED = 4  # units that touched a node last, of all that did


def merged(partition: Partition, target: Target, costs: Costs, log: Log) -> Partition:
    """The same graph in fewer units.  Linear in the number of nodes, but for the few units that each is tried with."""
    return _Merging(partition, target, costs, log).run()


@dataclass(eq=False, slots=True)
class _Group(Vertex):
    """A unit, what it reads from outside and what it stores.

    seen    node -> the places at which it is read; None among them: not one element for each point.  Of a group that
            is not open, those nodes alone that an open one touches, without places
    made    the members that are stored
    apart   units that read what it has made in another form
    ends_product  whether it only goes over the elements of a product
    """

    unit: Unit
    seen: _Seen = field(default_factory=dict)
    made: dict[Node, None] = field(default_factory=dict)
    apart: set[Vertex] = field(default_factory=set)
    ends_product: bool = False

    @property
    def is_open(self) -> bool:
        """Whether it may be merged with others."""
        return not self.ends_product and isinstance(self.unit, Loops)


@dataclass
class _Merging:
    partition: Partition
    target: Target
    costs: Costs
    log: Log
    numbers: dict[Node, int] = field(default_factory=dict)
    pinned: set[Node] = field(default_factory=set)  # stored whoever reads them
    nexts: set[Node] = field(default_factory=set)  # next values of variables
    checked: set[Node] = field(default_factory=set)
    stored: set[Node] = field(default_factory=set)
    makers: dict[Node, _Group] = field(default_factory=dict)  # of what is stored
    touching: dict[Node, list[_Group]] = field(default_factory=dict)
    readers: dict[Node, dict[_Group, None]] = field(default_factory=dict)
    read_whole: set[Node] = field(default_factory=set)  # by steps of their own, as they lie
    groups: list[_Group] = field(default_factory=list)
    joining: Joining = field(init=False)

    def run(self) -> Partition:
        """The partition with units merged."""
        graph = self.partition.graph
        self.checked = {under(index, self.partition.sources) for index in graph.demanded} | set(graph.demanded)
        self.nexts = {value for variable, value in graph.updates.items() if value is not variable}
        if not self.nexts and not self._are_two_open():
            return self.partition
        self.numbers = {node: number for number, node in enumerate(graph.nodes)}
        self.stored = set(self.partition.stored)
        self._pin(graph)
        self.joining = Joining(self.numbers, self.partition.sources, self.checked)
        for unit in self.partition.units:
            parts = self._parts(unit)
            self.groups += [self._group(part) for part in parts]
            if len(parts) > 1:
                self.groups[-2].apart.add(self.groups[-1])
        self._see()
        groups = tuple(self.groups)
        for group in groups:
            self._take_in(group)
        if not any(group.is_gone for group in groups) and len(groups) == len(self.partition.units):
            return self.partition
        units = tuple([group.unit for group in self.order.vertices if isinstance(group, _Group)])
        return Partition(graph, units, frozenset(self.stored), self.partition.sources, self.partition.bodies)

    # What there is.

    def _are_two_open(self) -> bool:
        """Whether there are two units that may be merged with others."""
        found = (unit for unit in self.partition.units if isinstance(unit, Loops) and not self._ends_product(unit))
        return len(list(islice(found, 2))) == 2

    def _pin(self, graph: Graph) -> None:
        if graph.has(Reshaped) or graph.has(Item):
            shown = self.partition.sources
            views = [x for x in graph.nodes if isinstance(x.op, Reshaped | Item) and x not in shown]
            self.read_whole.update([node.inputs[0] for node in views])
        self.read_whole.update([under(root, self.partition.sources) for root in graph.roots])
        for unit in self.partition.units:
            if isinstance(unit, Single):
                for node in unit.nodes:
                    for operand in node.inputs:
                        self.read_whole.add(operand)
                        self.read_whole.add(under(operand, self.partition.sources))
        self.pinned = {*graph.roots, *self.checked, *self.read_whole}

    def _parts(self, unit: Unit) -> tuple[Unit, ...]:
        """A unit and, apart from it, what it makes of sums for variables: that is done last, when operands are gone."""
        if not isinstance(unit, Loops) or not unit.inner or self.nexts.isdisjoint(unit.places):
            return (unit,)
        inner = set(unit.inner)
        late = {
            node: place
            for node, place in unit.places.items()
            if inner.isdisjoint(place) and node not in unit.walks and node not in unit.shown
        }
        found = list(readings(unit.nodes, unit, self.partition.sources, self.checked))
        if any(node in self.nexts and node not in late for node in unit.places):
            return (unit,)
        if any((x in late and reader not in late) or (x in unit.shown and reader in late) for reader, x, _ in found):
            return (unit,)
        ended = {x for _, x, _ in found if x not in unit.places and not isinstance(x.op, Leaf)}
        if sum(map(self.costs.bytes, ended)) <= sum(self.costs.bytes(x) for x in late if x in self.nexts):
            return (unit,)
        self.stored |= {x for reader, x, _ in found if reader in late and x in unit.places and x not in late}
        rest = {node: place for node, place in unit.places.items() if node not in late}
        return Loops(rest, unit.walks, unit.order, unit.inner, unit.shown), Loops(late, {}, unit.outer)

    def _group(self, unit: Unit) -> _Group:
        group = _Group(unit)
        group.made = {node: None for node in unit.nodes if node in self.stored}
        group.ends_product = isinstance(unit, Loops) and self._ends_product(unit)
        return group

    def _see(self) -> None:
        """Find what groups read; of those that no other is merged with, only which nodes that open ones touch."""
        shown = self.partition.sources
        touched: set[Node] = set()
        for group in self.groups:
            if isinstance(group.unit, Loops) and group.is_open:
                group.seen = self._seen(group.unit)
                touched.update(group.seen, group.made)
        for group in self.groups:
            unit = group.unit
            if isinstance(unit, Loops):
                if not group.is_open:
                    read = [under(x, shown) for node in unit.nodes for x in node.inputs]
                    group.seen = {x: {} for x in read if x in touched and x not in unit.places}
                for node in group.seen:
                    self.readers.setdefault(node, {})[group] = None

    def _ends_product(self, unit: Loops) -> bool:
        """Whether a unit only goes over the elements of a product, which then makes it an epilogue."""
        if unit.inner is not None:
            return False
        rank = len(unit.order)
        for _, node, place in readings(unit.nodes, unit, self.partition.sources, self.checked):
            if isinstance(node.op, Product) and place is not None and len(place) == rank and node not in unit.places:
                return True
        return False

    def _seen(self, unit: Loops) -> _Seen:
        """What a unit reads from outside."""
        seen: _Seen = {}
        for _, node, place in readings(unit.nodes, unit, self.partition.sources, self.checked):
            if node not in unit.places:
                seen.setdefault(node, {})[place] = None
        return seen

    @cached_property
    def order(self) -> Order:
        """Which unit must run before which, and which apart: found out when two are to be merged for the first time."""
        order = Order()
        home: dict[Node, list[_Group]] = {}
        for group in self.groups:
            for node in group.unit.nodes:
                home.setdefault(node, []).append(group)
        makers: dict[Node, list[_Group]] = {}
        for node in self.partition.graph.nodes:
            own = home.get(node)
            makers[node] = own or (makers[node.inputs[0]] if node.inputs else [])
        for group in self.groups:
            order.add(group)
            for node in group.unit.nodes:
                for operand in node.inputs:
                    before = makers[operand]
                    is_apart = isinstance(under(operand, self.partition.sources).op, Reshaped | Item)
                    if group not in before:
                        for other in before:
                            order.connect(other, group)
                            if is_apart:
                                other.apart.add(group)
        return order

    # What becomes one.

    def _take_in(self, group: _Group) -> None:
        """Merge a group with units before it, as often as that is possible."""
        if group.is_open:
            while True:
                found = next((g for g in self._candidates(group) if self._try(g, group)), None)
                if found is None:
                    break
                group = found
        for node in group.made:
            self.makers[node] = group
        for node in (*group.seen, *group.made):
            tensor = node.type
            if isinstance(tensor, TensorType) and tensor.shape:
                near = self.touching.setdefault(node, [])
                if group not in near:
                    near.append(group)
                    if len(near) > TRIED:
                        del near[0]

    def _candidates(self, group: _Group) -> Iterator[_Group]:
        """Units that compute what a group reads, then those that read it too."""
        found = dict.fromkeys([self.makers[node] for node in group.seen if node in self.makers])
        for node in group.seen:
            found |= dict.fromkeys(self.touching.get(node, ()))
        return (x for x in found if x is not group and not x.is_gone and x.is_open)

    def _try(self, first: _Group, second: _Group) -> bool:
        """Merge two groups into the first, if that can be done and saves bytes."""
        one, other = first.unit, second.unit
        assert isinstance(one, Loops), one
        assert isinstance(other, Loops), other
        if len(one.places) + len(other.places) > self.target.largest_kernel or not self.order.are_free(first, second):
            return False
        if second in first.apart or first in second.apart:
            return False
        links = [node for node in second.seen if node in first.made]
        if any(None in second.seen[node] for node in links):
            return False
        if len(other.order) > len(one.order):
            base, guest, axes = other, one, self._axes(second, first, links)
        else:
            base, guest, axes = one, other, self._axes(first, second, links)
        if axes is None:
            return False
        saved = self._saved(first, second, links, axes)
        if saved <= 0 or self._spoils_updates(first, second):
            return False
        unit = self.joining.joined(base, guest, axes)
        if unit is None:
            return False
        self.order.merge(first, second)
        self.log.note(f"{other.title} joins {one.title}: {saved:,.0f} bytes saved", unit.origins[0])
        self._settle(first, second, unit, base is one, axes)
        return True

    def _axes(self, base: _Group, guest: _Group, links: Iterable[Node]) -> Axes | None:
        """What the axes of a guest are in the loops of a base."""
        assert isinstance(guest.unit, Loops), guest.unit
        assert isinstance(base.unit, Loops), base.unit
        both = [node for node in guest.seen if node in base.seen]
        pairs = [
            (one, other) for node in (*links, *both) for one in _places(node, guest) for other in _places(node, base)
        ]
        if links:  # rows of rows: what lies inside them corresponds in order
            pairs.append((tuple(guest.unit.inner or ()), tuple(base.unit.inner or ())))
        return correspondence(pairs, guest.unit.order)

    def _saved(self, first: _Group, second: _Group, links: Collection[Node], axes: Axes) -> float:
        """The bytes that are not moved: of what both read, and of what one of them reads and the other has made."""
        are_single = all(isinstance(group.unit, Loops) and not group.unit.order for group in (first, second))
        saved = sum(
            self.costs.keeping(node, 0) for node in links if node.ndim or are_single
        )  # one number is cheap to keep
        for node in first.seen.keys() & second.seen.keys():
            shown = [{_translated(place, axes) for place in group.seen[node]} for group in (first, second)]
            if not shown[0].isdisjoint(shown[1]):
                saved += self.costs.keeping(node, 0)
        return saved

    def _spoils_updates(self, first: _Group, second: _Group) -> bool:
        """Whether next values of variables, that are computed in them when all else is done, would be needed before."""
        spoilt = [not self.nexts.isdisjoint(x.made) and self._are_read(x.made, x) for x in (first, second)]
        made = {**first.made, **second.made}
        has_nexts = not self.nexts.isdisjoint(made)
        return has_nexts and self._are_read(made, first, second) and not any(spoilt)

    def _are_read(self, nodes: Iterable[Node], *inside: _Group) -> bool:
        """Whether a step outside these groups reads one of some nodes."""
        return any(self._is_read(node, *inside) for node in nodes)

    def _is_read(self, node: Node, *inside: _Group) -> bool:
        """Whether a step outside these groups reads a node."""
        if node in self.read_whole:
            return True
        return any(group not in inside for group in self.readers.get(node, ()))

    def _settle(self, first: _Group, second: _Group, unit: Loops, is_base: bool, axes: Axes) -> None:
        """`first` is now both."""
        seen: _Seen = {}
        for group, is_moved in ((first, not is_base), (second, is_base)):
            for node, places in group.seen.items():
                readers = self.readers[node]
                readers.pop(group, None)
                if node in unit.places:
                    continue
                readers[first] = None
                found = seen.setdefault(node, {})
                for place in places:
                    found[_translated(place, axes) if is_moved else place] = None
        first.unit, first.seen = unit, seen
        first.made = {**first.made, **second.made}
        first.apart |= second.apart
        for other in second.before:
            if isinstance(other, _Group) and second in other.apart:
                other.apart.add(first)
        for node in tuple(first.made):
            if node not in self.pinned and not self._is_read(node, first):
                del first.made[node]
                self.stored.discard(node)


def _places(node: Node, group: _Group) -> Iterable[Place]:
    """Where a unit sees a node, one element for each point."""
    assert isinstance(group.unit, Loops), group.unit
    if node in group.made:
        return (group.unit.places[node],)
    return [place for place in group.seen[node] if place is not None]


def _translated(place: Place | None, axes: Axes) -> Place | None:
    """The same place with the axes of the base; those of the base stay."""
    return None if place is None else tuple([axes.get(axis, axis) if axis is not None else None for axis in place])
