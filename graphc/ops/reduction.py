"""Sums and products over axes, any and all."""

from collections.abc import Callable, Sequence
from typing import ClassVar, final

from graphc.autodiff.reverse import pull_back_of
from graphc.ir.apply import apply
from graphc.ir.arithmetic import Div, Squeeze, Sum, ones_like, spread, sum_over, zeros_like
from graphc.ir.kinds import Constant, Differentiable, Reduction
from graphc.ir.node import Like, Node
from graphc.ir.operands import add, cast, in_dtype, mul, where
from graphc.kernel.monoids import Monoid
from graphc.ops.axes import Axes, some_axes, with_axes, without
from graphc.ops.creation import iota
from graphc.ops.logic import equal, truth
from graphc.ops.masks import first_number, selected
from graphc.ops.placement import Pad, Slice, moved
from graphc.types import BOOL, TensorType, accumulator, as_summed

__all__ = ["all", "any", "count_nonzero", "prod", "sum"]


@final
class Prod(Reduction, Differentiable):
    """The product over `axes`, which the result lacks; of nothing: 1.  The dtypes are those of Sum.

    Nothing is divided to get a cotangent, so it holds at zeros, to any order.  Along one axis it is that of a
    tree of products of two, in O(n).  Along an extent that is no number, element i gets the product of all
    elements with 1 in its place, in O(n²).
    """

    axes: tuple[int, ...]
    name: ClassVar[str] = "prod"
    monoid: ClassVar[Monoid] = Monoid.PROD

    def infer(self, *types: TensorType) -> TensorType:
        return TensorType(without(self.axes, types[0].shape), as_summed(types[0].dtype))

    def vjp(self, node: Node, cotangents: Sequence[Node | None]) -> Sequence[Node | None]:
        (x,), (cotangent,) = node.inputs, cotangents
        if cotangent is None:
            return (None,)
        if isinstance(cotangent.op, Div) and cotangent.inputs[1] is node:  # by its logarithm, which is none at 0
            return (spread(cotangent.inputs[0], x.shape, self.axes) / x,)
        *others, axis = self.axes
        if others:
            return pull_back_of(self._by_axis, [x], cotangent)
        n = x.shape[axis]
        if n == 0:
            return (zeros_like(x),)
        if isinstance(n, int):
            return pull_back_of(lambda x: _tree(x, axis, n), [x], cotangent)
        return (spread(cotangent, x.shape, (axis,)) * _products_of_others(x, axis),)

    def _by_axis(self, x: Node) -> Node:
        """The same, of one axis after the other."""
        for axis in reversed(self.axes):
            x = apply(Prod((axis,)), x)
        return x


def _tree(x: Node, axis: int, n: int) -> Node:
    """The product along an axis of extent n: of pairs, of pairs of pairs ..."""
    steps = (1,) * x.ndim
    while n > 1:
        half = (n + 1) // 2
        first = tuple(half if i == axis else m for i, m in enumerate(x.shape))
        rest = tuple(n - half if i == axis else m for i, m in enumerate(x.shape))
        low = moved(Slice((0,) * x.ndim, steps, first), x)
        high = moved(Slice(tuple(half if i == axis else 0 for i in range(x.ndim)), steps, rest), x)
        x = low * (high if first == rest else apply(Pad((0,) * x.ndim, steps, first, 1), high))
        n = half
    return moved(Squeeze((axis,)), x)


def _products_of_others(x: Node, axis: int) -> Node:
    """For each element along `axis` the product of all others."""
    n = x.shape[axis]
    square = (*x.shape[:axis], n, *x.shape[axis:])  # the element left out, then the factors
    others = tuple(i for i in range(x.ndim + 1) if i not in (axis, axis + 1))
    place, factor = (spread(iota(n), square, (*others, i)) for i in (axis + 1, axis))
    repeated = spread(x, square, (axis,))
    return apply(Prod((axis + 1,)), where(equal(place, factor), ones_like(repeated), repeated))


# Bools.


@final
class Any(Reduction, Constant):
    """Whether one over `axes` holds; of nothing: no."""

    axes: tuple[int, ...]
    name: ClassVar[str] = "any"
    monoid: ClassVar[Monoid] = Monoid.ANY

    def infer(self, *types: TensorType) -> TensorType:
        return TensorType(without(self.axes, types[0].shape), BOOL)


@final
class All(Reduction, Constant):
    """Whether all over `axes` hold; of nothing: yes."""

    axes: tuple[int, ...]
    name: ClassVar[str] = "all"
    monoid: ClassVar[Monoid] = Monoid.ALL

    def infer(self, *types: TensorType) -> TensorType:
        return TensorType(without(self.axes, types[0].shape), BOOL)


def sum(
    x: Like,
    axis: Axes = None,
    *,
    keepdims: bool = False,
    dtype: object = None,
    initial: "Like | None" = None,
    where: "Like | None" = None,
) -> Node:
    """The sum over `axis`; of nothing: 0.  Integers and bool are added up in int64 (uint64).

    x [..., n, ...]   ->   [..., ...]; with `keepdims` [..., 1, ...]

    dtype     in which to add, and of the result, where integers that it has no room for wrap around;
              float16 and bfloat16 are added in float32 and rounded once
    initial   a further number that is added
    where     which elements count

    Adjoint: the cotangent repeated along `axis`.
    """
    node = in_dtype(x, dtype)
    node = selected("sum", node, where, False if node.dtype == BOOL else 0)
    axes = some_axes("sum", axis, node.ndim, node)
    if initial is not None:
        result = _from_number(Sum(axes), add, node, initial)
    else:
        result = sum_over(node, axes) if axes else cast(node, as_summed(node.dtype))
    return with_axes(in_dtype(result, dtype), node, axes, keepdims)


def prod(
    x: Like,
    axis: Axes = None,
    *,
    keepdims: bool = False,
    dtype: object = None,
    initial: "Like | None" = None,
    where: "Like | None" = None,
) -> Node:
    """The product over `axis`; of nothing: 1.  Integers and bool are multiplied in int64 (uint64).

    dtype     in which to multiply, and of the result, as in `sum`; float16 and bfloat16 in float32, rounded once
    initial   a further factor
    where     which elements count

    Slopes: the products of all other elements; nothing is divided, so they hold at zeros.  Shapes: see `sum`.
    """
    node = in_dtype(x, dtype)
    node = selected("prod", node, where, True if node.dtype == BOOL else 1)
    axes = some_axes("prod", axis, node.ndim, node)
    if initial is not None:
        result = _from_number(Prod(axes), mul, node, initial)
    else:
        result = apply(Prod(axes), node) if axes else cast(node, as_summed(node.dtype))
    return with_axes(in_dtype(result, dtype), node, axes, keepdims)


def _from_number(op: Sum | Prod, meeting: Callable[[Node, Node], Node], x: Node, initial: Like) -> Node:
    """The reduction of `x`, met by a first number and then rounded."""
    dtype = as_summed(x.dtype)
    first = first_number(op.name, x, initial, dtype)
    wide = cast(x, accumulator(dtype))
    return cast(meeting(apply(op, wide) if op.axes else wide, cast(first, wide.dtype)), dtype)


def any(x: Like, axis: Axes = None, *, keepdims: bool = False, where: "Like | None" = None) -> Node:
    """Whether one over `axis` holds (numbers: is not 0); of nothing: no.  `where`: which elements count.

    No slope.  Shapes: see `sum`.
    """
    node = selected("any", truth(x), where, False)
    axes = some_axes("any", axis, node.ndim, node)
    return with_axes(apply(Any(axes), node) if axes else node, node, axes, keepdims)


def all(x: Like, axis: Axes = None, *, keepdims: bool = False, where: "Like | None" = None) -> Node:
    """Whether all over `axis` hold (numbers: are not 0); of nothing: yes.  `where`: which elements count.

    No slope.  Shapes: see `sum`.
    """
    node = selected("all", truth(x), where, True)
    axes = some_axes("all", axis, node.ndim, node)
    return with_axes(apply(All(axes), node) if axes else node, node, axes, keepdims)


def count_nonzero(x: Like, axis: Axes = None, *, keepdims: bool = False) -> Node:
    """How many over `axis` are not 0, int64.  No slope.  Shapes: see `sum`."""
    return sum(truth(x), axis, keepdims=keepdims)
