"""What a backend supplies: a target, text for a program, and a way to load the text."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from graphc.backends.space import HERE, Space
from graphc.dataclass import dataclass
from graphc.display import Displayed
from graphc.errors import UnsupportedError
from graphc.kernel.outline import Outline
from graphc.kernel.plan import Plan
from graphc.kernel.program import Program
from graphc.kernel.room import Room
from graphc.kernel.target import Target
from graphc.printable import counted
from graphc.sizes import Size

__all__ = [
    "Array",
    "Artifact",
    "Backend",
    "Code",
    "Declared",
    "KeepingBackend",
    "Loaded",
    "Prepared",
    "Shortcut",
]

Array = npt.NDArray[Any]


@dataclass(frozen=True)
class Artifact(Displayed):
    """A program as text.

    pieces    the text, in parts that a compiler may take one by one
    rooms     what the text uses of the arena beside the temporaries, in the order of `offsets`
    library   bytes that a library allocates by itself while a step runs: each size once
    commit    how many pieces of the text come before variables are set
    notes     what the backend itself needs to load it
    """

    pieces: tuple[str, ...]
    rooms: tuple[Room, ...]
    library: tuple[Size, ...]
    commit: int
    notes: Any = None  # Any: of the backend, for itself

    @cached_property
    def source(self) -> str:
        """The whole text."""
        return "".join(self.pieces)

    @property
    def measure(self) -> str:
        return counted(self.source.count("\n"), "line")

    def __repr__(self) -> str:
        return f"<artifact: {self.measure}>"


@dataclass(frozen=True, eq=False)
class Code:
    """An artifact as it is kept on a disk: without its text.

    notes    what its backend knows of it, of which `graphc.records` has records
    content  the code itself
    """

    notes: Any
    content: bytes


@dataclass(frozen=True)
class Declared:
    """What a plain call takes and gives: arrays, each with its dtype and extents.

    An extent is a number, or the text of the number of a symbol.  Each symbol is an extent of some argument.

    form     of what is returned: tuples, lists and dicts with strings as keys, of None and of numbers of results
    names    of the arguments, where they may be given by name
    is_long  whether a call may take long enough to let other threads of Python run meanwhile
    fills    whether a call that fails has written to no result, so that it may be given arrays for them
    inside   for a function of variables, which then is not long: a list that is empty while nobody is at work on them
    """

    arguments: tuple[tuple[np.dtype[Any], tuple[int | str, ...]], ...]
    results: tuple[tuple[np.dtype[Any], tuple[int | str, ...]], ...]
    symbols: int
    form: Any  # Any: it is nested
    is_long: bool
    fills: bool = False
    inside: list[None] | None = None
    names: tuple[str, ...] = ()


class Shortcut(ABC):
    """A way to call a function without the steps that Python makes around it.  It has a few arenas at a time.

    `call` takes and gives what was declared, or does what it was told to fall back to.
    """

    call: Callable[..., Any]  # Any: what a user's function takes and gives

    @abstractmethod
    def exchange(self, sizes: tuple[int, ...], prepared: "Prepared", owner: object) -> tuple[bool, Any]:
        """Run what was prepared for these sizes from now on; whether it does, and sizes and owner of what it replaces.

        Where it replaces nothing, these are None.
        """

    @abstractmethod
    def release(self) -> None:
        """Let all memory go that waits for a call."""


#: runs one piece on (inputs, outputs)
Prepared = Callable[[Sequence[Array], Sequence[Array]], None]


@dataclass(frozen=True)
class Loaded:
    """Functions made of an artifact.  `prepare` binds them to an arena and to sizes, once; they may then run often.

    prepare(memory, offsets, variables, constants, sizes, fail) -> (compute, commit)

    `offsets` are bytes from the start of `memory`: of each temporary, then of each room.

    shortcut(declared, fallback)  a way to call it natively, or None
    code                          what is kept of the artifact, where its backend keeps any
    space                         where the arrays of its calls lie
    """

    prepare: Callable[..., tuple[tuple[Prepared, ...], tuple[Prepared, ...]]]
    shortcut: Callable[[Declared, Callable[..., Any]], Shortcut | None] = lambda declared, fallback: None
    code: Code | None = None
    space: Space = HERE


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

    def text(self, artifact: Artifact, plan: Callable[[], Plan | None]) -> str:
        """The whole text as users read it.  `plan` finds where temporaries lie, for usual sizes."""
        return artifact.source

    @property
    def runs_here(self) -> bool:
        """Whether this process can run what it writes."""
        return True

    @property
    def sparing(self) -> "Backend":
        """One whose text takes no memory for the sake of speed: for programs with a budget."""
        return self

    def project(self, artifact: Artifact, stem: str) -> Mapping[str, str]:
        """Files that make a program of the text when it stands in a file of this stem: by name, none for most."""
        return {}

    def assembly(self, artifact: Artifact) -> str:
        """The instructions of the machine, for people.  Raises UnsupportedError where there are none."""
        raise UnsupportedError(f"assembly: the {self.name} backend makes none", hint='backend="llvm"')


class KeepingBackend(Backend):
    """One whose code is kept on the disk for the next process: what it loads has `code`."""

    @property
    @abstractmethod
    def version(self) -> str:
        """What its code depends on beside the program."""

    @abstractmethod
    def revive(self, code: Code, outline: Outline) -> Loaded:
        """Functions from what was kept."""
