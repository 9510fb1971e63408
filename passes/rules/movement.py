"""Identities of movement: repeating what is then summed, dropping what was just added."""

from graphc.ir.apply import apply
from graphc.ir.arithmetic import Spread, Squeeze, Sum
from graphc.ir.kinds import Elementwise
from graphc.ir.leaves import full, uniform
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


def _over_ones(node: Node) -> Node | None:
    """A sum over axes of extent 1 adds nothing up."""
    op, (x,) = node.op, node.inputs
    assert isinstance(op, Sum)
    if x.dtype != node.dtype or any(x.shape[axis] != 1 for axis in op.axes):
        return None
    return apply(Squeeze(op.axes), x)


def _spread_later(node: Node) -> Node | None:
    """f(spread(x), spread(y), 1) = spread(f(x, y, 1)): less to compute."""
    first = next((x for x in node.inputs if isinstance(x.op, Spread)), None)
    if first is None:
        return None
    spreading = first.op
    small: list[Node] = []
    for x in node.inputs:
        number = uniform(x)
        if x.op == spreading:
            small.append(x.inputs[0])
        elif number is not None:
            small.append(full(first.inputs[0].shape, number, x.dtype, weak=x.tensor.weak))
        else:
            return None
    return apply(spreading, apply(node.op, *small))


_SAVED = "saves a pass; keeps a -0.0 that the sum would lose"

MOVEMENT = (
    Rule("squeeze(spread(x)) = x", Squeeze, _dropped_again, exact=True),
    Rule("sum(spread(x, 1)) = x", Sum, _summed_ones, exact=False, because=_SAVED),
    Rule("sum over axes of extent 1 = squeeze", Sum, _over_ones, exact=False, because=_SAVED),
    Rule("f(spread(x)) = spread(f(x))", Elementwise, _spread_later, exact=True),
)
