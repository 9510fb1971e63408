"""What a backend supplies: a target, text for a program, and a way to load the text."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from graphc.display import Displayed
from graphc.kernel.program import Program
from graphc.kernel.room import Room
from graphc.kernel.target import Target
from graphc.printable import counted
from graphc.sizes import Size

__all__ = ["Array", "Artifact", "Backend", "Loaded", "Prepared"]

Array = npt.NDArray[Any]


@dataclass(frozen=True)
class Artifact(Displayed):
    """A program as text.

    pieces    the text, in parts that a compiler may take one by one
    rooms     what the text uses of the arena beside the temporaries, in the order of `offsets`
    library   bytes that a library allocates by itself while a step runs: each size once
    commit    how many pieces of the text come before variables are set
    """

    pieces: tuple[str, ...]
    rooms: tuple[Room, ...]
    library: tuple[Size, ...]
    commit: int

    @cached_property
    def source(self) -> str:
        """The whole text."""
        return "".join(self.pieces)

    @property
    def measure(self) -> str:
        return counted(self.source.count("\n"), "line")

    def __repr__(self) -> str:
        return f"<artifact: {self.measure}>"


#: runs one piece on (inputs, outputs)
Prepared = Callable[[Sequence[Array], Sequence[Array]], None]


@dataclass(frozen=True)
class Loaded:
    """Functions made of an artifact.  `prepare` binds them to an arena and to sizes, once; they may then run often.

    prepare(memory, offsets, variables, constants, sizes, fail) -> (compute, commit)

    `offsets` are bytes from the start of `memory`: of each temporary, then of each room.
    """

    prepare: Callable[..., tuple[tuple[Prepared, ...], tuple[Prepared, ...]]]


class Backend(ABC):
    """A way to run programs."""

    name: ClassVar[str]
    target: ClassVar[Target]

    @abstractmethod
    def emit(self, program: Program) -> Artifact:
        """The program as text.  The same program gives the same text."""

    @abstractmethod
    def load(self, artifact: Artifact, name: str) -> Loaded:
        """Functions from the text."""


def empty_arena(size: int, alignment: int) -> Array:
    """`size` bytes that start at a multiple of `alignment`."""
    raw = np.empty(size + alignment, np.uint8)
    start = -raw.ctypes.data % alignment
    return raw[start : start + size]
