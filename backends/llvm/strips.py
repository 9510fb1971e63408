"""Strips: the rows and the columns of the tiles of a product, in loops, the last ones of an axis included."""

from collections.abc import Callable, Mapping
from typing import final

from graphc.backends.llvm.blocking import Blocking, least
from graphc.backends.llvm.text import Range
from graphc.backends.llvm.tiles import Elements
from graphc.dataclass import dataclass
from graphc.kernel.roles import Walk

__all__ = ["Strip", "Strips", "mask_of"]


@final
@dataclass(frozen=True)
class Strip:
    """Rows or columns of one tile.

    first   the point that the tile begins with
    size    points
    new     the first point that no other tile makes; None where that is `first`
    masks   of vectors of columns: which lanes there are
    valid   how many points there are, where fewer than `size`
    """

    first: str
    size: int
    new: str | None = None
    masks: tuple[str | None, ...] = ()
    valid: str | None = None


@final
@dataclass(frozen=True)
class Strips:
    """Writes the loops over tiles.

    ranges  the part of each axis that is walked, where it is not all: it begins with a whole tile
    """

    elements: Elements
    blocking: Blocking
    ranges: Mapping[int, Range]

    def range(self, walk: Walk) -> Range:
        """The part of an axis that is walked."""
        return self.ranges.get(walk.number, ("0", self.elements.arguments.number(walk.extent)))

    def columns(self, made: Callable[[Strip], None]) -> None:
        """Strips of vectors; the last one overlaps with another, or has lanes of which nothing is read."""
        columns, lanes, text = self.blocking.columns, self.blocking.lanes, self.elements.text
        axis, width = columns.axis, columns.vectors * lanes
        first, last = self.range(axis)
        if columns.pieces is not None and self.blocking.columns_of_chunk != axis.extent:
            self._alike(first, made)
        elif isinstance(axis.extent, int):
            left = axis.extent % width
            vectors = -(-left // lanes)
            if left == 0:
                with text.loop(first, last, width) as counter:
                    made(Strip(counter, width, None, (None,) * columns.vectors))
            elif axis.extent < width or vectors < columns.vectors:
                whole = axis.extent - left
                if whole:
                    with text.loop(first, self.elements.text.least(last, str(whole)), width) as counter:
                        made(Strip(counter, width, None, (None,) * columns.vectors))
                with text.when(text.value(f"icmp sgt i64 {last}, {whole}")):
                    masks = tuple([self._fixed_mask(left - n * lanes) for n in range(vectors)])
                    made(Strip(str(whole), vectors * lanes, None, masks, str(left)))
            else:
                self._overlapping(axis, width, made)
        else:
            self._open_columns(axis, made)

    def _alike(self, first: str, made: Callable[[Strip], None]) -> None:
        """Strips of a chunk, where each has as many columns: the last one has lanes of which nothing is read."""
        lanes, vectors, count = self.blocking.lanes, self.blocking.columns.vectors, self.blocking.columns_of_chunk
        left = count % (vectors * lanes)
        end = self.elements.plus(first, str(count - left))
        if count > left:
            with self.elements.text.loop(first, end, vectors * lanes) as counter:
                made(Strip(counter, vectors * lanes, None, (None,) * vectors))
        if left:
            vectors = -(-left // lanes)
            masks = tuple([self._fixed_mask(left - n * lanes) for n in range(vectors)])
            made(Strip(end, vectors * lanes, None, masks, str(left)))

    def _open_columns(self, axis: Walk, made: Callable[[Strip], None]) -> None:
        """Strips of an axis whose extent is open."""
        lanes, text = self.blocking.lanes, self.elements.text
        width = self.blocking.columns.vectors * lanes
        first, last = self.range(axis)
        extent = self.elements.arguments.number(axis.extent)
        wide, narrow, after = text.label("wide"), text.label("narrow"), text.label("after")
        text.go_if(text.value(f"icmp sge i64 {extent}, {width}"), wide, narrow)
        text.begin(wide)
        self._overlapping(axis, width, made)
        text.go(after)
        text.begin(narrow)
        with text.loop(first, last, lanes) as counter:
            left_over = self.elements.text.least(text.value(f"sub nsw i64 {extent}, {counter}"), str(lanes))
            made(Strip(counter, lanes, None, (mask_of(self.elements, "0", left_over, 0),), left_over))
        text.go(after)
        text.begin(after)

    def _overlapping(self, axis: Walk, size: int, made: Callable[[Strip], None]) -> None:
        """Strips of which the last one begins where it ends with the axis."""
        text, columns = self.elements.text, self.blocking.columns
        first, last = self.range(axis)
        is_column = axis is columns.axis
        most = self.elements.plus(self.elements.arguments.number(axis.extent), str(-size))
        with text.loop(first, last, size) as counter:
            at = self.elements.text.least(counter, most)
            new = text.value(f"sub nsw i64 {counter}, {at}")
            masks: tuple[str | None, ...] = ()
            if is_column:
                masks = (None,) * columns.vectors
            made(Strip(at, size, new, masks))

    def rows(self, made: Callable[[Strip], None]) -> None:
        """Strips of rows: of the size that is best, or of smaller ones where there are too few."""
        rows, text = self.blocking.rows, self.elements.text
        axis, extent = rows.axis, rows.axis.extent
        first, last = self.range(axis)
        if isinstance(extent, int) and extent % rows.size == 0:
            with text.loop(first, last, rows.size) as counter:
                made(Strip(counter, rows.size))
        elif least(extent) >= rows.size:
            self._overlapping(axis, rows.size, made)
        elif self.blocking.packs_a:
            end = self.elements.arguments.number(extent)
            with text.loop(first, last, rows.size) as counter:
                left = self.elements.text.least(text.value(f"sub nsw i64 {end}, {counter}"), str(rows.size))
                made(Strip(counter, rows.size, None, (), left))
        else:
            end = self.elements.arguments.number(extent)
            after = text.label("after")
            for size in (rows.size, *rows.smaller):
                fits, smaller = text.label("fits"), text.label("smaller")
                text.go_if(text.value(f"icmp sge i64 {end}, {size}"), fits, smaller)
                text.begin(fits)
                self._overlapping(axis, size, made)
                text.go(after)
                text.begin(smaller)
            text.go(after)
            text.begin(after)

    def _fixed_mask(self, count: int) -> str | None:
        """The first `count` lanes; None for all."""
        lanes = self.blocking.lanes
        if count >= lanes:
            return None
        return f"<{', '.join(f'i1 {str(lane < count).lower()}' for lane in range(lanes))}>"


def mask_of(elements: Elements, first: str, behind: str, since: int) -> str:
    """The lanes from `first` up to `behind`, of a vector that begins with lane `since`."""
    lanes, text = elements.lanes, elements.text
    type = f"<{lanes} x i32>"
    each = f"<{', '.join(f'i32 {since + lane}' for lane in range(lanes))}>"
    found = ""
    for bound, comparison in ((first, "sge"), (behind, "slt")):
        number = text.value(f"trunc i64 {bound} to i32")
        one = text.value(f"insertelement {type} poison, i32 {number}, i64 0")
        spread = text.value(f"shufflevector {type} {one}, {type} poison, <{lanes} x i32> zeroinitializer")
        mask = text.value(f"icmp {comparison} {type} {each}, {spread}")
        found = text.value(f"and <{lanes} x i1> {found}, {mask}") if found else mask
    return found
