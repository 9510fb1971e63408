"""Sizes that do not fit are told before anything is placed or bound: with the op and the user's line."""

from collections.abc import Callable

import numpy as np
import pytest

import graphc as gx

N, M = gx.size("n"), gx.size("m")
LEVELS = pytest.mark.parametrize("level", [0, 1, 2])


def ones(*shape: int) -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
    return np.ones(shape, np.float32)


@LEVELS
@pytest.mark.parametrize(
    "build",
    [
        lambda x: gx.sum(gx.cumsum(gx.broadcast_to(gx.sum(x), (N - 5,)))),
        lambda x: gx.sum(gx.iota(N - 5)) + gx.sum(x),
        lambda x: gx.sum(gx.ones((N - 5,))) + gx.sum(x),
        lambda x: gx.sum(gx.eye(N - 5)) + gx.sum(x),
        lambda x: gx.sort(gx.broadcast_to(gx.sum(x), (N - 5,))),
    ],
    ids=["cumsum", "iota", "ones", "eye", "sort"],
)
def test_a_negative_extent_is_told_when_called(build: Callable[[gx.Node], gx.Node], level: int) -> None:
    x = gx.input("x", ("n",))
    f = gx.compile([x], build(x), level=level)
    assert np.isfinite(f(ones(7))).all()
    with pytest.raises(gx.ShapeError, match=r"the extent n - 5 is negative") as caught:
        f(ones(3))
    assert "test_checked_sizes.py" in str(caught.value)
    with pytest.raises(gx.ShapeError, match="is negative"):
        f.memory(n=3)


@LEVELS
@pytest.mark.parametrize("extent", [1, 2, 3, 4])
def test_a_kernel_larger_than_an_image_is_told_when_called(extent: int, level: int) -> None:
    x, w = gx.input("x", (1, 1, "h", "w")), gx.param("w", ones(1, 1, 5, 5))
    for y in (gx.conv2d(x, w), gx.grad(gx.sum(gx.square(gx.conv2d(x, w))), w)):
        f = gx.compile([x], y, level=level)
        with pytest.raises(gx.ShapeError, match="conv2d") as caught:
            f(ones(1, 1, extent, extent))
        assert "test_checked_sizes.py" in str(caught.value)


@LEVELS
def test_a_size_divided_by_0_names_the_op_and_the_line(level: int) -> None:
    x, y = gx.input("x", ("n",)), gx.input("y", ("m",))
    f = gx.compile([x, y], gx.reshape(x, (M, -1)) + gx.sum(y), level=level)
    assert f(ones(6), ones(3)).shape == (3, 2)
    with pytest.raises(gx.ShapeError, match=r"n//m divides by 0, where m = 0, n = 6") as caught:
        f(ones(6), ones(0))
    assert "test_checked_sizes.py" in str(caught.value)


@LEVELS
@pytest.mark.parametrize("shape", [(0,), (0, 3), (3, 0)])
def test_nothing_is_rolled_as_in_numpy(shape: tuple[int, ...], level: int) -> None:
    x = gx.input("x", tuple(f"n{axis}" for axis in range(len(shape))))
    for axis in (None, 0):
        f = gx.compile([x], gx.roll(x, 2, axis), level=level)
        assert f(ones(*shape)).shape == shape
