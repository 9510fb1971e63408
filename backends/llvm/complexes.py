"""Functions of complex numbers that are no formulas of their parts, on pairs of registers."""

from collections.abc import Callable, Mapping, Sequence
from typing import TypeAlias

from graphc.backends.llvm.casts import cast
from graphc.backends.llvm.functions import FUNCTIONS
from graphc.backends.llvm.values import Lanes, Value
from graphc.kernel.scalar import Fn
from graphc.types import DType, is_complex, real_of

__all__ = ["concerns", "of_complex"]

Pair: TypeAlias = tuple[Value, Value]


def of_complex(lanes: Lanes, fn: Fn, operands: Sequence[Value], dtype: DType) -> Value:
    """The value of `fn`, some operand or the result of which is complex."""
    if fn is Fn.CAST:
        return cast(lanes, operands[0], dtype)
    if fn is Fn.WHERE:
        return lanes.select(*operands)
    if fn is Fn.COMPLEX:
        real, imaginary = lanes.together(*operands)
        return Value(dtype, (real.one, imaginary.one), real.lanes)
    wide = lanes.together(*operands)
    pairs = [_parts(x) for x in wide]
    if fn in (Fn.REAL, Fn.IMAG):
        return pairs[0][fn is Fn.IMAG]
    if fn in (Fn.EQ, Fn.NE, Fn.ISNAN, Fn.ISFINITE):
        parts = [FUNCTIONS[fn](lanes, *some) for some in zip(*pairs, strict=True)]
        return lanes.binary("and" if fn in (Fn.EQ, Fn.ISFINITE) else "or", *parts)
    if fn in (Fn.ADD, Fn.SUB):
        return _joined(dtype, *(FUNCTIONS[fn](lanes, *some) for some in zip(*pairs, strict=True)))
    if fn in _PLAIN:
        return _joined(dtype, *_PLAIN[fn](lanes, *pairs))
    raise AssertionError(fn)  # has a formula


def _parts(x: Value) -> Pair:
    """The real part and the imaginary part."""
    real, imaginary = (Value(real_of(x.dtype), (part,), x.lanes, x.is_constant) for part in x.parts)
    return real, imaginary


def _joined(dtype: DType, real: Value, imaginary: Value) -> Value:
    return Value(dtype, (real.one, imaginary.one), real.lanes)


def _negated(lanes: Lanes, x: Pair) -> Pair:
    return FUNCTIONS[Fn.NEG](lanes, x[0]), FUNCTIONS[Fn.NEG](lanes, x[1])


def _conjugate(lanes: Lanes, x: Pair) -> Pair:
    return x[0], FUNCTIONS[Fn.NEG](lanes, x[1])


def _product(lanes: Lanes, x: Pair, y: Pair) -> Pair:
    (a, b), (c, d) = x, y
    real = lanes.binary("fsub", lanes.binary("fmul", a, c), lanes.binary("fmul", b, d))
    return real, lanes.binary("fadd", lanes.binary("fmul", a, d), lanes.binary("fmul", b, c))


_PLAIN: Mapping[Fn, Callable[..., Pair]] = {
    Fn.NEG: _negated,
    Fn.CONJ: _conjugate,
    Fn.MUL: _product,
}


def concerns(operands: Sequence[Value], dtype: DType) -> bool:
    """Whether a call has to do with complex numbers."""
    return is_complex(dtype) or any(is_complex(x.dtype) for x in operands)
