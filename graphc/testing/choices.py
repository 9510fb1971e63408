"""Decisions, read from bytes: a random program is a function of bytes, and smaller ones make a plainer program."""

from collections.abc import Iterable, Sequence
from typing import TypeVar, final

__all__ = ["Choices"]

Choice = TypeVar("Choice")


@final
class Choices:
    """Decisions in order, one byte each.  Where no bytes are left, the first option is chosen."""

    def __init__(self, source: Iterable[int]) -> None:
        self._source = iter(source)

    def number(self, count: int) -> int:
        """A number from 0 to count - 1."""
        return next(self._source, 0) * count >> 8

    def of(self, options: Sequence[Choice]) -> Choice:
        """One of the options."""
        return options[self.number(len(options))]

    def late(self, options: Sequence[Choice]) -> Choice:
        """One of the options, more often one of the last."""
        part = next(self._source, 0) / 256
        return options[int(len(options) * part**0.6)]

    def flag(self, chance: float = 0.5) -> bool:
        """Whether something is done that is plainer not to do."""
        return next(self._source, 0) >= 256 * (1 - chance)
