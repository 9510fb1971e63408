"""What a call needs to know of a program: what it takes and gives, what it keeps, and how it fails."""

from collections.abc import Mapping

from graphc.dataclass import dataclass
from graphc.kernel.buffer import Buffer, Role
from graphc.kernel.program import Program
from graphc.kernel.steps import Check, IndexInRange, Loop, SizesAgree, Step
from graphc.origin import Origin
from graphc.sizes import Size

__all__ = ["Limit", "Outline", "outline_of"]


@dataclass(frozen=True, eq=False)
class Limit:
    """How a loop fails whose condition still holds after the most steps that it may make."""

    length: "Size | None"
    origins: tuple[Origin, ...]


@dataclass(frozen=True, eq=False)
class Outline:
    """A program without what its steps compute.

    sets        whether it sets variables
    sizes       the checks that are about sizes alone
    failing     those of indices, and the limits of loops, by their numbers in the timeline
    fails_late  whether a check may fail after an output was written to
    """

    symbols: tuple[str, ...]
    inputs: tuple[Buffer, ...]
    variables: tuple[Buffer, ...]
    constants: tuple[Buffer, ...]
    outputs: tuple[Buffer, ...]
    temporaries: tuple[Buffer, ...]
    stacks: tuple[Buffer, ...]
    sets: bool
    sizes: tuple[Check, ...]
    failing: Mapping[int, Check | Limit]
    fails_late: bool


def outline_of(program: Program) -> Outline:
    """The outline of a program."""
    failing = {number: failure for number, step in enumerate(program.timeline) if (failure := _failure(step))}
    before = program.timeline[: max(failing, default=0)]
    return Outline(
        program.symbols,
        program.inputs,
        program.variables,
        program.constants,
        program.outputs,
        program.temporaries,
        program.stacks,
        sets=program.commit < len(program.steps),
        sizes=tuple([x for x in program.timeline if isinstance(x, Check) and isinstance(x.condition, SizesAgree)]),
        failing=failing,
        fails_late=any(buffer.role is Role.OUTPUT for step in before for buffer in step.writes),
    )


def _failure(step: Step) -> Check | Limit | None:
    """How a step may fail while it runs."""
    match step:
        case Check(condition=IndexInRange()):
            return step
        case Loop() if step.holds is not None:
            return Limit(step.length, step.origins)
        case _:
            return None
