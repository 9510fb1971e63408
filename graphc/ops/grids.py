"""Numbers in equal steps, and the coordinates of grids."""

import math
from typing import Literal, NamedTuple

import numpy as np

from graphc.errors import ArgumentError, DTypeError, ShapeError
from graphc.ir.apply import locate
from graphc.ir.arithmetic import spread
from graphc.ir.given import LARGEST, a_choice, a_count, a_flag, an_array_shape
from graphc.ir.leaves import size_node, uniform
from graphc.ir.node import Like, Node
from graphc.ir.operands import as_node, cast, meet, where
from graphc.ops.axes import one_axis
from graphc.ops.creation import iota
from graphc.ops.elementwise import exp, floating, log
from graphc.ops.logic import equal
from graphc.ops.movement import Extents, expand_dims, moveaxis, reshape, stack
from graphc.ops.piecewise import abs, sign
from graphc.ops.powers import power
from graphc.ops.stepping import floor
from graphc.origin import here
from graphc.printable import described
from graphc.sizes import Expression, Size, maximum
from graphc.types import DTYPES, FLOAT32, INT64, DType, as_dtype, is_complex, is_integer

__all__ = ["arange", "geomspace", "indices", "linspace", "logspace", "meshgrid"]

_FLOAT64 = DTYPES["float64"]


def arange(
    start: "Size | float", stop: "Size | float | None" = None, step: "int | float" = 1, *, dtype: object = None
) -> Node:
    """start, start + step ... below `stop` (above it for a negative step); from 0 where `stop` is not given.

    Ints and sizes give int64, floats float32, where no dtype is asked for.  There are (stop - start) / step
    elements, rounded up.  Those of floats are computed in float64 and rounded once.
    """
    ends = (0, start) if stop is None else (start, stop)
    first, end, by = map(_whole, (*ends, step))
    if first is not None and end is not None and isinstance(by, int) and by:
        length = maximum(-((first - end) // by) if by > 0 else -((end - first) // -by), 0)
        return cast(iota(length) * by + size_node(first), INT64 if dtype is None else as_dtype(dtype))
    numbers = [_number(part) for part in (*ends, step)]
    if numbers[2] == 0 or any(number is None or not math.isfinite(number) for number in numbers):
        problem = f"arange: from {' to '.join(map(described, ends))} by {described(step)} is no number of elements"
        hint = "sizes have a step that is an int other than 0; gx.iota(n) * step + start takes nodes"
        if numbers[2] == 0:
            problem, hint = "arange: the step is 0", "gx.full(n, start) repeats a number"
        raise locate(ArgumentError(problem, hint=hint), here(), ())
    low, high, width = (float(number) for number in numbers if number is not None)
    count = max((high - low) / width, 0.0)
    if count > LARGEST:
        raise ArgumentError(f"arange: from {low} to {high} by {width} are too many elements")
    count = math.ceil(count)
    return cast(iota(count, _FLOAT64) * width + low, FLOAT32 if dtype is None else as_dtype(dtype))


def _whole(part: object) -> "Size | None":
    """An int or a size; None for what is neither."""
    if isinstance(part, Expression):
        return part
    return int(part) if isinstance(part, int | np.integer) and not isinstance(part, bool) else None


def _number(part: object) -> float | None:
    """A number; None for what is none."""
    return float(part) if isinstance(part, int | float | np.number) and not isinstance(part, bool) else None


class _Steps(NamedTuple):
    """The ends of a row of numbers, in the dtype to compute in, and where its numbers stand."""

    name: str
    first: Node
    last: Node
    place: Node  # [num, 1...]: 0, 1 ... num - 1
    dtype: DType  # of the result
    steps: Size  # how many

    def between(self, first: Node, last: Node) -> Node:
        """From `first` in equal steps, so that `last` comes after all of them."""
        return first + self.place * ((last - first) / size_node(maximum(self.steps, 1)))

    def ended(self, inner: Node, endpoint: bool) -> Node:
        """`inner`, with the exact last number if that belongs to the row."""
        return where(equal(self.place, size_node(maximum(self.steps, 1))), self.last, inner) if endpoint else inner

    def finished(self, result: Node, axis: int) -> Node:
        """The result in its dtype, with the row along `axis`.  To integers it is rounded down."""
        rounded = cast(floor(result) if is_integer(self.dtype) else result, self.dtype)
        return moveaxis(rounded, 0, one_axis(self.name, axis, rounded.ndim))


def _steps(name: str, start: Like, stop: Like, num: Size, endpoint: bool, dtype: object) -> _Steps:
    """What the three functions of two ends have in common.  Python numbers are computed with in float64."""
    first, last = meet(name, floating(start), floating(stop))
    num, endpoint = a_count(name, "num", num, first, last), a_flag(name, "endpoint", endpoint)
    wanted = first.dtype if dtype is None else as_dtype(dtype)
    if first.tensor.weak and last.tensor.weak:
        first, last = cast(first, _FLOAT64), cast(last, _FLOAT64)
    place = reshape(iota(num, first.dtype), (num, *[1] * first.ndim))
    return _Steps(name, first, last, place, wanted, num - 1 if endpoint else num)


def linspace(
    start: Like, stop: Like, num: Size = 50, *, endpoint: bool = True, dtype: object = None, axis: int = 0
) -> Node:
    """`num` numbers in equal steps from `start` to `stop`, which is the last unless `endpoint` is False.

    start [...]   stop [...]   ->   [num, ...], or with the row along `axis`

    The ends may be nodes; the dtype is theirs, float32 for Python numbers.

    dy = (1 - t) dstart + t dstop, where t is the share of the way.
    """
    steps = _steps("linspace", start, stop, num, endpoint, dtype)
    return steps.finished(steps.ended(steps.between(steps.first, steps.last), endpoint), axis)


def logspace(
    start: Like,
    stop: Like,
    num: Size = 50,
    *,
    endpoint: bool = True,
    base: Like = 10.0,
    dtype: object = None,
    axis: int = 0,
) -> Node:
    """base^e for `num` exponents in equal steps from `start` to `stop`: see `linspace`.

    dy = y log(base) de + e y / base dbase, where e is the exponent.
    """
    steps = _steps("logspace", start, stop, num, endpoint, dtype)
    exponents = steps.ended(steps.between(steps.first, steps.last), endpoint)
    return steps.finished(power(base, exponents), axis)


def geomspace(
    start: Like, stop: Like, num: Size = 50, *, endpoint: bool = True, dtype: object = None, axis: int = 0
) -> Node:
    """`num` numbers of equal ratios from `start` to `stop`, neither 0 and both of one sign: see `linspace`.

    dy = y ((1 - t) dstart / start + t dstop / stop), where t is the share of the way.
    Raises ArgumentError for other ends.
    """
    steps = _steps("geomspace", start, stop, num, endpoint, dtype)
    if is_complex(steps.first.dtype):
        error = DTypeError("geomspace has no meaning for complex numbers", hint="gx.exp(gx.linspace(a, b))")
        raise locate(error, here(), (steps.first, steps.last))
    low, high = _number(uniform(steps.first)), _number(uniform(steps.last))
    if low == 0 or high == 0 or (low is not None and high is not None and (low < 0) != (high < 0)):
        problem = f"geomspace: no ratio leads from {low} to {high}"
        raise locate(ArgumentError(problem, hint="gx.linspace takes equal steps"), here(), ())
    inner = sign(steps.first) * exp(steps.between(log(abs(steps.first)), log(abs(steps.last))))
    return steps.finished(steps.ended(where(equal(steps.place, 0), steps.first, inner), endpoint), axis)


def indices(dimensions: Extents, dtype: object = "int64") -> Node:
    """The index of each element of an array, along each of its axes.  [n...]   ->   [the number of axes, n...]"""
    shape = an_array_shape("indices", dimensions)
    if not shape:
        raise locate(ShapeError("indices: there are no axes"), here(), ())
    rows = [spread(iota(n), shape, [i for i in range(len(shape)) if i != axis]) for axis, n in enumerate(shape)]
    return cast(stack(rows), as_dtype(dtype))


def meshgrid(*xs: Like, indexing: Literal["xy", "ij"] = "xy") -> list[Node]:
    """Each row repeated along the axes of all others, so that together they are the points of a grid.

    x [n], y [m], z [k] ...   ->   [m, n, k ...] each; with "ij" in the order given, [n, m, k ...]

    Adjoint: the sum over the axes along which a row is repeated.
    """
    rows = [as_node(x) for x in xs]
    rows = [expand_dims(row, 0) if row.ndim == 0 else row for row in rows]
    if any(row.ndim > 1 for row in rows):
        raise locate(ShapeError("meshgrid: an operand has more than one axis", hint="gx.ravel(x)"), here(), rows)
    a_choice("meshgrid", "the indexing", indexing, ("xy", "ij"), *rows)
    order = [*range(len(rows))]
    if indexing == "xy":
        order[:2] = order[1::-1] if len(order) > 1 else order[:2]
    shape = tuple(rows[i].shape[0] for i in order)
    return [spread(row, shape, [axis for axis in order if order[axis] != i]) for i, row in enumerate(rows)]
