"""What functions of the kernel language cost, in additions: coarse, and the same for every backend."""

from collections.abc import Iterable, Mapping

from graphc.kernel.scalar import Call, Fn, Let

__all__ = ["ADDITIONS", "additions", "calls"]

#: a vector library's time for one element over that for an addition in cache; what is not listed costs 1
ADDITIONS: Mapping[Fn, int] = {
    **dict.fromkeys((Fn.DIV, Fn.SQRT, Fn.WHERE, Fn.RARELY, Fn.FMA, Fn.TWO_OVER_PI), 2),
    **dict.fromkeys((Fn.EXP, Fn.EXP2, Fn.LOG, Fn.LOG2, Fn.FLOORDIV, Fn.MOD), 5),
    **dict.fromkeys((Fn.EXPM1, Fn.LOG1P, Fn.LOG10, Fn.SIN, Fn.COS, Fn.TANH, Fn.SIGMOID, Fn.SILU, Fn.CBRT), 10),
    **dict.fromkeys((Fn.TAN, Fn.ASIN, Fn.ACOS, Fn.ATAN, Fn.ATAN2, Fn.SINH, Fn.COSH), 15),
    **dict.fromkeys((Fn.POW, Fn.ASINH, Fn.ACOSH, Fn.ATANH, Fn.ERF, Fn.ERFC), 25),
    **dict.fromkeys((Fn.ERFINV, Fn.LGAMMA, Fn.DIGAMMA, Fn.POLYGAMMA, Fn.PHILOX32), 50),
    Fn.PHILOX64: 100,
}


def calls(lets: Iterable[Let]) -> int:
    """How many functions are called for one element."""
    return sum(isinstance(let, Call) for let in lets)


def additions(lets: Iterable[Let]) -> int:
    """How many additions the functions called for one element are worth."""
    return sum(ADDITIONS.get(let.fn, 1) for let in lets if isinstance(let, Call))
