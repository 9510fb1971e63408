"""How far functions of floats are from the exact values in native kernels: at all floats, with fma and without."""

import numpy as np
import pytest

import graphc as gx
from benchmarks.function_errors import COUNT, DTYPES
from benchmarks.measure.floats import BOUNDS, FUNCTIONS, Exact, Function, Worst, exact_at, points, worst_of
from graphc.backends.llvm.backend import LlvmBackend
from graphc.backends.llvm.machine import restricted

SOME = 208  # points, the 13 ends of the range among them, or all 169 pairs of them
WITHOUT_FMA = 4.0  # ulp
#: functions of every kind of formula: others are made of these
FEW = ("exp", "log", "power", "sin", "atan2", "tanh", "sigmoid", "erf", "erfc", "lgamma", "cbrt")

EACH = pytest.mark.parametrize("function", FUNCTIONS, ids=lambda function: function.label)
DTYPE = pytest.mark.parametrize("dtype", DTYPES)


def worst(function: Function, dtype: str, count: int) -> Worst:
    """The worst error of a native kernel."""
    arrays = points(function, dtype, count // function.share)
    nodes = [gx.input(f"x{n}", array.size, dtype) for n, array in enumerate(arrays)]
    found = np.asarray(gx.compile(nodes, function.build(*nodes), backend="llvm")(*arrays))
    return worst_of(function, exact_at(function, arrays), arrays, found)


@DTYPE
@pytest.mark.parametrize("function", [one for one in FUNCTIONS if one.share == 1], ids=lambda one: one.label)
def test_native_function_is_exact_to_the_last_places(function: Function, dtype: str) -> None:
    found = worst(function, dtype, SOME)
    assert found.ulps <= BOUNDS[dtype] + function.more, found.at


@pytest.mark.full
@DTYPE
@EACH
def test_native_function_is_exact_to_the_last_places_at_many_points(function: Function, dtype: str) -> None:
    found = worst(function, dtype, COUNT)
    assert found.ulps <= BOUNDS[dtype] + function.more, found.at


def assert_exact_without_fma(function: Function, dtype: str, count: int, monkeypatch: pytest.MonkeyPatch) -> None:
    machine = restricted(16)
    assert not machine.has_fma or machine.is_aarch64
    arrays = points(function, dtype, count // function.share)
    exact = exact_at(function, arrays)
    monkeypatch.setattr("graphc.driver.BACKENDS", {"llvm": lambda threads: LlvmBackend(machine, threads)})
    nodes = [gx.input(f"x{n}", array.size, dtype) for n, array in enumerate(arrays)]
    found = worst_of(function, exact, arrays, np.asarray(gx.compile(nodes, function.build(*nodes))(*arrays)))
    assert found.ulps <= max(WITHOUT_FMA, BOUNDS[dtype] + function.more), found.at


@DTYPE
@pytest.mark.parametrize("name", FEW)
def test_function_without_fma(name: str, dtype: str, monkeypatch: pytest.MonkeyPatch) -> None:
    (function,) = [function for function in FUNCTIONS if function.name == name]
    assert_exact_without_fma(function, dtype, SOME, monkeypatch)


@pytest.mark.full
@DTYPE
@EACH
def test_each_function_without_fma(function: Function, dtype: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert_exact_without_fma(function, dtype, 64 * SOME, monkeypatch)


# What measures the errors.


SINE = Function("sin", np.sin, (((-4.0, 4.0),),))


def exact(*values: float) -> Exact:
    count = len(values)
    return Exact(np.array(values), np.zeros(count), np.zeros(count, np.int64), np.zeros(count, np.bool_))


@DTYPE
def test_an_error_is_measured_in_units_of_the_exact_value(dtype: str) -> None:
    eps = float(np.finfo(dtype).eps)
    found = np.array([1.0, 1 + 3 * eps, 2.0], dtype)
    assert worst_of(SINE, exact(1.0, 1.0, 2.0), [found], found) == Worst(3.0, (float(found[1]),))


@pytest.mark.parametrize(
    ("found", "value"), [(np.nan, 1.0), (1.0, np.nan), (np.inf, 1.0), (1e30, 2.0**128), (-0.0, 0.0)]
)
def test_what_is_no_number_or_has_another_sign_is_wrong(found: float, value: float) -> None:
    values = np.array([found], "float32")
    assert worst_of(SINE, exact(value), [np.zeros(1, "float32")], values).ulps > 1e6


def test_infinity_is_right_where_the_value_is_beyond_the_range() -> None:
    x = np.array([89.0, 800.0, -800.0, 88.0], "float32")
    (function,) = [function for function in FUNCTIONS if function.name == "exp"]
    values = np.array([np.inf, np.inf, 0.0, np.exp(88.0)], "float32")
    assert worst_of(function, exact_at(function, [x]), [x], values).ulps < 0.6


@DTYPE
def test_points_have_the_ends_of_the_range_and_numbers_without_all_their_digits(dtype: str) -> None:
    for function in FUNCTIONS:
        arrays = points(function, dtype, 1024)
        assert {array.size for array in arrays} == {1024}
        if function.whole:
            size = np.abs(arrays[0])
            assert np.isnan(size).any()
            assert all((size == end).any() for end in (np.inf, np.finfo(dtype).max))
            assert ((size > 0) & (size < np.finfo(dtype).tiny)).any()
            assert np.signbit(arrays[0][arrays[0] == 0]).any()
