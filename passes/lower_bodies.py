"""Lowering loops and branches: from nodes with bodies to steps with steps inside."""

from collections.abc import Mapping, Sequence
from typing import Protocol

from graphc.ir.control import Chosen, Repeated
from graphc.ir.graph import Graph
from graphc.ir.node import Node
from graphc.kernel.buffer import Buffer, Role
from graphc.kernel.carries import Carry, Rows
from graphc.kernel.steps import Branch, Loop, Step, unique
from graphc.passes.sources import Source, row_source
from graphc.types import BOOL, TensorType

__all__ = ["lower_branch", "lower_loop"]


class Lowering(Protocol):
    """What lowers the graph in which a loop or a branch stands."""

    @property
    def known(self) -> Mapping[Node, Source]: ...
    def buffer(self, node: Node) -> Buffer: ...
    def several(self, node: Node) -> tuple[Buffer, ...]: ...
    def read_of(self, node: Node) -> set[int]: ...
    def body(self, graph: Graph, given: Sequence[Buffer], results: Sequence[Buffer]) -> tuple[Step, ...]: ...


def lower_loop(node: Node, op: Repeated, lowering: Lowering) -> Loop:
    """A loop whose steps see rows of the arrays outside."""
    parts = op.parts(node.inputs)
    starts = [lowering.buffer(x) for x in parts.carries]
    sequences = [_rows(x, lowering) for x in parts.sequences]
    count = lowering.buffer(parts.counts[0]) if op.counted else None
    shared = [lowering.buffer(x) for x in parts.shared]
    results = lowering.several(node)
    read = lowering.read_of(node)
    carries = [_carry(op, place, start, results, place in read) for place, start in enumerate(starts)]
    stacks = results[op.carries : len(op.body.outputs)] if op.length is not None else ()
    outputs = [Rows(_row(y.tensor), stack) for y, stack in zip(op.outputs, stacks, strict=True)]
    before = [carry.before for carry in carries]
    steps = lowering.body(
        op.body,
        (*before, *(rows.row for rows in sequences), *shared),
        (*(carry.after for carry in carries), *(rows.row for rows in outputs)),
    )
    condition: tuple[Step, ...] = ()
    holds = made = None
    if op.condition is not None:
        holds, made = Buffer(Role.TEMPORARY, BOOL, ()), results[-1] if len(results) - 1 in read else None
        condition = lowering.body(op.condition, (*before, *shared), (holds,))
    return Loop(
        op.length, op.reverse, tuple(carries), tuple(sequences), tuple(outputs), steps, unique(shared), (node.origin,),
        count, condition, holds, made,
    )  # fmt: skip


def _row(type: TensorType) -> Buffer:
    return Buffer(Role.ROW, type.dtype, type.shape)


def _rows(x: Node, lowering: Lowering) -> Rows:
    """What a step sees of a sequence; of one that shows whole rows of an array, that array's."""
    shown = row_source(x, lowering.known)
    under, first = (x, 0) if shown is None else shown
    return Rows(_row(TensorType(x.shape[1:], x.dtype)), lowering.buffer(under), first)


def _carry(op: Repeated, place: int, start: Buffer, results: Sequence[Buffer], is_read: bool) -> Carry:
    type = op.body.inputs[place].tensor
    is_kept = place in op.kept
    rows = results[op.place_of(place)] if is_kept else Buffer(Role.TEMPORARY, type.dtype, (2, *type.shape))
    return Carry(start, _row(type), _row(type), rows, is_kept, results[place] if is_read else None)


def lower_branch(node: Node, op: Chosen, lowering: Lowering) -> Branch:
    """A branch whose lists of steps all write the same buffers."""
    index, *shared = [lowering.buffer(x) for x in node.inputs]
    results = lowering.several(node)
    parts = tuple([lowering.body(body, shared, results) for body in op.bodies])
    return Branch(index, parts, results, unique(shared), (node.origin,))
