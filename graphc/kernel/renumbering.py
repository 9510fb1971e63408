"""Effects of lets that have other numbers now."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import assert_never

from graphc.kernel.steps import Effect, Fold, Prefix, Store, Total

__all__ = ["renumbered"]


def renumbered(effect: Effect, numbers: Mapping[int, int] | Sequence[int]) -> Effect:
    """The same effect in another formula, where its lets have these numbers."""
    match effect:
        case Store(index=index, value=value) | Total(index=index, value=value):
            return replace(effect, index=tuple([numbers[part] for part in index]), value=numbers[value])
        case Fold(value=value) | Prefix(value=value):
            return replace(effect, value=numbers[value])
        case _:
            assert_never(effect)
