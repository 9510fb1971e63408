"""Identities of movement: repeating what is then summed, dropping what was just added."""

from graphc.ir.apply import apply
from graphc.ir.arithmetic import Add, Spread, Squeeze, Sum
from graphc.ir.kinds import Elementwise
from graphc.ir.leaves import full, uniform
from graphc.ir.node import Node
from graphc.ops.placement import Concat, Pad
from graphc.passes.rewrite import Rule
from graphc.sizes import Size
from graphc.types import Shape

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


def _joined_parts(node: Node) -> Node | None:
    """pad(x) + pad(y) + ... = concat(x, y, ...), where the parts lie side by side and fill the whole."""
    parts: list[Node] = []
    pending = list(node.inputs)
    while pending:
        x = pending.pop()
        if isinstance(x.op, Add):
            pending += x.inputs
        elif isinstance(x.op, Pad) and x.op.value == 0 and set(x.op.steps) <= {1}:
            parts.append(x)
        else:
            return None
        if len(parts) + len(pending) > _MOST_PARTS:
            return None
    first = parts[0].inputs[0].shape
    apart = [axis for axis, n in enumerate(node.shape) if first[axis] != n]
    if len(apart) != 1:
        return None
    (axis,) = apart
    end: Size = 0
    joined: list[Node] = []
    for _ in parts:
        here = next((x for x in parts if x.op.starts[axis] == end), None)  # type: ignore[attr-defined]
        if here is None or not _agree_beside(here.inputs[0].shape, node.shape, axis):
            return None
        joined.append(here.inputs[0])
        end = end + here.inputs[0].shape[axis]
    return apply(Concat(axis), *joined) if end == node.shape[axis] else None


def _agree_beside(shape: Shape, other: Shape, axis: int) -> bool:
    """Whether extents are equal along all axes but one."""
    return (*shape[:axis], *shape[axis + 1 :]) == (*other[:axis], *other[axis + 1 :])


_MOST_PARTS = 64
_SAVED = "saves a pass; keeps a -0.0 that the sum would lose"

MOVEMENT = (
    Rule("squeeze(spread(x)) = x", Squeeze, _dropped_again, exact=True),
    Rule("sum(spread(x, 1)) = x", Sum, _summed_ones, exact=False, because=_SAVED),
    Rule("sum over axes of extent 1 = squeeze", Sum, _over_ones, exact=False, because=_SAVED),
    Rule("pad(x) + pad(y) = concat(x, y)", Add, _joined_parts, exact=False, because="saves passes; keeps a -0.0"),
    Rule("f(spread(x)) = spread(f(x))", Elementwise, _spread_later, exact=True),
)
