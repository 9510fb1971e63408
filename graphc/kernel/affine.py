"""Indices that are affine in numbered axes."""

from typing import final

from graphc.sizes import Size
from graphc.value import Value

__all__ = ["AffineIndex"]


@final
class AffineIndex(Value):
    """offset + sum of axis * coefficient, over numbered axes."""

    terms: tuple[tuple[int, Size], ...]
    offset: Size = 0
