"""Bodies at places where they do not count: branches not taken, and loops that have ended, of one place among many.

Where all places of an axis are computed at once, a body runs at each of them.  At those where its results are dropped
it must not fail, nor go on without end, nor bring a nan into a derivative.
"""

from collections.abc import Collection, Sequence
from dataclasses import replace

from graphc.ir.arithmetic import zeros_like
from graphc.ir.control import Repeated, Structured
from graphc.ir.graph import Graph, exchanged
from graphc.ir.kinds import Elementwise, Leaf, Product
from graphc.ir.leaves import ConstantValue, Item
from graphc.ir.node import IndexBound, Node
from graphc.ir.operands import where
from graphc.ops.bodies import dependent, stand_in
from graphc.ops.elementwise import stop_gradient
from graphc.ops.guarded import Guarded
from graphc.ops.logic import logical_and
from graphc.types import BOOL, TensorType, is_differentiable

__all__ = ["counted", "sheltered"]


def sheltered(outputs: Sequence[Node], counts: Node, moving: Collection[Node]) -> Sequence[Node]:
    """`outputs`, which are the same where `counts` (one bool) holds.  Where it does not, no index is out of range,
    no loop makes a step, and no node has a derivative, whatever slopes lie between.

    moving  the nodes that differ from place to place, as `counts` does; those that do not stay as narrow as they are
    """
    exchange = {x: counted(x, counts) for x in moving}
    return Graph((), _harmless(Graph((), tuple(outputs)), counts, moving).outputs).replace(exchange).outputs


def _harmless(graph: Graph, counts: Node, moving: Collection[Node]) -> Graph:
    """The graph without failures, without steps, and without derivatives of what does not move, where `counts` does
    not hold.

    Recursion is over the depth to which a user nests loops and branches.
    """
    reached = dependent(graph.outputs, moving)
    new: dict[Node, Node] = {}
    for node in graph.nodes:
        flags = [x in reached for x in node.inputs]
        new[node] = _change(exchanged(node, new), flags, counts)
    return graph.exchanged(new)


def _change(node: Node, flags: Sequence[bool], counts: Node) -> Node:
    op = node.op
    if isinstance(op, Leaf | Item):
        return node
    if isinstance(op, Structured):
        node = _with_shared(node, op, flags, counts)
    elif any(flags) and not all(flags):
        node = _apart(node, flags, counts)
    needs = node.op.requirements(*[x.tensor for x in node.inputs])
    at = {need.operand for need in needs if isinstance(need, IndexBound)}
    at = {n for n in at if not isinstance(node.inputs[n].op, ConstantValue)}
    if not at:
        return node
    if isinstance(op, Guarded):
        at.add(0)  # what is guarded is often the index itself
    inputs = [where(counts, x, zeros_like(x)) if n in at else x for n, x in enumerate(node.inputs)]
    return Node(node.op, tuple(inputs), node.type, node.origin)


def _apart(node: Node, flags: Sequence[bool], counts: Node) -> Node:
    """The node, where operands that move meet some that do not: these have no derivative where `counts` does not hold.

    To mask those of a product or of a lookup would take a copy for each place, so there the result is masked, and
    what else the slope reads.
    """
    is_lookup = not any(flag and is_differentiable(x.dtype) for x, flag in zip(node.inputs, flags, strict=True))
    if isinstance(node.op, Product) or (is_lookup and not isinstance(node.op, Elementwise)):
        inputs = [where(counts, x, zeros_like(x)) if flag else x for x, flag in zip(node.inputs, flags, strict=True)]
        return counted(Node(node.op, tuple(inputs), node.type, node.origin), counts)
    inputs = [x if flag else counted(x, counts) for x, flag in zip(node.inputs, flags, strict=True)]
    return Node(node.op, tuple(inputs), node.type, node.origin)


def counted(x: Node, counts: Node) -> Node:
    """`x`, with a derivative only where `counts` holds."""
    return where(counts, x, stop_gradient(x)) if is_differentiable(x.dtype) else x


def _with_shared(node: Node, op: Structured, flags: Sequence[bool], counts: Node) -> Node:
    """A loop or a branch whose bodies are sheltered too."""
    bodies: list[Graph] = []
    for place, body in enumerate(op.bodies):
        inside = stand_in("counts", TensorType((), BOOL), op.name)
        outputs = _harmless(Graph((), body.outputs), inside, _moving_inside(op, place, flags)).outputs
        if isinstance(op, Repeated) and place:
            outputs = (logical_and(inside, outputs[0]),)
        bodies.append(Graph((*body.inputs, inside), outputs))
    return Node(replace(op, bodies=tuple(bodies)), (*node.inputs, counts), node.type, node.origin)


def _moving_inside(op: Structured, place: int, flags: Sequence[bool]) -> Sequence[Node]:
    """The inputs of a body that may differ from place to place: of a loop where anything does, all carries."""
    if not isinstance(op, Repeated):
        return [x for x, flag in zip(op.bodies[place].inputs, flags[1:], strict=True) if flag]
    if place or not any(flags):
        return []  # a condition has no derivative
    inner, given = op.inner(), op.parts(flags)
    own = zip((*inner.sequences, *inner.shared), (*given.sequences, *given.shared), strict=True)
    return [*inner.carries, *[x for x, flag in own if flag]]
