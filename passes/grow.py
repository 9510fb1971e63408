"""Growing: what a loop of unknown length keeps takes room for the steps that it makes."""

from collections.abc import Sequence
from dataclasses import replace

from graphc.kernel.buffer import Buffer, Role
from graphc.kernel.program import Program
from graphc.kernel.steps import Loop, Step
from graphc.passes.places import all_substituted
from graphc.types import INT64

__all__ = ["grow"]


def grow(program: Program) -> Program:
    """Let rows that a loop keeps while a condition holds be a stack, where other loops alone read them, row by row.

    The plan has no room for a stack: it grows with the steps that are made.
    """
    loops = _open_loops(program)
    written = {
        rows
        for loop in loops
        for rows in (*(stack.of for stack in loop.outputs), *(c.rows for c in loop.carries if c.is_kept))
    }
    if not written:
        return program
    for step in program.timeline:
        written -= {buffer.root for buffer in _seen_whole(step, step in loops)}
    exchange = {rows: Buffer(Role.STACK, rows.dtype, rows.shape) for rows in written if rows.role is Role.TEMPORARY}
    return replace(program, steps=all_substituted(program.steps, exchange))


def _open_loops(program: Program) -> set[Loop]:
    """The loops that end by a condition, and those that make as many steps as such a loop has made.

    Others with a count make about as many steps as their length is: segments, of which the last one is shorter.
    """
    ending = [step for step in program.timeline if isinstance(step, Loop) and step.holds is not None]
    numbers: set[Buffer] = set()
    more = {loop.made.root for loop in ending if loop.made is not None}
    while more - numbers:
        numbers |= more
        for step in program.timeline:
            if isinstance(step, Loop):
                pairs = [(rows.of, rows.row) for rows in step.sequences]
                pairs += [(rows.row, rows.of) for rows in step.outputs]
                pairs += [(carry.after, carry.last) for carry in step.carries if carry.last is not None]
                more |= {to.root for source, to in pairs if source.root in numbers}
            elif any(buffer.root in numbers for buffer in step.reads):
                more |= {buffer.root for buffer in step.writes if buffer.dtype == INT64}
    counted = [step for step in program.timeline if isinstance(step, Loop) and step.count is not None]
    return {*ending, *(loop for loop in counted if loop.count is not None and loop.count.root in numbers)}


def _seen_whole(step: Step, is_open: bool) -> Sequence[Buffer]:
    """What a step sees otherwise than row by row, for a number of steps that was counted."""
    if not isinstance(step, Loop):
        return (*step.reads, *step.writes)
    starts = [carry.start for carry in step.carries] + [held.start for held in step.held]
    counted = [] if step.count is not None else [rows.of for rows in step.sequences]
    fixed = [] if is_open else [rows.of for rows in step.outputs]
    own = [] if is_open else [carry.rows for carry in step.carries]
    ends = [carry.last for carry in step.carries if carry.last is not None]
    return [*starts, *counted, *fixed, *own, *ends, *step.shared, *(held.buffer for held in step.held)]
