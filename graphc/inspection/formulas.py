"""What each function of the kernel language is in SymPy: over the real numbers, without rounding."""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, TypeAlias

from graphc.kernel.scalar import Fn

if TYPE_CHECKING:
    import sympy

__all__ = ["Function", "on_numbers", "on_truths"]

Function: TypeAlias = "Callable[..., sympy.Basic]"


def on_numbers() -> Mapping[Fn, Function]:
    """Every function but CAST, of numbers; those on single bits, or digits, or complex numbers have no formula."""
    import sympy as s

    half = s.Rational(1, 2)
    return {
        Fn.ADD: lambda x, y: x + y,
        Fn.SUB: lambda x, y: x - y,
        Fn.MUL: lambda x, y: x * y,
        Fn.DIV: lambda x, y: x / y,
        Fn.FLOORDIV: lambda x, y: s.floor(x / y),
        Fn.MOD: s.Mod,
        Fn.POW: s.Pow,
        Fn.NEG: lambda x: -x,
        Fn.ABS: s.Abs,
        Fn.SIGN: s.sign,
        Fn.FLOOR: s.floor,
        Fn.CEIL: s.ceiling,
        Fn.TRUNC: lambda x: s.sign(x) * s.floor(s.Abs(x)),
        # Halves go up, and then down again where that makes them even.
        Fn.ROUND: lambda x: s.floor(x + half) - s.Piecewise((1, s.Eq(s.Mod(x, 2), half)), (0, True)),
        Fn.MINIMUM: s.Min,
        Fn.MAXIMUM: s.Max,
        Fn.FMA: lambda x, y, z: x * y + z,
        Fn.SQRT: s.sqrt,
        Fn.CBRT: lambda x: s.sign(x) * s.Abs(x) ** s.Rational(1, 3),
        Fn.EXP: s.exp,
        Fn.EXP2: lambda x: 2**x,
        Fn.EXPM1: lambda x: s.exp(x) - 1,
        Fn.LOG: s.log,
        Fn.LOG2: lambda x: s.log(x) / s.log(2),
        Fn.LOG10: lambda x: s.log(x) / s.log(10),
        Fn.LOG1P: lambda x: s.log(1 + x),
        Fn.SIN: s.sin,
        Fn.COS: s.cos,
        Fn.TAN: s.tan,
        Fn.ASIN: s.asin,
        Fn.ACOS: s.acos,
        Fn.ATAN: s.atan,
        Fn.ATAN2: s.atan2,
        Fn.SINH: s.sinh,
        Fn.COSH: s.cosh,
        Fn.TANH: s.tanh,
        Fn.ASINH: s.asinh,
        Fn.ACOSH: s.acosh,
        Fn.ATANH: s.atanh,
        Fn.SIGMOID: lambda x: 1 / (1 + s.exp(-x)),
        Fn.SILU: lambda x: x / (1 + s.exp(-x)),
        Fn.ERF: s.erf,
        Fn.ERFC: s.erfc,
        Fn.ERFINV: s.erfinv,
        Fn.LGAMMA: lambda x: s.log(s.Abs(s.gamma(x))),
        Fn.DIGAMMA: s.digamma,
        Fn.POLYGAMMA: s.polygamma,
        Fn.COPYSIGN: lambda x, y: s.Piecewise((s.Abs(x), y >= 0), (-s.Abs(x), True)),
        Fn.LEFT_SHIFT: lambda x, y: x * 2**y,
        Fn.RIGHT_SHIFT: lambda x, y: s.floor(x / 2**y),
        Fn.LT: s.Lt,
        Fn.LE: s.Le,
        Fn.GT: s.Gt,
        Fn.GE: s.Ge,
        Fn.EQ: s.Eq,
        Fn.NE: s.Ne,
        Fn.ISNAN: lambda x: s.false,
        Fn.ISFINITE: lambda x: s.true,
        Fn.WHERE: lambda condition, x, y: s.Piecewise((x, condition), (y, True)),
        Fn.RARELY: lambda condition, x, y: s.Piecewise((x, condition), (y, True)),
    }


def on_truths() -> Mapping[Fn, Function]:
    """The functions that have a meaning for truth values: false is less than true."""
    import sympy as s

    return {
        Fn.ADD: s.Or,
        Fn.MUL: s.And,
        Fn.MINIMUM: s.And,
        Fn.MAXIMUM: s.Or,
        Fn.LT: lambda x, y: s.And(s.Not(x), y),
        Fn.LE: s.Implies,
        Fn.GT: lambda x, y: s.And(x, s.Not(y)),
        Fn.GE: lambda x, y: s.Implies(y, x),
        Fn.EQ: s.Equivalent,
        Fn.NE: s.Xor,
        Fn.AND: s.And,
        Fn.OR: s.Or,
        Fn.XOR: s.Xor,
        Fn.NOT: s.Not,
        Fn.WHERE: s.ITE,
        Fn.RARELY: s.ITE,
    }
