"""Identities of scattering: a scatter into zeros is not written out where something smaller does."""

from graphc.ir.apply import apply
from graphc.ir.arithmetic import Add, Neg, Spread, Sum, sum_over
from graphc.ir.kinds import Elementwise, Lookup, Scatter
from graphc.ir.leaves import full, uniform
from graphc.ir.node import Node
from graphc.kernel.monoids import Monoid
from graphc.passes.rewrite import Rule

__all__ = ["INDEXING"]


def _into_zeros(node: Node) -> bool:
    """Whether a node is elements added into zeros."""
    return isinstance(node.op, Scatter) and node.op.monoid is Monoid.SUM and uniform(node.inputs[0]) == 0


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


def _picked_earlier(node: Node) -> Node | None:
    """One element per row of f(x, y) is f of one element per row of x and of y."""
    op = node.op
    source, index = node.inputs
    assert isinstance(op, Lookup)
    if not op.paired or index.shape[op.axis] != 1 or not isinstance(source.op, Elementwise):
        return None
    return apply(source.op, *(_picked(op, x, index, node) for x in source.inputs))


def _picked(op: Lookup, x: Node, index: Node, node: Node) -> Node:
    number = uniform(x)
    if number is not None:
        return full(node.shape, number, x.dtype, weak=x.tensor.weak)
    return apply(op, x, index)


def _picked_repeat(node: Node) -> Node | None:
    """One element per row, along an axis that repeats, is that element."""
    op = node.op
    source, index = node.inputs
    assert isinstance(op, Lookup)
    spreading = source.op
    if not op.paired or index.shape[op.axis] != 1 or not isinstance(spreading, Spread):
        return None
    if op.axis not in spreading.axes:
        return None
    return apply(Spread(node.shape, spreading.axes), source.inputs[0])


INDEXING = (
    Rule("f(x)[i] = f(x[i])", Lookup, _picked_earlier, exact=True),
    Rule("spread(x)[i] = x", Lookup, _picked_repeat, exact=True),
    Rule(
        "-scatter(0, i, u) = scatter(0, i, -u)",
        Neg,
        _negated,
        exact=False,
        because="a pass over less; 0.0 is left where there was -0.0",
    ),
    Rule("sum(scatter(0, i, u)) = sum(u)", Sum, _summed, exact=False, because="no pass over zeros"),
    Rule("y + scatter(0, i, u) = scatter(y, i, u)", Add, _added, exact=False, because="no pass over zeros"),
)
