"""Values that outlive calls: the arrays of parameters and states, and the guard that callers take turns by."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from threading import Lock
from typing import Any

import numpy as np
import numpy.typing as npt

from graphc.errors import ArgumentError, DTypeError, ShapeError
from graphc.types import as_dtype

__all__ = ["Guard", "Storage"]

_joining = Lock()


class Guard:
    """Many readers or one writer.  Variables that one function uses share one guard (see `join`)."""

    __slots__ = ("_count", "_readers", "_writer", "joined")

    def __init__(self) -> None:
        self._writer = Lock()
        self._count = Lock()
        self._readers = 0
        self.joined: Guard | None = None

    def root(self) -> "Guard":
        """The guard that stands for this one now."""
        guard = self
        while guard.joined is not None:
            guard = guard.joined
        return guard

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Hold the variables alone."""
        while True:
            guard = self.root()
            with guard._writer:
                if guard.joined is None:
                    yield
                    return

    @contextmanager
    def shared(self) -> Iterator[None]:
        """Hold the variables beside other readers."""
        while True:
            guard = self.root()
            with guard._count:
                if guard._readers == 0:
                    guard._writer.acquire()
                guard._readers += 1
            try:
                if guard.joined is None:
                    yield
                    return
            finally:
                with guard._count:
                    guard._readers -= 1
                    if guard._readers == 0:
                        guard._writer.release()

    @staticmethod
    def join(guards: Iterable["Guard"]) -> "Guard":
        """One guard for all: waits for the callers of each.  Calls hold one guard, so none waits for another."""
        with _joining:
            roots = list(dict.fromkeys(guard.root() for guard in guards))
            if not roots:
                return Guard()
            first, *others = roots
            for other in others:
                with first._writer, other._writer:
                    other.joined = first
            return first


class Storage:
    """The array of one variable.  Row-major, its own copy, never moved."""

    __slots__ = ("array", "guard", "label")

    def __init__(self, label: str, value: object, dtype: object = None) -> None:
        array = np.asarray(value)
        if array.dtype == object:
            raise DTypeError(f"the value of {label!r} is no array of numbers")
        if dtype is not None:
            wanted = as_dtype(dtype)
        elif isinstance(value, np.ndarray | np.generic):
            wanted = as_dtype(array.dtype)
        else:
            wanted = as_dtype({"f": float, "i": int, "b": bool}.get(array.dtype.kind, array.dtype))
        self.array: npt.NDArray[Any] = np.array(array, dtype=wanted, order="C")
        self.guard = Guard()
        self.label = label

    def read(self) -> npt.NDArray[Any]:
        """A read-only copy of the value: what it was before or after any call, never between."""
        with self.guard.shared():
            snapshot = self.array.copy()
        snapshot.flags.writeable = False
        return snapshot

    def write(self, value: object) -> None:
        """Set the value.  Raises ShapeError or DTypeError where shape or kind differ, and then changes nothing."""
        new = np.asarray(value)
        if new.shape != self.array.shape:
            raise ShapeError(f"the value of {self.label!r} has shape {self.array.shape}, not {new.shape}")
        is_number = not isinstance(value, np.ndarray | np.generic)
        if new.dtype == object or not np.can_cast(new.dtype, self.array.dtype, "same_kind" if is_number else "safe"):
            raise DTypeError(
                f"the value of {self.label!r} is {self.array.dtype}; {new.dtype} does not fit into it",
                hint=f"value.astype({self.array.dtype.name!r})",
            )
        with self.guard.alone():
            np.copyto(self.array, new, casting="same_kind")

    def __repr__(self) -> str:
        return f"<storage of {self.label!r}>"


def label_of(name: object, what: str) -> str:
    """`name`, if it is a name: a string that is not empty."""
    if not isinstance(name, str) or not name:
        raise ArgumentError(f"the name of {what} is a non-empty string, not {name!r}")
    return name
