"""Which reshapes are read through, and not stored first."""

from collections.abc import Collection, Sequence
from dataclasses import field
from typing import NamedTuple, TypeAlias

from graphc.dataclass import dataclass
from graphc.ir.graph import Graph
from graphc.ir.kinds import Deposit, Elementwise, IndexMap, Leaf, Movement, Reduction, Reshaped, Running
from graphc.ir.node import Node
from graphc.kernel.affine import AffineIndex
from graphc.kernel.scalar import Axis
from graphc.ops.guarded import Guarded
from graphc.ops.placement import Reshape
from graphc.passes.costs import Costs
from graphc.passes.digits import Cuts, Linear, Quotient, quotient, remainder, row_major, scaled, summed
from graphc.passes.reshapes import reshape_map
from graphc.passes.sources import composed
from graphc.sizes import Size, estimate, product
from graphc.types import Shape

__all__ = ["read_through"]


def read_through(graph: Graph, costs: Costs) -> Collection[Node]:
    """The reshapes whose elements are read where they lie before: what is moved, or computed for them alone.

    What lies in one piece of memory is read as it lies, under its new shape, and costs nothing.
    """
    if not graph.has(Reshape):
        return ()
    search = _Search(graph, costs, {*graph.roots, *graph.demanded})
    for node in reversed(graph.nodes):
        if isinstance(node.op, Reshape) and node not in search.kept and search.pays(node):
            search.found.add(node)
    return search.found


_End: TypeAlias = tuple[Shape, IndexMap | None]  # an array, and where its elements are read


class _Reader(NamedTuple):
    """What reads a reshape: at `map` of the axes of an operand of `shape`, some of which it walks in their order."""

    shape: Shape
    map: IndexMap | None
    walked: frozenset[int]


@dataclass
class _Search:
    """found   the reshapes that are read through, of those behind the present one"""

    graph: Graph
    costs: Costs
    kept: Collection[Node]
    found: set[Node] = field(default_factory=set)

    def pays(self, node: Node) -> bool:
        """Whether a reshape can be read through, and that costs no more than to store it first."""
        if 0 in node.shape or not (isinstance(node.inputs[0].op, Movement) or self._is_computed_for(node)):
            return False
        readers = self._readers(node)
        if not readers:
            return False
        ends, formulas = self._below(node)
        kept = self.costs.keeping(node, 1) + self.costs.target.kernel
        points = sum(estimate(product(reader.shape)) for reader in readers) - estimate(product(node.shape))
        kept -= sum(self.costs.computing(part, [], points) for part in formulas if points > 0)
        for reader in dict.fromkeys(readers):
            for end in ends:
                times, by_open = _divisions(end, reader)
                kept -= self.costs.dividing(node, times, by_open=by_open)
        return kept >= 0

    def _readers(self, node: Node) -> list[_Reader]:
        """All that read a node, or what is shown of it; none where one reads more than single elements of it."""
        found: list[_Reader] = []
        pending: list[tuple[Node, IndexMap | None]] = [(node, None)]
        while pending:
            shown, map = pending.pop()
            for user in self.graph.users[shown]:
                if len(found) + len(pending) > _MOST:
                    return []
                if isinstance(user.op, Movement) or user in self.found:
                    there = composed(map, _step(user))
                    pending.append((user, there))
                    if user in self.kept:
                        found.append(_Reader(user.shape, there, frozenset()))
                elif isinstance(user.op, Reshaped) and shown is not node:
                    found.append(_Reader(shown.shape, map, frozenset()))  # what was moved is copied for it
                elif isinstance(user.op, _BY_ELEMENT) and not isinstance(user.op, Guarded):
                    found.append(_Reader(shown.shape, map, self._walked(user)))
                else:
                    return []
        return found

    def _walked(self, reader: Node) -> frozenset[int]:
        """The axes of a reader along which elements are combined in order, there or in what follows in its loops."""
        found: set[int] = set()
        pending, seen = [reader], {reader}
        while pending:
            node = pending.pop()
            if isinstance(node.op, Reduction):
                found |= set(node.op.axes)
            elif isinstance(node.op, Running):
                found.add(node.op.axis)
            elif isinstance(node.op, Elementwise) and len(seen) <= _MOST:
                more = [user for user in self.graph.users[node] if user not in seen]
                pending += more
                seen |= set(more)
        return frozenset(found)

    def _is_computed_for(self, node: Node) -> bool:
        """Whether the operand of a reshape is a formula of what is there, and computed for the reshape alone."""
        pending, seen = [node.inputs[0]], 0
        while pending:
            part = pending.pop()
            seen += 1
            if isinstance(part.op, Leaf | Deposit | Reshaped) and seen > 1:
                continue
            if isinstance(part.op, Movement) and seen > 1:
                pending += part.inputs
                continue
            if not _is_formula(part) or seen > _MOST:
                return False
            if part in self.kept or len(set(self.graph.users[part])) > 1:
                return False
            pending += part.inputs
        return True

    def _below(self, node: Node) -> tuple[Collection[_End], Collection[Node]]:
        """The arrays that are read for an element of a reshape, and where; and the formulas computed of them."""
        ends: dict[_End, None] = {}
        formulas: dict[Node, None] = {}
        pending: list[tuple[Node, IndexMap | None]] = [(node.inputs[0], _step(node))]
        while pending:
            part, map = pending.pop()
            if isinstance(part.op, Movement):
                pending.append((part.inputs[0], composed(_step(part), map)))
            elif _is_formula(part) and len(formulas) <= _MOST:
                formulas[part] = None
                pending += [(x, map) for x in part.inputs]
            else:
                ends[part.shape, map] = None
        return ends, formulas


_BY_ELEMENT = (Elementwise, Reduction, Deposit, Running)
_MOST = 32


def _is_formula(node: Node) -> bool:
    return isinstance(node.op, Elementwise) and not isinstance(node.op, Guarded)


def _step(node: Node) -> IndexMap:
    """Where a movement, or a reshape, has its elements from."""
    return node.op.source(node.inputs[0].shape) if isinstance(node.op, Movement) else reshape_map(node)


def _divisions(end: _End, reader: _Reader) -> tuple[float, bool]:
    """How many divisions a reader makes to find elements of an array, and whether any is by an open size."""
    shape, inner = end
    map = composed(inner, reader.map)
    if map is None or not map.digits:
        return 0, False
    axes = [Axis(number, extent) for number, extent in enumerate(reader.shape)]
    cuts = Cuts([axis for axis in axes if axis.number not in reader.walked])
    while True:
        index, divided = _index_of(map, [cuts.of(axis) for axis in axes])
        if not any(cuts.cut_for(form, divisor) for form, divisor in divided):
            break
    place = row_major(shape, index)
    quotients = [atom for atom, _ in place.terms if isinstance(atom, Quotient)]
    if not quotients:
        return 0, False
    moving = {piece for atom in quotients for piece in atom.pieces}
    points: float = estimate(product(reader.shape))
    for piece in reversed([piece for axis in axes for piece in cuts.pieces_of(axis)]):
        if piece in moving:
            break
        points /= max(estimate(piece.extent), 1)
    return points * len(quotients), any(not isinstance(atom.divisor, int) for atom in quotients)


def _index_of(map: IndexMap, axes: Sequence[Linear]) -> tuple[list[Linear], list[tuple[Linear, Size]]]:
    """The index to which a map takes these, and which sums are divided on the way there, by what."""
    known = dict(enumerate(axes))
    divided: list[tuple[Linear, Size]] = []

    def sum_of(part: AffineIndex) -> Linear:
        return summed(*[scaled(known[axis], factor) for axis, factor in part.terms], Linear((), part.offset))

    for number, digit in enumerate(map.digits, 1):
        form = sum_of(digit.of)
        if digit.divisor != 1:
            divided.append((form, digit.divisor))
            form = quotient(form, digit.divisor)
        if digit.modulus is not None:
            divided.append((form, digit.modulus))
            form = remainder(form, digit.modulus)
        known[-number] = form
    return [sum_of(part) for part in map.parts], divided
