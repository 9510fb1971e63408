"""Values of variables, which may lie on a device while its functions work on them."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any, final

import numpy.typing as npt

__all__ = ["Copy", "Resident"]

Array = npt.NDArray[Any]


class Copy(ABC):
    """Memory of a device that has room for the value of one variable."""

    @abstractmethod
    def fetch(self, into: Array) -> None:
        """Copy the value from the device."""


@final
class Resident:
    """The value of a variable: in `array`, or while it is away in `copy`.

    Who moves it has the guard of the variable alone, and is told to `moved`: 1 for one that leaves, -1 for one that
    comes back.  The copy stays when the value is back, so that it lies in the same place when it leaves again.
    """

    __slots__ = ("array", "copy", "is_away", "moved")

    def __init__(self, array: Array, moved: Callable[[int], None]) -> None:
        self.array = array
        self.copy: Copy | None = None
        self.is_away = False
        self.moved = moved

    def __del__(self) -> None:
        self.back()

    def leave(self, copy: Copy) -> None:
        """From now on the value is that of the copy."""
        self.copy = copy
        if not self.is_away:
            self.moved(1)  # first: a Ctrl-C in between hides nothing that is away
            self.is_away = True

    def back(self) -> None:
        """From now on the value is that of the array, whatever the copy holds."""
        if self.is_away:
            self.is_away = False
            self.moved(-1)

    def fetch(self) -> None:
        """Bring the value back."""
        if self.is_away:
            self.read(self.array)
            self.back()

    def come_home(self) -> None:
        """Bring the value back, and let the memory of the copy go."""
        self.fetch()
        self.copy = None

    def read(self, into: Array) -> None:
        """Copy the value, which stays where it is."""
        if self.is_away:
            assert self.copy is not None, self
            self.copy.fetch(into)
        elif into is not self.array:
            into[...] = self.array
