"""Which reshapes are read through, and not stored first."""

from collections.abc import Collection

from graphc.ir.graph import Graph
from graphc.ir.kinds import Deposit, Elementwise, Leaf, Movement, Reduction, Reshaped, Running
from graphc.ir.node import Node
from graphc.ops.guarded import Guarded
from graphc.ops.placement import Reshape
from graphc.passes.costs import Costs

__all__ = ["read_through"]


def read_through(graph: Graph, costs: Costs) -> Collection[Node]:
    """The reshapes whose elements are read where they lie before: what is moved, or computed for them alone.

    What lies in one piece of memory is read as it lies, under its new shape, and costs nothing.
    """
    if not graph.has(Reshape):
        return ()
    kept = {*graph.roots, *graph.demanded}
    found: set[Node] = set()
    for node in reversed(graph.nodes):
        if not isinstance(node.op, Reshape) or node in kept or not _is_read_by_element(node, graph, found):
            continue
        if isinstance(node.inputs[0].op, Movement) or _is_computed_for(node, graph, kept):
            found.add(node)
    return found


def _is_read_by_element(node: Node, graph: Graph, through: Collection[Node]) -> bool:
    """Whether all that read a node, or what is shown of it, read single elements; `through` are reshapes after it."""
    pending, seen = [node], 0
    while pending:
        shown = pending.pop()
        for user in graph.users[shown]:
            seen += 1
            if (isinstance(user.op, Movement) or user in through) and seen <= _MOST:
                pending.append(user)
            elif isinstance(user.op, Reshaped) and shown is not node:
                continue  # what was moved is copied for it
            elif not isinstance(user.op, _BY_ELEMENT) or isinstance(user.op, Guarded):
                return False
    return seen > 0


_BY_ELEMENT = (Elementwise, Reduction, Deposit, Running)
_MOST = 32


def _is_computed_for(node: Node, graph: Graph, kept: Collection[Node]) -> bool:
    """Whether the operand of a reshape is a formula of what is there, and computed for the reshape alone."""
    pending, seen = [node.inputs[0]], 0
    while pending:
        part = pending.pop()
        seen += 1
        if isinstance(part.op, Leaf | Deposit | Reshaped) and seen > 1:
            continue
        if isinstance(part.op, Movement) and seen > 1:
            pending += part.inputs
            continue
        if not isinstance(part.op, Elementwise) or isinstance(part.op, Guarded) or seen > _MOST:
            return False
        if part in kept or len(set(graph.users[part])) > 1:
            return False
        pending += part.inputs
    return True
