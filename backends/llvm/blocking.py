"""How a product is cut: what lies along vectors, tiles of registers, blocks of sums, what is packed, and chunks."""

from math import prod
from typing import final

from graphc.backends.llvm.scratch import padded
from graphc.dataclass import dataclass
from graphc.kernel.roles import SINGLE, Roles, Walk, count_of
from graphc.sizes import Size, lower_bound, product

__all__ = ["JOINED", "Blocking", "Columns", "Part", "Rows", "least"]

COPIED = 1 << 15  # elements of a chunk of copies, about
PIECE = 768  # bytes that a chunk of copies reads side by side, at least, where lanes lie so
JOINED = -2  # the number of an axis that stands for two


@final
@dataclass(frozen=True)
class Rows:
    """The rows of a tile: `size` points of `axis`, and all points of `inside` at each; the others are `loops`.

    smaller  other sizes, for extents below `size` that are open
    """

    axis: Walk
    size: int
    inside: tuple[Walk, ...] = ()
    loops: tuple[Walk, ...] = ()
    smaller: tuple[int, ...] = ()

    @property
    def height(self) -> int:
        """How many rows there are in all."""
        return self.size * self.per_point

    @property
    def per_point(self) -> int:
        """How many rows one point of the axis has."""
        return prod(walk.count for walk in self.inside)


@final
@dataclass(frozen=True)
class Columns:
    """The columns of a tile: so many vectors of points of `axis`; the others are `loops`.

    pieces  where `axis` stands for two, the points of an image in rows: in the result all lie in one piece, in `b`
            each row does
    """

    axis: Walk
    vectors: int
    loops: tuple[Walk, ...] = ()
    pieces: tuple[Walk, Walk] | None = None

    def following(self, width: int) -> Size:
        """About how far the strip that follows is in `b`; 0 for none."""
        if self.pieces is not None:
            outer, inner = self.pieces
            return outer.b * -(-width // inner.count)
        if self.axis.count > width:
            return self.axis.b * width
        return self.loops[-1].b if self.loops else 0


@final
@dataclass(frozen=True)
class Part:
    """An axis that chunks split into blocks of so many points."""

    walk: Walk
    block: Size

    @property
    def count(self) -> Size:
        return (self.walk.extent + self.block - 1) // self.block


@final
@dataclass(frozen=True)
class Blocking:
    """A product as it is made.

    lanes    of a vector
    packs_a  whether the rows of a chunk are copied, tile by tile, in the order in which they are read
    packs_b  the same for the columns of a tile
    shares_a  whether all rows are copied before, for all chunks; else each chunk copies its own
    shares_b  the same for columns
    keeps_b  whether these are copied before the loop that makes the product again and again
    outside  how many of the axes of the sum stand outside of a block of sums; the next one is cut into blocks of
    depth    points; 0 if a block is the whole sum
    parts    what chunks split
    """

    roles: Roles
    lanes: int
    rows: Rows
    columns: Columns
    packs_a: bool = False
    packs_b: bool = False
    shares_a: bool = False
    shares_b: bool = False
    keeps_b: bool = False
    outside: int = 0
    depth: int = 0
    parts: tuple[Part, ...] = ()

    @property
    def is_direct(self) -> bool:
        """Whether vectors of the result lie in memory as they are."""
        return self.columns.axis.c == 1

    @property
    def is_thin(self) -> bool:
        """Whether there is one row, and the other operand is read once, as it lies in memory."""
        return self.roles.rows == (SINGLE,) and self.columns.axis.b == 1

    @property
    def columns_of_chunk(self) -> int:
        """How many points of joined axes a chunk has."""
        assert self.columns.pieces is not None, self.columns
        outer, inner = self.columns.pieces
        blocks = [part.block for part in self.parts if part.walk is outer]
        size = product((*(blocks or [outer.extent]), inner.extent))
        assert isinstance(size, int), size
        return size

    @property
    def chunks(self) -> Size:
        result: Size = 1
        for part in self.parts:
            result = result * part.count
        return result

    @property
    def fills_lanes(self) -> bool:
        """Whether no vector of columns has lanes of which nothing is read."""
        extent = self.columns.axis.extent if self.columns.pieces is None else self.columns_of_chunk
        return isinstance(extent, int) and extent % self.lanes == 0

    @property
    def copies(self) -> tuple[Part, ...]:
        """The parts in which what chunks share is copied for each product: those of rows, then those of columns."""
        rows = (self._copied(self.rows.axis, self.rows.size, self.rows.axis.a),) if self.shares_a else ()
        return rows if self.keeps_b or not self.shares_b else (*rows, self.of_columns)

    @property
    def of_columns(self) -> Part:
        """The parts in which columns are copied that chunks share."""
        axis = self.columns.axis
        return self._copied(axis, self.columns.vectors * self.lanes, axis.b)

    def _copied(self, axis: Walk, unit: int, step: Size) -> Part:
        depth, piece = count_of(self.roles.sums), PIECE // self.roles.a.dtype.itemsize
        return Part(axis, max(COPIED // (unit * depth), -(-piece // unit) if step == 1 else 1) * unit)

    def shared_bytes(self, axis: Walk) -> Size:
        """Of the copies of all that lies along an axis."""
        unit = self.rows.size if axis is self.rows.axis else self.columns.vectors * self.lanes
        whole = (axis.extent + (unit - 1)) // unit * unit
        bytes = whole * product(walk.extent for walk in self.roles.sums) * self.roles.a.dtype.itemsize
        return padded(bytes)

    @property
    def inner_depth(self) -> Size:
        """How many products are added up in a block."""
        walks = self.roles.sums[self.outside :]
        result: Size = 1
        for place, walk in enumerate(walks):
            result = result * (self.depth if self.depth and place == 0 else walk.extent)
        return result


def least(size: Size) -> int:
    """A number that a size is never below."""
    return lower_bound(size) or 0
