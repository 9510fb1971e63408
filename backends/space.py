"""Where the arrays of calls lie: in the memory of the host, or on a device."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any, TypeAlias, final

import numpy as np
import numpy.typing as npt

from graphc.kernel.resident import Resident

__all__ = ["HERE", "Host", "Located", "Rooms", "Space", "Waiting", "empty_arena"]

Array = npt.NDArray[Any]
Rooms: TypeAlias = Sequence[tuple[tuple[int, ...], np.dtype[Any]]]


class Located(ABC):
    """An array that is not of NumPy: its elements stand side by side, in row-major order, in another memory."""

    shape: tuple[int, ...]
    dtype: np.dtype[Any]


class Waiting(ABC):
    """Memory that waits for calls that may come."""

    @abstractmethod
    def release(self) -> None:
        """Let it go.  It may be asked for again."""


class Space(ABC):
    """Some memory, and the arrays in it.  Arrays of NumPy are welcome everywhere."""

    @abstractmethod
    def arena(self, size: int, alignment: int) -> Any:
        """`size` bytes that start at a multiple of `alignment`."""

    @abstractmethod
    def adopted(self, value: object) -> Any | None:
        """An array of this space that shares the memory of a value; None for what lies elsewhere."""

    @abstractmethod
    def empty(self, shape: tuple[int, ...], dtype: np.dtype[Any]) -> Any:
        """A fresh array of this space."""

    @abstractmethod
    def results(self, rooms: Rooms, inputs: Sequence[Any]) -> list[Any]:
        """Fresh arrays for the results of a call."""

    @abstractmethod
    def overlap(self, one: Any, other: Any) -> bool:
        """Whether two arrays may share memory."""

    @abstractmethod
    def assign(self, to: Any, value: Any) -> None:
        """Copy the elements of an array to another."""

    @abstractmethod
    def bound(self, variables: Sequence[Resident]) -> Sequence[Any]:
        """What code is bound to for variables."""

    @abstractmethod
    def is_settled(self, variables: Sequence[Resident]) -> bool:
        """Whether the values of variables are where code reads them."""

    @abstractmethod
    def settle(self, variables: Sequence[Resident]) -> None:
        """Bring them there.  The caller has their guard alone."""

    @abstractmethod
    def note(self, waiting: Waiting) -> None:
        """From now on, let go of this too where memory is short."""

    @abstractmethod
    def release(self, variables: Sequence[Resident]) -> None:
        """Give memory back: that of variables, which come home.  The caller has their guard alone."""


@final
class Host(Space):
    """The memory of this process: all arrays are of NumPy."""

    def arena(self, size: int, alignment: int) -> Array:
        return empty_arena(size, alignment)

    def adopted(self, value: object) -> None:
        return None

    def empty(self, shape: tuple[int, ...], dtype: np.dtype[Any]) -> Array:
        return np.empty(shape, dtype)

    def results(self, rooms: Rooms, inputs: Sequence[Any]) -> list[Any]:
        return [np.empty(shape, dtype) for shape, dtype in rooms]

    def overlap(self, one: Any, other: Any) -> bool:
        return np.may_share_memory(one, other)

    def assign(self, to: Any, value: Any) -> None:
        np.copyto(to, value)

    def bound(self, variables: Sequence[Resident]) -> Sequence[Array]:
        return [one.array for one in variables]

    def is_settled(self, variables: Sequence[Resident]) -> bool:
        return not any(one.is_away for one in variables)

    def settle(self, variables: Sequence[Resident]) -> None:
        for one in variables:
            one.fetch()

    def note(self, waiting: Waiting) -> None:
        """The host says only when it has none left at all."""

    def release(self, variables: Sequence[Resident]) -> None:
        """They have no other."""


#: of every backend that has no other
HERE = Host()


def empty_arena(size: int, alignment: int) -> Array:
    """`size` bytes that start at a multiple of `alignment`."""
    raw = np.empty(size + alignment, np.uint8)
    start = -raw.ctypes.data % alignment
    return raw[start : start + size]
