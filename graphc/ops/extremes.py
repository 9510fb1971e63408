"""Extremes along axes, and where they are."""

from collections.abc import Callable, Sequence
from typing import ClassVar, final

from graphc.errors import ArgumentError, DTypeError, ShapeError
from graphc.ir.apply import apply, locate
from graphc.ir.arithmetic import spread, sum_over
from graphc.ir.kinds import NO_ORDER, Constant, Differentiable, Reduction, require_ordered
from graphc.ir.leaves import items
from graphc.ir.node import IndexBound, Like, Node, SameSize
from graphc.ir.operands import as_node, cast, where
from graphc.kernel.monoids import Monoid, start_of
from graphc.ops.axes import Axes, one_axis, some_axes, with_axes, without
from graphc.ops.creation import iota
from graphc.ops.elementwise import stop_gradient
from graphc.ops.logic import equal, greater, less, logical_not
from graphc.ops.masks import first_number, selected
from graphc.ops.movement import ravel
from graphc.ops.piecewise import maximum, minimum
from graphc.origin import here
from graphc.sizes import lower_bound
from graphc.sizes import maximum as larger
from graphc.types import INT64, TensorType, TupleType, is_complex

__all__ = ["argmax", "argmin", "behind", "max", "max_with_index", "min", "min_with_index", "ordered", "upper_bound"]


class Extreme(Reduction):
    """A reduction that has no value over nothing: each of `axes` has an element."""

    def requirements(self, *types: TensorType) -> Sequence[SameSize | IndexBound]:
        found = []
        for axis in self.axes:
            n = types[0].shape[axis]
            if n == 0:
                raise ShapeError(f"nothing has no extreme, and axis {axis} has extent 0")
            low = lower_bound(n)
            if low is None or low < 1:
                found.append(SameSize(n, larger(n, 1), f"nothing has no extreme, but axis {axis} may be empty"))
        return found


# Extremes.


def behind(monoid: Monoid, x: Node, extreme: Node) -> Node:
    """Whether elements are beaten by an extreme.  None is by nan."""
    return less(x, extreme) if monoid is Monoid.MAX else greater(x, extreme)


class SharedExtreme(Extreme, Differentiable):
    """The value of an extreme.  The cotangent is shared equally by all that nothing beats: where one is nan, by all.

    Where it is `bounded`, it meets a further number: of nothing it is what every number beats, as -inf.
    """

    bounded: bool

    def requirements(self, *types: TensorType) -> Sequence[SameSize | IndexBound]:
        return () if self.bounded else super().requirements(*types)

    def infer(self, *types: TensorType) -> TensorType:
        require_ordered(self.name, types[0].dtype)
        return TensorType(without(self.axes, types[0].shape), types[0].dtype)

    def vjp(self, node: Node, cotangents: Sequence[Node | None]) -> Sequence[Node | None]:
        (cotangent,) = cotangents
        if cotangent is None:
            return (None,)
        (x,) = node.inputs
        beaten = behind(self.monoid, x, spread(node, x.shape, self.axes))
        share = cotangent / sum_over(cast(logical_not(beaten), x.dtype), self.axes)
        return (where(beaten, 0.0, spread(share, x.shape, self.axes)),)


@final
class Max(SharedExtreme):
    """The largest over `axes`, which the result lacks; nan if one is.  Equal ones share the cotangent."""

    axes: tuple[int, ...]
    bounded: bool = False
    name: ClassVar[str] = "max"
    monoid: ClassVar[Monoid] = Monoid.MAX


@final
class UpperBound(Reduction, Constant):
    """The largest over `axes`, as Max; -inf of nothing.  A bound to shift by, which results do not depend on."""

    axes: tuple[int, ...]
    name: ClassVar[str] = "upper_bound"
    monoid: ClassVar[Monoid] = Monoid.MAX

    def infer(self, *types: TensorType) -> TensorType:
        require_ordered(self.monoid.value, types[0].dtype)
        return TensorType(without(self.axes, types[0].shape), types[0].dtype)


@final
class Min(SharedExtreme):
    """The smallest over `axes`, which the result lacks; nan if one is.  Equal ones share the cotangent."""

    axes: tuple[int, ...]
    bounded: bool = False
    name: ClassVar[str] = "min"
    monoid: ClassVar[Monoid] = Monoid.MIN


# Where the extreme is.


class ExtremePlace(Extreme, Constant):
    """Where an extreme is."""

    def infer(self, *types: TensorType) -> TensorType:
        require_ordered(self.name, types[0].dtype)
        return TensorType(without(self.axes, types[0].shape), INT64)


@final
class ArgMax(ExtremePlace):
    """The index of the largest along one axis: of the first nan, else of the first that is largest."""

    axes: tuple[int, ...]
    name: ClassVar[str] = "argmax"
    monoid: ClassVar[Monoid] = Monoid.ARGMAX


@final
class ArgMin(ExtremePlace):
    """The index of the smallest along one axis: of the first nan, else of the first that is smallest."""

    axes: tuple[int, ...]
    name: ClassVar[str] = "argmin"
    monoid: ClassVar[Monoid] = Monoid.ARGMIN


def _at_index(node: Node, axis: int, cotangents: Sequence[Node | None]) -> Sequence[Node | None]:
    """The cotangent of the value, at the element that was found."""
    (x,), (cotangent, _) = node.inputs, cotangents
    if cotangent is None:
        return (None,)
    _, index = items(node)
    others = tuple(i for i in range(x.ndim) if i != axis)
    places = spread(iota(x.shape[axis]), x.shape, others)
    found = equal(places, spread(index, x.shape, (axis,)))
    return (where(found, spread(cotangent, x.shape, (axis,)), 0.0),)


class ExtremeWithPlace(Extreme, Differentiable):
    """The value of an extreme and where it is.  The element there gets the cotangent."""

    def infer(self, *types: TensorType) -> TupleType:
        require_ordered(self.name, types[0].dtype)
        shape = without(self.axes, types[0].shape)
        return TupleType((TensorType(shape, types[0].dtype), TensorType(shape, INT64)))

    def vjp(self, node: Node, cotangents: Sequence[Node | None]) -> Sequence[Node | None]:
        return _at_index(node, self.axes[0], cotangents)


@final
class MaxWithIndex(ExtremeWithPlace):
    """The largest along one axis, and its index (see ArgMax).  The element there gets the cotangent."""

    axes: tuple[int, ...]
    name: ClassVar[str] = "max_with_index"
    monoid: ClassVar[Monoid] = Monoid.ARGMAX


@final
class MinWithIndex(ExtremeWithPlace):
    """The smallest along one axis, and its index (see ArgMin).  The element there gets the cotangent."""

    axes: tuple[int, ...]
    name: ClassVar[str] = "min_with_index"
    monoid: ClassVar[Monoid] = Monoid.ARGMIN


def ordered(name: str, x: Like) -> Node:
    """`x`, for a function that asks which element is the larger.  Raises DTypeError for complex numbers."""
    node = as_node(x)
    if is_complex(node.dtype):
        raise locate(DTypeError(f"{name} has no meaning for {node.dtype}", hint=NO_ORDER), here(), (node,))
    return node


def max(
    x: Like, axis: Axes = None, *, keepdims: bool = False, initial: "Like | None" = None, where: "Like | None" = None
) -> Node:
    """The largest over `axis`; nan if one is.  Equal ones share the gradient.

    initial   a further number that counts, so that nothing has a largest too
    where     which elements count; needs `initial`

    Slopes: 1 / k for each of the k that are largest, else 0.  Shapes: see `sum`.
    Raises ShapeError over nothing without `initial`.
    """
    return _extreme(Max, maximum, x, axis, keepdims, initial, where)


def upper_bound(x: Node, axes: tuple[int, ...]) -> Node:
    """The largest of some floats over `axes`, -inf of nothing; no derivative flows through it."""
    return apply(UpperBound(axes), x) if axes else stop_gradient(x)


def min(
    x: Like, axis: Axes = None, *, keepdims: bool = False, initial: "Like | None" = None, where: "Like | None" = None
) -> Node:
    """The smallest over `axis`; nan if one is.  Equal ones share the gradient.

    initial   a further number that counts, so that nothing has a smallest too
    where     which elements count; needs `initial`

    Slopes: 1 / k for each of the k that are smallest, else 0.  Shapes: see `sum`.
    Raises ShapeError over nothing without `initial`.
    """
    return _extreme(Min, minimum, x, axis, keepdims, initial, where)


def _extreme(
    kind: type[Max | Min],
    meeting: Callable[[Node, Node], Node],
    x: Like,
    axis: Axes,
    keepdims: bool,
    initial: "Like | None",
    mask: "Like | None",
) -> Node:
    """The extreme over some axes, and of a first number where there is one; `meeting` is that of two nodes."""
    node = as_node(x)
    axes = some_axes(kind.name, axis, node.ndim, node)
    node, first = _bounded(kind.name, node, initial, mask)
    found = apply(kind(axes, bounded=first is not None), node) if axes else node
    return with_axes(found if first is None else meeting(found, first), node, axes, keepdims)


def _bounded(name: str, x: Node, initial: "Like | None", mask: "Like | None") -> tuple[Node, Node | None]:
    """`x` with the initial number where the mask does not hold, and that number in its dtype."""
    if initial is not None:
        number = first_number(name, x, initial, x.dtype)
        return selected(name, x, mask, number), number
    if mask is not None:
        problem = f"{name}: where= needs initial=, as it may leave nothing"
        lowest = start_of(Monoid.MAX if name == "max" else Monoid.MIN, x.dtype)
        raise locate(ArgumentError(problem, hint=f"initial={str(lowest).replace('inf', 'np.inf')}"), here(), (x,))
    return x, None


def argmax(x: Like, axis: int | None = None, *, keepdims: bool = False) -> Node:
    """The index of the largest along `axis`, int64: of the first nan, else of the first that is largest.

    For None the index into all elements, in row-major order.

    x [..., n, ...]   ->   [..., ...].  No slope.  Raises ShapeError over nothing.
    """
    node, i, axes = _along("argmax", x, axis)
    return with_axes(apply(ArgMax((i,)), node), as_node(x), axes, keepdims)


def argmin(x: Like, axis: int | None = None, *, keepdims: bool = False) -> Node:
    """The index of the smallest along `axis`, int64: of the first nan, else of the first that is smallest.

    For None the index into all elements, in row-major order.

    x [..., n, ...]   ->   [..., ...].  No slope.  Raises ShapeError over nothing.
    """
    node, i, axes = _along("argmin", x, axis)
    return with_axes(apply(ArgMin((i,)), node), as_node(x), axes, keepdims)


def max_with_index(x: Like, axis: int = -1) -> tuple[Node, Node]:
    """The largest along `axis`, and its index.  [..., n, ...]   ->   [..., ...] twice

    Slopes: 1 for the element at that index, else 0.
    """
    node = as_node(x)
    value, index = items(apply(MaxWithIndex((one_axis("max_with_index", axis, node.ndim, node),)), node))
    return value, index


def min_with_index(x: Like, axis: int = -1) -> tuple[Node, Node]:
    """The smallest along `axis`, and its index.  [..., n, ...]   ->   [..., ...] twice

    Slopes: 1 for the element at that index, else 0.
    """
    node = as_node(x)
    value, index = items(apply(MinWithIndex((one_axis("min_with_index", axis, node.ndim, node),)), node))
    return value, index


def _along(name: str, x: Like, axis: int | None) -> tuple[Node, int, tuple[int, ...]]:
    """The operand with one axis to search, which one that is, and the axes of `x` that this stands for."""
    node = as_node(x)
    if axis is None:
        return ravel(node), 0, tuple(range(node.ndim))
    i = one_axis(name, axis, node.ndim, node)
    return node, i, (i,)
