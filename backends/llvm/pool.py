"""The threads that run the chunks of a kernel: one pool for the whole process, made when it is first asked for.

A child of a fork finds the pool without threads and starts its own.  When the interpreter ends, the threads wait
in code that stays where it is until the process is gone.
"""

import ctypes
import os
import threading
from collections.abc import Callable
from dataclasses import field
from functools import cache
from typing import final

from graphc.backends.llvm.code import Linked, link
from graphc.backends.llvm.cores import cpus, threads_wanted
from graphc.backends.llvm.machine import host
from graphc.backends.llvm.objects import kept_object
from graphc.backends.llvm.pool_text import EXPORTS, MOST_THREADS, imports, text
from graphc.backends.llvm.symbols import address_of, c_functions
from graphc.backends.llvm.watch import PYTHON, WATCHES
from graphc.dataclass import dataclass

__all__ = ["Pool", "pool"]

PATIENCE = 2_000_000  # nanoseconds that a worker looks for work before it sleeps: to wake it takes 50 us
CROWDED_PATIENCE = 20_000  # the same where there are more threads than CPUs

_making = threading.RLock()
if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=_making.acquire, after_in_parent=_making.release, after_in_child=_making.release)


@final
@dataclass(frozen=True, eq=False)
class Pool:
    """Threads that wait for work.

    address   of `void graphc_parallel(ptr body, ptr context, i64 chunks, i64 threads, ptr run)`, which runs
              `void body(ptr context, i64 chunk)` for each chunk once, in any order, by at most `threads` threads,
              and returns when all are done, or where `run`, if there is one, is given up: see `watch`.  Any thread
              may call it, and a body may: then it runs all by itself.  Of two chunks of one call, either may see
              the other's writes or not.
    """

    address: int
    _code: Linked = field(repr=False)

    @property
    def threads(self) -> int:
        """How many may take part, the caller included."""
        return int(_count_of(self._code["graphc_pool_threads"])())

    @property
    def watches(self) -> dict[str, int]:
        """The addresses of the functions by which runs are interrupted."""
        return {name: self._code[name] for name in WATCHES}

    @property
    def started(self) -> int:
        """How many threads were started so far; the callers are not among them."""
        return int(_count_of(self._code["graphc_pool_started"])())

    def resize(self, threads: int, patience: int | None = None) -> None:
        """From the next call on, let `threads` threads take part, that look for work for `patience` nanoseconds."""
        if patience is None:
            patience = PATIENCE if threads <= cpus() else CROWDED_PATIENCE
        ctypes.CFUNCTYPE(None, ctypes.c_int64, ctypes.c_int64)(self._code["graphc_pool_configure"])(
            max(1, min(threads, MOST_THREADS)), patience
        )


def pool() -> Pool:
    """That of this process.  Its size is `threads_wanted()`."""
    with _making:
        return _made()


@cache
def _made() -> Pool:
    machine = host()
    symbols = c_functions(imports(machine))
    symbols |= {name: address_of(getattr(ctypes.pythonapi, name)) for name in PYTHON}
    code = link([kept_object(text(machine), machine)], symbols, EXPORTS)
    code.keep_forever()
    set_main = ctypes.CFUNCTYPE(None, ctypes.c_int64)(code["graphc_set_main"])
    set_main(threading.main_thread().ident)
    made = Pool(code["graphc_parallel"], code)
    made.resize(threads_wanted())
    if hasattr(os, "register_at_fork"):
        reset = ctypes.CFUNCTYPE(None)(code["graphc_pool_reset"])
        os.register_at_fork(after_in_child=lambda: reset())
        os.register_at_fork(after_in_child=lambda: set_main(threading.get_ident()))
    return made


def _count_of(address: int) -> Callable[[], int]:
    return ctypes.CFUNCTYPE(ctypes.c_int64)(address)
