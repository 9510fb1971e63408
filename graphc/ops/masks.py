"""Reductions of some elements only: those where a mask holds."""

from graphc.errors import DTypeError, ShapeError
from graphc.ir.apply import locate
from graphc.ir.node import Like, Node
from graphc.ir.operands import as_node, broadcast, broadcast_shapes, where
from graphc.origin import here
from graphc.types import BOOL

__all__ = ["mask_of", "selected"]


def mask_of(name: str, x: Node, mask: Like) -> Node:
    """The argument `where=` of a reduction of `x`: bools in the shape of `x`."""
    node = as_node(mask)
    if node.dtype != BOOL:
        problem = f"{name}: where= takes bools, not {node.dtype}"
        raise locate(DTypeError(problem, hint="write a comparison, as x > 0"), here(), (x, node))
    if node.ndim > x.ndim or broadcast_shapes(x.shape, node.shape) != x.shape:
        problem = f"{name}: where= of shape {node.tensor} does not fit into {x.tensor}"
        raise locate(ShapeError(problem, hint="gx.broadcast_to repeats the array"), here(), (x, node))
    return broadcast(node, x.shape)


def selected(name: str, x: Node, mask: "Like | None", fill: Like) -> Node:
    """`x`, and `fill` where the mask does not hold."""
    return x if mask is None else where(mask_of(name, x, mask), x, fill)
