"""Elements around an array: one value, or those of the array itself."""

from collections.abc import Sequence
from typing import Literal, TypeAlias

import numpy as np
import numpy.typing as npt

from graphc.errors import ArgumentError, DTypeError, ShapeError
from graphc.ir.apply import apply, locate
from graphc.ir.given import a_choice, a_number, a_size
from graphc.ir.leaves import size_node
from graphc.ir.node import Like, Node
from graphc.ir.operands import as_node, broadcast, cast
from graphc.kernel.scalar import Number
from graphc.ops.creation import iota
from graphc.ops.indexing import Take
from graphc.ops.movement import concat, flip, part
from graphc.ops.piecewise import clip, minimum
from graphc.ops.placement import Pad
from graphc.ops.stepping import remainder
from graphc.origin import here
from graphc.printable import counted, described
from graphc.sizes import Size, lower_bound, maximum
from graphc.types import BOOL, DType, is_complex, is_differentiable

__all__ = ["pad"]

Widths: TypeAlias = "Size | Sequence[Size] | Sequence[Sequence[Size]] | npt.NDArray[np.integer]"
PadMode: TypeAlias = Literal["constant", "edge", "reflect", "symmetric", "wrap"]

_OWN_ELEMENTS = ("edge", "reflect", "symmetric", "wrap")


def pad(x: Like, widths: Widths, value: Number = 0, *, mode: PadMode = "constant") -> Node:
    """`x` with elements around it.

    widths   how much to add, as NumPy reads it: one number for all sides; (before, after) for all axes; or a pair
             (before, after) per axis.  One pair alone, or one number, in a sequence is meant for all axes
    mode     what a row a b c becomes with 3 more on either side:

        "constant"    v v v a b c v v v     v is `value`
        "edge"        a a a a b c c c c
        "reflect"     b c b a b c b a b     the edge is not repeated
        "symmetric"   c b a a b c c b a
        "wrap"        a b c a b c a b c

    x [n...]   ->   [before + n + after ...]

    Adjoint: the cotangent inside; with the other modes than "constant", elements that repeat one are added to it.
    """
    node = as_node(x)
    pairs = _pairs(node, widths)
    for side in (side for pair in pairs for side in pair):
        low = lower_bound(side)
        if low is None or low < 0:
            how = "is" if isinstance(side, int) else "may be"
            error = ShapeError(f"pad: the width {side} {how} negative", hint="x[1:-1] takes away")
            raise locate(error, here(), (node,))
    if a_choice("pad", "the mode", mode, ("constant", *_OWN_ELEMENTS), node) == "constant":
        return _framed(node, pairs, value if isinstance(value, bool | complex) else a_number("pad", "the value", value))
    for axis, (before, after) in enumerate(pairs):
        if before != 0 or after != 0:
            node = _extended(node, axis, before, after, mode)
    return node


def _pairs(x: Node, widths: object) -> Sequence[tuple[Size, Size]]:
    """How much to add before and after each axis."""
    given = widths.tolist() if isinstance(widths, np.ndarray) else widths
    rows = given if isinstance(given, list | tuple) else (given,)
    if not any(isinstance(row, list | tuple) for row in rows):
        rows = (rows,)  # one for all axes
    pairs = [_pair(row) for row in rows] if rows != ((),) else []
    if len(pairs) != x.ndim and len(pairs) != 1:
        problem = f"pad: widths for {counted(len(pairs), 'axis', 'axes')} of an array of rank {x.ndim}"
        raise locate(ShapeError(problem), here(), (x,))
    return pairs if len(pairs) == x.ndim else pairs * x.ndim


def _pair(width: object) -> tuple[Size, Size]:
    """How much to add before and after an axis, given as one number or as both, in a sequence."""
    if not isinstance(width, list | tuple) or not 0 < len(width) <= 2:
        problem = f"pad: widths are a number, (before, after), or a pair per axis, not {described(width)}"
        raise ArgumentError(problem, hint="((before, after), (0, 0)) pads the first axis of two")
    return a_size("pad", "a width", width[0]), a_size("pad", "a width", width[-1])


def _framed(x: Node, pairs: Sequence[tuple[Size, Size]], value: Number) -> Node:
    """`x` with `value` around it."""
    shape = tuple(before + n + after for n, (before, after) in zip(x.shape, pairs, strict=True))
    if shape == x.shape:
        return x
    if isinstance(value, complex) and not is_complex(x.dtype):
        error = DTypeError(f"pad: {value} is no {x.dtype}", hint='x.astype("complex64")')
        raise locate(error, here(), (x,))
    if not is_differentiable(x.dtype):
        found = _among(value, x.dtype)
        if found is None:
            hint = 'x.astype("float32")' if isinstance(value, float) else None
            raise locate(DTypeError(f"pad: {value} is no {x.dtype}", hint=hint), here(), (x,))
        value = found
    starts = tuple(before for before, _ in pairs)
    return apply(Pad(starts, (1,) * x.ndim, shape, value), cast(x, x.dtype))


def _among(value: Number, dtype: DType) -> Number | None:
    """What `value` is among integers or bools, if it is one of them."""
    if isinstance(value, bool):
        return value
    if not np.isfinite(value) or value != int(value.real):
        return None
    least, most = (0, 1) if dtype == BOOL else (np.iinfo(dtype).min, np.iinfo(dtype).max)
    return int(value.real) if least <= int(value.real) <= most else None


def _extended(x: Node, axis: int, before: Size, after: Size, mode: PadMode) -> Node:
    """`x` with elements of its own before and after those along `axis`: parts of it, where one part is enough."""
    n = x.shape[axis]
    if n == 0:
        raise locate(ShapeError(f"pad: axis {axis} has no elements to repeat"), here(), (x,))
    widest = maximum(before, after)
    spare = lower_bound(n - (1 if mode == "edge" else widest + 1 if mode == "reflect" else widest))
    if spare is None or spare < 0:
        return _repeated(x, axis, before, after, mode)
    match mode:
        case "edge":
            ends = part(x, axis, 0, 1), part(x, axis, n - 1, 1)
            shapes = ((*x.shape[:axis], width, *x.shape[axis + 1 :]) for width in (before, after))
            first, last = map(broadcast, ends, shapes)
        case "reflect":
            first, last = flip(part(x, axis, 1, before), axis), flip(part(x, axis, n - 1 - after, after), axis)
        case "symmetric":
            first, last = flip(part(x, axis, 0, before), axis), flip(part(x, axis, n - after, after), axis)
        case _:
            first, last = part(x, axis, n - before, before), part(x, axis, 0, after)
    sides = ([first] if before != 0 else []) + [x] + ([last] if after != 0 else [])
    return concat(sides, axis)


def _repeated(x: Node, axis: int, before: Size, after: Size, mode: PadMode) -> Node:
    """The same for any widths, by the index of each element."""
    n = x.shape[axis]
    place = iota(before + n + after) - size_node(before)
    match mode:
        case "edge":
            index = clip(place, 0, size_node(n - 1))
        case "wrap":
            index = remainder(place, size_node(n))
        case "symmetric":
            turn = remainder(place, size_node(2 * n))
            index = minimum(turn, size_node(2 * n - 1) - turn)
        case _:
            turn = remainder(place, size_node(maximum(2 * n - 2, 1)))
            index = minimum(turn, size_node(maximum(2 * n - 2, 0)) - turn)
    return apply(Take(axis, checked=not (lower_bound(n) or 0) > 0), x, index)
