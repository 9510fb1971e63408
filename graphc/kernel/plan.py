"""Where things lie in the arena of a program, and when."""

from typing import final

from graphc.dataclass import dataclass

__all__ = ["Place", "Plan"]


@final
@dataclass(frozen=True)
class Place:
    """`bytes` from `offset` on, which hold something from step `first` to step `last`, both included."""

    name: str
    offset: int
    bytes: int
    first: int
    last: int


@final
@dataclass(frozen=True)
class Plan:
    """An arena of so many bytes, where the symbols of the program have these values."""

    sizes: tuple[int, ...]
    bytes: int
    places: tuple[Place, ...]
