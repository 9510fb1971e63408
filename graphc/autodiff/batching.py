"""Batching: the same graph for a whole axis of inputs at once, one rule per node."""

from collections.abc import Mapping, Sequence

from graphc.ir.apply import apply
from graphc.ir.arithmetic import spread
from graphc.ir.graph import topological
from graphc.ir.leaves import Item
from graphc.ir.node import Node
from graphc.origin import derived
from graphc.sizes import Size

__all__ = ["batched"]


def batched(outputs: Sequence[Node], inputs: Mapping[Node, Node], extent: Size) -> list[Node]:
    """`outputs` with a leading axis of `extent`, where each node of `inputs` is exchanged for one that has it."""
    lifted = dict(inputs)
    several: dict[Node, Sequence[Node]] = {}  # the results of a node, where its rule gives each by itself
    for node in topological(outputs):
        if node in lifted or not any(x in lifted for x in node.inputs):
            continue
        with derived(f"batch of {node.op.name}", node):
            if isinstance(node.op, Item) and node.inputs[0] in several:
                lifted[node] = several[node.inputs[0]][node.op.index]
                continue
            found = _lift(node, lifted, extent)
            if isinstance(found, Node):
                lifted[node] = found
            else:
                several[node], lifted[node] = found, node
    return [lifted[y] if y in lifted else spread(y, (extent, *y.shape), (0,)) for y in outputs]


def _lift(node: Node, lifted: Mapping[Node, Node], extent: Size) -> Node | Sequence[Node]:
    if isinstance(node.op, Item):
        source = lifted[node.inputs[0]]
        return Node(node.op, (source,), source.type.items[node.op.index], node.origin)  # type: ignore[union-attr]
    flags = [x in lifted for x in node.inputs]
    operands = [lifted.get(x, x) for x in node.inputs]
    better = node.op.batch(operands, flags, extent)
    if better is not None:
        return better
    full = [x if flag else spread(x, (extent, *x.shape), (0,)) for x, flag in zip(operands, flags, strict=True)]
    return apply(node.op.lifted(extent), *full)
