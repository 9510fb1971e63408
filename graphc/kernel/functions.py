"""The functions of `Fn` by their mathematical names, for authors of elementwise ops: `k.exp(-k.abs(x))`."""

from graphc.kernel.scalar import Fn, Number, Scalar

__all__ = [
    "abs",
    "ceil",
    "cos",
    "erf",
    "exp",
    "exp2",
    "expm1",
    "floor",
    "floordiv",
    "is_finite",
    "is_nan",
    "log",
    "log10",
    "log1p",
    "log2",
    "logical_and",
    "logical_not",
    "logical_or",
    "logical_xor",
    "maximum",
    "minimum",
    "remainder",
    "round",
    "sign",
    "sin",
    "sqrt",
    "tan",
    "tanh",
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


def round(x: Scalar) -> Scalar:
    """The nearest integer, the even one of two as near."""
    return x.call(Fn.ROUND)


def sqrt(x: Scalar) -> Scalar:
    return x.call(Fn.SQRT)


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


def tanh(x: Scalar) -> Scalar:
    return x.call(Fn.TANH)


def erf(x: Scalar) -> Scalar:
    return x.call(Fn.ERF)


def floordiv(x: Scalar, y: Scalar | Number) -> Scalar:
    return x.call(Fn.FLOORDIV, y)


def remainder(x: Scalar, y: Scalar | Number) -> Scalar:
    return x.call(Fn.MOD, y)


def minimum(x: Scalar, y: Scalar | Number) -> Scalar:
    return x.call(Fn.MINIMUM, y)


def maximum(x: Scalar, y: Scalar | Number) -> Scalar:
    return x.call(Fn.MAXIMUM, y)


def where(condition: Scalar, x: Scalar, y: Scalar | Number) -> Scalar:
    return condition.call(Fn.WHERE, x, x.of(y), dtype=x.dtype)


def logical_not(x: Scalar) -> Scalar:
    return x.call(Fn.NOT)


def logical_and(x: Scalar, y: Scalar) -> Scalar:
    return x.call(Fn.AND, y)


def logical_or(x: Scalar, y: Scalar) -> Scalar:
    return x.call(Fn.OR, y)


def logical_xor(x: Scalar, y: Scalar) -> Scalar:
    return x.call(Fn.XOR, y)


def is_nan(x: Scalar) -> Scalar:
    return x.call(Fn.ISNAN)


def is_finite(x: Scalar) -> Scalar:
    return x.call(Fn.ISFINITE)
