"""Steps that repeat are loops in generated source."""

import re
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import graphc as gx
from graphc.backends.numpy.lines import LEAST_TURNS, LONG, Lines, filled, pieces_of, repeats


@given(st.lists(st.integers(0, 3), max_size=60))
def test_repeats_cover_everything_once_and_in_order(kinds: list[int]) -> None:
    end = 0
    for start, period, count in repeats(kinds):
        assert start == end
        end = start + period * count
        assert kinds[start:end] == kinds[start : start + period] * count
        assert count >= LEAST_TURNS or (period, count) == (1, 1)
    assert end == len(kinds)


def test_the_pattern_that_covers_most_is_found_and_of_these_the_shortest() -> None:
    assert list(repeats([0, 0, 0, 0, 1] * 4)) == [(0, 5, 4)]
    assert list(repeats([0, 1] * 12)) == [(0, 2, 12)]
    assert list(repeats([2, *[0, 1] * 4, 3])) == [(0, 1, 1), (1, 2, 4), (9, 1, 1)]


@given(st.lists(st.sampled_from(["np.add({a}, {b}, out={b})", "for x in {a}:\n    f(x, {b})", "np.exp({b}, out={a})"])))
def test_pieces_of_a_long_text_are_its_lines_in_order(templates: list[str]) -> None:
    turn = [*templates, "np.copyto({a}, {b})"]
    texts = [text.replace("{b}", f"{{{2 * place + 1}}}") for place, text in enumerate(turn * LONG)]
    body = [line.replace("{a}", f"{{{2 * place}}}") for place, text in enumerate(texts) for line in text.split("\n")]
    names = [f"t{number}" for number in range(2 * len(texts))]
    pieces = pieces_of(Lines(body))
    assert len(pieces) == len(texts) or len(turn) > 64
    found = [filled(line, piece.of(names)) for piece in pieces for line in piece.lines.body]
    assert found == [filled(line, names) for line in body]


def test_a_text_that_defines_names_stays_in_one_piece() -> None:
    (piece,) = pieces_of(Lines(["{0} = next({1})", "np.add({0}, {1}, out={1})"] * LONG, own=[0]))
    assert piece.names is None
    assert piece.lines.given == (1,)


def test_parts_that_are_put_together_are_copied_in_a_loop() -> None:
    """A line for each would take time that grows faster than their number: to write, and for Python to compile."""
    inputs = [gx.input(f"x{n}", (2, 3), "float64") for n in range(LONG)]
    f = gx.compile(inputs, gx.concat(inputs), backend="numpy")
    assert len(f.program.steps) == 1
    assert f.source.count("np.copyto") == 1
    arrays = [np.full((2, 3), float(n)) for n in range(LONG)]
    np.testing.assert_array_equal(f(*arrays), np.concatenate(arrays))


def unrolled(steps: int) -> tuple[list[gx.Node], list[gx.Node]]:
    """A recurrent net over `steps` given vectors, its last value and the gradients of it."""
    x = gx.input("x", (steps, 3), "float64")
    w, u = (gx.input(name, (3, 3), "float64") for name in "wu")
    h = gx.zeros((3,), "float64")
    for step in range(steps):
        h = gx.tanh(x[step] @ w + h @ u)
    return [x, w, u], [h, *gx.grad(gx.sum(h), [x, w, u])]


def in_numpy(x: np.ndarray, w: np.ndarray, u: np.ndarray) -> np.ndarray:
    h = np.zeros(3)
    for row in x:
        h = np.tanh(row @ w + h @ u)
    return h


def test_an_unrolled_net_runs_in_loops() -> None:
    rng = np.random.default_rng(0)
    inputs, outputs = unrolled(40)
    f = gx.compile(inputs, outputs, backend="numpy")
    arrays = [rng.normal(size=tuple(map(int, x.shape))) / 2 for x in inputs]
    h, by_x, by_w, by_u = f(*arrays)
    np.testing.assert_allclose(h, in_numpy(*arrays), rtol=1e-12)
    for place, by in enumerate((by_x, by_w, by_u)):
        moved = [array.copy() for array in arrays]
        direction = rng.normal(size=moved[place].shape)
        found = []
        for step in (1e-6, -1e-6):
            moved[place] = arrays[place] + step * direction
            found.append(in_numpy(*moved).sum())
        np.testing.assert_allclose((by * direction).sum(), (found[0] - found[1]) / 2e-6, rtol=1e-6)
    assert f.source.count("np.tanh(") <= 3
    assert re.search(r"for .*t_a, .* in (zip\()?turns\d+", f.source)


def test_what_a_loop_walks_is_slices_of_lists() -> None:
    """A row of names for each turn would take Python longer to compile than all that runs."""
    x = gx.input("x", (200, 4, 3), "float64")
    w, u = (gx.input(name, (3, 3), "float64") for name in "wu")
    h = gx.zeros((4, 3), "float64")
    for step in range(200):
        h = gx.tanh(x[step] @ w + h @ u)
    source = gx.compile([x, w, u], [h, *gx.grad(gx.sum(h), [w, u])], backend="numpy").source
    assert re.search(r"turns\d+ = tuple\(zip\(\n +arrays\d+\[\d*:\d*(:-?\d+)?\],\n", source)
    assert re.search(r"= \[x\.T for x in \(?\*?arrays\d+\[", source), "views that are alike"
    assert re.search(r"shown\d+ = \[x0\[place\]\S* for place in range\(\d+, \d+(, -?\d+)?\)\]", source)
    assert source.count("\n") < 400


@pytest.mark.parametrize("order", ["one after the other", "last first", "mixed"])
def test_rows_of_what_was_made_before_are_walked_in_a_loop(order: str) -> None:
    """Kernels that read other rows are alike where they are told the row, and views of rows are one list."""
    steps = 40
    rows = {"one after the other": range(steps), "last first": range(steps)[::-1]}.get(order) or [
        (7 * step + 3) % steps for step in range(steps)
    ]
    x = gx.input("x", (steps, 4, 3), "float64")
    w, u = (gx.input(name, (3, 3), "float64") for name in "wu")
    made = gx.sin(x @ w)
    h = gx.zeros((4, 3), "float64")
    for row in rows:
        h = gx.tanh(made[row] + h @ u)
    f = gx.compile([x, w, u], [h, *gx.grad(gx.sum(h), [x, w, u])], backend="numpy")
    assert f.source.count("np.tanh(") <= 6
    assert re.search(r"(= views\d+)? = \[t\d+\[place\]", f.source)
    assert f.source.count("\n") < 250
    rng = np.random.default_rng(0)
    arrays = [rng.normal(size=shape) for shape in ((steps, 4, 3), (3, 3), (3, 3))]
    plain = gx.compile([x, w, u], [h, *gx.grad(gx.sum(h), [x, w, u])], backend="numpy", level=0)
    for found, expected in zip(f(*arrays), plain(*arrays), strict=True):
        np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("order", [range(12), [5, 3, 11, 7, 0, 2, 9, 1, 4, 10, 8, 6]], ids=["in order", "mixed"])
def test_rows_of_an_input_in_any_order(order: Sequence[int]) -> None:
    x = gx.input("x", (12, 3), "float64")
    w = gx.param("w", np.arange(9.0).reshape(3, 3) / 9)
    h = gx.zeros((3,), "float64")
    for step in order:
        h = gx.tanh((h + 1) @ w + x[step] @ w)
    given = np.random.default_rng(0).normal(size=(12, 3))
    expected = np.zeros(3)
    for step in order:
        expected = np.tanh((expected + 1) @ w.value + given[step] @ w.value)
    np.testing.assert_allclose(gx.compile([x], h, backend="numpy")(given), expected, rtol=1e-12)


@pytest.mark.parametrize("steps", [40, 80])
def test_what_runs_does_not_grow_with_what_repeats(steps: int) -> None:
    x = gx.input("x", (4, 8))
    w = gx.param("w", np.ones((8, 8), "float32"))
    h = x
    for _ in range(steps):
        h = gx.tanh(h @ w)
    source = gx.compile([x], h, backend="numpy").source
    calls = [line for line in source.splitlines() if "out=" in line]
    assert len(calls) <= 6


def test_steps_of_different_lines_of_the_user_are_no_loop() -> None:
    x = gx.input("x", (4, 8))
    w = gx.param("w", np.ones((8, 8), "float32"))
    h = gx.tanh(x @ w)
    h = gx.tanh(h @ w)
    h = gx.tanh(h @ w)
    h = gx.tanh(h @ w)
    h = gx.tanh(h @ w)
    assert "in turns0" not in gx.compile([x], h, backend="numpy").source


def test_a_loop_over_inputs_reads_those_of_the_call() -> None:
    """Names of inputs differ from call to call: what a loop walks is made in the call."""
    inputs = [gx.input(f"x{n}", (2, 2), "float64") for n in range(12)]
    total = gx.concat([gx.tanh(gx.exp(x) @ x) for x in inputs])
    f = gx.compile(inputs, total, backend="numpy")
    assert "turns0" in f.source
    for scale in (0.1, 0.2):
        arrays = [np.full((2, 2), scale * n) for n in range(12)]
        expected = np.concatenate([np.tanh(np.exp(a) @ a) for a in arrays])
        np.testing.assert_allclose(f(*arrays), expected, rtol=1e-12)


@pytest.mark.parametrize("read", [0, 1, 5])
def test_a_view_of_a_view_is_defined_after_it(read: int) -> None:
    """The rows of inputs, and their bits: one of the rows is there before the loop, which sees the others first."""
    extent, rng = 40, np.random.default_rng(0)
    inputs = [gx.input(f"a{n}", (2, extent, extent), "float64") for n in range(9)]
    w, kept = gx.input("w", (extent, extent), "float64"), gx.input("kept", (extent, extent), "bool")
    h = (gx.sin(inputs[read][1]) * gx.exp(inputs[read][1])) @ w
    for x in inputs:
        h = gx.tanh(gx.where(kept, x[1], 0.0) * h) @ w
    arrays: list[np.ndarray] = [rng.normal(size=(2, extent, extent)) for _ in inputs]
    arrays += [rng.normal(size=(extent, extent)) / 10, rng.random((extent, extent)) < 0.5]
    fast, plain = (gx.compile([*inputs, w, kept], h, level=level, backend="numpy")(*arrays) for level in (2, 0))
    np.testing.assert_allclose(fast, plain, rtol=1e-9)
