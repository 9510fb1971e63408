"""What fusing must keep."""

import numpy as np
import pytest

import graphc as gx


@pytest.mark.parametrize("level", [0, 1, 2])
def test_a_node_of_which_one_reader_needs_a_row_is_computed_whole_for_the_others(level: int) -> None:
    x = gx.input("x", (2, 4), "float64")
    y = gx.tanh(x)
    f = gx.compile([x], [gx.sum(y), (1 - y * y)[0] * 2], level=level)
    X = np.random.default_rng(0).standard_normal((2, 4))
    total, row = f(X)
    np.testing.assert_allclose(total, np.tanh(X).sum())
    np.testing.assert_allclose(row, 2 - 2 * np.tanh(X[0]) ** 2)
