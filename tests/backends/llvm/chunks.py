"""Bodies for the thread pool, written by hand: what a chunk does, and how often the pool is asked."""

import ctypes
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from graphc.backends.llvm.code import Linked, link, object_code
from graphc.backends.llvm.machine import host
from graphc.backends.llvm.pool import pool
from graphc.backends.llvm.symbols import c_functions

__all__ = ["Chunks"]

TEXT = """
declare void @graphc_parallel(ptr, ptr, i64, i64, ptr)
declare i64 @pthread_self()

; counts[chunk] += 1
define void @count(ptr %counts, i64 %chunk) {
  %place = getelementptr i64, ptr %counts, i64 %chunk
  %old = atomicrmw add ptr %place, i64 1 monotonic
  ret void
}

; the same, after a while
define void @linger(ptr %counts, i64 %chunk) {
  br label %wait
wait:
  %turn = phi i64 [ 0, %0 ], [ %next, %wait ]
  %next = add i64 %turn, 1
  store volatile i64 %next, ptr @place
  %more = icmp slt i64 %next, 2000
  br i1 %more, label %wait, label %done
done:
  call void @count(ptr %counts, i64 %chunk)
  ret void
}
@place = internal global i64 0

; counts[0 .. 7] += 1 by a call of its own, for each of the outer chunks
define void @nest(ptr %counts, i64 %chunk) {
  call void @graphc_parallel(ptr @count, ptr %counts, i64 8, i64 8, ptr null)
  ret void
}

; counts[chunk] = the thread
define void @sign(ptr %counts, i64 %chunk) {
  %place = getelementptr i64, ptr %counts, i64 %chunk
  %self = call i64 @pthread_self()
  store i64 %self, ptr %place
  ret void
}

; counts[chunk] = half of it: zero, where small numbers are flushed to it
define void @shrink(ptr %counts, i64 %chunk) {
  %place = getelementptr double, ptr %counts, i64 %chunk
  %small = load double, ptr %place
  %product = fmul double %small, 0.5
  store double %product, ptr %place
  ret void
}

define void @again(ptr %body, ptr %counts, i64 %chunks, i64 %threads, i64 %calls) {
  br label %look
look:
  %turn = phi i64 [ 0, %0 ], [ %next, %call ]
  %more = icmp slt i64 %turn, %calls
  br i1 %more, label %call, label %done
call:
  call void @graphc_parallel(ptr %body, ptr %counts, i64 %chunks, i64 %threads, ptr null)
  %next = add i64 %turn, 1
  br label %look
done:
  ret void
}
"""
BODIES = ("count", "linger", "nest", "sign", "shrink")


def _linked() -> Linked:
    symbols = {"graphc_parallel": pool().address, **c_functions(["pthread_self"])}
    return link([object_code(TEXT, host())], symbols, [*BODIES, "again"])


@dataclass(frozen=True)
class Chunks:
    """The bodies, linked to the pool of this process.  Calls release the GIL."""

    code: Linked = field(default_factory=_linked)

    def run(self, body: str, counts: npt.NDArray[np.int64], *, threads: int, calls: int = 1) -> None:
        """`calls` times, the body for each number of a chunk below the length of `counts`."""
        again = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_void_p, *3 * [ctypes.c_int64])(self.code["again"])
        again(self.code[body], counts.ctypes.data, len(counts), threads, calls)

    def counted(self, body: str, chunks: int, *, threads: int, calls: int) -> list[int]:
        """How often each chunk ran."""
        counts = np.zeros(chunks, np.int64)
        self.run(body, counts, threads=threads, calls=calls)
        return [int(x) for x in counts]
