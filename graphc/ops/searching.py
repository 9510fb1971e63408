"""Where elements are: places in a sorted array, places that are not 0, the elements that differ."""

from typing import Literal, TypeAlias

from graphc.errors import ShapeError, UnsupportedError
from graphc.ir.apply import apply, locate
from graphc.ir.arithmetic import sum_over
from graphc.ir.given import a_choice, a_count, a_size
from graphc.ir.leaves import full, size_node
from graphc.ir.node import Like, Node
from graphc.ir.operands import as_node, cast, one_number, where
from graphc.ops.creation import iota
from graphc.ops.indexing import ScatterAdd, Take, take
from graphc.ops.logic import equal, isnan, less, less_equal, logical_and, logical_not, logical_or, not_equal
from graphc.ops.movement import concat, ravel, reshape, split
from graphc.ops.piecewise import maximum, minimum
from graphc.ops.running import cumsum
from graphc.ops.sorting import argsort
from graphc.ops.stepping import floordiv, remainder
from graphc.origin import here
from graphc.sizes import Size
from graphc.types import INT64, is_floating, promote

__all__ = ["nonzero", "searchsorted", "unique", "unique_counts", "unique_inverse"]

Side: TypeAlias = Literal["left", "right"]


def searchsorted(x: Like, values: Like, side: Side = "left") -> Node:
    """Where values go in a sorted row, int64: "left" before elements equal to them, "right" after.

    x [n], in ascending order   values [...]   ->   [...], from 0 to n

    A nan counts as larger than every number.  Bisection for an n that is a number; for a size a sort of both.

    No slope.
    """
    row, wanted = as_node(x), as_node(values)
    if row.ndim != 1:
        problem = f"searchsorted: the sorted array has rank {row.ndim}, not 1"
        raise locate(ShapeError(problem), here(), (row, wanted))
    a_choice("searchsorted", "the side", side, ("left", "right"), row, wanted)
    dtype = promote(row.tensor, wanted.tensor)
    row, wanted = cast(row, dtype), cast(wanted, dtype)
    (n,) = row.shape
    return _by_bisection(row, wanted, side, n) if isinstance(n, int) else _by_sorting(row, wanted, side)


def _by_bisection(row: Node, wanted: Node, side: Side, n: int) -> Node:
    """Steps of half the length each: go on where the element there still comes before the wanted one."""
    place = full(wanted.shape, 0, INT64)
    for exponent in reversed(range(n.bit_length())):
        further = place + 2**exponent
        element = apply(Take(0, checked=False), row, minimum(further, n) - 1)
        before = _is_before(element, wanted) if side == "left" else logical_not(_is_before(wanted, element))
        place = where(logical_and(less_equal(further, n), before), further, place)
    return place


def _is_before(x: Node, y: Node) -> Node:
    """x < y in the order of a sort, where nan is last."""
    if not is_floating(x.dtype):
        return less(x, y)
    return logical_or(less(x, y), logical_and(isnan(y), logical_not(isnan(x))))


def _by_sorting(row: Node, wanted: Node, side: Side) -> Node:
    """Sort row and values together, and count the elements of the row up to each value."""
    values = ravel(wanted)
    n, m = row.size, values.size
    first, second, length = (values, row, m) if side == "left" else (row, values, n)
    order = argsort(concat((first, second)))  # stable: of equal elements those of `first` come first
    is_second = logical_not(less(order, size_node(length)))
    counted = cumsum(is_second if side == "left" else logical_not(is_second))
    stands = split(argsort(order), (length,))[0 if side == "left" else 1]
    return reshape(apply(Take(0, checked=False), counted, stands), wanted.shape)


def nonzero(x: Like, *, size: "Size | None" = None, fill_value: int = 0) -> tuple[Node, ...]:
    """The places of the first `size` elements that are not 0, in row-major order: int64, one array per axis.

    [n...]   ->   [size] for each axis

    Where there are fewer, `fill_value` stands for the rest.

    No slope.  Raises UnsupportedError without `size`.
    """
    node = as_node(x)
    if node.ndim == 0:
        raise locate(ShapeError("nonzero: a number has no places", hint="x.reshape(1)"), here(), (node,))
    count = _counted("nonzero", size, node, "gx.where(x != 0, a, b) keeps the shape")
    places, is_there = _first(ravel(not_equal(node, 0)), count)
    filling = size_node(a_size("nonzero", "fill_value", fill_value))
    found: list[Node] = []
    for n in reversed(node.shape):
        found.append(where(is_there, remainder(places, maximum(size_node(n), 1)), filling))
        places = floordiv(places, maximum(size_node(n), 1))
    return tuple(reversed(found))


def unique(x: Like, *, axis: int | None = None, size: "Size | None" = None, fill_value: "Like | None" = None) -> Node:
    """The elements that differ, in ascending order: the first `size` of them.  [...]   ->   [size]

    Where there are fewer, `fill_value` stands for the rest, or the first element.  All nan are one.  The first
    of equal elements, in row-major order, gets the gradient.  NumPy's `axis`, by which rows are compared, is refused.

    Slopes: 1 for that element, else 0.  Raises UnsupportedError without `size`.
    """
    if axis is not None:
        problem = "unique: elements are compared, not the slices along an axis"
        hint = "a number for each row, such as its sum with random weights, tells rows apart"
        raise locate(UnsupportedError(problem, hint=hint), here(), (as_node(x),))
    return _distinct("unique", x, size, fill_value)[0]


def unique_counts(x: Like, *, size: "Size | None" = None, fill_value: "Like | None" = None) -> tuple[Node, Node]:
    """The elements that differ, and how often each stands there, int64; 0 for what is filled in.  See `unique`.

    [...]   ->   [size] twice.  Slopes: those of `unique`; none by counts.
    """
    values, _, number = _distinct("unique_counts", x, size, fill_value)
    assert size is not None
    return values, _gathered(number, full(number.shape, 1, INT64), size)


def unique_inverse(x: Like, *, size: "Size | None" = None, fill_value: "Like | None" = None) -> tuple[Node, Node]:
    """The elements that differ, and of each element of `x` its place among them, int64.  See `unique`.

    Elements beyond the first `size` that differ have the place `size`.

    [...]   ->   [size], [...].  Slopes: those of `unique`; none by places.
    """
    values, order, number = _distinct("unique_inverse", x, size, fill_value)
    assert size is not None
    stands = apply(Take(0, checked=False), minimum(number, size_node(size)), argsort(order))
    return values, reshape(stands, as_node(x).shape)


def _distinct(name: str, x: Like, size: "Size | None", fill_value: "Like | None") -> tuple[Node, Node, Node]:
    """The different elements; where the sorted ones stand in `x`; which of the different ones each of them is."""
    row = ravel(as_node(x))
    count = _counted(name, size, row, "gx.sort puts equal elements side by side")
    read = Take(0, checked=False)
    order = argsort(row)
    ranked = apply(read, row, order)
    place = iota(row.shape[0])
    before = apply(read, ranked, maximum(place - 1, 0))
    differs = not_equal(ranked, before)
    if is_floating(row.dtype):
        differs = logical_and(differs, logical_not(logical_and(isnan(ranked), isnan(before))))
    is_new = logical_or(equal(place, 0), differs)
    places, is_there = _first(is_new, count)
    values = take(ranked, places, 0)  # checked: there is no element to fill in where there is none at all
    if fill_value is not None:
        values = where(is_there, values, cast(one_number(name, "fill_value", fill_value), values.dtype))
    return values, order, cumsum(is_new) - 1


def _first(mask: Node, count: Size) -> tuple[Node, Node]:
    """The places where a mask holds, 0 for those it lacks, and which there are.  [n]   ->   [count] twice"""
    number = cumsum(mask) - 1
    target = where(mask, number, size_node(count))
    is_there = less(iota(count), sum_over(mask, (0,)))
    return _gathered(target, iota(mask.shape[0]), count), is_there


def _gathered(target: Node, values: Node, count: Size) -> Node:
    """Values added up at their targets; what goes beyond is left out.  [n]   ->   [count]"""
    base = full((count + 1,), 0, INT64)
    added = apply(ScatterAdd(0, checked=False), base, minimum(target, size_node(count)), values)
    return split(added, (count,))[0]


def _counted(name: str, size: "Size | None", x: Node, instead: str) -> Size:
    """`size`, which has to be given."""
    if size is None:
        problem = f"{name}: the number of results is not known before the call"
        raise locate(UnsupportedError(problem, hint=f"size=n gives n of them; {instead}"), here(), (x,))
    return a_count(name, "size", size, x)
