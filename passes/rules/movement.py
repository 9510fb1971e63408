"""Identities of movement: repeating what is then summed, dropping what was just added."""

from graphc.ir.apply import apply
from graphc.ir.arithmetic import Add, Spread, Squeeze, Sum
from graphc.ir.kinds import Elementwise
from graphc.ir.leaves import full, uniform
from graphc.ir.node import Node
from graphc.ops.placement import Concat, Pad
from graphc.passes.matching import Match, hole, on
from graphc.passes.rewrite import Rule
from graphc.sizes import Size
from graphc.types import Shape

__all__ = ["MOVEMENT"]


def _dropped_again(match: Match) -> Node | None:
    return match[x] if _axes(match[spread]) == _axes(match.node) else None


def _summed_ones(match: Match) -> Node | None:
    """A sum over new axes of extent 1."""
    ones = all(match[spread].shape[axis] == 1 for axis in _axes(match.node))
    return match[x] if ones and _axes(match[spread]) == _axes(match.node) else None


def _over_ones(match: Match) -> Node | None:
    """A sum over axes of extent 1 adds nothing up."""
    node, axes = match.node, _axes(match.node)
    if match[x].dtype != node.dtype or any(match[x].shape[axis] != 1 for axis in axes):
        return None
    return apply(Squeeze(axes), match[x])


def _axes(node: Node) -> tuple[int, ...]:
    """The axes that an op adds, drops or folds."""
    op = node.op
    assert isinstance(op, Spread | Squeeze | Sum), op
    return op.axes


def _spread_later(match: Match) -> Node | None:
    """f(spread(x), spread(y), 1) = spread(f(x, y, 1)): less to compute."""
    node = match.node
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


def _joined_parts(match: Match) -> Node | None:
    """pad(x) + pad(y) + ... = concat(x, y, ...), where the parts lie side by side and fill the whole."""
    node = match.node
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

x, spread = hole("x"), hole("spread(x)", Spread)
of_spread = on(Spread, x, called=spread)

MOVEMENT = (
    Rule(on(Squeeze, of_spread), _dropped_again, exact=True, called="squeeze(spread(x)) = x"),
    Rule(on(Sum, of_spread), _summed_ones, exact=False, because=_SAVED, called="sum(spread(x, 1)) = x"),
    Rule(on(Sum, x), _over_ones, exact=False, because=_SAVED, called="sum over axes of extent 1 = squeeze"),
    Rule(
        on(Add, some=Pad),
        _joined_parts,
        exact=False,
        because="saves passes; keeps a -0.0",
        called="pad(x) + pad(y) = concat(x, y)",
    ),
    Rule(on(Elementwise, some=Spread), _spread_later, exact=True, called="f(spread(x)) = spread(f(x))"),
)
