"""Native kernels: extents around the width of a vector, what is written over, and threads."""

from collections.abc import Callable

import numpy as np
import pytest

import graphc as gx
from graphc.backends.llvm.backend import LlvmBackend
from graphc.backends.llvm.chunked import Function
from graphc.backends.llvm.kernels import Native
from graphc.backends.llvm.machine import restricted
from graphc.backends.llvm.pool import pool
from graphc.backends.numpy.backend import NumpyBackend
from graphc.driver import compile
from graphc.function import CompiledFunction
from graphc.kernel.meaning import converted
from graphc.kernel.steps import Kernel
from graphc.types import DTYPES, is_integer
from tests.case import Array

LENGTHS = (0, 1, 2, 3, 7, 8, 9, 15, 16, 17, 31, 33, 63, 64, 65, 127, 1031)
Build = Callable[[gx.Node], gx.Node]

BUILDS: dict[str, Build] = {
    "elementwise": lambda x: 0.5 * x * (1 + gx.tanh(x)),
    "sum of columns": lambda x: gx.sum(x, 0),
    "sum of rows": lambda x: gx.sum(x, 1),
    "sum of all": gx.sum,
    "largest": lambda x: gx.max(gx.concat([x, -x], 1), 1, keepdims=True),
    "softmax": lambda x: gx.softmax(x, 1),
    "softmax of columns": lambda x: gx.softmax(x, 0),
    "running": lambda x: gx.cumsum(x, 1),
    "running both ways": lambda x: gx.cumsum(x, 1) + gx.cumsum(x * 2, 1, reverse=True),
    "place of the largest": lambda x: gx.concat([gx.argmax(x, 1), gx.argmin(x, 1)], 0),
    "turned": lambda x: gx.transpose(x) + 1,
    "every second": lambda x: x[:, ::2] * 2,
    "from the end": lambda x: x[:, ::-1] * 2,
    "in one of each row": lambda x: x - gx.mean(x, 1, keepdims=True),
    "narrow": lambda x: gx.astype(gx.sum(gx.astype(x, "bfloat16") * 2, 0), "float32"),
    "bools": lambda x: gx.astype(x > 0, "int8") + gx.astype(gx.any(x > 1, 1, keepdims=True), "int8"),
}

UNDEFINED = {"largest", "place of the largest", "softmax", "softmax of columns", "in one of each row"}  # over nothing


def both(build: Build, x: gx.Node, array: Array) -> tuple[Array, Array]:
    """What native kernels give, and what the NumPy backend gives for float64."""
    wide = gx.input("x", x.shape, "float64")
    found = compile([x], build(x), backend="llvm")(array)
    return np.asarray(found), np.asarray(compile([wide], build(wide))(array.astype(np.float64)))


def assert_near(found: Array, exact: Array) -> None:
    assert found.shape == exact.shape
    tolerance = 0.02 if exact.dtype == np.float32 else 2e-5
    np.testing.assert_allclose(found.astype(np.float64), exact.astype(np.float64), rtol=tolerance, atol=tolerance * 4)


@pytest.mark.parametrize("name", BUILDS)
def test_every_length_of_an_open_axis(name: str) -> None:
    rng = np.random.default_rng(0)
    x = gx.input("x", ("m", "n"))
    wide = gx.input("x", ("m", "n"), "float64")
    function, exact = compile([x], BUILDS[name](x), backend="llvm"), compile([wide], BUILDS[name](wide))
    for n in LENGTHS:
        for shape in ((1, n), (3, n), (n, 3), (17, n), (n, 17)):
            if 0 in shape and name in UNDEFINED:
                continue
            array = rng.standard_normal(shape).astype(np.float32)
            assert_near(np.asarray(function(array)), np.asarray(exact(array.astype(np.float64))))


@pytest.mark.parametrize("n", [5, 16, 21, pytest.param(40, marks=pytest.mark.full)])
@pytest.mark.parametrize("name", BUILDS)
def test_lengths_that_are_known(name: str, n: int) -> None:
    array = np.random.default_rng(n).standard_normal((6, n)).astype(np.float32)
    assert_near(*both(BUILDS[name], gx.input("x", (6, n)), array))


@pytest.mark.parametrize("n", [65_536, 200_003])
@pytest.mark.parametrize("dtype", ["float32", "bfloat16", "int32"])
def test_folds_over_many_points(n: int, dtype: str) -> None:
    x = gx.input("x", (n,), dtype)
    array = np.arange(n) % 7 - 3
    total, most, some = compile([x], [gx.sum(x), gx.max(x), gx.any(x == 3)], backend="llvm")(array.astype(x.dtype))
    assert float(total) == pytest.approx(float(array.sum()), rel=0.01, abs=4)
    assert (float(most), bool(some)) == (3.0, True)


@pytest.mark.parametrize("n", [192, 300])
def test_chunks_of_columns_with_a_total_fill_all_lanes(n: int) -> None:
    x = gx.input("x", (n, 256))
    sums = gx.sum(x, 0)
    array = np.ones((n + 2, 256), "float32")
    array[n:] = 1000  # is not read
    found, largest = compile([x], [sums, gx.max(sums)], backend="llvm")(array[:n])
    assert np.all(found == n)
    assert largest == n


def test_what_is_read_may_be_written_over() -> None:
    w = gx.param("w", np.arange(100_003, dtype=np.float32))
    step = compile([], [], updates={w: w * 0.5 + 1}, backend="llvm")
    step()
    np.testing.assert_array_equal(w.value, np.arange(100_003, dtype=np.float32) * np.float32(0.5) + 1)


def test_the_same_bits_at_any_number_of_threads() -> None:
    x = gx.input("x", (513, 1031))
    outputs = [gx.softmax(x, 1), gx.sum(x, 0), gx.logsumexp(x, 0), gx.mean(gx.exp(x)), gx.sum(x * x, 1)]
    function = compile([x], outputs, backend="llvm")
    array = np.random.default_rng(0).standard_normal((513, 1031)).astype(np.float32)
    before = pool().threads
    found = []
    try:
        for threads in (1, 2, 4, 7):
            pool().resize(threads)
            function.release()
            found.append([np.asarray(y).tobytes() for y in function(array)])
    finally:
        pool().resize(before)
    assert all(bits == found[0] for bits in found)


@pytest.mark.parametrize("width", [16, 32])
@pytest.mark.parametrize("name", BUILDS)
def test_narrower_vectors(name: str, width: int, monkeypatch: pytest.MonkeyPatch) -> None:
    narrow = {"numpy": lambda threads: NumpyBackend(), "llvm": lambda threads: LlvmBackend(restricted(width), threads)}
    monkeypatch.setattr("graphc.driver.BACKENDS", narrow)
    array = np.random.default_rng(3).standard_normal((6, 37)).astype(np.float32)
    assert_near(*both(BUILDS[name], gx.input("x", (6, 37)), array))


@pytest.mark.parametrize("source", ["float16", "bfloat16", "float32", "float64"])
def test_floats_become_the_integers_that_the_interpreter_has(source: str) -> None:
    rng = np.random.default_rng(0)
    special = [0.0, -0.0, 0.9, -0.9, 127.5, 128.0, -129.0, 2.0**31, 2.0**63, -(2.0**63), 2.0**64, 1e38]
    values = np.array([*special, np.inf, -np.inf, np.nan, *(1000 * rng.standard_normal(50))])
    with np.errstate(over="ignore"):
        array = values.astype(DTYPES[source])
    x = gx.input("x", array.shape, source)
    integers = [name for name, dtype in DTYPES.items() if is_integer(dtype)]
    for backend in ("llvm", "numpy"):
        results = gx.compile([x], [x.astype(name) for name in integers], backend=backend)(array)
        for name, found in zip(integers, results, strict=True):
            assert found.tolist() == [int(converted(value, DTYPES[name])) for value in array], (backend, name)


def test_source_and_assembly_are_shown() -> None:
    x = gx.input("x", (64,))
    function: CompiledFunction = compile([x], gx.exp(x), backend="llvm")
    assert "define" in function.source
    assert "test_kernels.py" in function.source
    assert "graphc_compute" in function.assembly
    with pytest.raises(gx.UnsupportedError, match="assembly: the numpy backend makes none"):
        compile([x], gx.exp(x), backend="numpy").assembly  # noqa: B018


def test_kernels_that_are_alike_are_written_once(monkeypatch: pytest.MonkeyPatch) -> None:
    written: list[Kernel] = []
    rows = Native.rows

    def noted(native: Native) -> Function:
        written.append(native.kernel)
        return rows(native)

    monkeypatch.setattr(Native, "rows", noted)
    x, w = gx.input("x", (8, 8)), gx.input("w", (8, 8))
    h = x
    for _ in range(12):
        h = gx.softmax(h @ w, 1)
    f = compile([x, w], h, backend="llvm")
    kernels = [step for step in f.program.steps if isinstance(step, Kernel) or getattr(step, "then", None) is not None]
    assert len(kernels) > 6
    assert len(written) <= 2  # into memory of its own, and into the result


def test_a_kernel_in_place_is_not_taken_for_one_that_is_not() -> None:
    x = gx.input("x", (2, 501))
    lives = gx.sort(x, 1)
    dies = gx.sort(1 - lives * lives, 1)
    f = compile([x], gx.sort(1 - dies * dies, 1) + lives, backend="llvm")
    in_place = {over.root for over in f.program.aliases}
    squares = [step for step in f.program.steps if isinstance(step, Kernel) and len(step.reads) == 1]
    assert [step.writes[0].root in in_place for step in squares] == [False, True]
    value = np.random.default_rng(0).standard_normal((2, 501)).astype("float32")
    wanted = np.sort(value)
    np.testing.assert_array_equal(f(value), np.sort(1 - np.sort(1 - wanted**2) ** 2) + wanted)
