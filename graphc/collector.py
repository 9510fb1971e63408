"""Python's collector of cycles: it waits while a compilation runs.

Each of its full rounds looks at every object there is, and a compilation makes many that stay: it would take a
tenth of the time, and find nothing.
"""

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Lock

__all__ = ["waiting"]


class _Waiting:
    """How many compilations the collector waits for, and whether it was on before the first of them."""

    def __init__(self) -> None:
        self.lock = Lock()
        self.count = 0
        self.was_on = False

    def begin(self) -> None:
        with self.lock:
            if self.count == 0:
                self.was_on = gc.isenabled()
                gc.disable()
            self.count += 1

    def end(self) -> None:
        with self.lock:
            self.count -= 1
            if self.count == 0 and self.was_on:
                gc.enable()


_all = _Waiting()


@contextmanager
def waiting() -> Iterator[None]:
    """No cycles are collected inside.  Afterwards the collector is as it was, whichever thread ends last."""
    _all.begin()
    try:
        yield
    finally:
        _all.end()
