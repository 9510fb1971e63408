"""Calls of functions of a formula, of every dtype."""

from collections.abc import Sequence

from graphc.backends.llvm.complexes import concerns, of_complex
from graphc.backends.llvm.functions import of_reals
from graphc.backends.llvm.philox import random_word
from graphc.backends.llvm.values import Lanes, Value
from graphc.kernel.scalar import Fn
from graphc.kernel.two_over_pi import WORDS
from graphc.types import BOOL, INT64, DType

__all__ = ["called"]


def called(lanes: Lanes, fn: Fn, operands: Sequence[Value], dtype: DType) -> Value:
    """The value of a function."""
    if fn is Fn.RARELY:
        fn = Fn.WHERE
    if concerns(operands, dtype):
        return of_complex(lanes, fn, operands, dtype)
    if fn is Fn.TWO_OVER_PI:
        return _digits(lanes, operands[0], dtype)
    if fn in (Fn.PHILOX32, Fn.PHILOX64):
        return random_word(lanes, fn, operands)
    return of_reals(lanes, fn, operands, dtype)


def _digits(lanes: Lanes, index: Value, dtype: DType) -> Value:
    """Words of a table; 0 outside of it."""
    is_in = lanes.compare("icmp ult", index, lanes.number(len(WORDS), INT64), BOOL)
    if index.lanes == 1:
        safe = lanes.select(is_in, index, lanes.number(0, INT64))
        word = lanes.text.value(f"getelementptr i64, ptr @two_over_pi, i64 {safe.one}")
        return lanes.select(is_in, lanes.made(dtype, 1, f"load i64, ptr {word}"), lanes.number(0, dtype))
    words = lanes.text.value(f"getelementptr i64, ptr @two_over_pi, {index.type} {index.one}")
    operands = f"<{index.lanes} x ptr> align 8 {words}, {is_in.type} {is_in.one}, {index.type} zeroinitializer"
    name = f"llvm.masked.gather.v{index.lanes}i64.v{index.lanes}p0"  # of few instructions: huge numbers are rare
    return lanes.made(dtype, index.lanes, f"call {index.type} @{name}({operands})")
