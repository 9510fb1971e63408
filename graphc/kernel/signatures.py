"""What every function of a formula takes and gives: how many operands, of which dtypes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from graphc.kernel.scalar import COMPARISONS, Fn
from graphc.types import BOOL, DType, is_floating, short_name

__all__ = ["SIGNATURES", "Signature", "objection"]

ANY = "biuf"  # bool, signed, unsigned, floating
NUMBERS = "iuf"
BITS = "biu"
INTEGERS = "iu"
FLOAT = "f"


@dataclass(frozen=True, slots=True)
class Signature:
    """A function takes `arity` operands of one dtype, of a kind in `accepts`.

    Its result has that dtype too, or is bool for comparisons.  WHERE has a bool before the operands, and the
    result of CAST may have any dtype.
    """

    arity: int
    accepts: str


_ONE_FLOAT = Signature(1, FLOAT)

SIGNATURES: Mapping[Fn, Signature] = {
    **dict.fromkeys((Fn.ADD, Fn.MUL, Fn.MINIMUM, Fn.MAXIMUM), Signature(2, ANY)),
    **dict.fromkeys((Fn.SUB, Fn.FLOORDIV, Fn.MOD, Fn.POW), Signature(2, NUMBERS)),
    **dict.fromkeys((Fn.NEG, Fn.ABS, Fn.SIGN), Signature(1, NUMBERS)),
    **dict.fromkeys((Fn.DIV, Fn.ATAN2, Fn.POLYGAMMA, Fn.COPYSIGN), Signature(2, FLOAT)),
    Fn.FMA: Signature(3, FLOAT),
    **dict.fromkeys((Fn.FLOOR, Fn.CEIL, Fn.TRUNC, Fn.ROUND, Fn.SQRT, Fn.CBRT), _ONE_FLOAT),
    **dict.fromkeys((Fn.EXP, Fn.EXP2, Fn.EXPM1, Fn.LOG, Fn.LOG2, Fn.LOG10, Fn.LOG1P), _ONE_FLOAT),
    **dict.fromkeys((Fn.SIN, Fn.COS, Fn.TAN, Fn.ASIN, Fn.ACOS, Fn.ATAN), _ONE_FLOAT),
    **dict.fromkeys((Fn.SINH, Fn.COSH, Fn.TANH, Fn.ASINH, Fn.ACOSH, Fn.ATANH), _ONE_FLOAT),
    **dict.fromkeys((Fn.ERF, Fn.ERFC, Fn.ERFINV, Fn.LGAMMA, Fn.DIGAMMA), _ONE_FLOAT),
    **dict.fromkeys((Fn.LT, Fn.LE, Fn.GT, Fn.GE, Fn.EQ, Fn.NE), Signature(2, ANY)),
    **dict.fromkeys((Fn.AND, Fn.OR, Fn.XOR), Signature(2, BITS)),
    Fn.NOT: Signature(1, BITS),
    **dict.fromkeys((Fn.LEFT_SHIFT, Fn.RIGHT_SHIFT), Signature(2, INTEGERS)),
    **dict.fromkeys((Fn.ISNAN, Fn.ISFINITE), _ONE_FLOAT),
    Fn.WHERE: Signature(2, ANY),
    Fn.CAST: Signature(1, ANY),
}


def objection(fn: Fn, operands: Sequence[DType], result: DType) -> str | None:
    """What is wrong with a call of `fn` on values of these dtypes, or None."""
    signature = SIGNATURES[fn]
    given = ", ".join(map(short_name, operands))
    choosers = 1 if fn is Fn.WHERE else 0
    if len(operands) != choosers + signature.arity:
        return f"{fn.value} takes {choosers + signature.arity} operands, not ({given})"
    first, *alike = operands[choosers:]
    if choosers and operands[0] != BOOL:
        return f"{fn.value} chooses by a bool, not by the first of ({given})"
    if any(other != first for other in alike):
        return f"{fn.value} of unequal dtypes ({given})"
    if ("f" if is_floating(first) else first.kind) not in signature.accepts:
        return f"{fn.value} has no meaning for {short_name(first)}"
    wanted = BOOL if fn in COMPARISONS else result if fn is Fn.CAST else first
    if result != wanted:
        return f"{fn.value} of ({given}) gives {short_name(wanted)}, not {short_name(result)}"
    return None
