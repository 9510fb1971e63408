"""How arrays in the arena are defined, those of one type in one line, and how what loops walk names them by slices.

A line for each array, and a name of its own in each row of a table, would be half of the time that Python compiles.
"""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import field
from itertools import pairwise
from typing import TypeAlias

from graphc.backends.numpy.lines import filled, places_in
from graphc.backends.numpy.runs import progressions
from graphc.dataclass import dataclass
from graphc.once import once

__all__ = ["Arrays", "Column", "Defined", "numbers_text", "table_lines", "tuple_text"]

LEAST_SLICED = 4  # names that a slice stands for

_NUMBER = re.compile(r"(?<![\w.])\d+(?![\w.])")

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


@dataclass(frozen=True, slots=True)
class _View:
    """A name, the array that it shows, and what follows that."""

    name: str
    array: str
    after: str

    def alike(self) -> str:
        """What views of an array that differ in the first number have in common; as it is without a number."""
        return self.array + _NUMBER.sub("place", self.after, count=1)

    def place(self) -> int:
        """That number."""
        return int(_NUMBER.findall(self.after)[0])


@dataclass
class Arrays:
    """The arrays of a part by shape and dtype, and views of them by how they are made.

    All are added before a column is asked for, and columns before the lines.
    """

    _groups: dict[tuple[str, str], list[Defined]] = field(default_factory=dict)
    _views: list[_View] = field(default_factory=list)
    _known: set[str] = field(default_factory=set)
    _sliced: set[str] = field(default_factory=set)  # lists that slices are taken of

    def add(self, one: Defined, shape: str, dtype: str) -> None:
        """Define one more."""
        self._groups.setdefault((shape, dtype), []).append(one)
        self._known.add(one.name)

    def show(self, view: str, template: str, names: Sequence[str]) -> bool:
        """Define a view of one of the arrays, if the template begins with it and asks for numbers alone besides."""
        array, *others = [names[number] for number in places_in(template)] or [""]
        if array not in self._known or not all(map(str.isdecimal, others)):
            return False
        text = filled(template, names)
        if not text.startswith(array):
            return False
        self._views.append(_View(view, array, text.removeprefix(array)))
        return True

    @once
    def _ordered(self) -> list[tuple[list[str], str]]:
        """The names of each group in the order in which they are defined, and the text of their offsets."""
        return [_ordered(group) for group in self._groups.values()]

    @once
    def _alike(self) -> list[list[_View]]:
        """Views of one array that differ in a number, or of several arrays alike: whichever are more."""
        rows = Counter([view.alike() for view in self._views])
        same = Counter([view.after for view in self._views])
        found: dict[str, list[_View]] = {}
        for view in self._views:
            row = view.alike()
            found.setdefault(row if rows[row] > same[view.after] else view.after, []).append(view)
        return list(found.values())

    @once
    def _numbered(self) -> dict[str, tuple[str, int]]:
        """Name -> the list that it is in, and where."""
        listed = [(f"arrays{number}", names) for number, (names, _) in enumerate(self._ordered)]
        listed += [(f"views{n}", [view.name for view in views]) for n, views in enumerate(self._alike)]
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
        for number, views in enumerate(self._alike):
            if len(views) < LEAST_SLICED:
                yield from (f"{view.name} = {view.array}{view.after}" for view in views)
                continue
            targets = self._targets([view.name for view in views], f"views{number}")
            after = views[0].after
            if all(view.after == after for view in views):
                yield f"{targets} = [x{after} for x in {self.column(tuple([view.array for view in views]))}]"
            else:
                yield f"{targets} = [{views[0].alike()} for place in {numbers_text([v.place() for v in views])}]"

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


def numbers_text(numbers: Sequence[int]) -> str:
    """At least two numbers as the text of a range, or of a tuple."""
    step = numbers[1] - numbers[0]
    if step and all(after - before == step for before, after in pairwise(numbers)):
        return f"range({numbers[0]}, {numbers[-1] + step}{f', {step}' if step != 1 else ''})"
    return tuple_text([str(number) for number in numbers])
