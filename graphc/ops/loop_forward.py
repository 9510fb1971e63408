"""The forward rule of a loop: a loop that carries tangents beside the values."""

from collections.abc import Sequence
from dataclasses import replace

from graphc.autodiff.forward import push_forward
from graphc.ir.apply import apply
from graphc.ir.arithmetic import or_zeros
from graphc.ir.control import Repeated
from graphc.ir.graph import Graph
from graphc.ir.leaves import items
from graphc.ir.node import Node
from graphc.ops.bodies import stand_in
from graphc.types import TensorType

__all__ = ["jvp"]


def jvp(op: Repeated, node: Node, tangents: Sequence[Node | None]) -> Sequence[Node | None]:
    """The tangent of each result."""
    inner, given, arrived = op.inner(), op.parts(node.inputs), op.parts(tangents)
    rows = {x: _tangent_of(x) for x, t in zip(inner.sequences, arrived.sequences, strict=True) if t is not None}
    shared = {x: _tangent_of(x) for x, t in zip(inner.shared, arrived.shared, strict=True) if t is not None}
    moving = {place for place, t in enumerate(arrived.carries) if t is not None}
    while True:
        carried = {inner.carries[place]: _tangent_of(inner.carries[place]) for place in sorted(moving)}
        found = push_forward(op.body.outputs, carried | rows | shared)
        reached = {place for place in range(op.carries) if found[place] is not None}
        if reached <= moving:
            break
        moving |= reached
    order = sorted(moving)
    after = [or_zeros(found[place], op.next[place]) for place in order]
    outputs = [t for t in found[op.carries :] if t is not None]
    first = [or_zeros(arrived.carries[place], given.carries[place]) for place in order]
    both = replace(
        op,
        bodies=(
            Graph(
                (*inner.carries, *carried.values(), *inner.sequences, *rows.values(), *inner.shared, *shared.values()),
                (*op.next, *after, *op.outputs, *outputs),
            ),
            *(_with_further(each, op.carries, [*carried.values()], [*shared.values()]) for each in op.bodies[1:]),
        ),
        carries=op.carries + len(order),
        sequences=op.sequences + len(rows),
    )
    results = items(
        apply(
            both,
            *given.carries, *first,
            *given.sequences, *(t for t in arrived.sequences if t is not None),
            *given.counts,
            *given.shared, *(t for t in arrived.shared if t is not None),
        )
    )  # fmt: skip
    lasts = [results[op.carries + order.index(place)] if place in moving else None for place in range(op.carries)]
    further = iter(results[both.carries + len(op.outputs) :])
    stacks = [None if t is None else next(further) for t in found[op.carries :]]
    return [*lasts, *stacks, *([None] if op.condition is not None else [])]


def _tangent_of(x: Node) -> Node:
    return stand_in(f"tangent of {x.name}", TensorType(x.shape, x.dtype), "a loop")


def _with_further(condition: Graph, carries: int, carried: Sequence[Node], shared: Sequence[Node]) -> Graph:
    """The condition, which is given more and reads none of it."""
    inputs = condition.inputs
    further = [stand_in(x.name or "", x.tensor, "a loop") for x in (*carried, *shared)]
    return Graph(
        (*inputs[:carries], *further[: len(carried)], *inputs[carries:], *further[len(carried) :]), condition.outputs
    )
