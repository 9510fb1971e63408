"""Factors, spectra and exponentials of matrices by native code: against the NumPy backend, and as identities."""

from collections.abc import Sequence

import numpy as np
import pytest

import graphc as gx
from graphc.backends.backend import Backend
from graphc.backends.llvm.backend import LlvmBackend
from graphc.backends.llvm.code import object_code
from graphc.backends.llvm.machine import NAMED
from graphc.backends.llvm.pool import pool
from graphc.backends.numpy.backend import NumpyBackend
from graphc.kernel.program import Program
from graphc.kernel.routines import Option
from graphc.types import DTYPES, INT64, DType, complex_of, is_complex, real_of
from tests.backends.running import run
from tests.case import Array
from tests.kernel.building import extern, given, output
from tests.tolerance import assert_close

Shape = tuple[int, ...]

FIELD = ["float32", "complex128", *(pytest.param(dtype, marks=pytest.mark.full) for dtype in ("float64", "complex64"))]
NARROW = ["float16", pytest.param("bfloat16", marks=pytest.mark.full)]
SQUARES: Sequence[Shape] = [(0, 0), (1, 1), (5, 5), (0, 3, 3), (2, 3, 4, 4), (80, 3, 3), (2, 41, 41), (70, 70)]
TALL: Sequence[Shape] = [(0, 0), (1, 1), (5, 0), (3, 2), (0, 3, 2), (2, 2, 5, 3), (80, 6, 4), (2, 60, 40)]


def drawn(shape: Sequence[int], dtype: str) -> Array:
    rng = np.random.default_rng(sum(shape))
    parts = rng.normal(size=(2, *shape))
    wanted = DTYPES[dtype]
    found: Array = (parts[0] + 1j * parts[1] if is_complex(wanted) else parts[0]).astype(wanted)
    return found


def results_of(routine: str, x: Sequence[int], dtype: DType) -> list[tuple[Shape, DType]]:
    """The types of what a routine gives for a last operand of this type."""
    *batch, n, m = x
    k = min(n, m)
    shapes: dict[str, list[tuple[Shape, DType]]] = {
        "cholesky": [((n, n), dtype)],
        "triangular_solve": [((n, m), dtype)],
        "lu": [((n, m), dtype), ((n,), INT64), ((), dtype)],
        "qr": [((n, m), dtype), ((m, m), dtype)],
        "complement": [((n, n - m), dtype)],
        "eigh": [((n,), real_of(dtype)), ((n, n), dtype)],
        "eig": [((n,), complex_of(dtype)), ((n, n), complex_of(dtype))],
        "svd": [((n, k), dtype), ((k,), real_of(dtype)), ((k, m), dtype)],
        "expm": [((n, n), dtype)],
    }
    return [((*batch, *shape), kind) for shape, kind in shapes[routine]]


def by(backend: Backend, routine: str, arrays: Sequence[Array], **options: Option) -> list[Array]:
    """What a routine gives on a backend."""
    reads = [given(slot, *array.shape, dtype=array.dtype) for slot, array in enumerate(arrays)]
    types = results_of(routine, arrays[-1].shape, arrays[-1].dtype)
    writes = [output(slot, *shape, dtype=dtype) for slot, (shape, dtype) in enumerate(types)]
    program = Program((extern(routine, reads, writes, **options),), tuple(reads), (), (), tuple(writes), 1, ())
    return run(program, arrays, backend=backend)[0]


def native(routine: str, *arrays: Array, **options: Option) -> list[Array]:
    return by(LlvmBackend(), routine, arrays, **options)


def numpy(routine: str, *arrays: Array, **options: Option) -> list[Array]:
    return by(NumpyBackend(), routine, arrays, **options)


def bits(arrays: Sequence[Array]) -> list[bytes]:
    return [array.tobytes() for array in arrays]


def adjoint(x: Array) -> Array:
    return x.conj().swapaxes(-1, -2)


def assert_product(factors: Sequence[Array], exact: Array) -> None:
    """The product of matrices, in complex128."""
    product = factors[0].astype(complex)
    for factor in factors[1:]:
        product = product @ factor
    terms = 8 * max(1, exact.shape[-1])
    assert_close(product.astype(complex_of(exact.dtype)), exact.astype(complex), terms)


@pytest.mark.parametrize("shape", SQUARES)
@pytest.mark.parametrize("dtype", [*FIELD, *NARROW])
def test_cholesky_is_that_of_the_numpy_backend(dtype: str, shape: Shape) -> None:
    x = drawn(shape, dtype).astype(complex)
    a = (x @ adjoint(x) + np.eye(shape[-1])).astype(complex)
    a = (a if is_complex(DTYPES[dtype]) else a.real).astype(DTYPES[dtype])
    if len(shape) > 2 and a.size:
        a[(-1,) * (len(shape) - 2)] *= -1  # that has no factor
    assert bits(native("cholesky", a)) == bits(numpy("cholesky", a))


@pytest.mark.parametrize("lower", [True, False])
@pytest.mark.parametrize("transposed", [True, False])
@pytest.mark.parametrize("dtype", [*FIELD, *NARROW])
def test_triangular_solve_is_that_of_the_numpy_backend(dtype: str, transposed: bool, lower: bool) -> None:
    for *batch, n in ((0,), (1,), (3, 4), (0, 3), (2, 40)):
        a = drawn((*batch, n, n), dtype) + 2 * n * np.eye(n, dtype=DTYPES[dtype])
        if len(batch) and a.size:
            a[0, -1, -1] = 0  # of which nan comes
        b = drawn((*batch, n, 3), dtype)
        for unit in (False, True):
            options = {"lower": lower, "transposed": transposed, "unit_diagonal": unit}
            assert bits(native("triangular_solve", a, b, **options)) == bits(numpy("triangular_solve", a, b, **options))


@pytest.mark.parametrize("dtype", FIELD)
def test_many_small_triangular_systems(dtype: str) -> None:
    a, b = drawn((90, 4, 4), dtype) + 8 * np.eye(4, dtype=dtype), drawn((90, 4, 2), dtype)
    (x,) = native("triangular_solve", a, b)
    assert_product([np.tril(a), x], b)


@pytest.mark.parametrize("shape", [*TALL, (70, 70)])
@pytest.mark.parametrize("dtype", FIELD)
def test_lu(dtype: str, shape: Shape) -> None:
    a = drawn(shape, dtype)
    packed, order, sign = native("lu", a)
    if shape[0] != 80:  # there NumPy's backend eliminates by itself
        assert bits([packed, order, sign]) == bits(numpy("lu", a))
    n, m = shape[-2:]
    unit = np.tril(packed, -1) + np.eye(n, m)
    assert_product([unit, np.triu(packed[..., :m, :])], np.take_along_axis(a, order[..., None], -2))
    for member in np.ndindex(sign.shape):
        assert sign[member] == round(float(np.linalg.det(np.eye(n)[order[member]])))


@pytest.mark.parametrize("shape", TALL)
@pytest.mark.parametrize("dtype", FIELD)
def test_orthogonal_factors(dtype: str, shape: Shape) -> None:
    a = drawn(shape, dtype)
    q, r = native("qr", a)
    assert_product([q, r], a)
    assert not np.tril(r, -1).any()
    for found, expected in zip((q, r), numpy("qr", a), strict=True):
        assert_close(found, expected, 8 * shape[-1])
    (rest,) = native("complement", q)
    whole = np.concatenate([q, rest], -1)
    unit = np.broadcast_to(np.eye(shape[-2], dtype=whole.dtype), (*shape[:-2], shape[-2], shape[-2]))
    assert_product([adjoint(whole), whole], unit)


@pytest.mark.parametrize("shape", SQUARES)
@pytest.mark.parametrize("dtype", FIELD)
def test_eigenvalues_of_lower_triangles(dtype: str, shape: Shape) -> None:
    a = drawn(shape, dtype)
    w, v = native("eigh", a)
    below = np.tril(a, -1)
    exact = below + adjoint(below) + np.eye(shape[-1], dtype=dtype) * a.real
    assert_product([v * w[..., None, :], adjoint(v)], exact)
    for found, expected in zip((w, v), numpy("eigh", a), strict=True):
        assert_close(found, expected, 64 * shape[-1])


@pytest.mark.parametrize("shape", SQUARES)
@pytest.mark.parametrize("dtype", FIELD)
def test_eigenvalues_of_any_squares(dtype: str, shape: Shape) -> None:
    a = drawn(shape, dtype)
    w, v = native("eig", a)
    assert_product([a, v], v * w[..., None, :])
    largest = np.take_along_axis(v, np.abs(v).argmax(-2, keepdims=True), -2) if v.size else v
    np.testing.assert_allclose(np.abs(largest.imag), 0, atol=1e-6)
    np.testing.assert_allclose((np.abs(v) ** 2).sum(-2), np.ones_like(w.real), rtol=1e-5)


@pytest.mark.parametrize("shape", [*TALL, (2, 3), (3, 40, 60)])
@pytest.mark.parametrize("dtype", FIELD)
def test_singular_values(dtype: str, shape: Shape) -> None:
    a = drawn(shape, dtype)
    u, s, v = native("svd", a)
    assert_product([u * s[..., None, :], v], a)
    assert_close(s, numpy("svd", a)[1], 8 * max(shape))


@pytest.mark.parametrize("size", [1e-3, 0.5, 40.0])
@pytest.mark.parametrize("shape", [shape for shape in SQUARES if shape[-1] < 10])
@pytest.mark.parametrize("dtype", FIELD)
def test_exponentials(dtype: str, shape: Shape, size: float) -> None:
    a = (drawn(shape, dtype) * size / 3).astype(dtype)
    for found, expected in zip(native("expm", a), numpy("expm", a), strict=True):
        assert_close(found, expected, 1 if found.dtype in (np.float32, np.complex64) else 3000)


@pytest.mark.parametrize("routine", ["eigh", "eig", "svd", "expm"])
@pytest.mark.parametrize("dtype", FIELD)
def test_what_is_not_finite_gives_nan(dtype: str, routine: str) -> None:
    a = drawn((4, 5, 5), dtype)
    a[1, 4, 0], a[2, 3, 3] = np.nan, np.inf
    found, expected = native(routine, a), numpy(routine, a)
    for part, exact in zip(found, expected, strict=True):
        np.testing.assert_array_equal(np.isnan(part), np.isnan(exact))
        assert np.isnan(part[1:3]).all()
        assert bits([part[1:3]]) == bits([exact[1:3]])


@pytest.mark.parametrize("routine", ["lu", "qr", "eigh", "eig", "svd", "expm"])
def test_the_same_bits_at_any_number_of_threads(routine: str) -> None:
    a = drawn((50, 12, 12), "float64")
    before = pool().threads
    found = []
    try:
        for threads in (1, 2, 5):
            pool().resize(threads)
            found.append(bits(native(routine, a)))
    finally:
        pool().resize(before)
    assert found[0] == found[1] == found[2]


@pytest.mark.parametrize("name", NAMED)
def test_routines_are_written_for_other_machines(name: str) -> None:
    x = gx.input("x", ("n", "n"), "float32")
    outputs = [gx.sort(x), gx.fft.rfft(x), gx.linalg.svdvals(x), gx.linalg.expm(x), gx.linalg.cholesky(x)]
    program = gx.compile([x], outputs, backend="numpy").program
    assert object_code(LlvmBackend(NAMED[name]).emit(program).source, NAMED[name])


def test_matrices_with_more_rows_than_a_library_counts_are_refused() -> None:
    x = gx.input("x", ("n", 0), "float64")
    function = gx.compile([x], gx.linalg.qr(x)[0], backend="llvm")
    with pytest.raises(gx.UnsupportedError, match=r"qr: native code counts to 2,147,483,647 here"):
        function(np.empty((2**31, 0)))
