"""The vector functions of glibc on whole arrays.  A loop in LLVM IR calls them: they take vectors in registers."""

import ctypes
from collections.abc import Callable
from functools import cache
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from graphc.backends.llvm.code import link, object_code
from graphc.backends.llvm.machine import host

__all__ = ["Loop", "loop"]

Array: TypeAlias = npt.NDArray[Any]  # Any: float32 or float64
Loop: TypeAlias = Callable[..., Array]  # of the operands and the array of results, of whole vectors, which it gives

LETTERS = {64: "e", 32: "d", 16: "b"}  # by the bytes of a vector: AVX-512, AVX2, SSE

_LOOP = """
declare {type} @{symbol}({types})
define void @each(ptr %x, ptr %y, ptr %out, i64 %count) "min-legal-vector-width"="{bits}" {{
entry:
  br label %loop
loop:
  %at = phi i64 [ 0, %entry ], [ %next, %loop ]
  %px = getelementptr {element}, ptr %x, i64 %at
  %py = getelementptr {element}, ptr %y, i64 %at
  %pout = getelementptr {element}, ptr %out, i64 %at
  %a = load {type}, ptr %px, align {bytes}
  %b = load {type}, ptr %py, align {bytes}
  %value = call {type} @{symbol}({operands})
  store {type} %value, ptr %pout, align {bytes}
  %next = add i64 %at, {lanes}
  %more = icmp slt i64 %next, %count
  br i1 %more, label %loop, label %end
end:
  ret void
}}
"""


def loop(name: str, operands: int, dtype: str) -> Loop | None:
    """The loop over a function of C, as `exp` or `atan2`; None where the library or the function is missing."""
    machine, size = host(), np.dtype(dtype).itemsize
    lanes = machine.lanes(size)
    symbol = f"_ZGV{LETTERS[machine.vector_bytes]}N{lanes}{'v' * operands}_{name}{'f' if size == 4 else ''}"
    address = _address(symbol) if machine.is_x86 and machine.is_linux else None
    if address is None:
        return None
    element = "float" if size == 4 else "double"
    type = f"<{lanes} x {element}>"
    text = _LOOP.format(
        type=type,
        symbol=symbol,
        types=", ".join([type] * operands),
        bits=machine.vector_bytes * 8,
        element=element,
        bytes=size,
        operands=", ".join(f"{type} %{letter}" for letter in "ab"[:operands]),
        lanes=lanes,
    )
    code = link([object_code(text, machine)], {symbol: address}, ["each"])
    function = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_int64)

    def run(*arrays: Array) -> Array:
        *xs, out = arrays
        assert out.size % lanes == 0, out.size
        function(code["each"])(xs[0].ctypes.data, xs[-1].ctypes.data, out.ctypes.data, out.size)
        return out

    return run


def _address(symbol: str) -> int | None:
    library = _library()
    try:
        return None if library is None else ctypes.cast(library[symbol], ctypes.c_void_p).value
    except AttributeError:  # a glibc that lacks it
        return None


@cache
def _library() -> ctypes.CDLL | None:
    try:
        return ctypes.CDLL("libmvec.so.1")
    except OSError:  # another system
        return None
