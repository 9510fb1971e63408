"""Pooling, transposed convolution, folding and interpolation: conventions, open sizes, and what is refused."""

from collections.abc import Callable

import numpy as np
import pytest

import graphc as gx
from tests.test_conventions import slope

X = gx.input("x", (2, 4, 5, 6))
N = gx.input("y", ("n", 3, "h", "w"))


def test_a_norm_of_zeros_has_slope_0() -> None:
    assert slope(lambda x: gx.lp_pool(x, 2, (2,)), [0.0, 0.0, 3.0, 4.0]) == pytest.approx([0, 0, 0.6, 0.8])


def test_fold_undoes_unfold_where_windows_tile() -> None:
    columns = gx.unfold(X, (5, 3), stride=(5, 3))
    value = np.random.default_rng(0).standard_normal((2, 4, 5, 6)).astype(np.float32)
    assert columns.shape == (2, 60, 2)
    np.testing.assert_array_equal(gx.evaluate(gx.fold(columns, (5, 6), (5, 3), stride=(5, 3)), {X: value}), value)


def test_a_transposed_convolution_is_the_gradient_of_a_convolution() -> None:
    w = gx.input("w", (7, 4, 3, 2))
    y = gx.conv2d(X, w, stride=(2, 4), padding=1)
    back = gx.conv_transpose2d(y, w, stride=(2, 4), padding=1, output_padding=(0, 2))
    rng = np.random.default_rng(0)
    values = {x: rng.standard_normal(x.shape).astype(np.float32) for x in (X, w)}
    found, expected = gx.evaluate([back, gx.vjp(y, X, y)], values)
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-3)


def test_open_extents_are_doubled() -> None:
    h, w = N.shape[2:]
    kernel = gx.input("w", (3, 5, 2, 2))
    assert gx.conv_transpose2d(N, kernel, stride=2).shape == (N.shape[0], 5, 2 * h, 2 * w)
    assert gx.interpolate(N, scale=2, mode="bilinear").shape == (N.shape[0], 3, 2 * h, 2 * w)
    assert gx.global_avg_pool(N).shape == (N.shape[0], 3, 1, 1)
    assert gx.conv2d(N, gx.input("v", (5, 3, 2, 3)), padding="full").shape == (N.shape[0], 5, h + 1, w + 2)


def test_parts_of_an_open_extent_are_equal_or_the_call_fails() -> None:
    f = gx.compile([N], gx.adaptive_max_pool(N, (2, 1)))
    assert f(np.zeros((1, 3, 4, 5), np.float32)).shape == (1, 3, 2, 1)
    with pytest.raises(gx.ShapeError, match="the numbers of elements differ"):
        f(np.zeros((1, 3, 5, 5), np.float32))


@pytest.mark.parametrize("pool", [gx.max_pool, gx.avg_pool, lambda x, *w, **o: gx.lp_pool(x, 2, *w, **o)])
def test_padding_of_pooling_is_at_most_half_of_the_window(pool: Callable[..., gx.Node]) -> None:
    assert pool(X, 2, padding=1).shape == (2, 4, 3, 4)
    assert pool(X, 3, padding=2, dilation=2).shape == (2, 4, 2, 2)
    for options in ({"padding": 2}, {"padding": ((0, 2), 0)}, {"padding": (0, 3), "dilation": 2}):
        with pytest.raises(gx.ShapeError, match=r"pool: the padding is more than half of the window, [23] and 1"):
            pool(X, 2, **options)


def test_padding_of_pooling_by_a_size_is_looked_at_when_called() -> None:
    f = gx.compile([N], gx.max_pool(N, 3, padding=N.shape[3]))
    assert f(np.ones((1, 3, 4, 1), np.float32)).max() == 1
    with pytest.raises(gx.ShapeError, match="max_pool: the padding is more than half of the window, 2 and min"):
        f(np.ones((1, 3, 4, 2), np.float32))


@pytest.mark.parametrize(
    ("build", "error", "told"),
    [
        (lambda: gx.adaptive_avg_pool(X, 4), gx.ShapeError, "4 equal parts of an extent of 5"),
        (lambda: gx.max_pool(X[0, 0, 0], 2), gx.ShapeError, "max_pool: 2 axes of an array of rank 1"),
        (lambda: gx.lp_pool(X, 0, 2), gx.ArgumentError, "p is a positive number, not 0"),
        (lambda: gx.max_pool(X, 2, dilation=0), gx.ArgumentError, "dilation is a positive int"),
        (lambda: gx.unfold(X[0, 0], 2), gx.ShapeError, "unfold: the array has rank 2"),
        (lambda: gx.fold(X[0], (4, 4), 2), gx.ShapeError, "fold: 6 columns, not 9"),
        (lambda: gx.fold(X[0], (3, 4), 2), gx.ShapeError, "fold: 1 rows, beyond whole windows, not 0"),
        (lambda: gx.interpolate(X), gx.ArgumentError, "one size, or one scale, for each of 2 axes"),
        (lambda: gx.interpolate(X, 3, mode="trilinear"), gx.ArgumentError, "no mode 'trilinear' for 2 axes"),
        (lambda: gx.interpolate(X, 3, align_corners=True), gx.ArgumentError, "no meaning for 'nearest'"),
        (lambda: gx.interpolate(N, scale=1.5), gx.ArgumentError, "1.5 times an extent of h is no size"),
        (lambda: gx.interpolate(X[0, 0], 3), gx.ShapeError, "its axes are [n, c, ...]"),
        (lambda: gx.conv_transpose2d(X, gx.zeros((3, 4, 2, 2))), gx.ShapeError, "the channels of the array first"),
        (lambda: gx.conv_transpose2d(X, gx.zeros((4, 3, 2))), gx.ShapeError, "the kernel has rank 3, not 4"),
        (lambda: gx.conv_transpose2d(X, gx.zeros((4, 3, 2, 2)), groups=3), gx.ShapeError, "4 channels do not fall"),
        (
            lambda: gx.conv_transpose2d(X, gx.zeros((4, 3, 2, 2)), output_padding=1),
            gx.ArgumentError,
            "not less than the stride",
        ),
        (lambda: gx.conv_transpose2d(X, gx.zeros((4, 3, 2, 2)), padding=4), gx.ShapeError, "leaves nothing"),
    ],
    ids=range(17),
)
def test_what_has_no_meaning_is_refused(build: Callable[[], object], error: type[Exception], told: str) -> None:
    with pytest.raises(error) as raised:
        build()
    assert told in str(raised.value)


def test_a_pool_of_bools_is_whether_one_holds() -> None:
    x = np.zeros((4, 4), bool)
    x[1, 2] = True
    np.testing.assert_array_equal(gx.evaluate(gx.max_pool(x, 2)), [[False, True], [False, False]], strict=True)
    assert not gx.evaluate(gx.max_pool(np.zeros((1, 1), bool), 3, padding=1))
