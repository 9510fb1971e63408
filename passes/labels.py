"""Rows that are 0 but at one place: at that of a label, where derivatives of what is read there are added."""

from collections.abc import Sequence

from graphc.ir.arithmetic import Cast, Mul, Squeeze, spread
from graphc.ir.kinds import Scatter
from graphc.ir.leaves import size_node, uniform
from graphc.ir.node import Node
from graphc.kernel.monoids import Monoid
from graphc.ops.creation import iota
from graphc.ops.indexing import ScatterAdd
from graphc.ops.logic import equal
from graphc.ops.placement import moved
from graphc.ops.stepping import remainder
from graphc.passes.rules.one_hot import one_hot_of
from graphc.sizes import Size

__all__ = ["at_index", "factors", "label_of", "labelled_axis", "where_labelled"]


def factors(node: Node) -> list[Node]:
    """x, y ... of x y ..., as products are written."""
    found: list[Node] = []
    pending = [node]
    while pending:
        part = pending.pop()
        if isinstance(part.op, Mul):
            pending += reversed(part.inputs)
        else:
            found.append(part)
    return found


def label_of(node: Node, axis: int) -> Node | None:
    """The factor of a node that makes it 0 but at one place along an axis."""
    return next((factor for factor in factors(node) if labelled_axis(factor) == axis), None)


def labelled_axis(node: Node) -> int | None:
    """The axis along which a node is 0 but at one place, if that."""
    match node.op:
        case Scatter(axis=axis, paired=True, monoid=Monoid.SUM):
            base, index, _ = node.inputs
            return axis if uniform(base) == 0 and index.shape[axis] == 1 else None
        case Cast():
            found = one_hot_of(node)
            return None if found is None else found.axis
    return None


def where_labelled(node: Node, axis: int, operands: Sequence[Node]) -> Node:
    """Where that place is, in terms of the operands of the node, or of what stands for these."""
    if isinstance(node.op, Cast):
        return operands[0]
    assert isinstance(node.op, ScatterAdd), node
    return at_index(operands[1], axis, node.shape[axis], may_count_back=node.op.checked)


def at_index(index: Node, axis: int, extent: Size, *, may_count_back: bool) -> Node:
    """Whether each of `extent` places along an axis is the one that an index tells, which has one there."""
    shape = (*index.shape[:axis], extent, *index.shape[axis + 1 :])
    row = moved(Squeeze((axis,)), index)
    if may_count_back:
        row = remainder(row, size_node(extent))
    counting = spread(iota(extent), shape, [other for other in range(len(shape)) if other != axis])
    return equal(counting, spread(row, shape, (axis,)))
