"""Clipping keeps the direction, and touches only what is too long."""

import numpy as np
import pytest

import graphc as gx


def test_long_gradients_are_scaled_to_the_limit_together() -> None:
    a, b = gx.input("a", 2, "float64"), gx.input("b", (), "float64")
    clipped = gx.optim.clip_by_global_norm({"a": a, "b": [b]}, 6.5)
    found = gx.compile([a, b], clipped)(np.array([3.0, 4.0]), 12.0)
    np.testing.assert_allclose(found["a"], [1.5, 2])
    assert found["b"] == [pytest.approx(6)]


@pytest.mark.parametrize("values", [[0.0, 0.0], [3.0, -4.0], [1e-300, 0.0]])
def test_short_gradients_stay_as_they_are(values: list[float]) -> None:
    g = gx.input("g", 2, "float64")
    found = gx.compile([g], gx.optim.clip_by_global_norm(g, 5.0))(np.array(values))
    np.testing.assert_array_equal(found, values)


def test_two_byte_gradients_are_added_up_in_float32() -> None:
    g = gx.input("g", 2, "float16")
    norm, clipped = gx.compile([g], [gx.optim.global_norm(g), gx.optim.clip_by_global_norm(g, 1.0)])(
        np.array([30000, 40000], "float16")
    )
    assert norm == pytest.approx(50000, rel=1e-3)
    np.testing.assert_allclose(clipped.astype("float64"), [0.6, 0.8], rtol=1e-3)
    assert clipped.dtype == np.float16


def test_gradients_that_are_integers_are_refused() -> None:
    with pytest.raises(gx.DTypeError, match="clip_by_global_norm: int64 holds no fraction"):
        gx.optim.clip_by_global_norm(gx.input("g", 3, "int64"), 1.0)
