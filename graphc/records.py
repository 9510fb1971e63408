"""Values as flat records, and back: what is kept on a disk, and what tells one graph from another.

A record is a kind and its parts; a part is an int, a text, or a list of one number that says which record.  Each
record stands after those that it needs.  Values that are equal have one record, things known by identity one each.
Nothing is run by reading: only dataclasses, named tuples and enums of graphc are made again.
"""

from collections.abc import Mapping, Sequence
from dataclasses import fields, is_dataclass
from enum import Enum
from importlib import import_module
from typing import Any, TypeAlias

import numpy as np

from graphc.types import DTYPES

__all__ = ["Part", "Record", "Unrecordable", "Writer", "read"]

Part: TypeAlias = "int | str | tuple[int]"
Record: TypeAlias = "tuple[Part, ...]"

NONE, TRUE, FALSE = (-1,), (-2,), (-3,)
_SINGLE: Mapping[int, bool | None] = {-1: None, -2: True, -3: False}
_PACKAGE = "graphc"


class Unrecordable(Exception):  # noqa: N818  # says what something is, not what went wrong
    """There is no record of this: a function for example."""


class Writer:
    """Records of values.  Recursion is over values inside values, which are few levels deep."""

    def __init__(self) -> None:
        self.records: list[Record] = []
        self._numbers: dict[Record, tuple[int]] = {}  # records of values
        self._seen: dict[int, tuple[Part, object]] = {}  # id -> its part; the object, so that no other gets the id
        self._classes: dict[type, tuple[str, tuple[str, ...]]] = {}

    def part(self, value: Any) -> Part:  # Any: whatever there are records of
        """What stands for a value in a record.  Raises Unrecordable."""
        kind = value.__class__
        if kind is int or kind is str:
            return value  # type: ignore[no-any-return]
        if value is None:
            return NONE
        if kind is bool:
            return TRUE if value else FALSE
        known = self._seen.get(id(value))
        if known is None:
            known = self._seen[id(value)] = (self.written(value), value)
        return known[0]

    def written(self, value: Any) -> tuple[int]:
        """The number of the record of something that has none yet."""
        kind = value.__class__
        if kind is tuple or kind is list:
            return self.value(kind.__name__, map(self.part, value))
        if kind is float:
            return self.value("float", (value.hex(),))
        if kind is complex:
            return self.value("complex", (value.real.hex(), value.imag.hex()))
        if isinstance(value, np.dtype):
            return self.value("dtype", (value.name,))
        if isinstance(value, Enum):
            return self.value("enum", (*self._class(kind)[:1], value.name))
        if isinstance(value, Mapping):
            return self.value("dict", [self.part(x) for pair in value.items() for x in pair])
        name, attributes = self._class(kind)
        if not attributes and not is_dataclass(kind):
            raise Unrecordable(name)
        parts = [self.part(getattr(value, attribute)) for attribute in attributes]
        return self.thing(name, parts) if kind.__eq__ is object.__eq__ else self.value(name, parts)

    def value(self, kind: str, parts: Any) -> tuple[int]:
        """The record of a value: the one that an equal value has, or a new one."""
        record = (kind, *parts)
        number = self._numbers.get(record)
        if number is None:
            number = self._numbers[record] = self.thing(kind, record[1:])
        return number

    def thing(self, kind: str, parts: Sequence[Part]) -> tuple[int]:
        """A new record."""
        self.records.append((kind, *parts))
        return (len(self.records) - 1,)

    def _class(self, of: type) -> tuple[str, tuple[str, ...]]:
        """How a class is written, and the attributes that make an object of it."""
        found = self._classes.get(of)
        if found is None:
            if is_dataclass(of):
                attributes = tuple([field.name for field in fields(of) if field.init])
            else:
                attributes = tuple(getattr(of, "_fields", ()))
            found = self._classes[of] = (f"{of.__module__}:{of.__qualname__}", attributes)
        return found


def read(records: Sequence[Sequence[Any]], parts: Sequence[Any]) -> list[Any]:
    """The values of some parts.  Raises ValueError, or what a class raises, for records that say nothing."""
    values: list[Any] = []

    def of(part: Any) -> Any:
        if part.__class__ is int or part.__class__ is str:
            return part
        (number,) = part
        return _SINGLE[number] if number < 0 else values[number]

    for kind, *rest in records:
        values.append(_made(kind, [of(part) for part in rest]))
    return [of(part) for part in parts]


def _made(kind: str, parts: list[Any]) -> Any:
    """What a record is of."""
    match kind:
        case "tuple":
            return tuple(parts)
        case "list":
            return parts
        case "dict":
            return dict(zip(parts[::2], parts[1::2], strict=True))
        case "float":
            return float.fromhex(parts[0])
        case "complex":
            return complex(*map(float.fromhex, parts))
        case "dtype":
            return DTYPES[parts[0]]
        case "enum":
            return _named(parts[0], Enum)[parts[1]]
        case _:
            return _named(kind, object)(*parts)


def _named(name: str, base: type) -> Any:
    """A class of graphc of which there are records."""
    module, _, path = name.partition(":")
    if module.partition(".")[0] != _PACKAGE or not path.isidentifier():
        raise ValueError(f"there are no records of {name}")
    found = getattr(import_module(module), path)
    is_ours = isinstance(found, type) and issubclass(found, base) and found.__module__ == module
    if not is_ours or not (issubclass(found, Enum) or is_dataclass(found) or hasattr(found, "_fields")):
        raise ValueError(f"there are no records of {name}")
    return found
