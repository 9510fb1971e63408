"""The functions of `Fn` by their mathematical names, for authors of elementwise ops: `k.exp(-k.abs(x))`."""

from graphc.kernel.scalar import Fn, Number, Scalar
from graphc.types import DTYPES, DType, complex_of, real_of

__all__ = [
    "abs",
    "acos",
    "acosh",
    "asin",
    "asinh",
    "atan",
    "atan2",
    "atanh",
    "bits",
    "bitwise_and",
    "bitwise_not",
    "bitwise_or",
    "bitwise_xor",
    "cbrt",
    "ceil",
    "complex",
    "conj",
    "copysign",
    "cos",
    "cosh",
    "digamma",
    "erf",
    "erfc",
    "erfinv",
    "exp",
    "exp2",
    "expm1",
    "floor",
    "floordiv",
    "imag",
    "is_finite",
    "is_nan",
    "left_shift",
    "lgamma",
    "log",
    "log10",
    "log1p",
    "log2",
    "maximum",
    "minimum",
    "philox32",
    "philox64",
    "polygamma",
    "rarely",
    "real",
    "remainder",
    "right_shift",
    "round",
    "sigmoid",
    "sign",
    "silu",
    "sin",
    "sinh",
    "sqrt",
    "tan",
    "tanh",
    "trunc",
    "two_over_pi",
    "where",
]


def abs(x: Scalar) -> Scalar:
    return x.call(Fn.ABS)


def sign(x: Scalar) -> Scalar:
    return x.call(Fn.SIGN)


def floor(x: Scalar) -> Scalar:
    return x.call(Fn.FLOOR)


def ceil(x: Scalar) -> Scalar:
    return x.call(Fn.CEIL)


def trunc(x: Scalar) -> Scalar:
    return x.call(Fn.TRUNC)


def round(x: Scalar) -> Scalar:
    """The nearest integer, the even one of two as near."""
    return x.call(Fn.ROUND)


def sqrt(x: Scalar) -> Scalar:
    return x.call(Fn.SQRT)


def cbrt(x: Scalar) -> Scalar:
    return x.call(Fn.CBRT)


def exp(x: Scalar) -> Scalar:
    return x.call(Fn.EXP)


def exp2(x: Scalar) -> Scalar:
    return x.call(Fn.EXP2)


def expm1(x: Scalar) -> Scalar:
    return x.call(Fn.EXPM1)


def log(x: Scalar) -> Scalar:
    return x.call(Fn.LOG)


def log2(x: Scalar) -> Scalar:
    return x.call(Fn.LOG2)


def log10(x: Scalar) -> Scalar:
    return x.call(Fn.LOG10)


def log1p(x: Scalar) -> Scalar:
    return x.call(Fn.LOG1P)


def sin(x: Scalar) -> Scalar:
    return x.call(Fn.SIN)


def cos(x: Scalar) -> Scalar:
    return x.call(Fn.COS)


def tan(x: Scalar) -> Scalar:
    return x.call(Fn.TAN)


def asin(x: Scalar) -> Scalar:
    return x.call(Fn.ASIN)


def acos(x: Scalar) -> Scalar:
    return x.call(Fn.ACOS)


def atan(x: Scalar) -> Scalar:
    return x.call(Fn.ATAN)


def atan2(y: Scalar, x: Scalar) -> Scalar:
    """The angle of the point (x, y)."""
    return y.call(Fn.ATAN2, x)


def sinh(x: Scalar) -> Scalar:
    return x.call(Fn.SINH)


def cosh(x: Scalar) -> Scalar:
    return x.call(Fn.COSH)


def tanh(x: Scalar) -> Scalar:
    return x.call(Fn.TANH)


def asinh(x: Scalar) -> Scalar:
    return x.call(Fn.ASINH)


def acosh(x: Scalar) -> Scalar:
    return x.call(Fn.ACOSH)


def atanh(x: Scalar) -> Scalar:
    return x.call(Fn.ATANH)


def sigmoid(x: Scalar) -> Scalar:
    """1 / (1 + e^-x)."""
    return x.call(Fn.SIGMOID)


def silu(x: Scalar) -> Scalar:
    """x / (1 + e^-x)."""
    return x.call(Fn.SILU)


def erf(x: Scalar) -> Scalar:
    return x.call(Fn.ERF)


def erfc(x: Scalar) -> Scalar:
    return x.call(Fn.ERFC)


def erfinv(x: Scalar) -> Scalar:
    return x.call(Fn.ERFINV)


def lgamma(x: Scalar) -> Scalar:
    """log |gamma(x)|."""
    return x.call(Fn.LGAMMA)


def digamma(x: Scalar) -> Scalar:
    return x.call(Fn.DIGAMMA)


def polygamma(order: int, x: Scalar) -> Scalar:
    """The derivative of that order of digamma."""
    return x.of(order).call(Fn.POLYGAMMA, x)


def floordiv(x: Scalar, y: Scalar | Number) -> Scalar:
    return x.call(Fn.FLOORDIV, y)


def remainder(x: Scalar, y: Scalar | Number) -> Scalar:
    return x.call(Fn.MOD, y)


def copysign(x: Scalar, y: Scalar) -> Scalar:
    return x.call(Fn.COPYSIGN, y)


def minimum(x: Scalar, y: Scalar | Number) -> Scalar:
    return x.call(Fn.MINIMUM, y)


def maximum(x: Scalar, y: Scalar | Number) -> Scalar:
    return x.call(Fn.MAXIMUM, y)


def where(condition: Scalar, x: Scalar, y: Scalar | Number) -> Scalar:
    return condition.call(Fn.WHERE, x, x.of(y), dtype=x.dtype)


def rarely(condition: Scalar, x: Scalar, y: Scalar | Number) -> Scalar:
    """`where`, of a condition that seldom holds."""
    return condition.call(Fn.RARELY, x, x.of(y), dtype=x.dtype)


def bits(x: Scalar, dtype: DType) -> Scalar:
    """The same bits as a number of another dtype, of the same size."""
    return x.call(Fn.BITS, dtype=dtype)


def two_over_pi(index: Scalar) -> Scalar:
    """Word `index` of the binary digits of 2/pi after the point, 64 bits: see `two_over_pi`."""
    return index.call(Fn.TWO_OVER_PI, dtype=DTYPES["uint64"])


def bitwise_not(x: Scalar) -> Scalar:
    return x.call(Fn.NOT)


def bitwise_and(x: Scalar, y: Scalar) -> Scalar:
    return x.call(Fn.AND, y)


def bitwise_or(x: Scalar, y: Scalar) -> Scalar:
    return x.call(Fn.OR, y)


def bitwise_xor(x: Scalar, y: Scalar) -> Scalar:
    return x.call(Fn.XOR, y)


def real(x: Scalar) -> Scalar:
    return x.call(Fn.REAL, dtype=real_of(x.dtype))


def imag(x: Scalar) -> Scalar:
    return x.call(Fn.IMAG, dtype=real_of(x.dtype))


def conj(x: Scalar) -> Scalar:
    return x.call(Fn.CONJ)


def complex(x: Scalar, y: Scalar) -> Scalar:
    """x + i y, of two real numbers."""
    return x.call(Fn.COMPLEX, y, dtype=complex_of(x.dtype))


def left_shift(x: Scalar, y: Scalar) -> Scalar:
    return x.call(Fn.LEFT_SHIFT, y)


def right_shift(x: Scalar, y: Scalar) -> Scalar:
    return x.call(Fn.RIGHT_SHIFT, y)


def philox32(key: Scalar, purpose: int, index: Scalar) -> Scalar:
    """Random number `index` of a key, 32 bits."""
    return key.call(Fn.PHILOX32, purpose, index, dtype=DTYPES["uint32"])


def philox64(key: Scalar, purpose: int, index: Scalar) -> Scalar:
    """Random number `index` of a key, 64 bits."""
    return key.call(Fn.PHILOX64, purpose, index, dtype=DTYPES["uint64"])


def is_nan(x: Scalar) -> Scalar:
    return x.call(Fn.ISNAN)


def is_finite(x: Scalar) -> Scalar:
    return x.call(Fn.ISFINITE)
