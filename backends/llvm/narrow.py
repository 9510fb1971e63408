"""Floats of 16 bits: rounded in float32 registers, and as bits in memory.

By integer steps, which every machine has.
"""

from graphc.backends.llvm.values import Lanes, Value
from graphc.types import BFLOAT16, BOOL, DTYPES, FLOAT32, NARROW, DType

__all__ = ["from_memory", "rounded", "to_memory", "to_odd"]

UINT16, UINT32, UINT64, FLOAT64 = DTYPES["uint16"], DTYPES["uint32"], DTYPES["uint64"], DTYPES["float64"]

SIGN = 0x80000000
QUIET = 0x00400000
INFINITE = 0x7F800000
LEAST_NORMAL = 2.0**-14  # of float16
LARGEST_EXPONENT = 2.0**112  # what float16's exponents are moved by in float32


def rounded(lanes: Lanes, value: Value, dtype: DType) -> Value:
    """A float32 as the nearest number of `dtype`, still in a float32 register."""
    if dtype not in NARROW:
        return Value(dtype, value.parts, value.lanes, value.is_constant)
    bits = _bits(lanes, value)
    kept = 16 if dtype == BFLOAT16 else 13
    near = lanes.binary("and", _nearest(lanes, bits, kept), _number(lanes, (1 << 32) - (1 << kept)))
    result = _float(lanes, near)
    if dtype != BFLOAT16:
        size = lanes.intrinsic("fabs", value)
        magic = lanes.number(0.75, FLOAT32)  # 1.5 times 2^23 times the least float16
        small = lanes.binary("fsub", lanes.binary("fadd", size, magic), magic)
        is_small = lanes.compare("fcmp olt", size, lanes.number(LEAST_NORMAL, FLOAT32), BOOL)
        result = lanes.select(is_small, lanes.intrinsic("copysign", small, value), result)
        is_large = lanes.compare("fcmp oge", lanes.intrinsic("fabs", result), lanes.number(65536.0, FLOAT32), BOOL)
        infinite = lanes.intrinsic("copysign", lanes.number(float("inf"), FLOAT32), value)
        result = lanes.select(is_large, infinite, result)
    is_nan = lanes.compare("fcmp uno", value, value, BOOL)
    quiet = _float(
        lanes, lanes.binary("and", lanes.binary("or", bits, _number(lanes, QUIET)), _number(lanes, 0xFFFF0000))
    )
    return Value(dtype, lanes.select(is_nan, quiet, result).parts, result.lanes)


def to_odd(lanes: Lanes, value: Value) -> Value:
    """A float64 as the float32 that rounds to the same float16.

    Where it is inexact that is the neighbour with an odd last bit.
    Boldo, Melquiond: Emulation of FMA and correctly rounded sums, 2008.
    """
    type = value.type
    near = lanes.made(FLOAT32, value.lanes, f"fptrunc {type} {value.one} to {_like('float', value)}")
    back = lanes.made(FLOAT64, value.lanes, f"fpext {near.type} {near.one} to {type}")
    bits = _bits(lanes, near)
    is_even = lanes.compare("icmp eq", lanes.binary("and", bits, _number(lanes, 1)), _number(lanes, 0), BOOL)
    is_inexact = lanes.compare("fcmp one", back, value, BOOL)
    grows = lanes.compare("fcmp olt", lanes.intrinsic("fabs", back), lanes.intrinsic("fabs", value), BOOL)
    step = lanes.select(grows, _number(lanes, 1), _number(lanes, 0xFFFFFFFF))
    moved = lanes.binary("add", bits, step)
    both = lanes.binary("and", is_even, is_inexact)
    return _float(lanes, lanes.select(both, moved, bits))


def to_memory(lanes: Lanes, value: Value) -> str:
    """The i16 of a number that was rounded: a register."""
    bits = _bits(lanes, Value(FLOAT32, value.parts, value.lanes, value.is_constant))
    if value.dtype == BFLOAT16:
        high = lanes.binary("lshr", bits, _number(lanes, 16))
    else:
        size = lanes.binary("and", bits, _number(lanes, SIGN - 1))
        sign = lanes.binary("lshr", lanes.binary("and", bits, _number(lanes, SIGN)), _number(lanes, 16))
        scaled = lanes.binary("fmul", _float(lanes, size), lanes.number(1 / LARGEST_EXPONENT, FLOAT32))
        plain = lanes.binary("lshr", _bits(lanes, scaled), _number(lanes, 13))
        is_special = lanes.compare("icmp uge", size, _number(lanes, INFINITE), BOOL)
        special = lanes.binary("or", lanes.binary("lshr", size, _number(lanes, 13)), _number(lanes, 0x7C00))
        special = lanes.binary("and", special, _number(lanes, 0x7FFF))
        high = lanes.binary("or", lanes.select(is_special, special, plain), sign)
    return lanes.text.value(f"trunc {high.type} {high.one} to {_like('i16', high)}")


def from_memory(lanes: Lanes, register: str, dtype: DType, count: int) -> Value:
    """The number whose i16 is in a register."""
    whole = Value(UINT16, (register,), count)
    bits = lanes.made(UINT32, count, f"zext {whole.type} {register} to {_like('i32', whole)}")
    if dtype == BFLOAT16:
        return Value(dtype, _float(lanes, lanes.binary("shl", bits, _number(lanes, 16))).parts, count)
    size = lanes.binary("shl", lanes.binary("and", bits, _number(lanes, 0x7FFF)), _number(lanes, 13))
    sign = lanes.binary("shl", lanes.binary("and", bits, _number(lanes, 0x8000)), _number(lanes, 16))
    scaled = lanes.binary("fmul", _float(lanes, size), lanes.number(LARGEST_EXPONENT, FLOAT32))
    is_special = lanes.compare("icmp uge", size, _number(lanes, 0x7C00 << 13), BOOL)
    special = lanes.binary("or", size, _number(lanes, INFINITE))
    found = lanes.select(is_special, special, _bits(lanes, scaled))
    return Value(dtype, _float(lanes, lanes.binary("or", found, sign)).parts, count)


def _nearest(lanes: Lanes, bits: Value, kept: int) -> Value:
    """Bits whose last `kept` are to be dropped, moved so that what is left is the nearest, the even one of two."""
    last = lanes.binary("and", lanes.binary("lshr", bits, _number(lanes, kept)), _number(lanes, 1))
    half = lanes.binary("add", last, _number(lanes, (1 << kept - 1) - 1))
    return lanes.binary("add", bits, half)


def _bits(lanes: Lanes, value: Value) -> Value:
    return lanes.made(UINT32, value.lanes, f"bitcast {_like('float', value)} {value.one} to {_like('i32', value)}")


def _float(lanes: Lanes, bits: Value) -> Value:
    return lanes.made(FLOAT32, bits.lanes, f"bitcast {bits.type} {bits.one} to {_like('float', bits)}")


def _number(lanes: Lanes, value: int) -> Value:
    return lanes.number(value, UINT32)


def _like(type: str, value: Value) -> str:
    return type if value.lanes == 1 else f"<{value.lanes} x {type}>"
