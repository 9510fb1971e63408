"""Segments: values are dropped after their first uses, and computed again where they are needed later.

Up to the point where most bytes live, the order of nodes is cut into segments.  What crosses a cut is kept; of the
rest of a segment, what is read beyond that point is computed again from there, when it is first read.  So a chain of n
layers that is cut into √n segments keeps √n values and the inside of one segment.

Chen, Xu, Zhang, Guestrin: Training Deep Nets with Sublinear Memory Cost, 2016, algorithm 3, on any graph.
"""

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import replace
from functools import cached_property
from itertools import accumulate, groupby
from math import prod
from typing import final

from graphc.dataclass import dataclass
from graphc.ir.control import Structured
from graphc.ir.graph import Graph
from graphc.ir.kinds import Elementwise, Leaf, Movement, Product, Reduction, Reshaped
from graphc.ir.leaves import Item
from graphc.ir.node import Node
from graphc.passes.copies import with_copies
from graphc.passes.lifetimes import Values, in_short_order
from graphc.sizes import estimate
from graphc.types import TensorType

__all__ = ["Again", "Line"]

_CHEAP = (Elementwise, Reduction, Movement, Reshaped, Item, Leaf)
TINY = 200  # the smallest values, which together are so many times smaller than the peak, are kept


@final
@dataclass(frozen=True, eq=False)
class Again:
    """A graph in which values are computed again.

    work     how many operations are made again
    bytes    of how many bytes of values that lived across the peak
    copied   the nodes that are computed again, once for each time
    """

    graph: Graph
    work: int = 0
    bytes: int = 0
    copied: Sequence[Node] = ()

    @cached_property
    def line(self) -> "Line":
        """Its nodes, one after the other."""
        return Line.of(self.graph)

    @property
    def peak_bytes(self) -> int:
        """The most that lives at one time, about."""
        return self.line.living[self.line.peak]

    def further(self, bytes: float, *, products: bool) -> "Again | None":
        """The graph in which still more is computed again, as `Line.again` has it."""
        found = self.line.again(bytes, products=products)
        if found is None:
            return None
        return Again(found.graph, self.work + found.work, self.bytes + found.bytes, (*self.copied, *found.copied))


@dataclass(frozen=True, eq=False)
class Line:
    """The nodes of a graph, one after the other, and the values that live meanwhile: all are taken to be stored."""

    graph: Graph
    order: Sequence[Node]

    @staticmethod
    def of(graph: Graph) -> "Line":
        """The nodes in the order that a pass has decided on, or in a short one."""
        return Line(graph, graph.order or in_short_order(graph))

    def ordered(self) -> Graph:
        """The graph, computed in this order."""
        return replace(self.graph, order=tuple(self.order))

    @cached_property
    def late(self) -> set[Node]:
        """Next values of variables, and what only they are made of: computed last, where the variables lie."""
        nexts = set(self.graph.updates.values())
        outputs = set(self.graph.outputs)
        found: set[Node] = set()
        for node in reversed(self.order):
            users = self.graph.users.get(node, ())
            is_for_these = node in nexts or bool(users)
            if isinstance(node.op, Elementwise) and is_for_these and node not in outputs and found.issuperset(users):
                found.add(node)
        return found

    @cached_property
    def values(self) -> Values:
        return Values.of(self.order, (*self.graph.outputs, *self.late))

    @cached_property
    def place(self) -> dict[Node, int]:
        return {node: place for place, node in enumerate(self.order)}

    @cached_property
    def reads(self) -> dict[Node, list[int]]:
        """Each value with the places where it is read, in order."""
        found: dict[Node, list[int]] = {}
        last = len(self.order) - 1
        for place, node in enumerate(self.order):
            for value in self.values.reads[node]:
                found.setdefault(value, []).append(last if node in self.late else place)
        return {value: sorted(places) for value, places in found.items()}

    @cached_property
    def living(self) -> Sequence[int]:
        """How many bytes live at each place."""
        change = [0] * (len(self.order) + 1)
        kept = {self.values.owner[node] for node in self.graph.updates.values()}
        for value, bytes in self.values.bytes.items():
            if bytes:
                first = self.place[value]
                last = len(self.order) - 1 if value in kept else max(self.reads.get(value, [first])[-1], first)
                change[first] += bytes
                change[last + 1] -= bytes
        return list(accumulate(change[:-1]))

    @cached_property
    def peak(self) -> int:
        """The place where most bytes live."""
        return max(range(len(self.order)), key=self.living.__getitem__)

    @cached_property
    def crossing(self) -> Sequence[Node]:
        """The values that live across the peak, in order."""
        return [
            value
            for value in self.order[: self.peak + 1]
            if self.values.bytes.get(value) and self.reads.get(value, [0])[-1] > self.peak
        ]

    @cached_property
    def across(self) -> Sequence[int]:
        """How many bytes are read after each place up to the peak, and made before."""
        change = [0] * (self.peak + 2)
        for value in self.order[: self.peak]:
            bytes = self.values.bytes.get(value)
            if bytes:
                first, last = self.place[value], self._last_before(value)
                if last > first:
                    change[first] += bytes
                    change[last] -= bytes
        return list(accumulate(change[:-1]))

    def _last_before(self, value: Node) -> int:
        """Where a value is read last, up to the peak."""
        return max((place for place in self.reads.get(value, ()) if place <= self.peak), default=-1)

    def cuts(self, bytes: float) -> Sequence[int] | None:
        """Places between segments, so that what is kept up to a segment and what is read of it take so many bytes.

        None where these are too few.

        As derivatives come to the first segments last, when what is kept of later ones is gone, those are the longest.
        """
        crossing = set(self.crossing)
        found: list[int] = []
        best: int | None = None
        total, since, kept = 0, 0, 0
        for place, node in enumerate(self.order[: self.peak]):
            if node in crossing:
                total += self.values.bytes[node]
                since += self.values.bytes[node]
            if total >= (bytes - kept) / 2 and (best is None or self.across[place] <= self.across[best]):
                best, since = place, 0
            if total >= bytes - kept and best is not None:
                found.append(best)
                kept += self.across[best]
                best, total = None, since
                if kept >= bytes:
                    return None
        return found

    def again(self, bytes: float, *, products: bool) -> Again | None:
        """The graph in which segments are computed again, so that what crosses the peak takes about so many bytes.

        Without `products`, these and other costly values are kept.  None where these bytes are too few.
        """
        cuts = self.cuts(bytes)
        if cuts is None:
            return None
        kept = self._kept(cuts)
        kept |= {x for x in self.crossing if not cuts or self.place[x] > cuts[-1]}  # needed at once
        if not products:
            kept |= {x for x in self.order[: self.peak + 1] if not isinstance(x.op, _CHEAP)}
        dropped = {x for x in self.crossing if x not in kept}

        def copied(node: Node, copy_for: bool | None, read: Node) -> bool | None:
            if isinstance(read.op, Leaf) or self.place[read] > self.peak:
                return None
            value = self.values.owner[read]
            if copy_for is None:
                return True if self.place[node] > self.peak and value in dropped else None
            return None if value in kept or isinstance(value.op, Leaf) else True

        found = with_copies(self.graph, self.order, copied)
        graph = replace(found.graph, order=tuple(in_short_order(found.graph)))
        return Again(graph, sum(map(work, found.nodes)), sum(self.values.bytes[x] for x in dropped), found.nodes)

    def _tiny(self) -> Sequence[Node]:
        """The smallest values that live across the peak: all of them together take little."""
        found: list[Node] = []
        left = self.living[self.peak] // TINY
        ascending = sorted(self.crossing, key=self.values.bytes.__getitem__)
        for bytes, group in groupby(ascending, key=self.values.bytes.__getitem__):
            equal = list(group)
            left -= bytes * len(equal)
            if left < 0:
                break
            found += equal
        return found

    def _kept(self, cuts: Sequence[int]) -> set[Node]:
        """The values that are not computed again: those that cross a cut, and those that are hardly worth it."""
        found = set(self._tiny())
        for place, node in enumerate(self.order[: self.peak + 1]):
            following = bisect_left(cuts, place)
            is_across = following < len(cuts) and cuts[following] < self._last_before(node)
            if is_across or isinstance(node.op, Structured):
                found.add(node)
        return found


def work(node: Node) -> int:
    """How many additions and multiplications a node takes, open sizes counting as their hints: about."""
    match node.op:
        case Product(extents=extents):
            return 2 * prod(map(estimate, extents))
        case Leaf() | Movement() | Reshaped() | Item():
            return 0
        case Reduction():
            return prod(map(estimate, node.inputs[0].shape))
        case _:
            return prod(map(estimate, node.shape)) if isinstance(node.type, TensorType) else 0
