"""`eig` as CUDA C++: matrices that are hard for the QR method, and that no order of threads changes a bit."""

import numpy as np

import graphc as gx
from graphc.backends.cuda.emulation.emulator import Emulator
from tests.backends.cuda.emulated import NEEDS_COMPILER, made_at_once
from tests.case import Array

pytestmark = NEEDS_COMPILER


def hard(n: int) -> Array:
    """Full, defective, equal, of no size, turning in a circle, huge, tiny, of rank 1, and shifting down."""
    full = np.random.default_rng(n).standard_normal((n, n))
    one = np.eye(n)
    jordan, circle, shift = 2 * one + np.eye(n, k=1), np.roll(one, 1, 0), np.eye(n, k=-1)
    return np.stack([full, jordan, one, 0 * one, circle, full * 1e30, full * 1e-30, one * 0 + 1, shift, np.triu(full)])


def test_vectors_of_hard_matrices_are_turned_by_their_values() -> None:
    for dtype in ("float32", "complex128"):
        a = gx.input("a", ("b", "n", "n"), dtype)
        (f,) = made_at_once([gx.compile([a], list(gx.linalg.eig(a)), backend="numpy")], emulator := Emulator())
        for n in (1, 2, 3, 9):
            given = hard(n).astype(dtype)
            if dtype == "complex128":
                given = given + 1j * given.swapaxes(-1, -2)
            emulator.schedule = 0
            w, v = (x.astype("complex128") for x in f(given))
            bound = 20 * n * float(np.finfo(dtype).eps)
            matrices = given.astype("complex128")
            sizes = np.abs(matrices).max((-1, -2), keepdims=True)
            assert (np.abs(matrices @ v - v * w[..., None, :]) <= bound * sizes).all()
            np.testing.assert_allclose(np.sum(np.abs(v) ** 2, -2), 1, atol=bound)
            is_largest = np.abs(v) >= np.abs(v).max(-2, keepdims=True) - bound
            assert (np.where(is_largest, np.abs(v.imag), 1).min(-2) <= bound).all()
            emulator.schedule = 2
            for x, y in zip(f(given), (w, v), strict=True):
                np.testing.assert_array_equal(x, y)


def test_what_is_not_finite_gives_nan_and_its_neighbours_stay() -> None:
    a = gx.input("a", ("b", 3, 3))
    (f,) = made_at_once([gx.compile([a], list(gx.linalg.eig(a)), backend="numpy")], Emulator())
    matrices = np.stack([np.eye(3, dtype=np.float32)] * 3)
    matrices[0, 1, 2], matrices[2, 0, 0] = np.inf, np.nan
    w, v = f(matrices)
    assert np.isnan(w[[0, 2]]).all()
    assert np.isnan(v[[0, 2]]).all()
    np.testing.assert_array_equal(v[1], np.eye(3))


def test_matrices_at_the_ends_of_the_range_have_the_values_and_vectors_of_others() -> None:
    ends = {"float32": (-120, -80, 80, 120), "float64": (-1010, -660, 660, 1010)}  # powers of two
    inputs = [gx.input("a", ("b", 3, 3), dtype) for dtype in ends]
    functions = made_at_once([gx.compile([a], list(gx.linalg.eig(a)), backend="numpy") for a in inputs], Emulator())
    for (dtype, powers), f in zip(ends.items(), functions, strict=True):
        full = hard(3)[0].astype(dtype)
        w, v = f(np.stack([full, *(np.ldexp(full, power) for power in powers)]))
        for power, values, vectors in zip(powers, w[1:], v[1:], strict=True):
            np.testing.assert_array_equal(np.ldexp(values.real, -power), w[0].real)
            np.testing.assert_array_equal(np.ldexp(values.imag, -power), w[0].imag)
            np.testing.assert_array_equal(vectors, v[0])


def test_a_small_column_is_reflected_by_all_of_its_digits() -> None:
    a = gx.input("a", (3, 3))
    (f,) = made_at_once([gx.compile([a], gx.linalg.eigvals(a), backend="numpy")], Emulator())
    given = np.array([[1, 0.5, 0.3], [2e-22, 0.8, 0.5], [3e-22, 0.1, 0.5]], np.float32)
    np.testing.assert_allclose(np.sort(f(given).real), np.sort(np.linalg.eigvals(given)), rtol=1e-6)
