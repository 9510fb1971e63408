"""What every function of a formula takes and gives: how many operands, of which dtypes."""

from collections.abc import Mapping, Sequence

from graphc.dataclass import dataclass
from graphc.kernel.scalar import COMPARISONS, Fn
from graphc.types import BOOL, DTYPES, DType, complex_of, is_complex, is_floating, real_of, short_name

__all__ = ["BEFORE", "SIGNATURES", "Signature", "objection"]

ANY = "biufc"  # bool, signed, unsigned, floating, complex
ORDERED = "biuf"
NUMBERS = "iufc"
REALS = "iuf"
BITS = "biu"
INTEGERS = "iu"
FLOAT = "f"
COMPLEX = "c"
FIELD = "fc"


@dataclass(frozen=True, slots=True)
class Signature:
    """A function takes `arity` operands of one dtype, of a kind in `accepts`.

    Its result has that dtype too, or is bool for comparisons.  Some have others `BEFORE` the operands: WHERE a bool to
    choose by, PHILOX32 and PHILOX64, which give uint32 and uint64, a key and a purpose before an index.  The result of
    CAST may have any dtype, but only a complex one has room for complex numbers.  REAL and IMAG give the parts of a
    complex number, of its width, and COMPLEX goes back.  BITS gives what is asked for, another dtype of the same 4
    or 8 bytes; TWO_OVER_PI gives uint64.
    """

    arity: int
    accepts: str


_ONE_FLOAT = Signature(1, FLOAT)
_OF_A_FIELD = Signature(1, FIELD)

SIGNATURES: Mapping[Fn, Signature] = {
    **dict.fromkeys((Fn.ADD, Fn.MUL), Signature(2, ANY)),
    **dict.fromkeys((Fn.MINIMUM, Fn.MAXIMUM), Signature(2, ORDERED)),
    **dict.fromkeys((Fn.SUB, Fn.POW), Signature(2, NUMBERS)),
    **dict.fromkeys((Fn.FLOORDIV, Fn.MOD), Signature(2, REALS)),
    Fn.NEG: Signature(1, NUMBERS),
    **dict.fromkeys((Fn.ABS, Fn.SIGN), Signature(1, REALS)),
    Fn.DIV: Signature(2, FIELD),
    **dict.fromkeys((Fn.ATAN2, Fn.POLYGAMMA, Fn.COPYSIGN, Fn.COMPLEX), Signature(2, FLOAT)),
    **dict.fromkeys((Fn.REAL, Fn.IMAG, Fn.CONJ), Signature(1, COMPLEX)),
    Fn.FMA: Signature(3, FLOAT),
    **dict.fromkeys((Fn.FLOOR, Fn.CEIL, Fn.TRUNC, Fn.ROUND, Fn.CBRT), _ONE_FLOAT),
    **dict.fromkeys((Fn.SQRT, Fn.EXP, Fn.EXP2, Fn.EXPM1), _OF_A_FIELD),
    **dict.fromkeys((Fn.LOG, Fn.LOG2, Fn.LOG10, Fn.LOG1P), _OF_A_FIELD),
    **dict.fromkeys((Fn.SIN, Fn.COS, Fn.TAN, Fn.ASIN, Fn.ACOS, Fn.ATAN), _OF_A_FIELD),
    **dict.fromkeys((Fn.SINH, Fn.COSH, Fn.TANH, Fn.ASINH, Fn.ACOSH, Fn.ATANH), _OF_A_FIELD),
    **dict.fromkeys((Fn.SIGMOID, Fn.SILU), _ONE_FLOAT),
    **dict.fromkeys((Fn.ERF, Fn.ERFC, Fn.ERFINV, Fn.LGAMMA, Fn.DIGAMMA), _ONE_FLOAT),
    **dict.fromkeys((Fn.LT, Fn.LE, Fn.GT, Fn.GE), Signature(2, ORDERED)),
    **dict.fromkeys((Fn.EQ, Fn.NE), Signature(2, ANY)),
    **dict.fromkeys((Fn.AND, Fn.OR, Fn.XOR), Signature(2, BITS)),
    Fn.NOT: Signature(1, BITS),
    **dict.fromkeys((Fn.LEFT_SHIFT, Fn.RIGHT_SHIFT), Signature(2, INTEGERS)),
    **dict.fromkeys((Fn.ISNAN, Fn.ISFINITE), _OF_A_FIELD),
    **dict.fromkeys((Fn.WHERE, Fn.RARELY), Signature(2, ANY)),
    **dict.fromkeys((Fn.PHILOX32, Fn.PHILOX64), Signature(1, "i")),
    Fn.CAST: Signature(1, ANY),
    Fn.BITS: Signature(1, REALS),
    Fn.TWO_OVER_PI: Signature(1, "i"),
}


UINT64 = DTYPES["uint64"]

#: the dtypes of operands that stand before those of one dtype
BEFORE: Mapping[Fn, tuple[DType, ...]] = {
    **dict.fromkeys((Fn.WHERE, Fn.RARELY), (BOOL,)),
    **dict.fromkeys((Fn.PHILOX32, Fn.PHILOX64), (UINT64, UINT64)),
}


def objection(fn: Fn, operands: Sequence[DType], result: DType) -> str | None:
    """What is wrong with a call of `fn` on values of these dtypes, or None."""
    signature = SIGNATURES[fn]
    given = ", ".join(map(short_name, operands))
    before = BEFORE.get(fn, ())
    if len(operands) != len(before) + signature.arity:
        return f"{fn.value} takes {len(before) + signature.arity} operands, not ({given})"
    first, *alike = operands[len(before) :]
    if tuple(operands[: len(before)]) != before:
        return f"{fn.value} of ({given}): the first are not ({', '.join(map(short_name, before))})"
    if any(other != first for other in alike):
        return f"{fn.value} of unequal dtypes ({given})"
    if ("f" if is_floating(first) else first.kind) not in signature.accepts:
        return f"{fn.value} has no meaning for {short_name(first)}"
    if fn is Fn.CAST and is_complex(first) and not is_complex(result):
        return f"cast of {given} to {short_name(result)} loses the imaginary part"
    if fn is Fn.BITS and not (_has_bits(first) and _has_bits(result) and first.itemsize == result.itemsize):
        return f"bits of {given} are none of {short_name(result)}"
    wanted = _result(fn, first, result)
    if result != wanted:
        return f"{fn.value} of ({given}) gives {short_name(wanted)}, not {short_name(result)}"
    return None


def _has_bits(dtype: DType) -> bool:
    """Whether BITS has a meaning for numbers of a dtype."""
    return dtype.kind in REALS and dtype.itemsize in (4, 8)


def _result(fn: Fn, operand: DType, asked: DType) -> DType:
    """The dtype that `fn` gives for operands of a dtype."""
    match fn:
        case Fn.CAST | Fn.BITS:
            return asked
        case Fn.REAL | Fn.IMAG:
            return real_of(operand)
        case Fn.COMPLEX:
            return complex_of(operand)
        case Fn.PHILOX32:
            return DTYPES["uint32"]
        case Fn.PHILOX64 | Fn.TWO_OVER_PI:
            return UINT64
    return BOOL if fn in COMPARISONS else operand
