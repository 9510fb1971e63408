"""Growing: what a loop of unknown length keeps takes room for the steps that it makes."""

from collections.abc import Sequence
from dataclasses import replace

from graphc.kernel.buffer import Buffer, Role
from graphc.kernel.program import Program
from graphc.kernel.steps import Loop, Step
from graphc.passes.places import substituted

__all__ = ["grow"]


def grow(program: Program) -> Program:
    """Let rows that a loop keeps while a condition holds be a stack, where other loops alone read them, row by row.

    The plan has no room for a stack: it grows with the steps that are made.
    """
    written = {
        rows
        for loop in program.timeline
        if isinstance(loop, Loop) and _is_open(loop)
        for rows in (*(stack.of for stack in loop.outputs), *(c.rows for c in loop.carries if c.is_kept))
    }
    if not written:
        return program
    for step in program.timeline:
        written -= {buffer.root for buffer in _seen_whole(step)}
    exchange = {rows: Buffer(Role.STACK, rows.dtype, rows.shape) for rows in written if rows.role is Role.TEMPORARY}
    return replace(program, steps=_with_stacks(program.steps, exchange))


def _is_open(loop: Loop) -> bool:
    """Whether only a call knows how many steps it makes."""
    return loop.holds is not None or loop.count is not None


def _seen_whole(step: Step) -> Sequence[Buffer]:
    """What a step sees otherwise than row by row, for a number of steps that was counted."""
    if not isinstance(step, Loop):
        return (*step.reads, *step.writes)
    starts = [carry.start for carry in step.carries] + [held.start for held in step.held]
    counted = [] if step.count is not None else [rows.of for rows in step.sequences]
    fixed = [] if _is_open(step) else [rows.of for rows in step.outputs]
    own = [] if _is_open(step) else [carry.rows for carry in step.carries]
    ends = [carry.last for carry in step.carries if carry.last is not None]
    return [*starts, *counted, *fixed, *own, *ends, *step.shared, *(held.buffer for held in step.held)]


def _with_stacks(steps: Sequence[Step], exchange: dict[Buffer, Buffer]) -> tuple[Step, ...]:
    return tuple([substituted(step, exchange) for step in steps])
