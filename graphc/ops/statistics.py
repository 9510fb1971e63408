"""Means, spreads, and exponentials that add up to one: functions made of ops."""

import ml_dtypes

from graphc.errors import DTypeError
from graphc.ir.apply import locate
from graphc.ir.arithmetic import spread, sum_over
from graphc.ir.complex import imag, real
from graphc.ir.given import a_number
from graphc.ir.leaves import size_node
from graphc.ir.node import Like, Node
from graphc.ir.operands import as_node, cast, div
from graphc.ir.operands import where as choose
from graphc.ops.axes import Axes, some_axes, with_axes
from graphc.ops.elementwise import exp, floating, log
from graphc.ops.extremes import upper_bound
from graphc.ops.logic import not_equal
from graphc.ops.masks import mask_of, selected
from graphc.ops.piecewise import clip, maximum
from graphc.ops.powers import sqrt, square
from graphc.origin import here
from graphc.sizes import product
from graphc.types import BOOL, DTYPES, FLOAT32, INT64, as_dtype, is_complex, is_differentiable, real_of

__all__ = ["log_softmax", "logsumexp", "mean", "softmax", "std", "var"]


def _wider(x: Node) -> Node:
    """Floats of two bytes as float32: their sums and squares leave the range soon."""
    return cast(x, FLOAT32) if x.dtype.itemsize == 2 else x


def mean(
    x: Like, axis: Axes = None, *, keepdims: bool = False, dtype: object = None, where: "Like | None" = None
) -> Node:
    """The mean over `axis`; of nothing: nan.  Integers are averaged as float32.

    dtype   in which to add, and of the result; float16 and bfloat16 in float32, rounded once.  A mean of integers
            is rounded towards zero, as NumPy does
    where   which elements count

    Slopes: 1 / n.  Shapes: see `sum`.
    """
    node = floating(x) if dtype is None else cast(as_node(x), as_dtype(dtype))
    axes = some_axes("mean", axis, node.ndim, node)
    total = sum_over(_wider(selected("mean", node, where, False if node.dtype == BOOL else 0)), axes)
    if not is_differentiable(node.dtype):
        total = cast(total, DTYPES["float64"])  # float32 has no digits for large sums
    return with_axes(cast(div(total, _count("mean", node, axes, where)), node.dtype), node, axes, keepdims)


def var(
    x: Like,
    axis: Axes = None,
    *,
    correction: float = 0,
    keepdims: bool = False,
    dtype: object = None,
    where: "Like | None" = None,
) -> Node:
    """The variance over `axis`: the sum of squared distances from the mean, by their number - `correction`, or by 0.

    dtype   in which to take it, and of the result: a float (of complex numbers a complex one, and its real part)
    where   which elements count

    Real also for complex numbers.  The mean is taken first, so that nothing cancels.
    Chan, Golub, LeVeque: Algorithms for computing the sample variance, 1983.

    Slopes: 2 conj(x - mean) / (n - correction).  Shapes: see `sum`.
    """
    node, correction = _in_floats("var", x, dtype), a_number("var", "the correction", correction)
    axes = some_axes("var", axis, node.ndim, node)
    return with_axes(cast(_variance(node, axes, correction, where), real_of(node.dtype)), node, axes, keepdims)


def std(
    x: Like,
    axis: Axes = None,
    *,
    correction: float = 0,
    keepdims: bool = False,
    dtype: object = None,
    where: "Like | None" = None,
) -> Node:
    """The root of the variance.  Where that is 0, so are all derivatives.  For `dtype` and `where` see `var`.

    Slopes: conj(x - mean) / ((n - correction) y), where y is the result.
    """
    node, correction = _in_floats("std", x, dtype), a_number("std", "the correction", correction)
    axes = some_axes("std", axis, node.ndim, node)
    variance = _variance(node, axes, correction, where)
    root = choose(not_equal(variance, 0), sqrt(variance), 0.0)
    return with_axes(cast(root, real_of(node.dtype)), node, axes, keepdims)


def _variance(node: Node, axes: tuple[int, ...], correction: float, where: "Like | None") -> Node:
    """The variance over `axes`; of float16 and bfloat16 in float32, which has it wherever they have its root."""
    wide = _wider(selected("var", node, where, 0.0))
    distance = selected("var", wide - mean(wide, axes, keepdims=True, where=where), where, 0.0)
    of_parts = square(real(distance)) + square(imag(distance)) if is_complex(node.dtype) else square(distance)
    freedom = cast(_count("var", node, axes, where), of_parts.dtype) - correction
    return div(sum_over(of_parts, axes), maximum(freedom, 0.0))


def _in_floats(name: str, x: Like, dtype: object) -> Node:
    """`x` as floats, or complex numbers: of `dtype`, where one is asked for."""
    if dtype is None:
        return floating(x)
    wanted = as_dtype(dtype)
    if not is_differentiable(wanted):
        problem = f"{name}: no dtype for what lies between integers, {wanted}"
        raise locate(DTypeError(problem, hint='dtype="float64"'), here(), (as_node(x),))
    return cast(as_node(x), wanted)


def _count(name: str, x: Node, axes: tuple[int, ...], mask: "Like | None") -> Node:
    """How many elements over `axes` count."""
    if mask is None:
        return size_node(product(x.shape[i] for i in axes))
    return sum_over(cast(mask_of(name, x, mask), INT64), axes)


def logsumexp(x: Like, axis: Axes = None, *, keepdims: bool = False) -> Node:
    """log Σ e^x over `axis`, where no e^x overflows; -inf where all are -inf and of nothing, with derivatives of 0.

    Slopes: softmax(x).  Shapes: see `sum`.
    Blanchard, Higham, Higham: Accurately computing the log-sum-exp and softmax functions, 2021.
    """
    node = floating(x)
    axes = some_axes("logsumexp", axis, node.ndim, node)
    largest = upper_bound(node, axes)  # the result does not depend on what is subtracted
    limits = ml_dtypes.finfo(node.dtype)  # type: ignore[no-untyped-call]
    shift = clip(largest, float(limits.min), float(limits.max))  # inf - inf would be nan
    total = sum_over(exp(node - spread(shift, node.shape, axes)), axes)
    nothing = float(limits.eps) / 8  # changes no total of 1 or more; the others are 0, with a slope of 0 / 0
    result = log(total + nothing) + largest
    return with_axes(result, node, axes, keepdims)


def softmax(x: Like, axis: Axes = -1) -> Node:
    """e^x / Σ e^x over `axis`.  [..., n, ...]   ->   [..., n, ...]

    dy = y (dx - Σ y dx).  Goodfellow, Bengio, Courville: Deep Learning, 2016, section 6.2.2.3.
    """
    node = floating(x)
    axes = some_axes("softmax", axis, node.ndim, node)
    powers = exp(_shifted(node, axes))
    return div(powers, spread(sum_over(powers, axes), node.shape, axes))


def log_softmax(x: Like, axis: Axes = -1) -> Node:
    """x - log Σ e^x over `axis`.  [..., n, ...]   ->   [..., n, ...]

    dy = dx - Σ e^y dx.  Goodfellow, Bengio, Courville: Deep Learning, 2016, section 6.2.2.3.
    """
    node = floating(x)
    axes = some_axes("log_softmax", axis, node.ndim, node)
    shifted = _shifted(node, axes)
    return shifted - spread(log(sum_over(exp(shifted), axes)), node.shape, axes)


def _shifted(x: Node, axes: tuple[int, ...]) -> Node:
    """`x` less its largest: the largest exp is now 1, and nothing overflows.  Results do not depend on it."""
    return x - spread(upper_bound(x, axes), x.shape, axes)
