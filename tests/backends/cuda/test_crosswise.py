"""Elementwise kernels that read or write columns of rows: squares in shared memory, their edges, what has none."""

from collections.abc import Callable, Mapping, Sequence

import numpy as np
import pytest

import graphc as gx
from graphc.backends.cuda.emulation.emulator import Emulator
from tests.backends.cuda.compiled import ARCHITECTURES, NEEDS_NVRTC, require_clean
from tests.backends.cuda.emulated import NEEDS_COMPILER, made_at_once, near

Build = Callable[[gx.Node], Sequence[gx.Node]]

BUILDS: Mapping[str, Build] = {
    "one load": lambda x: [gx.transpose(x) + 1],
    "several loads": lambda x: [gx.transpose(x) * gx.transpose(x[::-1]) + gx.reshape(x, x.shape[::-1])],
    "loads both ways": lambda x: [x * gx.transpose(gx.reshape(x, x.shape[::-1]))],
    "stores both ways": lambda x: [x + 1, gx.transpose(x + 1), gx.transpose(gx.exp(x))],
    "places": lambda x: [gx.transpose(x) * gx.expand_dims(gx.arange(x.shape[1]) % 3, 1)],
}
IN_BATCHES: Mapping[str, tuple[int, ...]] = {"rows": (0, 2, 1), "batch": (2, 0, 1), "all": (2, 1, 0)}
SIZES = ((32, 64), (31, 100), (65, 33), (1, 40), (0, 40), (70, 0))


def source(x: gx.Node, *outputs: gx.Node) -> str:
    text = gx.compile([x], list(outputs), backend="cuda").source
    return text[text.index('extern "C"') :]


@pytest.mark.parametrize("shape", [(4096, 4096), ("n", "m"), (64, "m")])
def test_columns_are_read_through_a_square_of_shared_memory(shape: tuple[int | str, ...]) -> None:
    x = gx.input("x", shape)
    text = source(x, gx.transpose(x) + 1)
    assert text.count("__shared__ float tile[32][33];") == 1
    assert text.count("__syncthreads();") == 2


@pytest.mark.parametrize("shape", [(4096, 31), (31, 4096), (3, "n")])
def test_few_columns_are_read_as_they_lie(shape: tuple[int | str, ...]) -> None:
    x = gx.input("x", shape)
    assert "__shared__" not in source(x, gx.transpose(x) + 1)


def test_rows_that_are_moved_whole_need_no_square() -> None:
    x = gx.input("x", ("b", "h", "s", 64))
    assert "__shared__" not in source(x, gx.transpose(x, (0, 2, 1, 3)) * 2)


def test_a_square_holds_the_elements_of_memory() -> None:
    for dtype, type in (("bfloat16", "bf16"), ("int8", "i8"), ("complex128", "c128"), ("bool", "bool")):
        x = gx.input("x", ("n", "m"), dtype)
        assert f"__shared__ {type} tile[32][33];" in source(x, gx.transpose(x) == gx.reshape(x, x.shape[::-1]))


def test_what_there_is_no_room_for_is_read_as_it_lies() -> None:
    xs = [gx.input(f"x{n}", ("n", "m"), "complex128") for n in range(4)]
    y = gx.input("y", ("m", "n"), "complex128")
    total = y + gx.transpose(xs[0]) * gx.transpose(xs[1]) * gx.transpose(xs[2]) * gx.transpose(xs[3]) + y * y
    text = gx.compile([*xs, y], [total, gx.exp(y), y * 2, y - 1, y * 3], backend="cuda").source
    assert text.count("__shared__ c128 tile") == 1


@NEEDS_NVRTC
@pytest.mark.parametrize("dtype", ["float32", *(pytest.param(x, marks=pytest.mark.full) for x in ("int8", "float64"))])
def test_squares_compile_without_warnings(dtype: str) -> None:
    x = gx.input("x", ("n", "m"), dtype)
    f = gx.compile([x], [y.astype(dtype) for build in BUILDS.values() for y in build(x)], backend="cuda")
    require_clean(f.source, ARCHITECTURES)


@NEEDS_COMPILER
@pytest.mark.parametrize("schedule", [1, *(pytest.param(n, marks=pytest.mark.full) for n in (0, 2, 3, 4))])
def test_values_of_squares_and_their_edges(schedule: int) -> None:
    dtypes = ("float32", "bfloat16", "int8", "complex128")
    xs = [gx.input("x", ("n", "m"), dtype) for dtype in dtypes]
    plain = [gx.compile([x], [y for build in BUILDS.values() for y in build(x)], backend="numpy") for x in xs]
    rng = np.random.default_rng(0)
    for x, exact, function in zip(xs, plain, made_at_once(plain, Emulator(schedule)), strict=True):
        for sizes in SIZES:
            if 0 in sizes and x is not xs[0]:
                continue
            array = (rng.standard_normal(sizes) * 5).astype(x.dtype)
            for found, expected in zip(function(array), exact(array), strict=True):
                near(found, expected)


@NEEDS_COMPILER
def test_values_of_squares_in_batches() -> None:
    plain = []
    for axes in IN_BATCHES.values():
        for shape in (("b", "n", "m"), (3, 40, 64)):
            x = gx.input("x", shape)
            plain.append(gx.compile([x], gx.transpose(x, axes) * 2 - 1, backend="numpy"))
    array = np.random.default_rng(0).standard_normal((3, 40, 64)).astype(np.float32)
    for exact, function in zip(plain, made_at_once(plain, Emulator(2)), strict=True):
        near(function(array), exact(array))
