"""Lists of steps that run one after the other: those of a program, and those inside its loops and branches."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from typing import TypeAlias

from graphc.kernel.buffer import Buffer
from graphc.kernel.nesting import with_parts
from graphc.kernel.program import Program
from graphc.kernel.steps import Loop, Step, buffers_of, within

__all__ = ["Change", "are_same", "changed", "numbers_of", "outside_of", "over_lists", "touched"]

Change: TypeAlias = Callable[[Sequence[Step], Collection[Buffer]], Sequence[Step]]  # of a list, and what others touch


def over_lists(program: Program, change: Change) -> Program:
    """The program with each of its lists of steps changed, inner ones first.

    `change` is told which arrays steps elsewhere read or write.  Steps that set variables are a list of their own.
    """
    pure, last = program.steps[: program.commit], program.steps[program.commit :]
    first = changed(pure, touched(last), change)
    rest = changed(last, touched(pure), change) if last else ()
    if are_same(first, pure) and are_same(rest, last):
        return program
    return replace(program, steps=(*first, *rest), commit=len(first))


def changed(steps: Sequence[Step], outside: Collection[Buffer], change: Change) -> Sequence[Step]:
    """A list of steps, and those inside of them, changed."""
    # Recursion is over the depth to which loops and branches are nested.
    inside = [_with_parts(step, change) if within(step) else step for step in steps]
    return change(inside, outside)


def _with_parts(step: Step, change: Change) -> Step:
    outside = outside_of(step)
    found = [changed(part, outside, change) for part in within(step)]
    if all(map(are_same, found, within(step))):
        return step
    parts = iter(found)
    return with_parts(step, lambda _: next(parts))


def are_same(steps: Sequence[Step], others: Sequence[Step]) -> bool:
    """Whether two lists have the same steps in the same order."""
    return len(steps) == len(others) and all(one is other for one, other in zip(steps, others, strict=True))


def touched(steps: Sequence[Step]) -> set[Buffer]:
    """The owners of the bytes that steps read or write."""
    return {buffer.root for step in steps for buffer in buffers_of(step)}


def outside_of(step: Step) -> Collection[Buffer]:
    """What the steps inside a step have not for themselves: what they share, and what they hand on."""
    outside = touched([step])
    if isinstance(step, Loop) and step.holds is not None:
        outside.add(step.holds)
    return outside


def numbers_of(steps: Sequence[Step]) -> tuple[Mapping[Buffer, Sequence[int]], Mapping[Buffer, Sequence[int]]]:
    """The steps that read or write each owner of bytes, and those that write it, in order."""
    touching: dict[Buffer, list[int]] = {}
    writing: dict[Buffer, list[int]] = {}
    for number, step in enumerate(steps):
        for buffer in (*step.reads, *step.writes):
            numbers = touching.setdefault(buffer.root, [])
            if not numbers or numbers[-1] != number:
                numbers.append(number)
        for root in {buffer.root: None for buffer in step.writes}:
            writing.setdefault(root, []).append(number)
    return touching, writing
