"""Bytes that a backend wants in the arena beside the buffers of a program."""

from graphc.dataclass import dataclass
from graphc.sizes import Size

__all__ = ["Room"]


@dataclass(frozen=True, slots=True)
class Room:
    """`bytes` for the scratch of one step, and of those inside it.

    Where `step` is None, for what all steps of a program may read.
    """

    bytes: Size
    step: int | None
