"""Copies of parts of operands as tiles read them: for each step of the sum, all lanes side by side."""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from itertools import product as points_of
from typing import final

from graphc.backends.llvm.registers import LINE
from graphc.backends.llvm.squares import turned
from graphc.backends.llvm.text import Range
from graphc.backends.llvm.tiles import Elements
from graphc.dataclass import dataclass
from graphc.kernel.roles import Walk
from graphc.sizes import Size

__all__ = ["Packing"]

AHEAD = 16  # steps of the sum that are fetched before they are read: where lines are far apart no machine does it alone

TURNED = 64  # steps of the sum that are turned over before those that follow

WRITTEN_OUT = 16  # steps of the sum, at most, that are copied without a loop


@final
@dataclass(frozen=True)
class Packing:
    """Copies one panel.

    sums, ranges, steps   the axes of the sum, the part of each that is copied, and how far apart its points lie
    lanes, step           how many lanes there are, and how far apart they lie
    most                  bytes of a vector
    following             how far the panel that is copied next is from this one; 0 where that is not known
    """

    elements: Elements
    sums: Sequence[Walk]
    ranges: Sequence[Range]
    steps: Sequence[Size]
    lanes: int
    step: Size
    most: int
    following: Size = 0

    def write(self, to: str, base: str, masks: Sequence[str | None] | None, valid: str | None) -> None:
        """The panel at `to`.  Only the first `valid` lanes are read, or all: `masks` says the same of vectors."""
        square = 4 if self.most >= 4 * self.elements.bytes else 2
        if self.step == 1 and masks is not None:
            width = self.elements.lanes
            self._side_by_side(to, base, [(n * width, width) for n in range(len(masks))], masks)
        elif self.step == 1 and valid is None:
            width = 1 << min(self.lanes, self.elements.lanes).bit_length() - 1
            places = [*range(0, self.lanes - width, width), self.lanes - width]
            self._side_by_side(to, base, [(place, width) for place in places], [None] * len(places))
        elif self.steps[-1] == 1 and (lanes := self.lanes if valid is None else _fixed(valid)) >= square:
            self._turned(to, base, square, lanes)
        else:
            self._one_by_one(to, base, valid)

    @contextmanager
    def steps_of(self, source: str, target: str) -> Iterator[Sequence[tuple[str, str]]]:
        """Loops over the steps of the sum: where several of them are read, and where they are written."""
        elements, fixed = self.elements, self._written_out()
        with self.walked(len(self.ranges) - fixed) as (offset, linear):
            for walk in self.sums[len(self.sums) - fixed :]:
                linear = elements.scaled(linear, walk.extent)
            here, there = elements.at(source, offset), elements.at(target, elements.scaled(linear, self.lanes))
            yield [
                (elements.at(here, elements.times(apart, 1)), elements.at(there, str(step * self.lanes)))
                for step, apart in enumerate(self._apart(fixed))
            ]

    def fetch_following(self, steps: Sequence[tuple[str, str]], lanes: int) -> None:
        """Ask for what the panel that follows has where this one has `lanes` of some steps; shared lines once."""
        if self.following == 0 or len(steps) == 1:
            return
        elements, inner = self.elements, self.sums[-1].count
        is_beside = isinstance(self.steps[-1], int) and abs(self.steps[-1]) * elements.bytes * inner <= LINE
        for source, _ in steps[:: inner if is_beside else 1]:
            ahead = elements.at(source, elements.times(self.following, 1))
            last = lanes - 1 + (inner - 1 if is_beside else 0)
            for place in (*range(0, last, LINE // elements.bytes), last):
                elements.fetch(elements.at(ahead, str(place)), 2)

    def _written_out(self) -> int:
        """How many of the inner axes of the sum have few points together."""
        count, steps = 0, 1
        for walk, (first, _) in reversed(list(zip(self.sums, self.ranges, strict=True))[1:]):
            if first != "0" or not isinstance(walk.extent, int) or steps * walk.extent > WRITTEN_OUT:
                break
            count, steps = count + 1, steps * walk.extent
        return count

    def _apart(self, axes: int) -> Iterator[Size]:
        """How far each step along the innermost axes is from the first."""
        inside = range(len(self.sums) - axes, len(self.sums))
        for point in points_of(*(range(self.sums[place].count) for place in inside)):
            apart: Size = 0
            for place, number in zip(inside, point, strict=True):
                apart = apart + self.steps[place] * number
            yield apart

    @contextmanager
    def walked(self, axes: int) -> Iterator[tuple[str, str]]:
        """Loops over the first axes: where their points are read, and their number."""
        elements = self.elements
        with ExitStack() as loops:
            offset, linear = "0", "0"
            for place in range(axes):
                first, last = self.ranges[place]
                counter = loops.enter_context(elements.text.loop(first, last))
                offset, linear = self.onward(place, counter, offset, linear)
            yield offset, linear

    def onward(self, place: int, counter: str, offset: str, linear: str) -> tuple[str, str]:
        elements = self.elements
        first = self.ranges[place][0]
        since = counter if first == "0" else elements.text.value(f"sub nsw i64 {counter}, {first}")
        whole = since if place == 0 else elements.plus(elements.scaled(linear, self.sums[place].extent), since)
        return elements.plus(offset, elements.scaled(counter, self.steps[place])), whole

    def _side_by_side(self, to: str, base: str, places: Sequence[tuple[int, int]], masks: Sequence[str | None]) -> None:
        """Lanes lie side by side: vectors are copied."""
        elements = self.elements
        with self.steps_of(base, to) as steps:
            for source, _ in steps:
                if len(steps) == 1:
                    ahead = elements.at(source, elements.times(self.steps[-1], AHEAD))
                    for place in range(0, self.lanes * elements.bytes, LINE):
                        elements.fetch(elements.at(ahead, str(place // elements.bytes)), 3)
            self.fetch_following(steps, self.lanes)
            for source, target in steps:
                found = [
                    elements.load_vector(elements.at(source, str(place)), mask, width)
                    for (place, width), mask in zip(places, masks, strict=True)
                ]
                for (place, width), value in zip(places, found, strict=True):
                    elements.store_vector(value, elements.at(target, str(place)), None, width)

    def _turned(self, to: str, base: str, square: int, lanes: int) -> None:
        """Steps of the sum lie side by side: squares are turned over.  Only the first `lanes` are written.

        A few steps of all lanes, then the next ones: what is written stays near until all of it is.
        """
        text = self.elements.text
        inner = len(self.ranges) - 1
        first, last = self.ranges[inner]
        with self.walked(inner) as (offset, linear), text.loop(first, last, TURNED) as begin:
            behind = text.least(text.value(f"add nsw i64 {begin}, {TURNED}"), last)
            with text.loop("0", str(lanes), square) as group:
                lane = text.least(group, str(lanes - square)) if lanes % square else group
                self._squares(to, base, square, (offset, linear), (begin, behind), lane)

    def _squares(self, to: str, base: str, square: int, outside: tuple[str, str], steps: Range, lane: str) -> None:
        """Some steps of as many lanes as a square has; `outside` is where they are read, and their number."""
        elements, text = self.elements, self.elements.text
        (offset, linear), (first, last) = outside, steps
        inner = len(self.ranges) - 1
        source = elements.sealed(elements.at(base, elements.plus(offset, elements.scaled(lane, self.step))))
        target = elements.sealed(elements.at(to, lane))
        short = text.value(f"and i64 {text.value(f'sub nsw i64 {last}, {first}')}, {-square}")
        whole = elements.plus(first, short)
        with text.loop(first, whole, square) as counter:
            _, at = self.onward(inner, counter, "0", linear)
            there = elements.at(source, counter)
            values = [
                elements.load_vector(elements.at(there, elements.times(self.step, n)), None, square)
                for n in range(square)
            ]
            here = elements.at(target, elements.scaled(at, self.lanes))
            for n, value in enumerate(turned(text, elements.type, elements.bytes, values)):
                elements.store_vector(value, elements.at(here, str(n * self.lanes)), None, square)
        with text.loop(whole, last) as counter:
            _, at = self.onward(inner, counter, "0", linear)
            here = elements.at(target, elements.scaled(at, self.lanes))
            for n in range(square):
                place = elements.plus(counter, elements.times(self.step, n))
                elements.store(elements.load(elements.at(source, place)), elements.at(here, str(n)))

    def _one_by_one(self, to: str, base: str, valid: str | None) -> None:
        """Lane by lane; those that are not read are the last one that is."""
        elements, text = self.elements, self.elements.text
        with text.loop("0", str(self.lanes)) as lane:
            read = lane
            if valid is not None:
                read = text.least(lane, text.value(f"sub nsw i64 {valid}, 1"))
            source = elements.at(base, elements.scaled(read, self.step))
            target = elements.at(to, lane)
            with self.walked(len(self.ranges)) as (offset, linear):
                value = elements.load(elements.at(source, offset))
                elements.store(value, elements.at(target, elements.scaled(linear, self.lanes)))


def _fixed(number: str) -> int:
    """The value of a constant; 0 for others."""
    return int(number) if number.isdigit() else 0
