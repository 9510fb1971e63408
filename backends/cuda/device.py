"""What runs kernels: a device, or something that behaves like one."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import field
from typing import Any, TypeAlias, TypeVar, TypeVarTuple, Unpack, final
from weakref import ref

import numpy as np
import numpy.typing as npt

from graphc.backends.cuda.host import Launch
from graphc.backends.cuda.module import Entry
from graphc.backends.cuda.multiplication import Multiplier
from graphc.backends.space import Waiting
from graphc.dataclass import dataclass

__all__ = [
    "WITHOUT",
    "Code",
    "Device",
    "DriverError",
    "Extents",
    "FullError",
    "Idle",
    "Limits",
    "Memory",
    "Passed",
    "Recording",
    "contiguous",
    "number_at",
    "with_room",
]

Array = npt.NDArray[Any]
Given = TypeVar("Given")
Things = TypeVarTuple("Things")
#: what a launch passes, or what a copy writes and reads: addresses; None for a number that is none
Passed: TypeAlias = Sequence[int | None]
#: how many bytes the array at each address has that a launch passes, where that is known
Extents: TypeAlias = Callable[[], Sequence[int | None]]

WITHOUT = '`f.source` is the text of the kernels all the same; backend="llvm" runs the same function here'


class DriverError(Exception):
    """What a device says of itself when something failed there."""


class FullError(DriverError):
    """What a device says when it has no memory left for what is asked of it."""


@final
@dataclass(frozen=True)
class Limits:
    """What a launch and an allocation may ask for: blocks of one launch, threads of one block, bytes in all."""

    blocks: int
    threads: int
    bytes: int


class Memory(ABC):
    """Bytes of a device, which are given back when nobody holds this any more."""

    address: int
    bytes: int


class Code(ABC):
    """The functions of a text on a device."""

    @abstractmethod
    def launch(
        self, name: str, blocks: int, threads: int, arguments: Sequence[int], extents: Extents | None = None
    ) -> None:
        """Run a function, after all that was begun before.  Arguments are addresses and integers.

        A device may hold the accesses against `extents`.
        """


class Recording(ABC):
    """Launches and copies that a device does again by one request."""

    @property
    @abstractmethod
    def passed(self) -> Sequence[Passed]:
        """What each of them was given when it was recorded, in order."""

    @property
    @abstractmethod
    def fixed(self) -> Sequence[int]:
        """Addresses that others use, and that cannot change."""

    @abstractmethod
    def change(self, number: int, addresses: Mapping[int, int]) -> None:
        """Give a launch or a copy other addresses from now on, by their positions."""

    @abstractmethod
    def run(self) -> None:
        """Do all of them, in order, after all that was begun before."""


@final
@dataclass(eq=False)
class Idle:
    """What waits on a device for calls that may come, and goes where memory is short.  It is kept by others."""

    _waiting: list[ref[Waiting]] = field(default_factory=list)

    def note(self, waiting: Waiting) -> None:
        """Let it go with the others from now on."""
        self._waiting.append(ref(waiting, self._waiting.remove))

    def release(self) -> None:
        """Let all of it go."""
        for known in tuple(self._waiting):
            if (waiting := known()) is not None:
                waiting.release()


class Device(ABC):
    """Where code runs.  What is begun is done in order; addresses are numbers.  Methods raise DriverError.

    pending   launches that nobody knows to have ended well, each once
    idle      what waits for calls
    """

    pending: dict[Launch, None]
    idle: Idle

    @property
    @abstractmethod
    def name(self) -> str:
        """What its maker calls it."""

    @property
    @abstractmethod
    def multiplier(self) -> Multiplier | None:
        """A library that multiplies matrices, where there is one."""

    @property
    @abstractmethod
    def is_there(self) -> bool:
        """Whether it can be used.  Never raises."""

    @property
    @abstractmethod
    def limits(self) -> Limits:
        """Of a launch."""

    @property
    @abstractmethod
    def place(self) -> tuple[int, int]:
        """The kind and the number that DLPack has for its memory."""

    @property
    @abstractmethod
    def stream(self) -> int | None:
        """What others call the order in which it works, in DLPack."""

    @property
    @abstractmethod
    def current(self) -> object:
        """What the thread that calls works with.  Raises UnsupportedError where there is no such device."""

    @abstractmethod
    def enter(self) -> None:
        """Let the thread that calls work with it.  Raises UnsupportedError where there is no such device."""

    @abstractmethod
    def leave(self, before: object) -> None:
        """Let the thread work with what was `current` before."""

    @abstractmethod
    def code(self, source: str, entries: Sequence[Entry]) -> Code:
        """The functions of a text, compiled."""

    @abstractmethod
    def allocate(self, bytes: int) -> Memory:
        """Fresh memory, which holds anything.  Raises FullError where there is not enough."""

    @abstractmethod
    def arena(self, bytes: int) -> Memory | None:
        """Memory for all temporaries of a call; None where each has memory of its own."""

    @abstractmethod
    def trim(self) -> None:
        """Let memory go that was given back and is kept for what comes."""

    @abstractmethod
    def free_bytes(self) -> int:
        """How much may be allocated."""

    @abstractmethod
    def upload(self, address: int, array: Array) -> None:
        """Copy an array to the device.  The array may change when this returns."""

    @abstractmethod
    def download(self, array: Array, address: int) -> None:
        """Copy from the device into an array."""

    @abstractmethod
    def copy(self, to: int, of: int, bytes: int) -> None:
        """Copy on the device: to the same place, or to one that does not overlap."""

    @abstractmethod
    def fill(self, address: int, value: int, bytes: int) -> None:
        """Write an integer of 1, 2, 4 or 8 bytes."""

    @abstractmethod
    def record(self, work: Callable[[], None]) -> Recording:
        """What `work` launches and copies, which is not done yet."""

    @abstractmethod
    def seconds(self, work: Callable[[], None]) -> float:
        """How long the device takes for what `work` launches.  It is done several times."""

    @abstractmethod
    def follow(self, stream: int | None) -> None:
        """Let a stream of somebody else wait for what was begun here; None: the default one."""

    @abstractmethod
    def hold(self, *things: object) -> None:
        """Keep things until all that was begun is done."""

    @abstractmethod
    def wait(self) -> None:
        """Until all that was begun is done."""


def with_room(device: Device, ask: Callable[[Unpack[Things]], Given], *given: *Things) -> Given:
    """What `ask(*given)` gives: asked once more where memory is short, without what waits for calls."""
    try:
        return ask(*given)
    except FullError:
        device.idle.release()
        device.trim()
    return ask(*given)


def number_at(device: Device, address: int, dtype: np.dtype[Any]) -> int:
    """An integer or a bool in the memory of a device."""
    found = np.empty((), dtype)
    device.download(found, address)
    return int(found)


@contextmanager
def contiguous(array: Array) -> Iterator[Array]:
    """Room for the elements of an array side by side, which are its own afterwards."""
    whole = array if array.flags.c_contiguous else np.empty(array.shape, array.dtype)
    yield whole
    if whole is not array:
        array[...] = whole
