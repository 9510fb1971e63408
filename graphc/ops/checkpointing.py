"""Loops in segments: the derivative keeps the carries between segments, and makes the steps of one again at a time."""

from dataclasses import replace
from math import isqrt
from typing import Any, Literal, TypeAlias

from graphc.errors import ArgumentError
from graphc.ir.apply import apply
from graphc.ir.control import Repeated
from graphc.ir.given import a_whole_number, is_whole
from graphc.ir.graph import Graph
from graphc.ir.leaves import items, size_node
from graphc.ir.node import Node
from graphc.ir.operands import mul, sub
from graphc.ops.bodies import stand_in
from graphc.ops.creation import iota
from graphc.ops.movement import part, reshape
from graphc.ops.padding import pad
from graphc.ops.piecewise import minimum
from graphc.printable import described
from graphc.sizes import Size, equal, estimate
from graphc.types import INT64, TensorType

__all__ = ["Checkpoint", "in_segments", "segment_of"]

Checkpoint: TypeAlias = Literal["sqrt"] | int | None


def segment_of(checkpoint: Any, length: Size) -> int | None:  # Any: whatever a user gives
    """How many steps a segment has; None for a loop that is not cut, as one that is no longer than a segment.

    "sqrt" keeps least: about the square root of the length, as the carries of that many segments and the steps of one
    are kept.  Chen, Xu, Zhang, Guestrin: Training Deep Nets with Sublinear Memory Cost, 2016.
    """
    if checkpoint is None:
        return None
    if is_whole(checkpoint):
        segment = a_whole_number("scan", "checkpoint", checkpoint, least=1)
        return segment if not isinstance(length, int) or segment < length else None
    if not isinstance(checkpoint, str) or checkpoint != "sqrt":
        problem = f"scan: checkpoint is None, 'sqrt' or a number of steps, not {described(checkpoint)}"
        raise ArgumentError(problem)
    root = max(isqrt(estimate(length)), 1)
    if not isinstance(length, int):
        return root
    # rather a segment that divides the length, if one of about this size does
    near = [n for n in range(max(root // 2, 1), 2 * root + 1) if length % n == 0]
    segment = min(near, key=lambda n: abs(n - root), default=root)
    return segment if segment < length else None


def in_segments(op: Repeated, operands: list[Node], steps: int) -> list[Node]:
    """The results of a loop that keeps no carry, made as a loop over segments of so many steps each."""
    length = op.length
    assert length is not None
    parts = op.parts(operands)
    is_whole_number = equal(length % steps, 0) is True
    count = length // steps if is_whole_number else (length + (steps - 1)) // steps
    rows = [_cut(x, count, steps) for x in parts.sequences]
    carried = [stand_in(x.name or "carry", x.tensor, "scan") for x in op.inner().carries]
    inside = [stand_in("segment", TensorType((steps, *x.shape[1:]), x.dtype), "scan") for x in parts.sequences]
    shared = [stand_in(x.name or "shared", x.tensor, "scan") for x in op.inner().shared]
    number = stand_in("number of the segment", TensorType((), INT64), "scan")
    counts = [] if is_whole_number else [minimum(steps, sub(size_node(length), mul(number, steps)))]
    segment = replace(op, length=steps, counted=bool(counts))
    results = items(apply(segment, *carried, *inside, *counts, *shared))
    numbers, numbered = ([], []) if is_whole_number else ([iota(count)], [number])
    outer = replace(
        op,
        bodies=(Graph((*carried, *inside, *numbered, *shared), tuple(results)),),
        sequences=len(rows) + len(numbers),
        length=count,
        recomputes=True,
    )
    found = items(apply(outer, *parts.carries, *rows, *numbers, *parts.shared))
    stacks = [part(reshape(y, (count * steps, *y.shape[2:])), 0, 0, length) for y in found[op.carries :]]
    return [*found[: op.carries], *stacks]


def _cut(x: Node, count: Size, steps: int) -> Node:
    """A sequence as rows of segments; the last one is filled up with rows that no step reads."""
    missing = count * steps - x.shape[0]
    if equal(missing, 0) is not True:
        x = pad(x, ((0, missing), *([(0, 0)] * (x.ndim - 1))))
    return reshape(x, (count, steps, *x.shape[1:]))
