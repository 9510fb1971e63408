"""Passes over graphs, applied to the bodies of loops and branches as well."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import final

from graphc.dataclass import dataclass
from graphc.ir.control import Structured
from graphc.ir.graph import Graph
from graphc.ir.node import Node
from graphc.passes.pipeline import Log, Pass, Spill
from graphc.passes.units import Partition

__all__ = ["Throughout", "all_graphs", "bodies_of", "with_bodies", "with_changed_bodies"]


@final
@dataclass(frozen=True)
class Throughout(Pass[Graph, Graph]):
    """A pass, applied to every body, the innermost first, and then to the graph itself."""

    step: Pass[Graph, Graph]

    @property
    def name(self) -> str:  # type: ignore[override]
        """That of the pass."""
        return self.step.name

    @property
    def exact(self) -> bool:  # type: ignore[override]
        """Whether the pass is."""
        return self.step.exact

    @property
    def spill(self) -> Spill:  # type: ignore[override]
        """That of the pass."""
        return self.step.spill

    def run(self, form: Graph, log: Log) -> Graph:
        return self.step.run(with_changed_bodies(form, lambda body: self.run(body, log)), log)


def bodies_of(graph: Graph) -> Iterator[Graph]:
    """The bodies of the loops and branches of a graph, not those inside them."""
    for node in graph.nodes if graph.has(Structured) else ():
        if isinstance(node.op, Structured):
            yield from node.op.bodies


def all_graphs(graph: Graph) -> Iterator[Graph]:
    """A graph, and the bodies of its loops and branches, those inside them too, each once."""
    seen: set[Graph] = set()
    pending = [graph]
    while pending:
        inner = pending.pop()
        if inner not in seen:
            seen.add(inner)
            yield inner
            pending += bodies_of(inner)


def with_changed_bodies(graph: Graph, change: Callable[[Graph], Graph]) -> Graph:
    """The graph with `change` of every body.  Recursion, if any, is over the depth to which a user nests loops."""
    new: dict[Graph, Graph] = {}
    for body in bodies_of(graph):
        if body not in new:
            new[body] = change(body)
    if all(old is found for old, found in new.items()):
        return graph

    def changed(node: Node) -> Node:
        op = node.op
        if not isinstance(op, Structured) or all(new[body] is body for body in op.bodies):
            return node
        return Node(op.with_bodies([new[body] for body in op.bodies]), node.inputs, node.type, node.origin)

    return graph.map(changed)


def with_bodies(graph: Graph, cut: Callable[[Graph], Partition]) -> Partition:
    """The graph and all its bodies, cut into units."""
    parts = {body: with_bodies(body, cut) for body in dict.fromkeys(bodies_of(graph))}
    found = cut(graph)
    return replace(found, bodies=parts) if parts else found
