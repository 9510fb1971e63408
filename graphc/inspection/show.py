"""What `gx.show` returns: a text where text is shown, with a picture where pictures are."""

from typing import Protocol, cast, final, runtime_checkable

from graphc.dataclass import dataclass
from graphc.inspection.escaping import excerpt, markup
from graphc.inspection.listing import Listing, Showable, listing_of
from graphc.inspection.partitions import Cut, partition_text
from graphc.inspection.summary import Compiled, summary_text
from graphc.inspection.svg import to_svg
from graphc.inspection.text import graph_text
from graphc.ir.graph import Graph
from graphc.kernel.program import Program
from graphc.kernel.text import program_text

__all__ = ["View", "show"]

_PICTURED = 60  # nodes; a larger picture is asked for: `to_svg`, `to_dot`


@runtime_checkable
class HasProgram(Protocol):
    """A program, with what belongs to it."""

    @property
    def program(self) -> Program: ...


@runtime_checkable
class HasSource(Protocol):
    """What a backend wrote."""

    @property
    def source(self) -> str: ...


@final
@dataclass(frozen=True, repr=False)
class View:
    """Something to look at: a text; in a notebook, a small graph's picture and not all of a long text."""

    text: str
    graph: Graph | None = None

    def __str__(self) -> str:
        return self.text

    __repr__ = __str__

    def _repr_html_(self) -> str:
        is_small = self.graph is not None and len(Listing(self.graph).nodes) <= _PICTURED
        picture = to_svg(self.graph) if is_small else ""
        return f"{picture}<pre>{markup(excerpt(self.text))}</pre>"


def show(shown: object) -> View:
    """A node, several nodes, a graph, a compiled function, or a form of it that the trace keeps: printed.

    A graph has one node a line: the number of the node, its op, type and operands, and the user's line; a gradient
    node says which rule made it from which node.  A function begins with what it takes, gives, sets and costs; a
    program has its buffers and steps; a graph cut into units has one unit a line; what a backend wrote is text.
    """
    match shown:
        case Compiled():
            return View(f"{summary_text(shown)}\n\n{graph_text(shown.graph)}", shown.graph)
        case Cut():
            return View(partition_text(shown), shown.graph)
        case Program():
            return View(program_text(shown).rstrip())
        case HasProgram(program=Program() as program):
            return View(program_text(program).rstrip())
        case HasSource():
            return View(shown.source.rstrip())
    graph = listing_of(cast(Showable, shown)).graph
    return View(graph_text(graph), graph)
