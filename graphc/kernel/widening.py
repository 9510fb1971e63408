"""Folds over everything as totals over all rows, so that several threads may make them."""

from dataclasses import replace

from graphc.kernel.buffer import Buffer, Role
from graphc.kernel.monoids import BETTER
from graphc.kernel.scalar import Fn, Formula, Load
from graphc.kernel.steps import Fold, Kernel, Stage, Store, Total
from graphc.sizes import estimate, product
from graphc.types import accumulator

__all__ = ["widened"]

MANY = 1 << 16  # points: fewer are one thread's work


def widened(kernel: Kernel, many: int = MANY) -> Kernel:
    """The kernel with the points of its first stage as rows, where it has one row and that folds `many` points."""
    if kernel.outer or len(kernel.stages) == 0 or kernel.totals:
        return kernel
    first, *others = kernel.stages
    if first.is_last or any(stage.inner for stage in others):
        return kernel
    if estimate(product(axis.extent for axis in first.inner)) < many or not all(map(_is_plain, first.effects)):
        return kernel
    effects: list[Store | Total] = []
    ends: list[Stage] = []
    for effect in first.effects:
        if isinstance(effect, Store):
            effects.append(effect)
        elif isinstance(effect, Fold):
            (result,) = effect.results
            total = Buffer(Role.LOCAL, accumulator(result.dtype), ())
            effects.append(Total(effect.monoid, effect.value, (), total, effect.run))
            ends.append(_kept(total, result))
    rows = Stage((), first.lets, tuple(effects))
    last = tuple([replace(stage, is_last=True) for stage in (*ends, *others)])
    return Kernel(first.inner, (rows, *last), kernel.origins)


def _is_plain(effect: object) -> bool:
    """Whether the points of a stage may be made in any order, for all that this effect does."""
    if isinstance(effect, Store):
        return effect.combine is None and effect.buffer.role is not Role.LOCAL
    return isinstance(effect, Fold) and effect.monoid not in BETTER


def _kept(total: Buffer, result: Buffer) -> Stage:
    """A stage that sets the result of a fold to a total."""
    formula = Formula()
    value = formula.add(Load(total, (), total.dtype))
    if total.dtype != result.dtype:
        value = formula.call(Fn.CAST, (value,), result.dtype)
    return Stage((), tuple(formula.lets), (Store(result, (), value),))
