"""The lines of a step, with places for names, and those of a long step in pieces, so that what repeats is a loop."""

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from functools import cached_property

from graphc.dataclass import dataclass

__all__ = ["LEAST_TURNS", "LONG", "Lines", "Piece", "filled", "pieces_of", "places_in", "repeats"]

LEAST_TURNS = 4
LONGEST_TURN = 64  # steps, or lines of a long step
LONG = 200  # lines

_PLACES = re.compile(r"\{(\d+)\}")


@dataclass(frozen=True, eq=False)
class Lines:
    """Lines that run.

    body  with names left open
    own   the numbers of names that the lines define themselves
    """

    body: Sequence[str]
    own: Collection[int] = ()

    @cached_property
    def given(self) -> tuple[int, ...]:
        """The numbers of those open names that the lines read, and do not define."""
        return tuple(sorted({number for line in self.body for number in places_in(line)}.difference(self.own)))


@dataclass(frozen=True, eq=False, slots=True)
class Piece:
    """Some lines of a step, and which of its names they ask for; None: all, in their order."""

    lines: Lines
    names: Sequence[int] | None = None

    def of(self, names: Sequence[str]) -> Sequence[str]:
        """What the names of the lines are, from those of the step."""
        return names if self.names is None else [names[number] for number in self.names]


def places_in(template: str) -> list[int]:
    """The numbers of the names that a text asks for."""
    return [int(number) for number in _PLACES.findall(template)]


def filled(template: str, names: Sequence[str] | Mapping[int, str]) -> str:
    """The text with names, of which there may be thousands."""
    return _PLACES.sub(lambda place: names[int(place[1])], template)


def pieces_of(whole: Lines) -> Sequence[Piece]:
    """All lines as one piece, or those of a long step one by one, where most of them repeat."""
    if len(whole.body) < LONG or whole.own:
        return [Piece(whole)]
    known: dict[tuple[str, ...], Lines] = {}
    pieces = [_piece(lines, known) for lines in _statements(whole.body)]
    numbers = {id(lines): number for number, lines in enumerate(known.values())}
    runs = repeats([numbers[id(piece.lines)] for piece in pieces])
    left = sum(period for _, period, _ in runs)
    return pieces if 2 * left < len(pieces) else [Piece(whole)]


def _piece(lines: Sequence[str], known: dict[tuple[str, ...], Lines]) -> Piece:
    """Some lines, with names numbered as they ask for them: the same `Lines` for those that differ in names alone."""
    names = {number: None for line in lines for number in places_in(line)}
    numbers = {name: number for number, name in enumerate(names)}
    body = tuple([_PLACES.sub(lambda place: f"{{{numbers[int(place[1])]}}}", line) for line in lines])
    return Piece(known.setdefault(body, Lines(body)), tuple(names))


def _statements(body: Sequence[str]) -> Iterator[list[str]]:
    """Each line with those below it that stand deeper."""
    statement: list[str] = []
    for line in body:
        if statement and not line.startswith(" "):
            yield statement
            statement = []
        statement.append(line)
    if statement:
        yield statement


def repeats(kinds: Sequence[int]) -> Iterator[tuple[int, int, int]]:
    """Where something repeats, how many there are of it, and how often: (start, period, count), in order.

    The rest is one of a kind, once: (start, 1, 1).
    """
    start, end = 0, len(kinds)
    while start < end:
        best = 1, 1
        for period in range(1, min((end - start) // LEAST_TURNS, LONGEST_TURN) + 1):
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
