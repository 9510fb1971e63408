"""Identities of one-hot arrays: a product with one is a lookup, or a scatter."""

from typing import NamedTuple

from graphc.ir.apply import apply
from graphc.ir.arithmetic import Cast, Compare, Mul, Spread, Squeeze, Sum, spread
from graphc.ir.leaves import full
from graphc.ir.node import Node
from graphc.ir.operands import where
from graphc.kernel.scalar import Fn
from graphc.ops.contraction import Contraction
from graphc.ops.creation import Iota
from graphc.ops.indexing import ScatterAdd, Take
from graphc.ops.logic import greater_equal, less, logical_and
from graphc.ops.movement import transpose
from graphc.ops.placement import moved
from graphc.passes.matching import Match, hole, on
from graphc.passes.pipeline import Spill
from graphc.passes.rewrite import Rule
from graphc.passes.rules.contraction import aligned, labelled
from graphc.sizes import Size, estimate, lower_bound
from graphc.types import BOOL, INT64

__all__ = ["ONE_HOT", "one_hot_of"]


# Classes from which on it pays: a product with few is faster than picking rows out.  With 64 columns and 256 indices
# NumPy takes for 10 and for 1000 classes 16 and 590 µs for either product, and 55 µs to look up, 250 µs to scatter; and
# for the product and sum over the classes 9 and 274 µs, 11 µs to pick.
_TO_LOOK_UP, _TO_SCATTER, _TO_PICK = 64, 512, 32


class _OneHot(NamedTuple):
    """1 at the index along `axis`, which the index lacks, and 0 elsewhere; no 1 where the index is out of range."""

    places: Node
    axis: int
    classes: Size

    def has(self, most: int) -> bool:
        """Whether there are at least so many classes; an open size counts as its hint."""
        return estimate(self.classes) >= most

    def inside(self) -> Node:
        """Whether indices are in range."""
        return logical_and(greater_equal(self.places, 0), less(self.places, self.classes))

    def safe(self) -> Node:
        """The indices, 0 in place of those that are out of range."""
        return where(self.inside(), self.places, 0)


def one_hot_of(node: Node) -> _OneHot | None:
    """What a node is the one-hot array of."""
    if not (isinstance(node.op, Cast) and node.op.dtype != BOOL and isinstance(node.inputs[0].op, Compare)):
        return None
    comparison = node.inputs[0]
    if comparison.op != Compare(Fn.EQ):
        return None
    for counting, index in (comparison.inputs, comparison.inputs[::-1]):
        axis = _counted(counting)
        if axis is None or index.dtype != INT64 or (lower_bound(node.shape[axis]) or 0) < 1:
            continue
        op = index.op
        if isinstance(op, Spread) and axis in op.axes:
            shape = (*node.shape[:axis], *node.shape[axis + 1 :])
            others = tuple(other - (other > axis) for other in op.axes if other != axis)
            return _OneHot(spread(index.inputs[0], shape, others), axis, node.shape[axis])
    return None


def _counted(node: Node) -> int | None:
    """The axis along which a node is 0, 1, 2 ..."""
    if isinstance(node.op, Iota):
        return 0
    if isinstance(node.op, Spread) and isinstance(node.inputs[0].op, Iota):
        return next(axis for axis in range(node.ndim) if axis not in node.op.axes)
    return None


def _looked_up(match: Match) -> Node | None:
    """A product with a one-hot array: summed over the classes it is a lookup, summed over the index a scatter."""
    whole = labelled(match.node)
    if whole is None:
        return None
    (_, others), (x, labels) = whole.sides(match[hot])
    found = one_hot_of(match[hot])
    if found is None:
        return None
    kind = others[found.axis]
    places = tuple(label for label in others if label != kind)
    if kind in whole.summed and found.has(_TO_LOOK_UP) and not set(places) & set(labels):
        axis = labels.index(kind)
        taken = apply(Take(axis, checked=False), x, found.safe())
        names = (*labels[:axis], *places, *labels[axis + 1 :])
        inside = spread(found.inside(), taken.shape, [i for i, label in enumerate(names) if label not in places])
        return aligned(where(inside, taken, 0), names, match.node, whole.out)
    if kind not in labels and found.has(_TO_SCATTER) and whole.summed == set(places) <= set(labels):
        kept = tuple(label for label in labels if label not in places)
        order = [labels.index(label) for label in (*places, *kept)]
        x = transpose(x, order) if order != sorted(order) else x
        inside = spread(found.inside(), x.shape, range(len(places), x.ndim))
        start = full((found.classes, *x.shape[len(places) :]), 0, x.dtype)
        added = apply(ScatterAdd(0, checked=False), start, found.safe(), where(inside, x, 0))
        return aligned(added, (kind, *kept), match.node, whole.out)
    return None


def _picked(match: Match) -> Node | None:
    """The sum of a product with a one-hot array, over its classes, is one element of each row."""
    found = one_hot_of(match[hot])
    op = match.node.op
    assert isinstance(op, Sum)
    if found is None or not found.has(_TO_PICK) or op.axes != (found.axis,) or match[x].dtype != match.node.dtype:
        return None
    shape = tuple(1 if axis == found.axis else n for axis, n in enumerate(match[x].shape))
    row = apply(Take(found.axis, paired=True, checked=False), match[x], spread(found.safe(), shape, (found.axis,)))
    return where(found.inside(), moved(Squeeze((found.axis,)), row), 0)


x, hot = hole("x"), hole("one_hot(i)", Cast, only=lambda node: isinstance(node.inputs[0].op, Compare))
_BECAUSE = "reads one element in place of all; keeps it beside an infinity, which 0 times it would make nan"

ONE_HOT = tuple(
    Rule(left, right, exact=False, because=_BECAUSE, called=called, spill=Spill.LESS)
    for left, right, called in (
        (on(Contraction, hot, x), _looked_up, "one_hot(i) @ x = x[i]"),
        (on(Contraction, x, hot), _looked_up, "x @ one_hot(i) = x[:, i]"),
        (on(Sum, on(Mul, x, hot)), _picked, "sum(x * one_hot(i)) = x[i]"),
    )
)
