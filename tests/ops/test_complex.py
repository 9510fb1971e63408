"""Complex numbers from end to end: kernels, calls, parameters, dtypes, what is refused."""

import numpy as np
import pytest

import graphc as gx
from graphc.kernel.reference import interpret
from tests.case import Array, Case
from tests.test_cases import COMPLEX, nodes_for, results
from tests.tolerance import assert_close

DTYPES = pytest.mark.parametrize("dtype", ["complex64", "complex128"])


def drawn(dtype: str, count: int, seed: int) -> Array:
    rng = np.random.default_rng(seed)
    return (rng.standard_normal(count) + 1j * rng.standard_normal(count)).astype(dtype)


@pytest.mark.parametrize("level", [0, 2])
@pytest.mark.parametrize("case", COMPLEX, ids=str)
def test_the_backend_agrees_with_the_interpreter(case: Case, level: int) -> None:
    arrays = case.arrays("complex128")
    nodes = nodes_for(arrays)
    f = gx.compile(nodes, results(case, nodes), level=level)
    exact, _ = interpret(f.program, arrays, [], {}, f.constants)
    for found, expected in zip(f(*arrays), exact, strict=True):
        assert_close(np.asarray(found), expected, case.terms)


@DTYPES
def test_where_on_large_arrays(dtype: str) -> None:
    x, y = gx.input("x", ("n",), dtype), gx.input("y", ("n",), dtype)
    positive = gx.real(x) > 0
    f = gx.compile([x, y], [gx.where(positive, x, y), gx.where(positive, x * 2, 0), gx.where(positive, 1j, y + 1)])
    a, b = drawn(dtype, 3000, 0), drawn(dtype, 3000, 1)
    for found, exact in zip(
        f(a, b), (np.where(a.real > 0, *pair) for pair in ((a, b), (a * 2, 0), (1j, b + 1))), strict=False
    ):
        assert found.dtype == dtype
        np.testing.assert_array_equal(found, exact)


@DTYPES
def test_parts_of_large_arrays(dtype: str) -> None:
    z = gx.input("z", ("n",), dtype)
    f = gx.compile([z], [gx.complex(gx.imag(z), -gx.real(z)), gx.conj(z) * z])
    a = drawn(dtype, 100_000, 0)
    turned, length = f(a)
    np.testing.assert_array_equal(turned, -1j * a)
    assert_close(length, np.abs(a.astype(complex)) ** 2)


def test_python_numbers_adopt_the_width_of_what_they_meet() -> None:
    assert (gx.input("x", 3, "float32") + 1j).dtype == np.complex64
    assert (gx.input("x", 3, "float64") * 1j).dtype == np.complex128
    assert (gx.input("x", 3, "complex64") * 2.5).dtype == np.complex64
    assert (gx.input("x", 3, "int64") + 1j).dtype == np.complex64
    assert (1j - gx.input("x", 3, "bfloat16")).dtype == np.complex64


def test_the_digits_of_a_python_number_are_those_of_the_dtype_it_meets() -> None:
    x = gx.input("x", (), "complex128")
    assert gx.evaluate(x * 0.1j, {x: 1.0}) == 0.1j


def test_inputs_take_what_loses_nothing() -> None:
    z = gx.input("z", (2,), "complex64")
    f = gx.compile([z], z * 2)
    np.testing.assert_array_equal(f([1 + 2j, 3.0]), np.array([2 + 4j, 6], np.complex64))
    np.testing.assert_array_equal(f(np.array([1, 2], np.float32)), [2, 4])
    with pytest.raises(gx.DTypeError, match="complex128 would be narrowed"):
        f(np.array([1 + 2j, 3]))


def test_a_float_input_takes_no_complex_numbers() -> None:
    x = gx.input("x", (2,), "float64")
    f = gx.compile([x], x * 2)
    with pytest.raises(gx.DTypeError):
        f(np.array([1 + 2j, 3]))
    with pytest.raises(gx.DTypeError, match="does not fit"):
        f([1 + 2j, 3])


def test_parameters_and_constants_of_python_numbers_are_complex64() -> None:
    assert gx.param("w", [1j, 2]).dtype == np.complex64
    assert gx.param("w", np.zeros(2, complex)).dtype == np.complex128
    assert gx.constant([1j, 2]).dtype == np.complex64


def test_a_complex_parameter_descends_along_the_conjugate() -> None:
    w = gx.param("w", np.array(3 + 4j))
    loss = gx.abs(w - (1 - 1j)) ** 2
    step = gx.compile([], loss, updates={w: w - 0.25 * gx.conj(gx.grad(loss, w))})
    values = [float(step()) for _ in range(20)]
    assert values == sorted(values, reverse=True)
    assert complex(w.value) == pytest.approx(1 - 1j, abs=1e-4)


def test_numbers_fold() -> None:
    x = gx.input("x", (), "complex128")
    f = gx.compile([x], x * (gx.exp(gx.constant(1j) * np.pi) + gx.constant(np.array(2 - 0j))))
    assert f(1j) == pytest.approx(1j, abs=1e-6)


def test_infinite_and_nan_parts_are_constants() -> None:
    x = gx.input("x", (3,), "complex128")
    number = complex(-np.inf, np.nan)
    found = gx.evaluate(gx.where(gx.real(x) > 0, x, number), {x: np.array([1, -1, 2j])})
    np.testing.assert_array_equal(found, [1, number, number])


@pytest.mark.parametrize("function", [gx.max, gx.min, gx.argmax, gx.argmin, gx.sort, gx.argsort, gx.relu, gx.floor])
def test_what_needs_an_order_is_refused(function: type) -> None:
    with pytest.raises(gx.DTypeError, match="has no meaning for complex64"):
        function(gx.input("z", 3, "complex64"))


@pytest.mark.parametrize("function", [gx.max_pool, gx.softmax, gx.logsumexp])
def test_what_is_made_of_a_maximum_is_refused(function: type) -> None:
    with pytest.raises(gx.DTypeError, match="has no meaning for complex64"):
        function(*[gx.input("z", (4, 4), "complex64"), 2][: 1 + (function is gx.max_pool)])


def test_a_jacobian_of_complex_numbers_is_refused() -> None:
    z = gx.input("z", 3, "complex64")
    with pytest.raises(gx.DTypeError, match="jacobian: the result is complex64, not real"):
        gx.jacobian(z * z, z)


def test_a_jacobian_by_complex_numbers_has_a_gradient_in_every_row() -> None:
    z = gx.input("z", 2, "complex128")
    at = np.array([3 + 4j, 1j])
    found = gx.evaluate(gx.jacobian(gx.real(z * gx.conj(z)), z), {z: at})
    np.testing.assert_allclose(found, np.diag(2 * at.conj()))


def test_a_formula_of_complex_numbers_is_refused() -> None:
    with pytest.raises(gx.UnsupportedError, match="formulas are of real numbers"):
        gx.to_sympy(gx.real(gx.input("z", (), "complex64")))
