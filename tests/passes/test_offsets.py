"""Offsets beside what two well-known planners give, and the distribution of plans over random graphs."""

from itertools import combinations

from hypothesis import given, settings
from hypothesis import strategies as st

from graphc.passes.offsets import Span, best_fit, bound, by_size, peak, placed
from tests.random_graphs import random_graph
from tests.random_loops import LOOPS

lives = st.lists(
    st.tuples(st.integers(0, 12), st.integers(0, 5), st.integers(0, 9)).map(
        lambda drawn: ((drawn[0], drawn[0] + drawn[1]), 64 * drawn[2])
    ),
    max_size=20,
)


def overlapping(spans: list[Span], bytes: list[int], offsets: list[int]) -> list[tuple[int, int]]:
    """Pairs that share bytes while both live."""
    return [
        (one, other)
        for one, other in combinations(range(len(spans)), 2)
        if spans[one][0] <= spans[other][1]
        and spans[other][0] <= spans[one][1]
        and min(offsets[one] + bytes[one], offsets[other] + bytes[other]) > max(offsets[one], offsets[other])
        and bytes[one]
        and bytes[other]
    ]


@given(lives)
@settings(deadline=None)
def test_no_plan_is_worse_than_either(drawn: list[tuple[Span, int]]) -> None:
    spans, bytes = [span for span, _ in drawn], [size for _, size in drawn]
    plans = [placed(spans, bytes), best_fit(spans, bytes), by_size(spans, bytes)]
    tops = [peak(offsets, bytes) for offsets in plans]
    assert bound(spans, bytes) <= tops[0] <= min(tops)
    assert not any(overlapping(spans, bytes, list(offsets)) for offsets in plans)


def test_the_same_arrays_get_the_same_plan() -> None:
    spans = [(k * 7 % 23, k * 7 % 23 + k * 5 % 9) for k in range(60)]
    bytes = [64 * (1 + k * 11 % 13) for k in range(60)]
    assert placed(spans, bytes) == placed(spans, bytes)


def test_what_two_planners_miss_is_found() -> None:
    spans = [(3, 5), (5, 7), (3, 3), (3, 5), (5, 6), (0, 1), (2, 3), (1, 1)]
    bytes = [320, 128, 192, 256, 320, 256, 192, 320]
    least = bound(spans, bytes)
    assert min(peak(best_fit(spans, bytes), bytes), peak(by_size(spans, bytes), bytes)) > least
    assert peak(placed(spans, bytes), bytes) == least


def test_plans_of_random_graphs_are_near_the_bound(full_tier: bool) -> None:
    excess = []
    for seed in range(200 if full_tier else 12):
        f = random_graph(seed, 14 + seed % 40, LOOPS if seed % 5 == 3 else ()).compile()
        spans, bytes = f.layout.lives([60] * len(f.program.symbols))
        top = peak(placed(spans, bytes), bytes)
        assert top <= min(peak(best_fit(spans, bytes), bytes), peak(by_size(spans, bytes), bytes))
        excess.append(top / bound(spans, bytes) if top else 1.0)
    excess.sort()
    assert excess[int(0.95 * len(excess))] <= 1.05
    assert excess[int(0.85 * len(excess))] == 1
    assert excess[-1] <= 1.15


def test_many_arrays_are_placed_in_time_that_grows_with_them() -> None:
    spans = [(k, k + k * 7 % 60) for k in range(5_000)]
    bytes = [64 * (1 + k * 11 % 13) for k in range(5_000)]
    offsets = placed(spans, bytes)
    assert peak(offsets, bytes) <= 1.2 * bound(spans, bytes)
