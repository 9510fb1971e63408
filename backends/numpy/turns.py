"""Steps in order, those that repeat as a loop over what differs from turn to turn."""

import re
from collections.abc import Callable, Hashable, Iterator, Sequence
from dataclasses import dataclass, field
from string import ascii_lowercase
from typing import TypeAlias

from graphc.backends.numpy.definitions import tuple_text
from graphc.backends.numpy.kernels import KernelText
from graphc.backends.writer import Writer
from graphc.value import quick

__all__ = ["LEAST_TURNS", "Filled", "Turns", "repeats"]

LEAST_TURNS = 4
LEAST_SAVED = 10  # lines that a loop must save

_LETTERS = re.compile(r"[a-z]+")

_Columns: TypeAlias = dict[tuple[str, ...], str]  # what differs from turn to turn -> its name in the loop


@quick
@dataclass(frozen=True, eq=False, slots=True)
class Filled:
    """A step with its names.

    text     of its pattern
    names    what the open names of the text are
    views    lines that define what the step sees of inputs and outputs
    comment  the user's lines behind it
    """

    text: KernelText
    names: Sequence[str]
    views: Sequence[str]
    comment: tuple[str, ...]

    @property
    def kind(self) -> Hashable:
        """Equal for steps that differ in names alone."""
        return id(self.text), self.comment

    def lines(self, names: Sequence[str]) -> list[str]:
        """What runs, with some names."""
        return [line.format(*names) for line in self.text.body]


@dataclass
class Turns:
    """Writes steps in order.

    run    what runs at every call
    bound  what is bound once: the names of all turns
    late   names that are not bound once
    fresh  gives a new name
    """

    run: Writer
    bound: Writer
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
        for line in (*step.views, *step.lines(step.names)):
            self.run.line(line)

    def _loop(self, places: Sequence[Sequence[Filled]]) -> None:
        """Write a loop.  `places` are the steps of a turn, each with all its turns."""
        columns: _Columns = {}
        inside = Writer()
        self._comment = ()
        for turns in places:
            for step in turns:
                for line in step.views:
                    self.run.line(line)
            self._say(inside, turns[0].comment)
            for line in turns[0].lines(_in_loop(turns, columns)):
                inside.line(line)
        if columns:
            table = self.fresh("turns")
            is_late = any(not self.late.isdisjoint(column) for column in columns)
            _table(self.run if is_late else self.bound, table, columns)
            head = f"for {', '.join(columns.values())} in {table}:"
        else:
            head = f"for _ in range({len(places[0])}):"
        with self.run.block(head):
            for line in inside.lines:
                self.run.line(line)


def _table(writer: Writer, name: str, columns: _Columns) -> None:
    """What a loop walks: a row of names for each turn."""
    if len(columns) == 1:
        writer.line(f"{name} = {tuple_text(*columns)}")
        return
    writer.line(f"{name} = (")
    for row in zip(*columns, strict=True):
        writer.line(f"    ({', '.join(row)}),")
    writer.line(")")


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


def repeats(kinds: Sequence[int]) -> Iterator[tuple[int, int, int]]:
    """Where something repeats, how many there are of it, and how often: (start, period, count), in order.

    The rest is one of a kind, once: (start, 1, 1).
    """
    start, end = 0, len(kinds)
    while start < end:
        best = 1, 1
        for period in range(1, (end - start) // LEAST_TURNS + 1):
            if kinds[start + period] != kinds[start]:
                continue
            pattern = kinds[start : start + period]
            stop = start + period
            while kinds[stop : stop + period] == pattern:
                stop += period
            count = (stop - start) // period
            if count >= LEAST_TURNS and period * count > best[0] * best[1]:
                best = period, count
        yield start, *best
        start += best[0] * best[1]
