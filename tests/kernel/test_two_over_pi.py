"""The digits of 2/pi are those that mpmath has."""

import mpmath

from graphc.kernel.two_over_pi import WORDS, word


def test_words_are_the_digits_of_two_over_pi() -> None:
    with mpmath.workprec(64 * len(WORDS) + 64):
        digits = int(mpmath.floor(mpmath.ldexp(2 / mpmath.pi, 64 * len(WORDS))))
    assert digits == sum(one << 64 * place for place, one in enumerate(reversed(WORDS)))


def test_there_are_no_digits_before_the_first_and_after_the_last() -> None:
    assert (word(-1), word(0), word(len(WORDS))) == (0, WORDS[0], 0)
