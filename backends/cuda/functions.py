"""How each function of a formula is written in C++, for operands in registers."""

from collections.abc import Callable, Mapping, Sequence
from typing import TypeAlias, final

from graphc.backends.cuda.dtypes import in_register, number_text
from graphc.dataclass import dataclass
from graphc.kernel.scalar import Fn
from graphc.types import BFLOAT16, BOOL, DTYPES, INT64, NARROW, DType, is_complex, is_floating, is_integer, real_of

__all__ = ["Operand", "called", "cast", "plain_text"]

UINT64, FLOAT64 = DTYPES["uint64"], DTYPES["float64"]
_PROMOTED = frozenset(DTYPES[name] for name in ("int8", "int16", "uint8", "uint16"))
_WRAPPING = frozenset(DTYPES[name] for name in ("int32", "int64"))


@final
@dataclass(frozen=True, slots=True)
class Operand:
    """A value in a register: a name or a number, and its dtype."""

    text: str
    dtype: DType


Needs: TypeAlias = Callable[[str], None]  # notes a piece of the prelude
Rule: TypeAlias = Callable[..., str]  # of operands: the text of the value, before it is rounded


def called(fn: Fn, operands: Sequence[Operand], dtype: DType, need: Needs) -> str:
    """The text of a call."""
    if any(is_complex(x.dtype) for x in operands) or is_complex(dtype):
        need("complex")
    if fn is Fn.CAST:
        return cast(operands[0], dtype, need)
    if fn is Fn.BITS:
        need("bits")
        return f"bits_of<{in_register(dtype)}>({operands[0].text})"
    for piece in _pieces(fn, operands):
        need(piece)
    text = _RULES[fn](*operands)
    if dtype in _PROMOTED and fn not in (Fn.WHERE, Fn.RARELY, Fn.MAXIMUM, Fn.MINIMUM):
        return f"{in_register(dtype)}({text})"
    return rounded(text, dtype, need) if dtype in NARROW and fn not in _EXACT else text


def rounded(text: str, dtype: DType, need: Needs) -> str:
    """A float as the nearest number of a dtype of 16 bits, still a float."""
    if dtype not in NARROW:
        return text
    need("narrow")
    return f"wide(to_{'bf16' if dtype == BFLOAT16 else 'f16'}({text}))"


def cast(x: Operand, dtype: DType, need: Needs) -> str:
    """The value in another dtype, as NumPy converts it."""
    old, text = x.dtype, x.text
    if old == dtype:
        return text
    if is_complex(dtype):
        need("complex")
        real = in_register(real_of(dtype))
        if is_complex(old):
            return f"{in_register(dtype)}({real}({text}.x), {real}({text}.y))"
        return f"{in_register(dtype)}({real}({text}))"
    if is_complex(old):
        assert dtype == BOOL, dtype  # others lose a part: no program has them
        need("complex")
        return f"({text}.x != 0 || {text}.y != 0)"
    if dtype == BOOL:
        return f"({text} != 0)"
    if is_floating(dtype):
        if old == FLOAT64 and dtype == DTYPES["float16"]:
            return rounded(text, dtype, need)
        wide = text if in_register(old) == in_register(dtype) else f"{in_register(dtype)}({text})"
        return rounded(wide, dtype, need)
    if is_floating(old):
        need("conversion")
        found = f"to_{'u64' if dtype == UINT64 else 'i64'}({text})"
        return found if dtype in (INT64, UINT64) else f"{in_register(dtype)}({found})"
    return f"{in_register(dtype)}({text})"


def _by_type(of_float: str, of_double: str, of_others: str) -> Rule:
    """A text for float, one for double and one for all others, with places for the operands."""

    def rule(*xs: Operand) -> str:
        form = of_others
        if is_floating(xs[0].dtype):
            form = of_double if xs[0].dtype == FLOAT64 else of_float
        return form.format(*[x.text for x in xs])

    return rule


def _always(form: str) -> Rule:
    return _by_type(form, form, form)


def _arithmetic(sign: str, name: str) -> Rule:
    def rule(x: Operand, y: Operand) -> str:
        return f"{name}({x.text}, {y.text})" if x.dtype in _WRAPPING else f"{x.text} {sign} {y.text}"

    return rule


def _division(of_floats: str, of_signed: str, of_unsigned: str) -> Rule:
    def rule(x: Operand, y: Operand) -> str:
        name = of_floats if is_floating(x.dtype) else of_signed if x.dtype.kind == "i" else of_unsigned
        return f"{name}({x.text}, {y.text})"

    return rule


def _extreme(name: str) -> Rule:
    def rule(x: Operand, y: Operand) -> str:
        types = [in_register(operand.dtype) for operand in (x, y)]
        meant = "" if types[0] == types[1] else "<double>" if "double" in types else f"<{types[0]}>"
        return f"{name}{meant}({x.text}, {y.text})"

    return rule


def _is_zero(x: Operand) -> bool:
    """Whether it is a 0 that the compiler sees, and warns of as a divisor."""
    return x.text in ("0.0", "0.0f", "(-0.0)", "(-0.0f)")


def _negative(x: Operand) -> str:
    return f"minus({in_register(x.dtype)}(0), {x.text})" if x.dtype in _WRAPPING else f"-{x.text}"


def _absolute(x: Operand) -> str:
    if is_floating(x.dtype):
        return f"{'fabs' if x.dtype == FLOAT64 else 'fabsf'}({x.text})"
    return f"absolute({x.text})" if x.dtype.kind == "i" else x.text


def _is_nan(x: Operand) -> str:
    if is_complex(x.dtype):
        return f"({x.text}.x != {x.text}.x || {x.text}.y != {x.text}.y)"
    return f"({x.text} != {x.text})"


def _is_finite(x: Operand) -> str:
    if is_complex(x.dtype):
        return f"({x.text}.x - {x.text}.x == 0 && {x.text}.y - {x.text}.y == 0)"
    return f"({x.text} - {x.text} == 0)"


def _not(x: Operand) -> str:
    return f"!{x.text}" if x.dtype == BOOL else f"~{x.text}"


def _shift(sign: str, name: str) -> Rule:
    def rule(x: Operand, y: Operand) -> str:
        if _is_plain_shift(x, y):
            return f"{x.text} {sign} {y.text}"
        with_sign = "_with_sign" if sign == ">>" and x.dtype.kind == "i" else ""
        return f"{name}{with_sign}({x.text}, {y.text})"

    return rule


def _is_plain_shift(x: Operand, y: Operand) -> bool:
    """Whether C++ means the same: by a number that is less than the bits; what moves left has no sign."""
    digits = _digits(y)
    return x.dtype.kind == "u" and digits.isdigit() and int(digits) < 8 * x.dtype.itemsize


def _digits(x: Operand) -> str:
    """An integer as it is written, without its type."""
    return x.text.rstrip("UL").removeprefix(f"{in_register(x.dtype)}(").removesuffix(")")


def _ordered(sign: str, form: str) -> Rule:
    """A comparison; by `form` where the compiler would see, and warn, that an unsigned integer is compared with 0."""

    def rule(x: Operand, y: Operand) -> str:
        return form.format(x.text, y.text) if _is_idle(x, y) else f"{x.text} {sign} {y.text}"

    return rule


def _is_idle(x: Operand, y: Operand) -> bool:
    return x.dtype.kind == "u" and "0" in (_digits(x), _digits(y))


_RULES: Mapping[Fn, Rule] = {
    Fn.ADD: _arithmetic("+", "plus"),
    Fn.SUB: _arithmetic("-", "minus"),
    Fn.MUL: lambda x, y: (
        f"times({x.text}, {y.text})" if x.dtype in _WRAPPING or x.dtype == DTYPES["uint16"] else f"{x.text} * {y.text}"
    ),
    Fn.DIV: lambda x, y: f"quotient({x.text}, {y.text})" if _is_zero(y) else f"{x.text} / {y.text}",
    Fn.FLOORDIV: _division("float_floordiv", "floordiv", "quotient_of"),
    Fn.MOD: _division("float_mod", "floormod", "rest_of"),
    Fn.NEG: _negative,
    Fn.ABS: _absolute,
    Fn.SIGN: lambda x: f"{in_register(x.dtype)}({x.text} != 0)" if x.dtype.kind in "ub" else f"sign_of({x.text})",
    Fn.FLOOR: _by_type("floorf({0})", "floor({0})", "{0}"),
    Fn.CEIL: _by_type("ceilf({0})", "ceil({0})", "{0}"),
    Fn.TRUNC: _by_type("truncf({0})", "trunc({0})", "{0}"),
    Fn.ROUND: _by_type("rintf({0})", "rint({0})", "{0}"),
    Fn.MINIMUM: _extreme("minimum"),
    Fn.MAXIMUM: _extreme("maximum"),
    Fn.FMA: _by_type("fmaf({0}, {1}, {2})", "fma({0}, {1}, {2})", "plus(times({0}, {1}), {2})"),
    Fn.SQRT: _by_type("sqrtf({0})", "sqrt({0})", ""),
    Fn.COPYSIGN: _by_type("copysignf({0}, {1})", "copysign({0}, {1})", ""),
    Fn.REAL: lambda x: f"{x.text}.x" if is_complex(x.dtype) else x.text,
    Fn.IMAG: lambda x: f"{x.text}.y" if is_complex(x.dtype) else "0",
    Fn.CONJ: lambda x: f"{in_register(x.dtype)}({x.text}.x, -{x.text}.y)" if is_complex(x.dtype) else x.text,
    Fn.COMPLEX: lambda x, y: f"complex<{in_register(x.dtype)}>({x.text}, {y.text})",
    Fn.LT: _ordered("<", "less({0}, {1})"),
    Fn.LE: _ordered("<=", "!less({1}, {0})"),
    Fn.GT: _ordered(">", "less({1}, {0})"),
    Fn.GE: _ordered(">=", "!less({0}, {1})"),
    Fn.EQ: _always("{0} == {1}"),
    Fn.NE: _always("{0} != {1}"),
    Fn.AND: _always("{0} & {1}"),
    Fn.OR: _always("{0} | {1}"),
    Fn.XOR: _always("{0} ^ {1}"),
    Fn.NOT: _not,
    Fn.LEFT_SHIFT: _shift("<<", "shifted_left"),
    Fn.RIGHT_SHIFT: _shift(">>", "shifted_right"),
    Fn.PHILOX32: _always("philox32({0}, {1}, {2})"),
    Fn.PHILOX64: _always("philox64({0}, {1}, {2})"),
    Fn.ISNAN: _is_nan,
    Fn.ISFINITE: _is_finite,
    Fn.WHERE: _always("{0} ? {1} : {2}"),
    Fn.RARELY: _always("{0} ? {1} : {2}"),
    Fn.TWO_OVER_PI: _always("two_over_pi({0})"),
}

#: functions of floats of 16 bits that give such numbers without rounding
_EXACT = frozenset(
    {Fn.NEG, Fn.ABS, Fn.SIGN, Fn.FLOOR, Fn.CEIL, Fn.TRUNC, Fn.ROUND, Fn.MINIMUM, Fn.MAXIMUM, Fn.COPYSIGN}
    | {Fn.WHERE, Fn.RARELY}
)

_PIECES: Mapping[Fn, str] = {
    Fn.SIGN: "sign",
    Fn.MINIMUM: "extremes",
    Fn.MAXIMUM: "extremes",
    Fn.PHILOX32: "philox",
    Fn.PHILOX64: "philox",
    Fn.TWO_OVER_PI: "two over pi",
}


def _pieces(fn: Fn, operands: Sequence[Operand]) -> Sequence[str]:
    """The pieces of the prelude that a call needs."""
    dtype = operands[0].dtype
    if fn in (Fn.FLOORDIV, Fn.MOD):
        is_signed = dtype.kind == "i"
        return ["float division" if is_floating(dtype) else "division" if is_signed else "unsigned division"]
    if fn in (Fn.ADD, Fn.SUB, Fn.MUL, Fn.NEG, Fn.FMA) and is_integer(dtype):
        return ["wrapping"]
    if fn in (Fn.LT, Fn.LE, Fn.GT, Fn.GE):
        return ["less"] if _is_idle(*operands) else []
    if fn is Fn.DIV:
        return ["quotient"] if _is_zero(operands[1]) else []
    if fn is Fn.ABS and dtype.kind == "i":
        return ["absolute"]
    if fn in (Fn.LEFT_SHIFT, Fn.RIGHT_SHIFT):
        return [] if _is_plain_shift(*operands) else ["shifts"]
    return [_PIECES[fn]] if fn in _PIECES else []


def plain_text(value: bool | int | float | complex, dtype: DType, need: Needs) -> str:
    """A number as an operand: in parentheses where it has a sign."""
    text = number_text(value, dtype)
    if "infinity" in text or "not_a_number" in text:
        need("limits")
    if is_complex(dtype):
        need("complex")
    return f"({text})" if text.startswith("-") else text
