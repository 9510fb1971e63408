"""Fences that nobody can touch: pages of memory without any rights, before and behind an array.

Who reads or writes there ends the process; Python's faulthandler, which pytest turns on, then says in which test.
"""

import ctypes
import mmap
import sys
from typing import Any

import numpy as np
import pytest

from graphc import driver
from graphc.backends.backend import Backend
from graphc.backends.llvm.symbols import c_functions
from graphc.fences import POISONS, Fenced
from graphc.function import CompiledFunction

__all__ = ["HAS_PAGES", "fenced", "guard_native_calls"]

HAS_PAGES = sys.platform != "win32"
NO_RIGHTS = 0  # PROT_NONE


def fenced(owner: str, size: int, alignment: int, turn: int) -> Fenced:
    """As `graphc.fences.fenced`: in the first run the array ends where a page ends, in the second one it begins so."""
    page = mmap.PAGESIZE
    length = max(-(-size // page), 1) * page
    region = mmap.mmap(-1, length + 2 * page)
    memory = np.frombuffer(region, np.uint8)[page : page + length]
    memory.fill(POISONS[turn])
    protect = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int)(
        c_functions(["mprotect"])["mprotect"]
    )
    for place in (memory.ctypes.data - page, memory.ctypes.data + length):
        assert protect(place, page, NO_RIGHTS) == 0, "mprotect"
    start = (length - size) // alignment * alignment if turn == 0 else 0
    return Fenced(owner, memory, start, size, POISONS[turn])


def guard_native_calls(patch: pytest.MonkeyPatch) -> None:
    """From now on every function of the LLVM backend runs in debug mode, between such pages."""
    compiled = driver._compiled

    def debugged(*given: Any, **options: Any) -> CompiledFunction:
        is_native = any(isinstance(value, Backend) and value.name == "llvm" for value in given)
        return compiled(*given, **{**options, "debug": options["debug"] or is_native})

    patch.setattr(driver, "_compiled", debugged)
    patch.setattr("graphc.poison.fenced", fenced)
