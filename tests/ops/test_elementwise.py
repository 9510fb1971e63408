"""Dtypes of elementwise functions, and powers written as what they are."""

import math

import numpy as np
import pytest

import graphc as gx
from graphc.autodiff.reverse import placeholder
from graphc.errors import DTypeError
from graphc.ir.arithmetic import Div, Mul
from graphc.ir.declare import constant
from graphc.ir.leaves import full
from graphc.ir.node import Node
from graphc.ir.operands import as_node
from graphc.ops.elementwise import exp, floating, tanh
from graphc.ops.filling import full as filled
from graphc.ops.logic import isfinite, isnan, logical_and
from graphc.ops.operators import BINARY, NodeOperators
from graphc.ops.piecewise import maximum, relu
from graphc.ops.powers import Power, Sqrt, Square, power
from graphc.ops.stepping import floor
from graphc.types import DTYPES, TensorType

assert isinstance(Node.operators, NodeOperators)


def array(dtype: str = "float32") -> Node:
    """An input."""
    return placeholder(TensorType((3,), DTYPES[dtype]))


@pytest.mark.parametrize(
    ("dtype", "found"),
    [("int64", "float32"), ("bool", "float32"), ("float16", "float16"), ("float64", "float64")],
)
def test_functions_of_integers_are_float32(dtype: str, found: str) -> None:
    assert exp(array(dtype)).dtype == DTYPES[found]


def test_a_python_number_adopts_the_dtype_it_meets() -> None:
    assert (array("float16") * 2).dtype == np.float16
    assert (array("int8") + 1).dtype == np.int8
    assert (array("int8") + 1.5).dtype == np.float32
    assert (floating(2) * array("float64")).dtype == np.float64


@pytest.mark.parametrize("scalar", [np.float64(0.5), np.float16(0.5), np.int64(2), np.bool_(True), np.complex128(1j)])
@pytest.mark.parametrize("dtype", ["float32", "float64", "int8", "complex64"])
def test_a_scalar_of_numpy_keeps_its_dtype_as_an_array_does(scalar: np.generic, dtype: str) -> None:
    x, alone = array(dtype), np.asarray(scalar)
    assert as_node(scalar).dtype == constant(scalar).dtype == filled(2, scalar).dtype == scalar.dtype
    assert (x * scalar).dtype == (scalar * x).dtype == (x * alone).dtype
    assert (
        maximum(x, scalar).dtype == maximum(x, alone).dtype if dtype != "complex64" and scalar.dtype.kind != "c" else 1
    )
    if scalar.dtype.kind in "fi":
        assert (x**scalar).dtype == (x**alone).dtype


def test_a_scalar_of_numpy_holds_what_python_floats_do_not() -> None:
    assert exp(np.float64(1)).dtype == np.float64
    assert filled((), np.float64(1e300)).dtype == np.float64


@pytest.mark.parametrize("function", [relu, floor, abs])
def test_integers_stay_integers(function: type) -> None:
    assert function(array("int32")).dtype == np.int32


def test_integers_are_neither_nan_nor_infinite() -> None:
    assert isnan(array("int32")).op == full((3,), False, DTYPES["bool"]).op
    assert isfinite(array("int32")).op == full((3,), True, DTYPES["bool"]).op


def test_logic_of_numbers_asks_whether_they_are_0() -> None:
    assert logical_and(array("int64"), array("float32")).dtype == np.bool_


@pytest.mark.parametrize(("exponent", "op"), [(2, Square), (2.0, Square), (3, Mul), (-1, Div), (0.5, Sqrt), (5, Power)])
def test_powers_are_written_as_what_they_are(exponent: float, op: type) -> None:
    assert isinstance(power(array(), exponent).op, op)


def test_power_by_1_makes_no_node() -> None:
    x = array()
    assert power(x, 1) is x


def test_negative_powers_of_integers_raise() -> None:
    with pytest.raises(DTypeError, match="negative power of int32"):
        power(array("int32"), -2)


def test_a_power_of_an_integer_by_a_float_is_a_float() -> None:
    assert power(array("int32"), 0.5).dtype == np.float32
    assert power(array("int32"), 2).dtype == np.int32
    assert power(array("int32"), 2.0).dtype == np.float32


def test_a_slope_is_written_by_the_result() -> None:
    x = array()
    y = tanh(x)
    (slope,) = y.op.partials(y, x)  # type: ignore[attr-defined]
    assert y in slope.inputs[1].inputs


@pytest.mark.parametrize("name", BINARY)
def test_every_operator_takes_a_number_on_either_side(name: str) -> None:
    if name == "matmul":
        return
    x = array("int64" if name.startswith("bitwise") or name.endswith("shift") else "float32")
    number = 2
    assert Node.operators.binary(name, x, number).shape == (3,)
    assert Node.operators.binary(name, number, x).shape == (3,)


def test_extremes_pass_through_operands_of_two_dtypes() -> None:
    assert maximum(array("float32"), array("float64")).dtype == np.float64


def test_an_integer_to_the_power_of_a_negative_float_is_a_float() -> None:
    x = gx.input("x", 2, "int64")
    assert (x**-1.0).dtype == "float32"
    np.testing.assert_array_equal(gx.evaluate(x**-1.0, {x: np.array([1, 2])}), [1, 0.5])
    with pytest.raises(DTypeError, match="negative power of int64"):
        x**-1


def test_a_bool_to_the_power_of_an_int_is_an_int() -> None:
    x = gx.input("x", 2, "bool")
    for exponent in (0, 1, 2, 3, 5):
        y = gx.evaluate(x**exponent, {x: np.array([True, False])})
        np.testing.assert_array_equal(y, np.array([1, 0]) ** exponent, strict=True)


@pytest.mark.parametrize("decimals", [-20, -3, -2, -1, 0, 2])
@pytest.mark.parametrize("dtype", ["int8", "uint8", "int64", "uint64"])
def test_integers_are_rounded_to_tens_exactly(dtype: str, decimals: int) -> None:
    least = int(np.iinfo(dtype).min)
    x = np.array([least // 2, max(-55, least), max(-15, least), 0, 4, 5, 6, 15, 25, 26, 50, 120], dtype)
    found = gx.evaluate(gx.round(x, decimals))
    assert found.dtype == x.dtype
    np.testing.assert_array_equal(found, np.array([round(int(number), decimals) for number in x]).astype(dtype))


def test_what_overflows_when_scaled_is_rounded_to_itself() -> None:
    x = np.array([1.5e300, -math.inf, math.nan, 0.125])
    np.testing.assert_array_equal(gx.evaluate(gx.round(x, 20)), [1.5e300, -math.inf, math.nan, 0.125])
    narrow = np.array([300.2, 0.12345, -6e4], np.float16)
    np.testing.assert_array_equal(gx.evaluate(gx.round(narrow, 6)), narrow)


def test_decimals_have_a_slope_of_zero() -> None:
    x = gx.input("x", 2, "float64")
    for decimals in (-1, 0, 2):
        y = gx.grad(gx.sum(gx.round(x, decimals) * x), x)
        np.testing.assert_allclose(gx.evaluate(y, {x: np.array([12.345, 6.789])}), np.round([12.345, 6.789], decimals))


def test_more_decimals_than_a_float_has_are_refused() -> None:
    with pytest.raises(gx.ArgumentError, match=r"10\^39 is no float32"):
        gx.round(gx.input("x", 2), 39)
