"""What is written for a step: functions of chunks, and what they are given."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import final

from graphc.backends.llvm.arguments import Argument, Arguments
from graphc.backends.llvm.fourier_plans import Planner
from graphc.dataclass import dataclass
from graphc.kernel.buffer import Buffer
from graphc.sizes import Expression, Size, substitute

__all__ = ["Function", "Functions", "Task", "Tiles"]


@final
@dataclass(frozen=True)
class Function:
    """A function of the module: its text, in which KERNEL stands for its name, and what it is given."""

    text: str
    arguments: Arguments

    def on(self, buffers: Mapping[Buffer, Buffer], sizes: Mapping[str, Size]) -> "Function":
        """The same function, given other buffers, and sizes in place of the symbols of these names."""
        listed: list[Argument] = []
        for x in self.arguments.listed:
            if isinstance(x, Buffer):
                listed.append(buffers.get(x, x))
            else:
                listed.append(substitute(x, sizes) if sizes and isinstance(x, int | Expression) else x)
        return Function(self.text, Arguments(self.arguments.text, listed))


@final
@dataclass(frozen=True)
class Functions:
    """The functions of a kernel.

    rows       makes a chunk of its rows
    end        makes what is left when all are made, if something is
    chunks     how many there are
    keeps      whether they leave totals, of `parts` bytes together
    allocated  bytes that each thread takes from malloc
    """

    rows: Function
    end: Function | None
    chunks: Size
    keeps: bool
    parts: Size
    allocated: Size

    def on(self, buffers: Mapping[Buffer, Buffer], sizes: Mapping[str, Size]) -> "Functions":
        """Those of a kernel that does the same on other buffers, at other places."""
        end = None if self.end is None else self.end.on(buffers, sizes)
        return Functions(self.rows.on(buffers, sizes), end, self.chunks, self.keeps, self.parts, self.allocated)


@final
@dataclass(frozen=True)
class Task:
    """A function of chunks.

    name       in the module
    chunks     how many there are
    scratch    bytes that it shares with the other tasks of its step
    allocated  bytes that each thread takes from malloc
    """

    name: str
    function: Function
    chunks: "Size | Planner"
    scratch: Size = 0
    allocated: Size = 0

    def on(self, buffers: Mapping[Buffer, Buffer], sizes: Mapping[str, Size]) -> "Task":
        """The same on other buffers, at other places."""
        return replace(self, function=self.function.on(buffers, sizes))


@final
@dataclass(frozen=True)
class Tiles:
    """A product in tiles: what the pool runs, and whether its epilogue, if it has one, is a part of that."""

    tasks: Sequence[Task]
    ends: bool

    def on(self, buffers: Mapping[Buffer, Buffer], sizes: Mapping[str, Size]) -> "Tiles":
        """A product that is made alike of other buffers, at other places."""
        return Tiles([task.on(buffers, sizes) for task in self.tasks], self.ends)
