"""Kernels of every form at extents around those of warps and blocks, and what is written for each."""

from collections.abc import Callable, Mapping

import numpy as np
import pytest

import graphc as gx
from graphc.backends.cuda.backend import CudaBackend
from graphc.backends.cuda.emulation.emulator import Emulator
from graphc.kernel.monoids import Monoid
from graphc.kernel.program import Program
from graphc.kernel.reference import interpret
from graphc.kernel.scalar import Axis, Formula, Load
from graphc.kernel.steps import Kernel, Prefix, Stage, Store, Total
from tests.backends.cuda.emulated import NEEDS_COMPILER, made_at_once, near
from tests.backends.running import run
from tests.kernel.building import HERE, N, given, local, output

Build = Callable[[gx.Node], gx.Node]

EXTENTS = ((0, 3), (1, 1), (5, 7), (33, 31), (3, 65), (2, 600), (300, 4))
BUILDS: Mapping[str, Build] = {
    "elementwise": lambda x: 0.5 * x * (1 + gx.tanh(x)),
    "sum of columns": lambda x: gx.sum(x, 0),
    "largest of columns": lambda x: gx.max(gx.concat([x, -x], 0), 0),
    "sum of rows": lambda x: gx.sum(x, 1),
    "sum of all": gx.sum,
    "softmax": lambda x: gx.softmax(x, 1),
    "softmax of columns": lambda x: gx.softmax(x, 0),
    "both kinds of sums": lambda x: gx.sum(gx.square(x - gx.sum(x, 1, keepdims=True)), 0),
    "running": lambda x: gx.cumsum(x, 1),
    "running both ways": lambda x: gx.cumsum(x, 1) + gx.cumsum(x * 2, 1, reverse=True),
    "running down columns": lambda x: gx.cumprod(1 + x / 1000, 0),
    "place of the largest": lambda x: gx.concat([gx.argmax(x, 1), gx.argmin(x, 1)], 0),
    "turned": lambda x: gx.transpose(x) + 1,
    "every second": lambda x: x[:, ::2] * 2,
    "from the end": lambda x: x[:, ::-1] * 2,
    "product with itself": lambda x: gx.relu(x @ x.mT + 1),
    "narrow": lambda x: gx.astype(gx.sum(gx.astype(x, "bfloat16") * 2, 0), "float32"),
    "bools": lambda x: gx.astype(x > 0, "int8") + gx.astype(gx.any(x > 1, 1, keepdims=True), "int8"),
    "largest sum of rows": lambda x: gx.max(gx.sum(gx.abs(x), 1)),
}
UNDEFINED = {"place of the largest", "largest of columns", "largest sum of rows", "softmax of columns"}  # over nothing


@NEEDS_COMPILER
@pytest.mark.parametrize("schedule", [3, *(pytest.param(n, marks=pytest.mark.full) for n in (0, 1, 2, 4))])
def test_every_extent_of_open_axes(schedule: int) -> None:
    x = gx.input("x", ("m", "n"))
    plain = {name: gx.compile([x], build(x), backend="numpy") for name, build in BUILDS.items()}
    rng = np.random.default_rng(0)
    functions = made_at_once(list(plain.values()), Emulator(schedule))
    for (name, exact), function in zip(plain.items(), functions, strict=True):
        for m, n in EXTENTS:
            if (m and n) or name not in UNDEFINED:
                array = rng.standard_normal((m, n)).astype(np.float32)
                near(function(array), exact(array))


@NEEDS_COMPILER
def test_fixed_extents_around_warps_and_vectors() -> None:
    rng = np.random.default_rng(0)
    arrays = [rng.standard_normal(shape).astype(np.float32) for shape in ((3, 31), (2, 1000), (5, 4096), (9000, 1))]
    plain = []
    for array in arrays:
        x = gx.input("x", array.shape)
        shifted = x - gx.mean(x, 1, keepdims=True)
        y = shifted / gx.sqrt(gx.mean(shifted * shifted, 1, keepdims=True) + 1e-5)
        plain.append(gx.compile([x], [y, gx.grad(gx.sum(gx.exp(y)), x), gx.exp(x) - 1, gx.sum(y, 0)], backend="numpy"))
    for array, exact, function in zip(arrays, plain, made_at_once(plain, Emulator(4)), strict=True):
        for found, expected in zip(function(array), exact(array), strict=True):
            near(found, expected)


@NEEDS_COMPILER
def test_narrow_numbers_become_wide_before_they_are_computed_with() -> None:
    x, limit = gx.input("x", 1000, "float16"), gx.input("limit", 1000, "float64")
    wide = gx.astype(x, "float64")
    plain = gx.compile([x, limit], [wide * wide * wide, gx.maximum(wide, limit)], backend="numpy")
    rng = np.random.default_rng(0)
    arrays = rng.standard_normal(1000).astype(np.float16), rng.standard_normal(1000)
    (function,) = made_at_once([plain], Emulator())
    for found, exact in zip(function(*arrays), plain(*arrays), strict=True):
        np.testing.assert_array_equal(found, exact)


@NEEDS_COMPILER
def test_unsigned_integers_are_compared_with_0() -> None:
    x = gx.input("x", 5, "uint8")
    (function,) = made_at_once([gx.compile([x], [x < 0, x <= 0, x > 0, x >= 0, x > 0], backend="numpy")], Emulator())
    array = np.array([0, 1, 0, 200, 255], np.uint8)
    for found, exact in zip(function(array), (array < 0, array <= 0, array > 0, array >= 0, array > 0), strict=True):
        np.testing.assert_array_equal(found, exact)


@NEEDS_COMPILER
def test_scattered_sums_are_added_in_order() -> None:
    table, i = gx.param("table", np.zeros((9, 3), np.float32)), gx.input("i", ("n",), "int64")
    given = gx.input("given", ("n", 3))
    plain = gx.compile([i, given], gx.grad(gx.sum(gx.take(table, i, axis=0) * given), table), backend="numpy")
    (function,) = made_at_once([plain], Emulator(2))
    rng = np.random.default_rng(0)
    index, rows = rng.integers(-9, 9, 500), rng.standard_normal((500, 3)).astype(np.float32)
    expected = np.zeros((9, 3), np.float32)
    for place, row in zip(index, rows, strict=True):
        expected[place] += row
    np.testing.assert_array_equal(function(index, rows), expected)


def source(*outputs: gx.Node, inputs: list[gx.Node]) -> str:
    text = gx.compile(inputs, list(outputs), backend="cuda").source
    return text[text.index('extern "C"') :]


def test_elementwise_kernels_move_16_bytes() -> None:
    x = gx.input("x", ("n",))
    assert "load_vector<4>" in source(gx.exp(x), inputs=[x])


def test_elementwise_kernels_of_rows_move_16_bytes_where_rows_begin_at_them() -> None:
    x, gain, shift = gx.input("x", ("n", 512)), gx.input("gain", (512,)), gx.input("shift", ("n", 1))
    text = source(gx.tanh(x * gain) + shift, inputs=[x, gain, shift])
    assert text.count("load_vector<4>(") == 2
    assert "store_vector(&y0[j + i * 512], out);" in text
    y, i = gx.input("y", ("n", 510)), gx.input("i", ("k",), "int64")
    assert "load_vector<2>(" in source(y * shift, inputs=[y, shift])
    assert "_vector" not in source(x[:, 1:] * gain[1:], inputs=[x, gain])
    taken = gx.take(x, i, axis=0)
    assert "store_vector(" not in source(taken, inputs=[x, i])


@NEEDS_COMPILER
def test_values_of_elementwise_kernels_of_rows() -> None:
    plain, arrays = [], []
    rng = np.random.default_rng(0)
    for dtype, extent in (("float32", 512), ("float64", 6), ("bfloat16", 24), ("int8", 40), ("float32", 10)):
        x, gain = gx.input("x", ("n", 3, extent), dtype), gx.input("gain", (extent,), "float32")
        shift = gx.input("shift", ("n", 3, 1), dtype)
        outputs = [x * gain + shift, x[:, ::-1] * x, x[:, :, ::-1] + x, gx.pad(x, [(0, 0), (1, 1), (0, 0)]) * gain]
        plain.append(gx.compile([x, gain, shift], outputs, backend="numpy"))
        shapes = ((4, 3, extent), (extent,), (4, 3, 1))
        pairs = zip(shapes, (x, gain, shift), strict=True)
        arrays.append([(rng.standard_normal(shape) * 9).astype(node.dtype) for shape, node in pairs])
    for numbers, exact, function in zip(arrays, plain, made_at_once(plain, Emulator(2)), strict=True):
        for found, expected in zip(function(*numbers), exact(*numbers), strict=True):
            near(found, expected)


def test_a_softmax_is_one_kernel_that_reads_each_element_once() -> None:
    x = gx.input("x", ("n", 512))
    text = source(gx.softmax(x), inputs=[x])
    assert text.count("__global__") == 1
    assert text.count("x0[") == 1
    assert "__shared__" not in text


def test_a_large_sum_is_made_in_two_steps() -> None:
    x = gx.input("x", (1 << 20,))
    text = source(gx.sum(x), inputs=[x])
    assert text.count("__global__") == 2
    assert "atomic" not in text


@pytest.mark.parametrize("shape", [("n",), ("n", 10), (64, 784)])
def test_a_mean_that_may_be_large_is_made_by_blocks_that_read_16_bytes(shape: tuple[int | str, ...]) -> None:
    x, t = gx.input("x", shape), gx.input("t", shape)
    text = source(gx.mean(gx.square(x - t)), inputs=[x, t])
    assert text.count("__global__") == 2
    assert text.count("load_vector<4>(&x0[p * 4])") == 1


def test_a_small_mean_is_made_by_a_block() -> None:
    x = gx.input("x", (64, 64))
    assert source(gx.mean(x), inputs=[x]).count("__global__") == 1


@NEEDS_COMPILER
def test_values_of_means_in_two_steps() -> None:
    x, t = gx.input("x", ("n", 7)), gx.input("t", ("n", 7), "float64")
    outputs = [gx.mean(gx.square(x - t)), gx.max(x), gx.any(x > 2), gx.sum(x * t[:, ::-1]), gx.sum(gx.exp(x), 0)]
    plain = gx.compile([x, t], outputs, backend="numpy")
    (function,) = made_at_once([plain], Emulator(4))
    rng = np.random.default_rng(0)
    for n in (1, 5, 300, 3000):
        arrays = rng.standard_normal((n, 7)).astype(np.float32), rng.standard_normal((n, 7))
        for found, expected in zip(function(*arrays), plain(*arrays), strict=True):
            near(found, expected)


def test_what_follows_a_product_is_made_with_its_tiles() -> None:
    x, w, b = gx.input("x", ("n", 64)), gx.input("w", (64, 64)), gx.input("b", (64,))
    text = source(gx.relu(x @ w + b), inputs=[x, w, b])
    assert text.count("__global__") == 1
    assert "maximum(" in text


def test_a_convolution_reads_its_windows_from_the_image() -> None:
    x, w = gx.input("x", ("n", 3, 32, 32)), gx.input("w", (8, 3, 5, 5))
    assert source(gx.conv2d(x, w), inputs=[x, w]).count("__global__") == 1


@NEEDS_COMPILER
def test_a_stage_may_run_both_ways_at_once() -> None:
    i, j = Axis(0, N), Axis(1, 40)
    x, up, down, total = given(0, N, 40), output(0, N, 40), output(1, N, 40), output(2, 40)
    formula = Formula()
    at = (formula.axis(i), formula.axis(j))
    value = formula.add(Load(x, at, x.dtype))
    added = local(40)
    effects = (
        Prefix(Monoid.SUM, value, up),
        Prefix(Monoid.MAX, value, down, reverse=True),
        Total(Monoid.SUM, value, (at[1],), added),
    )
    last = Formula()
    place = last.axis(j)
    stored = Store(total, (place,), last.add(Load(added, (place,), added.dtype)))
    stages = (Stage((j,), tuple(formula.lets), effects), Stage((j,), tuple(last.lets), (stored,), is_last=True))
    program = Program((Kernel((i,), stages, HERE),), (x,), (), (), (up, down, total), 1, ("n",))
    array = np.random.default_rng(0).standard_normal((7, 40)).astype(np.float32)
    found, _ = run(program, [array], sizes={"n": 7}, backend=CudaBackend(Emulator(1)))
    for actual, exact in zip(found, interpret(program, [array], [], {"n": 7})[0], strict=True):
        near(actual, exact)
