"""What kernels have in common that do the same on different buffers."""

from collections.abc import Hashable
from typing import final

from graphc.once import once
from graphc.value import Value

__all__ = ["Form"]


@final
class Form(Value):
    """A kernel apart from its buffers, which are known by their numbers.

    One object for the kernels that were made from each other: most are told to be of one form by that.

    parts   all that it does
    reads   the numbers of the buffers that it reads, and writes: of those that it writes; locals are no part of these
    """

    parts: tuple[Hashable, ...]
    reads: tuple[int, ...]
    writes: tuple[int, ...]

    @once
    def _hash(self) -> int:
        return hash(self.parts)

    def __hash__(self) -> int:
        return self._hash
