"""Philox over arrays: the numbers that the definition says, wherever they begin and however many there are."""

from collections.abc import Sequence

import numpy as np
import pytest

from graphc.backends.numpy.philox import COUNTERS_AT_ONCE, philox32, philox64, scattered
from graphc.kernel.arrays import Array
from graphc.kernel.philox import number_32, number_64

PLACES = [(0, 1), (3, 9), (5, 100), (-7, 60), (0, 70_000), (4 * 2**32 - 30, 90), (2**40 + 1, 50)]


def keys_of(count: int) -> Array:
    return np.random.default_rng(count).integers(0, 2**64, (count, 1), np.uint64)


def room(count: int, keys: int, words: int) -> Array:
    return np.zeros((1, 6 * min(count * words // 4 + 2 * keys, COUNTERS_AT_ONCE)), np.uint64)


def sampled(extent: int) -> Sequence[int]:
    return sorted({*range(0, extent, max(1, extent // 12)), extent - 1})


@pytest.mark.parametrize("width", [32, 64])
@pytest.mark.parametrize(("keys", "places"), [(1, PLACES), (3, PLACES), (700, PLACES[:3]), (5000, PLACES[:1])])
def test_consecutive_numbers(keys: int, places: Sequence[tuple[int, int]], width: int) -> None:
    generate, number = (philox32, number_32) if width == 32 else (philox64, number_64)
    purpose, key = np.array(0x0000_0002_8000_0001, np.uint64), keys_of(keys)
    for first, count in places:
        out = np.zeros((keys, count), f"uint{width}")
        generate(key, purpose, first, out=out, scratch=room(out.size, keys, width // 32))
        for row in sampled(keys):
            for i in sampled(count):
                assert out[row, i] == number(int(key[row, 0]), int(purpose), first + i), (first, row, i)
        again = np.zeros_like(out)
        scattered(key, purpose, np.arange(first, first + count)[None, :], out=again)
        np.testing.assert_array_equal(again, out)


def test_nothing_is_drawn_where_there_is_nothing() -> None:
    out = np.zeros((0, 4), np.uint32)
    philox32(keys_of(1), np.array(0, np.uint64), 0, out=out, scratch=room(0, 1, 1))
    scattered(keys_of(1)[0], np.array(0, np.uint64), np.zeros((0, 4), np.int64), out=out)
