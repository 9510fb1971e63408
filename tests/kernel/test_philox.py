"""Philox gives the published numbers, and streams of 32 and 64 bits are the same words."""

import pytest

from graphc.kernel.philox import Words, counted, number_32, number_64, philox

ONES = 0xFFFFFFFF

#: known answers that are published with Random123: key, counter, words
KNOWN = [
    ((0, 0), (0, 0, 0, 0), (0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8)),
    ((ONES, ONES), (ONES, ONES, ONES, ONES), (0x408F276D, 0x41C83B0E, 0xA20BC7C6, 0x6D5451FD)),
    (
        (0xA4093822, 0x299F31D0),
        (0x243F6A88, 0x85A308D3, 0x13198A2E, 0x03707344),
        (0xD16CFE09, 0x94FDCCEB, 0x5001E420, 0x24126EA1),
    ),
]


@pytest.mark.parametrize(("key", "counter", "words"), KNOWN)
def test_published_answers(key: tuple[int, int], counter: Words, words: Words) -> None:
    assert philox(key, counter) == words


def test_a_counter_gives_four_numbers_or_two() -> None:
    key, purpose = 0x299F31D0_A4093822, 0x03707344_13198A2E
    words = counted(key, purpose, 5)
    assert [number_32(key, purpose, 20 + i) for i in range(4)] == list(words)
    assert [number_64(key, purpose, 10 + i) for i in range(2)] == [words[1] << 32 | words[0], words[3] << 32 | words[2]]


def test_halves_of_key_purpose_and_count_are_words() -> None:
    key, counter, words = KNOWN[2]
    c0, c1, c2, c3 = counter
    assert counted(key[1] << 32 | key[0], c3 << 32 | c2, c1 << 32 | c0) == words


def test_a_negative_index_counts_on_from_the_last_counters() -> None:
    assert number_32(3, 0, -1) == philox((3, 0), (ONES, ONES, 0, 0))[3]
    assert number_64(3, 0, -2) == counted(3, 0, 2**64 - 1)[1] << 32 | counted(3, 0, 2**64 - 1)[0]
