"""Runs of the like in generated source."""

from hypothesis import given
from hypothesis import strategies as st

from graphc.backends.numpy.runs import LEAST_LINES, looped, progressions


@given(st.sets(st.integers(0, 60)))
def test_progressions_hold_each_number_once(numbers: set[int]) -> None:
    found = [number for run in progressions(list(numbers)) for number in run]
    assert sorted(found) == sorted(numbers)
    assert len(found) == len(numbers)


def test_numbers_in_equal_steps_are_few_progressions() -> None:
    assert len(list(progressions([*range(80), *range(80, 200, 3)]))) <= 3
    both = [n for n in range(80, 200) if n % 3]
    assert len(list(progressions(both))) == 2


def test_terms_of_one_sum_are_added_in_a_loop() -> None:
    lines = [
        "np.add(t0, t1, out=s0)",
        *(f"np.add(s0, t{n}, out=s0)" for n in range(2, 2 + LEAST_LINES)),
        "np.exp(s0, out=y0)",
    ]
    terms = ", ".join(f"t{n}" for n in range(2, 2 + LEAST_LINES))
    assert looped(lines) == [lines[0], f"for term in ({terms}):", "    np.add(s0, term, out=s0)", lines[-1]]
    assert looped(lines[:LEAST_LINES]) == lines[:LEAST_LINES]


def test_what_reads_the_total_twice_is_no_term() -> None:
    doubled = ["np.add(s0, s0, out=s0)"] * LEAST_LINES
    assert looped(doubled) == doubled
