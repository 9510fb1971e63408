"""Kernels that look at indices while they read them: whether one is out of range is known when they are done."""

from collections.abc import Mapping, Sequence
from typing import final

from graphc.dataclass import dataclass
from graphc.kernel.buffer import Buffer, Role
from graphc.kernel.indices import affine_of
from graphc.kernel.monoids import Monoid
from graphc.kernel.scalar import Axis, Call, Const, Fn, Formula, Let, Load, SizeValue
from graphc.kernel.searches import outside
from graphc.kernel.stages import stage_plan
from graphc.kernel.steps import Check, IndexInRange, Kernel, Stage, Step, Store, Total
from graphc.sizes import Size, equal, maximum, minimum, product
from graphc.types import BOOL

__all__ = ["Looking", "looking_kernels"]


@final
@dataclass(frozen=True, eq=False)
class Looking:
    """A kernel that sets the flag of each check if it finds an index out of range."""

    kernel: Kernel
    flags: Mapping[Check, Buffer]

    @property
    def times(self) -> Size:
        """1, or 0 where rows have indices and nothing that these may be: then it must not run, and the checks fail."""
        found: Size = 1
        rows = product(axis.extent for axis in self.kernel.outer)
        for check in self.flags:
            assert isinstance(check.condition, IndexInRange), check
            if not isinstance(check.condition.extent, int):
                found = minimum(found, maximum(check.condition.extent, 1 - rows))
        return found


def looking_kernels(steps: Sequence[Step]) -> Mapping[Step, Looking]:
    """Of some steps in order, the kernels that look at indices in place of checks before them."""
    found: dict[Step, Looking] = {}
    for place, step in enumerate(steps):
        if not isinstance(step, Check) or not isinstance(step.condition, IndexInRange):
            continue
        index = step.condition.index.root
        first = next((x for x in steps[place + 1 :] if any(buffer.root is index for buffer in x.reads)), None)
        if not isinstance(first, Kernel):
            continue
        before = found.get(first) or Looking(first, {})
        flag = Buffer(Role.TEMPORARY, BOOL, ())
        kernel = _looking(before.kernel, step.condition, flag)
        if kernel is not None:
            found[first] = Looking(kernel, {**before.flags, step: flag})
    return found


def _looking(kernel: Kernel, condition: IndexInRange, flag: Buffer) -> Kernel | None:
    """A kernel of rows that sets a flag too; None where no stage reads each index once, or a wrong one does harm."""
    is_safe = all(_is_safe(stage, kernel.outer, condition.extent) for stage in kernel.stages)
    if not is_safe or not any(stage.inner for stage in kernel.stages):
        return None
    for place, stage in enumerate(kernel.stages):
        number = None if stage.inner or stage.is_last else _reading(stage, kernel.outer, condition.index)
        if number is not None:
            formula, numbers = Formula(), list[int]()
            for let in stage.lets:
                numbers.append(formula.copied(let, numbers))
            assert numbers == [*range(len(numbers))], stage
            local = Buffer(Role.LOCAL, BOOL, ())
            total = Total(Monoid.ANY, outside(formula, condition, number), (), local)
            looking = Stage((), tuple(formula.lets), (*stage.effects, total))
            last = Stage((), (Load(local, (), BOOL),), (Store(flag, (), 0),), is_last=True)
            stages = (*kernel.stages[:place], looking, *kernel.stages[place + 1 :], last)
            return Kernel(kernel.outer, stages, kernel.origins)
    return None


def _is_safe(stage: Stage, outer: Sequence[Axis], extent: Size) -> bool:
    """Whether all places that are data are remainders by the extent that the check has: whatever it finds, in range."""
    plan = stage_plan(stage, outer)
    return all(_is_remainder(stage.lets, number, extent) for access in plan.accesses for number, _ in access.data)


def _is_remainder(lets: Sequence[Let], number: int, extent: Size) -> bool:
    let = lets[number]
    if not isinstance(let, Call) or let.fn is not Fn.MOD or extent == 0:
        return False
    match lets[let.args[1]]:
        case Const(value=value):
            return value == extent
        case SizeValue(size=size):
            return equal(size, extent) is True
    return False


def _reading(stage: Stage, outer: Sequence[Axis], index: Buffer) -> int | None:
    """The let that reads the index of a row, where rows have one each and all are read."""
    affine = affine_of(stage.lets)
    for number, let in enumerate(stage.lets):
        if not isinstance(let, Load) or let.buffer is not index or let.guard is not None:
            continue
        parts = [affine[part] for part in let.index]
        if any(part is None or part.offset != 0 or len(part.terms) > 1 for part in parts):
            return None
        terms = [part.terms[0] if part.terms else None for part in parts if part is not None]
        walked = [term[0] for term in terms if term is not None and term[1] == 1]
        extents = [1 if term is None else term[0].extent for term in terms]
        if set(walked) == {axis for axis in outer if axis.extent != 1} and all(map(equal, extents, index.shape)):
            return number if len(walked) == sum(term is not None for term in terms) else None
    return None
