"""Programs of which a step is lost, or made too early: they make no sense, whatever they compute."""

from collections.abc import Callable, Sequence
from dataclasses import replace

from graphc.kernel.nesting import with_parts
from graphc.kernel.steps import Step
from graphc.passes.lower import Lowered
from tests.verification.models import keeping, looping, mixed
from tests.verification.mutants import Model, Mutant
from tests.verification.wrong_programs import spoiled, with_steps

__all__ = ["WRONG_SCHEDULES"]


def lost(form: Lowered) -> Lowered:
    """Nothing makes what a later step reads."""
    steps = form.program.steps
    place = next(n for n, step in enumerate(steps) if any(_reads(other, step) for other in steps[n + 1 :]))
    program = replace(form.program, steps=(*steps[:place], *steps[place + 1 :]), commit=form.program.commit - 1)
    return replace(form, program=program)


def exchanged(form: Lowered) -> Lowered:
    """A step is made before the one that it reads."""
    return with_steps(form, _exchanged(form.program.steps))


def exchanged_inside(form: Lowered) -> Lowered:
    """The same in the body of a loop."""
    return with_steps(form, [with_parts(step, _exchanged) for step in form.program.steps])


def twice(form: Lowered) -> Lowered:
    """A step is made a second time."""
    first = form.program.steps[0]
    program = replace(form.program, steps=(first, replace(first), *form.program.steps[1:]))
    return replace(form, program=replace(program, commit=program.commit + 1))


def without_an_output(form: Lowered) -> Lowered:
    """Nothing makes the second output."""
    wanted = form.program.outputs[1]
    kept = [step for step in form.program.steps if wanted not in [buffer.root for buffer in step.writes]]
    return replace(form, program=replace(form.program, steps=tuple(kept), commit=len(kept)))


def _exchanged(steps: Sequence[Step]) -> tuple[Step, ...]:
    for place in range(len(steps) - 1):
        first, second = steps[place : place + 2]
        if _reads(second, first):
            return (*steps[:place], second, first, *steps[place + 2 :])
    return tuple(steps)


def _reads(reader: Step, writer: Step) -> bool:
    written = {buffer.root for buffer in writer.writes}
    return any(buffer.root in written for buffer in reader.reads)


def wrong(title: str, name: str, spoil: Callable[[Lowered], Lowered], model: Callable[[], Model], says: str) -> Mutant:
    """A pass that does this to a program in the end; `says`: what the error must name beside it."""
    return Mutant(f"{name}: {title}", name, spoiled(spoil), model, says)


EARLY = "is read before it is written"

WRONG_SCHEDULES = (
    wrong("a step that is lost", "lower", lost, mixed, EARLY),
    wrong("a step that is lost, late", "schedule", lost, keeping, EARLY),
    wrong("a step too early", "schedule", exchanged, keeping, EARLY),
    wrong("a step of a loop too early", "schedule", exchanged_inside, looping, EARLY),
    wrong("a step twice", "schedule", twice, keeping, "is written a second time"),
    wrong("an output that is lost", "schedule", without_an_output, keeping, "no step writes"),
)
