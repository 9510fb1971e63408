"""Philox 4x32-10 once more, by whole arrays of NumPy: a witness that shares no code with graphc."""

import numpy as np
import numpy.typing as npt

__all__ = ["numbers_32", "numbers_64"]

Words = npt.NDArray[np.uint64]
LOW = np.uint64(0xFFFFFFFF)
HALF = np.uint64(32)


def words(key: int, count: int, purpose: int) -> Words:
    """[count, 4]: the words of the first counters, of which the highest word is `purpose`."""
    c = np.zeros((4, count), np.uint64)
    c[0], c[3] = np.arange(count), purpose
    k = np.array([key & 0xFFFFFFFF, key >> 32], np.uint64)
    for _ in range(10):
        p, q = c[0] * np.uint64(0xD2511F53), c[2] * np.uint64(0xCD9E8D57)
        c = np.stack([(q >> HALF) ^ c[1] ^ k[0], q & LOW, (p >> HALF) ^ c[3] ^ k[1], p & LOW])
        k = (k + np.array([0x9E3779B9, 0xBB67AE85], np.uint64)) & LOW
    return c.T


def numbers_32(key: int, count: int, purpose: int = 0) -> Words:
    """The first numbers of a key, of 32 bits."""
    return words(int(key), -(-count // 4), purpose).reshape(-1)[:count]


def numbers_64(key: int, count: int, purpose: int = 0) -> Words:
    """The first numbers of a key, of 64 bits."""
    low, high = words(int(key), -(-count // 2), purpose).reshape(-1, 2).T
    return (high << HALF | low)[:count]
