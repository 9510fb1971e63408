"""Reductions of what is not nan.  What is nan gets a gradient of 0."""

import math
from collections.abc import Callable

from graphc.ir.node import Like, Node
from graphc.ir.operands import as_node
from graphc.ir.operands import where as choose
from graphc.ops.axes import Axes
from graphc.ops.extremes import max, min
from graphc.ops.logic import isnan, logical_and, logical_not
from graphc.ops.masks import mask_of
from graphc.ops.reduction import any, prod, sum
from graphc.ops.statistics import mean, std, var
from graphc.types import is_differentiable

__all__ = ["nanmax", "nanmean", "nanmin", "nanprod", "nanstd", "nansum", "nanvar"]


def nansum(
    x: Like,
    axis: Axes = None,
    *,
    keepdims: bool = False,
    dtype: object = None,
    initial: "Like | None" = None,
    where: "Like | None" = None,
) -> Node:
    """The sum over `axis` of what is not nan; 0 if all is.  For the options see `sum`.

    No gradient reaches what is nan.  Slopes: 1 for all else.
    """
    node = as_node(x)
    numbers = _numbers("nansum", node, where)
    return sum(node, axis, keepdims=keepdims, dtype=dtype, initial=initial, where=numbers)


def nanprod(
    x: Like,
    axis: Axes = None,
    *,
    keepdims: bool = False,
    dtype: object = None,
    initial: "Like | None" = None,
    where: "Like | None" = None,
) -> Node:
    """The product over `axis` of what is not nan; 1 if all is.  For the options see `prod`.

    Slopes: the products of all other elements that count, 0 for what is nan.
    """
    node = as_node(x)
    numbers = _numbers("nanprod", node, where)
    return prod(node, axis, keepdims=keepdims, dtype=dtype, initial=initial, where=numbers)


def nanmean(
    x: Like, axis: Axes = None, *, keepdims: bool = False, dtype: object = None, where: "Like | None" = None
) -> Node:
    """The mean over `axis` of what is not nan; nan if all is.  For the options see `mean`.

    Slopes: 1 / n for the n that count, 0 for what is nan.
    """
    node = as_node(x)
    return mean(node, axis, keepdims=keepdims, dtype=dtype, where=_numbers("nanmean", node, where))


def nanvar(
    x: Like,
    axis: Axes = None,
    *,
    correction: float = 0,
    keepdims: bool = False,
    dtype: object = None,
    where: "Like | None" = None,
) -> Node:
    """The variance over `axis` of what is not nan; nan if all is.  For the options see `var`.

    Slopes: those of `var` for what counts, 0 for what is nan.
    """
    node = as_node(x)
    numbers = _numbers("nanvar", node, where)
    return var(node, axis, correction=correction, keepdims=keepdims, dtype=dtype, where=numbers)


def nanstd(
    x: Like,
    axis: Axes = None,
    *,
    correction: float = 0,
    keepdims: bool = False,
    dtype: object = None,
    where: "Like | None" = None,
) -> Node:
    """The root of nanvar.  Where that is 0, so are all derivatives.  See `std`."""
    node = as_node(x)
    numbers = _numbers("nanstd", node, where)
    return std(node, axis, correction=correction, keepdims=keepdims, dtype=dtype, where=numbers)


def nanmax(
    x: Like, axis: Axes = None, *, keepdims: bool = False, initial: "Like | None" = None, where: "Like | None" = None
) -> Node:
    """The largest over `axis` of what is not nan; nan if nothing counts.  Equal ones share the gradient.

    initial   a further number that counts
    where     which elements count

    Slopes: 1 / k for each of the k that are largest, else 0.  Shapes: see `sum`.
    """
    return _extreme("nanmax", max, -math.inf, as_node(x), axis, keepdims, initial, where)


def nanmin(
    x: Like, axis: Axes = None, *, keepdims: bool = False, initial: "Like | None" = None, where: "Like | None" = None
) -> Node:
    """The smallest over `axis` of what is not nan; nan if nothing counts.  Equal ones share the gradient.

    initial   a further number that counts
    where     which elements count

    Slopes: 1 / k for each of the k that are smallest, else 0.  Shapes: see `sum`.
    """
    return _extreme("nanmin", min, math.inf, as_node(x), axis, keepdims, initial, where)


def _extreme(
    name: str,
    extreme: Callable[..., Node],
    behind: float,
    x: Node,
    axis: Axes,
    keepdims: bool,
    initial: "Like | None",
    mask: "Like | None",
) -> Node:
    """The extreme of what is not nan.  `behind` lies behind all numbers, and stands for what does not count."""
    if not is_differentiable(x.dtype):
        return extreme(x, axis, keepdims=keepdims, initial=initial, where=mask)
    numbers = _not_nan(name, x, mask)
    found = extreme(choose(numbers, x, behind), axis, keepdims=keepdims, initial=initial)
    return found if initial is not None else choose(any(numbers, axis, keepdims=keepdims), found, math.nan)


def _numbers(name: str, x: Node, mask: "Like | None") -> "Like | None":
    """Which elements of `x` count; all, for None."""
    return _not_nan(name, x, mask) if is_differentiable(x.dtype) else mask


def _not_nan(name: str, x: Node, mask: "Like | None") -> Node:
    """Where `x` is not nan, and the mask holds."""
    numbers = logical_not(isnan(x))
    return numbers if mask is None else logical_and(numbers, mask_of(name, x, mask))
