"""x[...]: NumPy's indices as slices, picks, new axes and lookups."""

from collections.abc import Sequence
from types import EllipsisType
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from graphc.dataclass import dataclass
from graphc.errors import ArgumentError, GraphError, IndexRangeError, ShapeError, UnsupportedError
from graphc.ir.apply import apply, locate
from graphc.ir.arithmetic import Add, Cast, Mul, Squeeze, spread
from graphc.ir.given import LARGEST, is_whole
from graphc.ir.kinds import Counting
from graphc.ir.leaves import ConstantValue, size_node, uniform
from graphc.ir.node import Node
from graphc.ir.operands import as_node, broadcast_shapes, cast
from graphc.ir.values import as_numbers
from graphc.ops.axes import without
from graphc.ops.creation import iota
from graphc.ops.indexing import Take
from graphc.ops.movement import reshape, transpose
from graphc.ops.placement import Pick, Slice, moved
from graphc.origin import here
from graphc.printable import counted, described, tuple_text
from graphc.sizes import Expression, Size, equal, maximum, minimum, product, upper_bound
from graphc.types import BOOL, INT64, Shape, is_integer

__all__ = ["Selection", "getitem", "selection"]

_ALL = slice(None)  # of axes that an index says nothing of

Part: TypeAlias = "Size | slice | EllipsisType | Node | None"


@dataclass(frozen=True)
class Selection:
    """What an index selects of an array: a box, then what numbers pick of it, then what arrays of indices read.

    box       of each axis the elements from a start on, by steps
    picked    the axes of the box of which one element is taken
    indexed   the axes of what is left that arrays of indices walk together
    arrays    those arrays, one for each of `indexed`; their shapes broadcast
    at        where the axes of the arrays stand in the result, before it gets new ones
    new       the axes of the result that nothing is behind, of extent 1
    """

    box: Slice
    picked: Pick
    indexed: tuple[int, ...]
    arrays: tuple[Node, ...]
    at: int
    new: tuple[int, ...]

    def region(self, x: Node) -> Node:
        """What of `x` is left by slices and numbers."""
        return moved(self.picked, moved(self.box, x))

    @property
    def order(self) -> tuple[int, ...]:
        """The axes of the region with those indexed side by side, from `at` on."""
        others = without(self.indexed, range(len(self.box.lengths) - len(self.picked.axes)))
        return (*others[: self.at], *self.indexed, *others[self.at :])

    def joined(self, region: Node) -> Node:
        """The region with the axes indexed as one axis, `at`."""
        node = transpose(region, self.order)
        after = self.at + len(self.indexed)
        one = product(node.shape[self.at : after])
        return reshape(node, (*node.shape[: self.at], one, *node.shape[after:]))

    def place(self, region: Node) -> Node:
        """Where the arrays point along the axis that `joined` made, counted from the front and checked."""
        axes = without(self.picked.axes, range(len(self.box.lengths)))  # what the user calls them
        result: Node | None = None
        for axis, index in zip(self.indexed, self.arrays, strict=True):
            n = region.shape[axis]
            counted = apply(Take(0, reported=axes[axis]), iota(n), index)
            result = counted if result is None else result * size_node(n) + counted
        assert result is not None
        return result


def getitem(x: Node, index: object) -> Node:
    """`x[index]`, as NumPy has it: numbers, slices, `None`, `...`, and arrays of integers.

    Bounds may be sizes.  A size counts from the front, unless it is never positive: `x[-n:]` has the last n.
    Where an extent is a size, what a slice takes is clipped to it when called, and a number is checked.

    Several arrays broadcast, and walk their axes together: element p of the result is that at (i[p], j[p]).
    The axes of p stand where the arrays stand, with the numbers beside them; they come first where a slice,
    `None` or `...` stands between two of these.
    """
    numbers = index if isinstance(index, tuple) else (index,)
    if len(numbers) <= x.ndim and not [n for n in numbers if n.__class__ is not int or not -LARGEST <= n <= LARGEST]:
        places = [_place(x, n, axis, x.shape[axis]) for axis, n in enumerate(numbers)]
        return moved(Pick(tuple(range(len(places))), tuple(places)), x)  # what follows gives this too, much later
    chosen = selection(x, index)
    node = chosen.region(x)
    match chosen.indexed:
        case ():
            pass
        case (axis,):
            shown = without(chosen.picked.axes, range(x.ndim))[axis]
            reported = shown if shown != chosen.at else None
            node = apply(Take(chosen.at, reported=reported), chosen.joined(node), chosen.arrays[0])
        case _:
            row = _one_of_each_row(node, chosen)
            joint = Take(chosen.at, checked=False)
            node = apply(joint, chosen.joined(node), chosen.place(node)) if row is None else row
    new = chosen.new
    if not new:
        return node
    old = iter(node.shape)
    return spread(node, tuple(1 if i in new else next(old) for i in range(node.ndim + len(new))), new)


def _one_of_each_row(region: Node, chosen: Selection) -> Node | None:
    """x[arange(n), i], one element of each row, or x[i, arange(n)], one of each column; None for all else."""
    if region.ndim != 2 or len(chosen.indexed) != 2:
        return None
    axes = without(chosen.picked.axes, range(len(chosen.box.lengths)))  # what the user calls them
    for rows, places in ((0, 1), (1, 0)):
        every, index = chosen.arrays[rows], chosen.arrays[places]
        if _counts_all(every, region.shape[chosen.indexed[rows]]) and index.shape == every.shape:
            axis = chosen.indexed[places]
            pick = Take(axis, paired=True, reported=axes[axis])
            return moved(Squeeze((axis,)), apply(pick, region, spread(index, _thin(index, axis), (axis,))))
    return None


def _thin(index: Node, axis: int) -> Shape:
    """The shape of an array of indices with an axis of extent 1."""
    return (1, *index.shape) if axis == 0 else (*index.shape, 1)


def _counts_all(index: Node, n: Size) -> bool:
    """Whether an array of indices is 0, 1 ... n - 1."""
    while index.inputs:
        first = index.inputs[0]
        match index.op:
            case Add() if uniform(index.inputs[1]) == 0:
                index = first
            case Mul() if uniform(index.inputs[1]) == 1:
                index = first
            case Cast():
                index = first
            case _:
                return False
    if isinstance(index.op, ConstantValue):
        return isinstance(n, int) and index.shape == (n,) and bool(np.all(index.op.array == np.arange(n)))
    return isinstance(index.op, Counting) and index.shape == (n,)


def selection(x: Node, index: object) -> Selection:
    """What `x[index]` selects."""
    given = [_part(x, part) for part in (index if isinstance(index, tuple) else (index,))]
    parts = _parts(x, given)
    arrays = tuple(part for part in parts if isinstance(part, Node))
    wide = _common_rank(x, arrays)
    is_first = bool(arrays) and _is_apart(given)
    boxes: list[tuple[Size, int, Size]] = []
    picked: dict[int, Size] = {}
    indexed: list[int] = []
    new: list[int] = []
    at, rank = 0, wide if is_first else 0  # of the result so far
    for part in parts:
        axis = len(boxes)
        match part:
            case None:
                new.append(rank)
                rank += 1
                continue
            case Node():
                if not indexed and not is_first:
                    at = rank - len(new)
                    rank += wide
                indexed.append(axis - len(picked))
            case int() | Expression():
                picked[axis] = _place(x, part, axis, x.shape[axis])
            case _:
                rank += 1
        boxes.append(_bounds(x, part, x.shape[axis]) if isinstance(part, slice) else (0, 1, x.shape[axis]))
    starts, steps, lengths = zip(*boxes, strict=True) if boxes else ((), (), ())
    box, pick = Slice(starts, steps, lengths), Pick(tuple(picked), tuple(picked.values()))
    return Selection(box, pick, tuple(indexed), arrays, at, tuple(new))


def _is_apart(given: Sequence[Part]) -> bool:
    """Whether something else stands between arrays and numbers."""
    fixed = [i for i, part in enumerate(given) if isinstance(part, int | Expression | Node)]
    return fixed[-1] - fixed[0] >= len(fixed)


def _common_rank(x: Node, arrays: Sequence[Node]) -> int:
    """The number of axes of arrays that broadcast.  Raises where they do not."""
    shape: Shape = ()
    for array in arrays:
        met = zip(reversed(shape), reversed(array.shape), strict=False)
        if any(n != 1 and m != 1 and equal(n, m) is False for n, m in met):
            shapes = " and ".join(tuple_text(other.shape) for other in arrays)
            problem = f"the indices have the shapes {shapes}, which do not fit together"
            raise _fail(ShapeError(problem, hint="x[i[:, None], j] takes all pairs"), x)
        shape = broadcast_shapes(shape, array.shape)
    return len(shape)


def _fail(error: GraphError, x: Node) -> GraphError:
    return locate(error, here(), (x,))


def _parts(x: Node, given: Sequence[Part]) -> list[Part]:
    """One part for each axis of `x`, and None for each new axis."""
    used = sum(part is not None and part is not ... for part in given)
    dots = [place for place, part in enumerate(given) if part is ...]
    if len(dots) > 1:
        raise _fail(ArgumentError("an index has more than one ..."), x)
    if used > x.ndim:
        raise _fail(IndexRangeError(f"{counted(used, 'index', 'indices')} for an array of rank {x.ndim}"), x)
    rest: list[Part] = [_ALL] * (x.ndim - used)
    place = dots[0] if dots else len(given)
    return [*given[:place], *rest, *given[place + 1 :]]


def _part(x: Node, part: object) -> Part:
    """What `part` is, of what an index may hold."""
    if part is None or part is ... or isinstance(part, slice | Expression):
        return part
    if is_whole(part):
        if not -LARGEST <= part <= LARGEST:
            raise _fail(IndexRangeError("an index of more than 63 bits is outside every extent"), x)
        return int(part)
    if isinstance(part, Node | np.ndarray | list | bool | np.bool_):
        node = part if isinstance(part, Node) else as_node(_whole(part))
        if is_integer(node.dtype):
            return cast(node, INT64)
        if node.dtype == BOOL:
            problem = "a mask selects a number of elements that is not known before the call"
            raise _fail(UnsupportedError(problem, hint="gx.where(mask, x, 0) keeps the shape"), x)
        raise _fail(ArgumentError(f"an index of {node.dtype}", hint='index.astype("int64")'), x)
    hint = "numbers, slices, None, ... and arrays of integers are"
    raise _fail(ArgumentError(f"{described(part)} is no index", hint=hint), x)


def _whole(part: npt.NDArray[Any] | Sequence[object] | bool | np.bool_) -> npt.NDArray[Any]:
    """A list or array as an array; an empty list has no elements of int64."""
    array = as_numbers(part, "the index")
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
    if part is _ALL and isinstance(n, int):
        return 0, 1, n
    step = 1 if part.step is None else part.step
    if not isinstance(step, int | np.integer) or step == 0:
        raise _fail(ArgumentError(f"the step of a slice is an int other than 0, not {described(step)}"), x)
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
