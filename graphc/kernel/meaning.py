"""What every function of a formula means, on NumPy scalars.

float16 and bfloat16 are computed in float32 and rounded once more.  Arithmetic, square roots and rounding are
IEEE, in the dtype of the operands; the functions that machines only approximate are computed in float64 and
rounded; complex ones in complex128.  Integers wrap around.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from graphc.kernel.philox import number_32, number_64
from graphc.kernel.scalar import Fn
from graphc.kernel.two_over_pi import word
from graphc.types import NARROW, DType, is_complex, is_differentiable, is_floating, is_integer

__all__ = ["MEANING", "Value", "converted", "value_of", "whole_numbers"]

Value: TypeAlias = Any  # a NumPy scalar: the scalar classes share no type that has arithmetic
Function: TypeAlias = Callable[..., Value]


@np.errstate(all="ignore")
def value_of(fn: Fn, operands: Sequence[Value], dtype: DType) -> Value:
    """The value of `fn` at `operands`, as a NumPy scalar of `dtype`."""
    if fn is Fn.BITS:
        return operands[0].view(dtype)
    wide = [np.float32(operand) if operand.dtype in NARROW else operand for operand in operands]
    return converted(MEANING[fn](*wide), dtype)


@np.errstate(all="ignore")
def converted(value: Value, dtype: DType) -> Value:
    """The value in another dtype, as NumPy converts it.

    Float to integer drops the fraction, see `whole_numbers`.  Integer to a narrower one wraps around.  To bool:
    whether it differs from 0.
    """
    if value.dtype == dtype:
        return value
    if is_integer(dtype) and is_floating(value.dtype):
        return whole_numbers(np.asarray(value), dtype)[()]
    return np.asarray(value).astype(dtype)[()]


@np.errstate(all="ignore")
def whole_numbers(x: npt.NDArray[Any], dtype: DType) -> npt.NDArray[Any]:
    """Floats as integers of 64 bits: the nearest limit where one does not fit, 0 for nan; then as narrower ones."""
    wide = np.dtype(np.uint64 if dtype == np.uint64 else np.int64)
    limits = np.iinfo(wide)
    wanted = x.astype(np.float64)
    below, above = wanted <= limits.min, wanted >= float(limits.max)
    found = np.where(below | above | np.isnan(wanted), 0.0, wanted).astype(wide)
    found[below], found[above] = limits.min, limits.max
    return found.astype(dtype)


def _wide(x: Value) -> Value:
    """The same number in float64 or complex128."""
    return np.complex128(x) if is_complex(x.dtype) else np.float64(x)


def _in_double(function: Function) -> Function:
    """`function` computed in float64, of complex numbers in complex128."""
    return lambda *xs: function(*map(_wide, xs))


def _special(name: str) -> Function:
    """The function of that name in scipy.special, computed in float64."""

    def function(*xs: Value) -> Value:
        from scipy import special

        return np.asarray(getattr(special, name)(*map(np.float64, xs)))[()]

    return function


def _sigmoid(x: Value) -> Value:
    """1 / (1 + e^-x), of a power that does not overflow."""
    power = np.exp(-abs(np.float64(x)))
    return (1.0 if x >= 0 else power) / (1 + power)


def _silu(x: Value) -> Value:
    """x / (1 + e^-x); far below 0 by the root of e^x, which has all its digits where e^x has not."""
    if not x < -700:
        return np.float64(x) * _sigmoid(x)
    root = np.exp(np.maximum(np.float64(x), -1000.0) / 2)
    return np.maximum(np.float64(x), -1000.0) * root * root


def _pow(x: Value, y: Value) -> Value:
    """x to the power of y.

    Of floats: as C's pow; to the 0.5th also as a square root, so of -inf either inf or nan.
    Of integers: wraps around; 1 / x^-y without its fraction for y < 0, and 0 where x is 0 then.
    """
    if is_differentiable(x.dtype):
        return np.float_power(x, y)
    base, power = int(x), int(y)
    if power < 0:
        exact = base ** (power % 2) if base in (1, -1) else 0
    else:
        exact = pow(base, power, 1 << 64)
    return np.asarray(exact % (1 << 64), np.uint64).astype(x.dtype)[()]


def _complex(x: Value, y: Value) -> Value:
    """x + i y; in arithmetic, an infinite y would make the real part nan."""
    pair = np.empty((), np.result_type(x, np.complex64))
    pair.real, pair.imag = x, y
    return pair[()]


def _fma(x: Value, y: Value, z: Value) -> Value:
    """x y + z, rounded once to the dtype of the operands."""
    if np.isfinite(x) and np.isfinite(y):
        if not np.isfinite(z):
            return z
        exact = Fraction(float(x)) * Fraction(float(y)) + Fraction(float(z))
        if exact != 0:
            return converted(np.float64(_to_odd(exact, x.dtype)), x.dtype)
    return x * y + z


def _to_odd(exact: Fraction, dtype: DType) -> float:
    """A float64 that rounds to the same number of `dtype` as `exact` does.

    For a narrower dtype an inexact result takes the neighbour whose last bit is set: rounding twice to the
    nearest could move a value across the middle of two.  Boldo, Melquiond: Emulation of FMA, 2008.
    """
    try:
        nearest = exact.numerator / exact.denominator
    except OverflowError:
        return np.inf if exact > 0 else -np.inf
    error = exact - Fraction(nearest)
    last_bit = int(np.float64(nearest).view(np.uint64)) & 1
    if dtype.itemsize == 8 or error == 0 or last_bit:
        return nearest
    return float(np.nextafter(nearest, np.inf if error > 0 else -np.inf))


MEANING: Mapping[Fn, Function] = {
    Fn.ADD: np.add,
    Fn.SUB: np.subtract,
    Fn.MUL: np.multiply,
    Fn.DIV: np.divide,
    Fn.FLOORDIV: np.floor_divide,  # of integers: 0 where the divisor is 0
    Fn.MOD: np.remainder,  # takes the sign of the divisor; of integers: 0 where the divisor is 0
    Fn.POW: _pow,
    Fn.NEG: np.negative,
    Fn.ABS: np.absolute,  # the least integer has no opposite and stays
    Fn.SIGN: np.sign,  # nan stays; 0.0 for -0.0
    Fn.FLOOR: np.floor,
    Fn.CEIL: np.ceil,
    Fn.TRUNC: np.trunc,
    Fn.ROUND: np.rint,  # halves to the even neighbour
    Fn.MINIMUM: np.minimum,  # of 0.0 and -0.0: either
    Fn.MAXIMUM: np.maximum,
    Fn.FMA: _fma,
    Fn.SQRT: np.sqrt,
    Fn.CBRT: _in_double(np.cbrt),
    Fn.EXP: _in_double(np.exp),
    Fn.EXP2: _in_double(np.exp2),
    Fn.EXPM1: _in_double(np.expm1),
    Fn.LOG: _in_double(np.log),
    Fn.LOG2: _in_double(np.log2),
    Fn.LOG10: _in_double(np.log10),
    Fn.LOG1P: _in_double(np.log1p),
    Fn.SIN: _in_double(np.sin),
    Fn.COS: _in_double(np.cos),
    Fn.TAN: _in_double(np.tan),
    Fn.ASIN: _in_double(np.arcsin),
    Fn.ACOS: _in_double(np.arccos),
    Fn.ATAN: _in_double(np.arctan),
    Fn.ATAN2: _in_double(np.arctan2),
    Fn.SINH: _in_double(np.sinh),
    Fn.COSH: _in_double(np.cosh),
    Fn.TANH: _in_double(np.tanh),
    Fn.ASINH: _in_double(np.arcsinh),
    Fn.ACOSH: _in_double(np.arccosh),
    Fn.ATANH: _in_double(np.arctanh),
    Fn.SIGMOID: _sigmoid,
    Fn.SILU: _silu,
    Fn.ERF: _special("erf"),
    Fn.ERFC: lambda x: np.float64(math.erfc(x)),  # SciPy's is off by 500 ulp far out
    Fn.ERFINV: lambda x: np.copysign(_special("erfinv")(x), np.float64(x)),  # SciPy's loses the sign of -0.0
    Fn.LGAMMA: _special("gammaln"),  # log |gamma(x)|
    Fn.DIGAMMA: _special("digamma"),
    Fn.POLYGAMMA: _special("polygamma"),  # (n, x): the derivative of order n of digamma
    Fn.COPYSIGN: np.copysign,
    Fn.REAL: np.real,
    Fn.IMAG: np.imag,
    Fn.CONJ: np.conjugate,
    Fn.COMPLEX: _complex,
    Fn.LT: np.less,
    Fn.LE: np.less_equal,
    Fn.GT: np.greater,
    Fn.GE: np.greater_equal,
    Fn.EQ: np.equal,
    Fn.NE: np.not_equal,
    Fn.AND: np.bitwise_and,  # of bools the logical ones, of integers bit by bit
    Fn.OR: np.bitwise_or,
    Fn.XOR: np.bitwise_xor,
    Fn.NOT: np.invert,
    Fn.LEFT_SHIFT: np.left_shift,  # what moves out is lost
    Fn.RIGHT_SHIFT: np.right_shift,  # of signed integers, copies of the sign move in
    Fn.PHILOX32: lambda *xs: np.uint32(number_32(*map(int, xs))),
    Fn.PHILOX64: lambda *xs: np.uint64(number_64(*map(int, xs))),
    Fn.ISNAN: np.isnan,
    Fn.ISFINITE: np.isfinite,
    Fn.WHERE: lambda condition, x, y: x if condition else y,
    Fn.RARELY: lambda condition, x, y: x if condition else y,
    Fn.CAST: lambda x: x,  # the dtype of the result is all there is to it
    Fn.BITS: lambda x: x,  # and the bits, which `value_of` keeps
    Fn.TWO_OVER_PI: lambda x: np.uint64(word(int(x))),
}
