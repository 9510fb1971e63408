"""The scalar meaning of every function, against Python, mpmath and exact fractions."""

import math
from fractions import Fraction

import mpmath
import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from graphc.kernel.meaning import MEANING, Value, converted, value_of
from graphc.kernel.scalar import Fn
from graphc.kernel.signatures import BEFORE, SIGNATURES
from graphc.types import BFLOAT16, BOOL, DTYPES, INT64

F16, F32, F64 = (DTYPES[name] for name in ("float16", "float32", "float64"))
C64, C128 = DTYPES["complex64"], DTYPES["complex128"]
INT8, UINT8, UINT64 = (DTYPES[name] for name in ("int8", "uint8", "uint64"))

# Function, its operands, and the same in mpmath.
SPECIAL = [
    (Fn.CBRT, (2.5,), lambda: mpmath.cbrt(2.5)),
    (Fn.EXP2, (0.3,), lambda: mpmath.mpf(2) ** 0.3),
    (Fn.EXPM1, (1e-9,), lambda: mpmath.expm1(1e-9)),
    (Fn.LOG2, (10.0,), lambda: mpmath.log(10, 2)),
    (Fn.LOG10, (2.0,), lambda: mpmath.log10(2)),
    (Fn.LOG1P, (1e-9,), lambda: mpmath.log1p(1e-9)),
    (Fn.TAN, (1.3,), lambda: mpmath.tan(1.3)),
    (Fn.ASIN, (0.3,), lambda: mpmath.asin(0.3)),
    (Fn.ATAN2, (-1.0, -2.0), lambda: mpmath.atan2(-1, -2)),
    (Fn.ASINH, (0.7,), lambda: mpmath.asinh(0.7)),
    (Fn.ACOSH, (1.7,), lambda: mpmath.acosh(1.7)),
    (Fn.ATANH, (0.7,), lambda: mpmath.atanh(0.7)),
    (Fn.ERF, (0.4,), lambda: mpmath.erf(0.4)),
    (Fn.ERFC, (9.0,), lambda: mpmath.erfc(9)),
    (Fn.ERFINV, (0.4,), lambda: mpmath.erfinv(0.4)),
    (Fn.LGAMMA, (-1.5,), lambda: mpmath.log(abs(mpmath.gamma(-1.5)))),
    (Fn.DIGAMMA, (-1.5,), lambda: mpmath.digamma(-1.5)),
    (Fn.POLYGAMMA, (2.0, -1.5), lambda: mpmath.polygamma(2, -1.5)),
    (Fn.POLYGAMMA, (0.0, 0.7), lambda: mpmath.digamma(0.7)),
    (Fn.POW, (2.5, -0.5), lambda: mpmath.mpf(2.5) ** -0.5),
]

narrow_floats = st.floats(width=32, allow_nan=False, allow_infinity=False)
floats = st.floats(allow_nan=False, allow_infinity=False)


def compute(fn: Fn, *operands: Value) -> Value:
    """The value of `fn`, in the dtype of its last operand."""
    return value_of(fn, operands, operands[-1].dtype)


def test_every_function_has_a_meaning() -> None:
    assert set(MEANING) == set(Fn)


@pytest.mark.parametrize("fn", Fn)
def test_meaning_takes_as_many_operands_as_the_signature_says(fn: Fn) -> None:
    operands: list[Value] = [np.asarray(1, dtype)[()] for dtype in BEFORE.get(fn, ())]
    accepts = SIGNATURES[fn].accepts
    dtype = F64 if "f" in accepts else C128 if accepts == "c" else INT64
    operands += [np.asarray(1, dtype)[()]] * SIGNATURES[fn].arity
    others = {
        Fn.REAL: F64,
        Fn.IMAG: F64,
        Fn.COMPLEX: C128,
        Fn.PHILOX32: DTYPES["uint32"],
        Fn.PHILOX64: DTYPES["uint64"],
        Fn.TWO_OVER_PI: DTYPES["uint64"],
    }
    result = others.get(fn, dtype)
    assert value_of(fn, operands, result).dtype == result


@pytest.mark.parametrize(("fn", "operands", "exact"), SPECIAL)
def test_special_function_agrees_with_mpmath(fn: Fn, operands: tuple[float, ...], exact: Value) -> None:
    value = value_of(fn, [np.float64(x) for x in operands], F64)
    assert float(value) == pytest.approx(float(exact()), rel=1e-14)


def test_float32_arithmetic_rounds_to_float32() -> None:
    total = compute(Fn.ADD, np.float32(1), np.float32(2.0**-24))
    assert (total.dtype, total) == (F32, 1)


def test_bfloat16_is_computed_in_float32_and_rounded() -> None:
    third = compute(Fn.DIV, BFLOAT16.type(1), BFLOAT16.type(3))
    assert (third.dtype, float(third)) == (BFLOAT16, 0.333984375)


def test_function_of_float32_is_the_rounded_one_of_float64() -> None:
    x = np.float32(0.7)
    assert compute(Fn.EXP, x) == np.float32(math.exp(float(x)))


def test_integers_wrap_around() -> None:
    assert compute(Fn.ADD, np.int8(127), np.int8(1)) == -128
    assert compute(Fn.MUL, np.uint8(16), np.uint8(17)) == 16


def test_negative_of_unsigned_wraps_around() -> None:
    assert compute(Fn.NEG, np.uint8(1)) == 255


def test_absolute_of_the_least_integer_stays() -> None:
    assert compute(Fn.ABS, np.int8(-128)) == -128


@pytest.mark.parametrize(("x", "y"), [(7, 2), (-7, 2), (7, -2), (-7, -2), (-6, 3), (0, -5)])
def test_integer_floordiv_and_mod_are_those_of_python(x: int, y: int) -> None:
    assert compute(Fn.FLOORDIV, np.int64(x), np.int64(y)) == x // y
    assert compute(Fn.MOD, np.int64(x), np.int64(y)) == x % y


def test_integer_division_by_zero_is_zero() -> None:
    assert compute(Fn.FLOORDIV, np.int64(7), np.int64(0)) == 0
    assert compute(Fn.MOD, np.uint8(7), np.uint8(0)) == 0


def test_least_integer_divided_by_minus_one_stays() -> None:
    assert compute(Fn.FLOORDIV, np.int8(-128), np.int8(-1)) == -128
    assert compute(Fn.MOD, np.int8(-128), np.int8(-1)) == 0


def test_mod_of_floats_takes_the_sign_of_the_divisor() -> None:
    assert compute(Fn.MOD, np.float64(-1), np.float64(3)) == 2
    assert compute(Fn.MOD, np.float64(1), np.float64(-3)) == -2
    assert compute(Fn.FLOORDIV, np.float64(-1), np.float64(3)) == -1


@pytest.mark.parametrize(("base", "power", "value"), [(3, 5, 243 - 256), (2, -1, 0), (-1, -3, -1), (0, -2, 0)])
def test_integer_power_wraps_and_drops_the_fraction(base: int, power: int, value: int) -> None:
    assert compute(Fn.POW, np.int8(base), np.int8(power)) == value


def test_power_of_the_largest_unsigned_wraps() -> None:
    assert compute(Fn.POW, np.uint64(2**64 - 1), np.uint64(3)) == 2**64 - 1


def test_round_takes_the_even_of_two_neighbours() -> None:
    assert [compute(Fn.ROUND, np.float32(x)) for x in (0.5, 1.5, 2.5, -0.5)] == [0, 2, 2, 0]


def test_sign_of_nan_is_nan() -> None:
    assert np.isnan(compute(Fn.SIGN, np.float32(np.nan)))


@pytest.mark.parametrize("fn", [Fn.MINIMUM, Fn.MAXIMUM])
def test_minimum_and_maximum_pass_nan_on(fn: Fn) -> None:
    assert np.isnan(compute(fn, np.float32(np.nan), np.float32(1)))
    assert np.isnan(compute(fn, np.float32(1), np.float32(np.nan)))


@pytest.mark.parametrize("fn", [Fn.LT, Fn.LE, Fn.GT, Fn.GE, Fn.EQ])
def test_comparison_with_nan_is_false(fn: Fn) -> None:
    assert not value_of(fn, (np.float32(np.nan), np.float32(1)), BOOL)


def test_nan_differs_from_itself() -> None:
    assert value_of(Fn.NE, (np.float32(np.nan), np.float32(np.nan)), BOOL)


def test_logic_of_integers_is_bit_by_bit() -> None:
    six, three = np.uint8(6), np.uint8(3)
    assert [compute(fn, six, three) for fn in (Fn.AND, Fn.OR, Fn.XOR)] == [2, 7, 5]
    assert compute(Fn.NOT, np.uint8(0)) == 255


def test_logic_of_bools_gives_bools() -> None:
    assert compute(Fn.NOT, np.bool_(True)) is np.False_
    assert compute(Fn.XOR, np.bool_(True), np.bool_(False)) is np.True_


def test_parts_of_a_complex_number() -> None:
    z = np.complex64(3 - 4j)
    parts = [value_of(fn, (z,), F32) for fn in (Fn.REAL, Fn.IMAG)]
    assert [(part.dtype, float(part)) for part in parts] == [(F32, 3), (F32, -4)]
    assert value_of(Fn.COMPLEX, parts, C64) == z
    assert compute(Fn.CONJ, z) == 3 + 4j


def test_complex_keeps_infinite_parts_apart() -> None:
    z = value_of(Fn.COMPLEX, (np.float64(1), np.float64(np.inf)), C128)
    assert (z.real, z.imag) == (1, np.inf)


def test_functions_of_complex_numbers_are_rounded_once() -> None:
    z = np.complex64(0.7 + 0.2j)
    assert compute(Fn.EXP, z) == np.complex64(np.exp(np.complex128(z)))
    assert compute(Fn.POW, z, z) == np.complex64(np.complex128(z) ** np.complex128(z))


def test_where_picks() -> None:
    assert value_of(Fn.WHERE, (np.bool_(True), np.float32(1), np.float32(np.nan)), F32) == 1


def test_cast_to_integer_drops_the_fraction() -> None:
    assert [converted(np.float32(x), INT64) for x in (1.9, -1.9)] == [1, -1]


@pytest.mark.parametrize("source", ["float16", "bfloat16", "float32", "float64"])
def test_cast_to_integer_of_what_does_not_fit_is_the_nearest_limit(source: str) -> None:
    values = [np.asarray(x).astype(DTYPES[source])[()] for x in (np.inf, -np.inf, np.nan)]
    assert [converted(x, INT64) for x in values] == [2**63 - 1, -(2**63), 0]
    assert [converted(x, DTYPES["uint64"]) for x in values] == [2**64 - 1, 0, 0]
    assert [converted(x, INT8) for x in values] == [-1, 0, 0]  # the last bits of those of 64


def test_cast_to_narrower_integer_wraps() -> None:
    assert converted(np.int64(300), INT8) == 44


def test_cast_to_bool_is_whether_it_differs_from_zero() -> None:
    zeros, others = (0.0, -0.0), (0.3, np.nan)
    assert not any(converted(np.float64(x), BOOL) for x in zeros)
    assert all(converted(np.float64(x), BOOL) for x in others)


def test_cast_of_a_large_unsigned_keeps_its_value() -> None:
    assert converted(np.uint64(2**63), F64) == 2.0**63


def exactly(x: Value, y: Value, z: Value) -> Fraction:
    return Fraction(float(x)) * Fraction(float(y)) + Fraction(float(z))


@given(narrow_floats, narrow_floats, narrow_floats)
@example(0.0, 0.0, float(np.finfo(np.float32).max))
def test_fma_of_float32_is_no_farther_than_its_neighbours(x: float, y: float, z: float) -> None:
    value = compute(Fn.FMA, np.float32(x), np.float32(y), np.float32(z))
    if np.isfinite(value):
        exact = exactly(x, y, z)
        with np.errstate(over="ignore"):  # the largest number has inf as its neighbour
            neighbours = [np.nextafter(value, np.float32(side)) for side in (-np.inf, np.inf)]
        errors = [abs(Fraction(float(near)) - exact) for near in neighbours if np.isfinite(near)]
        assert all(abs(Fraction(float(value)) - exact) <= error for error in errors)


@given(floats, floats, floats)
def test_fma_of_float64_is_the_rounded_exact_value(x: float, y: float, z: float) -> None:
    value = compute(Fn.FMA, np.float64(x), np.float64(y), np.float64(z))
    try:
        assert value == float(exactly(x, y, z))
    except OverflowError:
        assert np.isinf(value)


def test_fma_of_float32_is_not_rounded_twice() -> None:
    # x y + z lies 2**-70 below the middle of z and the next number: float64 has only the middle itself.
    x, y, z = np.float32(1 + 2.0**-23), np.float32((1 - 2.0**-23) * 2.0**-24), np.float32(1 + 2.0**-23)
    assert np.float32(float(x) * float(y) + float(z)) > z
    assert compute(Fn.FMA, x, y, z) == z


def test_fma_keeps_an_infinite_summand() -> None:
    big = np.float64(1e300)
    assert compute(Fn.FMA, big, big, np.float64(-np.inf)) == -np.inf


def test_fma_of_zeros_has_the_sign_of_their_sum() -> None:
    zero = np.float32(0.0)
    assert np.signbit(compute(Fn.FMA, -zero, np.float32(1), -zero))
    assert not np.signbit(compute(Fn.FMA, -zero, np.float32(1), zero))


def test_fma_that_underflows_keeps_its_sign() -> None:
    tiny = np.float64(5e-324)
    assert np.signbit(compute(Fn.FMA, tiny, -tiny, np.float64(0)))
