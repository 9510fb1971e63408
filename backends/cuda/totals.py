"""Totals: what teams leave of them is combined when all rows are done, by kernels like any others."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from itertools import takewhile

from graphc.backends.cuda.teams import KernelPlan, Shared
from graphc.kernel.buffer import Buffer, Role
from graphc.kernel.indices import affine_of
from graphc.kernel.scalar import Axis, Formula, Let, Load
from graphc.kernel.steps import Fold, Kernel, Stage, Store, Total, targets
from graphc.kernel.widening import widened
from graphc.sizes import product

__all__ = ["after_rows", "are_shared", "in_two_steps", "storing_stage", "with_totals_inside", "with_wholes"]

MANY = 1 << 14  # points that a block does not fold alone


def are_shared(plan: KernelPlan) -> bool:
    """Whether the threads of a team may make all totals: at any two points of a row they add to other elements."""
    return all(
        _is_shared(shared, number)
        for shared in plan.stages
        for number, effect in enumerate(shared.plan.stage.effects)
        if isinstance(effect, Total) and effect.index
    )


def _is_shared(shared: Shared, number: int) -> bool:
    (access,) = shared.plan.places[number]
    return bool(shared.free) and not access.data and access.terms.keys() <= set(shared.plan.inner)


def after_rows(kernel: Kernel, parts: Mapping[Buffer, Buffer], wholes: Mapping[Buffer, Buffer]) -> Iterator[Kernel]:
    """Kernels that combine the parts of totals, along their first axis, and then make the last stages.

    wholes   of totals of several elements, where their values go
    """
    first: list[Stage] = []
    for total in kernel.totals:
        if total.result in wholes:
            yield _combining(kernel, total, parts[total.result], wholes[total.result])
        else:
            first.append(_folding(total, parts[total.result]))
    last = [with_wholes(stage, wholes) for stage in kernel.stages if stage.is_last]
    if last:
        yield Kernel((), (*first, *last), kernel.origins)


def in_two_steps(kernel: Kernel) -> Kernel:
    """A kernel that folds all points as one of totals, which blocks make side by side; not where points are few.

    What is open may be many.  What a stage before has one of, and the fold does not read, comes after it.
    """
    before = tuple(takewhile(lambda stage: not stage.inner, kernel.stages))
    first = kernel.stages[len(before) : len(before) + 1]
    if kernel.outer or not first:
        return kernel
    made = {target for stage in before for effect in stage.effects for target in targets(effect)}
    read = {let.buffer for let in first[0].lets if isinstance(let, Load)}
    if made & read or any(target.role is not Role.LOCAL for target in made):
        return kernel
    points = product(axis.extent for axis in first[0].inner)
    stages = (*first, *before, *kernel.stages[len(before) + 1 :])
    found = Kernel((), stages, kernel.origins)
    wide = widened(found, MANY if isinstance(points, int) else 1)
    return kernel if wide is found else wide


def with_totals_inside(kernel: Kernel) -> Kernel:
    """The kernel with the rows along which totals have elements as inner axes, where it has one stage over rows."""
    rows = [stage for stage in kernel.stages if not stage.is_last]
    if len(rows) != 1 or not any(total.index for total in kernel.totals):
        return kernel
    (stage,) = rows
    affine = affine_of(stage.lets)
    parts = [affine[number] for total in kernel.totals for number in total.index]
    moved = {axis for part in parts if part is not None for axis, _ in part.terms if axis in kernel.outer}
    outer = tuple([axis for axis in kernel.outer if axis not in moved])
    inner = (*[axis for axis in kernel.outer if axis in moved], *stage.inner)
    inside = Stage(inner, stage.lets, stage.effects)
    return Kernel(outer, tuple([inside if x is stage else x for x in kernel.stages]), kernel.origins)


def _folding(total: Total, parts: Buffer) -> Stage:
    """A stage that combines the parts of a total of one element."""
    axis = Axis(0, parts.shape[0])
    formula = Formula()
    value = formula.add(Load(parts, (formula.axis(axis),), parts.dtype))
    return Stage((axis,), tuple(formula.lets), (Fold(total.monoid, value, (total.result,)),))


def _combining(kernel: Kernel, total: Total, parts: Buffer, whole: Buffer) -> Kernel:
    """A kernel that combines the parts of a total of several elements."""
    count, *extents = parts.shape
    along, axes = Axis(0, count), tuple([Axis(number, extent) for number, extent in enumerate(extents, start=1)])
    formula = Formula()
    index = tuple([formula.axis(axis) for axis in (along, *axes)])
    value = formula.add(Load(parts, index, parts.dtype))
    local = Buffer(Role.LOCAL, parts.dtype, ())
    folding = Stage((along,), tuple(formula.lets), (Fold(total.monoid, value, (local,)),))
    return Kernel(axes, (folding, storing_stage(local, whole, axes)), kernel.origins)


def storing_stage(local: Buffer, whole: Buffer, axes: tuple[Axis, ...]) -> Stage:
    """A stage that sets the element of a row to a local."""
    formula = Formula()
    index = tuple([formula.axis(axis) for axis in axes])
    value = formula.add(Load(local, (), local.dtype))
    return Stage((), tuple(formula.lets), (Store(whole, index, value),))


def with_wholes(stage: Stage, wholes: Mapping[Buffer, Buffer]) -> Stage:
    """A last stage that finds totals in memory."""

    def changed(let: Let) -> Let:
        if isinstance(let, Load) and let.buffer in wholes:
            return Load(wholes[let.buffer], let.index, let.dtype, let.guard, let.otherwise)
        return let

    return replace(stage, lets=tuple(map(changed, stage.lets)), is_last=False)
