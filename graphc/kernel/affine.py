"""Indices that are affine in numbered axes."""

from typing import NamedTuple

from graphc.sizes import Size

__all__ = ["AffineIndex"]


class AffineIndex(NamedTuple):
    """offset + sum of axis * coefficient, over numbered axes.

    A tuple: patterns hold many, and Python hashes and compares those by itself.
    """

    terms: tuple[tuple[int, Size], ...]
    offset: Size = 0
