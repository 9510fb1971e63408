"""Sharing: equal computations become one."""

from dataclasses import dataclass
from typing import ClassVar, final

from graphc.ir.graph import Graph, rebuilt
from graphc.ir.node import Node, Op
from graphc.passes.pipeline import Log, Pass

__all__ = ["ShareSubexpressions"]


@final
@dataclass(frozen=True)
class ShareSubexpressions(Pass[Graph, Graph]):
    """Merge nodes of equal op on the same inputs.  Afterwards no two such nodes remain."""

    name: ClassVar[str] = "share"

    def run(self, form: Graph, log: Log) -> Graph:
        known: dict[tuple[Op, tuple[Node, ...], object], Node] = {}
        new: dict[Node, Node] = {}
        for node in form.nodes:
            inputs = node.inputs
            changed = tuple([new[x] for x in inputs])
            candidate = rebuilt(node, changed)
            kept = known.setdefault((node.op, changed, node.type), candidate)
            if kept is not candidate:
                log.note(f"one {node.op.name} for two", node.origin)
            new[node] = kept
        return form.on(new)
