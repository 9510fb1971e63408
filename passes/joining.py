"""Two loop units as one: how the members of both lie in the loops of one of them."""

from collections.abc import Collection, Iterable, Mapping, Sequence

from graphc.dataclass import dataclass
from graphc.ir.kinds import Elementwise, Reduction, Scatter
from graphc.ir.node import Node
from graphc.kernel.monoids import BETTER
from graphc.kernel.summing import BLOCK, is_ordered
from graphc.passes.alignment import Axes, readings
from graphc.passes.sources import Source
from graphc.passes.units import LoopAxis, Loops, Place
from graphc.passes.walks import run_of, walked
from graphc.sizes import estimate, product

__all__ = ["Joining"]


@dataclass(frozen=True)
class Joining:
    """What is known of the graph that units are of.

    numbers   node -> its place in the graph
    checked   indices that are checked where they lie
    """

    numbers: Mapping[Node, int]
    sources: Mapping[Node, Source]
    checked: Collection[Node]

    def joined(self, base: Loops, guest: Loops, axes: Axes) -> Loops | None:
        """The members of both in the loops of `base`, where `axes` says what those of `guest` are; None if they do
        not fit."""
        other = _seen_with(guest, axes)
        after = {*base.after, *other.after}
        if _follows(base, other):
            inner, totals = base.inner, False
            after |= set(other.places)
        else:
            shape = _shape(base, other)
            if shape is None:
                return None
            inner, totals = shape
        sums = [(node, unit) for unit in (base, other) for node in unit.after if _is_total(node, unit)]
        if totals:
            sums += [(node, other) for node in other.places if node not in other.after]
        outer = [axis for axis in base.order if axis not in (inner or ())]
        if not all(_keeps_order(node, unit, base.order, outer) for node, unit in sums):
            return None
        if totals:
            folded = {axis for axis in other.order if axis in (other.inner or ())}
            late = [n for n in other.places if n not in after | other.shown and not folded & _axes(other.places[n])]
            if any(isinstance(node.op, Reduction) and node.op.monoid in BETTER for node in late):
                return None
            after |= set(late)
        places = {**base.places, **other.places}
        members = sorted(places, key=self.numbers.__getitem__, reverse=True)
        shown = base.shown | other.shown
        if any(node in unit.places and node not in unit.shown for node in shown for unit in (base, other)):
            return None
        walks = {**base.walks, **other.walks}
        unit = Loops({node: places[node] for node in members}, walks, base.order, inner, shown, after)
        return unit if self._holds(unit, members) else None

    def _holds(self, unit: Loops, members: Sequence[Node]) -> bool:
        """Whether each member reads others where they are, and only what is known by then."""
        after = unit.after
        if not all(isinstance(node.op, Elementwise | Reduction) for node in after):  # lookups are made by rows
            return False
        if not after.isdisjoint(unit.shown):  # and so is what is computed at several places
            return False
        for reader, node, place in readings(members, unit, self.sources, self.checked):
            if node not in unit.places:
                continue
            is_late = reader in after and not isinstance(reader.op, Reduction)
            if is_late != (node in after):
                return False
            if node in unit.shown:
                continue
            if place != unit.places[node] or isinstance(node.op, Scatter):  # what is written by rows is read after all
                return False
        return True


def _is_total(node: Node, unit: Loops) -> bool:
    """Whether a member folds what is computed in all rows."""
    walk = set(unit.walks[node]) - {None} if isinstance(node.op, Reduction) else set()
    return walk in (set(unit.order), set(unit.outer))


def _keeps_order(node: Node, unit: Loops, order: Sequence[LoopAxis], outer: Sequence[LoopAxis]) -> bool:
    """Whether a node is no sum, or one that a total over rows along `outer` adds up as a fold does: see `summing`."""
    if not isinstance(node.op, Reduction) or not is_ordered(node.op.monoid, node.inputs[0].dtype):
        return True
    shape = node.inputs[0].shape
    walk = unit.walks[node]
    axes = walked(node.op, shape)
    folded = [axis for number in axes if (axis := walk[number]) is not None]
    if folded != [axis for axis in order if axis in folded]:
        return False
    if run_of(node.op, shape) == len(axes):  # all of it, as which its terms are kept
        is_small = estimate(product(axis.extent for axis in folded)) <= BLOCK
        return set(folded) == set(outer) or (is_small and set(folded) == set(order))
    return run_of(node.op, shape) == 0 and folded[:1] == outer[:1] and set(walk) - {None} == set(order)


def _axes(place: Place) -> set[LoopAxis]:
    return {axis for axis in place if axis is not None}


def _seen_with(unit: Loops, axes: Axes) -> Loops:
    """The same unit with other axes."""

    def moved(places: Iterable[tuple[Node, Place]]) -> dict[Node, Place]:
        return {node: tuple([None if axis is None else axes[axis] for axis in place]) for node, place in places}

    return Loops(
        moved(unit.places.items()),
        moved(unit.walks.items()),
        [axes[axis] for axis in unit.order],
        None if unit.inner is None else [axes[axis] for axis in unit.inner],
        unit.shown,
        set(unit.after),
    )


def _follows(base: Loops, guest: Loops) -> bool:
    """Whether a unit only goes over axes that totals of the other have."""
    axes = set(guest.order)
    is_smaller = guest.inner is None and axes < set(base.order) and axes != set(base.outer)
    return is_smaller and any(axes == _axes(base.places[node]) for node in base.after)


def _shape(base: Loops, guest: Loops) -> tuple[list[LoopAxis] | None, bool] | None:
    """The inner axes of both together, and whether the folds of the guest become totals; None if they do not fit."""
    is_whole = set(guest.order) == set(base.order)
    rows = set(base.outer)
    over_rows = bool(base.inner) and set(guest.order) == rows
    if not is_whole and not over_rows:
        return None
    if guest.inner is None:
        return base.inner, False
    if guest.inner == base.inner and is_whole:
        return base.inner, False
    is_plain = base.inner is None and is_whole and not base.after and not guest.after
    if is_plain and base.order[-len(guest.inner) :] == guest.inner:
        return guest.inner, False
    if not set(guest.inner) - set(base.inner or ()):
        return None
    return base.inner, True
