"""Monoids: how two values combine, and what to start from."""

from collections.abc import Mapping
from enum import Enum, unique

import numpy as np

from graphc.kernel.scalar import Fn, Number
from graphc.types import BOOL, DType, is_floating

__all__ = ["BETTER", "COMBINE", "Monoid", "number_in", "start_of"]


@unique
class Monoid(Enum):
    """How values are combined.  ARGMAX and ARGMIN combine (value, index): nan first, then the lower index."""

    SUM = "sum"
    PROD = "prod"
    MAX = "max"
    MIN = "min"
    ANY = "any"
    ALL = "all"
    ARGMAX = "argmax"
    ARGMIN = "argmin"


#: the function behind each monoid of one value
COMBINE: Mapping[Monoid, Fn] = {
    Monoid.SUM: Fn.ADD,
    Monoid.PROD: Fn.MUL,
    Monoid.MAX: Fn.MAXIMUM,
    Monoid.MIN: Fn.MINIMUM,
    Monoid.ANY: Fn.OR,
    Monoid.ALL: Fn.AND,
}

#: for each monoid of (value, index), the comparison by which a later value takes the place of an earlier one
BETTER: Mapping[Monoid, Fn] = {Monoid.ARGMAX: Fn.GT, Monoid.ARGMIN: Fn.LT}


def start_of(monoid: Monoid, dtype: DType) -> Number:
    """The value of `monoid` over nothing, in `dtype`.  ARGMAX and ARGMIN start there too, with index 0."""
    match monoid:
        case Monoid.SUM:
            return number_in(0, dtype)
        case Monoid.PROD:
            return number_in(1, dtype)
        case Monoid.ANY:
            return False
        case Monoid.ALL:
            return True
        case Monoid.MAX | Monoid.ARGMAX:
            return _extremes(dtype)[0]
        case Monoid.MIN | Monoid.ARGMIN:
            return _extremes(dtype)[1]


def number_in(value: Number, dtype: DType) -> Number:
    """`value` as the kind of Python number that `dtype` holds."""
    return bool(value) if dtype == BOOL else value * 1.0 if is_floating(dtype) else value


def _extremes(dtype: DType) -> tuple[Number, Number]:
    """The least and the greatest value of `dtype`."""
    if dtype == BOOL:
        return False, True
    if is_floating(dtype):
        return -np.inf, np.inf
    limits = np.iinfo(dtype)
    return int(limits.min), int(limits.max)
