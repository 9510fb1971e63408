"""Conversions between dtypes, as NumPy makes them."""

from graphc.backends.llvm.narrow import rounded, to_odd
from graphc.backends.llvm.registers import bits_of, in_register, is_signed, vector
from graphc.backends.llvm.values import Lanes, Value
from graphc.types import BFLOAT16, BOOL, DTYPES, FLOAT32, INT64, NARROW, DType, is_complex, is_floating, real_of

__all__ = ["cast", "reinterpreted"]

UINT64 = DTYPES["uint64"]


def cast(lanes: Lanes, value: Value, dtype: DType) -> Value:
    """The value in another dtype.

    Float to integer drops the fraction and takes the nearest limit of 64 bits where it does not fit, then wraps
    around; integers wrap around; to bool: whether it differs from 0.
    """
    old = value.dtype
    if old == dtype:
        return value
    if is_complex(dtype):
        real = real_of(dtype)
        parts = [
            Value(real_of(old) if is_complex(old) else old, (part,), value.lanes, value.is_constant)
            for part in value.parts
        ]
        made = [cast(lanes, part, real) for part in parts]
        if len(made) == 1:
            zero = lanes.number(0.0, real)
            made.append(zero if made[0].lanes == 1 else lanes.spread(zero, made[0].lanes))
        return Value(dtype, tuple(part.one for part in made), value.lanes)
    if is_complex(old):
        assert dtype == BOOL, dtype  # others lose a part: no program has them
        both = [cast(lanes, Value(real_of(old), (part,), value.lanes), BOOL) for part in value.parts]
        return lanes.binary("or", *both)
    if is_floating(old):
        return _from_float(lanes, value, dtype)
    return _from_integer(lanes, value, dtype)


def reinterpreted(lanes: Lanes, value: Value, dtype: DType) -> Value:
    """The same bits as another dtype of the same size."""
    type = vector(in_register(dtype), value.lanes)
    return lanes.made(dtype, value.lanes, f"bitcast {value.type} {value.one} to {type}")


def _from_float(lanes: Lanes, value: Value, dtype: DType) -> Value:
    old = value.dtype
    type = vector(in_register(dtype), value.lanes)
    if dtype == BOOL:
        return lanes.compare("fcmp une", value, lanes.number(0.0, old), BOOL)
    if is_floating(dtype):
        if in_register(old) == in_register(dtype):
            return rounded(lanes, Value(FLOAT32, value.parts, value.lanes, value.is_constant), dtype)
        if dtype in NARROW:
            near = to_odd(lanes, value) if dtype != BFLOAT16 else cast(lanes, value, FLOAT32)
            return rounded(lanes, near, dtype)
        instruction = "fptrunc" if in_register(dtype) == "float" else "fpext"
        return lanes.made(dtype, value.lanes, f"{instruction} {value.type} {value.one} to {type}")
    wide, name = (UINT64, "fptoui") if dtype == UINT64 else (INT64, "fptosi")
    found = _saturated(lanes, value, wide, name)
    return _from_integer(lanes, found, dtype)


def _saturated(lanes: Lanes, value: Value, dtype: DType, name: str) -> Value:
    """A float as an integer of 64 bits; the nearest limit where it does not fit, 0 for nan."""
    result = vector("i64", value.lanes)
    suffix = "i64" if value.lanes == 1 else f"v{value.lanes}i64"
    short = "f64" if in_register(value.dtype) == "double" else "f32"
    operand = short if value.lanes == 1 else f"v{value.lanes}{short}"
    return lanes.made(
        dtype, value.lanes, f"call {result} @llvm.{name}.sat.{suffix}.{operand}({value.type} {value.one})"
    )


def _from_integer(lanes: Lanes, value: Value, dtype: DType) -> Value:
    old = value.dtype
    type = vector(in_register(dtype), value.lanes)
    if dtype == old:
        return value
    if dtype == BOOL:
        return lanes.compare("icmp ne", value, lanes.number(0, old), BOOL)
    if is_floating(dtype):
        instruction = "sitofp" if is_signed(old) else "uitofp"
        wide = lanes.made(dtype, value.lanes, f"{instruction} {value.type} {value.one} to {type}")
        return rounded(lanes, Value(FLOAT32, wide.parts, wide.lanes), dtype) if dtype in NARROW else wide
    if bits_of(dtype) == bits_of(old):
        return Value(dtype, value.parts, value.lanes, value.is_constant)
    if bits_of(dtype) < bits_of(old):
        return lanes.made(dtype, value.lanes, f"trunc {value.type} {value.one} to {type}")
    return lanes.made(dtype, value.lanes, f"{'sext' if is_signed(old) else 'zext'} {value.type} {value.one} to {type}")
