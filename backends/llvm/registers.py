"""How values of a dtype lie in memory, and in which registers they are computed."""

import struct
from collections.abc import Sequence

import numpy as np

from graphc.kernel.scalar import Number
from graphc.types import BOOL, NARROW, DType, is_complex, is_floating, real_of

__all__ = ["LINE", "bits_of", "constant", "in_memory", "in_register", "is_signed", "part_bytes", "parts_of", "vector"]

LINE = 64  # bytes of a line of the cache


def parts_of(dtype: DType) -> int:
    """How many registers hold one value: two for complex numbers."""
    return 2 if is_complex(dtype) else 1


def part_bytes(dtype: DType) -> int:
    """The bytes that one part of a value takes in memory."""
    return dtype.itemsize // parts_of(dtype)


def in_memory(dtype: DType) -> str:
    """The LLVM type of one part of a value in memory."""
    if dtype == BOOL:
        return "i8"
    if dtype in NARROW:
        return "i16"
    return in_register(dtype)


def in_register(dtype: DType) -> str:
    """The LLVM type of one part of a value in a register: floats of 16 bits are computed in float32."""
    if dtype == BOOL:
        return "i1"
    if is_complex(dtype) or is_floating(dtype):
        return "double" if real_of(dtype).itemsize == 8 else "float"
    return f"i{bits_of(dtype)}"


def bits_of(dtype: DType) -> int:
    """The bits of an integer."""
    return 1 if dtype == BOOL else 8 * dtype.itemsize


def is_signed(dtype: DType) -> bool:
    """Whether a dtype is a signed integer."""
    return dtype.kind == "i"


def vector(type: str, lanes: int) -> str:
    """The LLVM type of so many values; of one, the type itself."""
    return type if lanes == 1 else f"<{lanes} x {type}>"


def constant(value: Number, dtype: DType) -> Sequence[str]:
    """The parts of a number as LLVM writes them."""
    with np.errstate(all="ignore"):
        exact = np.asarray(value).astype(dtype)[()]
    if is_complex(dtype):
        return (_float(float(exact.real)), _float(float(exact.imag)))
    if dtype == BOOL:
        return ("true" if exact else "false",)
    if is_floating(dtype):
        return (_float(float(exact)),)
    return (str(int(exact)),)


def _float(value: float) -> str:
    """Every float as the bits of the double that is equal to it."""
    return f"0x{struct.unpack('<Q', struct.pack('<d', value))[0]:016X}"
