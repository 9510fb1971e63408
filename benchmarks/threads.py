"""What it costs to share work among threads: `python -m benchmarks.threads [threads]`.

The work is nothing, one chunk for each thread, so the time is that of the pool alone.  A thread that comes late
finds its chunk taken, so in `nothing` often one thread does all; in `together` each chunk waits for the others.
Hot is one call after the other; the others come after a pause, in which the threads may have fallen asleep.
"""

import ctypes
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from statistics import median, quantiles

from benchmarks.measure.race import machine
from graphc.backends.llvm.code import link, object_code
from graphc.backends.llvm.machine import host
from graphc.backends.llvm.pool import pool

TEXT = """
declare void @graphc_parallel(ptr, ptr, i64, i64, ptr)
define void @nothing(ptr %context, i64 %chunk) {
  ret void
}

@arrived = internal global i64 0, align 128

; Wait until all chunks of this call are here, or for a while.
define void @together(ptr %context, i64 %chunk) {
  %threads = ptrtoint ptr %context to i64
  %before = atomicrmw add ptr @arrived, i64 1 seq_cst
  %call = udiv i64 %before, %threads
  %calls = add i64 %call, 1
  %all = mul i64 %calls, %threads
  br label %look
look:
  %turn = phi i64 [ 0, %0 ], [ %next, %look ]
  %next = add i64 %turn, 1
  %here = load atomic i64, ptr @arrived seq_cst, align 8
  %missing = icmp ult i64 %here, %all
  %patient = icmp ult i64 %next, 100000
  %more = and i1 %missing, %patient
  br i1 %more, label %look, label %done
done:
  ret void
}
define void @again(ptr %body, i64 %threads, i64 %calls) {
  %context = inttoptr i64 %threads to ptr
  br label %call
call:
  %turn = phi i64 [ 0, %0 ], [ %next, %call ]
  call void @graphc_parallel(ptr %body, ptr %context, i64 %threads, i64 %threads, ptr null)
  %next = add i64 %turn, 1
  %more = icmp slt i64 %next, %calls
  br i1 %more, label %call, label %done
done:
  ret void
}
"""
PAUSES = (0.0002, 0.001, 0.005, 0.02, 0.3)  # seconds
BODIES = ("nothing", "together")
HOT_CALLS, ROUNDS = 20_000, 31


def main() -> None:
    threads = int(sys.argv[1]) if sys.argv[1:] else pool().threads
    print(f"{machine()}; {threads} threads")
    for name, times in measured(threads, HOT_CALLS, ROUNDS, PAUSES).items():
        low, _, high = quantiles(times, n=4)
        print(f"  {name:34} {median(times) * 1e6:8.2f} us   [{low * 1e6:.2f} .. {high * 1e6:.2f}]")


def measured(threads: int, calls: int, rounds: int, pauses: tuple[float, ...]) -> dict[str, list[float]]:
    """Seconds for one fork and join, `rounds` times each way."""
    found: dict[str, list[float]] = {}
    before = pool().threads
    pool().resize(threads)
    try:
        code = link([object_code(TEXT, host())], {"graphc_parallel": pool().address}, ["again", *BODIES])
        again = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_int64, ctypes.c_int64)(code["again"])
        for body in BODIES:
            again(code[body], threads, calls)
            found[f"{body}, hot"] = [_seconds(again, code[body], threads, calls) / calls for _ in range(rounds)]
            for pause in pauses:
                found[f"{body}, after {pause * 1e3:g} ms"] = [
                    _after(pause, again, code[body], threads, 1) for _ in range(rounds)
                ]
        with ThreadPoolExecutor(threads) as executor:
            found["hot, threads of Python"] = [
                _seconds(lambda: list(executor.map(abs, range(threads)))) for _ in range(rounds)
            ]
    finally:
        pool().resize(before)
    return found


def _after(pause: float, work: Callable[..., object], *given: int) -> float:
    time.sleep(pause)
    return _seconds(work, *given)


def _seconds(work: Callable[..., object], *given: int) -> float:
    start = time.perf_counter()
    work(*given)
    return time.perf_counter() - start


if __name__ == "__main__":
    main()
