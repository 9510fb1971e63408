"""What fusing must keep."""

import numpy as np
import pytest

import graphc as gx
from graphc.kernel.program import Kernel


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
