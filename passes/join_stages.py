"""Stages of a kernel that walk the same points, and share what they compute there, as one."""

from collections.abc import Collection, Sequence

from graphc.kernel.buffer import Buffer
from graphc.kernel.indices import Affine, affine_of
from graphc.kernel.program import Program
from graphc.kernel.scalar import Call, Formula, Let, Load
from graphc.kernel.steps import Kernel, Stage, Step, Store
from graphc.passes.forwarding import LARGEST, only_stores
from graphc.passes.meeting import Place, met
from graphc.passes.pipeline import Log
from graphc.passes.step_lists import over_lists
from graphc.types import INT64

__all__ = ["join_stages"]


def join_stages(program: Program, log: Log) -> Program:
    """Let what several stages of a kernel compute at the same points be computed once for all of them.

    So the parts of an array that are made of the same elements, as those of a tile, are made in one pass over these.
    """

    def joined(steps: Sequence[Step], _: Collection[Buffer]) -> Sequence[Step]:
        return [_joined(step, log) if isinstance(step, Kernel) else step for step in steps]

    return over_lists(program, joined)


def _joined(kernel: Kernel, log: Log) -> Kernel:
    if len(kernel.stages) < 2 or {x.root for x in kernel.reads} & {x.root for x in kernel.writes}:
        return kernel
    stages: list[Stage] = []
    for stage in kernel.stages:
        found = _both(stages[-1], stage) if stages else None
        if found is None:
            stages.append(stage)
        else:
            stages[-1] = found
    if len(stages) == len(kernel.stages):
        return kernel
    log.note(f"{len(kernel.stages)} stages share what they compute: {len(stages)}", kernel.origins[0])
    return Kernel(kernel.outer, tuple(stages), kernel.origins)


def _both(first: Stage, second: Stage) -> Stage | None:
    """What two stages do at the same points; None where these differ, or nothing is shared, or order matters."""
    if first.inner != second.inner or not only_stores(first) or not only_stores(second):
        return None
    formula = Formula()
    effects: list[Store] = []
    for stage in (first, second):
        numbers: list[int] = []
        for let in stage.lets:
            numbers.append(formula.copied(let, numbers))
        for x in stage.effects:
            assert isinstance(x, Store), x
            effects.append(Store(x.buffer, tuple([numbers[part] for part in x.index]), numbers[x.value]))
    if len(formula.lets) > LARGEST or _values(formula.lets) == _values(first.lets) + _values(second.lets):
        return None
    affine = affine_of(formula.lets)
    before, after = effects[: len(first.effects)], effects[len(first.effects) :]
    if not all(_are_apart(one, other, affine) for one in before for other in after):
        return None
    return Stage(first.inner, tuple(formula.lets), tuple(effects))


def _values(lets: Sequence[Let]) -> int:
    """How many of these are no places."""
    return sum(isinstance(let, Load) or (isinstance(let, Call) and let.dtype != INT64) for let in lets)


def _are_apart(one: Store, other: Store, affine: Sequence[Affine | None]) -> bool:
    """Whether two stores never meet in an element, at whichever points."""
    if one.buffer.root is not other.buffer.root:
        return True
    if one.buffer is not other.buffer:  # the same elements under two shapes
        return False
    return any(_differ(affine[left], affine[right]) for left, right in zip(one.index, other.index, strict=True))


def _differ(one: Affine | None, other: Affine | None) -> bool:
    """Whether parts of two indices are nowhere the same."""
    left, right = Place.of(one), Place.of(other)
    found = None if left is None or right is None else met(left, right)
    return found is not None and found[0].count == 0
