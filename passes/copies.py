"""Nodes that are computed again: copied, each copy where it is first read."""

from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import field, replace
from typing import Generic, TypeVar, final

from graphc.dataclass import dataclass
from graphc.ir.graph import Graph, rebuilt, topological
from graphc.ir.node import Node

__all__ = ["Copied", "with_copies"]

For = TypeVar("For", bound=Hashable)  # what a copy is for; None for a node itself


@final
@dataclass(frozen=True, eq=False)
class Copied:
    """A graph with copies, computed in the order that it says, and what was copied, in that order too."""

    graph: Graph
    nodes: Sequence[Node]


def with_copies(graph: Graph, order: Sequence[Node], again: Callable[[Node, For | None, Node], For | None]) -> Copied:
    """The graph, computed in `order`, in which some readers read copies.

    again   says of a reader, which may be a copy itself, and what it reads, for what that is copied; None if it is not

    No pass that merges nodes may follow, as a copy looks like what it is a copy of.
    """
    return _Copying(graph, again).run(order)


@dataclass(eq=False)
class _Copying(Generic[For]):
    graph: Graph
    again: Callable[[Node, For | None, Node], For | None]
    new: dict[Node, Node] = field(default_factory=dict)
    copies: dict[tuple[Node, For], Node] = field(default_factory=dict)
    of: dict[Node, Node] = field(default_factory=dict)  # copy -> what it is a copy of
    found: list[Node] = field(default_factory=list)

    def run(self, order: Sequence[Node]) -> Copied:
        for node in order:
            reads = {x: self.again(node, None, x) for x in node.inputs}
            for x, copied in reads.items():
                if copied is not None:
                    self._make(x, copied)
            self.new[node] = rebuilt(node, self._given(node, reads))
            self.found.append(self.new[node])
        graph = self.graph.exchanged(self.new)
        needed = set(topological((*graph.roots, *graph.demanded)))
        found = tuple([node for node in self.found if node in needed])
        return Copied(replace(graph, order=found), [self.of[node] for node in found if node in self.of])

    def _given(self, node: Node, reads: Mapping[Node, For | None]) -> list[Node]:
        """What a node, or a copy of it, reads."""
        return [self.new[x] if (at := reads[x]) is None else self.copies[x, at] for x in node.inputs]

    def _make(self, node: Node, copied: For) -> None:
        """Copy a node, and before it what it is made of, where that is copied too."""
        pending = [(node, copied)]
        while pending:
            node, copied = pending[-1]
            if (node, copied) in self.copies:
                pending.pop()
                continue
            reads = {x: self.again(node, copied, x) for x in node.inputs}
            wanted = [(x, at) for x, at in reads.items() if at is not None and (x, at) not in self.copies]
            if wanted:
                pending += reversed(wanted)
                continue
            pending.pop()
            copy = Node(node.op, tuple(self._given(node, reads)), node.type, node.origin)
            self.copies[node, copied] = copy
            self.of[copy] = node
            self.found.append(copy)
