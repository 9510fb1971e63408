"""Several vectors side by side, extremes and powers in one instruction each, and rows that are asked for ahead."""

import numpy as np
import pytest

import graphc as gx
from graphc.backends.llvm.backend import LlvmBackend
from graphc.backends.llvm.machine import NAMED, host, restricted
from graphc.backends.llvm.plans import planned
from graphc.backends.llvm.shortcuts import shortcuts
from graphc.driver import compile
from graphc.kernel.elementary.expansion import expanded_kernel
from graphc.kernel.steps import Kernel
from tests.backends.running import run
from tests.guard_pages import HAS_PAGES, fenced

LENGTHS = (1, 15, 16, 17, 63, 64, 65, 79, 80, 127, 128, 129, 1031)
FUNCTIONS = {"exp": gx.exp, "exp2": gx.exp2, "cosh": gx.cosh, "erfc": gx.erfc, "softplus": gx.softplus}


def source_of(x: gx.Node, y: gx.Node, machine: str) -> str:
    """What is written for a machine."""
    return LlvmBackend(NAMED[machine]).emit(compile([x], y).program).source


@pytest.mark.parametrize("n", LENGTHS)
def test_long_formulas_give_every_element_once(n: int) -> None:
    array = np.random.default_rng(n).standard_normal((3, n)).astype(np.float32)
    for shape in ((3, n), (3, "n")):
        x = gx.input("x", shape)
        found = np.asarray(compile([x], gx.softplus(x[1:]), backend="llvm")(array))
        np.testing.assert_allclose(found, np.logaddexp(0, array[1:].astype(np.float64)), rtol=1e-6)


@pytest.mark.parametrize("n", LENGTHS)
def test_long_formulas_write_over_what_they_read(n: int) -> None:
    start = np.random.default_rng(n).standard_normal(n).astype(np.float32)
    w = gx.param("w", start.copy())
    compile([], [], updates={w: gx.softplus(w) + gx.erf(w)}, backend="llvm")()
    x = gx.input("x", (n,))
    np.testing.assert_array_equal(w.value, compile([x], gx.softplus(x) + gx.erf(x), backend="llvm")(start))


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
@pytest.mark.parametrize("n", [1, 17, 64, 130])
def test_one_nan_is_the_extreme_of_its_row_alone(n: int, dtype: str) -> None:
    x = gx.input("x", (4, n), dtype)
    function = compile([x], [gx.max(x, 1), gx.min(x, 1), gx.max(x), gx.min(x, 0)], backend="llvm")
    for place in {0, n // 2, n - 1}:
        array = np.random.default_rng(0).standard_normal((4, n)).astype(dtype)
        array[2, place], array[3, place] = np.nan, -np.inf
        expected = (array.max(1), array.min(1), array.max(), array.min(0))
        for found, exact in zip(function(array), expected, strict=True):
            np.testing.assert_array_equal(found, exact)


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
@pytest.mark.parametrize("bound", [1.5, -0.0, 0.0, np.inf, np.nan])
def test_the_larger_of_an_element_and_a_number(bound: float, dtype: str) -> None:
    array = np.array([np.nan, -np.inf, -1, -0.0, 0.0, 1.5, np.nextafter(np.float16(1.5), np.float16(2)), np.inf], dtype)
    x = gx.input("x", array.shape, dtype)
    number = gx.constant(np.dtype(dtype).type(bound))
    pairs = ((x, number), (number, x))
    found = compile([x], [fn(*pair) for fn in (gx.maximum, gx.minimum) for pair in pairs], backend="llvm")(array)
    for y, fn in zip(found, (np.maximum, np.maximum, np.minimum, np.minimum), strict=True):
        np.testing.assert_array_equal(y, fn(array, np.dtype(dtype).type(bound)))


def test_the_lanes_of_an_extreme_are_not_asked_for_nan_again() -> None:
    x = gx.input("x", (64, 1024))
    assert source_of(x, gx.max(x, 1), "x86-64-v4").count("fcmp uno") <= 2  # of two vectors; of what single lanes left


def test_an_element_that_all_lanes_share_is_its_own_extreme() -> None:
    x = gx.input("x", (5, 1))
    shared = gx.broadcast_to(x, (5, 128))
    array = np.array([[1], [-2], [np.nan], [np.inf], [0]], "float32")
    found = gx.compile([x], [gx.max(shared, 1), gx.min(shared, 1)], level=0, backend="llvm")(array)
    np.testing.assert_array_equal(found, [array[:, 0]] * 2)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", FUNCTIONS)
def test_powers_of_two_have_the_same_bits_by_one_instruction(name: str, dtype: str) -> None:
    limit = 110.0 if dtype == "float32" else 760.0
    ends = [0.0, -0.0, np.inf, -np.inf, np.nan, 1e30, -1e30]
    array = np.concatenate([np.linspace(-limit, limit, 4001), ends]).astype(dtype)
    x = gx.input("x", array.shape, dtype)
    program = compile([x], FUNCTIONS[name](x)).program
    one, other = (run(program, [array], backend=LlvmBackend(machine))[0][0] for machine in (host(), restricted(32)))
    np.testing.assert_array_equal(one, other)


def test_the_instruction_is_found_in_formulas_alone() -> None:
    x = gx.input("x", (64,))
    for y, count in ((gx.exp(x), 1), (gx.exp(x) + gx.exp2(x), 2), (gx.log(x), 0)):
        (kernel,) = compile([x], y).program.steps
        assert isinstance(kernel, Kernel)
        assert sum(len(shortcuts(stage.lets)) for stage in expanded_kernel(kernel).stages) == count
        assert ("scalef" in source_of(x, y, "x86-64-v4")) == (count > 0)
        assert "scalef" not in source_of(x, y, "x86-64-v3")


def test_roots_by_products_are_rounded_as_those_of_the_instruction() -> None:
    x = gx.input("x", "n")
    f = gx.compile(x, gx.sqrt(x), backend="llvm")
    all_of_two = np.arange(0x3F800000, 0x40800000, dtype="uint32").view("float32")  # binades; others are these by 4^k
    np.testing.assert_array_equal(f(all_of_two), np.sqrt(all_of_two))
    some_of_all = np.random.default_rng(3).integers(0, 1 << 32, 1 << 20, dtype="uint32").view("float32")
    ends = np.array([0.0, -0.0, np.inf, -np.inf, np.nan, -1.0, 1e-45, 2.0**-90, np.nextafter(2.0**-90, 0)], "float32")
    ordinary = np.full((9, 64), 2.0, "float32")
    ordinary[:, 5] = ends  # one lane alone turns all of its register to the instruction
    given = np.concatenate([np.abs(some_of_all), some_of_all, ordinary.ravel(), ends])
    with np.errstate(invalid="ignore"):
        wanted = np.sqrt(given)
    found = f(given)
    np.testing.assert_array_equal(found, wanted)
    np.testing.assert_array_equal(np.signbit(found[given == 0]), np.signbit(given[given == 0]))
    y = gx.input("y", (64,))
    wide, narrow = (source_of(y, gx.sqrt(y), machine) for machine in ("x86-64-v4", "x86-64-v3"))
    assert "rsqrt14" in wide
    assert "rsqrt14" not in narrow


def test_large_rows_are_asked_for_ahead() -> None:
    large, small = gx.input("x", (4096, 1024)), gx.input("x", (64, 1024))
    rows, columns, few = gx.softmax(large), gx.logsumexp(large, 0), gx.softmax(small)
    text = source_of(large, rows, "x86-64-v3")
    assert text.count("i32 0, i32 3, i32 1)") == text.count("i32 1, i32 3, i32 1)") > 0  # what is read, and written
    images = gx.input("x", (128, 64, 16, 16))  # the rows of a channel lie 64 kB apart
    asked = [(large, columns), (images, gx.sum(images, (0, 2, 3))), (large, large * 2)]
    assert all(asks(source_of(*each, "x86-64-v3")) for each in asked)
    assert not any(asks(source_of(small, y, "x86-64-v3")) for y in (few, small * 2))


@pytest.mark.skipif(not HAS_PAGES, reason="needs mprotect")
@pytest.mark.parametrize("dtype", ["float32", "float64", "float16", "int8", "bool", "complex64"])
@pytest.mark.parametrize("step", [2, 3, 4, 5])
def test_elements_some_steps_apart_are_read_to_the_last_and_no_further(step: int, dtype: str) -> None:
    rng = np.random.default_rng(step)
    for n in (1, 15, 16, 17, 31, 64, 67):
        columns = step * (n - 1) + 1  # nothing lies behind the last element that is read
        values = (5 * rng.standard_normal((3, columns))).astype(dtype)
        room = fenced("x", values.nbytes, values.itemsize, 0)
        array = room.bytes.view(dtype).reshape(values.shape)
        array[:] = values
        for shape in ((3, columns), (3, "n")):
            x = gx.input("x", shape, dtype)
            np.testing.assert_array_equal(compile([x], x[:, ::step], backend="llvm")(array), values[:, ::step])
        if dtype != "complex64":
            x = gx.input("x", values.shape, dtype)
            largest = compile([x], gx.max(x[:, ::step], 0), backend="llvm")(array)
            np.testing.assert_array_equal(largest, values[:, ::step].max(0))


@pytest.mark.parametrize("stride", [1, 2, 3])
def test_windows_lie_side_by_side(stride: int) -> None:
    x = gx.input("x", (2, 3, 67, 67))
    y = gx.max_pool(x, 2, stride=stride)
    array = np.random.default_rng(0).standard_normal((2, 3, 67, 67)).astype(np.float32)
    expected = compile([x], y, backend="numpy")(array)
    np.testing.assert_array_equal(compile([x], y, backend="llvm")(array), expected)
    assert "shufflevector <16 x float>" in source_of(x, y, "x86-64-v4") or stride == 1


@pytest.mark.parametrize("dtype", ["float32", "float64", "float16", "bool", "complex64"])
@pytest.mark.parametrize("shape", [(511, 517), (1031, 263), ("n", 1000), (17, 9001), (9001, 17), ("n", 300, 301)])
def test_what_lies_crosswise_is_read_in_blocks(shape: tuple[int | str, ...], dtype: str) -> None:
    x = gx.input("x", shape, dtype)
    y = x.mT.astype("complex64") * 2
    extents = [extent if isinstance(extent, int) else 400 // len(shape) for extent in shape]
    array = (5 * np.random.default_rng(0).standard_normal(extents)).astype(dtype)
    np.testing.assert_array_equal(compile([x], y, backend="llvm")(array), compile([x], y, backend="numpy")(array))


def test_only_large_arrays_are_read_in_blocks() -> None:
    for side, block in ((1024, 16), (64, 1)):
        x = gx.input("x", (side, side))
        (kernel,) = compile([x], x.mT * 2).program.steps
        assert isinstance(kernel, Kernel)
        assert planned(kernel).block == block


def asks(text: str) -> bool:
    return any(line.startswith("  call void @llvm.prefetch") for line in text.splitlines())


def test_a_row_of_softmax_is_divided_once() -> None:
    x = gx.input("x", (64, 128))
    assert compile([x], gx.softmax(x)).source.count("np.divide") == 1
    y = compile([x], gx.softmax(x), backend="llvm")(np.full((64, 128), 3, np.float32))
    np.testing.assert_array_equal(y, np.float32(1 / 128))


def test_softplus_has_digits_of_what_is_hardly_there() -> None:
    array = np.array([-100.0, -95.0, -88.0, -20.0], np.float32)
    x = gx.input("x", (4,))
    found = np.asarray(compile([x], gx.softplus(x), backend="llvm")(array))
    exact = np.log1p(np.exp(array.astype(np.float64)))
    assert np.all(np.abs(found - exact) <= 1.5 * np.spacing(exact.astype(np.float32)))
