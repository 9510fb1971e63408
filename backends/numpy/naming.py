"""Names in the text of a step, left open: `{3}` stands for the fourth name that the text asks for.

So the text is written once for all steps of one pattern.  The part that a step stands in fills it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import field
from typing import TypeAlias

from graphc.backends.numpy.values import View
from graphc.dataclass import dataclass
from graphc.kernel.buffer import Buffer
from graphc.kernel.scalar import Axis, Const
from graphc.sizes import Size

__all__ = ["Fresh", "Name", "Naming", "Table"]


@dataclass(frozen=True, slots=True)
class Fresh:
    """A new name with this beginning."""

    beginning: str


@dataclass(frozen=True, slots=True)
class Table:
    """The first multiples of a step."""

    extent: Size
    step: Size


Name: TypeAlias = "Size | Const | Table | View | Fresh"


@dataclass
class Naming:
    """The names that a text asks for, in the order in which it does.

    buffers  the buffers of the pattern, which are the first names
    storage  for each of them the buffer whose bytes it has
    """

    buffers: Sequence[Buffer]
    storage: Mapping[Buffer, Buffer]
    names: list[Name] = field(default_factory=list)
    known: "dict[Size | Const | Table | Buffer, str]" = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.known.update((buffer, f"{{{number}}}") for number, buffer in enumerate(self.buffers))

    def _open(self, what: Name) -> str:
        self.names.append(what)
        return f"{{{len(self.buffers) + len(self.names) - 1}}}"

    def buffer(self, buffer: Buffer) -> str:
        """The name of a buffer."""
        return self.known[buffer]

    def size(self, size: Size) -> str:
        """A size: a number, or the name that is bound to its value."""
        if isinstance(size, int):
            return str(size)
        if size not in self.known:
            self.known[size] = self._open(size)
        return self.known[size]

    def number(self, const: Const) -> str:
        """A constant, as an array of no axes: a ufunc takes it in two thirds of the time of a float."""
        if const not in self.known:
            self.known[const] = self._open(const)
        return self.known[const]

    def table(self, extent: Size, step: Size) -> str:
        """The numbers 0, step, 2 step ..., `extent` of them."""
        table = Table(extent, step)
        if table not in self.known:
            self.known[table] = self._open(table)
        return self.known[table]

    def fresh(self, beginning: str) -> str:
        """A new name."""
        return self._open(Fresh(beginning))

    def view(
        self,
        text: str,
        beginning: str,
        late: bool,
        axes: frozenset[Axis],
        *,
        is_shared: bool,
        is_of_block: bool = False,
        is_solid: bool = False,
    ) -> View:
        """A view that is defined before the step, with a name of its own."""
        view = View("", text, late, axes, beginning, is_solid, is_shared, is_of_block)
        view.name = self._open(view)
        return view
