"""What pictures of graphs are drawn from: boxes and edges, with all texts made safe."""

from collections.abc import Mapping, Sequence
from itertools import islice
from typing import NamedTuple, final

from graphc.dataclass import dataclass
from graphc.inspection.escaping import quoted
from graphc.inspection.listing import Kind, Listing, Showable, listing_of
from graphc.inspection.wording import number_text, op_text, place_text, type_text
from graphc.ir.node import Node
from graphc.printable import printable

__all__ = ["COLOURS", "Box", "Colours", "Diagram", "diagram_of"]


_ORIGINS = 3  # in a tooltip


class Colours(NamedTuple):
    """How boxes of one kind are painted."""

    fill: str
    line: str


COLOURS: Mapping[Kind, Colours] = {
    Kind.INPUT: Colours("#e3f1e3", "#4f9153"),
    Kind.VARIABLE: Colours("#fdeccb", "#c98a1b"),
    Kind.CONSTANT: Colours("#eeeeee", "#8a8a8a"),
    Kind.FORWARD: Colours("#e1ebf8", "#4a78b5"),
    Kind.DERIVED: Colours("#f6e1e7", "#b5516f"),
}


@final
@dataclass(frozen=True)
class Box:
    """One node.  `lines` are written in the box, `tooltip` beside it; `path` are the scopes around it."""

    kind: Kind
    lines: tuple[str, ...]
    tooltip: str
    path: tuple[str, ...]
    is_output: bool


@final
@dataclass(frozen=True)
class Diagram:
    """Boxes in the order of a listing; edges from operands to readers, one per reading."""

    boxes: tuple[Box, ...]
    edges: tuple[tuple[int, int], ...]


def diagram_of(shown: Showable) -> Diagram:
    """The diagram of what is shown.  A constant that is one number is written in the boxes of its readers."""
    listing = listing_of(shown)
    sets: dict[Node, list[str]] = {}
    for variable, value in listing.graph.updates.items():
        sets.setdefault(value, []).append(f"sets {quoted(variable.name or '', 24)}")
    outputs = frozenset(listing.graph.outputs)
    return Diagram(
        tuple(_box(listing, node, sets.get(node, ()), node in outputs) for node in listing.nodes),
        tuple(
            (listing.numbers[operand], number)
            for number, node in enumerate(listing.nodes)
            for operand in node.inputs
            if listing.is_placed(operand)
        ),
    )


def _box(listing: Listing, node: Node, sets: Sequence[str], is_output: bool) -> Box:
    origin = node.origin
    tooltip = []
    for part in islice(origin.behind(), _ORIGINS):
        tooltip += [place_text(part.place()), printable(part.source(), 80)]
        tooltip += [listing.reason(derivation) for derivation in part.derived_from]
    path = tuple(printable(part, 24) for part in origin.scope.split("/")) if origin.scope else ()
    kind = Kind.of(node)
    return Box(
        kind,
        (_title(listing, node), f"{listing.reference(node)}  {type_text(node)}", *sets),
        "\n".join(dict.fromkeys(line for line in tooltip if line)),
        ("derived", *path) if path and kind is Kind.DERIVED else path,
        is_output,
    )


def _title(listing: Listing, node: Node) -> str:
    """The name of a leaf; the op, with the numbers among its operands: `mul · 0.5`."""
    if node.name is not None:
        return quoted(node.name, 24)
    operands = ["·" if listing.is_placed(x) else printable(number_text(x), 16) for x in node.inputs]
    return " ".join((printable(op_text(node), 32), *(operands if set(operands) - {"·"} else ())))
