"""Where the members of a unit read other nodes, and how the axes of two units correspond by what both touch."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import TypeAlias

from graphc.ir.kinds import Elementwise, IndexMap, Lookup, Reduction, Scatter
from graphc.ir.node import Node
from graphc.ops.guarded import Guarded
from graphc.passes.sources import Source, composed, index_places, row_places
from graphc.passes.units import LoopAxis, Loops, Place
from graphc.types import Shape

__all__ = ["Axes", "Reading", "correspondence", "place_through", "readings"]

Axes = dict[LoopAxis, LoopAxis]  # an axis of one unit -> the same of another


#: a member of a unit, a node that it reads, and where; None: not one element for each point of the unit
Reading: TypeAlias = tuple[Node, Node, Place | None]


def readings(
    members: Iterable[Node], unit: Loops, sources: Mapping[Node, Source], checked: Collection[Node]
) -> Iterator[Reading]:
    """All that members of a unit read, each other too.  `checked` are indices that are checked where they lie."""
    for node in members:
        op = node.op
        if node in unit.shown:
            for operand in node.inputs:
                source = sources.get(operand)
                yield node, operand if source is None else source.node, None
            continue
        axes = unit.walks[node] if node in unit.walks else unit.places[node]
        if isinstance(op, _PLAIN) and not isinstance(op, Guarded):
            for operand in node.inputs:
                source = sources.get(operand)
                if source is None:
                    yield node, operand, axes
                else:
                    yield node, source.node, place_through(source.map, axes, source.node.shape)
            continue
        for position, operand in enumerate(node.inputs):
            source = sources.get(operand)
            under = operand if source is None else source.node
            map = None if source is None else source.map
            is_index = (isinstance(op, Guarded | Lookup) and position > 0) or (
                isinstance(op, Scatter) and position == 1
            )
            if (is_index and (operand in checked or under in checked)) or (isinstance(op, Lookup) and position == 0):
                yield node, under, None
                continue
            if isinstance(op, Lookup):
                map = composed(map, index_places(op, operand.ndim))
            elif isinstance(op, Scatter):
                map = map if position == 0 else composed(map, row_places(op, node.ndim))
            else:
                assert isinstance(op, Guarded), node
            yield node, under, place_through(map, axes, under.shape)


_PLAIN = (Elementwise, Reduction)  # kinds that read every operand at one place


def place_through(map: IndexMap | None, axes: Place, shape: Shape) -> Place | None:
    """The axes at which a node of `shape` is read by what has these; None where that is not one element per point."""
    if map is None:
        return axes
    if map.digits:
        return None
    place: list[LoopAxis | None] = []
    for part, extent in zip(map.parts, shape, strict=True):
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


def correspondence(pairs: Iterable[tuple[Place, Place]], axes: Sequence[LoopAxis]) -> Axes | None:
    """What `axes` are in the other unit, where both see nodes at these places; None where some are not said.

    The first pairs decide; a later one that does not go with them says nothing.
    """
    there: Axes = {}
    back: Axes = {}
    for one, other in pairs:
        found = _agreeing(one, other, there, back)
        if found is not None:
            there.update(found)
            back.update({b: a for a, b in found.items()})
    return there if all(axis in there for axis in axes) else None


def _agreeing(one: Place, other: Place, there: Axes, back: Axes) -> Axes | None:
    """The axes of a pair of places, unless some have been said to correspond to others."""
    found: Axes = {}
    if len(one) != len(other):
        return None
    for a, b in zip(one, other, strict=True):
        if a is None or b is None:
            if a is not b:
                return None
        elif there.get(a, b) is not b or back.get(b, a) is not a or found.get(a, b) is not b or a.extent != b.extent:
            return None
        else:
            found[a] = b
    return found if len(set(found.values())) == len(found) else None
