"""Discrete Fourier transforms at their corners, against NumPy, and in use: energies, filters, fits."""

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import pytest

import graphc as gx
from graphc import fft
from graphc.kernel.reference import interpret
from graphc.ops.transforms import Norm
from tests.case import Array, Case
from tests.fft_cases import FOURIER
from tests.test_cases import nodes_for, results
from tests.tolerance import assert_close

NORMS: tuple[Norm, ...] = ("backward", "ortho", "forward", None)
NORM = pytest.mark.parametrize("norm", NORMS)
COMPLEX = pytest.mark.parametrize("dtype", ["complex64", "complex128"])


def signal(*shape: int, dtype: str = "float64") -> Array:
    return np.random.default_rng(0).standard_normal(shape).astype(dtype)


def waves(*shape: int, dtype: str = "complex128") -> Array:
    rng = np.random.default_rng(0)
    return (rng.standard_normal(shape) + 1j * rng.standard_normal(shape)).astype(dtype)


def value(build: Callable[[gx.Node], gx.Node], a: Array) -> Array:
    x = gx.input("x", a.shape, a.dtype)
    return np.asarray(gx.evaluate(build(x), {x: a}))


@pytest.mark.parametrize("level", [0, 2])
@pytest.mark.parametrize("case", FOURIER, ids=str)
def test_the_backend_agrees_with_the_interpreter(case: Case, level: int) -> None:
    arrays = case.arrays("float64")
    nodes = nodes_for(arrays)
    f = gx.compile(nodes, results(case, nodes), level=level)
    exact, _ = interpret(f.program, arrays, [], {}, f.constants)
    for found, expected in zip(f(*arrays), exact, strict=True):
        assert_close(np.asarray(found), expected, case.terms)


# Extents.


@NORM
@pytest.mark.parametrize("n", range(1, 9))
def test_a_size_takes_odd_and_even_extents(n: int, norm: Norm) -> None:
    x, k = gx.input("x", ("rows", "n"), "float64"), gx.size("k")
    half = fft.rfft(x, norm=norm)
    same, filled = fft.irfft(half, x.shape[1], norm=norm), fft.ifft(fft.fft(x, k, norm=norm), norm=norm)
    a = signal(2, n)
    for count in (1, n, n + 3):
        back, other = gx.compile([x, k], [same, filled])(a, count)
        assert_close(back, a, n)
        assert_close(other, np.fft.ifft(np.fft.fft(a, count)), n + 3)


@pytest.mark.parametrize("m", [2, 3, 4])
def test_half_a_spectrum_stands_for_an_even_number_unless_told(m: int) -> None:
    z = waves(m)
    for n in (None, 2 * m - 2, 2 * m - 1):
        x = gx.input("z", ("m",), "complex128")
        found = gx.evaluate(fft.irfft(x, n), {x: z})
        assert found.shape == (2 * m - 2 if n is None else n,)
        assert_close(found, np.fft.irfft(z, n), 2 * m)


def test_the_shape_of_a_spectrum_is_a_formula_of_sizes() -> None:
    n, m = gx.size("n"), gx.size("m")
    x, z = gx.input("x", (3, n)), gx.input("z", (m,), "complex64")
    assert fft.rfft(x).shape == (3, n // 2 + 1)
    assert fft.irfft(z).shape == (2 * m - 2,)
    assert fft.rfft(fft.irfft(z)).shape == (m,)
    assert fft.rfft(x, 8).shape == (3, 5)


@pytest.mark.parametrize("function", [fft.fft, fft.ifft, fft.rfft, fft.irfft, fft.hfft, fft.ihfft])
@pytest.mark.parametrize("n", [0, -1])
def test_fewer_than_one_element_are_refused_as_by_numpy(function: Callable[..., gx.Node], n: int) -> None:
    with pytest.raises(gx.ShapeError, match=f"of 1 element or more, not {n}"):
        function(gx.input("x", 4), n)
    with pytest.raises(ValueError, match="Invalid number of FFT data points"):
        np.fft.fft(np.zeros(4), n)


@pytest.mark.parametrize("function", [fft.fft, fft.ifft, fft.rfft, fft.fftn, fft.rfftn])
def test_an_axis_without_elements_is_refused(function: Callable[..., gx.Node]) -> None:
    with pytest.raises(gx.ShapeError, match="of 1 element or more, not 0"):
        function(gx.input("x", (3, 0)))
    x = gx.input("x", ("b", "n"))
    f = gx.compile([x], function(x))
    with pytest.raises(gx.ShapeError, match="nothing to transform along axis -1"):
        f(np.zeros((3, 0), np.float32))


def test_no_transforms_give_nothing() -> None:
    assert value(fft.fft, np.zeros((0, 4))).shape == (0, 4)
    assert value(fft.rfft, np.zeros((0, 4))).shape == (0, 3)
    assert value(lambda x: fft.fft(x, 4), np.zeros((2, 0))).tolist() == [[0] * 4] * 2  # NumPy has it so too


def test_one_element_is_its_own_transform() -> None:
    a = np.array([[2.5]])
    for function in (fft.fft, fft.ifft, fft.rfft, fft.fft2, fft.rfftn):
        found = value(function, a)
        assert found.tolist() == [[2.5]]
    assert value(lambda x: fft.irfft(x, 1), a + 3j).tolist() == [[2.5]]


def test_transforms_along_no_axes() -> None:
    assert value(lambda x: fft.fftn(x, axes=()), signal(2)).dtype == np.complex128
    assert value(fft.ifftn, np.array(2.0)) == 2
    for function in (fft.rfftn, fft.irfftn):
        with pytest.raises(gx.ShapeError, match="there is no axis to transform"):
            function(gx.input("x", 3), axes=())


# What is refused.


@pytest.mark.parametrize("n", [2.0, True, "4"])
def test_a_number_of_elements_is_an_int(n: Any) -> None:
    for function in (fft.fft, fft.rfft, fft.irfft):
        with pytest.raises(gx.ArgumentError, match="a number of elements is an int or a size"):
            function(gx.input("x", 4), n)


def test_an_axis_is_one_of_the_array_and_given_once() -> None:
    x = gx.input("x", (3, 4))
    with pytest.raises(gx.ShapeError, match="ifft: axis 2 of an array of rank 2"):
        fft.ifft(x, axis=2)
    with pytest.raises(gx.ShapeError, match="an axis is given twice"):
        fft.fft2(x, axes=(1, -1))
    with pytest.raises(gx.ShapeError, match="rfftn: 1 extent for 2 axes"):
        fft.rfftn(x, (4,), (0, 1))
    with pytest.raises(gx.ShapeError, match="axis -3 of an array of rank 2"):
        fft.fftn(x, (2, 2, 2))
    with pytest.raises(gx.ShapeError, match="fft: axis -1 of an array of rank 0"):
        fft.fft(gx.input("number"))
    with pytest.raises(gx.ShapeError, match="fftfreq: there are frequencies of 1 sample or more, not 0"):
        fft.fftfreq(0)


# dtypes.


@pytest.mark.parametrize(
    ("given", "real", "spectrum"),
    [
        ("bool", "float32", "complex64"),
        ("int64", "float32", "complex64"),
        ("float16", "float32", "complex64"),
        ("bfloat16", "float32", "complex64"),
        ("float32", "float32", "complex64"),
        ("float64", "float64", "complex128"),
        ("complex64", "float32", "complex64"),
        ("complex128", "float64", "complex128"),
    ],
)
def test_dtypes_of_spectra(given: str, real: str, spectrum: str) -> None:
    x = gx.input("x", 4, given)
    for function in (fft.fft, fft.ifft, fft.fftn, fft.ifftn):
        assert function(x).dtype == spectrum
    for function in (fft.irfft, fft.irfftn, fft.hfft):
        assert function(x).dtype == real
    for function in (fft.rfft, fft.rfftn, fft.ihfft):
        if given.startswith("complex"):
            with pytest.raises(gx.DTypeError, match=f"has no meaning for {given}"):
                function(x)
        else:
            assert function(x).dtype == spectrum


@pytest.mark.parametrize("n", [3, 6, 8])
@pytest.mark.parametrize("dtype", ["bool", "uint8", "int64", "float16"])
def test_what_is_no_wide_float_is_transformed_as_float32(dtype: str, n: int) -> None:
    a = np.arange(6).astype(dtype)
    for name in ("fft", "rfft", "irfft", "ihfft"):
        wanted = getattr(np.fft, name)(a.astype(np.float64), n)  # of float16 NumPy's is float16
        assert_close(value(partial(getattr(fft, name), n=n), a), wanted, 6)


def test_frequencies() -> None:
    for n in (1, 4, 5):
        for d in (1.0, 0.1):
            found, half = gx.evaluate([fft.fftfreq(n, d, dtype="float64"), fft.rfftfreq(n, d, dtype="float64")])
            np.testing.assert_allclose(found, np.fft.fftfreq(n, d), rtol=1e-15)
            np.testing.assert_allclose(half, np.fft.rfftfreq(n, d), rtol=1e-15)
    size = gx.size("n")
    f = gx.compile([size], [fft.fftfreq(size), fft.rfftfreq(size, 0.5)])
    for count in (1, 6, 7):
        found, half = f(count)
        assert found.dtype == np.float32
        np.testing.assert_allclose(found, np.fft.fftfreq(count), rtol=1e-7)
        np.testing.assert_allclose(half, np.fft.rfftfreq(count, 0.5), rtol=1e-7)


@pytest.mark.parametrize("n", [0, 1, 4, 5])
def test_shifts_undo_each_other(n: int) -> None:
    x = gx.input("x", ("n",), "float64")
    f = gx.compile([x], [fft.fftshift(x), fft.ifftshift(fft.fftshift(x))])
    a = signal(n)
    middle, back = f(a)
    np.testing.assert_array_equal(middle, np.fft.fftshift(a))
    np.testing.assert_array_equal(back, a)


# What holds of transforms.


@COMPLEX
@NORM
def test_what_is_transformed_back_is_as_before(dtype: str, norm: Norm) -> None:
    a = waves(3, 4, 5, dtype=dtype)
    assert_close(value(lambda x: fft.ifft(fft.fft(x, norm=norm), norm=norm), a), a, 5)
    assert_close(value(lambda x: fft.ifft2(fft.fft2(x, norm=norm), norm=norm), a), a, 20)
    assert_close(value(lambda x: fft.ifftn(fft.fftn(x, norm=norm), norm=norm), a), a, 60)
    r = a.real.copy()
    assert_close(value(lambda x: fft.irfft(fft.rfft(x, norm=norm), 5, norm=norm), r), r, 5)
    assert_close(value(lambda x: fft.irfftn(fft.rfftn(x, norm=norm), x.shape, norm=norm), r), r, 60)
    assert_close(value(lambda x: fft.hfft(fft.ihfft(x, norm=norm), 5, norm=norm), r), r, 5)


@pytest.mark.parametrize("n", [1, 7, 97, 128, 1000])
def test_a_spectrum_has_the_energy_of_its_signal(n: int) -> None:
    a = waves(n)
    energy = value(lambda x: gx.sum(gx.square(gx.abs(fft.fft(x, norm="ortho")))), a)
    assert energy == pytest.approx(np.sum(np.abs(a) ** 2), rel=1e-12)


def test_a_product_of_spectra_filters_a_signal() -> None:
    n, k = gx.size("n"), gx.size("k")
    x, taps = gx.input("x", (n,), "float64"), gx.input("taps", (k,), "float64")
    length = n + k - 1
    y = fft.irfft(fft.rfft(x, length) * fft.rfft(taps, length), length)
    f = gx.compile([x, taps], [y, *gx.grad(gx.sum(gx.square(y)), [x, taps])])
    for count, width in ((50, 7), (31, 4), (1, 1)):
        a, b = signal(count), signal(width)[::-1].copy()
        found, by_signal, by_taps = f(a, b)
        wanted = np.convolve(a, b)
        assert_close(found, wanted, 8 * count)
        assert_close(by_signal, 2 * np.correlate(wanted, b, "valid"), 8 * count)
        assert_close(by_taps, 2 * np.correlate(wanted, a, "valid"), 8 * count)


# Derivatives.


@pytest.mark.parametrize("n", [4, 5])
def test_the_gradient_of_a_loss_of_spectra_is_its_slope(n: int) -> None:
    x, target = gx.input("x", ("b", "n"), "float64"), gx.input("target", ("b", "m"), "float64")
    loss = gx.sum(gx.square(gx.log1p(gx.abs(fft.rfft(x))) - target))
    f = gx.compile([x, target], [loss, gx.grad(loss, x)])
    a, t = signal(2, n), np.abs(signal(2, n // 2 + 1))
    _, slope = f(a, t)
    for place in np.ndindex(2, n):
        step = np.zeros((2, n))
        step[place] = 1e-6
        difference = (f(a + step, t)[0] - f(a - step, t)[0]) / 2e-6
        assert slope[place] == pytest.approx(difference, rel=1e-6, abs=1e-7)


def matrix_of(build: Callable[[gx.Node], gx.Node], extent: int, dtype: str) -> tuple[Array, Array]:
    """A linear function as a matrix of tangents, and as the one that cotangents go through."""
    x = gx.input("x", extent, dtype)
    y = build(x)
    cotangent, tangent = gx.input("c", y.shape, y.dtype), gx.input("t", x.shape, dtype)
    back, push = gx.vjp(y, x, cotangent), gx.jvp(y, x, tangent)
    f, g = gx.compile([x, cotangent], back), gx.compile([x, tangent], push)
    at = np.zeros(extent, dtype)
    rows = [f(at, unit.astype(y.dtype)) for unit in np.eye(int(str(y.shape[0])))]
    return np.stack([g(at, unit.astype(dtype)) for unit in np.eye(extent)], 1), np.stack(rows)


@pytest.mark.parametrize("n", [1, 2, 5, 6])
def test_cotangents_meet_tangents_without_a_conjugate(n: int) -> None:
    forward, back = matrix_of(fft.fft, n, "complex128")
    np.testing.assert_allclose(forward, np.fft.fft(np.eye(n)), atol=1e-14)
    np.testing.assert_allclose(back, forward, atol=1e-14)
    forward, back = matrix_of(fft.rfft, n, "float64")
    np.testing.assert_allclose(back, forward.real, atol=1e-14)
    forward, back = matrix_of(lambda z: fft.irfft(z, n), n // 2 + 1, "complex128")
    np.testing.assert_allclose(back.real, forward, atol=1e-14)


def test_a_gradient_transforms_once_per_transform() -> None:
    x = gx.input("x", ("b", 8), "float64")
    f = gx.compile([x], gx.grad(gx.sum(gx.abs(fft.fft(x)) ** 3), x), backend="numpy")
    assert f.source.count("routines.fft(") == 2
    f = gx.compile([x], gx.grad(gx.sum(gx.abs(fft.rfft(x)) ** 3), x), backend="numpy")
    assert (f.source.count("routines.rfft("), f.source.count("routines.irfft(")) == (1, 1)


def test_a_filter_is_learnt() -> None:
    a = signal(64, 32)
    wanted = np.fft.irfft(np.fft.rfft(a) * np.exp(-np.arange(17) / 4), 32)
    x, t = gx.input("x", ("b", 32), "float64"), gx.input("t", ("b", 32), "float64")
    w = gx.param("w", np.zeros(17, complex))
    loss = gx.mean(gx.square(fft.irfft(fft.rfft(x) * w, 32) - t))
    step = gx.compile([x, t], loss, updates={w: w - 8 * gx.conj(gx.grad(loss, w))})
    losses = [float(step(a, wanted)) for _ in range(100)]
    assert losses[-1] < 1e-10 * losses[0]
    np.testing.assert_allclose(w.value.real, np.exp(-np.arange(17) / 4), atol=1e-4)
