"""Totals whose elements belong to rows: what each row adds is stored, and added up afterwards."""

from collections.abc import Sequence
from dataclasses import replace
from typing import final

from graphc.backends.cuda.totals import storing_stage, with_wholes
from graphc.dataclass import dataclass
from graphc.kernel.buffer import Buffer, Role
from graphc.kernel.indices import affine_of
from graphc.kernel.scalar import Axis, AxisIndex, Formula, Load
from graphc.kernel.steps import Effect, Fold, Kernel, Stage, Store, Total
from graphc.types import accumulator

__all__ = ["Stored", "totals_stored"]


@final
@dataclass(frozen=True)
class Stored:
    """A kernel that stores what its rows add, and kernels that add it up and make the last stages.

    rooms   what they hold between them
    """

    rows: Kernel
    after: Sequence[Kernel]
    rooms: Sequence[Buffer]


def totals_stored(kernel: Kernel) -> Stored | None:
    """The kernel in two steps; None where a total is made along inner axes, or its index is no list of outer ones."""
    axes = tuple(sorted(kernel.outer, key=lambda axis: axis.number))
    stages: list[Stage] = []
    after: list[Kernel] = []
    parts: list[Buffer] = []
    wholes: dict[Buffer, Buffer] = {}
    for stage in kernel.stages:
        if stage.is_last:
            continue
        lets = (*stage.lets, *(AxisIndex(axis) for axis in axes))
        index = tuple(range(len(stage.lets), len(lets)))
        effects: list[Effect] = []
        for effect in stage.effects:
            if not isinstance(effect, Total):
                effects.append(effect)
                continue
            own = _axes_of(effect, stage, axes)
            if stage.inner or own is None:
                return None
            part = Buffer(Role.TEMPORARY, accumulator(effect.result.dtype), tuple([axis.extent for axis in axes]))
            whole = wholes[effect.result] = Buffer(Role.TEMPORARY, effect.result.dtype, effect.result.shape)
            effects.append(Store(part, index, effect.value))
            after.append(_adding(effect, part, whole, axes, own, kernel))
            parts.append(part)
        stages.append(replace(stage, lets=lets, effects=tuple(effects)))
    last = tuple([with_wholes(stage, wholes) for stage in kernel.stages if stage.is_last])
    after += [Kernel((), last, kernel.origins)] if last else []
    return Stored(Kernel(kernel.outer, tuple(stages), kernel.origins), after, (*parts, *wholes.values()))


def _axes_of(total: Total, stage: Stage, axes: Sequence[Axis]) -> tuple[Axis, ...] | None:
    """The outer axes that the index of a total walks from 0, one each."""
    affine = affine_of(stage.lets)
    found: list[Axis] = []
    for number, extent in zip(total.index, total.result.shape, strict=True):
        part = affine[number]
        if part is None or part.offset != 0 or len(part.terms) != 1:
            return None
        ((axis, step),) = part.terms
        if step != 1 or axis not in axes or axis in found or axis.extent != extent:
            return None
        found.append(axis)
    return tuple(found)


def _adding(
    total: Total, part: Buffer, whole: Buffer, axes: Sequence[Axis], own: tuple[Axis, ...], kernel: Kernel
) -> Kernel:
    """A kernel that combines what rows stored, along all axes but those of the total."""
    formula = Formula()
    value = formula.add(Load(part, tuple([formula.axis(axis) for axis in axes]), part.dtype))
    local = Buffer(Role.LOCAL, part.dtype, ())
    along = tuple([axis for axis in axes if axis not in own])
    folding = Stage(along, tuple(formula.lets), (Fold(total.monoid, value, (local,)),))
    return Kernel(own, (folding, storing_stage(local, whole, own)), kernel.origins)
