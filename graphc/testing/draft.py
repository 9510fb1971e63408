"""Programs that grow line by line: each line is run when it is added, so that the next can read what it made."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import field
from typing import NamedTuple, final

from graphc.dataclass import dataclass
from graphc.errors import GraphError
from graphc.ir.node import Node
from graphc.testing.choices import Choices
from graphc.testing.operands import Named, filled
from graphc.types import TensorType

__all__ = ["Draft", "Line"]

_PREAMBLE = "import numpy as np\n\nimport graphc as gx\n"
_NAME = re.compile(r"\b[a-z]+\d+\b")
_MOST = 12  # elements of an axis whose extent is a number, but for one
_MOST_IN_ALL = 600  # elements, sizes left out


class Line(NamedTuple):
    """Some text, and what it makes."""

    text: str
    makes: tuple[Named, ...]

    @property
    def reads(self) -> frozenset[str]:
        """The names in it that lines before may have made."""
        return frozenset(_NAME.findall(self.text)) - {x.name for x in self.makes}


@final
@dataclass
class Draft:
    """A program so far.

    file    what its lines are said to stand in
    pool    what further lines may read
    taken   how many names it has given
    """

    file: str
    names: dict[str, object] = field(default_factory=dict)
    lines: list[Line] = field(default_factory=list)
    pool: list[Named] = field(default_factory=list)
    taken: int = 0
    first_line: int = _PREAMBLE.count("\n") + 2

    def __post_init__(self) -> None:
        if not self.names:
            self.names["__name__"] = "random_program"
            exec(_PREAMBLE, self.names)

    def new_name(self, letter: str = "v") -> str:
        """A name that nothing has."""
        self.taken += 1
        return f"{letter}{self.taken}"

    def grow(self, template: str, choices: Choices) -> Named | None:
        """One more node made by a template; None where it does not fit."""
        text = filled(template, self.pool, choices)
        return None if text is None else self.made(text)

    def made(self, expression: str) -> Named | None:
        """What an expression gives, for further lines to read, unless graphc refuses it or it is too large."""
        name = self.new_name()
        found = self.run(f"{name} = {expression}", [name])
        if found is None or not _is_small(found[0].node):
            return None
        self.pool.append(found[0])
        return found[0]

    def run(self, text: str, makes: Sequence[str]) -> list[Named] | None:
        """The nodes that some lines make, or None where graphc refuses them; then the lines are left out."""
        try:
            number = self.first_line + sum(line.text.count("\n") + 1 for line in self.lines)
            exec(compile("\n" * (number - 1) + text, self.file, "exec"), self.names)
        except GraphError:
            return None
        except Exception as error:
            if self._is_own(error):
                return None
            raise type(error)(f"{error}, when this was declared:\n{self.text()}\n{text}") from error
        found = [Named(name, node) for name in makes if isinstance(node := self.names[name], Node)]
        if len(found) < len(makes) or not all(isinstance(x.node.type, TensorType) for x in found):
            return None
        self.lines.append(Line(text, tuple(found)))
        return found

    def _is_own(self, error: Exception) -> bool:
        """Whether a line is wrong in itself: `x.shape[0]` of a number."""
        trace = error.__traceback__
        while trace is not None and trace.tb_next is not None:
            trace = trace.tb_next
        return trace is not None and trace.tb_frame.f_code.co_filename == self.file

    def inside(self, parameters: Iterable[Named], shared: Sequence[Named]) -> "Draft":
        """The draft of a body, whose parameters are nodes for now; it reads `shared` too."""
        parameters = list(parameters)
        names = self.names | {x.name: x.node for x in parameters}
        return Draft(self.file, names, [], [*shared, *parameters], self.taken, self.first_line + len(self.lines) + 1)

    def text(self, needed: Sequence[str] | None = None) -> str:
        """The program; only the lines that some names need, if these are given."""
        lines = self.lines if needed is None else self._needed(needed)
        return "\n".join((_PREAMBLE, *(line.text for line in lines)))

    def _needed(self, names: Sequence[str]) -> list[Line]:
        wanted, kept = set(names), []
        for line in reversed(self.lines):
            if wanted.intersection(x.name for x in line.makes):
                wanted |= line.reads
                kept.append(line)
        return kept[::-1]


def _is_small(node: Node) -> bool:
    """Whether what is known of the extents lets the interpreter walk a node: one wide axis at most."""
    known = [extent for extent in node.shape if isinstance(extent, int)]
    elements = 1
    for extent in known:
        elements *= extent
    return node.ndim <= 4 and sum(n > _MOST for n in known) <= 1 and elements <= _MOST_IN_ALL
