"""Passes over loops: steps are made once, do what is read of them, and leave to others what is not theirs."""

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

import graphc as gx
from graphc.ir.control import Chosen, Repeated
from graphc.ir.graph import Graph
from graphc.ir.kinds import Elementwise, Product
from graphc.ir.node import Node
from graphc.kernel.buffer import Role
from graphc.kernel.steps import Contract, Kernel, Loop
from graphc.passes.hoist import HoistFromLoops
from graphc.passes.join_loops import JoinLoops
from graphc.passes.keep_carries import KeepCarries
from graphc.passes.pipeline import Log
from graphc.passes.trim_loops import TrimLoops
from graphc.structure import leaves
from graphc.types import as_dtype

WIDTH = 3


def _loops(graph: Graph) -> list[Repeated]:
    return [node.op for node in graph.nodes if isinstance(node.op, Repeated)]


def _weights() -> tuple[Node, Node]:
    rng = np.random.default_rng(0)
    return (
        gx.param("u", rng.standard_normal((2, WIDTH)).astype("float32")),
        gx.param("w", rng.standard_normal((WIDTH, WIDTH)).astype("float32")),
    )


def _recurrent(xs: Node, u: Node, w: Node) -> tuple[Node, Node]:
    def step(h: Node, x: Node) -> tuple[Node, Node]:
        after = gx.tanh(x @ u + h @ w)
        return after, after

    last, states = gx.scan(step, gx.zeros((4, WIDTH), xs.dtype), xs)
    return last, states


# Joining.


def test_a_loop_and_what_its_derivative_keeps_are_one_loop() -> None:
    xs = gx.input("xs", (5, 4, 2))
    u, w = _weights()
    loss = gx.sum(gx.sin(_recurrent(xs, u, w)[0]))
    before = Graph((xs,), (loss, *gx.grad(loss, [u, w])))
    after = JoinLoops().run(before, Log())
    assert (len(_loops(before)), len(_loops(after))) == (3, 2)


def test_values_and_tangents_are_one_loop() -> None:
    xs = gx.input("xs", (5, 4, 2))
    u, w = _weights()
    last, _ = _recurrent(xs, u, w)
    joined = JoinLoops().run(Graph((xs,), (last, gx.jvp(last, w, w))), Log())
    assert len(_loops(joined)) == 1


def test_a_loop_along_what_it_gives_itself_stays_another() -> None:
    xs = gx.input("xs", (5, 4, 2))
    u, w = _weights()
    last, _ = _recurrent(xs, u, w)
    tangent = gx.jvp(last, w, w * gx.sum(last))
    joined = JoinLoops().run(Graph((xs,), (tangent,)), Log())
    assert len(_loops(joined)) == 2
    f = gx.compile(xs, tangent, verify=True)
    g = gx.compile(xs, tangent, level=0)
    x = np.random.default_rng(1).standard_normal((5, 4, 2)).astype("float32")
    np.testing.assert_allclose(f(x), g(x), rtol=1e-5)


# Trimming.


def test_outputs_that_nobody_reads_are_not_made() -> None:
    xs = gx.input("xs", (5, 4))
    _, (kept, _, _) = gx.scan(lambda s, x: ((s[0] + x, s[1] * x), (s[0], s[1], gx.exp(x))), (xs[0], xs[1]), xs)
    (loop,) = _loops(TrimLoops().run(Graph((xs,), (kept,)), Log()))
    assert (loop.carries, len(loop.outputs)) == (1, 1)


def test_a_carry_that_no_step_changes_is_shared() -> None:
    xs = gx.input("xs", (5, 4))
    scale = gx.input("scale", (4,))
    (last, same), _ = gx.scan(lambda s, x: ((s[0] * s[1] + x, s[1]), None), (xs[0], scale), xs)
    trimmed = TrimLoops().run(Graph((xs, scale), (last, same)), Log())
    (loop,) = _loops(trimmed)
    assert (loop.carries, len(loop.inner().shared)) == (1, 1)
    assert trimmed.outputs[1] is scale


def test_results_of_a_branch_that_nobody_reads_are_not_made() -> None:
    x = gx.input("x", (4,))
    first, _ = gx.cond(x[0] > 0, lambda: (x * 2, gx.exp(x)), lambda: (x, gx.sin(x)))
    trimmed = TrimLoops().run(Graph((x,), (first,)), Log())
    (branch,) = [node.op for node in trimmed.nodes if isinstance(node.op, Chosen)]
    assert [len(body.outputs) for body in branch.bodies] == [1, 1]


def test_an_index_is_checked_though_what_it_finds_is_dropped() -> None:
    xs = gx.input("xs", (3,), "int64")
    table = gx.input("table", (4,))
    last, _ = gx.scan(lambda s, i: (s + 1.0, table[i]), gx.zeros(()), xs)
    f = gx.compile([xs, table], last)
    assert f([0, 1, 3], np.zeros(4, "float32")) == 3
    with pytest.raises(gx.IndexRangeError, match=r"4 is not in -4 \.\. 3"):
        f([0, 4, 1], np.zeros(4, "float32"))


# Hoisting.


def test_what_is_the_same_in_all_steps_is_computed_before() -> None:
    xs = gx.input("xs", (5, 4))
    w = gx.param("w", np.ones((4, 4), "float32"))
    last, _ = gx.scan(lambda h, x: (gx.tanh(h @ w) + x, None), xs[0], xs)
    back = TrimLoops().run(Graph((xs,), (gx.jvp(gx.sum(last), w, gx.exp(w)),)), Log())
    hoisted = HoistFromLoops(products=False).run(back, Log())
    for loop in _loops(hoisted):
        own = set(loop.inner().shared)
        lonely = [x for x in loop.body.nodes if isinstance(x.op, Elementwise | Product) and own.issuperset(x.inputs)]
        assert not lonely


def test_products_that_no_carry_decides_are_one() -> None:
    xs = gx.input("xs", (5, 4, 2))
    u, w = _weights()
    _, states = _recurrent(xs, u, w)
    graph = HoistFromLoops(products=True).run(Graph((xs,), (states,)), Log())
    (loop,) = _loops(graph)
    assert loop.body.count(Product) == 1  # type: ignore[type-abstract]
    assert graph.count(Product) == 1  # type: ignore[type-abstract]
    x = np.random.default_rng(1).standard_normal((5, 4, 2)).astype("float32")
    one, many = gx.compile(xs, states), gx.compile(xs, states, level=1)
    np.testing.assert_array_equal(one(x), many(x))


# Keeping and holding.


def test_all_values_of_a_carry_are_one_array() -> None:
    xs = gx.input("xs", ("T", 4, 2))
    u, w = _weights()
    _, states = _recurrent(xs, u, w)
    graph = KeepCarries().run(Graph((xs,), (states,)), Log())
    (loop,) = _loops(graph)
    assert (loop.kept, len(loop.outputs)) == ((0,), 0)
    f = gx.compile(xs, gx.grad(gx.sum(states), w), level=1)  # at 2 operands of products are kept as well
    row = 4 * WIDTH * 4
    assert f.memory(T=101).kept_bytes - f.memory(T=100).kept_bytes == row


def _loop_of(f: gx.CompiledFunction) -> Loop:
    (loop,) = [step for step in f.program.timeline if isinstance(step, Loop)]
    return loop


def test_a_sum_is_added_to_in_place() -> None:
    xs = gx.input("xs", (5, 4))
    last, _ = gx.scan(lambda s, x: (s + x, None), gx.zeros((4,)), xs)
    loop = _loop_of(gx.compile(xs, last))
    assert (len(loop.held), len(loop.carries)) == (1, 0)


@pytest.mark.parametrize(
    "step",
    [
        lambda s, x: (gx.flip(s) + x, None),
        lambda s, x: (s + gx.sum(s) * x, None),
        lambda s, x: (gx.cumsum(s) + x, gx.exp(s)),
    ],
)
def test_a_carry_read_elsewhere_than_where_it_is_written_has_two_rows(
    step: Callable[[Node, Node], tuple[Node, Node | None]],
) -> None:
    xs = gx.input("xs", (5, 4))
    outputs = gx.scan(step, xs[0], xs)
    x = np.random.default_rng(1).standard_normal((5, 4)).astype("float32")
    found, plain = gx.compile(xs, outputs, verify=True)(x), gx.compile(xs, outputs, level=0)(x)
    for one, other in zip(leaves(found), leaves(plain), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-6)


def test_a_carry_that_a_branch_sees_under_another_shape_has_two_rows() -> None:
    xs = gx.input("xs", ("n", 3))

    def shortened(s: Node) -> Node:
        flat = gx.reshape(s, (1, 1, -1))
        return s + gx.mean(gx.conv1d(flat, flat[..., :2], padding=1))

    last, _ = gx.scan(lambda s, x: (gx.cond(gx.mean(s) > 0, shortened, gx.sin, s), None), xs, xs)
    x = np.random.default_rng(1).random((2, 3), "float32")
    np.testing.assert_allclose(gx.compile(xs, last, verify=True)(x), gx.compile(xs, last, level=0)(x), rtol=1e-6)


def test_carries_that_change_places_have_rows_of_their_own() -> None:
    xs = gx.input("xs", (5, 4))
    (a, b), _ = gx.scan(lambda s, x: ((s[1], s[0] + x), None), (xs[0], xs[1]), xs)
    x = np.arange(20, dtype="float32").reshape(5, 4)
    first, second = x[0], x[1]
    for row in x:
        first, second = second, first + row
    found = gx.compile(xs, (a, b), verify=True)(x)
    np.testing.assert_array_equal(found[0], first)
    np.testing.assert_array_equal(found[1], second)


# Growing.


def test_what_a_while_loop_keeps_grows_with_its_steps() -> None:
    a = gx.input("a", (), "float64")
    root = gx.while_loop(lambda x: gx.abs(x * x - a) > 1e-12, lambda x: 0.5 * (x + a / x), a, max_steps=10**12)
    first = gx.grad(root, a)
    f = gx.compile(a, [root, first, gx.grad(first, a)], verify=True)
    np.testing.assert_allclose(f(2.0), [2**0.5, 0.5 / 2**0.5, -0.25 / 2**1.5], rtol=1e-12)
    memory = f.memory()
    assert memory.step_bytes > 0
    assert memory.peak_bytes < 10_000


# Accumulating.


@pytest.mark.parametrize("batch", [1, 4])
@pytest.mark.parametrize("dtype", ["float16", "float32", "float64", "complex64", "bfloat16"])
def test_products_are_added_where_they_are_made(batch: int, dtype: str) -> None:
    xs = gx.input("xs", (6, batch, 3), dtype)
    w = gx.param("w", _random((3, 2)).astype(dtype))
    total, _ = gx.scan(lambda s, x: (s + x.mT @ (x @ w), None), gx.zeros((3, 2), dtype), xs)
    # native products of matrices of these would be made after the loop
    f, plain = gx.compile(xs, total, verify=True, backend="numpy"), gx.compile(xs, total, level=1)
    if dtype not in ("float16", "bfloat16"):
        (adding,) = [step for step in f.program.timeline if isinstance(step, Contract) and step.adds]
        assert not [step for step in _loop_of(f).steps if isinstance(step, Kernel)], adding
    x = _random((6, batch, 3)).astype(as_dtype(dtype))
    wide = "complex64" if dtype == "complex64" else "float64"
    tolerance = {"float64": 1e-13, "float32": 1e-5, "complex64": 1e-5}.get(dtype, 3e-2)
    np.testing.assert_allclose(f(x).astype(wide), plain(x).astype(wide), rtol=tolerance, atol=tolerance)


# Sinking and turning, of products that are made in tiles.


def _gradients(dtype: str, **options: Any) -> gx.CompiledFunction:  # Any: options of `compile`
    xs = gx.input("xs", ("T", 4, 2), dtype)
    u, w = (gx.param(str(v.name), v.value.astype(dtype)) for v in _weights())
    last, states = _recurrent(xs, u, w)
    return gx.compile(xs, gx.grad(gx.sum(last * last) + gx.mean(states), [u, w]), backend="llvm", **options)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_products_that_are_only_added_up_are_made_after_the_loop(dtype: str) -> None:
    f = _gradients(dtype, verify=True)
    _, back = [step for step in f.program.timeline if isinstance(step, Loop)]
    assert len([step for step in back.steps if isinstance(step, Contract)]) == 1  # that of the carry
    after = f.program.steps[f.program.steps.index(back) + 1 :]
    assert [step.extents[1:] for step in after if isinstance(step, Contract)] == [(4, 3, 2), (4, 3, 3)]
    xs = np.random.default_rng(4).standard_normal((9, 4, 2)).astype(dtype)
    for one, other in zip(f(xs), _gradients(dtype, level=1)(xs), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-12 if dtype == "float64" else 2e-5)


def test_products_of_which_more_rows_would_be_kept_than_are_read_stay_in_the_loop() -> None:
    xs, w = gx.input("xs", (50, 4, 2)), gx.param("w", np.ones((2, 64), "float32"))

    def step(state: tuple[Node, Node], x: Node) -> tuple[tuple[Node, Node], None]:
        h, total = state
        h = gx.tanh(h + x)
        return (h, total + gx.tanh(h @ w).mT @ gx.exp(h @ w)), None

    (_, total), _ = gx.scan(step, (gx.zeros((4, 2)), gx.zeros((64, 64))), xs)
    f = gx.compile(xs, total, backend="llvm")
    (loop,) = [step for step in f.program.timeline if isinstance(step, Loop)]
    assert [step.adds for step in loop.steps if isinstance(step, Contract)] == [False, True]


def test_a_matrix_that_a_loop_reads_crosswise_is_turned_before_it() -> None:
    w, start = gx.param("w", _random((3, 3))), gx.input("start", (4, 3), "float64")
    last, _ = gx.scan(lambda h, _: (gx.tanh(h @ w.mT), None), start, length=8)
    f = gx.compile(start, last, backend="llvm", verify=True)
    (loop,) = [step for step in f.program.timeline if isinstance(step, Loop)]
    (turned,) = loop.shared
    assert turned.role is Role.TEMPORARY
    h = x = _random((4, 3))
    for _ in range(8):
        h = np.tanh(h @ w.value.T)
    np.testing.assert_allclose(f(x), h, rtol=1e-12)


@pytest.mark.parametrize("level", [0, 1, 2])
def test_variables_keep_their_values_where_what_reads_them_moves_out_of_the_loop(level: int) -> None:
    xs = gx.input("xs", (5, WIDTH), "float64")
    first, second = gx.param("first", _random((WIDTH, WIDTH))), gx.param("second", _random((WIDTH, WIDTH)).T)
    last, _ = gx.scan(lambda h, x: (gx.tanh(h @ first + x @ second), None), gx.ones(WIDTH, "float64"), xs)
    x, h = _random((5, WIDTH)), np.ones(WIDTH)
    for row in x:
        h = np.tanh(h @ first.value + row @ second.value)
    np.testing.assert_allclose(gx.compile(xs, last, level=level)(x), h, rtol=1e-12)


def _random(shape: tuple[int, ...]) -> npt.NDArray[np.float64]:
    return np.random.default_rng(2).standard_normal(shape)
