"""The words of failed checks."""

from graphc.kernel.failures import index_outside, sizes_differ
from graphc.kernel.steps import Check, SizesAgree
from graphc.origin import Origin
from graphc.types import INT64
from tests.kernel.building import N, given, index_check

LINES = (Origin("no/model.py", 3, "loss", "head"), Origin("no/model.py", 5, "<module>"))


def test_sizes_that_differ_are_named_with_their_values() -> None:
    check = Check(SizesAgree(N, 3), "add: extents differ", "pad the shorter", LINES)
    assert str(sizes_differ(check, 4, 3)).splitlines() == [
        "add: extents differ, n = 4 and 3",
        "  at model.py:3 in loss, scope head",
        "  at model.py:5",
        "  hint: pad the shorter",
    ]


def test_index_is_shown_with_what_is_allowed() -> None:
    check = index_check(given(0, 2, dtype=INT64), N, negative=True)
    assert index_outside(check, 7, 5).problem == "take: index out of range, 7 is not in -5 .. 4"


def test_index_into_nothing_says_so() -> None:
    check = index_check(given(0, 2, dtype=INT64), N)
    assert index_outside(check, 0, 0).problem == "take: index out of range, 0 is an index into nothing"


def test_one_line_of_a_user_is_named_once() -> None:
    twice = (LINES[0], LINES[0]._replace(derived_from=()))
    error = sizes_differ(Check(SizesAgree(N, 3), "because", None, twice), 4, 3)
    assert len(error.lines) == 1
