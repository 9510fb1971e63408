"""The routines that transform: the references and those of the backend, against NumPy."""

from collections.abc import Callable
from typing import TypeAlias

import numpy as np
import pytest

from graphc.backends.numpy import fourier, routines
from graphc.kernel.arrays import Array
from graphc.kernel.routines import EXTERNS, Option
from tests.tolerance import assert_close

Run: TypeAlias = Callable[..., None]  # of a name, an operand, a result and options

NORMS: tuple[fourier.Norm, ...] = ("backward", "ortho", "forward")
EXTENTS = pytest.mark.parametrize("n", [1, 2, 3, 4, 5, 8, 12, 13])
ROOTS = pytest.mark.parametrize("roots", [0, 1, 2])
DTYPES = pytest.mark.parametrize("dtype", ["complex64", "complex128"])


def reference(name: str, x: Array, y: Array, **options: Option) -> None:
    EXTERNS[name].run([x], [y], options)


def backend(name: str, x: Array, y: Array, **options: Option) -> None:
    getattr(routines, name)(x, y, **options)


RUNS = pytest.mark.parametrize("run", [reference, backend])


def drawn(dtype: str, *shape: int) -> Array:
    rng = np.random.default_rng(0)
    return (rng.standard_normal(shape) + 1j * rng.standard_normal(shape)).astype(dtype)


@RUNS
@EXTENTS
@ROOTS
@DTYPES
@pytest.mark.parametrize("inverse", [False, True])
def test_fft_agrees_with_numpy(run: Run, n: int, roots: int, dtype: str, inverse: bool) -> None:
    x = drawn(dtype, 2, n, 3)
    y = np.full_like(x, 7)
    run("fft", x, y, axis=-2, inverse=inverse, roots=roots)
    wide = x.astype(complex)
    wanted = (
        np.fft.ifft(wide, axis=1, norm=NORMS[2 - roots]) if inverse else np.fft.fft(wide, axis=1, norm=NORMS[roots])
    )
    assert_close(y, wanted, n)


@RUNS
@EXTENTS
@ROOTS
@DTYPES
def test_rfft_and_irfft_agree_with_numpy(run: Run, n: int, roots: int, dtype: str) -> None:
    x = drawn(dtype, 2, n).real.copy()
    z = np.full((2, n // 2 + 1), 7, dtype)
    run("rfft", x, z, axis=-1, roots=roots)
    assert_close(z, np.fft.rfft(x.astype(float), norm=NORMS[roots]), n)
    z = drawn(dtype, n // 2 + 1, 2)
    x = np.full((n, 2), 7, x.dtype)
    run("irfft", z, x, axis=-2, roots=roots)
    assert_close(x, np.fft.irfft(z.astype(complex), n, axis=0, norm=NORMS[2 - roots]), 2 * n)


@RUNS
@pytest.mark.parametrize("n", [4, 5])
def test_imaginary_parts_without_a_meaning_are_not_read(run: Run, n: int) -> None:
    z = drawn("complex128", n // 2 + 1)
    found = []
    for extra in (0, 1j):
        z[0] = z[0].real + extra
        if n % 2 == 0:
            z[-1] = z[-1].real + extra
        x = np.empty(n)
        run("irfft", z, x, axis=-1, roots=0)
        found.append(x)
    np.testing.assert_array_equal(found[0], found[1])


@RUNS
@pytest.mark.parametrize("shape", [(0, 4), (4, 0)])
def test_no_transforms_give_nothing(run: Run, shape: tuple[int, int]) -> None:
    axis = -1 if shape[1] else -2
    z = np.empty(shape, complex)
    run("fft", z, z.copy(), axis=axis, inverse=False, roots=0)
    half = np.empty((0, 3) if axis == -1 else (3, 0), complex)
    run("rfft", z.real.copy(), half, axis=axis, roots=0)
    run("irfft", half, z.real.copy(), axis=axis, roots=0)


@pytest.mark.parametrize("shape", [(7, 4, 3), (2, 4, 20), (2, 40, 3), (3, 4)])
def test_groups_are_all_that_there_is(shape: tuple[int, ...], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fourier, "AT_ONCE", 24)
    x = drawn("complex128", *shape).real.copy()
    z = np.empty((*shape[:-2], shape[-2] // 2 + 1, shape[-1]), complex)
    fourier.rfft(x, z, axis=-2, roots=0)
    assert_close(z, np.fft.rfft(x, axis=-2), shape[-2])
    back = np.empty_like(x)
    fourier.irfft(z, back, axis=-2, roots=2)
    assert_close(back, x, shape[-2])
