"""Axes as users name them: an int, several, negative ones, or all."""

from collections.abc import Iterable, Sequence
from typing import TypeAlias, TypeVar

from graphc.errors import ArgumentError, ShapeError
from graphc.ir.apply import locate
from graphc.ir.arithmetic import spread
from graphc.ir.given import a_flag, is_whole, one_or_several
from graphc.ir.node import Node
from graphc.origin import called, here
from graphc.printable import described

__all__ = ["Axes", "listed", "one_axis", "several_axes", "some_axes", "with_axes", "without"]

T = TypeVar("T")

Axes: TypeAlias = int | Sequence[int] | None


def one_axis(name: str, axis: int, rank: int, *operands: Node) -> int:
    """`axis` counted from the front.  Raises ShapeError, for the function `name`, where it is outside."""
    if isinstance(axis, bool) or not isinstance(axis, int):
        if not is_whole(axis):
            raise locate(ArgumentError(f"{name}: an axis is an int, not {described(axis)}"), here(), operands)
        axis = int(axis)
    if not -rank <= axis < rank:
        hint = f"the axes are 0 to {rank - 1}, or {-rank} to -1" if rank else "it has no axes"
        error = ShapeError(f"{name}: axis {axis} of an array of rank {rank}", hint=hint)
        raise locate(error, here(), operands)
    return axis % rank


def some_axes(name: str, axes: Axes, rank: int, *operands: Node) -> tuple[int, ...]:
    """`axes` counted from the front, in order; all for None.  Raises ShapeError for one given twice."""
    if axes is None:
        return tuple(range(rank))
    found = several_axes(name, axes, rank, *operands)
    if len(set(found)) < len(found):
        raise locate(ShapeError(f"{name}: an axis is given twice in {axes}"), here(), operands)
    return tuple(sorted(found))


def several_axes(name: str, axes: int | Sequence[int], rank: int, *operands: Node) -> tuple[int, ...]:
    """`axes` counted from the front, in the order given; one axis stands for itself."""
    return tuple([one_axis(name, axis, rank, *operands) for axis in one_or_several(axes)])


def without(axes: Sequence[int], of: Sequence[T]) -> tuple[T, ...]:
    """The parts of `of` that stand at no axis of `axes`."""
    return tuple(part for axis, part in enumerate(of) if axis not in axes)


def with_axes(result: Node, x: Node, axes: Sequence[int], keepdims: bool) -> Node:
    """`result`, which lacks `axes` of `x`; where `keepdims` holds, with an extent of 1 for each of them."""
    given: object = keepdims
    if given is False or (given is not True and not a_flag(called(), "keepdims", keepdims)):
        return result
    return spread(result, tuple([1 if i in axes else n for i, n in enumerate(x.shape)]), axes)


def listed(parts: Iterable[object]) -> str:
    """`1,2`: the options of an op, as printed."""
    return ",".join(map(str, parts))
