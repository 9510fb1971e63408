"""Epilogues of products as functions of boxes: what follows the part of a product that has just been made."""

from collections.abc import Collection
from itertools import pairwise
from typing import final

from graphc.backends.llvm.along import Along
from graphc.backends.llvm.arguments import Arguments
from graphc.backends.llvm.chunked import Function
from graphc.backends.llvm.kernels import Native
from graphc.backends.llvm.plans import planned
from graphc.backends.llvm.rows import Rows
from graphc.backends.llvm.scope import Scope
from graphc.backends.llvm.text import Text
from graphc.dataclass import dataclass
from graphc.kernel.contractions import axes_of
from graphc.kernel.elementary.expansion import expanded_kernel
from graphc.kernel.roles import Roles
from graphc.kernel.scalar import Axis
from graphc.kernel.steps import Contract

__all__ = ["Box", "box_of"]


@final
@dataclass(frozen=True)
class Box:
    """A function of a part of the points of an epilogue: void KERNEL(ptr args, ptr box).

    The box has two ends for each axis: the second is behind it.  Nothing outside of it is read or written.

    axes   of the box, each with the number of the axis of the product that it is
    """

    function: Function
    axes: tuple[tuple[Axis, int], ...]


def box_of(contract: Contract, native: Native, roles: Roles) -> Box:
    """The epilogue of a product, by the axes that the product is walked along."""
    numbers = dict(axes_of(contract))
    walked = {walk.number for walk in (*roles.batch, *roles.rows, *roles.columns)}
    plan = planned(expanded_kernel(native.kernel), _apart(numbers, walked))
    text = Text()
    arguments = Arguments(text)
    ranges, axes = {}, []
    own = {axis.number: number for axis, number in numbers.items()}
    for place, axis in enumerate(sorted(plan.outer, key=lambda axis: axis.number)):
        ends = [text.value(f"getelementptr i64, ptr %box, i64 {2 * place + end}") for end in (0, 1)]
        first, behind = (text.value(f"load i64, ptr {end}") for end in ends)
        ranges[axis] = (first, behind)
        axes.append((axis, own[axis.number]))  # axes that are one have the number of the last of them, there as here
    scope = Scope(text, arguments, {}, native.shortcuts(plan))
    Rows(Along(plan, text, arguments, native.width, native.bytes, native.owner, ranges, strict=True)).write(scope)
    text.do("ret void")
    return Box(Function(text.function("KERNEL", "ptr %args, ptr %box"), arguments), tuple(axes))


def _apart(numbers: dict[Axis, int], walked: Collection[int]) -> frozenset[Axis]:
    """The axes of an epilogue in front of which the product walks one on its own."""
    several = [axis for axis in sorted(numbers, key=lambda axis: axis.number) if axis.extent != 1]
    return frozenset(axis for before, axis in pairwise(several) if numbers[before] in walked)
