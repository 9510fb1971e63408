"""Steps in order, those that repeat as a loop over what differs from turn to turn."""

import re
from collections.abc import Callable, Collection, Hashable, Mapping, Sequence
from dataclasses import field
from string import ascii_lowercase
from typing import TypeAlias

from graphc.backends.numpy.definitions import Column, numbers_text, tuple_text
from graphc.backends.numpy.lines import LEAST_TURNS, Lines, filled, places_in, repeats
from graphc.backends.writer import Writer
from graphc.dataclass import dataclass

__all__ = ["Filled", "Turns"]

LEAST_SAVED = 10  # lines that a loop must save

_LETTERS = re.compile(r"[a-z]+")

_Columns: TypeAlias = dict[Column, str]  # what differs from turn to turn -> its name in the loop


@dataclass(frozen=True, eq=False, slots=True)
class Late:
    """A view of an input or an output, which is defined at every call: its name, and how it is made of others."""

    name: str
    template: str
    names: Sequence[str]

    def line(self) -> str:
        """Its definition."""
        return f"{self.name} = {filled(self.template, self.names)}"


@dataclass(frozen=True, eq=False, slots=True)
class Filled:
    """A step, or a piece of one, with its names.

    text     its lines, or those of its pattern
    names    what the open names of the text are
    views    what the step sees of inputs and outputs
    comment  the user's lines behind it
    """

    text: Lines
    names: Sequence[str]
    views: Sequence[Late]
    comment: tuple[str, ...]

    @property
    def kind(self) -> Hashable:
        """Equal for steps that differ in names alone."""
        return id(self.text), self.comment

    def lines(self, names: Sequence[str]) -> list[str]:
        """What runs, with some names."""
        return [filled(line, names) for line in self.text.body]


@dataclass
class Turns:
    """Writes steps in order.

    run     what runs at every call
    tables  what loops walk that is bound once: name -> its columns
    late    names that are not bound once
    fresh   gives a new name
    """

    run: Writer
    tables: dict[str, Sequence[Column]]
    late: set[str]
    fresh: Callable[[str], str]
    _waiting: list[Filled] = field(default_factory=list)
    _comment: tuple[str, ...] = ()

    def add(self, step: Filled) -> None:
        """Write a step, now or with those that follow."""
        self._waiting.append(step)

    def interrupt(self, comment: tuple[str, ...]) -> None:
        """Write all steps so far, and the comment of one that is no turn of a loop."""
        self.finish()
        self._say(self.run, comment)

    def finish(self) -> None:
        """Write all steps so far."""
        steps = self._waiting
        known: dict[Hashable, int] = {}
        kinds = [known.setdefault(step.kind, len(known)) for step in steps]
        for start, period, count in repeats(kinds):
            group = steps[start : start + period * count]
            if (count - 1) * sum(len(step.text.body) for step in group[:period]) >= LEAST_SAVED:
                self._loop([group[place::period] for place in range(period)])
            else:
                for step in group:
                    self._write(step)
        self._waiting = []

    def _say(self, writer: Writer, comment: tuple[str, ...]) -> None:
        if comment != self._comment:
            for line in comment:
                writer.line(line)
            self._comment = comment

    def _write(self, step: Filled) -> None:
        self._say(self.run, step.comment)
        for line in (*(view.line() for view in step.views), *step.lines(step.names)):
            self.run.line(line)

    def _loop(self, places: Sequence[Sequence[Filled]]) -> None:
        """Write a loop.  `places` are the steps of a turn, each with all its turns."""
        columns: _Columns = {}
        inside = Writer()
        self._comment = ()
        lists: dict[Column, str] = {}
        for turns in places:
            self._define([view for step in turns for view in step.views], lists)
            self._say(inside, turns[0].comment)
            for line in turns[0].lines(_in_loop(turns, columns)):
                inside.line(line)
        head = self._head(columns, lists) if columns else f"for _ in range({len(places[0])}):"
        with self.run.block(head):
            for line in inside.lines:
                self.run.line(line)

    def _define(self, views: Sequence[Late], lists: dict[Column, str]) -> None:
        """Define views: as lists those that differ in one number and show no other of these; then the rest in order."""
        alike: dict[str, list[Late]] = {}
        for view in views:
            alike.setdefault(view.template, []).append(view)
        here = {view.name for view in views}
        listed: set[str] = set()
        for group in alike.values():
            made = _as_list(group, here) if len(group) >= LEAST_TURNS else None
            if made is not None:
                names = tuple([view.name for view in group])
                called = lists[names] = self.fresh("shown")
                self.run.line(f"{', '.join(names)} = {called} = {made}")
                listed.update(names)
        for view in views:
            if view.name not in listed:
                self.run.line(view.line())

    def _head(self, columns: _Columns, lists: Mapping[Column, str]) -> str:
        """The first line of a loop: what is bound once stands in a table, beside what differs from call to call."""
        late = {column: name for column, name in columns.items() if not self.late.isdisjoint(column)}
        bound = {column: name for column, name in columns.items() if column not in late}
        walked = [(name, lists.get(column) or tuple_text(column)) for column, name in late.items()]
        if bound:
            table = self.fresh("turns")
            self.tables[table] = list(bound)
            names = ", ".join(bound.values())
            if not late:
                return f"for {names} in {table}:"
            walked.insert(0, (f"({names})" if len(bound) > 1 else names, table))
        names, texts = (", ".join(part) for part in zip(*walked, strict=True))
        return f"for {names} in {texts if len(walked) == 1 else f'zip({texts})'}:"


def _as_list(views: Sequence[Late], unmade: Collection[str]) -> str | None:
    """The text of a list of views of one template, if they differ in one number and need nothing that is not made."""
    first = views[0]
    asked = {place: [view.names[place] for view in views] for place in places_in(first.template)}
    differing = [place for place, column in asked.items() if column.count(column[0]) < len(column)]
    if len(differing) != 1 or not all(map(str.isdecimal, asked[differing[0]])):
        return None
    if any(column[0] in unmade for column in asked.values()):
        return None
    names = list(first.names)
    names[differing[0]] = "place"
    return f"[{filled(first.template, names)} for place in {numbers_text(list(map(int, asked[differing[0]])))}]"


def _in_loop(turns: Sequence[Filled], columns: _Columns) -> list[str]:
    """The names of a step in a loop: those of its first turn, and others for what differs."""
    first = turns[0]
    names = list(first.names)
    found = list(zip(*[step.names for step in turns], strict=True))
    for number in first.text.given:
        column = found[number]
        if column.count(column[0]) == len(column):
            continue
        name = columns.get(column)
        if name is None:
            beginning = _LETTERS.match(column[0])
            name = f"{'n' if beginning is None else beginning[0]}_{_letters(len(columns))}"
            columns[column] = name
        names[number] = name
    return names


def _letters(number: int) -> str:
    """a, b ... z, aa, ba ..."""
    more, last = divmod(number, len(ascii_lowercase))
    return ascii_lowercase[last] + ("a" * more)
