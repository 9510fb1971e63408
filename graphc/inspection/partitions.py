"""Graphs cut into units, as text: one unit a line, then the graph."""

from collections.abc import Mapping, Sequence
from typing import Protocol, runtime_checkable

from graphc.inspection.escaping import quoted
from graphc.inspection.listing import Listing
from graphc.inspection.text import aligned, graph_text
from graphc.inspection.wording import op_text
from graphc.ir.graph import Graph
from graphc.ir.node import Node

__all__ = ["Cut", "partition_text"]

_NAMED = 8  # nodes of a unit


class Group(Protocol):
    """Nodes that become one step."""

    @property
    def nodes(self) -> tuple[Node, ...]: ...
    @property
    def title(self) -> str: ...


@runtime_checkable
class Cut(Protocol):
    """A graph cut into units, of which some values are stored."""

    @property
    def graph(self) -> Graph: ...
    @property
    def units(self) -> Sequence[Group]: ...
    @property
    def stored(self) -> frozenset[Node]: ...


def partition_text(cut: Cut) -> str:
    """One unit a line, in the order they run: what it becomes, its nodes, and who else reads its values.

        unit 0  contraction        stores %3 for unit 1      %3 matmul
        unit 1  kernel over batch  stores %5 for the caller  %4 add, %5 tanh

    The graph follows.
    """
    listing = Listing(cut.graph)
    readers = _readers(cut)
    rows = [
        (f"unit {number}", unit.title, _stores(listing, cut, number, readers), _members(listing, unit.nodes))
        for number, unit in enumerate(cut.units)
    ]
    return "\n".join((*(line.rstrip() for line in aligned(rows)), "", graph_text(cut.graph)))


def _members(listing: Listing, nodes: Sequence[Node]) -> str:
    named = [f"{listing.reference(node)} {op_text(node)}" for node in nodes[:_NAMED]]
    return ", ".join((*named, *([f"and {len(nodes) - _NAMED} more"] if len(nodes) > _NAMED else [])))


def _stores(listing: Listing, cut: Cut, number: int, readers: Mapping[Node, Sequence[str]]) -> str:
    """Why the unit ends where it does: its values that others read."""
    kept = [node for node in cut.units[number].nodes if node in cut.stored]
    texts = []
    for node in kept[:_NAMED]:
        others = [reader for reader in readers[node] if reader != f"unit {number}"]
        texts.append(f"{listing.reference(node)} for {_shortened(others)}" if others else listing.reference(node))
    more = [f"and {len(kept) - _NAMED} more"] if len(kept) > _NAMED else []
    return f"stores {', '.join((*texts, *more))}" if texts else ""


def _shortened(readers: Sequence[str]) -> str:
    return " and ".join((*readers[:2], *(["others"] if len(readers) > 2 else [])))


def _readers(cut: Cut) -> Mapping[Node, Sequence[str]]:
    """Who reads each node: units, through nodes that are in none, and the caller."""
    members: dict[Node, list[str]] = {}
    for number, unit in enumerate(cut.units):
        for node in unit.nodes:
            members.setdefault(node, []).append(f"unit {number}")
    found: dict[Node, dict[str, None]] = {node: {} for node in cut.graph.nodes}
    for node in cut.graph.outputs:
        found[node]["the caller"] = None
    for variable, node in cut.graph.updates.items():
        found[node][quoted(variable.name or "", 24)] = None
    for node in reversed(cut.graph.nodes):
        through = members.get(node, found[node])
        for operand in node.inputs:
            found[operand] |= dict.fromkeys(through)
    return {node: list(readers)[::-1] for node, readers in found.items()}  # in the order they run
