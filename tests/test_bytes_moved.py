"""Bytes moved by the steps of named computations, beside the fewest possible, by hand."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import pytest

import graphc as gx

N, D, K = 48, 20, 16  # rows, columns, inner extent
F, I = 4, 8  # bytes of a float32 and of an int64
ROWS, ROW = N * D * F, D * F


class Case(NamedTuple):
    """A computation; `least` is what any program must move: each input read once, each result written once."""

    name: str
    build: Callable[[], gx.CompiledFunction]
    least: int
    moved: int


def rows(name: str = "x") -> gx.Node:
    return gx.input(name, (N, D))


def columns(name: str, value: float = 1.0) -> gx.Node:
    return gx.param(name, np.full(D, value, np.float32))


def layer_norm(x: gx.Node, gain: gx.Node, bias: gx.Node, axis: int = -1) -> gx.Node:
    centred = x - gx.mean(x, axis, keepdims=True)
    return centred / gx.sqrt(gx.mean(centred * centred, axis, keepdims=True) + 1e-5) * gain + bias


def batch_norm(x: gx.Node, gain: gx.Node, bias: gx.Node) -> gx.Node:
    return layer_norm(x, gain, bias, 0)


def of_rows(function: Callable[[gx.Node], gx.Node]) -> gx.CompiledFunction:
    x = rows()
    return gx.compile([x], function(x))


def of_rows_back(function: Callable[[gx.Node], gx.Node]) -> gx.CompiledFunction:
    """The cotangent of x, from that of the result."""
    x, cotangent = rows(), rows("cotangent")
    return gx.compile([x, cotangent], gx.grad(gx.sum(function(x) * cotangent), x))


def scaled(norm: Callable[[gx.Node, gx.Node, gx.Node], gx.Node]) -> gx.CompiledFunction:
    x = rows()
    return gx.compile([x], norm(x, columns("gain"), columns("bias")))


def scaled_back(norm: Callable[[gx.Node, gx.Node, gx.Node], gx.Node]) -> gx.CompiledFunction:
    """The cotangents of x, gain and bias."""
    x, cotangent, gain, bias = rows(), rows("cotangent"), columns("gain"), columns("bias")
    return gx.compile([x, cotangent], gx.grad(gx.sum(norm(x, gain, bias) * cotangent), [x, gain, bias]))


def cross_entropy() -> gx.CompiledFunction:
    z, labels = rows("z"), gx.input("labels", (N,), "int64")
    return gx.compile([z, labels], gx.mean(gx.nn.softmax_cross_entropy(z, labels)))


def cross_entropy_and_gradient() -> gx.CompiledFunction:
    z, labels = rows("z"), gx.input("labels", (N,), "int64")
    loss = gx.mean(gx.nn.softmax_cross_entropy(z, labels))
    return gx.compile([z, labels], [loss, gx.grad(loss, z)])


def adam() -> gx.CompiledFunction:
    w, gradient = gx.param("w", np.ones((N, D), np.float32)), rows("gradient")
    m, v = (gx.state(name, np.zeros((N, D), np.float32)) for name in "mv")
    rate = gx.input("rate")
    first, second = 0.9 * m + 0.1 * gradient, 0.999 * v + 0.001 * gradient * gradient
    updates = {m: first, v: second, w: w - rate * first / (gx.sqrt(second) + 1e-8)}
    return gx.compile([gradient, rate], None, updates=updates)


def dense() -> gx.CompiledFunction:
    x = gx.input("x", (N, K))
    return gx.compile([x], gx.relu(x @ gx.param("w", np.ones((K, D), np.float32)) + columns("b")))


def dense_back() -> gx.CompiledFunction:
    """The cotangents of x, w and b."""
    x, w, b, cotangent = gx.input("x", (N, K)), gx.param("w", np.ones((K, D), np.float32)), columns("b"), rows("c")
    return gx.compile([x, cotangent], gx.grad(gx.sum(gx.relu(x @ w + b) * cotangent), [x, w, b]))


DENSE = (N * K + K * D + D) * F + ROWS

NORM, NORM_BACK = 2 * ROWS + 2 * ROW, 3 * ROWS + 3 * ROW
LOSS = ROWS + N * I + F
CHECKED = N * I  # labels are checked before anything is computed

CASES = (
    Case("softmax", lambda: of_rows(lambda x: gx.softmax(x, 1)), 2 * ROWS, 2 * ROWS),
    Case("softmax, back", lambda: of_rows_back(lambda x: gx.softmax(x, 1)), 3 * ROWS, 3 * ROWS),
    Case("log-softmax", lambda: of_rows(lambda x: gx.log_softmax(x, 1)), 2 * ROWS, 2 * ROWS),
    Case("log-softmax, back", lambda: of_rows_back(lambda x: gx.log_softmax(x, 1)), 3 * ROWS, 3 * ROWS),
    Case("layer norm", lambda: scaled(layer_norm), NORM, NORM),
    Case("layer norm, back", lambda: scaled_back(layer_norm), NORM_BACK, NORM_BACK),
    Case("batch norm", lambda: scaled(batch_norm), NORM, NORM),
    Case("batch norm, back", lambda: scaled_back(batch_norm), NORM_BACK, NORM_BACK),
    Case("cross-entropy", cross_entropy, LOSS, LOSS + CHECKED),
    Case("cross-entropy and its gradient", cross_entropy_and_gradient, LOSS + ROWS, LOSS + ROWS + CHECKED),
    Case("an Adam step", adam, 7 * ROWS + F, 7 * ROWS + F),
    Case("a dense layer", dense, DENSE, DENSE),
    Case("a dense layer, back", dense_back, DENSE + (N * K + K * D + D) * F, 32_416),
)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_bytes_moved_are_those_of_the_table(case: Case) -> None:
    assert case.least <= case.moved
    assert case.build().cost().bytes == case.moved
