"""A tile of a product in registers: every row of it times every vector of columns, summed up."""

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import field
from typing import final

from graphc.backends.llvm.arguments import Arguments
from graphc.backends.llvm.looks import Looks
from graphc.backends.llvm.registers import LINE
from graphc.backends.llvm.text import Range, Text
from graphc.dataclass import dataclass
from graphc.kernel.roles import Walk
from graphc.sizes import Size

__all__ = ["DEEP", "Elements", "Panel", "Tile", "is_short"]

DEEP = 1 << 18  # sums of a tile, at most, that are made without a look whether the run has been given up

AHEAD = 16  # steps of a sum whose columns are fetched before they are read: panels come from the second cache

WRITTEN_OUT = 5  # steps of a sum, at most, that are made without a loop


@final
@dataclass(frozen=True)
class Elements:
    """Instructions on places of floats of one dtype.

    type   `float` or `double`
    bytes  of one
    lanes  of a vector
    """

    text: Text
    arguments: Arguments
    type: str
    bytes: int
    lanes: int
    has_fma: bool
    _products: dict[tuple[Size, int], str] = field(default_factory=dict)

    def vector(self, lanes: int | None = None) -> str:
        """The type of a vector."""
        return f"<{lanes or self.lanes} x {self.type}>"

    def suffix(self, lanes: int | None = None) -> str:
        """What the names of intrinsics on vectors end with."""
        return f"v{lanes or self.lanes}f{8 * self.bytes}"

    def scaled(self, number: str, step: Size) -> str:
        """number * step."""
        factor = self.arguments.number(step)
        if factor == "1" or number == "0":
            return number
        if factor == "0":
            return "0"
        return self.text.value(f"mul nsw i64 {number}, {factor}")

    def plus(self, a: str, b: str) -> str:
        """a + b."""
        if a == "0" or b == "0":
            return b if a == "0" else a
        return self.text.value(f"add nsw i64 {a}, {b}")

    def times(self, step: Size, number: int) -> str:
        """step * number, which is the same wherever it stands."""
        if isinstance(step, int):
            return str(step * number)
        if number in (0, 1):
            return self.arguments.number(step) if number else "0"
        known = self._products.get((step, number))
        if known is None:
            known = self.text.early(f"mul nsw i64 {self.arguments.number(step)}, {number}")
            self._products[step, number] = known
        return known

    def at(self, base: str, offset: str) -> str:
        """The address `offset` elements from another."""
        return base if offset == "0" else self.text.value(f"getelementptr {self.type}, ptr {base}, i64 {offset}")

    def sealed(self, address: str) -> str:
        """An address of which the compiler does not ask how it was made, to weigh ways to make others of it."""
        return self.text.value(f"freeze ptr {address}")

    def load(self, address: str) -> str:
        """One element."""
        return self.text.value(f"load {self.type}, ptr {address}, align {self.bytes}")

    def store(self, value: str, address: str) -> None:
        """One element."""
        self.text.do(f"store {self.type} {value}, ptr {address}, align {self.bytes}")

    def load_vector(self, address: str, mask: str | None = None, lanes: int | None = None) -> str:
        """A vector; 0 in the lanes that the mask leaves out."""
        type = self.vector(lanes)
        if mask is None:
            return self.text.value(f"load {type}, ptr {address}, align {self.bytes}")
        masks = f"<{lanes or self.lanes} x i1>"
        name = f"@llvm.masked.load.{self.suffix(lanes)}.p0"
        return self.text.value(
            f"call {type} {name}(ptr align {self.bytes} {address}, {masks} {mask}, {type} zeroinitializer)"
        )

    def store_vector(self, value: str, address: str, mask: str | None = None, lanes: int | None = None) -> None:
        """A vector, or those lanes of it that the mask keeps."""
        type = self.vector(lanes)
        if mask is None:
            self.text.do(f"store {type} {value}, ptr {address}, align {self.bytes}")
            return
        masks = f"<{lanes or self.lanes} x i1>"
        name = f"@llvm.masked.store.{self.suffix(lanes)}.p0"
        self.text.do(f"call void {name}({type} {value}, ptr align {self.bytes} {address}, {masks} {mask})")

    def fetch(self, address: str, nearness: int) -> None:
        """Ask for a line of memory, which may be nowhere: into the nearest cache by 3, into the second by 1."""
        self.text.do(f"call void @llvm.prefetch.p0(ptr {address}, i32 0, i32 {nearness}, i32 1)")

    def spread(self, value: str) -> str:
        """One element in every lane."""
        type = self.vector()
        first = self.text.value(f"insertelement {type} poison, {self.type} {value}, i64 0")
        return self.text.value(f"shufflevector {type} {first}, {type} poison, <{self.lanes} x i32> zeroinitializer")

    def sum_with(self, total: str, x: str, y: str) -> str:
        """total + x * y."""
        type = self.vector()
        if self.has_fma:
            return self.text.value(f"call {type} @llvm.fma.{self.suffix()}({type} {x}, {type} {y}, {type} {total})")
        return self.text.value(f"fadd {type} {total}, {self.text.value(f'fmul {type} {x}, {y}')}")


@final
@dataclass(frozen=True)
class Panel:
    """Where the elements of one operand of a tile lie.

    base    the first one
    places  of each row, or each vector, from there
    steps   along the axes of the sum; None where all elements of a step lie side by side, `width` for each step
    """

    base: str
    places: Sequence[str]
    steps: Sequence[Size] | None
    width: int


@final
@dataclass(frozen=True)
class Tile:
    """Writes the sums of one tile.

    ranges  of the axes of the sum, the innermost one last
    masks   for each vector of columns: which lanes are read, or None for all
    looks   what makes the innermost loop, where that may be long
    """

    elements: Elements
    sums: Sequence[Walk]
    ranges: Sequence[Range]
    masks: Sequence[str | None]
    looks: Looks | None = None

    def totals(self, a: Panel, b: Panel, starts: Sequence[Sequence[str]]) -> list[list[str]]:
        """For each row of `a` the vectors of its sums with the columns of `b`."""
        elements, text = self.elements, self.elements.text
        type = elements.vector()
        rooms = [[text.room(type) for _ in row] for row in starts]
        for row, values in zip(rooms, starts, strict=True):
            for room, value in zip(row, values, strict=True):
                text.do(f"store {type} {value}, ptr {room}")
        is_one_loop = self._in_one_piece(a) and self._in_one_piece(b)
        with ExitStack() as loops:
            linear, counters = "0", []
            written = 1 if is_one_loop else self.written_out
            *outer, (first, last) = [self._together()] if is_one_loop else self.ranges[: -1 if written > 1 else None]
            for place, part in enumerate(outer):
                counters.append(loops.enter_context(text.loop(*part)))
                linear = self._onward(place, counters[place], part, linear)
            linear = "0" if not outer else elements.scaled(linear, self.sums[len(outer)].extent)
            linear = elements.scaled(linear, written)
            before = [self.ranges[0][0]] if is_one_loop else [*counters, first]
            starting = [elements.sealed(self._address(panel, linear, before)) for panel in (a, b)]
            places = [text.room("ptr", address) for address in starting]
            if self.looks is None:
                loops.enter_context(text.loop(first, last))
            else:
                loops.enter_context(self.looks.in_blocks(first, last, 1, DEEP))
            at_a, at_b = (text.value(f"load ptr, ptr {room}") for room in places)
            for number in range(written):
                here = [elements.at(x, _further(elements, p, number)) for p, x in ((a, at_a), (b, at_b))]
                self._step(a, b, here[0], here[1], rooms)
            for panel, address, room in zip((a, b), (at_a, at_b), places, strict=True):
                step = panel.width * written if panel.steps is None else panel.steps[-1 if written == 1 else -2]
                text.do(f"store ptr {elements.at(address, elements.times(step, 1))}, ptr {room}")
        return [[text.value(f"load {type}, ptr {room}") for room in row] for row in rooms]

    @property
    def written_out(self) -> int:
        """How many steps of the innermost axis stand one after the other; 1 where they are a loop."""
        if len(self.sums) < 2 or not is_short(self.sums[-1]) or self.ranges[-1][0] != "0":
            return 1
        return self.sums[-1].count

    def _in_one_piece(self, panel: Panel) -> bool:
        """Whether all steps of the sum go equally far."""
        if panel.steps is None:
            return True
        inside = zip(panel.steps, self.sums[1:], panel.steps[1:], strict=False)
        return all(step == walk.extent * next for step, walk, next in inside)

    def _together(self) -> Range:
        """The steps of all axes as those of one."""
        elements = self.elements
        (first, last), *_ = self.ranges
        if len(self.ranges) == 1:
            return first, last
        count = last if first == "0" else elements.text.value(f"sub nsw i64 {last}, {first}")
        for walk in self.sums[1:]:
            count = elements.scaled(count, walk.extent)
        return "0", count

    def _onward(self, place: int, counter: str, part: Range, linear: str) -> str:
        """The number of a point among those of the axes up to one, given that among those before."""
        elements = self.elements
        since = counter if part[0] == "0" else elements.text.value(f"sub nsw i64 {counter}, {part[0]}")
        return since if place == 0 else elements.plus(elements.scaled(linear, self.sums[place].extent), since)

    def _step(self, a: Panel, b: Panel, at_a: str, at_b: str, rooms: Sequence[Sequence[str]]) -> None:
        """One product more for every sum."""
        elements, text = self.elements, self.elements.text
        type = elements.vector()
        vectors = [
            elements.load_vector(elements.at(at_b, place), mask)
            for place, mask in zip(b.places, self.masks, strict=True)
        ]
        for panel, here, ahead in ((b, at_b, AHEAD), (a, at_a, 2 * AHEAD)):
            if panel.steps is None:
                for lane in range(0, panel.width, LINE // elements.bytes):
                    elements.fetch(elements.at(here, str(ahead * panel.width + lane)), 3)
        for row, place in zip(rooms, a.places, strict=True):
            value = elements.spread(elements.load(elements.at(at_a, place)))
            for room, vector in zip(row, vectors, strict=True):
                total = text.value(f"load {type}, ptr {room}")
                text.do(f"store {type} {elements.sum_with(total, value, vector)}, ptr {room}")

    def _address(self, panel: Panel, linear: str, counters: Sequence[str]) -> str:
        elements = self.elements
        if panel.steps is None:
            return elements.at(panel.base, elements.scaled(linear, panel.width))
        offset = "0"
        for counter, step in zip(counters, panel.steps, strict=False):
            offset = elements.plus(offset, elements.scaled(counter, step))
        return elements.at(panel.base, offset)


def is_short(walk: Walk) -> bool:
    """Whether the points of the innermost axis of a sum need no loop."""
    return isinstance(walk.extent, int) and 1 < walk.extent <= WRITTEN_OUT


def _further(elements: Elements, panel: Panel, steps: int) -> str:
    """How far so many steps of the innermost axis go."""
    return elements.times(panel.width if panel.steps is None else panel.steps[-1], steps)
