"""Monoids: the value over nothing changes nothing."""

import numpy as np
import pytest

from graphc.kernel.meaning import value_of
from graphc.kernel.monoids import BETTER, COMBINE, Monoid, start_of
from graphc.types import BOOL, DTYPES, DType, is_complex

ORDERED = [dtype for dtype in DTYPES.values() if not is_complex(dtype)]
NUMBERS = [dtype for dtype in ORDERED if dtype != BOOL]


def test_every_monoid_has_a_function() -> None:
    assert set(COMBINE) | set(BETTER) == set(Monoid)


def dtypes_of(monoid: Monoid) -> list[DType]:
    match monoid:
        case Monoid.ANY | Monoid.ALL:
            return [BOOL]
        case Monoid.MAX | Monoid.MIN:
            return ORDERED
    return list(DTYPES.values())


@pytest.mark.parametrize(("monoid", "dtype"), [(monoid, dtype) for monoid in COMBINE for dtype in dtypes_of(monoid)])
def test_start_combined_with_a_value_is_the_value(monoid: Monoid, dtype: DType) -> None:
    start = np.array(start_of(monoid, dtype), dtype)[()]
    for number in (0, 1):
        value = np.array(number, dtype)[()]
        assert value_of(COMBINE[monoid], (start, value), dtype) == value


@pytest.mark.parametrize("dtype", NUMBERS, ids=str)
def test_maximum_over_nothing_is_the_least_value(dtype: DType) -> None:
    least = start_of(Monoid.MAX, dtype)
    assert least == (np.iinfo(dtype).min if dtype.kind in "iu" else -np.inf)
