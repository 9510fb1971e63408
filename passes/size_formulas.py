"""Numbers of sizes, as 1 / n: computed wherever they are read, instead of by a kernel of their own."""

from collections.abc import Collection, Mapping, Sequence

from graphc.dataclass import dataclass
from graphc.kernel.buffer import Buffer, Role
from graphc.kernel.costs import additions, calls
from graphc.kernel.pattern import formed
from graphc.kernel.program import Program
from graphc.kernel.renumbering import renumbered
from graphc.kernel.scalar import AxisIndex, Formula, Let, Load
from graphc.kernel.steps import Contract, Kernel, Stage, Step, Store
from graphc.kernel.target import Target
from graphc.passes.pipeline import Log
from graphc.passes.step_lists import numbers_of, over_lists

__all__ = ["compute_where_read"]

WORK = 32  # additions that a number is worth, at most: backends may compute it for each element


def compute_where_read(program: Program, target: Target, log: Log) -> Program:
    """Let kernels compute numbers that sizes alone decide, where each of their readers is a kernel."""

    def changed(steps: Sequence[Step], outside: Collection[Buffer]) -> Sequence[Step]:
        made = {number: found for number, step in enumerate(steps) if (found := _numbers(step))}
        return _without(steps, made, outside, target, log) if made else steps

    return over_lists(program, changed)


@dataclass(frozen=True)
class _Number:
    """The let `value` of some, none of which reads anything."""

    lets: Sequence[Let]
    value: int

    def written(self, formula: Formula) -> int:
        """Its number in a formula."""
        numbers: list[int] = []
        for let in self.lets[: self.value + 1]:
            numbers.append(formula.copied(let, numbers))
        return numbers[self.value]


def _numbers(step: Step) -> Mapping[Buffer, _Number]:
    """What a kernel stores that only computes numbers of sizes; nothing for all others."""
    if not isinstance(step, Kernel) or step.outer or step.reads:
        return {}
    found: dict[Buffer, _Number] = {}
    for stage in step.stages:
        if stage.inner or any(isinstance(let, Load | AxisIndex) for let in stage.lets):
            return {}
        for effect in stage.effects:
            assert isinstance(effect, Store), effect
            buffer = effect.buffer
            is_kept = buffer.role is not Role.TEMPORARY or buffer.base is not None or buffer in found
            if is_kept or effect.combine is not None or additions(stage.lets) > WORK:
                return {}
            found[buffer] = _Number(stage.lets, effect.value)
    return found


def _without(
    steps: Sequence[Step],
    made: Mapping[int, Mapping[Buffer, _Number]],
    outside: Collection[Buffer],
    target: Target,
    log: Log,
) -> Sequence[Step]:
    """The steps without those that make numbers, as far as all that read them can compute them."""
    touching, _ = numbers_of(steps)
    known: dict[Buffer, _Number] = {}
    gone: set[int] = set()
    for number, found in made.items():
        readers = {other for buffer in found for other in touching[buffer] if other != number}
        work = sum(calls(x.lets) for x in found.values()) * target.let
        is_seen = any(buffer in outside for buffer in found) or not readers
        if is_seen or work * (len(readers) - 1) > target.kernel:
            continue
        if all(_may_compute(steps[other], found) for other in readers):
            known |= found
            gone.add(number)
            log.note(f"computed in {len(readers)} kernels that read it", steps[number].origins[0])
    if not gone:
        return steps
    return [_computing(step, known) for number, step in enumerate(steps) if number not in gone]


def _may_compute(step: Step, made: Collection[Buffer]) -> bool:
    """Whether a step reads some numbers in a kernel, always and as they are, and does nothing else with them."""
    kernel = step.then if isinstance(step, Contract) else step
    if not isinstance(kernel, Kernel) or any(x.root in made for x in step.writes):
        return False
    if isinstance(step, Contract) and any(x.root in made for x in (step.left, step.right)):
        return False
    loads = [let for stage in kernel.stages for let in stage.lets if isinstance(let, Load) and let.buffer.root in made]
    return all(let.guard is None and let.dtype == let.buffer.root.dtype for let in loads)


def _computing(step: Step, known: Mapping[Buffer, _Number]) -> Step:
    """A step whose kernel computes what it reads of some numbers."""
    if not any(buffer.root in known for buffer in step.reads):
        return step
    if isinstance(step, Contract):
        assert step.then is not None, step
        return step.followed(_computing_kernel(step.then, known), step.out, step.origins)
    assert isinstance(step, Kernel), step
    return _computing_kernel(step, known)


def _computing_kernel(kernel: Kernel, known: Mapping[Buffer, _Number]) -> Kernel:
    stages = [_computing_stage(stage, known) for stage in kernel.stages]
    return formed(Kernel(kernel.outer, tuple(stages), kernel.origins))


def _computing_stage(stage: Stage, known: Mapping[Buffer, _Number]) -> Stage:
    if not any(isinstance(let, Load) and let.buffer.root in known for let in stage.lets):
        return stage
    formula = Formula()
    numbers: list[int] = []
    for let in stage.lets:
        found = known.get(let.buffer.root) if isinstance(let, Load) else None
        numbers.append(formula.copied(let, numbers) if found is None else found.written(formula))
    effects = [renumbered(effect, numbers) for effect in stage.effects]
    return Stage(stage.inner, tuple(formula.lets), tuple(effects), stage.is_last)
