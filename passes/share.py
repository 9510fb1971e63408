"""Sharing: equal computations become one."""

from dataclasses import dataclass
from typing import ClassVar, final

from graphc.ir.graph import Graph, rebuilt
from graphc.ir.node import Node, Op
from graphc.passes.pipeline import Log, Pass
from graphc.passes.provenance import Ancestry

__all__ = ["ShareSubexpressions"]


@final
@dataclass(frozen=True)
class ShareSubexpressions(Pass[Graph, Graph]):
    """Merge nodes of equal op on the same inputs.  Afterwards no two such nodes remain.

    The one that is kept leads to the lines and rules of all.
    """

    name: ClassVar[str] = "share"
    exact: ClassVar[bool] = True

    def run(self, form: Graph, log: Log) -> Graph:
        known: dict[tuple[Op, tuple[Node, ...], object], Node] = {}
        new: dict[Node, Node] = {}
        ancestry = Ancestry()
        for node in form.nodes:
            inputs = node.inputs
            changed = tuple([new[x] for x in inputs])
            candidate = rebuilt(node, changed)
            kept = known.setdefault((node.op, changed, node.type), candidate)
            if kept is not candidate:
                log.note(f"one {node.op.name} for two", node.origin)
                log.replaced(f"one {node.op.name} for two", candidate, kept, exact=True)
                ancestry.add(kept, (node,))
            new[node] = kept
        return ancestry.given_to(form.exchanged(new), known.values())
