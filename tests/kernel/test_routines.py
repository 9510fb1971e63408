"""The reference of every routine, against NumPy and SciPy."""

from collections.abc import Sequence
from typing import Literal

import numpy as np
import pytest
import scipy.linalg

from graphc.kernel.arrays import Array
from graphc.kernel.routines import EXTERNS, Option
from graphc.types import BFLOAT16, DTYPES, DType, is_complex
from tests.kernel.building import floats

NAN = np.nan


def sort(x: Array, **options: Option) -> tuple[Array, Array]:
    values, places = np.empty_like(x), np.empty(x.shape, np.int64)
    EXTERNS["sort"].run([x], [values, places], options)
    return values, places


def cholesky(a: Array) -> Array:
    lower = np.empty_like(a)
    with np.errstate(invalid="ignore"):
        EXTERNS["cholesky"].run([a], [lower], {})
    return lower


def triangular_solve(a: Array, b: Array, **options: Option) -> Array:
    x = np.full_like(b, NAN)
    EXTERNS["triangular_solve"].run([a, b], [x], options)
    return x


def matrices(*shape: int) -> Array:
    """Diagonally dominant matrices: well-conditioned triangles, positive definite once symmetric."""
    random = np.random.default_rng(1)
    return random.uniform(-1, 1, shape) + 2 * shape[-1] * np.eye(shape[-1])


def test_name_is_the_key() -> None:
    assert all(name == routine.name for name, routine in EXTERNS.items())


# sort


@pytest.mark.parametrize("dtype", [dtype for dtype in DTYPES.values() if not is_complex(dtype)], ids=str)
def test_sort_agrees_with_numpy(dtype: DType) -> None:
    x = np.random.default_rng(0).integers(0, 5, (2, 3, 9)).astype(dtype)
    values, places = sort(x)
    wanted = np.argsort(x.astype(float), axis=-1, kind="stable")
    np.testing.assert_array_equal(places, wanted)
    np.testing.assert_array_equal(values, np.take_along_axis(x, wanted, -1))


def test_sort_puts_nan_last_and_keeps_their_order() -> None:
    values, places = sort(floats([NAN, np.inf, NAN, -np.inf]))
    np.testing.assert_array_equal(values, [-np.inf, np.inf, NAN, NAN])
    np.testing.assert_array_equal(places, [3, 1, 0, 2])


def test_descending_sort_puts_nan_first_and_keeps_the_order_of_equals() -> None:
    values, places = sort(floats([1, NAN, 2, NAN, 1, np.inf]), descending=True)
    np.testing.assert_array_equal(values, [NAN, NAN, np.inf, 2, 1, 1])
    np.testing.assert_array_equal(places, [1, 3, 5, 2, 0, 4])


def test_sort_keeps_the_order_of_equal_zeros() -> None:
    values, places = sort(floats([0.0, -0.0, 0.0]))
    np.testing.assert_array_equal(places, [0, 1, 2])
    np.testing.assert_array_equal(np.signbit(values), [False, True, False])


@pytest.mark.parametrize("shape", [(0,), (1,), (0, 3), (3, 0)])
def test_sort_of_nothing_or_one(shape: Sequence[int]) -> None:
    np.testing.assert_array_equal(sort(np.zeros(shape))[1], np.zeros(shape))


# cholesky


def test_cholesky_agrees_with_numpy() -> None:
    a = matrices(2, 4, 4)
    a = a + a.transpose(0, 2, 1)
    np.testing.assert_allclose(cholesky(a), np.linalg.cholesky(a), rtol=1e-14)


def test_cholesky_of_complex_numbers_takes_the_real_part_of_the_diagonal() -> None:
    a = np.array([[4 + 7j, NAN], [2j, 5]])
    np.testing.assert_array_equal(cholesky(a), [[2, 0], [1j, 2]])


def test_cholesky_reads_the_lower_triangle_alone() -> None:
    a = np.array([[4.0, NAN], [2.0, 5.0]])
    np.testing.assert_array_equal(cholesky(a), [[2, 0], [1, 2]])


@pytest.mark.parametrize("bad", [[[1.0, 2.0], [2.0, 1.0]], [[0.0, 0.0], [0.0, 1.0]], [[NAN, 0.0], [0.0, 1.0]]])
def test_cholesky_of_what_has_none_is_nan(bad: list[list[float]]) -> None:
    both = cholesky(np.array([bad, [[4.0, 2.0], [2.0, 5.0]]]))
    np.testing.assert_array_equal(both, [[[NAN, NAN], [NAN, NAN]], [[2, 0], [1, 2]]])


def test_cholesky_of_nothing() -> None:
    assert cholesky(np.empty((2, 0, 0))).shape == (2, 0, 0)


def test_cholesky_stays_in_the_dtype() -> None:
    lower = cholesky(np.array([[3.0]], np.float32))
    assert lower[0, 0] == np.sqrt(np.float32(3))


# triangular_solve


@pytest.mark.parametrize("lower", [True, False])
@pytest.mark.parametrize("transposed", [True, False])
@pytest.mark.parametrize("unit", [True, False])
def test_triangular_solve_agrees_with_scipy(lower: bool, transposed: bool, unit: bool) -> None:
    a, b = matrices(4, 4), np.random.default_rng(2).normal(size=(4, 3))
    x = triangular_solve(a, b, lower=lower, transposed=transposed, unit_diagonal=unit)
    trans: Literal[0, 1] = 1 if transposed else 0
    wanted = scipy.linalg.solve_triangular(a, b, lower=lower, trans=trans, unit_diagonal=unit)
    np.testing.assert_allclose(x, wanted, rtol=1e-12)


def test_triangular_solve_is_lower_unless_told() -> None:
    np.testing.assert_array_equal(triangular_solve(floats([[2, NAN], [1, 4]]), floats([[2], [9]])), floats([[1], [2]]))


def test_triangular_solve_goes_through_the_batch() -> None:
    a, b = matrices(2, 3, 3), np.random.default_rng(2).normal(size=(2, 3, 1))
    x = triangular_solve(a, b)
    np.testing.assert_allclose(np.tril(a) @ x, b, atol=1e-15)


def test_triangular_solve_stays_in_the_dtype() -> None:
    x = triangular_solve(np.array([[3]], BFLOAT16), np.array([[1]], BFLOAT16))
    assert x[0, 0] == np.array(1 / 3, BFLOAT16)
