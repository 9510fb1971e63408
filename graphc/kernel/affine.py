"""Indices that are affine in numbered axes."""

from typing import final

from graphc.once import once
from graphc.sizes import Size
from graphc.value import Value

__all__ = ["AffineIndex"]


@final
class AffineIndex(Value):
    """offset + sum of axis * coefficient, over numbered axes."""

    terms: tuple[tuple[int, Size], ...]
    offset: Size = 0

    @once
    def _hash(self) -> int:
        return hash((self.terms, self.offset))

    def __hash__(self) -> int:  # patterns hold many, and the same ones again and again
        return self._hash
