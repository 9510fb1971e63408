"""Exponentials that add up to one, of something and of nothing."""

from collections.abc import Callable

import numpy as np
import pytest

import graphc as gx

FUNCTIONS = [gx.softmax, gx.log_softmax, gx.logsumexp]


@pytest.mark.parametrize("function", FUNCTIONS, ids=lambda f: f.__name__)
@pytest.mark.parametrize("axis", [0, 1])
@pytest.mark.parametrize("extent", ["n", 0])
@pytest.mark.parametrize("level", [0, 2])
def test_of_nothing_there_is_no_nan(
    function: Callable[[gx.Node, int], gx.Node], axis: int, extent: str | int, level: int
) -> None:
    x, t = gx.input("x", (2, extent), "float64"), gx.input("t", (2, extent), "float64")
    y = function(x, axis)
    slope = gx.grad(gx.sum(gx.square(y)), x)
    f = gx.compile([x, t], [y, slope, gx.jvp(y, x, t), gx.grad(gx.sum(gx.square(slope)), x)], level=level)
    nothing = np.zeros((2, 0))
    found = f(nothing, nothing)
    assert [a.shape[-1] for a in found[1::2]] == [0, 0]
    assert not any(np.isnan(a).any() for a in found)
    if function is gx.logsumexp and axis == 1:
        assert found[0].tolist() == [-np.inf, -np.inf]
        assert found[2].tolist() == [0, 0]
    if extent == "n":
        X = np.arange(6.0).reshape(2, 3)
        np.testing.assert_allclose(f(X, X)[0], gx.evaluate(function(gx.constant(X), axis)))


def test_an_extreme_of_nothing_is_still_refused() -> None:
    x = gx.input("x", ("n",))
    for extreme in (gx.max, gx.min, gx.argmax):
        with pytest.raises(gx.ShapeError, match="nothing has no extreme"):
            gx.evaluate(extreme(x), {x: np.zeros(0, np.float32)})
