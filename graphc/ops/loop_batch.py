"""The batch rule of a loop: one loop for all places of an axis."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace

from graphc.autodiff.batching import batched as lifted_nodes
from graphc.ir.apply import apply
from graphc.ir.arithmetic import spread
from graphc.ir.control import LoopParts, Repeated
from graphc.ir.graph import Graph, exchanged, topological
from graphc.ir.kinds import Product
from graphc.ir.leaves import full, items
from graphc.ir.node import Node
from graphc.ir.operands import add, sub, where
from graphc.ops.bodies import dependent, stand_in
from graphc.ops.extremes import max as largest
from graphc.ops.logic import less
from graphc.ops.movement import concat, moveaxis, reshape
from graphc.ops.reduction import any as any_of
from graphc.ops.sheltered import sheltered
from graphc.sizes import Size
from graphc.types import BOOL, INT64, TensorType

__all__ = ["batch", "over_rows"]


def batch(op: Repeated, inputs: Sequence[Node], batched: Sequence[bool], extent: Size) -> Sequence[Node]:
    """The results for all places, with a leading axis each.

    Where the number of steps differs from place to place, as many are made as any place needs, and the carries of
    the others stay.
    """
    given, flags, inner = op.parts(inputs), op.parts(batched), op.inner()
    moving = _moving(op, flags)
    differs = _steps_differ(op, moving, flags)
    if differs:
        moving = set(range(op.carries))
    exchange = {x: _wide(x, extent) for c, x in enumerate(inner.carries) if c in moving}
    exchange |= {x: _wide(x, extent) for x, flag in zip(inner.sequences, flags.sequences, strict=True) if flag}
    exchange |= {x: _wide(x, extent) for x, flag in zip(inner.shared, flags.shared, strict=True) if flag}
    carried = [exchange.get(x, x) for x in inner.carries]
    inside = [exchange.get(x, x) for x in inner.sequences]
    shared = [exchange.get(x, x) for x in inner.shared]
    first = [
        spread(x, (extent, *x.shape), (0,)) if c in moving and not flag else x
        for c, (x, flag) in enumerate(zip(given.carries, flags.carries, strict=True))
    ]
    sequences = [moveaxis(x, 0, 1) if flag else x for x, flag in zip(given.sequences, flags.sequences, strict=True)]
    count, operands = list(given.counts), list(given.shared)
    bodies = [] if op.condition is None else [_condition(op, exchange, extent)]
    active = counter = None
    if differs and op.condition is None:
        limits = stand_in("count", count[0].tensor, "a loop")
        shared.append(limits)
        operands.append(count[0])
        count = [largest(concat([count[0], full((1,), 0, INT64)]))]  # of no place at all: no step
        row = stand_in("row", TensorType((), INT64), "a loop")
        active = less(row, limits)
        counter = row, sub(count[0], 1) if op.reverse else full((), 0, INT64), add(row, -1 if op.reverse else 1)
    elif differs:
        condition = bodies[0]
        active = condition.replace(dict(zip(condition.inputs, (*carried, *shared), strict=True))).outputs[0]
        made = stand_in("steps", TensorType((extent,), INT64), "a loop")
        bodies = [_until_all_end(condition, op.carries, made)]
        counter = made, full((extent,), 0, INT64), where(active, add(made, 1), made)
    outputs, wide_outputs = _outputs(op, moving, exchange, active, extent)
    if active is not None and counter is not None:
        outputs[: op.carries] = [_chosen(active, new, old) for new, old in zip(outputs, carried, strict=False)]
        before, start, after = counter
        carried.append(before)
        first.append(start)
        outputs.insert(op.carries, after)
    body = Graph((*carried, *inside, *shared), tuple(outputs))
    lifted = replace(op, bodies=(body, *bodies), carries=len(carried))
    results = items(apply(lifted, *first, *sequences, *count, *operands))
    many = [_with_axis(results[carry], extent, is_wide=carry in moving) for carry in range(op.carries)]
    stacks = results[len(carried) :]
    for place, is_wide in enumerate(wide_outputs):
        many.append(moveaxis(stacks[place], 1, 0) if is_wide else _with_axis(stacks[place], extent, is_wide=False))
    if op.condition is not None:
        many.append(results[op.carries] if differs else _with_axis(results[-1], extent, is_wide=False))
    return many


def over_rows(nodes: Sequence[Node], rows: Mapping[Node, Node], length: Size) -> list[Node]:
    """The values of nodes of a body in all steps, from what it has as a row to all rows.

    Products of rows round as each does by itself: so a loop in segments has the same results.
    """
    new: dict[Node, Node] = {}
    found = lifted_nodes(nodes, rows, length)
    made = dependent(found, rows.values()) - set(rows.values())
    for node in topological(found):
        same = exchanged(node, new)
        if node in made and isinstance(node.op, Product):
            same = Node(node.op.taken_apart(), same.inputs, node.type, node.origin)
        new[node] = same
    return [new[node] for node in found]


def _moving(op: Repeated, flags: LoopParts) -> set[int]:
    """The carries that differ from place to place."""
    inner = op.inner()
    moving = {c for c, flag in enumerate(flags.carries) if flag}
    others = [x for x, flag in zip(inner.sequences, flags.sequences, strict=True) if flag]
    others += [x for x, flag in zip(inner.shared, flags.shared, strict=True) if flag]
    while True:
        reached = dependent(op.body.outputs, [*others, *(inner.carries[c] for c in moving)])
        more = {c for c, y in enumerate(op.next) if y in reached}
        if more <= moving:
            return moving
        moving |= more


def _steps_differ(op: Repeated, moving: set[int], flags: LoopParts) -> bool:
    """Whether the number of steps differs from place to place."""
    if op.condition is None:
        return any(flags.counts)
    inputs = op.condition.inputs
    own = [x for c, x in enumerate(inputs[: op.carries]) if c in moving]
    own += [x for x, flag in zip(inputs[op.carries :], flags.shared, strict=True) if flag]
    return op.condition.outputs[0] in dependent(op.condition.outputs, own)


def _outputs(
    op: Repeated, moving: Collection[int], exchange: Mapping[Node, Node], active: Node | None, extent: Size
) -> tuple[list[Node], list[bool]]:
    """What a step gives at all places, of which only those that are active count; and which outputs differ there."""
    step, exchanged = op.body.outputs, dict(exchange)
    if active is not None:
        counts = stand_in("active", TensorType((), BOOL), "a loop")
        step = tuple(sheltered(step, counts, list(exchange)))
        exchanged[counts] = active
    reached = dependent(step, exchanged)
    is_wide = [place in moving if place < op.carries else y in reached for place, y in enumerate(step)]
    found = iter(lifted_nodes([y for y, wide in zip(step, is_wide, strict=True) if wide], exchanged, extent))
    return [next(found) if wide else y for y, wide in zip(step, is_wide, strict=True)], is_wide[op.carries :]


def _until_all_end(condition: Graph, carries: int, made: Node) -> Graph:
    """Whether any place makes a further step; the number of those made is a carry more."""
    inputs, further = condition.inputs, stand_in("steps", made.tensor, "a loop")
    return Graph((*inputs[:carries], further, *inputs[carries:]), (any_of(condition.outputs[0]),))


def _condition(op: Repeated, exchange: Mapping[Node, Node], extent: Size) -> Graph:
    """The condition, for all places where what it reads differs."""
    condition = op.condition
    assert condition is not None
    inner = op.inner()
    outside = [*inner.carries, *inner.shared]
    wide = {x: _wide(x, extent) for x, stands in zip(condition.inputs, outside, strict=True) if stands in exchange}
    inputs = tuple([wide.get(x, x) for x in condition.inputs])
    (holds,) = condition.outputs
    if holds in dependent([holds], wide):
        (holds,) = lifted_nodes([holds], wide, extent)
    return Graph(inputs, (holds,))


def _chosen(active: Node, new: Node, old: Node) -> Node:
    """`new` at the places that still make steps."""
    shape = (*active.shape, *([1] * (new.ndim - 1)))
    return where(reshape(active, shape), new, old)


def _wide(x: Node, extent: Size) -> Node:
    return stand_in(x.name or "", TensorType((extent, *x.shape), x.dtype), "a loop")


def _with_axis(x: Node, extent: Size, *, is_wide: bool) -> Node:
    return x if is_wide else spread(x, (extent, *x.shape), (0,))
