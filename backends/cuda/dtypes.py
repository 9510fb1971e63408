"""dtypes in CUDA C++: what they are called in memory and in registers, and how their numbers are written."""

from collections.abc import Mapping

import numpy as np

from graphc.kernel.scalar import Number
from graphc.types import (
    BFLOAT16,
    BOOL,
    COMPLEX64,
    COMPLEX128,
    DTYPES,
    FLOAT32,
    INT64,
    DType,
    accumulator,
    is_complex,
    real_of,
)

__all__ = ["in_memory", "in_register", "number_text", "suffix", "vector_of"]

_NAMES: Mapping[DType, str] = {
    BOOL: "bool",
    FLOAT32: "float",
    DTYPES["float64"]: "double",
    DTYPES["float16"]: "f16",
    BFLOAT16: "bf16",
    COMPLEX64: "c64",
    COMPLEX128: "c128",
} | {DTYPES[f"{sign}int{bits}"]: f"{sign or 'i'}{bits}" for sign in ("", "u") for bits in (8, 16, 32, 64)}

_SUFFIXES: Mapping[DType, str] = {FLOAT32: "f32", DTYPES["float64"]: "f64"}


def in_memory(dtype: DType) -> str:
    """The type of an element of an array."""
    return _NAMES[dtype]


def in_register(dtype: DType) -> str:
    """The type of a value: float for floats of 16 bits, which are rounded after every operation."""
    return _NAMES[accumulator(dtype)]


def suffix(dtype: DType) -> str:
    """How the name of a function ends that is written for a dtype: `f32`."""
    return _SUFFIXES.get(dtype, _NAMES[dtype])


def vector_of(dtype: DType) -> int:
    """How many elements of a dtype fit in 16 bytes."""
    return 16 // dtype.itemsize


def number_text(value: Number, dtype: DType) -> str:
    """A number as it is written in a register."""
    if dtype == BOOL:
        return "true" if value else "false"
    if is_complex(dtype):
        number, real = complex(value), real_of(dtype)
        parts = ", ".join(number_text(part, real) for part in (number.real, number.imag))
        return f"{_NAMES[dtype]}({parts})"
    if dtype.kind in "iu":
        return _integer(int(np.asarray(value).astype(dtype)), dtype)
    assert not isinstance(value, complex), value
    with np.errstate(all="ignore"):
        rounded = float(np.asarray(float(value)).astype(dtype))
    return _float(rounded, "double" if dtype == DTYPES["float64"] else "float")


def _float(value: float, type: str) -> str:
    if value != value:
        return f"not_a_number<{type}>()"
    if value in (np.inf, -np.inf):
        return f"{'-' if value < 0 else ''}infinity<{type}>()"
    return f"{value!r}f" if type == "float" else repr(value)


def _integer(value: int, dtype: DType) -> str:
    if dtype == INT64:
        return "(-9223372036854775807LL - 1)" if value == -(1 << 63) else f"{value}LL"
    if dtype == DTYPES["uint64"]:
        return f"{value}ULL"
    if dtype == DTYPES["uint32"]:
        return f"{value}U"
    if dtype.itemsize < 4:
        return f"{_NAMES[dtype]}({value})"  # a plain number is an int, which no template takes for it
    return "(-2147483647 - 1)" if value == -(1 << 31) else str(value)
