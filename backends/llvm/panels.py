"""Panels: copies of the rows or the columns of tiles, where they are and what fills them."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import TypeAlias, final

from graphc.backends.llvm.blocking import Blocking
from graphc.backends.llvm.packing import Packing
from graphc.backends.llvm.pieces import Pieces
from graphc.backends.llvm.strips import Strip, Strips
from graphc.backends.llvm.text import Range
from graphc.backends.llvm.tiles import Elements
from graphc.dataclass import dataclass
from graphc.kernel.roles import Walk
from graphc.sizes import Size, product

__all__ = ["Panels", "Sums", "first_of"]

Sums: TypeAlias = Sequence[tuple[Walk, Range]]  # axes of a sum, with the steps that are made

STEPS = 16  # of a sum, that are copied for all lanes before those that follow


@final
@dataclass(frozen=True)
class Panels:
    """Writes and finds the panels of a chunk, or of all chunks.

    rooms  addresses: of panels of rows, `a`, and of columns, `b`
    bytes  of a vector, at most
    """

    elements: Elements
    blocking: Blocking
    strips: Strips
    rooms: Mapping[str, str]
    bytes: int

    def write_rows(self, offset: str, sums: Sums) -> None:
        """The rows of the chunk, which begin so many elements from the start of their operand."""
        elements, roles, axis = self.elements, self.blocking.roles, self.blocking.rows.axis
        since = first_of(sums)

        def one(strip: Strip, few: Sums) -> None:
            here = elements.plus(offset, elements.scaled(strip.first, axis.a))
            source = elements.at(elements.arguments.pointer(roles.a), here)
            to = self._from(self._rows(strip), few, strip.size, since)
            self._packing(few, lambda walk: walk.a, strip.size, axis.a).write(to, source, None, strip.valid)

        with self._few_steps(sums, axis.a) as few:
            self.strips.rows(lambda strip: one(strip, few))

    def write_columns(self, offset: str, sums: Sums) -> None:
        """The columns of a chunk of copies."""
        with self._few_steps(sums, self.blocking.columns.axis.b) as few:
            self.strips.columns(lambda strip: self._write_strip(offset, few, strip, first_of(sums)))

    def write_column(self, offset: str, sums: Sums, column: Strip) -> None:
        """The columns of one tile."""
        self._write_strip(offset, sums, column, first_of(sums))

    def rows(self, row: Strip, sums: Sums) -> str:
        """Where the sums of the rows of a tile begin."""
        return self._from(self._rows(row), sums, row.size, "0" if self.blocking.shares_a else first_of(sums))

    def columns(self, column: Strip, sums: Sums) -> str:
        """Where the sums of the columns of a tile begin."""
        return self._from(self._columns(column), sums, column.size, "0" if self.blocking.shares_b else first_of(sums))

    def _rows(self, row: Strip) -> str:
        elements, blocking = self.elements, self.blocking
        start = _start(elements, row)
        if blocking.shares_a:
            return elements.at(self.rooms["a"], elements.scaled(start, self._depth))
        number = elements.text.value(f"sub nsw i64 {start}, {self.strips.range(blocking.rows.axis)[0]}")
        return elements.at(self.rooms["a"], elements.scaled(number, blocking.inner_depth))

    def _columns(self, column: Strip) -> str:
        elements, blocking = self.elements, self.blocking
        if blocking.shares_b:
            return elements.at(self.rooms["b"], elements.scaled(_start(elements, column), self._depth))
        return self.rooms["b"]

    @property
    def _depth(self) -> Size:
        return product(walk.extent for walk in self.blocking.roles.sums)

    def _from(self, panel: str, sums: Sums, width: int, since: str) -> str:
        """Where sums begin in a panel that begins with the step `since`."""
        if first_of(sums) == since:
            return panel
        elements, steps = self.elements, first_of(sums)
        if since != "0":
            steps = elements.text.value(f"sub nsw i64 {steps}, {since}")
        steps = elements.scaled(steps, product(walk.extent for walk, _ in sums[1:]))
        return elements.at(panel, elements.scaled(steps, width))

    @contextmanager
    def _few_steps(self, sums: Sums, apart: Size) -> Iterator[Sums]:
        """A few steps of the sum after the other, where lanes lie side by side: they are read in long pieces."""
        if apart != 1:
            yield sums
            return
        (walk, (start, end)), *others = sums
        text = self.elements.text
        with text.loop(start, end, STEPS) as first:
            yield [(walk, (first, text.least(text.value(f"add nsw i64 {first}, {STEPS}"), end))), *others]

    def _write_strip(self, offset: str, sums: Sums, column: Strip, since: str) -> None:
        elements, blocking = self.elements, self.blocking
        axis, pieces = blocking.columns.axis, blocking.columns.pieces
        to = self._from(self._columns(column), sums, column.size, since)
        if blocking.shares_b and column.valid is not None:  # lanes that are never filled are multiplied all the same
            (_, (begin, behind)), *others = sums
            steps = elements.text.value(f"sub nsw i64 {behind}, {begin}")
            steps = elements.scaled(steps, product(walk.extent for walk, _ in others))
            bytes = elements.scaled(steps, column.size * elements.bytes)
            elements.text.do(f"call void @llvm.memset.p0.i64(ptr {to}, i8 0, i64 {bytes}, i1 false)")
        here = elements.plus(offset, elements.scaled(column.first, axis.b))
        source = elements.at(elements.arguments.pointer(blocking.roles.b), here)
        packing = replace(
            self._packing(sums, lambda walk: walk.b, column.size, axis.b),
            following=blocking.columns.following(column.size),
        )
        if pieces is not None:
            Pieces(packing, pieces).write(to, source, column)
        else:
            packing.write(to, source, column.masks, column.valid)

    def _packing(self, sums: Sums, step: Callable[[Walk], Size], lanes: int, lane_step: Size) -> Packing:
        walks, ranges = [walk for walk, _ in sums], [range for _, range in sums]
        return Packing(self.elements, walks, ranges, [step(walk) for walk in walks], lanes, lane_step, self.bytes)


def first_of(sums: Sums) -> str:
    """The first step of a block of sums."""
    return sums[0][1][0]


def _start(elements: Elements, strip: Strip) -> str:
    """The first point of a strip that no other one has."""
    return strip.first if strip.new is None else elements.plus(strip.first, strip.new)
