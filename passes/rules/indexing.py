"""Identities of scattering: a scatter into zeros is not written out where something smaller does."""

from graphc.ir.arithmetic import Add, Neg, Sum, sum_over
from graphc.ir.kinds import Scatter
from graphc.ir.leaves import uniform
from graphc.ir.node import Node, apply
from graphc.passes.rewrite import Rule

__all__ = ["INDEXING"]


def _into_zeros(node: Node) -> bool:
    return isinstance(node.op, Scatter) and uniform(node.inputs[0]) == 0


def _negated(node: Node) -> Node | None:
    """-(scatter of u) = scatter of -u."""
    (scatter,) = node.inputs
    if not _into_zeros(scatter):
        return None
    zeros, index, updates = scatter.inputs
    return apply(scatter.op, zeros, index, apply(Neg(), updates))


def _summed(node: Node) -> Node | None:
    """The sum along the axis that is scattered to is the sum of what is scattered."""
    op = node.op
    (scatter,) = node.inputs
    assert isinstance(op, Sum)
    if not _into_zeros(scatter):
        return None
    inner = scatter.op
    assert isinstance(inner, Scatter)
    if not inner.paired or op.axes != (inner.axis,):
        return None
    return sum_over(scatter.inputs[2], op.axes)


def _added(node: Node) -> Node | None:
    """y + (scatter of u into zeros) = scatter of u into y."""
    x, y = node.inputs
    for scatter, other in ((x, y), (y, x)):
        if _into_zeros(scatter) and not _into_zeros(other):
            return apply(scatter.op, other, *scatter.inputs[1:])
    return None


INDEXING = (
    Rule("-scatter(0, i, u) = scatter(0, i, -u)", Neg, _negated, exact=True),
    Rule("sum(scatter(0, i, u)) = sum(u)", Sum, _summed, exact=False, because="no pass over zeros"),
    Rule("y + scatter(0, i, u) = scatter(y, i, u)", Add, _added, exact=False, because="no pass over zeros"),
)
