"""What users give besides operands: whole numbers, extents, shapes, flags.  Each is looked at in one place.

The errors name the function, the argument and the value; the user's line comes with every GraphError.
"""

import re
from collections.abc import Iterable, Mapping, Sequence, Set
from difflib import get_close_matches
from fractions import Fraction
from typing import Any, TypeGuard

import numpy as np

from graphc.errors import ArgumentError, ShapeError
from graphc.ir.apply import locate
from graphc.ir.node import Node
from graphc.origin import here
from graphc.printable import described
from graphc.sizes import Expression, Size, lower_bound
from graphc.types import Shape

__all__ = [
    "LARGEST",
    "a_choice",
    "a_count",
    "a_flag",
    "a_function",
    "a_number",
    "a_shape",
    "a_size",
    "a_whole_number",
    "an_amount_of_bytes",
    "an_array_shape",
    "an_extent",
    "is_extent",
    "is_whole",
    "one_or_several",
    "several",
]

LARGEST = 2**63 - 1  # an index is an int64


def is_whole(value: object) -> TypeGuard["int | np.integer"]:
    """Whether it is an int, of Python or NumPy; a bool is none."""
    return isinstance(value, int | np.integer) and not isinstance(value, bool)


def a_whole_number(name: str, what: str, value: object, *operands: Node, least: int = -LARGEST) -> int:
    """An int of `least` or more, for the argument `what` of the function `name`."""
    if is_whole(value) and least <= value <= LARGEST:
        return int(value)
    lowest = "" if least == -LARGEST else f" of {least} or more"
    raise locate(ArgumentError(f"{name}: {what} is an int{lowest}, not {described(value)}"), here(), operands)


_UNITS = {"B": 1, **{f"{p}B": 1000**k for k, p in enumerate("kMGT", 1)}}
_UNITS |= {f"{p}iB": 1024**k for k, p in enumerate("KMGT", 1)}
_BYTES_OF = {"": 1, **{unit.lower(): bytes for unit, bytes in _UNITS.items()}}


def an_amount_of_bytes(name: str, what: str, value: object) -> int:
    """How many bytes a whole number or a text says: 200_000_000, 2e8, "200MB", "200 mb" or "1.5 GiB"."""
    if is_whole(value) and value >= 0:
        return int(value)
    if isinstance(value, float | np.floating) and value >= 0 and float(value).is_integer():
        return int(value)
    parts = re.fullmatch(r"([0-9]{1,18}(?:\.[0-9]{1,18})?) ?([A-Za-z]*)", value) if isinstance(value, str) else None
    if parts is None or parts[2].lower() not in _BYTES_OF:
        problem = f"{name}: {what} is a number of bytes, not {described(value)}"
        raise ArgumentError(problem, hint=f'as "200MB", "1.5 GiB" or 200_000_000; units are {", ".join(_UNITS)}')
    return int(Fraction(parts[1]) * _BYTES_OF[parts[2].lower()])


def is_extent(value: object) -> bool:
    """Whether it is a size or a whole number that indices can reach."""
    return isinstance(value, Expression) or (is_whole(value) and -LARGEST <= int(value) <= LARGEST)


def a_size(name: str, what: str, value: object, *operands: Node) -> Size:
    """An int or a size, which may be below 0."""
    if isinstance(value, Expression):
        return value
    if is_whole(value) and -LARGEST <= value <= LARGEST:
        return int(value)
    raise locate(ArgumentError(f"{name}: {what} is an int or a size, not {described(value)}"), here(), operands)


def an_extent(name: str, what: str, value: object, *operands: Node) -> Size:
    """An int of 0 or more, or a size, whose value the call will tell."""
    size = a_size(name, what, value, *operands)
    if isinstance(size, int) and size < 0:
        raise locate(ShapeError(f"{name}: {what} is {size}, which is negative"), here(), operands)
    return size


def a_count(name: str, what: str, value: object, *operands: Node) -> Size:
    """An int or a size that is 0 or more, whatever its symbols are."""
    size = a_size(name, what, value, *operands)
    low = lower_bound(size)
    if low is None or low < 0:
        raise locate(ArgumentError(f"{name}: {what} is a number of elements, not {size}"), here(), operands)
    return size


def a_number(name: str, what: str, value: object, *operands: Node) -> float:
    """A real number, of Python or NumPy; an int stays exact."""
    if isinstance(value, np.integer | np.floating):
        number: float = value.item()
        return number
    if isinstance(value, int | float) and not isinstance(value, bool):
        return value
    raise locate(ArgumentError(f"{name}: {what} is a number, not {described(value)}"), here(), operands)


def a_flag(name: str, what: str, value: object, *operands: Node) -> bool:
    """True or False: a text, a number or an array may mean either."""
    if isinstance(value, bool | np.bool_):
        return bool(value)
    raise locate(ArgumentError(f"{name}: {what} is True or False, not {described(value)}"), here(), operands)


def a_function(name: str, what: str, value: object) -> None:
    """Raise where it cannot be called."""
    if not callable(value):
        problem = f"{name}: {what} is {described(value)}, which cannot be called"
        raise locate(ArgumentError(problem), here(), ())


def a_choice(name: str, what: str, value: object, options: Sequence[str], *operands: Node) -> str:
    """One of a few words."""
    if isinstance(value, str) and value in options:
        return value
    *most, last = map(repr, options)
    wanted = f"{', '.join(most)} or {last}" if most else last
    problem = f"{name}: {what} is {wanted}, not {described(value)}"
    raise locate(ArgumentError(problem, hint=_meant(value, options)), here(), operands)


def _meant(value: object, options: Sequence[str]) -> str | None:
    """The option that a text, or the name of a class, is close to, if it is to one."""
    text = value.__name__ if isinstance(value, type) else value
    by_text = {option.lower(): option for option in options}
    close = get_close_matches(text.lower(), by_text, 1) if isinstance(text, str) and len(text) <= _READ else []
    return f"did you mean {by_text[close[0]]!r}?" if close else None


_READ = 80  # characters of a text that may be an option


def several(name: str, what: str, value: object, *operands: Node) -> Sequence[Any]:
    """What has an order and can be listed: a list, a tuple, an array, a generator; no text, and no set."""
    if isinstance(value, list | tuple):
        return value
    unlisted = isinstance(value, Node | str | bytes | Mapping | Set) or (
        isinstance(value, np.ndarray) and value.ndim == 0
    )
    if unlisted or not isinstance(value, Iterable):
        problem = f"{name}: {what} is a list or a tuple, not {described(value)}"
        hint = f"{name}([x, y], ...); gx.unstack(x) is a list of parts" if isinstance(value, Node) else None
        raise locate(ArgumentError(problem, hint=hint), here(), operands)
    return list(value)


def one_or_several(value: object) -> Sequence[Any]:
    """The parts of a list, tuple, range or row of numbers; anything else is one part, whatever it is."""
    if isinstance(value, list | tuple | range):
        return value
    return value.tolist() if isinstance(value, np.ndarray) and value.ndim == 1 else (value,)


def a_shape(name: str, extents: object) -> Shape:
    """A shape as users write it: one extent or several, ints of any kind and sizes.  Negative ones pass."""
    return tuple([a_size(name, "an extent", extent) for extent in one_or_several(extents)])


def an_array_shape(name: str, extents: object) -> Shape:
    """A shape without extents that are below 0."""
    shape = a_shape(name, extents)
    for extent in shape:
        if isinstance(extent, int) and extent < 0:
            raise locate(ShapeError(f"{name}: the extent {extent} is negative"), here(), ())
    return shape
