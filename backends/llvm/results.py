"""The sums of a tile as elements of a result: vectors where its columns lie side by side, else one by one."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from itertools import product as points_of
from typing import final

from graphc.backends.llvm.blocking import Blocking, Rows
from graphc.backends.llvm.registers import LINE
from graphc.backends.llvm.squares import turned
from graphc.backends.llvm.strips import Strip, mask_of
from graphc.backends.llvm.tiles import Elements, Panel, Tile
from graphc.dataclass import dataclass
from graphc.kernel.roles import Walk
from graphc.sizes import Size

__all__ = ["Results", "places_of"]

SQUARE = 4  # elements each way that are turned over at once


@final
@dataclass(frozen=True)
class Results:
    """Writes what follows the sums of a tile.

    rooms     addresses: of a `tile` in memory, and of `nowhere`, where rows go that another tile makes
    begins    whether this is the first block of sums; None where there is one only
    is_split  whether other chunks have other columns
    """

    elements: Elements
    blocking: Blocking
    rooms: Mapping[str, str]
    begins: str | None
    is_split: bool

    def leave(self, tile: Tile, a: Panel, b: Panel, base: str, rows: Rows, row: Strip, column: Strip) -> None:
        """The sums of a tile whose first element is at `base`."""
        if self.blocking.is_direct:
            self._as_vectors(tile, a, b, base, rows, row, column)
        else:
            self._scattered(tile, a, b, base, rows, row, column)

    def _as_vectors(self, tile: Tile, a: Panel, b: Panel, base: str, rows: Rows, row: Strip, column: Strip) -> None:
        """The sums as vectors of the result."""
        elements, text = self.elements, self.elements.text
        masks = self._stored_lanes(column)
        targets = [elements.at(base, place) for place in places_of(elements, rows, lambda walk: walk.c)]
        sources = targets
        for number, target in enumerate(targets):
            point = number // rows.per_point
            if row.new is not None and point < row.size - 1:
                is_new = text.value(f"icmp sge i64 {point}, {row.new}")
            elif row.valid is not None and point:
                is_new = text.value(f"icmp slt i64 {point}, {row.valid}")
            else:
                continue
            targets[number] = text.value(f"select i1 {is_new}, ptr {target}, ptr {self.rooms['nowhere']}")
        zero = "zeroinitializer"
        starts = [[zero] * len(column.masks) for _ in targets]
        adds = self.blocking.roles.adds
        if adds or self.begins is not None:
            sources = targets
            if not adds:
                sources = [text.value(f"select i1 {self.begins}, ptr @nothing, ptr {target}") for target in targets]
            starts = [
                [
                    elements.load_vector(elements.at(source, str(n * elements.lanes)), mask)
                    for n, mask in enumerate(masks)
                ]
                for source in sources
            ]
            following = elements.at(base, elements.times(rows.axis.c, rows.size))
            self._fetch(following, rows, len(masks))
        else:
            self._fetch(base, rows, len(masks))  # to store into them as soon as there are sums
        totals = tile.totals(a, b, starts)
        for target, values in zip(targets, totals, strict=True):
            for n, (value, mask) in enumerate(zip(values, masks, strict=True)):
                elements.store_vector(value, elements.at(target, str(n * elements.lanes)), mask)

    def _fetch(self, base: str, rows: Rows, vectors: int) -> None:
        """Ask for the lines of a tile of the result."""
        elements = self.elements
        for place in places_of(elements, rows, lambda walk: walk.c):
            row = elements.at(base, place)
            for n in range(0, vectors * elements.lanes * elements.bytes, LINE):
                elements.fetch(elements.at(row, str(n // elements.bytes)), 2)

    def _scattered(self, tile: Tile, a: Panel, b: Panel, base: str, rows: Rows, row: Strip, column: Strip) -> None:
        """The sums one by one, from a tile in memory."""
        elements, text = self.elements, self.elements.text
        starts = [["zeroinitializer"] * len(column.masks) for _ in a.places]
        held, width = self.rooms["tile"], column.size
        is_first = not self.blocking.roles.adds and self.begins is None
        if not is_first:
            starts = self._taken_up(len(a.places), base, rows, row, column)
        for number, values in enumerate(tile.totals(a, b, starts)):
            for n, value in enumerate(values):
                elements.store_vector(value, elements.at(held, str(number * width + n * elements.lanes)))
        if is_first and rows.axis.c == 1 and not rows.inside and row.size >= SQUARE and column.size % SQUARE == 0:
            news = [strip.new for strip in (row, column) if strip.new is not None]
            if row.valid is None and column.valid is None:
                whole, parted, after = text.label("whole"), text.label("parted"), text.label("after")
                made_twice = "0"
                for new in news:
                    made_twice = elements.plus(made_twice, new)
                text.go_if(text.value(f"icmp eq i64 {made_twice}, 0"), whole, parted)
                text.begin(whole)
                self._turn_over(base, row, column)
                text.go(after)
                text.begin(parted)
                self._one_by_one(base, rows, row, column)
                text.go(after)
                text.begin(after)
                return
        self._one_by_one(base, rows, row, column)

    def _turn_over(self, base: str, row: Strip, column: Strip) -> None:
        """A tile in memory whose rows lie side by side in the result."""
        elements, text = self.elements, self.elements.text
        step = self.blocking.columns.axis.c
        with text.loop("0", str(column.size), SQUARE) as lane:
            first = elements.at(base, elements.scaled(lane, step))
            for point in sorted({*range(0, row.size - SQUARE, SQUARE), row.size - SQUARE}, reverse=True):
                source = elements.at(elements.at(self.rooms["tile"], lane), str(point * column.size))
                values = [
                    elements.load_vector(elements.at(source, str(n * column.size)), None, SQUARE) for n in range(SQUARE)
                ]
                for n, value in enumerate(turned(text, elements.type, elements.bytes, values)):
                    target = elements.at(elements.at(first, elements.times(step, n)), str(point))
                    elements.store_vector(value, target, None, SQUARE)

    def _taken_up(self, height: int, base: str, rows: Rows, row: Strip, column: Strip) -> list[list[str]]:
        """What the result holds, in vectors: sums go on from there, so that each is one chain, however it is cut."""
        elements, held = self.elements, self.rooms["tile"]
        with self._each(base, rows, row, column) as (address, in_tile):
            source = address
            if not self.blocking.roles.adds:
                source = elements.text.value(f"select i1 {self.begins}, ptr @nothing, ptr {address}")
            elements.store(elements.load(source), in_tile)
        places = [
            [number * column.size + n * elements.lanes for n in range(len(column.masks))] for number in range(height)
        ]
        return [[elements.load_vector(elements.at(held, str(place))) for place in row_of] for row_of in places]

    def _one_by_one(self, base: str, rows: Rows, row: Strip, column: Strip) -> None:
        """A tile in memory element by element."""
        with self._each(base, rows, row, column) as (address, in_tile):
            self.elements.store(self.elements.load(in_tile), address)

    @contextmanager
    def _each(self, base: str, rows: Rows, row: Strip, column: Strip) -> Iterator[tuple[str, str]]:
        """Each element that no other tile makes: where it is in the result, and in the tile."""
        elements, text, blocking = self.elements, self.elements.text, self.blocking
        held, width = self.rooms["tile"], column.size
        with ExitStack() as loops:
            point = loops.enter_context(text.loop(row.new or "0", row.valid or str(row.size)))
            target = elements.at(base, elements.scaled(point, rows.axis.c))
            number = point
            for walk in rows.inside:
                inside = loops.enter_context(text.loop("0", str(walk.count)))
                target = elements.at(target, elements.scaled(inside, walk.c))
                number = elements.plus(elements.scaled(number, walk.count), inside)
            source = elements.at(held, elements.scaled(number, width))
            lane = loops.enter_context(text.loop(column.new or "0", column.valid or str(width)))
            yield elements.at(target, elements.scaled(lane, blocking.columns.axis.c)), elements.at(source, lane)

    def _stored_lanes(self, column: Strip) -> Sequence[str | None]:
        """Which lanes of each vector no other tile makes."""
        if column.new is None:
            return column.masks
        is_harmless = not self.blocking.roles.adds and self.begins is None
        if is_harmless and not self.is_split:
            return column.masks  # what is made twice is the same
        lanes = self.blocking.lanes
        return [mask_of(self.elements, column.new, str(column.size), n * lanes) for n in range(len(column.masks))]


def places_of(elements: Elements, rows: Rows, step: Callable[[Walk], Size]) -> list[str]:
    """How far each row of a tile is from its first."""
    found = []
    for point in range(rows.size):
        for inside in points_of(*(range(walk.count) for walk in rows.inside)):
            offset = elements.times(step(rows.axis), point)
            for walk, number in zip(rows.inside, inside, strict=True):
                offset = _together(elements, offset, elements.times(step(walk), number))
            found.append(offset)
    return found


def _together(elements: Elements, x: str, y: str) -> str:
    if x.lstrip("-").isdigit() and y.lstrip("-").isdigit():
        return str(int(x) + int(y))
    return elements.plus(x, y)
