"""Copies of columns that are the points of an image: each row of it lies in one piece."""

from typing import final

from graphc.backends.llvm.packing import Packing
from graphc.backends.llvm.strips import Strip, mask_of
from graphc.dataclass import dataclass
from graphc.kernel.roles import Walk

__all__ = ["Pieces"]


@final
@dataclass(frozen=True)
class Pieces:
    """Copies one panel.

    packing  the steps of the sum
    rows     the axis of rows of the image, and that of the points of a row, which lie side by side
    """

    packing: Packing
    rows: tuple[Walk, Walk]

    def write(self, to: str, base: str, column: Strip) -> None:
        """The panel at `to`, piece by piece, and of each so many lanes at once as a vector has."""
        elements, text = self.packing.elements, self.packing.elements.text
        outer, inner = self.rows
        length, count = elements.arguments.number(inner.extent), column.valid or str(column.size)
        row = text.value(f"udiv i64 {column.first}, {length}")
        place = text.value(f"sub nsw i64 {column.first}, {elements.scaled(row, inner.extent)}")
        until = elements.plus(place, count)
        with text.loop("0", until, inner.count) as begin:  # of the row where the panel begins, or of a later one
            since = text.most("0", text.value(f"sub nsw i64 {begin}, {place}"))
            behind = text.least(count, text.value(f"sub nsw i64 {elements.plus(begin, length)}, {place}"))
            number = elements.plus(row, text.value(f"udiv i64 {begin}, {length}"))
            start = text.value(f"sub nsw i64 {place}, {begin}")
            line = elements.at(base, elements.plus(elements.scaled(number, outer.b), start))
            with text.loop(since, behind, elements.lanes) as lane:
                mask = mask_of(elements, "0", text.value(f"sub nsw i64 {behind}, {lane}"), 0)
                self._copied(elements.at(to, lane), elements.at(line, lane), mask)

    def _copied(self, to: str, source: str, mask: str) -> None:
        """The lanes of a vector, for all steps of the sum."""
        packing = self.packing
        elements = packing.elements
        with packing.steps_of(source, to) as steps:
            packing.fetch_following(steps, elements.lanes)
            for there, here in steps:
                elements.store_vector(elements.load_vector(there, mask), here, mask)
