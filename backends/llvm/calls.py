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
    """Words of a table, lane by lane; 0 outside of it."""
    is_in = lanes.compare("icmp ult", index, lanes.number(len(WORDS), INT64), BOOL)
    safe = lanes.select(is_in, index, lanes.number(0, INT64))
    found = []
    for lane in range(index.lanes):
        at = lanes.lane(safe, lane).one
        address = lanes.text.value(f"getelementptr i64, ptr @two_over_pi, i64 {at}")
        found.append(lanes.made(dtype, 1, f"load i64, ptr {address}"))
    return lanes.select(is_in, lanes.collected(found) if len(found) > 1 else found[0], lanes.number(0, dtype))
