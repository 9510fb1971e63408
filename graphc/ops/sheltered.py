"""Bodies at places where they do not count: branches not taken, and loops that have ended, of one place among many.

Where all places of an axis are computed at once, a body runs at each of them.  At those where its results are dropped
it must not fail, nor go on without end, nor bring a nan into a derivative.
"""

from collections.abc import Collection, Sequence
from dataclasses import replace

from graphc.ir.arithmetic import zeros_like
from graphc.ir.control import Repeated, Structured
from graphc.ir.graph import Graph
from graphc.ir.kinds import Leaf
from graphc.ir.leaves import ConstantValue, Item
from graphc.ir.node import IndexBound, Node
from graphc.ir.operands import where
from graphc.ops.bodies import stand_in
from graphc.ops.elementwise import stop_gradient
from graphc.ops.guarded import Guarded
from graphc.ops.logic import logical_and
from graphc.types import BOOL, TensorType, is_differentiable

__all__ = ["sheltered"]


def sheltered(outputs: Sequence[Node], counts: Node, moving: Collection[Node]) -> Sequence[Node]:
    """`outputs`, which are the same where `counts` (one bool) holds.  Where it does not, no index is out of range,
    no loop makes a step, and the nodes of `moving` have no derivative, whatever slopes lie between."""
    exchange = {x: where(counts, x, stop_gradient(x)) for x in moving if is_differentiable(x.dtype)}
    return Graph((), _harmless(Graph((), tuple(outputs)), counts).outputs).replace(exchange).outputs


def _harmless(graph: Graph, counts: Node) -> Graph:
    """The graph without failures, and without steps, where `counts` does not hold.

    Recursion is over the depth to which a user nests loops and branches.
    """

    def change(node: Node) -> Node:
        op = node.op
        if isinstance(op, Leaf | Item):
            return node
        if isinstance(op, Structured):
            node = _with_shared(node, op, counts)
        needs = node.op.requirements(*[x.tensor for x in node.inputs])
        at = {need.operand for need in needs if isinstance(need, IndexBound)}
        at = {n for n in at if not isinstance(node.inputs[n].op, ConstantValue)}
        if not at:
            return node
        if isinstance(op, Guarded):
            at.add(0)  # what is guarded is often the index itself
        inputs = [where(counts, x, zeros_like(x)) if n in at else x for n, x in enumerate(node.inputs)]
        return Node(node.op, tuple(inputs), node.type, node.origin)

    return graph.map(change)


def _with_shared(node: Node, op: Structured, counts: Node) -> Node:
    """A loop or a branch whose bodies are sheltered too."""
    bodies: list[Graph] = []
    for place, body in enumerate(op.bodies):
        inside = stand_in("counts", TensorType((), BOOL), op.name)
        outputs = _harmless(Graph((), body.outputs), inside).outputs
        if isinstance(op, Repeated) and place:
            outputs = (logical_and(inside, outputs[0]),)
        bodies.append(Graph((*body.inputs, inside), outputs))
    return Node(replace(op, bodies=tuple(bodies)), (*node.inputs, counts), node.type, node.origin)
