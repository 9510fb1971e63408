"""Indices that are affine in numbered axes."""

from collections.abc import Iterable
from typing import NamedTuple

from graphc.sizes import Size

__all__ = ["AffineIndex", "axes_in"]


class AffineIndex(NamedTuple):
    """offset + sum of axis * coefficient, over numbered axes.

    A tuple: patterns hold many, and Python hashes and compares those by itself.
    """

    terms: tuple[tuple[int, Size], ...]
    offset: Size = 0


def axes_in(parts: Iterable[AffineIndex]) -> set[int]:
    """The axes that some part depends on."""
    return {axis for part in parts for axis, _ in part.terms}
