"""Philox 4x32-10: random words as a function of a key and a counter.

Salmon, Moraes, Dror, Shaw: Parallel random numbers: as easy as 1, 2, 3, 2011, section 3.3.

A key is a uint64: its low 32 bits are the first word of Philox's key, its high ones the second.  A counter has four
words; the two low ones count, the two high ones are a `purpose`, so that what one key is used for (numbers, keys of
its own) never meets.  A counter gives four words of 32 bits, which make a stream:

    32-bit number i is word i mod 4 of counter i div 4        64-bit number i is words 2 i (low) and 2 i + 1 (high)
"""

from typing import TypeAlias

__all__ = ["MULTIPLIERS", "ROUNDS", "WEYL", "counted", "number_32", "number_64", "philox"]

Words: TypeAlias = tuple[int, int, int, int]

ROUNDS = 10
MULTIPLIERS = (0xD2511F53, 0xCD9E8D57)
WEYL = (0x9E3779B9, 0xBB67AE85)  # what the words of the key grow by from round to round

_WORD = 0xFFFFFFFF


def philox(key: tuple[int, int], counter: Words) -> Words:
    """Four words of 32 bits."""
    (k0, k1), (c0, c1, c2, c3) = key, counter
    first, second = MULTIPLIERS
    for _ in range(ROUNDS):
        low, high = first * c0, second * c2
        c0, c1, c2, c3 = high >> 32 ^ c1 ^ k0, high & _WORD, low >> 32 ^ c3 ^ k1, low & _WORD
        k0, k1 = k0 + WEYL[0] & _WORD, k1 + WEYL[1] & _WORD
    return c0, c1, c2, c3


def number_32(key: int, purpose: int, index: int) -> int:
    """Number `index` of the stream as 32 bits; a negative index counts on from the last counters."""
    return counted(key, purpose, index >> 2)[index & 3]


def number_64(key: int, purpose: int, index: int) -> int:
    """Number `index` of the stream as 64 bits."""
    words = counted(key, purpose, index >> 1)
    at = 2 * (index & 1)
    return words[at + 1] << 32 | words[at]


def counted(key: int, purpose: int, count: int) -> Words:
    """The words of one counter."""
    low, high = _halves(count), _halves(purpose)
    return philox(_halves(key), (*low, *high))


def _halves(number: int) -> tuple[int, int]:
    return number & _WORD, number >> 32 & _WORD
