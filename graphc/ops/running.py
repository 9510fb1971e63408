"""Running sums and products."""

import math
from collections.abc import Sequence
from typing import ClassVar, final

from graphc.autodiff.reverse import pull_back_of
from graphc.ir.apply import apply
from graphc.ir.arithmetic import spread
from graphc.ir.given import a_flag
from graphc.ir.kinds import Differentiable, Linear, Running
from graphc.ir.node import Like, Node
from graphc.ir.operands import cast, in_dtype, where
from graphc.kernel.monoids import Monoid
from graphc.ops.axes import one_axis
from graphc.ops.creation import iota
from graphc.ops.elementwise import floating
from graphc.ops.logic import greater_equal, less_equal
from graphc.ops.movement import flip, ravel, stack
from graphc.ops.placement import Pad, Slice, moved
from graphc.ops.reduction import prod
from graphc.ops.statistics import logsumexp
from graphc.types import TensorType, accumulator, as_summed

__all__ = ["cumprod", "cumsum", "delayed", "logcumsumexp"]


@final
class CumSum(Running, Linear):
    """Sums of all elements up to each, along one axis.  Adjoint: the same from the other end.

    The dtypes are those of Sum.
    """

    axis: int
    reverse: bool = False
    name: ClassVar[str] = "cumsum"
    monoid: ClassVar[Monoid] = Monoid.SUM

    def infer(self, *types: TensorType) -> TensorType:
        return TensorType(types[0].shape, as_summed(types[0].dtype))

    def transpose(self, node: Node, cotangent: Node) -> Sequence[Node | None]:
        return (apply(CumSum(self.axis, not self.reverse), cotangent),)


@final
class CumProd(Running, Differentiable):
    """Products of all elements up to each, along one axis.

    The cotangent is that of log n doublings, y[i] <- y[i] y[i - 2^j], in which nothing is divided: it holds
    at zeros, to any order.  Along an extent that is no number it is that of n products, in O(n³).
    Hillis, Steele: Data parallel algorithms, 1986.
    """

    axis: int
    reverse: bool = False
    name: ClassVar[str] = "cumprod"
    monoid: ClassVar[Monoid] = Monoid.PROD

    def infer(self, *types: TensorType) -> TensorType:
        return TensorType(types[0].shape, as_summed(types[0].dtype))

    def vjp(self, node: Node, cotangents: Sequence[Node | None]) -> Sequence[Node | None]:
        (cotangent,) = cotangents
        return (None,) if cotangent is None else pull_back_of(self._doubled, node.inputs, cotangent)

    def _doubled(self, x: Node) -> Node:
        """The same by doubling."""
        n = x.shape[self.axis]
        if not isinstance(n, int):
            return prod(_up_to_each(x, self.axis, self.reverse, 1), self.axis + 1)
        product, distance = flip(x, self.axis) if self.reverse else x, 1
        while distance < n:
            product, distance = product * delayed(product, self.axis, distance, 1), 2 * distance
        return flip(product, self.axis) if self.reverse else product


def delayed(x: Node, axis: int, distance: int, first: float) -> Node:
    """Element i along `axis` is x[i - distance], and `first` for the first ones."""
    starts = tuple(distance if i == axis else 0 for i in range(x.ndim))
    steps = (1,) * x.ndim
    lengths = tuple(n - distance if i == axis else n for i, n in enumerate(x.shape))
    rest = moved(Slice((0,) * x.ndim, steps, lengths), x)
    return apply(Pad(starts, steps, x.shape, first), rest)


def _up_to_each(x: Node, axis: int, reverse: bool, fill: float) -> Node:
    """For each place along `axis` the elements up to it, along a further axis behind; `fill` for the others."""
    n = x.shape[axis]
    shape = (*x.shape[:axis], n, *x.shape[axis:])
    others = [i for i in range(x.ndim + 1) if i not in (axis, axis + 1)]
    place, element = (spread(iota(n), shape, sorted((*others, i))) for i in (axis + 1, axis))
    inside = greater_equal(element, place) if reverse else less_equal(element, place)
    return where(inside, spread(x, shape, (axis,)), fill)


def cumsum(x: Like, axis: int | None = None, *, reverse: bool = False, dtype: object = None) -> Node:
    """Sums of all elements up to each, along `axis`; from the other end where `reverse` holds.

    Without `axis`, `x` is read as one row of all its elements, as NumPy does.

    dtype   in which to add, and of the result, as in `sum`; float16 and bfloat16 are added in float32

    x [..., n, ...]   ->   [..., n, ...].  Adjoint: the sums from the other end.
    """
    node, i = _row("cumsum", x, axis, dtype)
    return in_dtype(apply(CumSum(i, a_flag("cumsum", "reverse", reverse)), node), dtype)


def cumprod(x: Like, axis: int | None = None, *, reverse: bool = False, dtype: object = None) -> Node:
    """Products of all elements up to each, along `axis`; from the other end where `reverse` holds.

    Without `axis`, `x` is read as one row of all its elements, as NumPy does.

    dtype   in which to multiply, and of the result, as in `sum`; float16 and bfloat16 are multiplied in float32

    x [..., n, ...]   ->   [..., n, ...]

    Slopes: the products of the other elements up to there; nothing is divided, so they hold at zeros.
    Hillis, Steele: Data parallel algorithms, 1986.
    """
    node, i = _row("cumprod", x, axis, dtype)
    return in_dtype(apply(CumProd(i, a_flag("cumprod", "reverse", reverse)), node), dtype)


def _row(name: str, x: Like, axis: int | None, dtype: object) -> tuple[Node, int]:
    """The operand in the dtype asked for, and the axis to go along: the only one, where none is named."""
    node = in_dtype(x, dtype)
    return (ravel(node), 0) if axis is None else (node, one_axis(name, axis, node.ndim, node))


def logcumsumexp(x: Like, axis: int = -1, *, reverse: bool = False) -> Node:
    """log Σ e^x of all elements up to each, along `axis`, where no e^x overflows.

    Of log n doublings, as the cotangent of CumProd; along an extent that is no number in O(n²).  No large
    element makes an earlier small one vanish.  float16 and bfloat16 are rounded once.

    x [..., n, ...]   ->   [..., n, ...]

    Slopes: e^(x[j] - y[i]) of y[i] by each x[j] up to there.
    """
    node = floating(x)
    i, reverse = one_axis("logcumsumexp", axis, node.ndim, node), a_flag("logcumsumexp", "reverse", reverse)
    n, wide = node.shape[i], cast(node, accumulator(node.dtype))
    if not isinstance(n, int):
        return cast(logsumexp(_up_to_each(wide, i, reverse, -math.inf), i + 1), node.dtype)
    total, distance = flip(wide, i) if reverse else wide, 1
    while distance < n:
        total = logsumexp(stack((total, delayed(total, i, distance, -math.inf))), 0)
        distance *= 2
    return cast(flip(total, i) if reverse else total, node.dtype)
