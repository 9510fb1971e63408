"""Kernels over many rows walk them in blocks."""

import numpy as np
import pytest

import graphc as gx


@pytest.mark.parametrize("rows", [0, 1, 511, 512, 513, 1500])
def test_a_mask_over_blocks_keeps_every_bit(rows: int) -> None:
    x, y = gx.input("x", ("n", 128)), gx.input("y", ("n", 128))
    f = gx.compile([x, y], [gx.where(x > 0.5, y, 0.0), gx.where(x > 0.5, x * y, 0.0)], backend="numpy")
    assert "np.bitwise_and" in f.source
    assert "select(" not in f.source
    rng = np.random.default_rng(0)
    a = rng.random((rows, 128), np.float32)
    b = rng.choice(np.array([1.5, -0.0, np.inf, np.nan], "float32"), (rows, 128))
    with np.errstate(all="ignore"):
        expected = [np.where(a > 0.5, b, np.float32(0)), np.where(a > 0.5, a * b, np.float32(0))]
    for found, wanted in zip(f(a, b), expected, strict=True):
        np.testing.assert_array_equal(found.view("int32"), wanted.view("int32"))


def test_what_a_block_sees_is_bound_once() -> None:
    x, w = gx.input("x", ("n", 64)), gx.input("w", (64, 64))
    f = gx.compile([x, w], gx.exp(gx.tanh(x @ w)) @ w, backend="numpy")
    bind, _, run = f.source.partition("def run")
    assert bind.count("def block0(start, stop):") == 1
    assert "[start:stop]" not in run
