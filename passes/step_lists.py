"""Lists of steps that run one after the other: those of a program, and those inside its loops and branches."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import replace
from typing import TypeAlias

from graphc.kernel.buffer import Buffer
from graphc.kernel.nesting import with_parts
from graphc.kernel.program import Program
from graphc.kernel.steps import Loop, Step, buffers_of, within

__all__ = ["Change", "over_lists"]

Change: TypeAlias = Callable[[Sequence[Step], Collection[Buffer]], Sequence[Step]]  # of a list, and what others touch


def over_lists(program: Program, change: Change) -> Program:
    """The program with each of its lists of steps changed, inner ones first.

    `change` is told which arrays steps elsewhere read or write.  Steps that set variables are a list of their own.
    """
    pure, last = program.steps[: program.commit], program.steps[program.commit :]
    first = _changed(pure, _touched(last), change)
    rest = _changed(last, _touched(pure), change) if last else ()
    return replace(program, steps=(*first, *rest), commit=len(first))


def _changed(steps: Sequence[Step], outside: Collection[Buffer], change: Change) -> Sequence[Step]:
    # Recursion is over the depth to which loops and branches are nested.
    inside: list[Step] = []
    for step in steps:
        if within(step):
            own = _touched([step])
            own |= {step.holds} if isinstance(step, Loop) and step.holds is not None else set()
            inside.append(with_parts(step, lambda part, own=own: _changed(part, own, change)))  # type: ignore[misc]
        else:
            inside.append(step)
    return change(inside, outside)


def _touched(steps: Sequence[Step]) -> set[Buffer]:
    return {buffer.base or buffer for step in steps for buffer in buffers_of(step)}
