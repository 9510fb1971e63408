"""Linear algebra of complex matrices, and eigenvalues: closed forms of slopes, what is free, corners, mistakes."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest
import scipy.linalg

import graphc as gx
from graphc import linalg as la
from graphc.ops.matrices import adjoint
from tests.case import Array

Build = Callable[[gx.Node], gx.Node]

RNG = np.random.default_rng(5)
A: Array = RNG.standard_normal((4, 4)) + 1j * RNG.standard_normal((4, 4))
B: Array = RNG.standard_normal((4, 2)) + 1j * RNG.standard_normal((4, 2))
TURN = np.array([[0.0, 1.0], [-1.0, 0.0]])


def value(build: Callable[..., Any], *arrays: Array) -> Any:  # Any: what the function gives, computed
    nodes = [gx.input(f"x{i}", a.shape, a.dtype) for i, a in enumerate(arrays)]
    with np.errstate(all="ignore"):
        return gx.evaluate(build(*nodes), dict(zip(nodes, arrays, strict=True)))


def slope(build: Build, a: Array) -> Array:
    """The gradient of the sum of a function with real values."""
    return np.asarray(value(lambda x: gx.grad(gx.sum(build(x)), x), a))


def squared(x: gx.Node) -> gx.Node:
    """|x|²."""
    return gx.square(gx.real(x)) + gx.square(gx.imag(x))


def holomorphic(build: Build, a: Array, cotangent: Array) -> Array:
    return np.asarray(value(lambda x: gx.vjp(build(x), x, cotangent), a))


# Closed forms.  Gradients are ∂/∂x - i ∂/∂y, and cotangents go through what is holomorphic without a conjugate.


def test_a_system_passes_its_cotangent_to_the_transposed_one() -> None:
    x = np.linalg.solve(A, B)
    np.testing.assert_allclose(value(la.solve, A, B), x)
    back = np.linalg.solve(A.T, np.ones((4, 2)))
    np.testing.assert_allclose(holomorphic(lambda b: la.solve(A, b), B, np.ones((4, 2))), back)
    np.testing.assert_allclose(holomorphic(lambda a: la.solve(a, B), A, np.ones((4, 2))), -back @ x.T)


def test_the_slope_of_a_determinant_is_the_matrix_of_cofactors() -> None:
    wanted = np.linalg.det(A) * np.linalg.inv(A).T
    np.testing.assert_allclose(holomorphic(la.det, A, np.ones(())), wanted)


def test_the_slope_of_the_determinant_of_a_singular_matrix_is_the_matrix_of_cofactors() -> None:
    singular = B @ RNG.standard_normal((2, 4))
    for matrix in (singular, singular + np.outer(A[0], A[1])):
        wanted = [
            [(-1) ** (i + j) * np.linalg.det(np.delete(np.delete(matrix, i, 0), j, 1)) for j in range(4)]
            for i in range(4)
        ]
        np.testing.assert_allclose(holomorphic(la.det, matrix, np.ones(())), wanted, atol=1e-12)


def test_the_slopes_of_slogdet_are_those_of_the_logarithm_of_the_determinant() -> None:
    inverse = np.linalg.inv(A)
    np.testing.assert_allclose(slope(lambda a: la.slogdet(a)[1], A), inverse.T)
    np.testing.assert_allclose(slope(lambda a: gx.angle(la.slogdet(a)[0]), A), -1j * inverse.T)


def test_the_sign_of_a_singular_matrix_is_0() -> None:
    sign, logarithm = value(la.slogdet, np.array([[1, 1j], [1j, -1]]))
    assert (sign, logarithm) == (0, -np.inf)


def test_sums_of_squares_have_twice_the_conjugates_as_slope() -> None:
    np.testing.assert_allclose(slope(lambda a: squared(la.svdvals(a)), A), 2 * A.conj())
    np.testing.assert_allclose(slope(lambda a: squared(la.qr(a, "r")), A), 2 * A.conj())
    made_hermitian = slope(lambda a: gx.square(la.eigvalsh(a + adjoint(a))), A)
    np.testing.assert_allclose(made_hermitian, 4 * (A + A.conj().T).conj())


def test_the_exponential_of_a_multiple_of_i_turns() -> None:
    hermitian = A + A.conj().T
    turn = value(lambda a: la.expm(1j * a), hermitian)
    np.testing.assert_allclose(turn, scipy.linalg.expm(1j * hermitian), atol=1e-12)
    np.testing.assert_allclose(slope(lambda a: squared(la.expm(1j * (a + adjoint(a)))), A), 0, atol=1e-12)


def test_the_slope_of_the_sum_of_eigenvalues_is_the_identity() -> None:
    for matrix in (A, A.real.copy(), np.eye(3)):
        one = np.eye(len(matrix))
        np.testing.assert_allclose(slope(lambda a: gx.real(la.eigvals(a)), matrix), one, atol=1e-12)
        np.testing.assert_allclose(slope(la.eigvalsh, matrix), one, atol=1e-12)


def test_the_slope_of_the_eigenvalues_of_a_real_matrix_is_real() -> None:
    found = slope(lambda a: squared(la.eigvals(a)), TURN)
    assert found.dtype == np.float64
    np.testing.assert_allclose(found, 2 * TURN, atol=1e-12)  # of twice the determinant


def test_the_triangles_of_both_sides_factor_one_matrix() -> None:
    definite = A @ A.conj().T
    lower, upper = value(la.cholesky, definite), value(lambda a: la.cholesky(a, upper=True), definite)
    np.testing.assert_allclose(upper, lower.conj().T)
    np.testing.assert_allclose(upper.conj().T @ upper, definite)


# What is free: phases of vectors, bases of complements.


def test_the_slopes_of_vectors_depend_on_no_phase() -> None:
    turns = np.exp(1j * np.arange(4.0))

    def first_of_eigh(v: gx.Node) -> gx.Node:
        return squared(v[:, 0] @ gx.constant(A[0]))

    def through(turn: Array) -> Array:
        def build(a: gx.Node) -> gx.Node:
            return first_of_eigh(la.eigh(a)[1] * gx.constant(turn)) + first_of_eigh(la.svd(a)[0] * gx.constant(turn))

        return slope(build, A)

    np.testing.assert_allclose(through(turns), through(np.ones(4)), atol=1e-12)


def test_a_vector_keeps_its_length_and_the_phase_of_its_largest_element() -> None:
    direction = RNG.standard_normal((4, 4)) + 1j * RNG.standard_normal((4, 4))
    v = np.asarray(value(lambda a: la.eig(a)[1], A))
    moved = np.asarray(value(lambda a: gx.jvp(la.eig(a)[1], a, direction), A))
    largest = np.argmax(np.abs(v), axis=0), np.arange(4)
    np.testing.assert_allclose(np.sum(v.conj() * moved, axis=0).real, 0, atol=1e-12)
    np.testing.assert_allclose(moved[largest].imag, 0, atol=1e-12)
    step = 1e-6
    after, before = (np.linalg.eig(A + sign * step * direction)[1] for sign in (1, -1))
    np.testing.assert_allclose(moved, (after - before) / (2 * step), atol=1e-7)


def test_eig_of_a_rotation_has_slopes_where_two_elements_are_the_largest() -> None:
    projector = slope(lambda a: squared(la.eig(a)[1][0]), TURN)
    assert np.isfinite(projector).all()


def test_the_projector_on_a_complement_is_what_the_columns_leave() -> None:
    weights = RNG.standard_normal((4, 4))

    def further(q: gx.Node) -> gx.Node:
        return gx.real(q[:, 2:] @ adjoint(q[:, 2:])) * weights

    def left(a: gx.Node) -> gx.Node:
        return -gx.real(a @ la.pinv(a)) * weights

    wanted = slope(left, B)
    np.testing.assert_allclose(slope(lambda a: further(la.qr(a, "complete")[0]), B), wanted, atol=1e-12)
    np.testing.assert_allclose(slope(lambda a: further(la.svd(a, full_matrices=True)[0]), B), wanted, atol=1e-12)


# Values and dtypes.


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("dtype", ["float32", "float64", "complex64", "complex128"])
def test_eigenvalues_have_the_order_and_vectors_the_length_of_numpy(seed: int, dtype: str) -> None:
    rng = np.random.default_rng(seed)
    drawn = rng.standard_normal((2, seed + 1, seed + 1)) + 1j * rng.standard_normal((2, seed + 1, seed + 1))
    a = (drawn if dtype.startswith("complex") else drawn.real).astype(dtype)
    for found, wanted in zip(value(la.eig, a), np.linalg.eig(a), strict=True):
        assert found.dtype.kind == "c"
        np.testing.assert_array_equal(found, wanted)


def test_real_eigenvalues_are_complex_numbers_too() -> None:
    for dtype, wanted in (("int64", "complex64"), ("float16", "complex64"), ("float64", "complex128")):
        assert value(la.eigvals, np.eye(2, dtype=dtype)).dtype == wanted


def test_a_real_matrix_with_a_complex_right_side() -> None:
    a = A.real.copy()
    for build, wanted in (
        (la.solve, np.linalg.solve(a, B)),
        (la.lstsq, np.linalg.lstsq(a, B)[0]),
        (la.triangular_solve, np.linalg.solve(np.tril(a), B)),
    ):
        np.testing.assert_allclose(value(build, a, B), wanted)


def test_a_determinant_whose_product_overflows_midway_is_finite() -> None:
    assert value(la.det, np.diag([1e200, 1e200j, 1e-200, 1e-200])) == pytest.approx(1j, rel=1e-12)


def test_the_parts_of_complex_factors_that_are_real() -> None:
    for node in (la.eigh(gx.constant(A))[0], la.svd(gx.constant(A))[1], la.slogdet(gx.constant(A))[1]):
        assert node.dtype == np.float64
    assert la.cond(gx.constant(A)).dtype == np.float64
    assert la.cond(gx.constant(A), 1).dtype == np.float64


@pytest.mark.parametrize("triangle", ["L", "U", "l", "u"])
def test_eigh_reads_the_triangle_that_is_named(triangle: Any) -> None:  # Any: NumPy takes small letters, unlisted
    np.testing.assert_allclose(value(lambda a: la.eigvalsh(a, triangle), A), np.linalg.eigvalsh(A, triangle))


FUNCTIONS: Sequence[Build] = (
    la.cholesky,
    la.det,
    la.inv,
    la.pinv,
    la.expm,
    la.eigvals,
    la.eigvalsh,
    la.svdvals,
    lambda a: la.eig(a)[1],
    lambda a: la.slogdet(a)[1],
    lambda a: la.lu(a)[2],
    lambda a: la.qr(a, "r"),
)


@pytest.mark.parametrize("build", FUNCTIONS)
@pytest.mark.parametrize("bad", [np.nan, np.inf, complex(0, np.nan), complex(np.nan, np.inf)], ids=str)
def test_what_is_not_finite_raises_nothing(build: Build, bad: complex) -> None:
    a = np.eye(3, dtype=complex)
    a[2, 1] = bad
    assert not np.isnan(bad) or not np.isfinite(value(build, a)).all()
    assert slope(lambda x: gx.real(build(x)), a).shape == (3, 3)


@pytest.mark.parametrize("build", FUNCTIONS)
@pytest.mark.parametrize("n", [0, 1])
def test_matrices_without_rows_and_of_one(build: Build, n: int) -> None:
    a = np.full((2, n, n), 2 + 0j)
    assert np.isfinite(value(build, a)).all()
    assert np.isfinite(slope(lambda x: gx.real(build(x)), a)).all()


@pytest.mark.parametrize("shape", [(3, 0), (0, 3), (3, 2), (2, 3), (0, 0)], ids=str)
def test_full_factors_have_the_shapes_of_numpy(shape: tuple[int, int]) -> None:
    a = np.full(shape, 1j)
    a[:2, :2] = A[: shape[0], : shape[1]][:2, :2]
    q, r = value(lambda x: la.qr(x, "complete"), a)
    u, s, v = value(lambda x: la.svd(x, full_matrices=True), a)
    assert [part.shape for part in (q, r)] == [part.shape for part in np.linalg.qr(a, "complete")]
    for basis in (q, u, v):
        np.testing.assert_allclose(basis @ basis.conj().T, np.eye(len(basis)), atol=1e-14)
    np.testing.assert_allclose(q @ r, a, atol=1e-14)
    np.testing.assert_allclose(u[:, : len(s)] * s @ v[: len(s)], a, atol=1e-14)


def test_the_rank_counts_what_is_above_a_bound() -> None:
    a = np.diag([1.0, 1e-3, 1e-9, 0.0])
    assert value(la.matrix_rank, a) == 3
    assert value(lambda x: la.matrix_rank(x, 0.1), a) == 1
    assert value(lambda x: la.matrix_rank(x, rtol=1e-6), a) == 2
    assert [value(la.matrix_rank, np.array(x)) for x in ([0.0, 0.0], [0.0, 1j], 3.0, 0)] == [0, 1, 1, 0]
    assert value(la.matrix_rank, np.zeros((2, 0, 3))).tolist() == [0, 0]
    assert value(la.matrix_rank, a).dtype == np.int64


def test_the_older_name_of_a_bound() -> None:
    a = np.diag([1.0, 1e-3])
    for build in (lambda x: la.pinv(x, 0.1), lambda x: la.lstsq(x, np.eye(2), 0.1), lambda x: la.pinv(x, rtol=0.1)):
        np.testing.assert_allclose(value(build, a), np.diag([1.0, 0.0]), atol=1e-15)


# Mistakes.

SQUARE = gx.constant(A)
WRONG: Any = "full"  # Any: what no annotation lets through


@pytest.mark.parametrize(
    ("build", "error", "message"),
    [
        (lambda: la.pinv(SQUARE, 0.1, rtol=0.1), gx.ArgumentError, "pinv: rcond and rtol say one thing"),
        (lambda: la.matrix_rank(SQUARE, 0.1, rtol=0.1), gx.ArgumentError, "matrix_rank: tol and rtol say one thing"),
        (lambda: la.qr(SQUARE, WRONG), gx.ArgumentError, "qr: the mode is 'reduced', 'complete' or 'r', not 'full'"),
        (lambda: la.eigh(SQUARE, WRONG), gx.ArgumentError, "eigh: UPLO is"),
        (lambda: la.svd(SQUARE, full_matrices=WRONG), gx.ArgumentError, "svd: full_matrices is True or False"),
        (lambda: la.eig(B), gx.ShapeError, "eig: the matrix is not square, 4 by 2"),
        (lambda: la.tensorinv(np.ones((2, 3, 4))), gx.ShapeError, "6 elements along the first 2 axes, and 4"),
        (lambda: la.tensorinv(np.ones((2, 2)), 0), gx.ArgumentError, "tensorinv: ind"),
        (lambda: la.tensorsolve(np.ones((2, 3, 6)), np.ones((3, 2))), gx.ShapeError, "tensorsolve: the first extents"),
        (lambda: la.tensorsolve(np.ones((2, 3, 5)), np.ones((2, 3))), gx.ShapeError, "tensorsolve: 6 elements"),
    ],
)
def test_mistakes_are_named(build: Callable[[], object], error: type[gx.GraphError], message: str) -> None:
    with pytest.raises(error, match=message):
        build()
