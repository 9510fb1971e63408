"""The references of routines that factorise matrices: what was factorised comes out, and LAPACK's choices are kept."""

from collections.abc import Callable
from typing import TypeAlias

import numpy as np
import pytest
import scipy.linalg

from graphc.backends.numpy import routines
from graphc.kernel.arrays import Array
from graphc.kernel.routines import EXTERNS
from graphc.types import INT64, DType, complex_of, is_complex, real_of

Run: TypeAlias = Callable[[str, Array], list[Array]]

NAN, INF = np.nan, np.inf
F32, F64, C64, C128 = map(np.dtype, (np.float32, np.float64, np.complex64, np.complex128))


def shapes_of(name: str, shape: tuple[int, ...]) -> list[tuple[int, ...]]:
    """The shapes of the results for an operand."""
    *lead, n, m = shape
    k = min(n, m)
    shapes: dict[str, list[tuple[int, ...]]] = {
        "lu": [(n, m), (n,), ()],
        "qr": [(n, m), (m, m)],
        "complement": [(n, n - m)],
        "eigh": [(n,), (n, n)],
        "eig": [(n,), (n, n)],
        "svd": [(n, k), (k,), (k, m)],
        "expm": [(n, n)],
    }
    return [(*lead, *part) for part in shapes[name]]


def empty(name: str, a: Array) -> list[Array]:
    """Arrays for the results."""
    others = {("lu", 1): INT64, ("eigh", 0): real_of(a.dtype), ("svd", 1): real_of(a.dtype)}
    kept = complex_of(a.dtype) if name == "eig" else a.dtype
    return [np.full(shape, 7, others.get((name, i), kept)) for i, shape in enumerate(shapes_of(name, a.shape))]


def reference(name: str, a: Array) -> list[Array]:
    results = empty(name, a)
    with np.errstate(all="ignore"):
        EXTERNS[name].run([a], results, {})
    return results


def lapack(name: str, a: Array) -> list[Array]:
    results = empty(name, a)
    with np.errstate(all="ignore"):
        getattr(routines, name)(a, *results)
    return results


def drawn(*shape: int, dtype: DType = F64) -> Array:
    rng = np.random.default_rng(0)
    real = rng.standard_normal(shape)
    return (real + 1j * rng.standard_normal(shape) if is_complex(dtype) else real).astype(dtype)


def adjoint(a: Array) -> Array:
    return a.conj().swapaxes(-1, -2)


TALL = [(2, 4, 4), (4, 2), (1, 1), (3, 1), (5, 8, 3, 2), (9, 1, 1)]  # few, and so many that all go at a time
WAVES = drawn(5, 3, dtype=C128)
EVERY = pytest.mark.parametrize("run", [reference, lapack])


@pytest.mark.parametrize("shape", TALL, ids=str)
@pytest.mark.parametrize("name", ["lu", "qr"])
@pytest.mark.parametrize("dtype", [F32, F64, C64, C128], ids=str)
def test_reference_and_lapack_give_the_same_factors(name: str, shape: tuple[int, ...], dtype: DType) -> None:
    a = drawn(*shape, dtype=dtype)
    for ours, theirs in zip(reference(name, a), lapack(name, a), strict=True):
        assert ours.dtype == theirs.dtype
        np.testing.assert_allclose(ours, theirs, rtol=0, atol=32 * np.finfo(dtype).eps)


@EVERY
@pytest.mark.parametrize("size", [2.0**-100, 2.0**100])
@pytest.mark.parametrize("dtype", [F32, C64], ids=str)
@pytest.mark.parametrize("name", ["lu", "qr", "complement", "eigh", "eig", "svd"])
def test_large_and_small_matrices_have_the_factors_of_others(run: Run, name: str, dtype: DType, size: float) -> None:
    a = drawn(4, 3 if name == "complement" else 4, dtype=dtype)
    a = a + adjoint(a) if name == "eigh" else a
    scaled = {"lu": np.where(np.tri(4, k=-1), 1, size), "qr": size, "eigh": size, "eig": size, "svd": size}
    place = {"qr": 1, "svd": 1}.get(name, 0)
    for number, (found, known) in enumerate(zip(run(name, (size * a).astype(dtype)), run(name, a), strict=True)):
        ours = found / scaled[name] if number == place and name in scaled else found
        np.testing.assert_allclose(ours, known, rtol=0, atol=1e-5)


@EVERY
@pytest.mark.parametrize("small", [1e-10, 1e-14, 1e-15])
def test_columns_that_are_small_beside_others_have_singular_values(run: Run, small: float) -> None:
    a = np.array([[1e30j, small * (1 + 1j)], [0, 1]], C64)
    np.testing.assert_allclose(run("svd", a)[1], [1e30, 1], rtol=1e-6)


@EVERY
def test_columns_whose_product_is_denormal_have_singular_values(run: Run) -> None:
    a = np.array([[1e300j, 1e-15 * (1 + 1j)], [0, 1]], C128)
    np.testing.assert_allclose(run("svd", a)[1] / 1e300, [1, 0], rtol=0, atol=1e-15)


@EVERY
def test_however_small_what_is_below_the_diagonal_turns_the_sign_of_a_column(run: Run) -> None:
    below = np.diag([4.0, 4.0, 4.0]).astype(F32) + np.diag([0, 1e-31], -1).astype(F32)
    np.testing.assert_array_equal(np.sign(np.diagonal(run("qr", below)[1])), [1, -1, 1])


@pytest.mark.parametrize("shape", [(2, 4, 2), (3, 1), (3, 0), (4, 3)], ids=str)
@pytest.mark.parametrize("dtype", [F64, C128], ids=str)
def test_the_complement_is_that_of_complete_factors(shape: tuple[int, ...], dtype: DType) -> None:
    a = drawn(*shape, dtype=dtype)
    q = np.linalg.qr(a)[0]
    wanted = np.linalg.qr(a, "complete")[0][..., shape[-1] :]
    for run in (reference, lapack):
        np.testing.assert_allclose(run("complement", q)[0], wanted, atol=1e-14)


def test_many_matrices_at_a_time_give_what_each_gives() -> None:
    a = np.concatenate([drawn(60, 3, 3), np.zeros((1, 3, 3)), np.full((1, 3, 3), NAN), np.ones((1, 3, 3))])
    together = lapack("lu", a)
    for number, matrix in enumerate(a):
        for result, alone in zip(together, lapack("lu", matrix), strict=True):
            np.testing.assert_allclose(result[number], alone, atol=1e-14)


@pytest.mark.parametrize("lower", [True, False])
@pytest.mark.parametrize("transposed", [True, False])
@pytest.mark.parametrize("unit", [True, False])
def test_many_systems_at_a_time_give_what_each_gives(lower: bool, transposed: bool, unit: bool) -> None:
    a, b = drawn(5, 12, 3, 3) + 3 * np.eye(3), drawn(5, 12, 3, 2)
    a[0, 0, 1, 1] = 0
    together, alone = np.empty_like(b), np.empty_like(b)
    with np.errstate(all="ignore"):
        routines.triangular_solve(a, b, together, lower, transposed, unit)
        for place in np.ndindex(5, 12):
            routines.triangular_solve(a[place], b[place], alone[place], lower, transposed, unit)
    np.testing.assert_allclose(together, alone, rtol=1e-12)


@EVERY
@pytest.mark.parametrize("a", [drawn(4, 4), WAVES, np.diag([1.0, 2.0, 0.0]), np.zeros((3, 3))], ids=str)
def test_lu_of_rows_in_order(run: Run, a: Array) -> None:
    packed, order, sign = run("lu", a)
    m = a.shape[1]
    lower = np.tril(packed, -1) + np.eye(*a.shape)
    np.testing.assert_allclose(lower @ np.triu(packed[:m]), a[order], atol=1e-14)
    assert (np.abs(lower.real) + np.abs(lower.imag) <= 2**0.5 + 1e-14).all()
    assert sign == round(np.linalg.det(np.eye(len(a))[order]))


@EVERY
@pytest.mark.parametrize("a", [drawn(4, 4), drawn(5, 2), WAVES, np.diag([1.0, 2.0, 0.0]), np.zeros((3, 2))], ids=str)
def test_qr_gives_the_matrix_back(run: Run, a: Array) -> None:
    q, r = run("qr", a)
    np.testing.assert_allclose(q @ r, a, atol=1e-14)
    np.testing.assert_allclose(adjoint(q) @ q, np.eye(a.shape[1]), atol=1e-14)
    np.testing.assert_array_equal(np.tril(r, -1), 0)
    np.testing.assert_array_equal(np.diagonal(r).imag, 0)


@EVERY
@pytest.mark.parametrize(
    "a",
    [drawn(5, 5), drawn(5, 5, dtype=C128), np.diag([3.0, 1.0, 1.0]), np.zeros((2, 2)), np.ones((4, 4)) + 0j],
    ids=str,
)
def test_eigh_reads_the_lower_triangle(run: Run, a: Array) -> None:
    below = np.tril(a, -1)
    hermitian = below + adjoint(below) + np.diag(np.diagonal(a).real)
    w, v = run("eigh", np.tril(a) + np.triu(np.full(a.shape, NAN), 1))
    np.testing.assert_allclose(w, np.linalg.eigvalsh(hermitian), atol=1e-13)
    np.testing.assert_allclose(hermitian @ v, v * w, atol=1e-13)
    np.testing.assert_allclose(adjoint(v) @ v, np.eye(len(a)), atol=1e-13)


@EVERY
@pytest.mark.parametrize(
    "a",
    [drawn(5, 5), drawn(5, 5, dtype=C128), np.roll(np.eye(3), 1, 0), np.diag([3.0, 1.0]), np.zeros((2, 2))],
    ids=str,
)
def test_eig_gives_vectors_of_length_1_with_a_real_largest_element(run: Run, a: Array) -> None:
    w, v = run("eig", a)
    wanted = np.linalg.eigvals(a)
    assert all(np.abs(wanted - number).min() < 1e-13 for number in w)
    np.testing.assert_allclose([np.sum(w), np.prod(w)], [np.trace(a), np.linalg.det(a)], atol=1e-12)
    np.testing.assert_allclose(a @ v, v * w, atol=1e-13)
    np.testing.assert_allclose(np.linalg.norm(v, axis=0), 1, atol=1e-13)
    np.testing.assert_allclose(np.abs(v.real).max(axis=0), np.abs(v).max(axis=0), atol=1e-13)


@EVERY
def test_eig_of_a_matrix_without_as_many_vectors(run: Run) -> None:
    w, v = run("eig", np.array([[1.0, 1.0], [0.0, 1.0]]))
    np.testing.assert_array_equal(w, 1)
    np.testing.assert_allclose(np.abs(v), [[1, 1], [0, 0]], atol=1e-15)


@EVERY
@pytest.mark.parametrize(
    "a",
    [drawn(4, 4), drawn(5, 2), drawn(2, 5), WAVES, WAVES.T, np.diag([1, 2j, 0]), np.zeros((3, 2)), np.ones((3, 4))],
    ids=str,
)
def test_svd_gives_the_matrix_back(run: Run, a: Array) -> None:
    u, s, v = run("svd", a)
    np.testing.assert_allclose((u * s) @ v, a, atol=1e-13)
    np.testing.assert_allclose(s, np.linalg.svdvals(a), atol=1e-13)
    np.testing.assert_allclose(adjoint(u) @ u, np.eye(len(s)), atol=1e-13)
    np.testing.assert_allclose(v @ adjoint(v), np.eye(len(s)), atol=1e-13)


@EVERY
@pytest.mark.parametrize(
    "a",
    [
        drawn(4, 4),
        30 * drawn(3, 3),
        9j * drawn(3, 3, dtype=C128),
        np.zeros((2, 2)),
        np.triu(np.full((3, 3), 99.0), 1),
    ],
    ids=str,
)
def test_expm_agrees_with_scipy(run: Run, a: Array) -> None:
    (found,) = run("expm", a)
    wanted = scipy.linalg.expm(a)
    np.testing.assert_allclose(found, wanted, rtol=1e-11, atol=1e-13 * np.abs(wanted).max())


@EVERY
@pytest.mark.parametrize("bad", [NAN, INF])
@pytest.mark.parametrize("name", ["eigh", "eig", "svd", "expm"])
def test_what_is_not_finite_gives_nan_for_its_own_matrix(run: Run, name: str, bad: float) -> None:
    a = drawn(2, 3, 3)
    a[0, 2, 0] = bad
    for result, alone in zip(run(name, a), run(name, a[1]), strict=True):
        assert np.isnan(result[0]).all()
        np.testing.assert_allclose(result[1], alone, atol=1e-14)


@EVERY
@pytest.mark.parametrize("bad", [NAN, INF])
@pytest.mark.parametrize("name", ["lu", "qr"])
def test_what_is_not_finite_crashes_nothing(run: Run, name: str, bad: float) -> None:
    a = drawn(3, 3)
    a[1, 1] = bad
    assert not np.isfinite(run(name, a)[0]).all()


@EVERY
@pytest.mark.parametrize("shape", [(0, 0), (2, 0, 0), (0, 3, 3), (3, 0)], ids=str)
@pytest.mark.parametrize("name", ["lu", "qr", "eigh", "eig", "svd", "expm"])
def test_nothing_gives_nothing(run: Run, name: str, shape: tuple[int, ...]) -> None:
    if shape[-1] == shape[-2] or name not in ("eigh", "eig", "expm"):
        results = run(name, np.zeros(shape))
        assert [result.shape for result in results] == shapes_of(name, shape)
        if name == "lu":
            np.testing.assert_array_equal(results[1], np.broadcast_to(np.arange(shape[-2]), shape[:-1]))
            np.testing.assert_array_equal(results[2], np.ones(shape[:-2]))
