"""Kernels walked in blocks of rows: the same values as in one piece, whatever the rows are."""

import numpy as np
import pytest

import graphc as gx
from graphc.backends.numpy.kernels import BLOCK_ELEMENTS
from graphc.kernel.arrays import Array

ROWS = 3 * BLOCK_ELEMENTS + 17


def build(x: gx.Node, c: gx.Node) -> list[gx.Node]:
    y = gx.exp(x * 0.01) * 2 + x
    return [y, gx.where(c, y, y), gx.where(c, 0.0, y), gx.where(c, y, 0.0) - x, gx.where(c & (x > 0), c, x < -1), y * c]


def expected(x: Array, c: Array) -> list[Array]:
    y = np.exp(x * 0.01) * 2 + x
    return [y, y, np.where(c, 0, y), np.where(c, y, 0) - x, np.where(c & (x > 0), c, x < -1), y * c]


@pytest.mark.parametrize("level", [0, 2])
@pytest.mark.parametrize("extent", [ROWS, "n"])
def test_a_long_vector_in_blocks(level: int, extent: int | str) -> None:
    x, c = gx.input("x", (extent,), "float64"), gx.input("c", (extent,), "bool")
    f = gx.compile([x, c], build(x, c), level=level, backend="numpy")
    rng = np.random.default_rng(0)
    for rows in [ROWS] if isinstance(extent, int) else [ROWS, BLOCK_ELEMENTS, BLOCK_ELEMENTS + 1, 1, 0]:
        X, C = rng.standard_normal(rows), rng.random(rows) < 0.5
        for one, other in zip(f(X, C), expected(X, C), strict=True):
            np.testing.assert_allclose(one, other, rtol=1e-14, atol=1e-14)


@pytest.mark.parametrize("shape", [(ROWS // 40, 40), (2, ROWS), (ROWS, 1), (300, 1, 700)])
def test_rows_with_folds_in_blocks(shape: tuple[int, ...]) -> None:
    x = gx.input("x", shape, "float64")
    last = len(shape) - 1
    outputs = [gx.softmax(x, last), gx.mean(x, last), x - gx.max(x, last, keepdims=True), gx.argmax(x, last)]
    f = gx.compile([x], outputs, backend="numpy")
    X = np.random.default_rng(1).standard_normal(shape)
    e = np.exp(X - X.max(-1, keepdims=True))
    wanted = [e / e.sum(-1, keepdims=True), X.mean(-1), X - X.max(-1, keepdims=True), X.argmax(-1)]
    for one, other in zip(f(X), wanted, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-12, atol=1e-14)


def test_a_long_vector_is_walked_in_blocks() -> None:
    x = gx.input("x", (ROWS,))
    several, one = gx.exp(x * 2) + 1, gx.exp(x)
    assert " = blocks(" in gx.compile([x], several, backend="numpy").source
    assert " = blocks(" not in gx.compile([x], one, backend="numpy").source


@pytest.mark.parametrize("rows", [2, BLOCK_ELEMENTS + 3])
def test_a_variable_is_set_in_place_block_by_block(rows: int) -> None:
    start = np.random.default_rng(2).standard_normal(rows)
    w, x = gx.param("w", start), gx.input("x", (rows,), "float64")
    f = gx.compile([x], [], updates={w: gx.where(x > 0, w, gx.tanh(w) * 0.5 - x)}, backend="numpy")
    X = np.random.default_rng(3).standard_normal(rows)
    f(X)
    np.testing.assert_allclose(w.value, np.where(X > 0, start, np.tanh(start) * 0.5 - X), rtol=1e-14)
    assert f.memory().total_bytes < 8 * BLOCK_ELEMENTS * 4


@pytest.mark.parametrize("level", [1, 2])
def test_bits_of_scratch_are_seen_in_a_block_of_one_row(level: int) -> None:
    x = gx.input("x", (2, "n"), "float16")
    f = gx.compile([x], gx.std(x, 0, keepdims=True), level=level, backend="numpy")
    np.testing.assert_array_equal(f(np.array([[1, 2], [3, 2]], np.float16)), [[1, 0]])
