"""Linear algebra at its corners: singular matrices, norms of zero, empty and one by one, what is not finite."""

import itertools
from collections.abc import Callable

import numpy as np
import pytest

from graphc import linalg as la
from graphc.autodiff.reverse import placeholder, pull_back
from graphc.driver import evaluate
from graphc.errors import ArgumentError, ShapeError
from graphc.ir.arithmetic import sum_over, zeros_like
from graphc.ir.declare import input
from graphc.ir.leaves import constant_array
from graphc.ir.node import Node
from graphc.ir.operands import mul
from graphc.ops.norms import Order
from graphc.sizes import symbol
from graphc.types import DTYPES, TensorType
from tests.case import Array

NAN, INF = np.nan, np.inf


def value(build: Callable[[Node], Node], a: Array) -> Array:
    x = input("a", a.shape, a.dtype)
    with np.errstate(all="ignore"):
        return np.asarray(evaluate([build(x)], {x: a})[0])


def slope(build: Callable[[Node], Node], a: Array) -> Array:
    """The gradient of the sum of a function."""
    return along(build, a, np.ones(()), 0)


def along(build: Callable[[Node], Node], a: Array, direction: Array, order: int) -> Array:
    """The gradient of the derivative of some order along a direction."""
    x = input("a", a.shape, a.dtype)
    y = build(x)
    for step in range(order + 1):
        (found,) = pull_back([sum_over(y, tuple(range(y.ndim)))], [constant_array(np.ones((), a.dtype))], [x])
        found = zeros_like(x) if found is None else found
        y = found if step == order else mul(found, constant_array(direction))
    with np.errstate(all="ignore"):
        return np.asarray(evaluate([y], {x: a})[0])


# Determinants of singular matrices.


def minors(a: Array) -> Array:
    """The matrix of cofactors, by its definition."""
    found = np.empty_like(a)
    for i, j in np.ndindex(*a.shape):
        found[i, j] = (-1) ** (i + j) * np.linalg.det(np.delete(np.delete(a, i, 0), j, 1))
    return found


def mixed(a: Array, rows: tuple[int, ...], columns: tuple[int, ...]) -> float:
    """The derivative of the determinant by the elements at some rows and columns: a signed minor."""
    if len(set(rows)) < len(rows) or len(set(columns)) < len(columns):
        return 0.0
    rest = np.delete(np.delete(a, rows, 0), columns, 1)
    sign = (-1) ** (sum(rows) + sum(columns)) * _parity(rows) * _parity(columns)
    return float(sign * np.linalg.det(rest))


def _parity(places: tuple[int, ...]) -> int:
    return -1 if sum(i > j for i, j in itertools.combinations(places, 2)) % 2 else 1


def of_rank(n: int, rank: int) -> Array:
    rng = np.random.default_rng(n + 10 * rank)
    return np.asarray(rng.integers(-3, 4, (n, rank)) @ rng.integers(-3, 4, (rank, n)), np.float64)


@pytest.mark.parametrize(("n", "rank"), [(2, 1), (3, 2), (4, 4), (4, 3), (4, 2), (5, 4), (6, 3), (4, 0), (1, 0)])
def test_the_derivatives_of_det_are_minors(n: int, rank: int) -> None:
    a = of_rank(n, rank)
    np.testing.assert_allclose(slope(la.det, a), minors(a), atol=1e-9)
    for i, j in [(0, 0), (n - 1, 0)]:
        unit = np.zeros((n, n))
        unit[i, j] = 1
        wanted = [[mixed(a, (i, k), (j, m)) for m in range(n)] for k in range(n)]
        np.testing.assert_allclose(along(la.det, a, unit, 1), wanted, atol=1e-9)


@pytest.mark.parametrize(("n", "rank"), [(4, 1), (4, 2), (5, 2), (6, 3), (5, 1), (3, 0)])
def test_the_third_derivative_of_det_is_a_minor(n: int, rank: int) -> None:
    a, ones = of_rank(n, rank), np.ones((n, n))
    wanted = np.zeros((n, n))
    for k, m in np.ndindex(n, n):
        pairs = itertools.product(np.ndindex(n, n), repeat=2)
        wanted[k, m] = sum(mixed(a, (i, p, k), (j, q, m)) for (i, j), (p, q) in pairs)
    np.testing.assert_allclose(along(la.det, a, ones, 2), wanted, atol=1e-8)


def test_det_along_a_size_has_a_gradient_at_singular_matrices() -> None:
    n = symbol("n")
    x = placeholder(TensorType((n, n), np.dtype(np.float64)))
    (back,) = pull_back([la.det(x)], [constant_array(np.ones(()))], [x])
    assert back is not None
    for a in (of_rank(2, 1), of_rank(4, 3), of_rank(1, 0), of_rank(5, 3)):
        np.testing.assert_allclose(evaluate([back], {x: a})[0], minors(a), atol=1e-9)


def test_det_whose_product_overflows_midway_is_finite() -> None:
    a = np.diag([1e200, 1e200, 1e-200, 1e-200])
    assert value(la.det, a) == pytest.approx(1, rel=1e-12)
    assert value(la.det, a[::-1].copy()[::-1][::-1].copy()) == pytest.approx(1, rel=1e-12)


def test_a_singular_matrix_has_a_determinant_of_0_and_no_inverse() -> None:
    a = np.array([[1.0, 2.0], [2.0, 4.0]])
    assert value(la.det, a) == 0
    assert value(lambda x: la.slogdet(x)[0], a) == 0
    assert value(lambda x: la.slogdet(x)[1], a) == -INF
    assert not np.isfinite(value(la.inv, a)).all()


def test_one_singular_matrix_leaves_the_others_alone() -> None:
    a = np.array([[[1.0, 2.0], [2.0, 4.0]], [[2.0, 0.0], [0.0, 4.0]]])
    np.testing.assert_array_equal(value(la.inv, a)[1], [[0.5, 0], [0, 0.25]])


@pytest.mark.parametrize("factor", [1e-30, 1e8, 1e30])
@pytest.mark.parametrize("order", [0, 1])
def test_the_derivative_of_expm_is_as_exact_along_large_directions(factor: float, order: int) -> None:
    a, direction = np.array([[0.5, 0.2], [-0.3, 0.1]]), np.ones((2, 2))
    found = along(lambda x: mul(la.expm(x), constant_array(np.full((), factor))), a, direction, order)
    np.testing.assert_allclose(found, factor * along(la.expm, a, direction, order), rtol=1e-13)


# What is not finite, nothing, and one.

FUNCTIONS: dict[str, Callable[[Node], Node]] = {
    "inv": la.inv,
    "det": la.det,
    "slogdet": lambda x: la.slogdet(x)[1],
    "lu": lambda x: la.lu(x)[2],
    "qr": lambda x: la.qr(x)[1],
    "eigh": lambda x: la.eigh(x)[0],
    "svd": lambda x: la.svd(x)[1],
    "pinv": la.pinv,
    "expm": la.expm,
    "cond": la.cond,
}
EVERY = pytest.mark.parametrize("build", FUNCTIONS.values(), ids=FUNCTIONS)


@EVERY
@pytest.mark.parametrize("bad", [NAN, INF])
@pytest.mark.parametrize("n", [1, 2, 4])
def test_what_is_not_finite_raises_nothing(build: Callable[[Node], Node], bad: float, n: int) -> None:
    a = np.eye(n)
    a[n - 1, n - 1] = bad
    found = value(build, a)
    assert not (np.isnan(bad) and np.isfinite(found).all())
    assert slope(build, a).shape == a.shape


@pytest.mark.parametrize("name", ["inv", "det", "slogdet", "lu", "qr", "eigh", "svd", "pinv", "expm"])
def test_matrices_without_rows(name: str) -> None:
    a = np.zeros((2, 0, 0))
    found = value(FUNCTIONS[name], a)
    np.testing.assert_array_equal(found, np.ones(2) if name == "det" else np.zeros(found.shape))
    assert slope(FUNCTIONS[name], a).shape == (2, 0, 0)


@pytest.mark.parametrize("shape", [(0, 3), (3, 0)], ids=str)
def test_empty_rectangles(shape: tuple[int, int]) -> None:
    a = np.zeros(shape)
    assert value(lambda x: la.qr(x)[1], a).shape == (0, shape[1])
    assert value(lambda x: la.svd(x)[1], a).shape == (0,)
    assert value(la.pinv, a).shape == shape[::-1]
    np.testing.assert_array_equal(value(lambda x: la.lu(x)[0], a), np.eye(shape[0]))
    assert value(la.norm, a) == 0


@EVERY
def test_one_by_one(build: Callable[[Node], Node]) -> None:
    assert np.isfinite(value(build, np.array([[2.0]]))).all()
    assert np.isfinite(slope(build, np.array([[2.0]]))).all()


# Norms.


@pytest.mark.parametrize("order", [0.5, 1, 1.5, 2, 3, INF, -INF, 0])
@pytest.mark.parametrize("depth", [0, 1, 2])
def test_a_norm_has_no_slope_at_0(order: float, depth: int) -> None:
    zeros = np.zeros((2, 3))
    np.testing.assert_array_equal(
        along(lambda x: la.vector_norm(x, order, 1) + sum_over(x * x * x * x, (1,)), zeros, np.ones((2, 3)), depth), 0
    )


@pytest.mark.parametrize("order", ["fro", "nuc", 1, -1, 2, -2, INF, -INF])
def test_a_norm_of_matrices_has_no_slope_at_0(order: Order) -> None:
    np.testing.assert_array_equal(slope(lambda x: la.matrix_norm(x, order), np.zeros((3, 3))), 0)


@pytest.mark.parametrize("order", [0.5, 1, 1.5, 2, 3])
def test_an_element_of_0_has_no_slope_in_a_norm(order: float) -> None:
    found = slope(lambda x: la.vector_norm(x, order), np.array([0.0, 3.0]))
    assert found[0] == 0
    assert found[1] == pytest.approx(1)


def test_a_negative_order_of_a_vector_with_a_0_is_0() -> None:
    assert value(lambda x: la.norm(x, -1), np.array([0.0, 3.0])) == 0


# dtypes and mistakes.


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float32", "float64"])
def test_floats_keep_their_dtype(dtype: str) -> None:
    a = np.array([[2.0, 1.0], [1.0, 3.0]], DTYPES[dtype])
    for build in FUNCTIONS.values():
        assert value(build, a).dtype == DTYPES[dtype]
    assert la.solve(input("a", (2, 2), dtype), input("b", (2,), dtype)).dtype == DTYPES[dtype]


def test_integers_are_computed_in_float32() -> None:
    found = value(la.det, np.array([[2, 1], [1, 3]]))
    assert found.dtype == np.float32
    assert found == 5


@EVERY
def test_a_vector_is_no_matrix(build: Callable[[Node], Node]) -> None:
    with pytest.raises(ShapeError, match="a matrix has 2 axes or more, not 1"):
        build(input("a", (3,)))


@pytest.mark.parametrize("name", ["inv", "det", "slogdet", "eigh", "expm"])
def test_a_rectangle_is_no_square(name: str) -> None:
    with pytest.raises(ShapeError, match="the matrix is not square, 3 by 2"):
        FUNCTIONS[name](input("a", (3, 2)))


def test_an_order_that_is_none_of_matrices() -> None:
    with pytest.raises(ArgumentError, match="3 is no order of a matrix"):
        la.norm(input("a", (3, 2)), 3)


def test_the_product_of_many_takes_the_cheapest_order() -> None:
    a, b, c = input("a", (10, 1000), "float64"), input("b", (1000, 5), "float64"), input("c", (5, 50), "float64")
    first = la.multi_dot([a, b, c])
    assert [x.shape for x in first.inputs] == [(10, 5), (5, 50)]
    second = la.multi_dot([c.T, b.T, a.T])
    assert [x.shape for x in second.inputs] == [(50, 5), (5, 10)]


def test_pinv_of_a_matrix_of_lower_rank() -> None:
    a = np.outer([1.0, 2.0], [3.0, 4.0, 5.0])
    np.testing.assert_allclose(value(la.pinv, a), np.linalg.pinv(a), atol=1e-15)
    assert np.isfinite(slope(la.pinv, a)).all()


def test_eigenvalues_that_are_equal_have_first_derivatives() -> None:
    np.testing.assert_allclose(slope(lambda x: la.eigvalsh(x) * la.eigvalsh(x), np.eye(3)), 2 * np.eye(3))


@pytest.mark.parametrize("shape", [(0, 2), (2, 0), (0, 0)])
@pytest.mark.parametrize("extents", [("n", "m"), None])
def test_a_norm_that_is_the_largest_of_nothing_is_0(shape: tuple[int, int], extents: tuple[str, str] | None) -> None:
    x = input("x", extents or shape, "float64")
    a = np.zeros(shape)
    for order in (1, 2, INF):
        found = evaluate([la.matrix_norm(x, order)], {x: a})[0]
        assert found == np.linalg.matrix_norm(a, ord=order) == 0
    np.testing.assert_array_equal(evaluate([la.vector_norm(x, INF, 0)], {x: a})[0], np.zeros(shape[1]))
