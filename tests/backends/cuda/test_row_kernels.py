"""Softmax, layer norm, losses and their gradients: how many kernels they are, what these give, and what they refuse."""

from collections.abc import Callable, Mapping, Sequence

import numpy as np
import pytest

import graphc as gx
from graphc.backends.cuda.emulation.emulator import Emulator
from tests.backends.cuda.calls import Foreign, aligned, on_device
from tests.backends.cuda.emulated import NEEDS_COMPILER, made_at_once, near

SHAPES = ((24, 96), ("n", 96), (24, "m"), ("n", "m"))
Model = tuple[list[gx.Node], list[gx.Node]]  # inputs and outputs


def rows(shape: Sequence[int | str]) -> tuple[gx.Node, gx.Node]:
    """An array, and a cotangent of it."""
    return gx.input("x", shape), gx.input("g", shape)


def softmax(shape: Sequence[int | str]) -> Model:
    x, g = rows(shape)
    y = gx.softmax(x)
    return [x, g], [y, gx.vjp(y, x, g)]


def log_softmax(shape: Sequence[int | str]) -> Model:
    x, g = rows(shape)
    y = gx.log_softmax(x)
    return [x, g], [y, gx.vjp(y, x, g)]


def layer_norm(shape: Sequence[int | str]) -> tuple[list[gx.Node], gx.Node]:
    x, g = rows(shape)
    gain, bias = gx.input("gain", shape[1:]), gx.input("bias", shape[1:])
    shifted = x - gx.mean(x, -1, keepdims=True)
    y = shifted / gx.sqrt(gx.mean(shifted * shifted, -1, keepdims=True) + 1e-5) * gain + bias
    return [x, g, gain, bias], y


def norm_and_slope(shape: Sequence[int | str]) -> Model:
    inputs, y = layer_norm(shape)
    return inputs, [y, gx.vjp(y, inputs[0], inputs[1])]


def norm_and_all_slopes(shape: Sequence[int | str]) -> Model:
    inputs, y = layer_norm(shape)
    x, g, *weights = inputs
    return inputs, [y, *gx.vjp(y, [x, *weights], g)]


def cross_entropy(shape: Sequence[int | str]) -> tuple[list[gx.Node], gx.Node]:
    x, labels = gx.input("x", shape), gx.input("labels", shape[:1], "int64")
    return [x, labels], gx.nn.softmax_cross_entropy(x, labels)


def loss(shape: Sequence[int | str]) -> Model:
    inputs, y = cross_entropy(shape)
    return inputs, [y]


def slope_of_loss(shape: Sequence[int | str]) -> Model:
    inputs, y = cross_entropy(shape)
    return inputs, [gx.grad(y, inputs[0])]


def loss_and_slope(shape: Sequence[int | str]) -> Model:
    inputs, y = cross_entropy(shape)
    return inputs, [y, gx.grad(y, inputs[0])]


#: what is built -> its kernels: of rows, and those that combine what blocks found for all rows
COUNTS: Mapping[Callable[[Sequence[int | str]], Model], int] = {
    softmax: 1,
    log_softmax: 1,
    norm_and_slope: 1,
    norm_and_all_slopes: 3,  # the slopes of gain and of bias
    loss: 2,  # the sum, and whether a label is out of range
    slope_of_loss: 2,  # whether one is
    loss_and_slope: 2,
}


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("build", COUNTS, ids=lambda build: build.__name__)
def test_rows_are_one_kernel(build: Callable[[Sequence[int | str]], Model], shape: Sequence[int | str]) -> None:
    text = gx.compile(*build(shape), backend="cuda").source
    assert text.count("__global__") == COUNTS[build]
    assert text.count("i < n0; i += i64(gridDim.x)") <= 1  # all rows are walked once


@NEEDS_COMPILER
def test_values_of_rows_of_fixed_and_open_extent() -> None:
    builds = (log_softmax, norm_and_all_slopes, loss_and_slope)
    plain = [gx.compile(*build(shape), backend="numpy") for build in builds for shape in (SHAPES[0], SHAPES[3])]
    rng = np.random.default_rng(0)
    for function, exact in zip(made_at_once(plain, Emulator(3)), plain, strict=True):
        arrays = []
        for x in exact.graph.inputs:
            sizes = [n if isinstance(n, int) else {"n": 24, "m": 96}[str(n)] for n in x.shape]
            is_float = x.dtype.kind == "f"
            arrays.append(rng.standard_normal(sizes).astype(x.dtype) if is_float else rng.integers(0, 96, sizes))
        for found, expected in zip(function(*arrays), exact(*arrays), strict=True):
            near(found, expected)


@NEEDS_COMPILER
def test_labels_on_the_device_are_looked_at_while_rows_are_read() -> None:
    inputs, y = cross_entropy(("n", "m"))
    w = gx.param("w", np.float32(0))
    f, _ = on_device(inputs, y, {w: w + y})
    x = np.random.default_rng(0).standard_normal((9, 5)).astype(np.float32)
    for labels in (np.arange(9) % 5, np.full(9, 4), np.zeros(9, np.int64)):
        before = w.value
        given = Foreign(aligned(labels.astype(np.int64)))
        expected = np.mean([np.log(np.exp(row).sum()) - row[at] for row, at in zip(x, labels, strict=True)])
        near(np.asarray(f(Foreign(aligned(x)), given)), np.float32(expected))
        near(w.value, np.float32(before + expected))
    before = w.value
    for wrong in (-1, 5, 1 << 62, -(1 << 63)):
        labels = np.arange(9) % 5
        labels[7] = wrong
        with pytest.raises(gx.IndexRangeError, match="a label is out of range"):
            f(Foreign(aligned(x)), Foreign(aligned(labels)))
    assert w.value == before


@NEEDS_COMPILER
def test_a_row_of_nothing_has_no_index_in_range() -> None:
    x, i = gx.input("x", ("n", "m")), gx.input("i", ("n", 1), "int64")
    y = gx.sum(x * gx.take_along_axis(x, i, 1), 1)
    assert gx.compile([x, i], y, backend="cuda").source.count("__global__") == 2
    f, _ = on_device([x, i], y)
    for n, m in ((3, 2), (0, 2), (0, 0)):
        found = f(Foreign(aligned(np.ones((n, m), np.float32))), Foreign(aligned(np.full((n, 1), -1))))
        np.testing.assert_array_equal(np.asarray(found), np.full(n, m, np.float32))
    with pytest.raises(gx.IndexRangeError, match="-1 is an index into nothing"):
        f(Foreign(aligned(np.ones((3, 0), np.float32))), Foreign(aligned(np.full((3, 1), -1))))
