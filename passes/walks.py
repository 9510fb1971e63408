"""How nodes lie in loops of their own, and which elements of others they read there."""

from collections.abc import Mapping

from graphc.ir.graph import Graph
from graphc.ir.kinds import Counting, Elementwise, IndexMap, Movement, Reduction, Scatter
from graphc.ir.leaves import SizeOf, uniform
from graphc.ir.node import Node
from graphc.passes.units import LoopAxis, Loops, Place
from graphc.types import Shape, TensorType

__all__ = [
    "axes_of",
    "folded_rows",
    "is_formula",
    "is_shift",
    "is_whole",
    "run_of",
    "started",
    "walk",
    "walked",
    "wide",
]


def walked(op: Reduction, shape: Shape) -> tuple[int, ...]:
    """The axes of an operand that a reduction walks: those that have more than one element, or else the last."""
    return tuple([axis for axis in op.axes if shape[axis] != 1]) or op.axes[-1:]


def run_of(op: Reduction, shape: Shape) -> int:
    """How many of the walked axes of an operand have none behind them that stays."""
    axes = walked(op, shape)
    kept = [axis for axis, extent in enumerate(shape) if extent != 1 and axis not in op.axes]
    return sum(axis > max(kept, default=-1) for axis in axes)


def walk(op: Reduction, rank: int, place: Place, folded: Mapping[int, LoopAxis]) -> Place:
    """The axes of an operand, from those of the result and those that are folded."""
    kept = iter(place)
    return tuple([folded.get(axis) if axis in op.axes else next(kept) for axis in range(rank)])


def wide(shape: Shape) -> Shape:
    """The extents of more than one element."""
    return tuple(extent for extent in shape if extent != 1)


def axes_of(reader: Node, unit: Loops) -> Place:
    """The axes at which a member reads."""
    return unit.walks[reader] if reader in unit.walks else unit.places[reader]


def folded_rows(graph: Graph) -> Mapping[Node, frozenset[Shape]]:
    """For values per row the extents of the rows that were folded to get them."""
    folded: dict[Node, frozenset[Shape]] = {}
    for node in graph.nodes:
        op = node.op
        if isinstance(op, Reduction):
            shape = node.inputs[0].shape
            folded[node] = frozenset({tuple(shape[axis] for axis in walked(op, shape))})
        elif folded and (
            isinstance(op, Elementwise) or (isinstance(op, Movement) and wide(node.shape) == wide(node.inputs[0].shape))
        ):
            found: frozenset[Shape] | None = None
            for operand in node.inputs:
                rows = folded.get(operand)
                if rows is not None and rows is not found:
                    found = rows if found is None else found | rows
            if found is not None:
                folded[node] = found
    return folded


def is_formula(node: Node) -> bool:
    """Whether a kernel writes a node down as a number or a count, and reads nothing."""
    return isinstance(node.op, Counting | SizeOf) or uniform(node) is not None


def is_shift(map: IndexMap | None) -> bool:
    """Whether elements that are read lie in steps along each axis: no windows."""
    return map is None or all(len(part.terms) <= 1 for part in map.parts)


def is_whole(place: Place, shape: Shape) -> bool:
    """Whether a walk over `place` meets every element: no axis is seen at its first index only."""
    return all(axis is not None or extent == 1 for axis, extent in zip(place, shape, strict=True))


def started(node: Node) -> Loops:
    """A new unit of one node."""
    types = node.type.items if not isinstance(node.type, TensorType) else (node.type,)
    place: Place = tuple(None if extent == 1 else LoopAxis(extent) for extent in types[0].shape)
    order = [axis for axis in place if axis is not None]
    if isinstance(node.op, Scatter):
        return Loops({node: place}, {}, order, [axis for axis in place[node.op.axis : node.op.axis + 1] if axis])
    if not isinstance(node.op, Reduction):
        return Loops({node: place}, {}, order)
    operand = node.inputs[0].shape
    folded = {axis: LoopAxis(operand[axis]) for axis in walked(node.op, operand)}
    places = walk(node.op, len(operand), place, folded)
    return Loops({node: place}, {node: places}, [axis for axis in places if axis is not None], list(folded.values()))
