"""The table that a program runs on: addresses of buffers and values of sizes, in slots of 8 bytes."""

from collections.abc import Hashable
from dataclasses import field
from typing import final

from graphc.dataclass import dataclass

__all__ = [
    "BUDGET",
    "COMMIT",
    "COMPUTE",
    "FIRST",
    "FOUND",
    "INTERRUPTED",
    "LOOKED",
    "STOPPED",
    "THREAD",
    "THREADS",
    "ChunksOf",
    "RoomOf",
    "Table",
]

COMPUTE, COMMIT = "graphc_compute", "graphc_commit"  # the functions that run on it

FOUND = 0  # what a check found that failed
THREADS = 1  # how many threads may take part
STOPPED = 2  # whether the run has been given up
THREAD = 3  # what Python gave for the GIL, where signals interrupt the run
LOOKED = 4  # when it was last looked for signals, in nanoseconds
BUDGET = 5  # how many steps more until the next look
FIRST = 6  # slots from here on are given out

INTERRUPTED = -2  # the status of a run that was given up


@final
@dataclass(frozen=True)
class RoomOf:
    """The room of the arena with this number."""

    number: int


@final
@dataclass(frozen=True)
class ChunksOf:
    """How many chunks there are, by a plan that is made when sizes are known."""

    planner: Hashable


@final
@dataclass
class Table:
    """What stands in each slot: buffers that own their bytes, sizes, rooms, and how many rows stacks have."""

    slots: dict[Hashable, int] = field(default_factory=dict)

    def of(self, what: Hashable) -> int:
        """Its slot."""
        return self.slots.setdefault(what, FIRST + len(self.slots))

    def __len__(self) -> int:
        return FIRST + len(self.slots)
