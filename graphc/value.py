"""Values: frozen dataclasses that cost nothing until the first one is made."""

from dataclasses import field
from threading import Lock
from typing import Any, dataclass_transform

from graphc.dataclass import dataclass
from graphc.printable import printable

__all__ = ["Value"]

_COMPLETING = Lock()


@dataclass_transform(frozen_default=True, field_specifiers=(field,))
class Value:
    """Base of frozen values: each final class is a frozen dataclass of the fields that it declares itself.

    It becomes one when its first value is made: what `dataclass` does for a class in any case would cost
    `import graphc` some milliseconds for the classes of all ops together.
    """

    def __init__(self, *given: Any, **named: Any) -> None:  # Any: type checkers see the fields instead
        _complete(type(self))
        type(self).__init__(self, *given, **named)

    # Another thread may have made a value before its class is complete: it waits until these are replaced.

    def __eq__(self, other: object) -> bool:
        _complete(type(self))
        return type(self).__eq__(self, other)

    def __hash__(self) -> int:
        _complete(type(self))
        return type(self).__hash__(self)

    def __repr__(self) -> str:
        fields = vars(type(self)).get("__dataclass_fields__", ())  # and not what is computed once and kept
        shown = ", ".join(f"{name}={getattr(self, name)!r}" for name in fields)
        return printable(f"{type(self).__name__}({shown})", 200)


def _complete(of: type) -> None:
    """Make a class the dataclass that it stands for."""
    with _COMPLETING:
        if "__dataclass_fields__" not in vars(of):
            dataclass(frozen=True, repr=False)(of)
