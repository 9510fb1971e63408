"""Affine indices as slices, transposes and windows."""

from collections.abc import Sequence

import numpy as np
import pytest

import graphc as gx
from graphc.backends.numpy.support import span, windows
from graphc.backends.numpy.views import view_text
from graphc.kernel.affine import AffineIndex
from graphc.kernel.arrays import Array
from graphc.kernel.buffer import Buffer
from graphc.kernel.indices import Affine, affine_of, axes_of, is_plain
from graphc.kernel.scalar import Axis, Const, Fn, Formula
from graphc.sizes import maximum, minimum
from graphc.types import INT64
from tests.kernel.building import N, given, load

I, J, K = Axis(0, 3), Axis(1, 4), Axis(2, 2)  # indices, as in the formulas


def at(*terms: tuple[Axis, int], offset: int = 0) -> Affine:
    return Affine(tuple(terms), offset)


def shown(x: Array, index: Sequence[Affine], dims: Sequence[Axis]) -> Array:
    """The view that the text describes."""
    text = view_text("x", buffer_of(x), index, dims, str)
    return eval(text, {"x": x, "span": span, "windows": windows})  # type: ignore[no-any-return]


def buffer_of(x: Array) -> Buffer:
    return given(0, *x.shape, dtype=x.dtype)


X = np.arange(120).reshape(10, 12)


@pytest.mark.parametrize(
    ("index", "dims"),
    [
        ((at((I, 1)), at((J, 1))), (I, J)),
        ((at((J, 1)), at((I, 1))), (I, J)),
        ((at((I, 2), offset=1), at((J, -1), offset=11)), (I, J)),
        ((at((I, -3), offset=6), at(offset=5)), (I, J)),
        ((at(offset=2), at(offset=3)), (I, J)),
        ((at((J, 1)), at(offset=0)), (I, J, K)),
        ((at((I, 1), (K, 2)), at((J, 1), offset=3)), (I, J, K)),
        ((at((I, 1)), at((I, 1), offset=2)), (I, J)),
        ((at((K, -1), (I, 3), offset=2), at((J, 2))), (I, J, K)),
    ],
)
def test_view_has_the_elements_of_the_index(index: tuple[Affine, ...], dims: tuple[Axis, ...]) -> None:
    found = shown(X, index, dims)
    used = axes_of(index)
    assert found.shape == tuple(axis.extent if axis in used else 1 for axis in dims)
    for point in np.ndindex(found.shape):
        values = dict(zip(dims, point, strict=True))
        place = tuple(part.offset + sum(values[axis] * step for axis, step in part.terms) for part in index)
        assert found[point] == X[place]
    assert np.shares_memory(found, X)


def test_the_whole_of_an_array_needs_no_cut() -> None:
    assert view_text("x", given(0, 3, 4), (at((I, 1)), at((J, 1))), (I, J), str) == "x"


@pytest.mark.parametrize("place", [0, 4])
def test_a_place_that_a_small_array_lacks_is_a_view_of_nothing(place: int) -> None:
    few = Axis(0, minimum(maximum(3 * N - 3 * place, 0), 2))
    text = view_text("x", given(0, N, 3), (at(offset=place), at((few, 1))), (few,), str)
    for n, count in ((0, 0), (place, 0), (place + 1, 2)):
        x = np.arange(3.0 * n).reshape(n, 3)
        found = eval(text, {"x": x, "np": np, "span": span, "min": min, "max": max, "n": n})
        assert found.tolist() == [3.0 * place, 3.0 * place + 1][:count]
        assert not count or np.shares_memory(found, x)


def test_a_place_before_the_first_of_a_small_array_is_a_view_of_nothing() -> None:
    few = Axis(0, minimum(2 * maximum(N - 1, 0), 2))
    text = view_text("x", given(0, N, 3), (Affine((), N - 2), at((few, 1))), (few,), str)
    for n, count in ((0, 0), (1, 0), (2, 2), (3, 2)):
        x = np.arange(3.0 * n).reshape(n, 3)
        found = eval(text, {"x": x, "np": np, "span": span, "min": min, "max": max, "n": n})
        assert found.tolist() == [3.0 * n - 6, 3.0 * n - 5][:count]
        assert not count or np.shares_memory(found, x)


def test_what_folds_to_a_place_in_an_empty_array_is_computed() -> None:
    x = gx.input("x", ("n", 3))
    f = gx.compile([x], gx.reshape(0.1 * x, (1, 1, -1))[..., :2] * 2, backend="numpy")
    assert f(np.zeros((0, 3), np.float32)).shape == (1, 1, 0)
    np.testing.assert_allclose(f(np.ones((1, 3), np.float32)), [[[0.2, 0.2]]], rtol=1e-6)


def test_what_folds_to_a_place_behind_a_small_array_is_computed() -> None:
    x = gx.input("x", ("n", 3))
    f = gx.compile([x], gx.reshape(0.1 * x, (1, 1, -1))[..., 15:17] * 2, backend="numpy")
    assert [f(np.ones((n, 3), np.float32)).shape for n in (0, 3, 6)] == [(1, 1, 0), (1, 1, 0), (1, 1, 2)]


def test_a_row_beside_which_nothing_is_added_up_is_that_row() -> None:
    x, y = gx.input("x", ("n", "m")), gx.input("y", ("m", "k"))
    row = gx.exp(x[1])
    f = gx.compile([x, y], [row, gx.sum(row[:, None] * y, 1)], backend="numpy")
    first, second = f(np.zeros((2, 3), np.float32), np.ones((3, 0), np.float32))
    assert (first.tolist(), second.tolist()) == ([1, 1, 1], [0, 0, 0])


def test_only_a_slice_or_a_transpose_is_plain() -> None:
    assert is_plain((at((I, 2)), at((J, 1))))
    assert not is_plain((at((I, 1)), at((I, 1))))
    assert not is_plain((at((I, 1), (J, 1)),))


def test_lets_are_affine_where_they_are_sums_and_multiples_of_axes() -> None:
    formula = Formula()
    i, j = formula.axis(I), formula.axis(J)
    both = formula.affine(AffineIndex(((0, 2), (1, -1)), N), [i, j])
    product = formula.call(Fn.MUL, (i, j))
    data = load(formula, given(0, 3, dtype=INT64), i)
    shifted = formula.call(Fn.ADD, (data, formula.size(1)))
    found = affine_of(formula.lets)
    assert found[both] == Affine(((I, 2), (J, -1)), N)
    assert [found[k] for k in (product, data, shifted)] == [None] * 3
    assert affine_of([Const("True", True, INT64)]) == [None]
