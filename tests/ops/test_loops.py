"""Loops beside the same function written out by Python's loops: values, derivatives of every order and mode."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

import graphc as gx
from graphc.kernel.nesting import all_steps
from graphc.kernel.reference import interpret
from graphc.kernel.steps import Loop
from graphc.structure import leaves
from tests.constructs import CONSTRUCTS, Construct, H, W, X
from tests.derivative_modes import Sample, score
from tests.tolerance import assert_close
from tests.unrolled import Unrolled

SECOND, THIRD = ("rr", "rf", "fr", "ff"), ("rrr", "rrf", "rfr", "rff", "frr", "frf", "ffr", "fff")

#: constructs whose third derivatives, by reverse mode, are looked at in the default tier
QUICK = ("one carry", "from the last row", "used twice", "cond, then", "switch to 1", "while", "numbers, a size")

EVERY = pytest.mark.parametrize("construct", CONSTRUCTS, ids=str)


def modes_of(construct: Construct, modes: Sequence[str]) -> list[str]:
    """Those that there are for a construct."""
    return [mode for mode in modes if len(mode) <= construct.order and ("r" not in mode or not construct.is_forward)]


def assert_alike(actual: Any, expected: Any, order: int) -> None:
    """Equal but for the order of summation, each order of derivatives adding up some ten times as many terms."""
    for one, other in zip(leaves(actual), leaves(expected), strict=True):
        found, exact = np.asarray(one), np.asarray(other)
        assert (found.shape, found.dtype) == (exact.shape, exact.dtype)
        assert_close(found, exact, terms=100 * 8**order)


def written_out(construct: Construct, order: int) -> tuple[Any, dict[int, Any]]:
    """The values of a construct without loops, and its derivatives by reverse mode, by order."""
    sample = Sample.of(construct.arrays)
    control = Unrolled(dict(zip(sample.nodes, sample.arrays, strict=True)))
    results = construct.build(control, *sample.nodes)
    derivatives = sample.derivatives(score(results), ["r" * order])
    values, found = sample.run([results, list(derivatives.values())], level=1)
    return values, dict(enumerate(found))


def assert_as_written_out(construct: Construct, modes: Sequence[str], **options: Any) -> None:
    """Values, and derivatives in these modes, are those of the graph without loops."""
    modes = modes_of(construct, modes)
    sample = Sample.of(construct.arrays, construct.sizes)
    results = construct.build(gx, *sample.nodes)
    derivatives = sample.derivatives(score(results), modes)
    values, found = sample.run([results, derivatives], verify=True, debug=True, **options)
    expected, exact = written_out(construct, max(map(len, modes), default=0))
    assert_alike(values, expected, 0)
    for mode, (number, slopes) in found.items():
        assert_alike(number, exact[len(mode)][0], len(mode))
        if slopes:
            assert_alike(slopes, exact[len(mode)][1], len(mode))


@EVERY
def test_values_and_derivatives_are_those_of_the_loop_written_out(construct: Construct) -> None:
    assert_as_written_out(construct, ["rrr", "f"] if construct.name in QUICK else ["rf", "fr"])


@pytest.mark.full
@pytest.mark.parametrize("level", [0, 1, 2])
@EVERY
def test_every_order_mode_and_level(construct: Construct, level: int) -> None:
    assert_as_written_out(construct, THIRD if level == 2 else (*SECOND, "rrr"), level=level)


def assert_as_interpreted(construct: Construct, modes: Sequence[str], level: int) -> None:
    """The NumPy backend gives what the reference interpreter gives."""
    sample = Sample.of(construct.arrays, construct.sizes)
    results = construct.build(gx, *sample.nodes)
    outputs = [results, sample.derivatives(score(results), modes_of(construct, modes))]
    f = gx.compile(sample.inputs, outputs, level=level)
    sizes = {name: array.shape[0] for name, array in zip(construct.sizes, construct.arrays, strict=False) if name}
    held = [variable.value for variable in f.stored]
    expected, _ = interpret(f.program, sample.values, held, sizes, f.constants)
    assert_alike(f(*sample.values), expected, 2)


@pytest.mark.parametrize("name", ["from the last row", "cond, then", "cond in scan in while", "a size, in segments"])
def test_the_backend_agrees_with_the_interpreter(name: str) -> None:
    assert_as_interpreted(next(c for c in CONSTRUCTS if c.name == name), ["r"], level=2)


@pytest.mark.full
@pytest.mark.parametrize("level", [0, 1, 2])
@EVERY
def test_the_backend_agrees_with_the_interpreter_on_all(construct: Construct, level: int) -> None:
    assert_as_interpreted(construct, ["rr", "rf"], level)


@pytest.mark.parametrize(
    "name", ["one carry", "while of values", "scan in cond in scan", "gradient inside", "in segments", "complex"]
)
def test_derivatives_are_differences(name: str) -> None:
    construct = next(c for c in CONSTRUCTS if c.name == name)
    gx.testing.check_gradients(lambda *nodes: construct.build(gx, *nodes), construct.arrays, order=2)


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float32", "complex64"])
def test_every_dtype(dtype: str) -> None:
    arrays = [array.astype(gx.zeros((), dtype).dtype) for array in (X, H, W)]
    construct = replace(CONSTRUCTS[0], arrays=tuple(arrays))
    sample = Sample.of(arrays)
    last, rows = construct.build(gx, *sample.nodes)
    slopes = gx.vjp((last, rows), sample.nodes, (gx.ones_like(last), rows))
    control = Unrolled(dict(zip(sample.nodes, arrays, strict=True)))
    last, rows = construct.build(control, *sample.nodes)
    exact = gx.vjp((last, rows), sample.nodes, (gx.ones_like(last), rows))
    for found, expected in sample.run(list(zip(slopes, exact, strict=True))):
        assert found.dtype == arrays[0].dtype
        assert_close(found, expected, terms=30)


# What it costs.


@pytest.mark.parametrize("order", [0, 1, 2])
def test_what_is_computed_does_not_depend_on_the_number_of_steps(order: int) -> None:
    counts = []
    for steps in (10, 10_000):
        sample = Sample.of([np.zeros((steps, 3)), H, W])
        results = CONSTRUCTS[0].build(gx, *sample.nodes)
        f = gx.compile(sample.inputs, list(sample.derivatives(score(results), ["r" * order]).values()))
        loops = [step for step in all_steps(f.program.steps) if isinstance(step, Loop)]
        counts.append((len(f.graph.nodes), len(list(all_steps(f.program.steps))), len(loops)))
    assert counts[0] == counts[1]
    assert counts[0][2] <= (1, 2, 6)[order]


@pytest.mark.parametrize("modes", ["r", "rr", "rf", "fr", "rrr"])
def test_derivatives_of_a_while_loop_take_what_the_steps_made_take(modes: str) -> None:
    found = []
    for most in (5, 10**12):  # so many rows would fill no memory
        sample = Sample.of([H])
        (h,) = sample.nodes
        y, _ = gx.while_loop(lambda s: s[1] < 4, lambda s: (gx.sin(s[0]), s[1] + 1), (h, 0), max_steps=most)
        f = gx.compile(sample.inputs, sample.derivatives(score(y), [modes])[modes][0])
        assert f.memory().peak_bytes < 10_000
        found.append(f(*sample.values))
    assert found[0] == found[1]


# Limits.


def counted(x: gx.Node, most: int | None) -> gx.Node:
    result: gx.Node = gx.while_loop(lambda s: s < 100.0, lambda s: s + 1.0, x, max_steps=most)
    return result


@pytest.mark.parametrize("most", [0, 5])
@pytest.mark.parametrize(
    "derivative", [lambda y, x: y, lambda y, x: gx.grad(y * y, x), lambda y, x: gx.jvp(y * y, x, 1.0)]
)
def test_one_step_more_than_the_limit_is_an_error(most: int, derivative: Callable[[gx.Node, gx.Node], gx.Node]) -> None:
    x = gx.input("x", (), "float64")
    f = gx.compile([x], derivative(counted(x, most), x), debug=True)
    f(100.0 - most)
    with pytest.raises(gx.StepLimitError, match=f"the condition still holds after {most} steps") as caught:
        f(99.0 - most)
    assert "test_loops.py" in str(caught.value)


def test_a_call_that_reaches_the_limit_changes_nothing() -> None:
    w, x, out = gx.param("w", 2.0), gx.input("x", (), "float32"), np.zeros((), np.float32)
    y = gx.while_loop(lambda s: s < 10, lambda s: s + w, x, max_steps=3)
    f = gx.compile([x], y, updates={w: w + 1.0})
    with pytest.raises(gx.StepLimitError):
        f(0.0, out=out)
    assert w.value.item() == 2.0
    assert out.item() == 0.0
    assert f(5.0) == 11.0
    assert w.value.item() == 3.0


def test_without_a_limit_there_is_forward_mode_alone() -> None:
    x = gx.input("x", (), "float64")
    assert gx.evaluate(gx.jvp(counted(x, None) ** 2, x, 1.0), {x: 3.5}) == 201.0
    with pytest.raises(gx.UnsupportedError, match="max_steps"):
        gx.grad(counted(x, None), x)


# Beside the rest of graphc.


def test_what_no_derivative_reaches() -> None:
    x, h, w, u = (
        gx.input(name, shape, "float64") for name, shape in zip("xhwu", ((4, 3), (3,), (3,), (3,)), strict=True)
    )
    (a, b), rows = gx.scan(lambda c, r: ((c[0] * w + r, c[1] * u), c[1]), (h, h), x)
    for y, wrt in ((a, u), (b, x), (b, w), (rows, w)):
        with pytest.raises(gx.UnconnectedError):
            gx.grad(gx.sum(y), wrt)
    at = {x: X, h: H, w: H, u: H}
    of_x, of_u = gx.evaluate(gx.grad(gx.sum(b), [x, u], unconnected="zero"), at)
    np.testing.assert_array_equal(of_x, np.zeros((4, 3)))
    np.testing.assert_allclose(of_u, 4 * H**4, rtol=1e-13)


def test_a_step_of_descent_is_replaced_into_a_loop() -> None:
    w = gx.param("w", H)
    last, _ = gx.scan(lambda h, x: (gx.tanh(h * w + x), None), gx.zeros(3, "float64"), gx.constant(X))
    loss = gx.sum(gx.square(last))
    after = gx.replace(loss, {w: w - 0.1 * gx.grad(loss, w)})
    gx.testing.check_gradients(lambda v: gx.replace(after, {w: v}), [H], order=2)


def test_variables_are_read_in_a_body_and_set_from_what_it_gives() -> None:
    w, state, x = gx.param("w", W), gx.state("state", H), gx.input("x", ("n", 3), "float64")
    last, rows = gx.scan(lambda h, x: (gx.tanh(h @ w + x), h), state, x)
    loss = gx.mean(gx.square(rows - 1))
    f = gx.compile([x], [loss, rows], updates={w: w - 0.3 * gx.grad(loss, w), state: last}, debug=True)
    losses = []
    for _ in range(3):
        h = state.value
        value, found = f(X)
        np.testing.assert_array_equal(found[0], h)
        losses.append(value)
    assert losses[1] < losses[0]  # later ones start from other states
    same = X.copy()
    plain = gx.compile([x], rows)
    expected = plain(X)
    assert plain(same, out=same) is same
    np.testing.assert_array_equal(same, expected)


def test_a_node_of_a_body_does_not_leave_it() -> None:
    kept: list[gx.Node] = []
    x = gx.input("x", (4, 3), "float64")

    def body(h: gx.Node, row: gx.Node) -> tuple[gx.Node, gx.Node]:
        kept.append(row)
        return h, row

    gx.scan(body, x[0], x)
    with pytest.raises(gx.ArgumentError, match="row of x"):
        gx.compile([x], gx.cond(gx.sum(x) > 0, lambda: kept[0] * 2, lambda: x[0]))


def table() -> str:
    """What is verified of every kind of construct, as the page of derivatives shows it."""
    lines = ["| construct | looked at | reverse mode, orders | forward mode and mixtures, orders | under vmap |"]
    lines.append("|---|---|---|---|---|")
    for kind in dict.fromkeys(construct.kind for construct in CONSTRUCTS):
        those = [construct for construct in CONSTRUCTS if construct.kind == kind]
        reverse = min(0 if c.is_forward else c.order for c in those)
        orders = ["–" if n == 0 else "1" if n == 1 else f"1 to {n}" for n in (reverse, min(c.order for c in those))]
        lines.append(f"| {kind} | {len(those)} | {' | '.join(orders)} | with grad and jvp, inside and around |")
    return "\n".join(lines)


def test_the_page_shows_what_is_verified(request: pytest.FixtureRequest) -> None:
    page = (request.config.rootpath / "docs" / "derivatives.md").read_text()
    assert table() in page, table()
