"""The derivative of each function of the kernel language, as scalars: what an error of an operand does to the value."""

import math
from collections.abc import Callable, Mapping, Sequence
from typing import TypeAlias

from graphc.kernel.scalar import Fn, Scalar

__all__ = ["slopes"]

Slopes: TypeAlias = Callable[..., tuple[Scalar | float, ...]]

_BELL = 2 / math.sqrt(math.pi)


def slopes(fn: Fn, y: Scalar, xs: Sequence[Scalar]) -> Sequence[Scalar | float]:
    """The derivative of y = fn(*xs) by each operand; 0 where it has none, or none that is of use."""
    found = _SLOPES.get(fn)
    return found(y, *xs) if found is not None else (0.0,) * len(xs)


def _one_if(condition: Scalar, x: Scalar) -> Scalar:
    return condition.call(Fn.WHERE, x.of(1), x.of(0), dtype=x.dtype)


def _of_power(y: Scalar, x: Scalar, exponent: Scalar) -> tuple[Scalar, Scalar]:
    return exponent * y / x, y * x.call(Fn.LOG)


def _of_choice(y: Scalar, condition: Scalar, taken: Scalar, other: Scalar) -> tuple[Scalar | float, ...]:
    picked = _one_if(condition, taken)
    return 0.0, picked, 1 - picked


def _of_extreme(y: Scalar, x: Scalar, other: Scalar) -> tuple[Scalar, Scalar]:
    picked = _one_if(y == x, x)
    return picked, 1 - picked


def _of_silu(y: Scalar, x: Scalar) -> Scalar:
    share = x.call(Fn.SIGMOID)
    return share + y * (1 - share)


_SLOPES: Mapping[Fn, Slopes] = {
    Fn.ADD: lambda y, a, b: (1.0, 1.0),
    Fn.SUB: lambda y, a, b: (1.0, -1.0),
    Fn.MUL: lambda y, a, b: (b, a),
    Fn.DIV: lambda y, a, b: (1 / b, -y / b),
    Fn.MOD: lambda y, a, b: (1.0, 0.0),
    Fn.POW: _of_power,
    Fn.NEG: lambda y, x: (-1.0,),
    Fn.ABS: lambda y, x: (x.call(Fn.SIGN),),
    Fn.MINIMUM: _of_extreme,
    Fn.MAXIMUM: _of_extreme,
    Fn.WHERE: _of_choice,
    Fn.RARELY: _of_choice,
    Fn.SQRT: lambda y, x: (0.5 / y,),
    Fn.CBRT: lambda y, x: (1 / (3 * y * y),),
    Fn.EXP: lambda y, x: (y,),
    Fn.EXP2: lambda y, x: (y * math.log(2),),
    Fn.EXPM1: lambda y, x: (y + 1,),
    Fn.LOG: lambda y, x: (1 / x,),
    Fn.LOG2: lambda y, x: (1 / (x * math.log(2)),),
    Fn.LOG10: lambda y, x: (1 / (x * math.log(10)),),
    Fn.LOG1P: lambda y, x: (1 / (1 + x),),
    Fn.SIN: lambda y, x: (x.call(Fn.COS),),
    Fn.COS: lambda y, x: (-x.call(Fn.SIN),),
    Fn.TAN: lambda y, x: (1 + y * y,),
    Fn.ASIN: lambda y, x: (1 / (1 - x * x).call(Fn.SQRT),),
    Fn.ACOS: lambda y, x: (-1 / (1 - x * x).call(Fn.SQRT),),
    Fn.ATAN: lambda y, x: (1 / (1 + x * x),),
    Fn.ATAN2: lambda y, a, b: (b / (a * a + b * b), -a / (a * a + b * b)),
    Fn.SINH: lambda y, x: (x.call(Fn.COSH),),
    Fn.COSH: lambda y, x: (x.call(Fn.SINH),),
    Fn.TANH: lambda y, x: (1 - y * y,),
    Fn.ASINH: lambda y, x: (1 / (1 + x * x).call(Fn.SQRT),),
    Fn.ACOSH: lambda y, x: (1 / (x * x - 1).call(Fn.SQRT),),
    Fn.ATANH: lambda y, x: (1 / (1 - x * x),),
    Fn.SIGMOID: lambda y, x: (y * (1 - y),),
    Fn.SILU: lambda y, x: (_of_silu(y, x),),
    Fn.ERF: lambda y, x: (_BELL * (-(x * x)).call(Fn.EXP),),
    Fn.ERFC: lambda y, x: (-_BELL * (-(x * x)).call(Fn.EXP),),
    Fn.ERFINV: lambda y, x: ((y * y).call(Fn.EXP) / _BELL,),
    Fn.LGAMMA: lambda y, x: (x.call(Fn.DIGAMMA),),
    Fn.DIGAMMA: lambda y, x: (x.of(1).call(Fn.POLYGAMMA, x),),
    Fn.POLYGAMMA: lambda y, order, x: (0.0, (order + 1).call(Fn.POLYGAMMA, x)),
}
