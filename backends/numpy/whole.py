"""What the parts of a source share: names, places in the arena, and the texts of steps that are alike."""

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import field
from functools import cached_property

from graphc.backends.numpy.contractions import contract_text
from graphc.backends.numpy.kernels import KernelText, kernel_text
from graphc.backends.numpy.naming import Naming, Table
from graphc.dataclass import dataclass
from graphc.kernel.alike import Alike
from graphc.kernel.buffer import Buffer
from graphc.kernel.pattern import opened, overlaps, pattern_of, pattern_of_both
from graphc.kernel.program import Program
from graphc.kernel.provenance import lines_behind, saying
from graphc.kernel.room import Room
from graphc.kernel.steps import Contract, Kernel
from graphc.origin import Origin
from graphc.sizes import Size
from graphc.types import INT64

__all__ = ["Whole"]


@dataclass
class Whole:
    """What the parts of a source share.

    names   of all buffers but views and locals
    places  temporary -> its number in the plan
    texts   of the steps of each pattern
    said    what comments say of steps
    """

    program: Program
    names: dict[Buffer, str] = field(default_factory=dict)
    places: dict[Buffer, int] = field(default_factory=dict)
    texts: dict[Hashable, KernelText] = field(default_factory=dict)
    said: dict[Hashable, tuple[str, ...]] = field(default_factory=dict)
    rooms: list[Room] = field(default_factory=list)
    tables: dict[Table, int] = field(default_factory=dict)
    library: list[Size] = field(default_factory=list)

    def __post_init__(self) -> None:
        program = self.program
        for letter, buffers in (
            ("x", program.inputs),
            ("w", program.variables),
            ("c", program.constants),
            ("y", program.outputs),
            ("t", program.temporaries),
            ("g", program.stacks),
        ):
            for number, buffer in enumerate(buffers):
                self.names.setdefault(buffer, f"{letter}{number}")
        self.places = {buffer: number for number, buffer in enumerate(program.temporaries)}

    def lies_on(self, over: Buffer, start: Buffer) -> bool:
        """Whether a temporary has the bytes of another buffer."""
        aliases = self.program.aliases
        return over in aliases and aliases[over].root is aliases.get(start.root, start.root).root

    def text(self, step: Kernel | Contract) -> tuple[KernelText, Sequence[Buffer], Mapping[Size, int]]:
        """The text of a step, the buffers that its first names stand for, and the numbers that symbols do.

        Written once for each pattern.  That of a product is without its epilogue.
        """
        numbers: Mapping[Size, int]
        if isinstance(step, Contract):
            step, numbers = opened(step)
            key, buffers = pattern_of_both(step, None)
        else:
            step, numbers = self.alike.kernel(step)
            key, buffers = pattern_of(step)
        if not self.program.aliases.keys().isdisjoint(buffers):
            key += overlaps(buffers, self._owner)
        text = self.texts.get(key)
        if text is None:
            naming = Naming(buffers, {buffer: self._owner(buffer) for buffer in buffers})
            text = kernel_text(step, naming) if isinstance(step, Kernel) else contract_text(step.product, naming)
            self.texts[key] = text
        return text, buffers, numbers

    @cached_property
    def alike(self) -> Alike:
        """Its kernels, as far as they differ in places."""
        return Alike(self.program, self._owner)

    def _owner(self, buffer: Buffer) -> Buffer:
        """The buffer whose bytes another one has."""
        root = buffer.base or buffer
        return self.program.aliases.get(root, root)

    def comment(self, origins: Sequence[Origin]) -> tuple[str, ...]:
        """The user's lines behind a step."""
        key = saying(origins)
        found = self.said.get(key)
        if found is None:
            found = self.said[key] = tuple([f"# {line}" for line in lines_behind(origins)])
        return found

    def room(self, size: Size, step: int | None) -> int:
        """The number in `at` of new bytes in the arena, after the temporaries."""
        self.rooms.append(Room(size, step))
        return len(self.places) + len(self.rooms) - 1

    def table(self, table: Table) -> int:
        """The number in `at` of a table: one for all who ask."""
        if table not in self.tables:
            self.tables[table] = self.room(table.extent * INT64.itemsize, None)
        return self.tables[table]
