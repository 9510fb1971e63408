"""Identities of movement: repeating what is then summed, dropping what was just added."""

from graphc.ir.arithmetic import Spread, Squeeze, Sum
from graphc.ir.node import Node
from graphc.passes.rewrite import Rule

__all__ = ["MOVEMENT"]


def _dropped_again(node: Node) -> Node | None:
    op, (x,) = node.op, node.inputs
    assert isinstance(op, Squeeze)
    return x.inputs[0] if isinstance(x.op, Spread) and x.op.axes == op.axes else None


def _summed_ones(node: Node) -> Node | None:
    """A sum over new axes of extent 1."""
    op, (x,) = node.op, node.inputs
    assert isinstance(op, Sum)
    if not isinstance(x.op, Spread) or x.op.axes != op.axes or node.type != x.inputs[0].type:
        return None
    return x.inputs[0] if all(x.shape[axis] == 1 for axis in op.axes) else None


MOVEMENT = (
    Rule("squeeze(spread(x)) = x", Squeeze, _dropped_again, exact=True),
    Rule("sum(spread(x, 1)) = x", Sum, _summed_ones, exact=True),
)
