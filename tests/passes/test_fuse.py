"""What fusing must keep."""

from collections.abc import Callable
from typing import Literal

import numpy as np
import pytest

import graphc as gx
from graphc.kernel.pattern import pattern_of
from graphc.kernel.steps import Kernel


@pytest.mark.parametrize("level", [0, 1, 2])
def test_a_node_of_which_one_reader_needs_a_row_is_computed_whole_for_the_others(level: int) -> None:
    x = gx.input("x", (2, 4), "float64")
    y = gx.tanh(x)
    f = gx.compile([x], [gx.sum(y), (1 - y * y)[0] * 2], level=level)
    X = np.random.default_rng(0).standard_normal((2, 4))
    total, row = f(X)
    np.testing.assert_allclose(total, np.tanh(X).sum())
    np.testing.assert_allclose(row, 2 - 2 * np.tanh(X[0]) ** 2)


def test_level_0_gives_every_op_a_kernel_of_its_own() -> None:
    x = gx.input("x", (8, 4))
    y = gx.sum(gx.exp(x) * 2.0 - 1.0, axis=1)
    alone = gx.compile([x], y, level=0)
    fused = gx.compile([x], y)
    assert [sum(isinstance(step, Kernel) for step in f.program.steps) for f in (alone, fused)] == [4, 1]
    X = np.random.default_rng(0).standard_normal((8, 4)).astype("float32")
    np.testing.assert_allclose(alone(X), fused(X), rtol=1e-6)


@pytest.mark.parametrize("level", [0, 1, 2])
@pytest.mark.parametrize("shape", [(1, 4), (4, 1), (1, 1), (1,), (2, 1, 3), (1, 2, 1)])
def test_a_unit_starts_with_a_fold_over_an_axis_of_one_element(level: int, shape: tuple[int, ...]) -> None:
    x = gx.input("x", shape, "float64")
    X = np.random.default_rng(0).standard_normal(shape)
    for axis in range(len(shape)):
        outputs = [
            gx.sum(gx.tanh(x), axis), gx.max(x, axis), gx.argmax(x, axis), gx.prod(x + 1, axis), gx.mean(x, axis) * 2,
            gx.max_with_index(x, axis)[1], gx.sum(x, axis, keepdims=True) + x, gx.softmax(x, axis),
            gx.sum(x), gx.grad(gx.sum(gx.max(x, axis)), x),
        ]  # fmt: skip
        e = np.exp(X - X.max(axis, keepdims=True))
        expected = [
            np.tanh(X).sum(axis), X.max(axis), X.argmax(axis), (X + 1).prod(axis), X.mean(axis) * 2, X.argmax(axis),
            X.sum(axis, keepdims=True) + X, e / e.sum(axis, keepdims=True), X.sum(), X.max(axis, keepdims=True) == X,
        ]  # fmt: skip
        together = gx.compile([x], outputs, level=level)(X)
        alone = [gx.compile([x], y, level=level)(X) for y in outputs]
        for found in (together, alone):
            for one, other in zip(found, expected, strict=True):
                np.testing.assert_allclose(one, other, atol=1e-12)


@pytest.mark.parametrize("backend", ["numpy", "llvm"])
@pytest.mark.parametrize("step", [lambda h: h + gx.tanh(h) * 0.5, lambda h: h * gx.sin(h) + gx.exp(-h * h)])
def test_kernels_of_an_unrolled_loop_are_alike(
    step: Callable[[gx.Node], gx.Node], backend: Literal["numpy", "llvm"]
) -> None:
    """However long it is, and wherever a round of it would be cut if kernels were as large as they may be."""
    found = []
    for depth in (200, 400):
        x = gx.input("x", (4, 8))
        h = x
        for _ in range(depth):
            h = step(h)
        f = gx.compile([x], list(gx.value_and_grad(gx.sum(h), x)), backend=backend)
        kernels = [each for each in f.program.steps if isinstance(each, Kernel)]
        found.append((len(kernels), len({pattern_of(kernel)[0] for kernel in kernels})))
    (few, _), (more, patterns) = found
    assert more > 1.5 * few
    assert patterns < 9
