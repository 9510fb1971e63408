"""What the functions of one module share: their names, the table, and the room that they take."""

from collections.abc import Hashable, Sequence
from dataclasses import field
from functools import cached_property
from typing import final

from graphc.backends.llvm.chunked import Function, Functions, Tiles
from graphc.backends.llvm.cores import at_most
from graphc.backends.llvm.counting import Counted
from graphc.backends.llvm.fourier_plans import Planner
from graphc.backends.llvm.machine import Machine
from graphc.backends.llvm.placing import with_rows
from graphc.backends.llvm.table import RoomOf, Table
from graphc.dataclass import dataclass
from graphc.kernel.alike import Alike
from graphc.kernel.buffer import Buffer
from graphc.kernel.overwriting import owner_of
from graphc.kernel.program import Program
from graphc.kernel.provenance import lines_behind
from graphc.kernel.room import Room
from graphc.origin import Origin
from graphc.sizes import Size

__all__ = ["Module"]


@final
@dataclass
class Module:
    """What is known of the text of a program for a machine.

    most_threads  that may run it; None: all of the pool
    spares    whether they have no arrays of their own: what a program takes is then the same for any number of them
    table     what its functions find where
    rooms     of the arena, beside the temporaries
    allocated  bytes that steps take from malloc, while they run
    counted   what routines keep in 32 bits
    planners  what makes plans when sizes are known
    kernels   the functions of the first kernel of each pattern, and its buffers
    products  the tiles of the first product of each pattern, or None, and its buffers
    """

    program: Program
    machine: Machine
    most_threads: int | None = None
    spares: bool = False
    table: Table = field(default_factory=Table)
    rooms: list[Room] = field(default_factory=list)
    allocated: dict[Size, None] = field(default_factory=dict)
    counted: list[Counted] = field(default_factory=list)
    planners: dict[Planner, None] = field(default_factory=dict)
    kernels: dict[Hashable, tuple[Functions, Sequence[Buffer]]] = field(default_factory=dict)
    products: dict[Hashable, tuple[Tiles | None, Sequence[Buffer]]] = field(default_factory=dict)
    _names: dict[str, str] = field(default_factory=dict)  # text -> name
    _pieces: list[str] = field(default_factory=list)

    @property
    def threads(self) -> int:
        """How many threads may be at work at once."""
        return at_most(self.most_threads)

    @property
    def functions(self) -> Sequence[str]:
        """The texts of all functions that have a name, in order."""
        return self._pieces

    @property
    def library(self) -> tuple[Size, ...]:
        """What steps allocate, each size once."""
        return tuple(self.allocated)

    @cached_property
    def alike(self) -> Alike:
        """Its steps, as far as they differ in places."""
        return Alike(self.program, self.owner, lambda kernel: with_rows(kernel, self.owner))

    def owner(self, buffer: Buffer) -> Buffer:
        """The buffer whose bytes another has."""
        return owner_of(buffer, self.program.aliases)

    def room(self, bytes: Size, step: int) -> int:
        """The slot of a room for a step."""
        self.rooms.append(Room(bytes, step))
        return self.table.of(RoomOf(len(self.rooms) - 1))

    def named(self, function: Function, origins: Sequence[Origin]) -> str:
        """The name of a function, which is written once, under the lines behind the first step that calls it."""
        name = self._names.get(function.text)
        if name is None:
            name = self._names[function.text] = f"kernel_{len(self._names)}"
            lines = "".join(f"; {line}\n" for line in lines_behind(origins))
            self._pieces.append(lines + function.text.replace("@KERNEL(", f"@{name}(", 1))
        return name
