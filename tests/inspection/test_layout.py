"""Where boxes lie: in layers, apart, and with straight edges where nothing is in the way."""

from itertools import combinations
from typing import TypeAlias

from hypothesis import given
from hypothesis import strategies as st

from graphc.inspection.layout import laid_out

Drawing: TypeAlias = tuple[list[float], list[tuple[int, int]]]


@st.composite
def graphs(draw: st.DrawFn) -> Drawing:
    count = draw(st.integers(1, 12))
    pairs = [(a, b) for b in range(count) for a in range(b)]
    edges = draw(st.lists(st.sampled_from(pairs), max_size=20)) if pairs else []
    widths = draw(st.lists(st.floats(20, 200), min_size=count, max_size=count))
    return widths, edges


@given(graphs())
def test_edges_go_down_and_boxes_of_a_layer_are_apart(drawing: Drawing) -> None:
    widths, edges = drawing
    layout = laid_out(widths, edges)
    for (source, target), passes in zip(edges, layout.passes, strict=True):
        assert layout.layer[target] - layout.layer[source] == len(passes) + 1
    for a, b in combinations(range(len(widths)), 2):
        if layout.layer[a] == layout.layer[b]:
            assert abs(layout.centre[a] - layout.centre[b]) >= (widths[a] + widths[b]) / 2
    for x, width in zip(layout.centre, widths, strict=True):
        assert width / 2 - 1e-6 <= x <= layout.width - width / 2 + 1e-6


def test_chain_is_straight() -> None:
    layout = laid_out([50.0, 80.0, 30.0], [(0, 1), (1, 2)])
    assert len(set(layout.centre)) == 1
    assert layout.layer == (0, 1, 2)


def test_input_lies_just_above_its_first_reader() -> None:
    layout = laid_out([50.0] * 5, [(0, 1), (1, 2), (2, 4), (3, 4)])
    assert layout.layer == (0, 1, 2, 2, 3)


def test_crossing_is_removed() -> None:
    layout = laid_out([50.0] * 4, [(0, 3), (1, 2)])
    assert (layout.centre[0] < layout.centre[1]) == (layout.centre[3] < layout.centre[2])


def test_operands_lie_left_and_right_of_their_reader() -> None:
    layout = laid_out([50.0] * 3, [(0, 2), (1, 2)])
    assert layout.centre[2] == (layout.centre[0] + layout.centre[1]) / 2
