"""Python's collector of cycles: it waits while a compilation runs.

Each of its rounds looks at every object that is new, and a compilation makes many that stay: that would take a tenth
of the time while it runs, as much again when it ends, and find nothing.
"""

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Lock

__all__ = ["waiting"]


MANY = 1_000_000  # objects, some hundred MB
_FEW = 10_000  # which are looked at in a millisecond


class _Waiting:
    """How many compilations the collector waits for, and whether it was on before the first of them.

    unseen  how many objects have been counted as old without a look at them
    """

    def __init__(self) -> None:
        self.lock = Lock()
        self.count = 0
        self.was_on = False
        self.unseen = 0

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
                self._grow_old()
                gc.enable()

    def _grow_old(self) -> None:
        """Count all that is new as old, which the next full round looks at: made here, if earlier ones left much."""
        new, *_ = gc.get_count()
        if new < _FEW or gc.get_freeze_count():  # a program that freezes objects means them to stay so
            return
        if self.unseen > MANY:
            gc.collect()
            self.unseen = 0
        else:
            gc.freeze()
            gc.unfreeze()
            self.unseen += new


_all = _Waiting()


@contextmanager
def waiting() -> Iterator[None]:
    """No cycles are collected inside.  Afterwards the collector is as it was, whichever thread ends last."""
    _all.begin()
    try:
        yield
    finally:
        _all.end()
