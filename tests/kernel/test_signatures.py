"""What functions take and give."""

from collections.abc import Sequence

import pytest

from graphc.kernel.scalar import Fn
from graphc.kernel.signatures import SIGNATURES, objection
from graphc.types import BFLOAT16, BOOL, DTYPES, INT64, DType

F32, F64 = DTYPES["float32"], DTYPES["float64"]
U64 = DTYPES["uint64"]
C64, C128 = DTYPES["complex64"], DTYPES["complex128"]


def test_every_function_has_a_signature() -> None:
    assert set(SIGNATURES) == set(Fn)


@pytest.mark.parametrize(
    ("fn", "operands", "result"),
    [
        (Fn.ADD, (F32, F32), F32),
        (Fn.EXP, (BFLOAT16,), BFLOAT16),
        (Fn.LT, (INT64, INT64), BOOL),
        (Fn.WHERE, (BOOL, F32, F32), F32),
        (Fn.CAST, (F32,), INT64),
        (Fn.XOR, (BOOL, BOOL), BOOL),
        (Fn.MUL, (C64, C64), C64),
        (Fn.EQ, (C64, C64), BOOL),
        (Fn.IMAG, (C64,), F32),
        (Fn.COMPLEX, (F64, F64), C128),
        (Fn.CAST, (F64,), C64),
        (Fn.PHILOX32, (U64, U64, INT64), DTYPES["uint32"]),
        (Fn.PHILOX64, (U64, U64, INT64), U64),
        (Fn.RARELY, (BOOL, F32, F32), F32),
        (Fn.BITS, (F32,), DTYPES["int32"]),
        (Fn.BITS, (U64,), F64),
        (Fn.TWO_OVER_PI, (INT64,), U64),
    ],
)
def test_right_call_has_no_objection(fn: Fn, operands: Sequence[DType], result: DType) -> None:
    assert objection(fn, operands, result) is None


@pytest.mark.parametrize(
    ("fn", "operands", "result", "message"),
    [
        (Fn.ADD, (F32, F64), F32, "add of unequal dtypes (f32, f64)"),
        (Fn.ADD, (F32,), F32, "add takes 2 operands, not (f32)"),
        (Fn.ADD, (F32, F32), F64, "add of (f32, f32) gives f32, not f64"),
        (Fn.LT, (F32, F32), F32, "lt of (f32, f32) gives bool, not f32"),
        (Fn.EXP, (INT64,), INT64, "exp has no meaning for i64"),
        (Fn.SUB, (BOOL, BOOL), BOOL, "sub has no meaning for bool"),
        (Fn.AND, (F32, F32), F32, "and has no meaning for f32"),
        (Fn.LT, (C64, C64), BOOL, "lt has no meaning for c64"),
        (Fn.REAL, (F32,), F32, "real has no meaning for f32"),
        (Fn.REAL, (C64,), F64, "real of (c64) gives f32, not f64"),
        (Fn.COMPLEX, (F32, F32), F32, "complex of (f32, f32) gives c64, not f32"),
        (Fn.CAST, (C64,), F32, "cast of c64 to f32 loses the imaginary part"),
        (Fn.WHERE, (F32, F32, F32), F32, "where of (f32, f32, f32): the first are not (bool)"),
        (Fn.WHERE, (BOOL, F32), F32, "where takes 3 operands, not (bool, f32)"),
        (Fn.PHILOX32, (U64, U64, F32), DTYPES["uint32"], "philox32 has no meaning for f32"),
        (Fn.PHILOX32, (U64, U64, INT64), U64, "philox32 of (u64, u64, i64) gives u32, not u64"),
        (Fn.BITS, (F32,), INT64, "bits of f32 are none of i64"),
        (Fn.BITS, (BFLOAT16,), DTYPES["int16"], "bits of bf16 are none of i16"),
        (Fn.TWO_OVER_PI, (INT64,), INT64, "two_over_pi of (i64) gives u64, not i64"),
        (Fn.WHERE, (), F32, "where takes 3 operands, not ()"),
    ],
)
def test_wrong_call_has_an_objection(fn: Fn, operands: Sequence[DType], result: DType, message: str) -> None:
    assert objection(fn, operands, result) == message
