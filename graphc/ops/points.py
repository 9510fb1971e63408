"""Elements, or slices, at points whose coordinates come from data."""

from graphc.errors import ShapeError
from graphc.ir.apply import locate
from graphc.ir.given import an_array_shape
from graphc.ir.leaves import full
from graphc.ir.node import Like, Node
from graphc.ir.operands import as_node
from graphc.ops.assigning import at
from graphc.ops.indexing import as_index
from graphc.ops.movement import Extents, unstack
from graphc.ops.slicing import getitem
from graphc.origin import here
from graphc.printable import counted

__all__ = ["gather_nd", "scatter_nd"]


def gather_nd(x: Like, index: Like) -> Node:
    """The elements, or slices, of `x` at points.  x [n..., q...]   index [p..., k]   ->   [p..., q...]

    The last axis of `index` holds the coordinates of a point, along the first k axes of `x`.

    Adjoint: `scatter_nd`.
    """
    node = as_node(x)
    places = as_index("gather_nd", index, node)
    return getitem(node, _coordinates("gather_nd", places, node.ndim, node))


def scatter_nd(index: Like, updates: Like, shape: Extents) -> Node:
    """Zeros with `updates` added at points, which may repeat: the adjoint of `gather_nd`.

    index [p..., k]   updates [p..., q...]   ->   `shape`, which is [n..., q...]

    Adjoint: `gather_nd`.
    """
    places, added = as_index("scatter_nd", index), as_node(updates)
    wanted = an_array_shape("scatter_nd", shape)
    zeros = full(wanted, 0, added.dtype)
    return at(zeros)[_coordinates("scatter_nd", places, len(wanted), added)].add(added)


def _coordinates(name: str, places: Node, rank: int, other: Node) -> tuple[Node, ...]:
    """One array of indices for each coordinate."""
    k = places.shape[-1] if places.ndim else None
    if not isinstance(k, int) or not 0 < k <= rank:
        problem = f"{name}: the last axis of the index has {k} coordinates, for {counted(rank, 'axis', 'axes')}"
        raise locate(ShapeError(problem, hint="from 1 to as many as there are axes"), here(), (places, other))
    return tuple(unstack(places, -1))
