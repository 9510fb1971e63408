"""Regions that derivatives compute again: less is kept, the same results to the bit."""

from collections.abc import Callable
from typing import Any, Literal

import numpy as np
import pytest

import graphc as gx
from graphc.kernel.nesting import all_steps
from graphc.kernel.steps import Contract
from graphc.structure import leaves

RNG = np.random.default_rng(5)


def _normal(*shape: int) -> Any:
    return RNG.standard_normal(shape).astype("float32")


def _net(
    layers: int,
    wrap: Callable[[Any], Any],
    *,
    level: int = 2,
    order: int = 1,
    backend: Literal["llvm", "numpy"] = "llvm",
) -> gx.CompiledFunction:
    """The loss of a residual net, and the gradient of each weight, or a derivative of it along itself."""
    rng = np.random.default_rng(0)
    x = gx.input("x", (32, 16))
    weights = [gx.param(f"w{k}", (0.3 * rng.standard_normal((16, 16))).astype("float32")) for k in range(layers)]
    h = x
    for w in weights:
        h = wrap(lambda h, w=w: h + gx.tanh(h @ w))(h)
    loss = gx.mean(h * h)
    slopes = gx.grad(loss, weights)
    for _ in range(order - 1):
        slopes = gx.grad(gx.sum(gx.stack([gx.sum(s * s) for s in slopes])), weights)
    return gx.compile(x, [loss, slopes], level=level, backend=backend)


def _same_bits(one: Any, other: Any) -> bool:
    pairs = zip(leaves(one), leaves(other), strict=True)
    return all(np.array_equal(x, y) for x, y in pairs)


@pytest.mark.parametrize("backend", ["llvm", "numpy"])
@pytest.mark.parametrize("level", [0, 1, 2])
@pytest.mark.parametrize("order", [1, 2])
def test_results_are_the_same_to_the_bit(order: int, level: int, backend: Literal["llvm", "numpy"]) -> None:
    x = _normal(32, 16)
    plain, cut = (_net(5, w, level=level, order=order, backend=backend)(x) for w in (lambda f: f, gx.checkpoint))
    assert _same_bits(plain, cut)


def test_what_is_inside_is_kept_for_one_region_at_a_time() -> None:
    plain, cut = (_net(24, wrap).memory().peak_bytes / (32 * 16 * 4) for wrap in (lambda f: f, gx.checkpoint))
    assert plain > 46  # two values of each layer
    assert cut < 29  # one, and those of the layer that is computed again


def test_the_forward_products_are_made_twice() -> None:
    plain, cut = (
        sum(isinstance(step, Contract) for step in all_steps(_net(8, wrap).program.steps))
        for wrap in (lambda f: f, gx.checkpoint)
    )
    assert cut == plain + 8


def test_a_step_of_a_scan_keeps_what_its_region_is_given() -> None:
    xs, w = gx.input("xs", (40, 2, 8)), gx.param("w", _normal(8, 8) / 3)

    def slope(wrap: Callable[[Any], Any]) -> gx.CompiledFunction:
        def cell(h: gx.Node, x: gx.Node) -> gx.Node:
            for _ in range(3):
                h = gx.tanh(h @ w) * gx.sin(x)
            return h

        last, _ = gx.scan(lambda h, x: (wrap(cell)(h, x), None), gx.ones((2, 8)), xs)
        return gx.compile(xs, gx.grad(gx.sum(last), w))

    plain, cut, x = slope(lambda f: f), slope(gx.checkpoint), _normal(40, 2, 8)
    assert _same_bits(plain(x), cut(x))
    assert cut.memory().kept_bytes == 41 * 2 * 8 * 4  # the carry, before every step and after the last
    assert plain.memory().kept_bytes >= 3 * cut.memory().kept_bytes


def test_updates_are_made_once() -> None:
    x = gx.input("x", (4, 3))
    w, count, stream = gx.param("w", _normal(3, 3)), gx.state("count", 0), gx.random.Stream("noise", 7)

    def block(h: gx.Node) -> gx.Node:
        noise = gx.random.normal(stream.key(), h.shape)
        return gx.tanh(gx.with_update(h @ w, count, lambda old: old + 1) + noise)

    h = gx.checkpoint(block)(gx.checkpoint(block)(x))
    f = gx.compile(x, gx.grad(gx.sum(h), w), reused_keys="raise")
    f(_normal(4, 3))
    assert count.value == 2
    assert stream.state.value[1] == 2


def test_numbers_drawn_inside_are_drawn_again_alike() -> None:
    x, w = gx.input("x", (4, 3)), gx.param("w", _normal(3, 3))
    first, second = gx.random.split(gx.random.key(3))

    def noisy(key: gx.Node, wrap: Callable[[Any], Any], h: gx.Node) -> gx.Node:
        y: gx.Node = wrap(lambda h: gx.tanh(h @ w) * gx.random.bernoulli(key, 0.5, h.shape))(h)
        return y

    def slope(wrap: Callable[[Any], Any]) -> gx.CompiledFunction:
        y = noisy(second, wrap, noisy(first, wrap, x))
        return gx.compile(x, gx.grad(gx.sum(y), w), reused_keys="raise")

    given = _normal(4, 3)
    assert _same_bits(slope(lambda f: f)(given), slope(gx.checkpoint)(given))


def test_what_is_no_node_comes_back_as_it_is() -> None:
    x = gx.input("x", (3,))
    found = gx.checkpoint(lambda x, n: {"y": gx.exp(x), "x": x, "n": (n, None, "text")})(x, 3)
    assert found["x"] is x
    assert found["n"] == (3, None, "text")
    assert gx.checkpoint(lambda: 5)() == 5


def test_params_that_a_region_reads_are_found() -> None:
    x, w = gx.input("x", (3,)), gx.param("w", _normal(3))
    assert gx.parameters(gx.checkpoint(lambda x: gx.sin(x * w))(x)) == {"w": w}


def test_a_region_without_a_derivative_costs_nothing() -> None:
    x, w = gx.input("x", (4, 3)), gx.param("w", _normal(3, 3))
    plain, cut = (gx.compile(x, wrap(lambda x: gx.tanh(x @ w))(x)) for wrap in (lambda f: f, gx.checkpoint))
    assert plain.source == cut.source


def test_the_trace_says_what_is_computed_again_and_where_it_was_written() -> None:
    x, w = gx.input("x", (4, 3)), gx.param("w", _normal(3, 3))
    y = gx.checkpoint(lambda x: gx.sin(x @ w) * 2)(x)
    notes = gx.compile(x, [y, gx.grad(gx.sum(y), w)]).trace["again"].notes
    assert {note.what for note in notes} == {"matmul computed again"}
    assert {note.origin.file for note in notes} == {__file__}


def test_what_is_kept_anyway_is_not_computed_again() -> None:
    """A region gives what its own derivative reads: the next region keeps it."""
    x, w = gx.input("x", (4, 3)), gx.param("w", _normal(3, 3))
    block = gx.checkpoint(lambda x: gx.tanh(x @ w))
    f = gx.compile(x, gx.grad(gx.sum(block(block(x))), w))
    assert sum(note.what == "matmul computed again" for note in f.trace["again"].notes) == 1


def test_a_region_is_computed_again_late() -> None:
    """After the cotangents that come into it, whatever the order of outputs: so one inside lives at a time."""
    x = gx.input("x", (64, 8))
    weights = [gx.param(f"w{k}", _normal(8, 8)) for k in range(20)]
    h = x
    for w in weights:
        h = gx.checkpoint(lambda h, w=w: gx.sin(gx.exp(gx.sin(h @ w))))(h)
    for order in (weights, weights[::-1]):
        f = gx.compile(x, gx.grad(gx.sum(h), order))
        assert f.memory().peak_bytes < 26 * 64 * 8 * 4
