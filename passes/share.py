"""Sharing: equal computations become one."""

from collections.abc import Container
from dataclasses import field
from typing import ClassVar, final

from graphc.dataclass import dataclass
from graphc.ir.graph import Graph
from graphc.ir.node import Node, Op
from graphc.passes.pipeline import Log, Pass
from graphc.passes.provenance import Ancestry
from graphc.types import NodeType

__all__ = ["Known", "ShareSubexpressions"]


@final
@dataclass
class Known:
    """The nodes that a pass has met, of which equal ones are one: of equal op, on the same inputs, of one type.

    The one that is kept leads to the lines and rules of all.
    """

    nodes: dict[tuple[Op, tuple[Node, ...], NodeType], Node] = field(default_factory=dict)
    ancestry: Ancestry = field(default_factory=Ancestry)

    def one_of(self, node: Node) -> Node:
        """The node that stands for all that are equal to this one."""
        kept = self.nodes.setdefault((node.op, node.inputs, node.type), node)
        if kept is not node:
            self.ancestry.add(kept, node)
        return kept

    def given_to(self, graph: Graph, before: Container[Node]) -> Graph:
        """The same graph, whose nodes have the origins of all that they stand for; others know those `before`."""
        return self.ancestry.given_to(graph, before)


@final
@dataclass(frozen=True)
class ShareSubexpressions(Pass[Graph, Graph]):
    """Merge nodes of equal op on the same inputs.  Afterwards no two such nodes remain."""

    name: ClassVar[str] = "share"
    exact: ClassVar[bool] = True

    def run(self, form: Graph, log: Log) -> Graph:
        known: dict[tuple[Op, tuple[Node, ...], NodeType], Node] = {}
        ancestry = Ancestry()
        one: dict[Node, Node] = {}  # node -> the equal one that is kept
        inputs_of: dict[Node, tuple[Node, ...]] = {}  # of those that read such a node
        for node in form.nodes:
            inputs = node.inputs
            if one and not one.keys().isdisjoint(inputs):
                inputs = inputs_of[node] = tuple([one.get(x, x) for x in inputs])
            kept = known.setdefault((node.op, inputs, node.type), node)
            if kept is not node:
                one[node] = kept
                ancestry.add(kept, node)
                log.note(f"one {node.op.name} for two", node.origin)
                old = node if inputs is node.inputs else Node(node.op, inputs, node.type, node.origin)
                log.replaced(f"one {node.op.name} for two", old, kept, exact=True)
        return ancestry.joined(form, one, inputs_of) if one else form
