"""Attributes that are computed when they are first asked for, and kept."""

from collections.abc import Callable
from typing import Any, Generic, TypeVar, overload

__all__ = ["once"]

Kept = TypeVar("Kept", covariant=True)


class once(Generic[Kept]):  # noqa: N801  # a decorator, as `functools.cached_property`
    """`functools.cached_property` without its lock, which Python 3.11 takes longer for than for most that is computed.

    Two threads that ask at once may both compute; what they get is equal.
    """

    def __init__(self, compute: Callable[[Any], Kept]) -> None:  # Any: of the class that the attribute is of
        self.compute = compute
        self.__doc__ = compute.__doc__

    def __set_name__(self, owner: type, name: str) -> None:
        self.name = name

    @overload
    def __get__(self, instance: None, owner: type) -> "once[Kept]": ...
    @overload
    def __get__(self, instance: object, owner: type) -> Kept: ...
    def __get__(self, instance: object | None, owner: type) -> "once[Kept] | Kept":
        if instance is None:
            return self
        kept = instance.__dict__[self.name] = self.compute(instance)
        return kept
