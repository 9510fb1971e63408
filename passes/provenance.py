"""Provenance: a node that replaces others keeps leading to every line and every rule that is behind them."""

from collections.abc import Container, Iterator, Mapping, Sequence
from dataclasses import field
from typing import final

from graphc.dataclass import dataclass
from graphc.ir.graph import Graph, topological
from graphc.ir.kinds import Leaf
from graphc.ir.leaves import Input, Variable
from graphc.ir.node import Node
from graphc.origin import Origin, merged

__all__ = ["Ancestry", "consumed"]


_FEW = 4  # operands of a node
_GIVEN = (Input, Variable)


@final
@dataclass
class Ancestry:
    """Which nodes others stand for, collected while a pass runs.

    A pass learns what a node replaces when that node already has readers, so nodes get their origins in one walk
    at the end.  What is replaced may have replaced others before: origins nest, and all stays linear.
    """

    replaced: dict[Node, dict[Node, None]] = field(default_factory=dict)

    def add(self, kept: Node, *nodes: Node) -> None:
        """`kept` stands for `nodes` too.

        Inputs and variables stand for themselves: what became one of them is computed no more.
        """
        origin, replaced = kept.origin, self.replaced
        for node in nodes:
            if (node.origin is not origin or node in replaced) and not isinstance(kept.op, _GIVEN):
                replaced.setdefault(kept, {})[node] = None

    def given_to(self, graph: Graph, before: Container[Node]) -> Graph:
        """The same graph, whose nodes have the origins of all that they stand for.

        before   the nodes that others know.  One that nobody does gets its origin as it is, and what reads it stays.
        """
        if not self.replaced:
            return graph
        origins = self._origins(graph.nodes)
        for node, origin in origins.items():
            if node not in before:
                node.origin = origin
        if all(node.origin is origin for node, origin in origins.items()):
            return graph
        return graph.relabelled(_renewed(graph.nodes, origins, {}))

    def joined(self, graph: Graph, one: Mapping[Node, Node], inputs_of: Mapping[Node, tuple[Node, ...]]) -> Graph:
        """The same graph with one node for another, each with the origins of all that it stands for.

        inputs_of   what the nodes read that read a node which is no more
        """
        roots = [one.get(root, root) for root in (*graph.roots, *graph.demanded)]
        order = topological(roots, inputs_of)
        new = _renewed(order, self._origins(order), inputs_of)
        return graph.exchanged_in({**new, **{node: new.get(kept, kept) for node, kept in one.items()}}, order)

    def _origins(self, nodes: Sequence[Node]) -> Mapping[Node, Origin]:
        """The origins of those nodes that stand for others."""
        known: dict[Node, Origin] = {}
        replaced = self.replaced
        return {node: self._origin(node, known) for node in nodes if node in replaced}

    def _origin(self, node: Node, known: dict[Node, Origin]) -> Origin:
        """The origin of a node and of all behind it, those of the nodes behind being found first."""
        replaced = self.replaced
        opened: set[Node] = set()
        stack = [node]
        while stack:
            part = stack[-1]
            parts = replaced.get(part, {})
            if part not in opened:
                opened.add(part)
                stack.extend([x for x in parts if x in replaced and x not in known and x not in opened])
                continue
            known[stack.pop()] = merged(part.origin, [known.get(x, x.origin) for x in parts])
        return known[node]


def _renewed(
    order: Sequence[Node], origins: Mapping[Node, Origin], inputs_of: Mapping[Node, tuple[Node, ...]]
) -> dict[Node, Node]:
    """What those of some nodes become, operands first, that have other origins or other operands."""
    new: dict[Node, Node] = {}
    for node in order:
        origin = origins.get(node, node.origin)
        inputs = inputs_of.get(node, node.inputs)
        if origin is not node.origin or inputs is not node.inputs or not new.keys().isdisjoint(inputs):
            new[node] = Node(node.op, tuple([new.get(x, x) for x in inputs]), node.type, origin)
    return new


def consumed(node: Node, found: Node, before: Container[Node] = ()) -> Iterator[Node]:
    """What a rule took apart when it made `found` of `node`: operands, and theirs, that nothing it made reads.

    What a rule makes has the origin of `node`, and is none of the nodes that were there `before`.  An operand that a
    rule only dropped is one of these; what it was computed from is not, unless it leads to something that is read.
    Nor are the operands of what has many, as a concatenation has: they are there for others too.
    """
    read: set[Node] = set()
    made = [found]
    origin = node.origin
    while made:
        part = made.pop()
        if part not in read:
            read.add(part)
            if part.origin is origin and part not in before:
                made += part.inputs
    seen: set[Node] = set()
    pending = [*reversed(node.inputs)]
    while pending:
        part = pending.pop()
        if part in read or part in seen or isinstance(part.op, Leaf):
            continue
        seen.add(part)
        yield part
        inputs = part.inputs
        if len(inputs) > _FEW:
            continue
        for x in inputs:
            if x in read or not read.isdisjoint(x.inputs):
                pending += reversed(inputs)
                break
