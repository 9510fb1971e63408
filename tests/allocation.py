"""What a call allocates, as Python and NumPy report it."""

import tracemalloc
from collections.abc import Callable, Sequence

import graphc as gx
from graphc.memory import CALL_OBJECTS, STEP_OBJECTS
from tests.case import Array

__all__ = ["allocated", "slack"]


def allocated(call: Callable[..., object], arrays: Sequence[Array]) -> int:
    """The most bytes that were allocated at once during a call."""
    tracemalloc.start()
    try:
        call(*arrays)
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def slack(f: gx.CompiledFunction) -> int:
    """Bytes of Python's own objects, which `MemoryReport` states and does not count."""
    return CALL_OBJECTS + STEP_OBJECTS * len(f.program.steps)
