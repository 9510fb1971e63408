"""The text of one function: its lines, its parameters, and the values that are known where the writer stands."""

import textwrap
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import field
from typing import TypeAlias, final

from graphc.backends.cuda.dtypes import in_memory
from graphc.backends.cuda.size_text import pieces_of, size_text
from graphc.backends.writer import Writer
from graphc.dataclass import dataclass
from graphc.kernel.buffer import Buffer
from graphc.kernel.naming import LETTERS
from graphc.sizes import Expression, Size, symbols_of
from graphc.types import DType

__all__ = ["Argument", "Lines", "Parameters", "Scratch", "enclosed"]

WIDEST = 120  # characters of a line


def enclosed(text: str) -> str:
    """An expression as a factor: in parentheses, unless it is a name or a number."""
    return text if text.isidentifier() or text.isdigit() else f"({text})"


@final
@dataclass(frozen=True, eq=False)
class Scratch:
    """Memory of a launch that holds `size` elements.  Known by identity."""

    dtype: DType
    size: Size


#: what a launch passes: the address of an array or of scratch, the value of a symbol, or a number
Argument: TypeAlias = "Buffer | Scratch | str | int"


@final
@dataclass
class Lines:
    """Lines of C++, and names that are not taken yet."""

    writer: Writer = field(default_factory=Writer)
    _taken: dict[str, int] = field(default_factory=dict)

    def line(self, text: str = "") -> None:
        """Add a line."""
        self.writer.line(text)

    @contextmanager
    def braces(self, head: str) -> Iterator[None]:
        """Lines inside stand in braces behind `head`."""
        with self.writer.block(f"{head} {{".lstrip()):
            yield
        self.writer.line("}")

    def fresh(self, letter: str) -> str:
        """`v0`, `v1` ...: a name that nothing else in the function has; `i` and `row` for the first of these."""
        number = self._taken.get(letter, 0)
        self._taken[letter] = number + 1
        return letter if number == 0 and (letter in LETTERS or len(letter) > 1) else f"{letter}{number}"

    def let(self, type: str, text: str, letter: str = "v") -> str:
        """Declare a value; its name."""
        name = self.fresh(letter)
        self.line(f"const {type} {name} = {text};")
        return name


@final
@dataclass
class Parameters:
    """What a kernel is given: x0, x1 ... what it only reads, y0, y1 ... what it writes, then scratch, then sizes.

    symbols    the variable of each symbol of the program
    written    owners of what the kernel writes
    owner      the buffer whose bytes another has
    need       notes a piece of the prelude
    """

    symbols: Mapping[str, str]
    written: frozenset[Buffer]
    owner: Callable[[Buffer], Buffer]
    need: Callable[[str], None]
    _pointers: dict[Buffer, str] = field(default_factory=dict)
    _scratch: dict[Scratch, str] = field(default_factory=dict)
    _sizes: dict[str, None] = field(default_factory=dict)
    numbers: dict[str, int] = field(default_factory=dict)  # of this launch: name -> value

    def pointer(self, buffer: Buffer) -> str:
        """The name of the array that owns the bytes of a buffer."""
        root = buffer.root
        assert root.dtype == buffer.dtype, buffer
        if root not in self._pointers:
            letter = "y" if self.owner(root) in self.written else "x"
            count = sum(name.startswith(letter) for name in self._pointers.values())
            self._pointers[root] = f"{letter}{count}"
        return self._pointers[root]

    def scratch(self, scratch: Scratch, name: str) -> str:
        """The name of scratch."""
        return self._scratch.setdefault(scratch, name)

    def size(self, size: Size) -> str:
        """The text of a size."""
        if isinstance(size, Expression):
            for symbol in symbols_of(size):
                self._sizes[symbol.name] = None
            for piece in pieces_of(size):
                self.need(piece)
        return size_text(size, self.symbols)

    @property
    def arguments(self) -> tuple[Argument, ...]:
        """What a launch passes, in order."""
        sizes = [name for name in self.symbols if name in self._sizes]
        return (*self._listed, *self._scratch, *sizes, *self.numbers.values())

    @property
    def types(self) -> tuple[str, ...]:
        """Of the parameters, in order."""
        listed = [self._type(buffer) for buffer in self._listed]
        scratch = [f"{in_memory(scratch.dtype)}*" for scratch in self._scratch]
        return (*listed, *scratch, *["i64"] * (len(self.arguments) - len(listed) - len(scratch)))

    @property
    def names(self) -> tuple[str, ...]:
        """Of the parameters, in order."""
        sizes = [self.symbols[name] for name in self.symbols if name in self._sizes]
        return (*(self._pointers[buffer] for buffer in self._listed), *self._scratch.values(), *sizes, *self.numbers)

    def head(self, threads: int, blocks: int = 1) -> str:
        """The first lines of the function KERNEL, for blocks of so many threads at most.

        So many blocks of a multiprocessor are enough: if none is asked for, ptxas keeps values in local memory to make
        room for more of them.
        """
        listed = [f"{type} {name}" for type, name in zip(self.types, self.names, strict=True)]
        opening = f'extern "C" __global__ void __launch_bounds__({threads}, {blocks}) KERNEL('
        line = f"{opening}{', '.join(listed)}) {{"
        if len(line) <= WIDEST:
            return line
        parts = textwrap.wrap(", ".join(part.replace(" ", "\0") for part in listed), WIDEST - 8)
        return "\n".join([opening, *(f"        {part}" for part in parts)]).replace("\0", " ") + ") {"

    @property
    def _listed(self) -> list[Buffer]:
        """The arrays: those that are only read first."""
        return sorted(self._pointers, key=lambda buffer: self._pointers[buffer][0])

    def _type(self, buffer: Buffer) -> str:
        element = in_memory(buffer.dtype)
        return f"{element}*" if self._pointers[buffer][0] == "y" else f"const {element}* __restrict__"
