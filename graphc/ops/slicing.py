"""x[...]: NumPy's indices as slices, picks, new axes and lookups."""

from collections.abc import Sequence
from types import EllipsisType
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from graphc.errors import ArgumentError, GraphError, IndexRangeError, UnsupportedError
from graphc.ir.apply import locate
from graphc.ir.arithmetic import spread
from graphc.ir.node import Node
from graphc.ir.operands import as_node
from graphc.ops.indexing import take
from graphc.ops.placement import Pick, Slice, moved
from graphc.origin import here
from graphc.sizes import Expression, Size, maximum, minimum, upper_bound
from graphc.types import BOOL, is_integer

__all__ = ["getitem"]

Part: TypeAlias = "Size | slice | EllipsisType | Node | None"


def getitem(x: Node, index: object) -> Node:
    """`x[index]`, as NumPy has it: numbers, slices, `None`, `...`, and one array of integers.

    Bounds may be sizes.  A size counts from the front, unless it is never positive: `x[-n:]` has the last n.
    Where an extent is a size, what a slice takes is clipped to it when called, and a number is checked.
    """
    parts = _parts(x, index)
    starts: list[Size] = []
    steps: list[int] = []
    lengths: list[Size] = []
    picked: dict[int, Size] = {}
    new: list[int] = []  # axes of the result
    array: tuple[int, Node] | None = None  # axis of the result
    rank = 0  # of the result so far
    for part in parts:
        axis = len(starts)
        if part is None:
            new.append(rank)
            rank += 1
            continue
        n = x.shape[axis]
        start: Size = 0
        step, length = 1, n
        if isinstance(part, slice):
            start, step, length = _bounds(x, part, n)
        elif isinstance(part, Node):
            array = (rank, part)
        elif isinstance(part, int | Expression):
            picked[axis] = _place(x, part, axis, n)
        starts.append(start)
        steps.append(step)
        lengths.append(length)
        rank += axis not in picked
    node = moved(Slice(tuple(starts), tuple(steps), tuple(lengths)), x)
    node = moved(Pick(tuple(picked), tuple(picked.values())), node)
    old = iter(node.shape)
    node = spread(node, tuple(1 if i in new else next(old) for i in range(rank)), tuple(new))
    return node if array is None else take(node, array[1], array[0])


def _fail(error: GraphError, x: Node) -> GraphError:
    return locate(error, here(), (x,))


def _parts(x: Node, index: object) -> list[Part]:
    """One part for each axis of `x`, and None for each new axis."""
    given = [_part(x, part) for part in (index if isinstance(index, tuple) else (index,))]
    used = sum(part is not None and part is not ... for part in given)
    dots = [place for place, part in enumerate(given) if part is ...]
    if len(dots) > 1:
        raise _fail(ArgumentError("an index has more than one ..."), x)
    if used > x.ndim:
        raise _fail(IndexRangeError(f"{used} indices for an array of rank {x.ndim}"), x)
    rest: list[Part] = [slice(None)] * (x.ndim - used)
    place = dots[0] if dots else len(given)
    parts = [*given[:place], *rest, *given[place + 1 :]]
    arrays = [i for i, part in enumerate(parts) if isinstance(part, Node)]
    if len(arrays) > 1:
        hint = "index one axis after the other, or gx.take_along_axis"
        raise _fail(UnsupportedError("an index has more than one array", hint=hint), x)
    fixed = [i for i, part in enumerate(parts) if isinstance(part, int | Expression | Node)]
    if arrays and fixed[-1] - fixed[0] >= len(fixed):
        hint = "write two indices, one after the other"
        raise _fail(UnsupportedError("an array and a number with a slice between them", hint=hint), x)
    return parts


def _part(x: Node, part: object) -> Part:
    """What `part` is, of what an index may hold."""
    if part is None or part is ... or isinstance(part, slice | Expression):
        return part
    if isinstance(part, int | np.integer) and not isinstance(part, bool):
        return int(part)
    if isinstance(part, Node | np.ndarray | list | bool | np.bool_):
        node = part if isinstance(part, Node) else as_node(_whole(part))
        if is_integer(node.dtype):
            return node
        if node.dtype == BOOL:
            problem = "a mask selects a number of elements that is not known before the call"
            raise _fail(UnsupportedError(problem, hint="gx.where(mask, x, 0) keeps the shape"), x)
        raise _fail(ArgumentError(f"an index of {node.dtype}", hint='index.astype("int64")'), x)
    hint = "numbers, slices, None, ... and an array of integers are"
    raise _fail(ArgumentError(f"{part!r} is no index", hint=hint), x)


def _whole(part: npt.NDArray[Any] | Sequence[object] | bool | np.bool_) -> npt.NDArray[Any]:
    """A list or array as an array; an empty list has no elements of int64."""
    array = np.asarray(part)
    return array if array.size or isinstance(part, np.ndarray) else array.astype(np.int64)


def _counted(bound: Size, n: Size) -> Size:
    """A bound counted from the front: what is below 0, and a size that is never above, is from the end."""
    if isinstance(bound, int):
        return n + bound if bound < 0 else bound
    high = upper_bound(bound)
    return bound if high is None or high > 0 else n + bound


def _place(x: Node, place: Size, axis: int, n: Size) -> Size:
    """Where an index lies, counted from the front."""
    if isinstance(place, int) and isinstance(n, int) and not -n <= place < n:
        raise _fail(IndexRangeError(f"index {place} is outside axis {axis} of extent {n}"), x)
    return _counted(place, n)


def _bounds(x: Node, part: slice, n: Size) -> tuple[Size, int, Size]:
    """Start, step and length of a slice of an axis of extent n."""
    step = 1 if part.step is None else part.step
    if not isinstance(step, int | np.integer) or step == 0:
        raise _fail(ArgumentError(f"the step of a slice is an int other than 0, not {step!r}"), x)
    step = int(step)
    start, stop = (_bound(x, bound) for bound in (part.start, part.stop))
    if isinstance(n, int) and not isinstance(start, Expression) and not isinstance(stop, Expression):
        chosen = range(*slice(start, stop, step).indices(n))
        return chosen.start, step, len(chosen)
    if step > 0:
        first = 0 if start is None else maximum(_counted(start, n), 0)
        end = n if stop is None else minimum(_counted(stop, n), n)
        return first, step, (maximum(end - first, 0) + step - 1) // step
    first = n - 1 if start is None else minimum(_counted(start, n), n - 1)
    end = -1 if stop is None else maximum(_counted(stop, n), -1)
    return first, step, (maximum(first - end, 0) - step - 1) // -step


def _bound(x: Node, bound: object) -> "Size | None":
    """A bound of a slice: nothing, a number or a size."""
    if bound is None or isinstance(bound, Expression):
        return bound
    if isinstance(bound, int | np.integer):
        return int(bound)
    hint = "gx.take(x, start + positions, axis) takes elements at places known when called"
    raise _fail(UnsupportedError("a bound of a slice is a number or a size", hint=hint), x)
