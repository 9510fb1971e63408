"""Identities of movement: what is undone, what is done twice, and what is repeated later."""

from graphc.ir.apply import apply
from graphc.ir.arithmetic import Spread, Squeeze
from graphc.ir.kinds import Deposit, Elementwise, Leaf, Movement, Product, Reduction, Reshaped
from graphc.ir.leaves import full, uniform
from graphc.ir.node import Node
from graphc.ops.guarded import Guarded
from graphc.ops.movement import reshape
from graphc.ops.placement import Pick, Reshape, Slice, Transpose, moved
from graphc.ops.powers import Power
from graphc.passes.matching import Match, hole, on
from graphc.passes.rewrite import Rule
from graphc.passes.rules.holes import axes_of

__all__ = ["MOVEMENT"]


def _dropped_again(match: Match) -> Node | None:
    return match[x] if axes_of(match[spread]) == axes_of(match.node) else None


def _still(match: Match) -> Node | None:
    """A movement that moves nothing."""
    node = match.node
    assert isinstance(node.op, Movement | Reshaped)
    same = moved(node.op, match[x])
    return match[x] if same is match[x] else None


def _moved_once(match: Match) -> Node:
    """Two movements of one kind are one."""
    node, before = match.node, match[inner]
    match node.op, before.op:
        case (Spread(), Spread(axes=axes)):
            kept = [axis for axis in range(node.ndim) if axis not in axes_of(node)]
            new = sorted({*axes_of(node), *(kept[axis] for axis in axes)})
            return apply(Spread(node.shape, tuple(new)), match[x])
        case (Slice(starts=starts, steps=steps, lengths=lengths), Slice(starts=first, steps=strides)):
            return moved(
                Slice(
                    tuple(a + b * step for a, b, step in zip(first, starts, strides, strict=True)),
                    tuple(1 if n == 1 else a * b for a, b, n in zip(strides, steps, lengths, strict=True)),
                    lengths,
                ),
                match[x],
            )
        case (Transpose() | Reshape() | Squeeze(), _):
            return moved(node.op, before)
    raise AssertionError(node)


def _reshaped_by_ones(match: Match) -> Node | None:
    """A reshape that only drops axes of extent 1, and adds others, is a movement, which costs nothing."""
    found = reshape(match[x], match.node.shape)
    return None if isinstance(found.op, Reshape) else found


def _reshaped_once(match: Match) -> Node | None:
    """Axes of extent 1, dropped or added before a reshape or after it, are part of it."""
    if isinstance(match[inner].op, Spread) and any(match[inner].shape[axis] != 1 for axis in axes_of(match[inner])):
        return None
    if isinstance(match.node.op, Spread) and any(match.node.shape[axis] != 1 for axis in match.node.op.axes):
        return None
    return moved(Reshape(match.node.shape), match[x])


def _within(match: Match) -> Node | None:
    """move(f(moved back(x), 1)) = f(x, 1), of functions of one element each that are computed for this alone."""
    node = match.node
    assert isinstance(node.op, Transpose | Reshape)
    new = _ends(node.op, match[inner], match)
    if new is None or not any(isinstance(part.op, type(node.op)) for part in new):
        return None
    return _moved_region(match[inner], new)


def _ends(op: Transpose | Reshape, root: Node, match: Match) -> dict[Node, Node] | None:
    """What a node is computed from by functions of one element each, as `op` would move it; None where that costs."""
    shape = op.infer(root.tensor).shape
    new: dict[Node, Node] = {}
    region: set[Node] = set()
    pending = [root]
    while pending:
        part = pending.pop()
        if part in new or part in region:
            continue
        if isinstance(part.op, Elementwise) and not isinstance(part.op, Guarded):
            if len(region) == _MOST_WITHIN or not match.alone_reads(part):
                return None
            region.add(part)
            pending += part.inputs
            continue
        under = _undone(op, part)
        if under is None or under.shape != shape:
            return None
        new[part] = under
    return new


def _moved_region(root: Node, new: dict[Node, Node]) -> Node:
    """A node computed again from other ends."""
    left = [root]
    while left:
        part = left[-1]
        missing = [x for x in part.inputs if x not in new]
        if part not in new and not missing:
            new[part] = apply(part.op, *[new[x] for x in part.inputs])
        left += missing
        if not missing:
            left.pop()
    return new[root]


def _undone(op: Transpose | Reshape, x: Node) -> Node | None:
    """`op` of a node that undoes it, of a number, or of an array that lies there; else None."""
    number = uniform(x)
    if number is not None:
        return full(op.infer(x.tensor).shape, number, x.dtype, weak=x.tensor.weak)
    if isinstance(x.op, Leaf) and isinstance(op, Reshape) and all(isinstance(n, int) for n in op.shape):
        return moved(op, x)
    if type(x.op) is not type(op):
        return None
    found = moved(op, x)
    return found if found is x.inputs[0] else None


_MOST_WITHIN = 8


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


def _reshaped_later(match: Match) -> Node | None:
    """f(reshape(x), 1) = reshape(f(x, 1)), where x is computed for this alone: f is done where x is."""
    node = match.node
    shown = [x for x in node.inputs if isinstance(x.op, Reshape)]
    shapes = {x.inputs[0].shape for x in shown}
    if len(shapes) != 1 or isinstance(node.op, Guarded):
        return None
    below = [x.inputs[0] for x in shown if match.alone_reads(x) and match.alone_reads(x.inputs[0])]
    if not any(isinstance(x.op, _COMPUTED) for x in below):
        return None
    (shape,) = shapes
    inputs: list[Node] = []
    for x in node.inputs:
        ends = {} if isinstance(x.op, Reshape) else _ends(Reshape(shape), x, match)
        if ends is None:
            return None
        inputs.append(x.inputs[0] if isinstance(x.op, Reshape) else _moved_region(x, ends))
    return moved(Reshape(node.shape), apply(node.op, *inputs))


#: kinds that others of one element can be computed with
_COMPUTED = (Elementwise, Reduction, Product, Movement, Deposit)


x, inner, spread = hole("x"), hole("move(x)"), hole("spread(x)", Spread)
of_spread = on(Spread, x, called=spread)

MOVEMENT = (
    Rule(on(Squeeze, of_spread), _dropped_again, exact=True, called="squeeze(spread(x)) = x"),
    *(
        Rule(on(of, x), _still, exact=True, called=f"{of.name}(x) = x, where nothing moves")
        for of in (Transpose, Slice, Reshape, Squeeze, Pick)
    ),
    *(
        Rule(on(of, on(of, x, called=inner)), _moved_once, exact=True, called=f"{of.name}({of.name}(x)) = {of.name}(x)")
        for of in (Transpose, Slice, Reshape, Squeeze, Spread)
    ),
    Rule(on(Reshape, x), _reshaped_by_ones, exact=True, called="reshape(x) = spread(squeeze(x)), of extents 1"),
    *(
        Rule(left, _reshaped_once, exact=True, called=called)
        for left, called in (
            (on(Reshape, on(Squeeze, x, called=inner)), "reshape(squeeze(x)) = reshape(x)"),
            (on(Reshape, on(Spread, x, called=inner)), "reshape(spread(x, 1)) = reshape(x)"),
            (on(Squeeze, on(Reshape, x, called=inner)), "squeeze(reshape(x)) = reshape(x)"),
            (on(Spread, on(Reshape, x, called=inner)), "spread(reshape(x), 1) = reshape(x)"),
        )
    ),
    Rule(on(Transpose, on(Elementwise, called=inner)), _within, exact=True, called="transpose(f(transpose(x))) = f(x)"),
    Rule(on(Reshape, on(Elementwise, called=inner)), _within, exact=True, called="reshape(f(reshape(x))) = f(x)"),
    Rule(on(Elementwise, some=Reshape), _reshaped_later, exact=True, called="f(reshape(x), 1) = reshape(f(x, 1))"),
    Rule(
        on(Power, some=Spread),
        _spread_later,
        exact=False,
        because="less to compute; NumPy rounds a power by an array in another way than one by a number",
        called="pow(spread(x), spread(y)) = spread(pow(x, y))",
    ),
    Rule(on(Elementwise, some=Spread), _spread_later, exact=True, called="f(spread(x)) = spread(f(x))"),
)
