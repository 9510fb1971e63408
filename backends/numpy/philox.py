"""Philox 4x32-10 as ufuncs over many counters at once, in scratch.  Generated source calls it.

Words are kept in uint64, so that a product has room: c0 and c2 in one array, c1 and c3 in another.
"""

import sys
from collections.abc import Sequence
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from graphc.kernel.philox import MULTIPLIERS, ROUNDS, WEYL, counted, number_32, number_64

__all__ = [
    "COUNTERS_AT_ONCE",
    "KEYS_AT_ONCE",
    "KEY_BYTES",
    "NUMBERS_AT_ONCE",
    "SCATTERED_BYTES",
    "philox32",
    "philox64",
    "scattered",
]

Array = npt.NDArray[Any]
Schedule: TypeAlias = Sequence[tuple[Any, Any]]  # Any: numbers for one key, columns for several

assert sys.byteorder == "little", "two words of 32 bits are read as one of 64"

COUNTERS_AT_ONCE = 1 << 14  # whose words stay in a core's cache while they are turned round
KEYS_AT_ONCE = 512
KEY_BYTES = 4 * 8 * ROUNDS  # what the schedule of one of several keys takes while it is made
NUMBERS_AT_ONCE = 1 << 11  # of scattered ones
SCATTERED_BYTES = 256  # for each of them, at most
FEW = 8  # counters: so few are computed one by one
PERIOD = 1 << 32  # of the lowest word of a counter

_FIRST, _SECOND = (np.array(multiplier, np.uint64) for multiplier in MULTIPLIERS)
_LOW = np.array(0xFFFFFFFF, np.uint64)
_HALF = np.array(32, np.uint64)
_STEPS = np.arange(COUNTERS_AT_ONCE)


def philox32(key: Array, purpose: Array, first: int, *, out: Array, scratch: Array) -> None:
    """The numbers from `first` on, as many as `out` has, for each of the keys, in order."""
    if out.size > 0:
        _fill(key.reshape(-1), int(purpose), first, out.reshape(key.size, -1), scratch.reshape(-1))


def philox64(key: Array, purpose: Array, first: int, *, out: Array, scratch: Array) -> None:
    """The same of 64 bits: pairs of words."""
    if out.size > 0:
        pairs = out.reshape(key.size, -1).view(np.uint32)
        _fill(key.reshape(-1), int(purpose), 2 * first, pairs, scratch.reshape(-1))


def _fill(keys: Array, purpose: int, first: int, out: Array, scratch: Array) -> None:
    """One row of words for each key."""
    start, stop = first >> 2, (first + out.shape[1] + 3) >> 2
    if (stop - start) * len(keys) <= FEW:
        _fill_few(keys, purpose, first, out)
        return
    columns = min(stop - start, COUNTERS_AT_ONCE)
    rows = min(max(COUNTERS_AT_ONCE // columns, 1), KEYS_AT_ONCE)
    for row in range(0, len(keys), rows):
        schedule = _schedule(keys[row : row + rows])
        part = out[row : row + rows]
        count = start
        while count < stop:
            width = min(columns, stop - count, PERIOD - count % PERIOD)
            words = _words(schedule, purpose, count, (len(part), width), scratch)
            low, high = max(first, 4 * count), min(first + out.shape[1], 4 * (count + width))
            np.copyto(part[:, low - first : high - first], words[:, low - 4 * count : high - 4 * count])
            count += width


def _fill_few(keys: Array, purpose: int, first: int, out: Array) -> None:
    start, stop = first >> 2, (first + out.shape[1] + 3) >> 2
    for key, row in zip(keys.tolist(), out, strict=True):
        words = [word for count in range(start, stop) for word in counted(key, purpose, count)]
        row[:] = words[first - 4 * start :][: len(row)]


def _schedule(keys: Array) -> Schedule:
    """The two words of the keys in every round."""
    if len(keys) == 1:
        low, high = int(keys[0]) & 0xFFFFFFFF, int(keys[0]) >> 32
        return [
            (np.array(low + i * WEYL[0] & 0xFFFFFFFF, np.uint64), np.array(high + i * WEYL[1] & 0xFFFFFFFF, np.uint64))
            for i in range(ROUNDS)
        ]
    grown = np.arange(ROUNDS, dtype=np.uint64)[:, None, None] * np.array(WEYL, np.uint64)
    grown = grown + np.stack([keys & _LOW, keys >> _HALF], axis=-1)
    np.bitwise_and(grown, _LOW, out=grown)
    return [(words[:, :1], words[:, 1:]) for words in grown]


def _words(schedule: Schedule, purpose: int, count: int, shape: tuple[int, int], scratch: Array) -> Array:
    """The words of the counters from `count` on: rows by keys, four columns for each counter.

    All but the lowest word of the counters is one for all, so that the first two rounds are half the work.
    """
    size = 2 * shape[0] * shape[1]
    state, product, odd = scratch[:size], scratch[size : 2 * size], scratch[2 * size : 3 * size]
    (c0, c2), (c1, c3), (low, _) = (array.reshape(2, *shape) for array in (state, odd, product))
    (k0, k1), (next0, next1), *rounds = schedule
    np.add(_STEPS[: shape[1]], count % PERIOD, c0.view(np.int64))

    fixed = MULTIPLIERS[1] * (purpose % PERIOD)
    np.multiply(c0, _FIRST, low)
    np.right_shift(low, _HALF, c2)
    np.bitwise_xor(c2, k1 ^ (purpose >> 32), c2)
    np.bitwise_and(low, _LOW, low)

    of_key = (k0 ^ (fixed >> 32 ^ count >> 32 & 0xFFFFFFFF)) * _FIRST
    np.multiply(c2, _SECOND, c1)
    np.right_shift(c1, _HALF, c0)
    np.bitwise_xor(c0, next0 ^ fixed % PERIOD, c0)
    np.bitwise_and(c1, _LOW, c1)
    np.bitwise_xor(low, of_key >> _HALF ^ next1, c2)
    np.copyto(c3, of_key & _LOW)

    sides = [array.reshape(2, *shape) for array in (product, odd)]
    for k0, k1 in rounds:
        low, high = sides[0]
        np.multiply(c2, _SECOND, low)
        np.multiply(c0, _FIRST, high)
        np.right_shift(product, _HALF, state)
        np.bitwise_xor(state, odd, state)
        np.bitwise_xor(c0, k0, c0)
        np.bitwise_xor(c2, k1, c2)
        np.bitwise_and(product, _LOW, product)
        product, odd = odd, product
        sides.reverse()
    np.left_shift(odd, _HALF, odd)
    pairs = product.reshape(*shape, 2).transpose(2, 0, 1)
    np.bitwise_or(state.reshape(2, *shape), odd.reshape(2, *shape), pairs)
    return product.view(np.uint32).reshape(shape[0], -1)


def scattered(key: Array, purpose: Array, index: Array, *, out: Array) -> None:
    """The numbers at any indices, each with a key of its own."""
    if out.size <= FEW:
        number = number_32 if out.dtype.itemsize == 4 else number_64
        for place, (one, what, at) in enumerate(np.broadcast(key, purpose, index)):
            out.flat[place] = number(int(one), int(what), int(at))
        return
    kinds = [np.dtype(np.uint64), np.dtype(np.uint64), np.dtype(np.int64), out.dtype]
    flags: list[list[Any]] = [["readonly"], ["readonly"], ["readonly"], ["writeonly"]]
    options: list[Any] = ["external_loop", "buffered", "zerosize_ok"]  # Any: NumPy's stubs know them as literals
    with np.nditer(
        [key, purpose, index, out], options, flags, op_dtypes=kinds, casting="same_kind", buffersize=NUMBERS_AT_ONCE
    ) as parts:
        for keys, purposes, at, found in parts:
            for start in range(0, len(found), NUMBERS_AT_ONCE):
                cut = slice(start, start + NUMBERS_AT_ONCE)
                _scattered(keys[cut], purposes[cut], at[cut], found[cut])


def _scattered(keys: Array, purposes: Array, index: Array, out: Array) -> None:
    shift = 2 if out.dtype.itemsize == 4 else 1
    count = (index >> shift).view(np.uint64)
    state = np.stack([count & _LOW, purposes & _LOW])
    odd = np.stack([count >> _HALF, purposes >> _HALF])
    words = np.stack([keys & _LOW, keys >> _HALF])
    multipliers = np.array(MULTIPLIERS[::-1], np.uint64)[:, None]
    grown = np.array(WEYL, np.uint64)[:, None]
    for _ in range(ROUNDS):
        product = state[::-1] * multipliers
        state = product >> _HALF
        state ^= odd
        state ^= words
        odd = product & _LOW
        words += grown
        words &= _LOW
    is_late = (index >> (shift - 1) & 1).astype(bool)
    even, other = np.where(is_late, state[1], state[0]), np.where(is_late, odd[1], odd[0])
    if shift == 1:
        np.bitwise_or(other << _HALF, even, out=out)
    else:
        np.copyto(out, np.where(index & 1, other, even), casting="unsafe")
