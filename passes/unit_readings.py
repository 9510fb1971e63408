"""How a unit reads a node, while units are made."""

from collections.abc import Mapping
from typing import NamedTuple

from graphc.ir.kinds import IndexMap, Movement
from graphc.ir.node import Node
from graphc.passes.sources import Source, under
from graphc.passes.units import Loops, Unit
from graphc.passes.walks import axes_of
from graphc.sizes import estimate, product
from graphc.types import Shape

__all__ = ["UnitReading", "points_read"]


class UnitReading(NamedTuple):
    """Some unit reads a node, at `map` of the axes of `reader` (of its operand, for a reduction).

    part   the shape of the part of a deposit that needs it
    """

    unit: int
    reader: Node
    map: IndexMap | None
    by_data: bool = False  # at indices that only data know
    is_shown: bool = False  # for a member that is computed wherever `reader` reads it
    part: Shape | None = None


def points_read(node: Node, reading: UnitReading, unit: Unit, sources: Mapping[Node, Source]) -> int:
    """How many elements of a node are read in a unit, each as often as it is read."""
    if reading.part is not None:
        shape = reading.part
    elif isinstance(unit, Loops):
        shape = tuple([axis.extent for axis in axes_of(reading.reader, unit) if axis is not None])
    elif isinstance(unit.node.op, Movement):
        shape = unit.node.shape
    else:
        shape = next((x.shape for x in unit.node.inputs if under(x, sources) is node), node.shape)
    return estimate(product(shape))
