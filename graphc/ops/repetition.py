"""Elements repeated next to each other."""

from collections.abc import Sequence
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from graphc.errors import ArgumentError, ShapeError
from graphc.ir.apply import apply, locate
from graphc.ir.arithmetic import spread
from graphc.ir.given import an_extent
from graphc.ir.leaves import constant_array
from graphc.ir.node import Like, Node
from graphc.ir.operands import as_node
from graphc.ir.values import as_numbers
from graphc.ops.axes import one_axis
from graphc.ops.indexing import Take
from graphc.ops.movement import broadcast_to, ravel, reshape
from graphc.origin import here
from graphc.printable import described
from graphc.sizes import Size, equal

__all__ = ["repeat"]

Counts: TypeAlias = "Size | Sequence[int] | npt.NDArray[np.integer]"


def repeat(x: Like, count: Counts, axis: int | None = None) -> Node:
    """Every element `count` times, next to each other, along `axis`; along one axis of all elements for None.

    x [..., n, ...]   ->   [..., n count, ...]; a number for each of the n elements gives their sum in its place

    x [..., n, ...]   ->   [..., n count, ...].  Adjoint: the sums over what one element became.
    """
    node, axis = (ravel(x), 0) if axis is None else (as_node(x), axis)
    i = one_axis("repeat", axis, node.ndim, node)
    _require_known(count, node)
    if isinstance(count, list | tuple) or (isinstance(count, np.ndarray) and count.ndim):
        return _each_its_own(node, _counts(node, count), i)
    times = an_extent("repeat", "the count", count, node)
    before, n, after = node.shape[:i], node.shape[i], node.shape[i + 1 :]
    return reshape(spread(node, (*before, n, times, *after), (i + 1,)), (*before, n * times, *after))


def _require_known(count: object, x: Node) -> None:
    """Raise where the extent of the result would come with the call."""
    if isinstance(count, Node):
        hint = "numbers, or a size: how many elements there are is known before the call"
        raise locate(ArgumentError("repeat: the count is a node", hint=hint), here(), (x, count))


def _counts(x: Node, given: object) -> npt.NDArray[np.int64]:
    """A number of times for each element."""
    counts = as_numbers(given, "repeat: the counts")
    if counts.ndim != 1 or (counts.size and counts.dtype.kind not in "iu"):
        problem = f"repeat: the counts are a list of ints, not {described(given)}"
        raise locate(ArgumentError(problem), here(), (x,))
    for times in (int(counts.min(initial=0)), sum(map(int, counts))):
        an_extent("repeat", "a count, or their sum,", times, x)
    return counts.astype(np.int64)


def _each_its_own(x: Node, counts: npt.NDArray[np.int64], axis: int) -> Node:
    """Element i of an axis as often as count i says; one count is for all."""
    n = x.shape[axis]
    if len(counts) == 1:
        return repeat(x, int(counts[0]), axis)
    if equal(n, len(counts)) is False:
        problem = f"repeat: {len(counts)} counts for the {n} elements of axis {axis}"
        raise locate(ShapeError(problem), here(), (x,))
    known = broadcast_to(x, (*x.shape[:axis], len(counts), *x.shape[axis + 1 :]))
    return apply(Take(axis, checked=False), known, constant_array(np.repeat(np.arange(len(counts)), counts)))
