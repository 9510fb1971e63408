"""What runs kernels: a device, or something that behaves like one."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NoReturn, final

import numpy as np
import numpy.typing as npt

from graphc.backends.cuda.module import Entry
from graphc.errors import UnsupportedError

__all__ = ["Code", "Device", "NoDevice"]

Array = npt.NDArray[Any]


class Code(ABC):
    """Functions on a device, and its memory.  Addresses are numbers."""

    @abstractmethod
    def allocate(self, bytes: int) -> int:
        """The address of fresh memory, which holds anything; it is given back with the code."""

    @abstractmethod
    def upload(self, address: int, array: Array) -> None:
        """Copy an array to the device."""

    @abstractmethod
    def download(self, array: Array, address: int) -> None:
        """Copy from the device into an array."""

    @abstractmethod
    def copy(self, to: int, of: int, bytes: int) -> None:
        """Copy on the device; the two may overlap."""

    @abstractmethod
    def launch(self, name: str, blocks: int, threads: int, arguments: Sequence[int]) -> None:
        """Run a function."""

    def number(self, address: int, dtype: np.dtype[Any]) -> int:
        """An integer or a bool in the memory of the device."""
        found = np.empty((), dtype)
        self.download(found, address)
        return int(found)


class Device(ABC):
    """Where code runs."""

    @abstractmethod
    def code(self, source: str, entries: Sequence[Entry]) -> Code:
        """The functions of a text, compiled, with memory of their own."""


@final
@dataclass(frozen=True)
class NoDevice(Device):
    """No device: text is all there is."""

    def code(self, source: str, entries: Sequence[Entry]) -> NoReturn:
        raise UnsupportedError(
            "the cuda backend writes source and does not launch it yet, with a driver or without one",
            hint='`f.source` is the text of the kernels; backend="llvm" runs the same function here',
        )
