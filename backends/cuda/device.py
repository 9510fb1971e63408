"""What runs kernels: a device, or something that behaves like one."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, final

import numpy as np
import numpy.typing as npt

from graphc.backends.cuda.host import Launch
from graphc.backends.cuda.module import Entry

__all__ = [
    "WITHOUT",
    "Code",
    "Device",
    "DriverError",
    "FullError",
    "Limits",
    "Memory",
    "Recording",
    "contiguous",
    "number_at",
]

Array = npt.NDArray[Any]

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
    def launch(self, name: str, blocks: int, threads: int, arguments: Sequence[int]) -> None:
        """Run a function, after all that was begun before.  Arguments are addresses and integers."""


class Recording(ABC):
    """Launches and copies that a device does again by one request."""

    @abstractmethod
    def run(self) -> None:
        """Do all of them, in order, after all that was begun before."""


class Device(ABC):
    """Where code runs.  What is begun is done in order; addresses are numbers.  Methods raise DriverError.

    pending   launches that nobody knows to have ended well, each once
    """

    pending: dict[Launch, None]

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

    @abstractmethod
    def enter(self) -> None:
        """Let the thread that calls work with it.  Raises UnsupportedError where there is no such device."""

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
        """What `work` launches, copies and fills, which is not done yet."""

    @abstractmethod
    def follow(self, stream: int | None) -> None:
        """Let a stream of somebody else wait for what was begun here; None: the default one."""

    @abstractmethod
    def hold(self, *things: object) -> None:
        """Keep things until all that was begun is done."""

    @abstractmethod
    def wait(self) -> None:
        """Until all that was begun is done."""


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
