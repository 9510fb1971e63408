"""Steps inside steps: those of loops and branches."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace

from graphc.kernel.steps import Branch, Loop, Step, within

__all__ = ["all_steps", "with_parts"]


def with_parts(step: Step, change: Callable[[tuple[Step, ...]], Iterable[Step]]) -> Step:
    """The step with every list of steps inside it changed."""
    match step:
        case Loop():
            return replace(step, condition=tuple(change(step.condition)), steps=tuple(change(step.steps)))
        case Branch():
            return replace(step, parts=tuple([tuple(change(part)) for part in step.parts]))
    return step


def all_steps(steps: Iterable[Step]) -> Iterator[Step]:
    """Steps in order, those inside a step right after it."""
    # Recursion is over the depth to which loops and branches are nested.
    for step in steps:
        yield step
        for part in within(step):
            yield from all_steps(part)
