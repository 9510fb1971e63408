"""Rows that are 0 but at one place: at that of a label, where derivatives of what is read there are added."""

from collections.abc import Sequence

from graphc.ir.arithmetic import Cast, Mul, Squeeze, spread
from graphc.ir.kinds import Lookup, Scatter
from graphc.ir.leaves import size_node, uniform
from graphc.ir.node import Node, Op
from graphc.ir.operands import cast
from graphc.kernel.monoids import Monoid
from graphc.ops.creation import iota
from graphc.ops.indexing import ScatterAdd, Take
from graphc.ops.logic import equal
from graphc.ops.placement import Pad, Pick, Slice, moved
from graphc.ops.stepping import remainder
from graphc.passes.rules.one_hot import one_hot_of
from graphc.sizes import Size
from graphc.types import INT64, Shape

__all__ = [
    "LABELLING",
    "factors",
    "is_single",
    "label_of",
    "labelled_axis",
    "read_axis",
    "where_labelled",
    "where_read",
]

#: what gives such rows
LABELLING: tuple[type[Op], ...] = (Cast, Pad, Scatter)


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
        case Scatter(monoid=Monoid.SUM) if uniform(node.inputs[0]) == 0:
            return node.op.axis if is_single(node.op, node.inputs[1], node.inputs[0]) else None
        case Pad(value=0):
            return _narrowed(node.shape, node.inputs[0].shape)
        case Cast():
            found = one_hot_of(node)
            return None if found is None else found.axis
    return None


def where_labelled(node: Node, axis: int, operands: Sequence[Node]) -> Node:
    """Where that place is, in terms of the operands of the node, or of what stands for these."""
    match node.op:
        case Cast():
            return operands[0]
        case Pad(starts=starts):
            return _at_place(starts[axis], axis, node.shape)
    assert isinstance(node.op, ScatterAdd), node
    return _at_index(operands[1], axis, node.shape, may_count_back=node.op.checked)


def read_axis(node: Node) -> int | None:
    """The axis of which a node reads one place of each row of its operand, if that."""
    match node.op:
        case Take(axis=axis):
            return axis if is_single(node.op, node.inputs[1], node.inputs[0]) else None
        case Pick(axes=(axis,)):
            return axis
        case Slice(lengths=lengths):
            return _narrowed(node.inputs[0].shape, lengths)
    return None


def where_read(node: Node, axis: int) -> Node:
    """Where that place is, in the operand."""
    shape = node.inputs[0].shape
    match node.op:
        case Pick(places=(place,)):
            return _at_place(place, axis, shape)
        case Slice(starts=starts):
            return _at_place(starts[axis], axis, shape)
    assert isinstance(node.op, Take), node
    return _at_index(node.inputs[1], axis, shape, may_count_back=node.op.checked)


def is_single(op: Lookup | Scatter, index: Node, whole: Node) -> bool:
    """Whether an index tells one place of each row of an array, or one of a vector."""
    if op.paired:
        return index.shape[op.axis] == 1
    return whole.ndim == 1 and index.ndim < 2 and all(n == 1 for n in index.shape)


def _narrowed(whole: Shape, part: Shape) -> int | None:
    """The one axis of which a part of an array has one place, where it has all of the others."""
    narrow = [axis for axis, (n, m) in enumerate(zip(whole, part, strict=True)) if n != m]
    return narrow[0] if len(narrow) == 1 and part[narrow[0]] == 1 else None


def _at_index(index: Node, axis: int, shape: Shape, *, may_count_back: bool) -> Node:
    """Whether each place along an axis is the one that an index tells, which has one there or lacks the axis."""
    row = index if index.ndim < len(shape) else moved(Squeeze((axis,)), index)
    if may_count_back:
        row = remainder(row, size_node(shape[axis]))
    return equal(_counting(axis, shape), spread(row, shape, (axis,)))


def _at_place(place: Size, axis: int, shape: Shape) -> Node:
    """Whether each place along an axis is a known one."""
    return equal(_counting(axis, shape), spread(cast(size_node(place), INT64), shape, range(len(shape))))


def _counting(axis: int, shape: Shape) -> Node:
    """0, 1 ... along an axis."""
    return spread(iota(shape[axis]), shape, [other for other in range(len(shape)) if other != axis])
