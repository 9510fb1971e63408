"""Native sorts: every dtype, short and long rows, what has no order, threads."""

from typing import Literal

import numpy as np
import pytest

import graphc as gx
from graphc.backends.llvm.backend import LlvmBackend
from graphc.backends.llvm.machine import restricted
from graphc.backends.llvm.pool import pool
from graphc.driver import compile
from graphc.function import CompiledFunction
from graphc.types import DTYPES, DType, is_complex
from tests.case import Array

ORDERED = [name for name, dtype in DTYPES.items() if not is_complex(dtype)]
SHAPES = [(0, 5), (3, 0), (1, 1), (5, 7), (4, 16), (3, 17), (2, 33), (3, 128), (3, 129), (2, 1031), (1, 70_000)]


def drawn(shape: tuple[int, ...], dtype: DType) -> Array:
    """Numbers of the whole range, some of them equal; of floats also nan, -0.0 and inf."""
    rng = np.random.default_rng(sum(shape))
    if dtype.kind == "b":
        return rng.random(shape) < 0.5
    if dtype.kind in "iu":
        limits = np.iinfo(dtype)
        numbers = rng.integers(limits.min, limits.max, shape, dtype, endpoint=True)
        return np.where(rng.random(shape) < 0.3, dtype.type(3), numbers)
    found = np.round(rng.normal(size=shape) * 8, 1).astype(dtype)
    for special in (np.nan, -np.nan, 0.0, -0.0, np.inf, -np.inf):
        found[rng.random(shape) < 0.05] = special
    return found


def sorted_by(x: gx.Node, *, backend: Literal["numpy", "llvm"]) -> CompiledFunction:
    outputs = [gx.sort(x), gx.argsort(x), gx.sort(x, descending=True), gx.argsort(x, descending=True)]
    return compile([x], outputs, backend=backend)


@pytest.mark.parametrize("dtype", ORDERED)
def test_values_and_places_are_those_of_numpy(dtype: str) -> None:
    x = gx.input("x", ("m", "n"), dtype)
    native, exact = sorted_by(x, backend="llvm"), sorted_by(x, backend="numpy")
    for shape in SHAPES:
        array = drawn(shape, DTYPES[dtype])
        for found, expected in zip(native(array), exact(array), strict=True):
            assert np.asarray(found).tobytes() == np.asarray(expected).tobytes(), shape


@pytest.mark.parametrize("n", [1, 20, 300])
@pytest.mark.parametrize("dtype", ["float16", "float32", "int64"])
def test_rows_of_a_known_length_on_narrow_vectors(dtype: str, n: int, monkeypatch: pytest.MonkeyPatch) -> None:
    x = gx.input("x", (6, n), dtype)
    array = drawn((6, n), DTYPES[dtype])
    expected = sorted_by(x, backend="numpy")(array)
    monkeypatch.setattr("graphc.driver.BACKENDS", {"llvm": lambda threads: LlvmBackend(restricted(16), threads)})
    for found, exact in zip(sorted_by(x, backend="llvm")(array), expected, strict=True):
        assert np.asarray(found).tobytes() == np.asarray(exact).tobytes()


def test_the_same_at_any_number_of_threads() -> None:
    x = gx.input("x", (4, 20, 1000), "float64")
    array = drawn((4, 20, 1000), DTYPES["float64"])
    before = pool().threads
    found = []
    try:
        for threads in (1, 2, 5):
            pool().resize(threads)
            found.append([np.asarray(y).tobytes() for y in sorted_by(x, backend="llvm")(array)])
    finally:
        pool().resize(before)
    assert all(bits == found[0] for bits in found)


def test_keys_that_share_their_bits_are_in_order() -> None:
    array = (1 << 40) + np.random.default_rng(0).integers(0, 300, 5000)
    x = gx.input("x", (5000,), "int64")
    np.testing.assert_array_equal(compile([x], gx.argsort(x), backend="llvm")(array), np.argsort(array, kind="stable"))
