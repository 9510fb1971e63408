"""Arrays between fences: memory that nobody may write to, which shows it when somebody has."""

from collections.abc import Sequence
from typing import Any, final

import numpy as np
import numpy.typing as npt

from graphc.backends.space import empty_arena
from graphc.dataclass import dataclass
from graphc.types import DType

__all__ = ["POISONS", "Fenced", "fenced"]

Array = npt.NDArray[Any]

ZONE = 4096  # bytes before and behind what is fenced: one page
POISONS = (0xFF, 0xA5)  # bytes: nan and -1, and some other number


@final
@dataclass(frozen=True, eq=False)
class Fenced:
    """Bytes of a memory, which was full of one byte.

    owner   whose bytes these are, for errors
    start   the first one
    """

    owner: str
    memory: Array
    start: int
    size: int
    poison: int

    @property
    def bytes(self) -> Array:
        """What is between the fences."""
        return self.memory[self.start : self.start + self.size]

    def array(self, shape: Sequence[int], dtype: DType) -> Array:
        """The same as an array."""
        return self.bytes.view(dtype).reshape(shape)

    def require_fences(self) -> None:
        """Raise AssertionError where a byte beside was written."""
        end = self.start + self.size
        for first, zone in ((0, self.memory[: self.start]), (end, self.memory[end:])):
            wrong = np.flatnonzero(zone != self.poison)
            if wrong.size:
                place = first + int(wrong[0]) - self.start
                raise AssertionError(f"byte {place} was written, {self.owner} has {self.size}")


def fenced(owner: str, size: int, alignment: int, turn: int) -> Fenced:
    """Poisoned bytes, for the first run of a call or for the second one: each has its own poison."""
    memory = empty_arena(size + 2 * ZONE, alignment)
    memory.fill(POISONS[turn])
    return Fenced(owner, memory, ZONE, size, POISONS[turn])
