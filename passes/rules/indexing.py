"""Identities of lookups and scatters: what is looked up earlier, or at known places, and what adds to zeros."""

from typing import Any

import numpy as np

from graphc.ir.apply import apply
from graphc.ir.arithmetic import Neg, Spread, Sum, sum_over
from graphc.ir.arithmetic import spread as repeated
from graphc.ir.kinds import Elementwise, Lookup, Scatter
from graphc.ir.leaves import ConstantValue, full, uniform
from graphc.ir.node import Node
from graphc.kernel.monoids import Monoid
from graphc.ops.creation import Iota
from graphc.ops.indexing import Take
from graphc.ops.placement import Pick, Slice, moved
from graphc.passes.labels import is_single
from graphc.passes.matching import Match, hole, on
from graphc.passes.rewrite import Rule
from graphc.sizes import Size, lower_bound

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
    """Whether a lookup takes one element of each row, or of a vector."""
    op = match.node.op
    assert isinstance(op, Lookup)
    return is_single(op, match[index], match[source])


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
    if not op.paired or not _picks_one(match) or op.axis not in spreading.axes:
        return None
    return apply(Spread(match.node.shape, spreading.axes), match[source].inputs[0])


# Places that are known.


def _along(match: Match) -> tuple[Size, Size, int] | None:
    """Start, length and step of the slice that a lookup is, whose indices are known and go up evenly."""
    places = match[index]
    n = match[source].shape[_lookup(match).axis]
    if isinstance(places.op, Iota):
        low = lower_bound(n - places.op.size)
        return (0, places.op.size, 1) if low is not None and low >= 0 else None
    if not isinstance(places.op, ConstantValue) or not isinstance(n, int) or places.ndim != 1:
        return None
    found = np.broadcast_to(places.op.array, places.shape[0]) if isinstance(places.shape[0], int) else None
    if found is None or not found.size or found.min() < -n or found.max() >= n:
        return None
    steps = np.unique(np.diff(found % n))
    if len(steps) > 1 or (len(steps) == 1 and steps[0] == 0):
        return None
    return int(found[0]) % n, len(found), int(steps[0]) if len(steps) else 1


def _sliced(match: Match) -> Node | None:
    """A lookup at known places that go up evenly is a slice."""
    op, x = _lookup(match), match[source]
    along = None if op.paired or op.leading else _along(match)
    if along is None:
        return None
    start, length, step = along
    return moved(
        Slice(
            tuple(start if axis == op.axis else 0 for axis in range(x.ndim)),
            tuple(step if axis == op.axis else 1 for axis in range(x.ndim)),
            tuple(length if axis == op.axis else n for axis, n in enumerate(x.shape)),
        ),
        x,
    )


def _at_one_place(match: Match) -> Node | None:
    """A lookup at one known place drops the axis."""
    op, place = _lookup(match), uniform(match[index])
    n = match[source].shape[op.axis]
    if op.paired or op.leading or match[index].shape or not isinstance(place, int) or not isinstance(n, int):
        return None
    return moved(Pick((op.axis,), (place % n,)), match[source]) if -n <= place < n else None


# Lookups of lookups, and of what repeats.


def _looked_up_once(match: Match) -> Node | None:
    """x[i][j] = x[i[j]]: of indices only, where x[i] is read here alone."""
    outer, inner = _lookup(match), match[before].op
    assert isinstance(inner, Take)
    x, first = match[before].inputs
    if outer.paired or inner.paired or outer.leading or inner.leading or first.ndim != 1 or outer.axis != inner.axis:
        return None
    if not match.alone_reads(match[before]):
        return None
    places = apply(Take(0, checked=False), first, match[index])
    return apply(Take(inner.axis, checked=False), x, places)


def _repeats_looked_up(match: Match) -> Node | None:
    """Slices along an axis that repeats are all the same."""
    op, spreading = _lookup(match), match[source].op
    assert isinstance(spreading, Spread)
    if op.paired or op.leading or op.axis not in spreading.axes:
        return None
    rank = match[index].ndim
    new = [axis if axis < op.axis else axis + rank - 1 for axis in spreading.axes if axis != op.axis]
    new += range(op.axis, op.axis + rank)
    return repeated(match[source].inputs[0], match.node.shape, sorted(new))


def _sliced_before(match: Match) -> Node | None:
    """A slice of what is looked up is looked up at fewer places, or in less, where it alone reads that."""
    op, looking = match.node.op, match[before].op
    assert isinstance(op, Slice)
    assert isinstance(looking, Take)
    if looking.paired or looking.leading or not match.alone_reads(match[before]):
        return None
    x, places = match[before].inputs
    if places.ndim == 0:
        return None
    axis, end = looking.axis, looking.axis + places.ndim

    def part(whole: tuple[Any, ...], of_index: Any) -> tuple[Any, ...]:  # Any: starts, steps or lengths
        return (*whole[:axis], of_index, *whole[end:])

    less = moved(Slice(part(op.starts, 0), part(op.steps, 1), part(op.lengths, x.shape[axis])), x)
    fewer = moved(Slice(op.starts[axis:end], op.steps[axis:end], op.lengths[axis:end]), places)
    return apply(Take(axis, checked=False), less, fewer)


def _lookup(match: Match) -> Take:
    op = match.node.op
    assert isinstance(op, Take)
    return op


y, source, index = hole("y"), hole("x"), hole("i")
before = hole("x[i]", Take)
scattered = hole("scatter(0, i, u)", Scatter, only=_into_zeros)

INDEXING = (
    Rule(on(Take, source, index), _sliced, exact=True, called="x[arange(n)] = x[:n]"),
    Rule(on(Take, source, index), _at_one_place, exact=True, called="x[i] = x at a known place"),
    Rule(on(Take, before, index), _looked_up_once, exact=True, called="x[i][j] = x[i[j]]"),
    Rule(on(Take, on(Spread, called=source), index), _repeats_looked_up, exact=True, called="spread(x)[i] = spread(x)"),
    Rule(on(Slice, before), _sliced_before, exact=True, called="x[i][a:b] = x[i[a:b]]"),
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
