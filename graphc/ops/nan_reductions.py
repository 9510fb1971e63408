"""Reductions of what is not nan.  What is nan gets a gradient of 0."""

import math

from graphc.ir.node import Like, Node
from graphc.ir.operands import as_node, where
from graphc.ops.axes import Axes
from graphc.ops.elementwise import floating
from graphc.ops.extremes import max, min
from graphc.ops.logic import isnan, logical_not
from graphc.ops.reduction import any, prod, sum
from graphc.ops.statistics import mean, std, var
from graphc.types import is_differentiable

__all__ = ["nanmax", "nanmean", "nanmin", "nanprod", "nanstd", "nansum", "nanvar"]


def nansum(x: Like, axis: Axes = None, *, keepdims: bool = False, dtype: object = None) -> Node:
    """The sum over `axis` of what is not nan; 0 if all is."""
    node = as_node(x)
    return sum(node, axis, keepdims=keepdims, dtype=dtype, where=_numbers(node))


def nanprod(x: Like, axis: Axes = None, *, keepdims: bool = False, dtype: object = None) -> Node:
    """The product over `axis` of what is not nan; 1 if all is."""
    node = as_node(x)
    return prod(node, axis, keepdims=keepdims, dtype=dtype, where=_numbers(node))


def nanmean(x: Like, axis: Axes = None, *, keepdims: bool = False, dtype: object = None) -> Node:
    """The mean over `axis` of what is not nan; nan if all is."""
    node = as_node(x)
    return mean(node, axis, keepdims=keepdims, dtype=dtype, where=_numbers(node))


def nanvar(x: Like, axis: Axes = None, *, correction: float = 0, keepdims: bool = False) -> Node:
    """The variance over `axis` of what is not nan; nan if all is."""
    node = floating(x)
    return var(node, axis, correction=correction, keepdims=keepdims, where=_numbers(node))


def nanstd(x: Like, axis: Axes = None, *, correction: float = 0, keepdims: bool = False) -> Node:
    """The root of nanvar.  Where that is 0, so are all derivatives."""
    node = floating(x)
    return std(node, axis, correction=correction, keepdims=keepdims, where=_numbers(node))


def nanmax(x: Like, axis: Axes = None, *, keepdims: bool = False) -> Node:
    """The largest over `axis` of what is not nan; nan if all is.  Equal ones share the gradient."""
    node = as_node(x)
    numbers = _numbers(node)
    if numbers is None:
        return max(node, axis, keepdims=keepdims)
    found = max(where(numbers, node, -math.inf), axis, keepdims=keepdims)
    return where(any(numbers, axis, keepdims=keepdims), found, math.nan)


def nanmin(x: Like, axis: Axes = None, *, keepdims: bool = False) -> Node:
    """The smallest over `axis` of what is not nan; nan if all is.  Equal ones share the gradient."""
    node = as_node(x)
    numbers = _numbers(node)
    if numbers is None:
        return min(node, axis, keepdims=keepdims)
    found = min(where(numbers, node, math.inf), axis, keepdims=keepdims)
    return where(any(numbers, axis, keepdims=keepdims), found, math.nan)


def _numbers(x: Node) -> Node | None:
    """Where `x` is not nan; None if it cannot be."""
    return logical_not(isnan(x)) if is_differentiable(x.dtype) else None
