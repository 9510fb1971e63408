"""How arrays in the arena are defined, those of one type in one line, and how what loops walk names them by slices.

A line for each array, and a name of its own in each row of a table, would be half of the time that Python compiles.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import field
from typing import TypeAlias

from graphc.backends.numpy.runs import progressions
from graphc.dataclass import dataclass
from graphc.once import once

__all__ = ["Arrays", "Column", "Defined", "table_lines", "tuple_text"]

LEAST_SLICED = 4  # names that a slice stands for

_OF_ONE = re.compile(r"\{(\d+)\}([^{}]*)")  # a template that asks for one name and begins with it

Column: TypeAlias = tuple[str, ...]  # the names that one place of a loop has from turn to turn


@dataclass(frozen=True, slots=True)
class Defined:
    """A name, the number of its place in the plan, and how many bytes after that it begins, as text."""

    name: str
    place: int
    after: str = ""

    def offset(self) -> str:
        """Where it begins, as text."""
        start = f"at[{self.place}]"
        return f"{start} + {self.after}" if self.after else start


@dataclass
class Arrays:
    """The arrays of a part by shape and dtype, and views of them by how they are made.

    All are added before a column is asked for, and columns before the lines.
    """

    _groups: dict[tuple[str, str], list[Defined]] = field(default_factory=dict)
    _views: dict[str, dict[str, str]] = field(default_factory=dict)  # what follows an array -> view -> that array
    _known: set[str] = field(default_factory=set)
    _sliced: set[str] = field(default_factory=set)  # lists that slices are taken of

    def add(self, one: Defined, shape: str, dtype: str) -> None:
        """Define one more."""
        self._groups.setdefault((shape, dtype), []).append(one)
        self._known.add(one.name)

    def show(self, view: str, template: str, names: Sequence[str]) -> bool:
        """Define a view of one of the arrays, if the template asks for no other name."""
        match = _OF_ONE.fullmatch(template)
        base = names[int(match[1])] if match else ""
        if match is None or base not in self._known:
            return False
        self._views.setdefault(match[2], {})[view] = base
        return True

    @once
    def _ordered(self) -> list[tuple[list[str], str]]:
        """The names of each group in the order in which they are defined, and the text of their offsets."""
        return [_ordered(group) for group in self._groups.values()]

    @once
    def _numbered(self) -> dict[str, tuple[str, int]]:
        """Name -> the list that it is in, and where."""
        listed = [(f"arrays{number}", names) for number, (names, _) in enumerate(self._ordered)]
        listed += [(f"views{number}", list(views)) for number, views in enumerate(self._views.values())]
        return {name: (called, place) for called, names in listed for place, name in enumerate(names)}

    def lines(self) -> Iterator[str]:
        """The lines that define all."""
        views = list(self._lines_of_views())  # which say what slices are taken of
        for number, ((shape, dtype), (names, offsets)) in enumerate(zip(self._groups, self._ordered, strict=True)):
            if len(names) == 1:
                yield f'{names[0]} = array(memory, {offsets}, {shape}, "{dtype}")'
            else:
                yield f'{self._targets(names, f"arrays{number}")} = arrays(memory, {offsets}, {shape}, "{dtype}")'
        yield from views

    def _lines_of_views(self) -> Iterator[str]:
        for number, (after, views) in enumerate(self._views.items()):
            if len(views) < LEAST_SLICED:
                yield from (f"{view} = {base}{after}" for view, base in views.items())
            else:
                bases = self.column(tuple(views.values()))
                yield f"{self._targets(list(views), f'views{number}')} = [x{after} for x in {bases}]"

    def _targets(self, names: Sequence[str], called: str) -> str:
        """What a line assigns to: the names, and the list of all where slices are taken of it."""
        return ", ".join(names) + (f" = {called}" if called in self._sliced else "")

    def column(self, names: Column) -> str:
        """The names as a tuple or a list, in which slices stand for many arrays of one type."""
        pieces: list[str] = []
        start = 0
        while start < len(names):
            piece, start = self._piece(names, start)
            pieces.append(piece)
        return pieces[0].removeprefix("*") if len(pieces) == 1 and len(names) > 1 else tuple_text(pieces)

    def _piece(self, names: Column, start: int) -> tuple[str, int]:
        """The longest slice from a name on, or that name, and where the rest begins."""
        numbered = self._numbered
        called, first = numbered.get(names[start], ("", 0))
        stop, step = start + 1, 0
        if called and stop < len(names):
            other, second = numbered.get(names[stop], ("", 0))
            step = second - first if other == called else 0
        while step and stop < len(names) and numbered.get(names[stop]) == (called, first + step * (stop - start)):
            stop += 1
        if stop - start < LEAST_SLICED:
            return names[start], start + 1
        self._sliced.add(called)
        end = first + step * (stop - start)
        bounds = f"{first}:{end if end >= 0 else ''}" + (f":{step}" if step != 1 else "")
        return f"*{called}[{bounds}]", stop


def _ordered(group: Sequence[Defined]) -> tuple[list[str], str]:
    """The names of arrays of one type in the order in which a line defines them, and the text of their offsets."""
    if len(group) == 1:
        return [group[0].name], group[0].offset()
    at_place: dict[int, str] = {}
    others: list[Defined] = []
    for one in group:
        if one.after or one.place in at_place:
            others.append(one)
        else:
            at_place[one.place] = one.name
    runs = list(progressions(list(at_place)))
    names = [at_place[place] for run in runs for place in run] + [one.name for one in others]
    offsets = [_slice(run) for run in runs]
    if len(runs) == 1 and not others:
        return names, offsets[0].removeprefix("*")
    return names, tuple_text([*offsets, *(one.offset() for one in others)])


def _slice(run: range) -> str:
    """The offsets at some places of the plan, to stand in a tuple."""
    if len(run) == 1:
        return f"at[{run.start}]"
    return f"*at[{run.start}:{run.stop}{f':{run.step}' if run.step != 1 else ''}]"


def table_lines(name: str, columns: Sequence[Column], arrays: Arrays) -> list[str]:
    """The lines that bind what a loop walks."""
    texts = [arrays.column(column) for column in columns]
    if len(texts) == 1:
        return [f"{name} = {texts[0]}"]
    return [f"{name} = tuple(zip(", *(f"    {text}," for text in texts), "))"]


def tuple_text(items: Sequence[str]) -> str:
    """Texts as the text of a tuple."""
    return f"({', '.join(items)}{',' if len(items) == 1 else ''})"
