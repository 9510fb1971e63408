"""Medians and quantiles."""

import math
from collections.abc import Callable, Mapping, Sequence
from typing import TypeAlias

import numpy as np

from graphc.errors import ArgumentError, DTypeError
from graphc.ir.apply import apply, locate
from graphc.ir.arithmetic import spread, sum_over
from graphc.ir.given import a_flag
from graphc.ir.leaves import size_node
from graphc.ir.node import Like, Node
from graphc.ir.operands import as_node, cast, div, mul, sub, where
from graphc.ir.values import as_numbers
from graphc.ops.axes import Axes, some_axes, without
from graphc.ops.elementwise import floating
from graphc.ops.guarded import guarded
from graphc.ops.indexing import Take
from graphc.ops.logic import equal, isnan, less, logical_not, logical_or
from graphc.ops.movement import moveaxis, reshape, transpose
from graphc.ops.padding import pad
from graphc.ops.piecewise import clip, maximum, minimum
from graphc.ops.sorting import sort
from graphc.ops.stepping import ceil, floor, round
from graphc.origin import here
from graphc.printable import described
from graphc.sizes import lower_bound, product
from graphc.types import DTYPES, INT64, accumulator

__all__ = ["median", "nanmedian", "nanquantile", "percentile", "quantile"]

Shares: TypeAlias = "Like | Sequence[float]"


def median(x: Like, axis: Axes = None, *, keepdims: bool = False) -> Node:
    """The middle element over `axis`, or the mean of both; nan if one is, and of nothing.

    Slopes: 1 for the middle element, or 1/2 for both, else 0.  Shapes: see `sum`.
    """
    return _quantile("median", x, as_node(0.5), axis, keepdims, "linear", skip=False)


def quantile(x: Like, q: Shares, axis: Axes = None, *, method: str = "linear", keepdims: bool = False) -> Node:
    """The value below which a share `q` of the elements over `axis` lies, between two of them linearly.

    x [..., n, ...]   q [k...], from 0 to 1   ->   [k..., ...]

    (1 - t) a[i] + t a[i + 1], where a are the elements in order, i = ⌊q (n - 1)⌋ and t is the rest.  Nan if one
    is, and of nothing.  Shares below 0, above 1 or nan are refused, those of a node at the call.
    Slopes: 1 - t and t for those two, else 0; `q` may be a node and has (n - 1) (a[i + 1] - a[i]), 0 at an element.

    method   what to take between two elements: "linear", "lower", "higher", "nearest" (to the even place, where
             both are as near), or "midpoint", the mean of both; only "linear" has a slope by `q`

    Hyndman, Fan: Sample quantiles in statistical packages, 1996, type 7.
    """
    return _quantile("quantile", x, _shares("quantile", q, 1, x), axis, keepdims, method, skip=False)


def percentile(x: Like, q: Shares, axis: Axes = None, *, method: str = "linear", keepdims: bool = False) -> Node:
    """The value below which `q` percent of the elements over `axis` lie: quantile(x, q / 100, method=method).

    See `quantile`.
    """
    return _quantile("percentile", x, div(_shares("percentile", q, 100, x), 100.0), axis, keepdims, method, skip=False)


def nanmedian(x: Like, axis: Axes = None, *, keepdims: bool = False) -> Node:
    """The median of what is not nan; nan if all is.  See `median`."""
    return _quantile("nanmedian", x, as_node(0.5), axis, keepdims, "linear", skip=True)


def nanquantile(x: Like, q: Shares, axis: Axes = None, *, method: str = "linear", keepdims: bool = False) -> Node:
    """The quantile of what is not nan; nan if all is.  `method`: see `quantile`."""
    return _quantile("nanquantile", x, _shares("nanquantile", q, 1, x), axis, keepdims, method, skip=True)


def _shares(name: str, q: Shares, most: int, x: Like) -> Node:
    """`q` as a node; numbers are checked here.  `x` is what it is a share of."""
    if not isinstance(q, Node):
        given = as_numbers(q, f"{name}: q")
        if given.dtype.kind in "bc":
            raise locate(DTypeError(f"{name}: a share is a real number, not {given.dtype}"), here(), (as_node(x),))
        numbers = given.astype(np.float64)
        if not ((numbers >= 0) & (numbers <= most)).all():
            raise locate(
                ArgumentError(f"{name}: a share is from 0 to {most}, not {described(q)}"), here(), (as_node(x),)
            )
        return as_node(numbers)
    shares = floating(q)
    outwards = where(less(shares, 0), floor(shares), ceil(shares))
    whole = cast(where(isnan(shares), -1.0, clip(outwards, -1000, 1000)), INT64)
    return guarded(name, shares, whole, most + 1, "a share is out of range; rounded away from 0 (nan: -1)")


#: what lies between two elements: which of the two is taken
_PLACES: Mapping[str, Callable[[Node], Node]] = {"lower": floor, "higher": ceil, "nearest": round}


def _between(name: str, method: object, x: Node) -> str:
    """The argument `method`: one of those that differ between two elements only."""
    known = ("linear", "midpoint", *_PLACES)
    if not (isinstance(method, str) and method in known):
        *most, last = map(repr, known)
        problem = f"{name}: the method is {', '.join(most)} or {last}, not {described(method)}"
        hint = "NumPy's others find place p of n elements in another way: q = p / (n - 1) gives each of them"
        raise locate(ArgumentError(problem, hint=hint), here(), (x,))
    return method


def _quantile(name: str, x: Like, q: Node, axis: Axes, keepdims: bool, method: str, *, skip: bool) -> Node:
    node = floating(x)
    between = _between(name, method, node)
    axes = some_axes(name, axis, node.ndim, node)
    kept = without(axes, range(node.ndim))
    lead = tuple(node.shape[i] for i in kept)
    n = product(node.shape[i] for i in axes)
    row = sort(reshape(transpose(node, (*kept, *axes)), (*lead, n)))  # nan stands at the end
    if not (lower_bound(n) or 0) > 0:
        row = pad(row, ((0, 0),) * len(lead) + ((0, 1),), math.nan)  # the element that is taken of nothing
    shares = reshape(q, (-1,))
    shape = (*lead, shares.shape[0])
    last = len(lead)
    count = (
        sum_over(cast(logical_not(isnan(row)), INT64), (last,))
        if skip
        else spread(cast(size_node(n), INT64), lead, range(last))
    )
    end = maximum(sub(count, 1), 0)
    wide = cast(shares, DTYPES["float64"])
    place = mul(spread(cast(end, wide.dtype), shape, (last,)), spread(wide, shape, range(last)))
    if between in _PLACES:
        place = _PLACES[between](place)
    below = cast(maximum(floor(place), 0.0), INT64)
    above = minimum(below + 1, spread(end, shape, (last,)))
    low, high = (cast(apply(Take(last, last, checked=False), row, i), accumulator(node.dtype)) for i in (below, above))
    beyond = sub(place, cast(below, wide.dtype))
    t = cast(where(equal(beyond, 0), 0.0, 0.5) if between == "midpoint" else beyond, low.dtype)
    exact = logical_or(equal(low, high), equal(t, 0))  # infinities as they are
    value = where(exact, low, mul(sub(1.0, t), low) + mul(t, high))
    if not skip:
        largest = apply(Take(last, last, checked=False), row, spread(end, (*lead, 1), (last,)))
        bad = spread(reshape(isnan(largest), lead), shape, (last,))
        value = where(bad, math.nan, value)
    found = reshape(moveaxis(cast(value, node.dtype), last, 0), (*q.shape, *lead))
    if not a_flag(name, "keepdims", keepdims):
        return found
    ones = tuple(1 if i in axes else m for i, m in enumerate(node.shape))
    return reshape(found, (*q.shape, *ones))
