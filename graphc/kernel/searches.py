"""Checks as kernels: whether an index is out of range."""

from graphc.kernel.buffer import Buffer
from graphc.kernel.monoids import Monoid
from graphc.kernel.scalar import Axis, Fn, Formula, Load
from graphc.kernel.steps import Fold, IndexInRange, Kernel, Stage
from graphc.types import BOOL, INT64

__all__ = ["outside", "search"]


def search(condition: IndexInRange, found: Buffer) -> Kernel:
    """A kernel that sets `found`, a bool, to whether some index is out of range."""
    index = condition.index
    axes = tuple([Axis(number, extent) for number, extent in enumerate(index.shape)])
    formula = Formula()
    place = tuple([formula.axis(axis) for axis in axes])
    either = outside(formula, condition, formula.add(Load(index, place, index.dtype)))
    return Kernel((), (Stage(axes, tuple(formula.lets), (Fold(Monoid.ANY, either, (found,)),)),), ())


def outside(formula: Formula, condition: IndexInRange, value: int) -> int:
    """The let that says whether an index, the let `value`, is out of range."""
    if formula.lets[value].dtype != INT64:
        value = formula.call(Fn.CAST, (value,), INT64)
    extent = formula.size(condition.extent)
    least = formula.call(Fn.NEG, (extent,)) if condition.negative else formula.constant(0, INT64)
    either = [formula.call(Fn.GE, (value, extent)), formula.call(Fn.LT, (value, least))]
    return formula.call(Fn.OR, either, BOOL)
