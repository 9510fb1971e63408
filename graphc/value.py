"""Values: frozen dataclasses that cost nothing until the first one is made."""

from dataclasses import MISSING, dataclass, field, fields
from threading import Lock
from typing import Any, TypeVar, dataclass_transform

from graphc.printable import printable

__all__ = ["Value", "quick"]

Class = TypeVar("Class", bound=type)

_COMPLETING = Lock()


@dataclass_transform(frozen_default=True, field_specifiers=(field,))
class Value:
    """Base of frozen values: each final class is a frozen dataclass of the fields that it declares itself.

    It becomes one when its first value is made.  `@dataclass` writes and compiles five methods for a class, some
    0.3 milliseconds: for the classes of all ops together, more than everything else that `import graphc` does.
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
            quick(dataclass(frozen=True, repr=False)(of))


def quick(of: Class) -> Class:
    """The same frozen dataclass, made in half the time.

    `@dataclass` sets each field by `object.__setattr__`, which looks for its place every time.  A class that computes
    fields when it is made stays as it is.
    """
    found = fields(of)
    computes = hasattr(of, "__post_init__") or any(f.default_factory is not MISSING or not f.init for f in found)
    if computes or not found:
        return of
    places = {f"set_{f.name}": vars(of)[f.name].__set__ for f in found} if "__slots__" in vars(of) else {}
    defaults = {f"default_{f.name}": f.default for f in found if f.default is not MISSING}
    given = [f"{f.name}=default_{f.name}" if f.default is not MISSING else f.name for f in found]
    lines = [f"set_{f.name}(self, {f.name})" if places else f"held[{f.name!r}] = {f.name}" for f in found]
    body = "; ".join(lines if places else ["held = self.__dict__", *lines])
    names = {**places, **defaults}
    exec(f"def __init__(self, {', '.join(given)}): {body}", names)
    names["__init__"].__qualname__ = f"{of.__qualname__}.__init__"
    of.__init__ = names["__init__"]  # type: ignore[misc]
    return of
