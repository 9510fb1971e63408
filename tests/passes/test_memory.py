"""Offsets in one arena: nothing that lives together overlaps, and the plan is near the least there is."""

from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from graphc.kernel.room import Room
from graphc.kernel.scalar import Fn
from graphc.passes.memory import Interval, Layout, Placement, layout
from graphc.passes.reuse import reuse
from graphc.sizes import symbol
from tests.kernel.building import N, output, pointwise, program_of, temporary
from tests.kernel.building import given as an_input

n = symbol("n")
ALIGNMENT = 64

spans = st.tuples(st.integers(0, 12), st.integers(0, 4), st.integers(0, 400)).map(
    lambda drawn: Interval(drawn[0], drawn[0] + drawn[1], drawn[2])
)


def placed(*intervals: Interval, sizes: tuple[int, ...] = ()) -> Placement:
    symbols = ("n",) if sizes else ()
    return Layout(intervals, {}, (), symbols, ALIGNMENT).place(sizes)


@given(st.lists(spans, max_size=12))
def test_what_lives_together_does_not_overlap(intervals: list[Interval]) -> None:
    found = placed(*intervals)
    for (one, start), (other, begin) in combinations(zip(intervals, found.offsets, strict=True), 2):
        if one.first <= other.last and other.first <= one.last and one.bytes and other.bytes:
            assert start + one.bytes <= begin or begin + other.bytes <= start


@given(st.lists(spans, max_size=12))
def test_the_plan_is_between_the_least_and_no_plan_at_all(intervals: list[Interval]) -> None:
    found = placed(*intervals)
    assert found.bound_bytes <= found.peak_bytes <= found.total_bytes
    assert all(offset % ALIGNMENT == 0 for offset in found.offsets)


@given(st.lists(spans, min_size=257, max_size=300))
def test_many_intervals_are_planned_alike(intervals: list[Interval]) -> None:
    found = placed(*intervals)
    assert found.bound_bytes <= found.peak_bytes <= found.total_bytes


def test_a_chain_takes_two_places() -> None:
    found = placed(*(Interval(k, k + 1, 64) for k in range(9)))
    assert found.peak_bytes == 128


def test_sizes_are_evaluated() -> None:
    found = placed(Interval(0, 1, 4 * n), Interval(1, 2, 8 * n), sizes=(100,))
    assert found.total_bytes == 448 + 832
    assert placed(Interval(0, 1, 4 * n), sizes=(0,)).peak_bytes == 0


@pytest.mark.parametrize("aliased", [True, False])
def test_lifetimes_run_from_the_first_writer_to_the_last_reader(aliased: bool) -> None:
    x, t, s, y = an_input(0, N), temporary(N), temporary(N), output(0, N)
    program = program_of([pointwise(Fn.NEG, [x], t), pointwise(Fn.ABS, [t], s), pointwise(Fn.NEG, [s], y)], [x], [y])
    plan = layout(reuse(program) if aliased else program, [Room(128, 1)], ALIGNMENT)
    assert plan.rooms == (len(plan.intervals) - 1,)
    spans = [(i.first, i.last) for i in plan.intervals]
    assert spans == ([(0, 2), (1, 1)] if aliased else [(0, 1), (1, 2), (1, 1)])
    assert (plan.storage[t] == plan.storage[s]) == aliased
