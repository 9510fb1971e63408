"""Where operands of products are read outside of their arrays."""

from collections.abc import Sequence
from typing import final

from graphc.dataclass import dataclass
from graphc.kernel.affine import AffineIndex
from graphc.kernel.buffer import Buffer
from graphc.kernel.steps import Contract
from graphc.sizes import Size, lower_bound, product

__all__ = ["Guard", "ends_of", "guards_of"]


@final
@dataclass(frozen=True, slots=True)
class Guard:
    """A part of an index that may be outside of an array, which has `extent` elements along it, `stride` apart.

    precedes, exceeds  whether it may be below 0, and whether it may be `extent` or above
    """

    part: AffineIndex
    extent: Size
    stride: Size
    precedes: bool
    exceeds: bool


def guards_of(contract: Contract, operand: Buffer, index: Sequence[AffineIndex]) -> tuple[Guard, ...]:
    """The parts of the index of an operand that may be outside of it; none where all are in range."""
    if not contract.guarded:
        return ()
    found: list[Guard] = []
    for axis, (part, extent) in enumerate(zip(index, operand.shape, strict=True)):
        ends = ends_of(part, contract.extents)
        precedes = ends is None or not _is_counted(ends[0])
        exceeds = ends is None or not _is_counted(extent - 1 - ends[1])
        if precedes or exceeds:
            found.append(Guard(part, extent, product(operand.shape[axis + 1 :]), precedes, exceeds))
    return tuple(found)


def ends_of(part: AffineIndex, extents: Sequence[Size]) -> tuple[Size, Size] | None:
    """The least and the most that an index is; None where that depends on a step that is open."""
    least = most = part.offset
    for axis, factor in part.terms:
        if not isinstance(factor, int):
            return None
        reach = factor * (extents[axis] - 1)
        least, most = (least, most + reach) if factor > 0 else (least + reach, most)
    return least, most


def _is_counted(size: Size) -> bool:
    """Whether a size is known to be 0 or more."""
    low = lower_bound(size)
    return low is not None and low >= 0
