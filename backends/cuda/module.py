"""A program as text and as what a host does: functions that have names, and what their launches pass."""

from collections.abc import Mapping, Sequence
from dataclasses import field
from typing import final

from graphc.backends.cuda.bodies import Function
from graphc.backends.cuda.elementary import function_name, function_text
from graphc.backends.cuda.function_text import Scratch
from graphc.backends.cuda.host import HostStep, Launch
from graphc.backends.cuda.narrow import Digits, narrow_temporaries
from graphc.backends.cuda.quoting import comments
from graphc.dataclass import dataclass
from graphc.kernel.buffer import Buffer
from graphc.kernel.overwriting import owner_of
from graphc.kernel.program import Program
from graphc.kernel.provenance import lines_behind
from graphc.kernel.room import Room
from graphc.kernel.scalar import Fn
from graphc.kernel.steps import Step, buffers_of, within
from graphc.origin import Origin
from graphc.types import DType

__all__ = ["Entry", "Module"]


@final
@dataclass(frozen=True)
class Entry:
    """A `__global__` function: its name, the types of its parameters, and the user's lines behind it."""

    name: str
    types: tuple[str, ...]
    origins: tuple[Origin, ...]

    @property
    def takes_addresses(self) -> tuple[bool, ...]:
        """Of each parameter, whether it is an address."""
        return tuple("*" in kind for kind in self.types)


def _read(step: Step) -> Sequence[Buffer]:
    """What a step reads; of one with steps inside all that it touches."""
    return buffers_of(step) if within(step) else step.reads


@final
@dataclass
class Module:
    """What is known of the text of a program.

    narrow   temporaries of float32 that hold fewer digits
    read     arrays that some step reads, but for epilogues that read their product
    pieces   of the prelude that are needed
    rooms    of the arena, beside the temporaries; `scratch` says which one is whose
    texts    of the functions, as many as `entries`; `launched` has the steps of the timeline that launch each
    compute, commit  what the host does
    """

    program: Program
    symbols: Mapping[str, str] = field(init=False)
    narrow: Mapping[Buffer, Digits] = field(init=False)
    read: frozenset[Buffer] = field(init=False)
    pieces: dict[str, None] = field(default_factory=dict)
    rooms: list[Room] = field(default_factory=list)
    scratch: dict[Scratch | Buffer, int] = field(default_factory=dict)
    entries: list[Entry] = field(default_factory=list)
    texts: list[str] = field(default_factory=list)
    launched: dict[str, dict[int, None]] = field(default_factory=dict)  # name -> steps, in order
    compute: tuple[HostStep, ...] = ()
    commit: tuple[HostStep, ...] = ()
    _names: dict[str, str] = field(default_factory=dict)  # text -> name
    _elementary: dict[str, str] = field(default_factory=dict)  # name -> text

    def __post_init__(self) -> None:
        self.symbols = {name: f"n{number}" for number, name in enumerate(self.program.symbols)}
        self.narrow = narrow_temporaries(self.program)
        self.read = frozenset(buffer.root for step in self.program.timeline for buffer in _read(step))

    def owner(self, buffer: Buffer) -> Buffer:
        """The buffer whose bytes another has."""
        return owner_of(buffer, self.program.aliases)

    def need(self, piece: str) -> None:
        """Note a piece of the prelude."""
        self.pieces[piece] = None

    def elementary(self, fn: Fn, operands: Sequence[DType], dtype: DType) -> str:
        """The name of the function that computes an elementary function by its formula."""
        name = function_name(fn, operands, dtype)
        if name not in self._elementary:
            self._elementary[name] = function_text(fn, operands, dtype, self)
        return name

    @property
    def functions(self) -> Sequence[str]:
        """The texts of elementary functions."""
        return list(self._elementary.values())

    def launch(self, function: Function, origins: tuple[Origin, ...], step: int) -> Launch:
        """A launch of a function by a step of the timeline.

        It is written once, under the lines behind the first step that launches it.
        """
        name = self._names.get(function.text)
        if name is None:
            name = self._names[function.text] = f"kernel_{len(self._names)}"
            self.texts.append(comments(lines_behind(origins)) + function.text.replace("KERNEL(", f"{name}(", 1))
            self.entries.append(Entry(name, function.parameters.types, origins))
        self.launched.setdefault(name, {})[step] = None
        arguments = function.parameters.arguments
        for argument in arguments:
            if isinstance(argument, Scratch) and argument not in self.scratch:
                self.room_for(argument, step)
        return Launch(name, function.blocks, function.threads, arguments, origins)

    def room_for(self, wanted: Scratch | Buffer, step: int) -> None:
        """A room of the arena for scratch of a step."""
        self.scratch[wanted] = len(self.rooms)
        self.rooms.append(Room(wanted.size * wanted.dtype.itemsize, step))
