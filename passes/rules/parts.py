"""Where the parts of concatenations begin and end, and parts cut at other places."""

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from itertools import pairwise

from graphc.ir.apply import apply
from graphc.ir.node import Node
from graphc.ops.placement import Concat, Slice, moved
from graphc.sizes import Size, lower_bound

__all__ = [
    "MOST_APART",
    "all_ones",
    "are_known",
    "but",
    "cut_where_any_ends",
    "first_above",
    "is_below",
    "last_below",
    "parts_between",
    "starts_of",
]

MOST_APART = 8  # parts that are computed apart


def is_below(a: Size, b: Size) -> bool:
    """Whether a <= b, for all values of the symbols."""
    if isinstance(a, int) and isinstance(b, int):
        return a <= b
    low = lower_bound(b - a)
    return low is not None and low >= 0


def all_ones(steps: Sequence[int]) -> bool:
    return all(step == 1 for step in steps)


def starts_of(node: Node) -> tuple[Size, ...]:
    """Where the parts of a concatenation begin, and where the last one ends."""
    assert isinstance(node.op, Concat)
    found: list[Size] = [0]
    for part in node.inputs:
        found.append(found[-1] + part.shape[node.op.axis])
    return tuple(found)


def are_known(node: Node) -> bool:
    """Whether it is known where all parts of a concatenation begin: an open one may stand among others."""
    return all(isinstance(start, int) for start in starts_of(node))


def last_below(starts: tuple[Size, ...], place: Size, *, known: bool) -> int | None:
    """The last part that begins at a place or before; None where that is not decided."""
    if isinstance(place, int) and known:
        return min(bisect_right(starts, place), len(starts) - 1) - 1
    return next((i for i in range(len(starts) - 2, -1, -1) if is_below(starts[i], place)), None)


def first_above(starts: tuple[Size, ...], place: Size, first: int, *, known: bool) -> int | None:
    """The first start, after that of part `first`, which is at a place or behind; None where that is not decided."""
    if isinstance(place, int) and known:
        return bisect_left(starts, place, first + 1)
    return next((i for i in range(first + 1, len(starts)) if is_below(place, starts[i])), None)


def but(sizes: Sequence[Size], axis: int, size: Size) -> tuple[Size, ...]:
    """The sizes, with another along an axis."""
    return (*sizes[:axis], size, *sizes[axis + 1 :])


def cut_where_any_ends(whole: Node, others: Sequence[Node]) -> Node:
    """A concatenation whose parts are cut where parts of others along its axis end, if these places are known."""
    assert isinstance(whole.op, Concat)
    starts, *more = (starts_of(x) for x in (whole, *others))
    if all(each == starts for each in more) or not all(map(are_known, (whole, *others))):
        return whole
    places = sorted({place for each in (starts, *more) for place in each if isinstance(place, int)})
    if len(places) > MOST_APART + 1:
        return whole
    return apply(whole.op, *parts_between(whole, places))


def parts_between(whole: Node, places: Sequence[int]) -> list[Node]:
    """The parts of a concatenation, cut at some places, among which all are where one of them ends."""
    assert isinstance(whole.op, Concat)
    axis, starts = whole.op.axis, starts_of(whole)
    found: list[Node] = []
    for start, stop in pairwise(places):
        number = last_below(starts, start, known=True)
        assert number is not None, (whole, start)
        part = whole.inputs[number]
        ones, first = (1,) * whole.ndim, but((0,) * whole.ndim, axis, start - starts[number])
        found.append(moved(Slice(first, ones, but(part.shape, axis, stop - start)), part))
    return found
