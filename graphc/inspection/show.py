"""What `gx.show` returns: a text where text is shown, with a picture where pictures are."""

from dataclasses import dataclass
from functools import cached_property
from typing import final

from graphc.inspection.escaping import markup
from graphc.inspection.listing import Showable, listing_of
from graphc.inspection.svg import to_svg
from graphc.inspection.text import graph_text
from graphc.ir.graph import Graph

__all__ = ["View", "show"]

_PICTURED = 60  # nodes; a larger picture is asked for: `to_svg`, `to_dot`


@final
@dataclass(frozen=True, repr=False)
class View:
    """A graph to look at: its text in a terminal, its picture and its text in a notebook."""

    graph: Graph

    @cached_property
    def text(self) -> str:
        """One node a line."""
        return graph_text(self.graph)

    def __str__(self) -> str:
        return self.text

    __repr__ = __str__

    def _repr_html_(self) -> str:
        picture = to_svg(self.graph) if len(listing_of(self.graph).nodes) <= _PICTURED else ""
        return f"{picture}<pre>{markup(self.text)}</pre>"


def show(shown: Showable) -> View:
    """The graph of a node, of several nodes, or of a compiled function: printed, one node a line.

    Every line holds the number of the node, its op, type and operands, and the user's line; a gradient node
    says which rule made it from which node.
    """
    return View(listing_of(shown).graph)
