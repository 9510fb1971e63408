"""Nested lists, tuples and dicts of things: taken apart, and put together again in the same form."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, TypeAlias

from graphc.errors import ArgumentError
from graphc.printable import a_thing

__all__ = ["Structure", "aligned", "builder", "leaves", "paths", "rebuild"]

Structure: TypeAlias = Any  # Any: a leaf, None, or a list, tuple, named tuple or dict of structures
DEEPEST = 64  # levels of containers


def leaves(structure: Structure) -> list[Any]:
    """The leaves, from left to right; dicts in the order of their keys as given.  None has none."""
    return [leaf for _, leaf in paths(structure)]


def paths(structure: Structure, path: str = "") -> list[tuple[str, Any]]:
    """Each leaf with its path: `encoder.0.weight`.  Raises ArgumentError for what is nested without end."""
    found: list[tuple[str, Any]] = []
    stack: list[tuple[str, Any, int]] = [(path, structure, 0)]
    while stack:
        where, item, depth = stack.pop()
        if item is None:
            continue
        if depth > DEEPEST:
            problem = f"lists, tuples and dicts are nested more than {DEEPEST} deep; does one hold itself?"
            raise ArgumentError(problem)
        parts = _parts(item)
        if parts is None:
            found.append((where, item))
        else:
            inner = [(f"{where}.{key}" if where else str(key), part, depth + 1) for key, part in parts]
            stack.extend(reversed(inner))
    return found


def aligned(structure: Structure, value: Structure, what: str) -> list[Any]:
    """The parts of `value` that stand where `structure` has its leaves, in the order of those; dicts go by key.

    Raises ArgumentError, which names `value` as `what`, where the two differ in form.
    """
    found: list[Any] = []
    stack: list[tuple[str, Structure, Structure]] = [(what, structure, value)]
    while stack:
        where, item, part = stack.pop()
        if item is None:
            if part is not None:
                raise ArgumentError(f"{where} is {a_thing(part)}, not None")
        elif isinstance(item, Mapping):
            if not isinstance(part, Mapping) or part.keys() != item.keys():
                found_keys = f"a dict of {_listed(part)}" if isinstance(part, Mapping) else a_thing(part)
                raise ArgumentError(f"{where} is {found_keys}, not a dict of {_listed(item)}")
            stack.extend((f"{where}[{key!r}]", item[key], part[key]) for key in reversed(list(item)))
        elif isinstance(item, list | tuple):
            if not isinstance(part, list | tuple) or len(part) != len(item):
                shown = f"{len(part)} items" if isinstance(part, list | tuple) else a_thing(part)
                raise ArgumentError(f"{where} is {shown}, not {a_thing(item)} of {len(item)}")
            stack.extend((f"{where}[{i}]", item[i], part[i]) for i in reversed(range(len(item))))
        else:
            found.append(part)
    return found


def _listed(keys: Iterable[object]) -> str:
    return ", ".join(map(repr, keys)) or "nothing"


def _parts(item: object) -> Iterable[tuple[object, object]] | None:
    if isinstance(item, Mapping):
        return item.items()
    if isinstance(item, list | tuple):
        return enumerate(item)
    return None


def rebuild(structure: Structure, values: Sequence[Any]) -> Structure:
    """The same form with other leaves."""
    rest = iter(values)
    result = _rebuild(structure, rest)
    assert next(rest, rest) is rest, "more values than leaves"
    return result


def _rebuild(structure: Structure, rest: Iterator[Any]) -> Structure:
    # Recursion over the nesting of a user's containers, which Python itself limits, not over a graph.
    if structure is None:
        return None
    if isinstance(structure, Mapping):
        return {key: _rebuild(part, rest) for key, part in structure.items()}
    if isinstance(structure, tuple) and hasattr(structure, "_fields"):
        return type(structure)(*(_rebuild(part, rest) for part in structure))
    if isinstance(structure, list | tuple):
        return type(structure)(_rebuild(part, rest) for part in structure)
    return next(rest)


def builder(structure: Structure) -> Callable[[Sequence[Any]], Any]:
    """A fast `rebuild` for one form."""
    match structure:
        case None:
            return lambda values: None
        case list() | tuple() | Mapping():
            count = len(leaves(structure))
            flat = count == len(structure) and not any(
                _parts(part) is not None or part is None for part in _items(structure)
            )
            if flat and type(structure) is tuple:
                return tuple
            if flat and type(structure) is list:
                return list
            return lambda values: rebuild(structure, values)
        case _:
            return lambda values: values[0]


def _items(structure: Structure) -> Iterable[object]:
    return structure.values() if isinstance(structure, Mapping) else structure
