"""Which steps round floats, and which only pick or move them."""

import numpy as np

from graphc.kernel.monoids import Monoid
from graphc.kernel.scalar import COMPARISONS, Call, Fn
from graphc.kernel.steps import Contract, Extern, Kernel, Stage, Step, Store
from graphc.types import DType, is_differentiable

__all__ = ["rounds"]

#: functions whose result is one of their operands, a part of one, or no float: they round nothing
_EXACT = COMPARISONS | {
    Fn.NEG, Fn.ABS, Fn.SIGN, Fn.FLOOR, Fn.CEIL, Fn.TRUNC, Fn.ROUND, Fn.MINIMUM, Fn.MAXIMUM, Fn.COPYSIGN, Fn.REAL,
    Fn.IMAG, Fn.CONJ, Fn.COMPLEX, Fn.AND, Fn.OR, Fn.XOR, Fn.NOT, Fn.LEFT_SHIFT, Fn.RIGHT_SHIFT, Fn.PHILOX32,
    Fn.PHILOX64, Fn.WHERE, Fn.RARELY, Fn.BITS, Fn.TWO_OVER_PI,
}  # fmt: skip


def rounds(step: Step) -> bool:
    """Whether a step computes floats that are rounded; the steps inside a loop or a branch apart."""
    match step:
        case Kernel():
            return any(map(_stage_rounds, step.stages))
        case Contract():
            return is_differentiable(step.out.dtype)
        case Extern():
            return step.routine != "sort"
    return False


def _stage_rounds(stage: Stage) -> bool:
    monoids = [e.combine if isinstance(e, Store) else e.monoid for e in stage.effects]
    return Monoid.SUM in monoids or Monoid.PROD in monoids or any(_let_rounds(let, stage) for let in stage.lets)


def _let_rounds(let: object, stage: Stage) -> bool:
    if not isinstance(let, Call) or let.fn in _EXACT or not is_differentiable(let.dtype):
        return False
    return let.fn is not Fn.CAST or not _is_widened(stage.lets[let.args[0]].dtype, let.dtype)


def _is_widened(old: DType, new: DType) -> bool:
    """Whether every number of a dtype is one of another."""
    return np.can_cast(old, new) if old.kind != "V" else new.itemsize >= 4
