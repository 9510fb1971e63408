"""Combining elements into an array at indices that come from data: set, multiply, largest, smallest."""

from collections.abc import Sequence
from typing import ClassVar, final

from graphc.autodiff.reverse import pull_back_of
from graphc.errors import UnsupportedError
from graphc.ir.apply import apply, locate
from graphc.ir.arithmetic import ones_like, spread
from graphc.ir.kinds import Differentiable
from graphc.ir.leaves import full, size_node
from graphc.ir.node import Node
from graphc.ir.operands import accumulated, cast, where
from graphc.kernel.monoids import Monoid
from graphc.ops.creation import iota
from graphc.ops.extremes import behind
from graphc.ops.indexing import ScatterAdd, Take, Written
from graphc.ops.logic import equal, greater_equal, logical_not
from graphc.ops.movement import reshape
from graphc.ops.padding import pad
from graphc.ops.piecewise import maximum
from graphc.ops.running import delayed
from graphc.ops.sorting import argsort
from graphc.ops.stepping import remainder
from graphc.sizes import lower_bound, product
from graphc.sizes import maximum as larger
from graphc.types import INT64, TensorType

__all__ = ["ScatterMax", "ScatterMin", "ScatterMultiply", "last_written"]


class ScatterExtreme(Written, Differentiable):
    """The extreme of an element and the updates that meet there.  Those that reach it share the cotangent."""

    def vjp(self, node: Node, cotangents: Sequence[Node | None]) -> Sequence[Node | None]:
        return _shared(self, node, cotangents)


@final
class ScatterMax(ScatterExtreme):
    """Operand 0, where larger replaced by operand 2 at the indices of operand 1 (see `Scatter`).

    Of the element and the updates that meet there, equal ones that are largest share the cotangent equally.
    """

    axis: int
    leading: int = 0
    paired: bool = False
    checked: bool = False
    name: ClassVar[str] = "scatter_max"
    monoid: ClassVar[Monoid] = Monoid.MAX


@final
class ScatterMin(ScatterExtreme):
    """Operand 0, where smaller replaced by operand 2 at the indices of operand 1: see `ScatterMax`."""

    axis: int
    leading: int = 0
    paired: bool = False
    checked: bool = False
    name: ClassVar[str] = "scatter_min"
    monoid: ClassVar[Monoid] = Monoid.MIN


def _shared(
    op: ScatterExtreme, node: Node, cotangents: Sequence[Node | None]
) -> tuple[Node | None, Node | None, Node | None]:
    """The cotangent of an extreme, shared equally among the element and the updates that reach it."""
    base, index, updates = node.inputs
    (cotangent,) = cotangents
    if cotangent is None:
        return None, None, None
    read = Take(op.axis, op.leading, op.paired, checked=False)
    kept = logical_not(behind(op.monoid, base, node))
    won = logical_not(behind(op.monoid, updates, apply(read, node, index)))
    add = ScatterAdd(op.axis, op.leading, op.paired, checked=False)
    share = cotangent / accumulated(add, cast(kept, node.dtype), index, cast(won, node.dtype))
    return where(kept, share, 0.0), None, where(won, apply(read, share, index), 0.0)


@final
class ScatterMultiply(Written, Differentiable):
    """Operand 0, multiplied by operand 2 at the indices of operand 1 (see `Scatter`).

    The cotangent is that of a product in which nothing is divided: it holds at zeros, to any order.  The updates
    are sorted by index, and those of one index multiplied by log n doublings (see `CumProd`).
    """

    axis: int
    leading: int = 0
    paired: bool = False
    checked: bool = False
    name: ClassVar[str] = "scatter_multiply"
    monoid: ClassVar[Monoid] = Monoid.PROD

    def infer(self, *types: TensorType) -> TensorType:
        assert not self.paired, self
        return TensorType(types[0].shape, types[0].dtype)

    def vjp(self, node: Node, cotangents: Sequence[Node | None]) -> Sequence[Node | None]:
        (cotangent,) = cotangents
        if cotangent is None:
            return None, None, None
        m = product(node.inputs[1].shape[self.leading :])
        if not isinstance(m, int):
            problem = f"multiply: no derivative for {node.inputs[1].type} indices, whose number is not known"
            error = UnsupportedError(problem, hint="declare the extents of the index as numbers")
            raise locate(error, node.origin, node.inputs)
        return pull_back_of(lambda *operands: self._by_doubling(m, *operands), node.inputs, cotangent)

    def _by_doubling(self, m: int, base: Node, index: Node, updates: Node) -> Node:
        """The same from products of pairs, of `m` indices."""
        n = base.shape[self.axis]
        batch, places = index.shape[: self.leading], index.shape[self.leading :]
        rows = remainder(reshape(index, (*batch, m)), size_node(n))
        order = argsort(rows)
        joined = (*updates.shape[: self.axis], m, *updates.shape[self.axis + len(places) :])
        read = Take(self.axis, self.leading, checked=False)
        factors = apply(read, reshape(updates, joined), order)
        rows = apply(Take(self.leading, self.leading, checked=False), rows, order)
        distance = 1
        while distance < m:
            is_same = _beside(equal(rows, delayed(rows, self.leading, distance, -1)), factors, self.axis)
            factor = where(is_same, delayed(factors, self.axis, distance, 1), ones_like(factors))
            factors, distance = factors * factor, 2 * distance
        return base * last_written(ones_like(base), rows, factors, self.axis, self.leading)


def last_written(base: Node, index: Node, updates: Node, axis: int, leading: int = 0, *, checked: bool = False) -> Node:
    """`base`, where replaced by the last of the updates that an index brings there, in row-major order.

    The operands are those of a Scatter.  Where nothing is written stands `base`; an update that another one
    replaces has no gradient.
    """
    batch, places = index.shape[:leading], index.shape[leading:]
    m = product(places)
    if m == 0:
        return base
    rows = reshape(index, (*batch, m))
    joined = reshape(updates, (*updates.shape[:axis], m, *updates.shape[axis + len(places) :]))
    if not (lower_bound(m) or 0) > 0:  # there is something to read, also where no index is
        one_more = [(0, larger(1 - m, 0)) if i == axis else (0, 0) for i in range(joined.ndim)]
        joined = pad(joined, one_more)
    order = spread(iota(m), rows.shape, range(leading))
    nothing = full((*batch, base.shape[axis]), -1, INT64)
    last = apply(ScatterMax(leading, leading, checked=checked), nothing, rows, order)
    found = apply(Take(axis, leading, checked=False), joined, maximum(last, 0))
    return where(_beside(greater_equal(last, 0), base, axis), found, base)


def _beside(x: Node, other: Node, axis: int) -> Node:
    """`x`, which has the axes of the batch and `axis`, repeated along all others of `other`."""
    kept = (*range(x.ndim - 1), axis)
    return spread(x, other.shape, tuple(i for i in range(other.ndim) if i not in kept))
