"""Arenas that wait for the next call: one for each caller that was there at once, and not too many."""

from collections import OrderedDict
from contextlib import AbstractContextManager
from dataclasses import field
from threading import RLock
from typing import final

from graphc.backends.space import Waiting
from graphc.dataclass import dataclass
from graphc.running import Bound

__all__ = ["KEPT_CALLERS", "KEPT_SIZES", "Arenas"]

KEPT_SIZES = 16  # sets of sizes whose arenas are kept
KEPT_CALLERS = 16  # arenas that are kept of one set of sizes


@final
@dataclass(eq=False)
class Arenas(Waiting):
    """What callers take and give back.

    At most KEPT_CALLERS wait for each of the KEPT_SIZES sets of sizes that came last; others are let go.
    """

    _waiting: OrderedDict[tuple[int, ...], list[Bound]] = field(default_factory=OrderedDict)
    _lock: AbstractContextManager[bool] = field(default_factory=RLock)  # a signal may interrupt who holds it

    def take(self, sizes: tuple[int, ...]) -> Bound | None:
        """One that nobody else uses; None where none waits."""
        waiting = self._waiting.get(sizes)
        if waiting:
            try:
                return waiting.pop()
            except IndexError:  # another caller took the last one in between
                pass
        return None

    def give(self, sizes: tuple[int, ...], bound: Bound) -> None:
        """Let it wait for the next caller."""
        waiting = self._waiting.get(sizes)
        if waiting is not None:
            if len(waiting) < KEPT_CALLERS:
                waiting.append(bound)
            return
        with self._lock:
            self._waiting.setdefault(sizes, []).append(bound)
            while len(self._waiting) > KEPT_SIZES:
                self._waiting.popitem(last=False)

    def release(self) -> None:
        """Let all that wait go."""
        with self._lock:
            self._waiting.clear()

    def __len__(self) -> int:
        return sum(map(len, self._waiting.values()))
