"""Identities of scattering: a scatter into zeros is not written out where something smaller does."""

from graphc.ir.apply import apply
from graphc.ir.arithmetic import Neg, Spread, Sum, sum_over
from graphc.ir.kinds import Elementwise, Lookup, Scatter
from graphc.ir.leaves import full, uniform
from graphc.ir.node import Node
from graphc.kernel.monoids import Monoid
from graphc.passes.matching import Match, hole, on
from graphc.passes.rewrite import Rule

__all__ = ["INDEXING"]


def _into_zeros(node: Node) -> bool:
    """Whether a node is elements added into zeros."""
    return isinstance(node.op, Scatter) and node.op.monoid is Monoid.SUM and uniform(node.inputs[0]) == 0


def _negated(match: Match) -> Node:
    """-(scatter of u) = scatter of -u."""
    zeros, index, updates = match[scattered].inputs
    return apply(match[scattered].op, zeros, index, apply(Neg(), updates))


def _summed(match: Match) -> Node | None:
    """The sum along the axis that is scattered to is the sum of what is scattered."""
    op, inner = match.node.op, match[scattered].op
    assert isinstance(op, Sum)
    assert isinstance(inner, Scatter)
    if not inner.paired or op.axes != (inner.axis,):
        return None
    return sum_over(match[scattered].inputs[2], op.axes)


def _added(match: Match) -> Node | None:
    """y + (scatter of u into zeros) = scatter of u into y."""
    other = match[y]
    return None if _into_zeros(other) else apply(match[scattered].op, other, *match[scattered].inputs[1:])


def _picks_one(match: Match) -> bool:
    """Whether a lookup takes one element of each row."""
    op = match.node.op
    assert isinstance(op, Lookup)
    return op.paired and match[index].shape[op.axis] == 1


def _picked_earlier(match: Match) -> Node | None:
    """One element per row of f(x, y) is f of one element per row of x and of y."""
    if not _picks_one(match):
        return None
    return apply(match[source].op, *[_picked(match, x) for x in match[source].inputs])


def _picked(match: Match, x: Node) -> Node:
    number = uniform(x)
    if number is not None:
        return full(match.node.shape, number, x.dtype, weak=x.tensor.weak)
    return apply(match.node.op, x, match[index])


def _picked_repeat(match: Match) -> Node | None:
    """One element per row, along an axis that repeats, is that element."""
    op, spreading = match.node.op, match[source].op
    assert isinstance(op, Lookup)
    assert isinstance(spreading, Spread)
    if not _picks_one(match) or op.axis not in spreading.axes:
        return None
    return apply(Spread(match.node.shape, spreading.axes), match[source].inputs[0])


y, source, index = hole("y"), hole("x"), hole("i")
scattered = hole("scatter(0, i, u)", Scatter, only=_into_zeros)

INDEXING = (
    Rule(on(Lookup, on(Elementwise, called=source), index), _picked_earlier, exact=True, called="f(x)[i] = f(x[i])"),
    Rule(on(Lookup, on(Spread, called=source), index), _picked_repeat, exact=True, called="spread(x)[i] = x"),
    Rule(
        on(Neg, scattered),
        _negated,
        exact=False,
        because="a pass over less; 0.0 is left where there was -0.0",
        called="-scatter(0, i, u) = scatter(0, i, -u)",
    ),
    Rule(
        on(Sum, scattered), _summed, exact=False, because="no pass over zeros", called="sum(scatter(0, i, u)) = sum(u)"
    ),
    Rule(
        y + scattered,
        _added,
        exact=False,
        because="no pass over zeros",
        called="y + scatter(0, i, u) = scatter(y, i, u)",
    ),
)
