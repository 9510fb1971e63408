"""Scans in segments: less is kept, the same results to the bit."""

import numpy as np
import pytest

import graphc as gx
from graphc.kernel.steps import Contract, Loop
from graphc.ops.checkpointing import Checkpoint
from graphc.sizes import Size

CELLS = ("tanh", "lstm")


def _net(
    steps: "Size | str",
    width: int,
    checkpoint: Checkpoint,
    cell: str = "tanh",
    *,
    reverse: bool = False,
    batch: int = 2,
    reads_states: bool = True,
) -> gx.CompiledFunction:
    """The loss of a recurrent net over its last state and its outputs, and the gradient of each weight."""
    rng = np.random.default_rng(0)
    gates = {"tanh": 1, "lstm": 4}[cell]
    xs = gx.input("xs", (steps, batch, 3))
    u = gx.param("u", 0.5 * rng.standard_normal((3, gates * width)).astype("float32"))
    w = gx.param("w", rng.standard_normal((width, gates * width)).astype("float32") / width**0.5)

    def simple(h: gx.Node, x: gx.Node) -> tuple[gx.Node, gx.Node]:
        after = gx.tanh(x @ u + h @ w)
        return after, after

    def lstm(state: tuple[gx.Node, gx.Node], x: gx.Node) -> tuple[tuple[gx.Node, gx.Node], gx.Node]:
        h, c = state
        i, f, g, o = gx.split(x @ u + h @ w, 4, -1)
        c = gx.sigmoid(f) * c + gx.sigmoid(i) * gx.tanh(g)
        h = gx.sigmoid(o) * gx.tanh(c)
        return (h, c), h

    start = gx.zeros((batch, width))
    if cell == "tanh":
        last, states = gx.scan(simple, start, xs, reverse=reverse, checkpoint=checkpoint)
    else:
        (last, _), states = gx.scan(lstm, (start, start), xs, reverse=reverse, checkpoint=checkpoint)
    loss = gx.sum(last * last)
    if not reads_states:  # which are then not kept for their own sake
        return gx.compile(xs, [loss, gx.grad(loss, [u, w])])
    loss = loss + gx.mean(states)
    return gx.compile(xs, [loss, states[0], gx.grad(loss, [u, w])])


@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize("checkpoint", ["sqrt", 1, 5, 7, 30, 100])
def test_results_are_the_same_to_the_bit(checkpoint: Checkpoint, reverse: bool, cell: str) -> None:
    x = np.random.default_rng(1).standard_normal((30, 2, 3)).astype("float32")
    plain, cut = (_net(30, 8, each, cell, reverse=reverse)(x) for each in (None, checkpoint))
    for one, other in zip([*plain[:2], *plain[2]], [*cut[:2], *cut[2]], strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("inner", [None, 2])
@pytest.mark.parametrize("outer", [None, 1, 4])
def test_gradients_of_weights_in_a_scan_of_scans_are_the_same_to_the_bit(outer: Checkpoint, inner: Checkpoint) -> None:
    rng = np.random.default_rng(2)
    w, x = gx.param("w", rng.standard_normal((4, 4)).astype("float32")), gx.input("x", (6, 5, 4))

    def slope(outer: Checkpoint, inner: Checkpoint) -> gx.CompiledFunction:
        def walk(h: gx.Node, rows: gx.Node) -> tuple[gx.Node, None]:
            last, _ = gx.scan(lambda c, r: (gx.tanh(c @ w + r), None), h, rows, checkpoint=inner)
            return last, None

        last, _ = gx.scan(walk, gx.ones(4), x, checkpoint=outer)
        return gx.compile(x, gx.grad(gx.sum(last * last), w))

    rows = rng.standard_normal((6, 5, 4)).astype("float32")
    np.testing.assert_array_equal(slope(outer, inner)(rows), slope(None, None)(rows))


@pytest.mark.parametrize("checkpoint", ["sqrt", 7])
def test_a_length_may_be_a_size(checkpoint: Checkpoint) -> None:
    plain, cut = (_net(gx.size("T", hint=30), 8, each) for each in (None, checkpoint))
    for steps in (1, 7, 20, 30):
        x = np.random.default_rng(1).standard_normal((steps, 2, 3)).astype("float32")
        for one, other in zip(plain(x)[2], cut(x)[2], strict=True):
            np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("cell", CELLS)
def test_a_long_scan_keeps_a_twentieth(cell: str) -> None:
    plain, cut = (_net(10_000, 256, each, cell, reads_states=False) for each in (None, "sqrt"))
    assert cut.memory().kept_bytes < plain.memory().kept_bytes / 20


def test_every_step_is_made_once_more() -> None:
    """A body is evaluated forwards, again, and backwards: three times, where it were two."""
    steps, segment = 100, 10
    cut = _net(steps, 8, segment)
    made = 0
    for outer in cut.program.steps:
        if isinstance(outer, Loop):
            for inner in outer.steps:
                if isinstance(inner, Loop):
                    assert isinstance(outer.length, int)
                    assert isinstance(inner.length, int)
                    made += outer.length * inner.length * any(isinstance(step, Contract) for step in inner.steps)
    assert made == 3 * steps


def test_second_derivatives_go_through_segments() -> None:
    xs = gx.input("xs", (9, 2), "float64")
    w = gx.param("w", np.random.default_rng(0).standard_normal((2, 2)))
    found = []
    for checkpoint in (None, 3, 4):
        last, _ = gx.scan(lambda h, x: (gx.tanh(h @ w + x), None), xs[0], xs, checkpoint=checkpoint)
        first = gx.grad(gx.sum(last**2), w)
        found.append(gx.compile(xs, [first, gx.grad(gx.sum(first**2), w), gx.jvp(first, w, w)]))
    x = np.random.default_rng(1).standard_normal((9, 2))
    plain, *others = [f(x) for f in found]
    for other in others:
        for one, cut in zip(plain, other, strict=True):
            np.testing.assert_allclose(cut, one, rtol=1e-13)


def test_a_scan_has_as_many_nodes_and_steps_whatever_its_length() -> None:
    short, long = (_net(steps, 8, None) for steps in (10, 10_000))
    assert len(short.graph.nodes) == len(long.graph.nodes)
    assert len(short.program.timeline) == len(long.program.timeline)
    assert sum(isinstance(step, Loop) for step in long.program.timeline) == 2


@pytest.mark.parametrize("wrong", [0, -1, 2.5, "root", True])
def test_wrong_segments_are_refused(wrong: object) -> None:
    xs = gx.input("xs", (9, 2))
    with pytest.raises(gx.ArgumentError, match="scan: checkpoint"):
        gx.scan(lambda h, x: (h + x, None), xs[0], xs, checkpoint=wrong)  # type: ignore[arg-type]


@pytest.mark.parametrize(("outer", "inner"), [(None, 2), (2, None), (3, 2), ("sqrt", "sqrt")])
def test_scans_in_scans_are_the_same_to_the_bit(outer: Checkpoint, inner: Checkpoint) -> None:
    """The product of a row leaves both loops, and rounds as it does in them."""

    def net(outer: Checkpoint, inner: Checkpoint) -> gx.CompiledFunction:
        rng = np.random.default_rng(0)
        xs = gx.input("xs", (7, 5, 4, 3))
        u = gx.param("u", rng.standard_normal((3, 6)).astype("float32"))
        w = gx.param("w", rng.standard_normal((6, 6)).astype("float32"))

        def sentence(h: gx.Node, rows: gx.Node) -> tuple[gx.Node, None]:
            last, _ = gx.scan(lambda h, x: (gx.tanh(x @ u + h @ w), None), h, rows, checkpoint=inner)
            return last, None

        last, _ = gx.scan(sentence, gx.zeros((4, 6)), xs, checkpoint=outer)
        loss = gx.sum(gx.square(last))
        return gx.compile(xs, [loss, *gx.grad(loss, [u, w])])

    x = np.random.default_rng(1).standard_normal((7, 5, 4, 3)).astype("float32")
    for one, other in zip(net(None, None)(x), net(outer, inner)(x), strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("n", [1, 2, 5, 8, 9])
def test_a_sequence_that_was_filled_up_is_filled_up_again(n: int) -> None:
    """An open length, made a multiple of 2 and then one of 8: that nothing is cut off must be seen."""
    x = gx.input("x", ("n", 2), "float64")
    even = 2 * ((x.shape[0] + 1) // 2)
    filled = gx.pad(x, ((0, even - x.shape[0]), (0, 0)))
    last, sums = gx.scan(lambda c, row: (gx.tanh(c + row), gx.sum(c)), gx.zeros((2,), "float64"), filled, checkpoint=8)
    f = gx.compile([x], [last, sums, gx.grad(gx.sum(last), x)])
    given = np.random.default_rng(0).standard_normal((n, 2))
    expected = np.zeros(2)
    for row in [*given, *np.zeros((n % 2, 2))]:
        expected = np.tanh(expected + row)
    found = f(given)
    np.testing.assert_allclose(found[0], expected, rtol=1e-12)
    assert found[1].shape == (n + n % 2,)
    assert found[2].shape == given.shape
