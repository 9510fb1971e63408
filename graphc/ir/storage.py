"""Values that outlive calls: the arrays of parameters and states, and the guard that callers take turns by."""

from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager
from threading import Lock, RLock, get_ident
from typing import TypeVar, TypeVarTuple, Unpack

import numpy as np

from graphc.errors import ArgumentError, DTypeError, ShapeError
from graphc.ir.values import Array, as_numbers, converted, fits
from graphc.kernel.resident import Resident
from graphc.origin import of_call
from graphc.printable import described
from graphc.types import as_dtype

__all__ = ["Guard", "Storage"]

_joining = Lock()

Result = TypeVar("Result")
Given = TypeVarTuple("Given")


class Guard:
    """Many readers or one writer.  Variables that one function uses share one guard (see `join`).

    A reader holds its thread's lane and looks whether somebody writes; a writer says that it writes, then waits
    until each lane was free once.  All that is held is held by `with` on a lock, so an exception that comes at
    any moment, as Ctrl-C does, leaves nothing locked.

    A signal handler or a finaliser may come in between and want the variables too: within a read it may read,
    else it is refused, as it would wait for its own thread.

    inside  is empty while nobody is at work: native code that holds Python's own lock from before it looks until it
            is done needs no more than that
    away    has one item for each variable whose value is on a device, and `inside` has it too
    """

    __slots__ = ("_busy", "_lanes", "_turn", "_writing", "away", "inside", "joined")

    def __init__(self) -> None:
        self._turn = Lock()
        self._writing = Lock()
        self._lanes: dict[int, AbstractContextManager[bool]] = {}  # one per thread that ever read
        self._busy: dict[int, bool] = {}  # threads at work here, set before they wait: whether as a writer
        self.joined: Guard | None = None
        self.inside: list[None] = []  # one for each thread at work, and for ever one once it is joined: see `native`
        self.away: list[None] = []

    def root(self) -> "Guard":
        """The guard that stands for this one now."""
        guard = self
        while guard.joined is not None:
            guard = guard.joined
        return guard

    def alone(self, work: Callable[[Unpack[Given]], Result], *given: *Given) -> Result:
        """What `work(*given)` returns, done while nobody else reads or writes the variables."""
        thread = get_ident()
        while True:
            guard = self.root()
            if thread in guard._busy:
                raise _interrupted()
            try:
                guard._busy[thread] = True  # no exception comes between this and what takes it back
                with guard._turn, guard._writing:
                    for lane in tuple(guard._lanes.values()):
                        with lane:
                            pass
                    if guard.joined is None:
                        return guard._worked(work, *given)
            finally:
                guard._busy.pop(thread, None)

    def shared(self, work: Callable[[Unpack[Given]], Result], *given: *Given) -> Result:
        """What `work(*given)` returns, done while nobody writes the variables."""
        thread = get_ident()
        while True:
            guard = self.root()
            is_inner = thread in guard._busy
            if is_inner and guard._busy[thread]:
                raise _interrupted()
            lane = guard._lanes.get(thread) or guard._lanes.setdefault(thread, RLock())
            try:
                guard._busy[thread] = False
                with lane:
                    if guard.joined is None and not guard._writing.locked():
                        return guard._worked(work, *given)
                with guard._turn:  # after the writer at work, and ahead of the next
                    if guard.joined is None:
                        return guard._worked(work, *given)
            finally:
                if not is_inner:
                    guard._busy.pop(thread, None)

    def _worked(self, work: Callable[[Unpack[Given]], Result], *given: *Given) -> Result:
        """What `work(*given)` returns.  Native code that keeps other threads of Python out sees that it is at work."""
        self.inside.append(None)
        try:
            return work(*given)
        finally:
            self.inside.pop()

    def _follow(self, first: "Guard") -> None:
        """Let `first` stand for this one: who looks at `inside` alone finds somebody there from now on.

        Who waits for this one goes on with `first` as soon as `joined` is set, and has to find there what is away.
        """
        first.away.extend(self.away)
        first.inside.extend(self.away)
        self.inside.append(None)
        self.joined = first

    def moved(self, by: int) -> None:
        """Note that the value of a variable has left for a device (1) or is back (-1), for who works alone."""
        root = self.root()
        for noted in (root.away, root.inside):
            if by > 0:
                noted.append(None)
            else:
                noted.pop()

    @staticmethod
    def join(guards: Iterable["Guard"]) -> "Guard":
        """One guard for all: waits for the callers of each.  Calls hold one guard, so none waits for another."""
        with _joining:
            roots = list(dict.fromkeys(guard.root() for guard in guards))
            if not roots:
                return Guard()
            first, *others = roots
            for other in others:
                other.alone(other._follow, first)
            return first


def _interrupted() -> ArgumentError:
    """What is said to a signal handler or a finaliser that would wait for the thread that it interrupts."""
    problem = "a variable is wanted by what interrupts a call that is at work on it, in the same thread"
    return ArgumentError(problem, hint="note the signal in its handler, and act between calls")


class Storage:
    """The array of one variable.  Row-major, its own, never moved; `resident` knows where the value is."""

    __slots__ = ("array", "guard", "label", "resident")

    def __init__(self, label: str, array: Array) -> None:
        self.array = array
        self.guard = Guard()
        self.resident = Resident(array, self.guard.moved)
        self.label = label

    @classmethod
    def of(cls, label: str, value: object, dtype: object = None) -> "Storage":
        """Holds a copy of `value`."""
        what = f"the value of {label!r}"
        array = as_numbers(value, what)
        if dtype is not None:
            wanted = as_dtype(dtype)
        elif isinstance(value, np.ndarray | np.generic):
            wanted = as_dtype(array.dtype)
        else:
            wanted = as_dtype({"f": float, "i": int, "b": bool, "c": complex}.get(array.dtype.kind, array.dtype))
        if not fits(array, wanted):  # a dtype that is asked for may round floats, as `astype` does
            raise DTypeError(f"{what} is {wanted}; {array.dtype} does not fit into it")
        return cls(label, np.array(array, dtype=wanted, order="C"))

    def read(self) -> Array:
        """A read-only copy of the value: what it was before or after any call, never between."""
        snapshot = np.empty_like(self.array)
        self.guard.shared(self.resident.read, snapshot)
        snapshot.flags.writeable = False
        return snapshot

    def write(self, value: object) -> None:
        """Set the value.  Raises ShapeError or DTypeError where shape or kind differ, and then changes nothing."""
        what = f"the value of {self.label!r}"
        try:
            shape = as_numbers(value, what).shape
            if shape != self.array.shape:
                raise ShapeError(f"{what} has shape {self.array.shape}, not {shape}")
            new = converted(value, self.array.dtype, what)
        except (ShapeError, DTypeError) as error:
            raise error from None
        self.guard.alone(self._set, new)

    def _set(self, new: Array) -> None:
        np.copyto(self.array, new)
        self.resident.back()

    def __repr__(self) -> str:
        return f"<storage of {self.label!r}>"


def label_of(name: object, what: str) -> str:
    """`name`, if it is a name: a string that is not empty."""
    if not isinstance(name, str) or not name:
        raise ArgumentError(of_call(f"the name of {what} is a non-empty string, not {described(name)}"))
    return name
