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

        before   the nodes that others know
        """
        if not self.replaced:
            return graph
        return graph.relabelled(self._renewed(graph.nodes, {}, before))

    def joined(self, graph: Graph, one: Mapping[Node, Node], inputs_of: Mapping[Node, tuple[Node, ...]]) -> Graph:
        """The same graph with one node for another, each with the origins of all that it stands for.

        inputs_of   what the nodes read that read a node which is no more
        """
        roots = [one.get(root, root) for root in (*graph.roots, *graph.demanded)]
        order = topological(roots, inputs_of)
        new = self._renewed(order, inputs_of, self.replaced)
        return graph.exchanged_in({**new, **{node: new.get(kept, kept) for node, kept in one.items()}}, order)

    def _renewed(
        self, order: Sequence[Node], inputs_of: Mapping[Node, tuple[Node, ...]], before: Container[Node]
    ) -> dict[Node, Node]:
        """What those of some nodes become, operands first, that have other origins or other operands.

        One that nobody knew `before` gets its origin as it is, so that what reads it may stay.
        """
        known: dict[Node, Origin] = {}
        new: dict[Node, Node] = {}
        replaced = self.replaced
        for node in order:
            inputs = inputs_of.get(node) or node.inputs
            origin = self._origin(node, known) if node in replaced else node.origin
            if origin is not node.origin and node not in before:
                node.origin = origin
            if origin is not node.origin or inputs is not node.inputs or not new.keys().isdisjoint(inputs):
                new[node] = Node(node.op, tuple([new.get(x, x) for x in inputs]), node.type, origin)
        return new

    def _origin(self, node: Node, known: dict[Node, Origin]) -> Origin:
        """The origin of a node and of all behind it, those of the nodes behind being found first."""
        opened: set[Node] = set()
        stack = [node]
        while stack:
            part = stack[-1]
            parts = self.replaced.get(part, {})
            if part not in opened:
                opened.add(part)
                stack.extend(x for x in parts if x in self.replaced and x not in known and x not in opened)
                continue
            known[stack.pop()] = merged(part.origin, [known.get(x, x.origin) for x in parts])
        return known[node]


def consumed(node: Node, found: Node, before: Container[Node] = ()) -> Iterator[Node]:
    """What a rule took apart when it made `found` of `node`: operands, and theirs, that nothing it made reads.

    What a rule makes has the origin of `node`, and is none of the nodes that were there `before`.  An operand that a
    rule only dropped is one of these; what it was computed from is not, unless it leads to something that is read.
    Nor are the operands of what has many, as a concatenation has: they are there for others too.
    """
    read: set[Node] = set()
    made = [found]
    while made:
        part = made.pop()
        if part not in read:
            read.add(part)
            if part.origin is node.origin and part not in before:
                made.extend(part.inputs)
    seen: set[Node] = set()
    pending = list(reversed(node.inputs))
    while pending:
        part = pending.pop()
        if part in read or part in seen or isinstance(part.op, Leaf):
            continue
        seen.add(part)
        yield part
        few = part.inputs if len(part.inputs) <= _FEW else ()
        if any(x in read or not read.isdisjoint(x.inputs) for x in few):
            pending += reversed(few)
