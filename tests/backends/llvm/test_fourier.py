"""Native Fourier transforms: every kind of length, axes, layouts and divisions, against sums in more digits."""

from collections.abc import Sequence

import numpy as np
import pytest

import graphc as gx
from graphc.backends.llvm.backend import LlvmBackend
from graphc.backends.llvm.fourier_plans import roots
from graphc.backends.llvm.machine import restricted
from graphc.backends.llvm.pool import pool
from graphc.driver import compile
from graphc.kernel.program import Program
from graphc.kernel.routines import Option
from graphc.sizes import Size, symbol
from graphc.types import DTYPES
from tests.backends.running import Runner
from tests.case import Array
from tests.kernel.building import extern, given, output

#: small ones, powers, products of small primes, primes of which a stage is made, other primes, twice these
LENGTHS = [1, 2, 3, 4, 5, 6, 8, 9, 12, 15, 16, 17, 30, 49, 61, 64, 67, 100, 121, 128, 134, 210, 256, 360, 1009, 1024]
DTYPE = ["complex64", "complex128"]


def exact(x: Array) -> Array:
    """In all the digits there are."""
    found: Array = x.astype(np.clongdouble if np.iscomplexobj(x) else np.longdouble)
    return found


class Transforms:
    """All routines along one axis, for open sizes, each written once."""

    def __init__(self, dtype: str, rank: int, axis: int, backend: LlvmBackend | None = None) -> None:
        self.dtype, self.axis, self.backend = DTYPES[dtype], axis, backend or LlvmBackend()
        self.real = np.dtype(f"f{self.dtype.itemsize // 2}")
        self.names = [f"n{i}" for i in range(rank)]
        self.runners: dict[str, Runner] = {}

    def runner(self, routine: str, options: dict[str, Option]) -> Runner:
        full: list[Size] = [symbol(name) for name in self.names]
        half = list(full)
        half[self.axis] = full[self.axis] // 2 + 1
        x = given(0, *(half if routine == "irfft" else full), dtype=self.real if routine == "rfft" else self.dtype)
        y = output(0, *(half if routine == "rfft" else full), dtype=self.real if routine == "irfft" else self.dtype)
        step = extern(routine, [x], [y], axis=self.axis, **options)
        return Runner(Program((step,), (x,), (), (), (y,), 1, tuple(self.names)), self.backend)

    def __call__(self, routine: str, x: Array, shape: Sequence[int], **options: Option) -> Array:
        key = f"{routine} {options}"
        if key not in self.runners:
            self.runners[key] = self.runner(routine, options)
        return self.runners[key]([x], sizes=dict(zip(self.names, shape, strict=True)))[0][0]

    def check(self, shape: Sequence[int]) -> None:
        """All transforms of numbers of this shape."""
        rng = np.random.default_rng(sum(shape))
        n, axis = shape[self.axis], self.axis
        z = (rng.normal(size=shape) + 1j * rng.normal(size=shape)).astype(self.dtype)
        self.compare(self("fft", z, shape), np.fft.fft(exact(z), axis=axis))
        self.compare(self("fft", z, shape, inverse=True, roots=2), np.fft.ifft(exact(z), axis=axis))
        x = z.real.copy()
        self.compare(self("rfft", x, shape, roots=1), np.fft.rfft(exact(x), axis=axis, norm="ortho"))
        shorter = list(shape)
        shorter[axis] = n // 2 + 1
        half = (rng.normal(size=shorter) + 1j * rng.normal(size=shorter)).astype(self.dtype)
        self.compare(self("irfft", half, shape, roots=2), np.fft.irfft(exact(half), n, axis=axis))

    def compare(self, found: Array, expected: Array) -> None:
        assert found.shape == expected.shape
        size = float(np.sqrt(np.mean(np.abs(expected) ** 2))) if expected.size else 0.0
        worst = float(np.abs(found - expected).max(initial=0))
        assert worst <= 16 * float(np.finfo(self.dtype).eps) * size, (found.shape, worst)


@pytest.mark.parametrize("dtype", DTYPE)
def test_every_length_of_rows(dtype: str) -> None:
    transforms = Transforms(dtype, 2, -1)
    for n in LENGTHS:
        for rows in (1, 3, 19):
            transforms.check((rows, n))


@pytest.mark.parametrize("dtype", DTYPE)
def test_other_axes(dtype: str) -> None:
    transforms = Transforms(dtype, 3, -2)
    for n in (1, 2, 7, 12, 61, 67, 134, 256):
        for lead, trail in ((1, 3), (2, 16), (20, 2), (3, 37), (0, 4)):
            transforms.check((lead, n, trail))


@pytest.mark.parametrize("n", [4096, 5000, 6006, 10_007, pytest.param(65_536, marks=pytest.mark.full)])
@pytest.mark.parametrize("dtype", DTYPE)
def test_long_ones(dtype: str, n: int) -> None:
    Transforms(dtype, 2, -1).check((3, n))
    Transforms(dtype, 2, -2).check((n, 2))


@pytest.mark.parametrize("width", [16, 32])
def test_narrower_vectors(width: int) -> None:
    rows = Transforms("complex64", 2, -1, LlvmBackend(restricted(width)))
    columns = Transforms("complex128", 2, -2, LlvmBackend(restricted(width)))
    for n in (1, 6, 35, 64, 67, 360):
        rows.check((5, n))
        columns.check((n, 5))


def test_half_of_a_spectrum_has_imaginary_parts_without_meaning() -> None:
    for n in (6, 7):
        z = np.ones((1, n // 2 + 1), np.complex128)
        z[0, 0] += 5j
        z[0, -1] += 7j if n % 2 == 0 else 0
        found = Transforms("complex128", 2, -1)("irfft", z, (1, n), roots=2)
        np.testing.assert_allclose(found, np.fft.irfft(np.ones((1, n // 2 + 1)), n), atol=1e-15)


@pytest.mark.parametrize("shape", [(64, 100), (5, 4096), (3, 1009)])
def test_the_same_bits_at_any_number_of_threads(shape: tuple[int, int]) -> None:
    x = np.random.default_rng(0).normal(size=shape) + 0j
    before = pool().threads
    found = []
    try:
        for threads in (1, 2, 5):
            pool().resize(threads)
            found.append(Transforms("complex128", 2, -1)("fft", x, shape).tobytes())
    finally:
        pool().resize(before)
    assert found[0] == found[1] == found[2]


def test_what_is_not_finite_stays_in_its_row() -> None:
    x = np.random.default_rng(0).normal(size=(20, 64)).astype(np.complex64)
    x[3, 5] = np.nan
    found = Transforms("complex64", 2, -1)("fft", x, (20, 64))
    assert np.isnan(found[3]).all()
    assert np.isfinite(np.delete(found, 3, 0)).all()


def test_roots_are_exact_to_the_last_bit_or_nearly_so() -> None:
    n = 9973
    found = roots(np.arange(n), n)
    angles = np.arange(n).astype(np.longdouble) * (8 * np.arctan(np.longdouble(1)) / n)
    np.testing.assert_allclose(found.real, np.cos(angles), rtol=0, atol=2.0**-52)
    np.testing.assert_allclose(found.imag, -np.sin(angles), rtol=0, atol=2.0**-52)


def test_sizes_may_alternate() -> None:
    x = gx.input("x", ("n",), "complex128")
    function = compile([x], gx.fft.fft(x), backend="llvm")
    for n in (8, 67, 8, 300, 1, 67, 8, 8, 8, 8):
        array = np.random.default_rng(n).normal(size=n) + 0j
        np.testing.assert_allclose(function(array), np.fft.fft(array), atol=1e-12)
