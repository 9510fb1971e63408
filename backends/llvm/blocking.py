"""How a product is cut: what lies along vectors, tiles of registers, blocks of sums, what is packed, and chunks."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from math import gcd, prod
from typing import final

from graphc.backends.llvm.machine import Machine
from graphc.kernel.roles import SINGLE, Roles, Walk, count_of
from graphc.sizes import Size, estimate, lower_bound
from graphc.types import DType

__all__ = ["Blocking", "Columns", "Part", "Rows", "blocking_of"]

CACHE = 1 << 15  # bytes of a panel of columns that is walked again and again
SECOND_CACHE = 1 << 18  # bytes of rows that are walked again for each panel
THIN_DEPTH = 16  # lines of a matrix that are read side by side for one row of results
THIN_CHUNK = 1024  # columns at least that a chunk of them has: a line is read in long pieces
COLLIDING = 4096  # bytes: lines so far apart fall into one set of the nearest cache, which has room for few
PACKED_ROWS = 256  # of a chunk whose rows are packed, about: they share each packed panel of columns
CHUNK = 1 << 19  # products of elements that are worth a thread
MOST_CHUNKS = 24  # about


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
    """The columns of a tile: so many vectors of points of `axis`; the others are `loops`."""

    axis: Walk
    vectors: int
    loops: tuple[Walk, ...] = ()


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
    def chunks(self) -> Size:
        result: Size = 1
        for part in self.parts:
            result = result * part.count
        return result

    @property
    def inner_depth(self) -> Size:
        """How many products are added up in a block."""
        walks = self.roles.sums[self.outside :]
        result: Size = 1
        for place, walk in enumerate(walks):
            result = result * (self.depth if self.depth and place == 0 else walk.extent)
        return result


def blocking_of(roles: Roles, dtype: DType, machine: Machine) -> Blocking:
    """The cheapest of the ways to lay a product out, by a rough count of what it costs."""
    lanes = machine.lanes(dtype.itemsize)
    best: tuple[float, Blocking] | None = None
    for oriented in (roles, roles.flipped):
        for blocking in _layouts(oriented, lanes, machine):
            cost = _cost(blocking)
            if best is None or cost < best[0]:
                best = cost, blocking
    assert best is not None, roles
    return _parted(best[1])


def _layouts(roles: Roles, lanes: int, machine: Machine) -> Iterator[Blocking]:
    """Every choice of the axis that vectors lie along and of their number, with the best rows for it."""
    for place, axis in enumerate(roles.columns):
        loops = (*roles.columns[:place], *roles.columns[place + 1 :])
        for vectors in _vectors_along(axis, roles, lanes, machine):
            rows = _rows_of(roles, vectors, machine, itemsize=roles.a.dtype.itemsize)
            yield _blocked(Blocking(roles, lanes, rows, Columns(axis, vectors, loops)), machine)


def _vectors_along(axis: Walk, roles: Roles, lanes: int, machine: Machine) -> Sequence[int]:
    """How many vectors of columns a tile may have."""
    if _is_at_most(axis, lanes):
        return (1,)
    if axis.count <= 3 * lanes:
        return (2,)
    if count_of(roles.rows) <= 3 and len(roles.rows) == 1:
        return (4,)
    return (2, 3) if _registers(machine) == 32 and axis.count >= 12 * lanes else (2,)


def _rows_of(roles: Roles, vectors: int, machine: Machine, itemsize: int) -> Rows:
    """The rows of a tile: many, with few that are made in vain."""
    most = _most_rows(machine, vectors)
    best: tuple[float, Rows] | None = None
    for place, axis in enumerate(roles.rows):
        others = (*roles.rows[:place], *roles.rows[place + 1 :])
        for count in range(len(others) + 1):
            for inside in combinations(others, count):
                if not all(isinstance(walk.extent, int) for walk in inside):
                    continue
                per_point = prod(walk.count for walk in inside)
                if per_point > most:
                    continue
                limit = most // per_point
                if not inside and _collides(axis, itemsize):
                    limit = min(limit, 12)
                rows = _balanced(axis, limit, inside, tuple(walk for walk in others if walk not in inside))
                waste = -(-axis.count // rows.size) * rows.size / axis.count
                cost = waste * _per_product(rows.height, vectors) * (1 + 0.02 * count)
                if best is None or cost < best[0]:
                    best = cost, rows
    assert best is not None, roles
    return best[1]


def _most_rows(machine: Machine, vectors: int) -> int:
    """How many rows of so many vectors the registers hold, with what they are made of."""
    return (28 if _registers(machine) == 32 else 12 if machine.has_fma else 8) // vectors


def _registers(machine: Machine) -> int:
    return 32 if machine.vector_bytes == 64 or machine.is_aarch64 else 16


def _per_product(height: int, vectors: int) -> float:
    """What one instruction of a tile costs: its rows and vectors are loaded, and too few sums wait for each other."""
    sums = height * vectors
    return max(1.0, 8 / sums) * (1 + 0.2 * (height + vectors + 3) / sums)


def _balanced(axis: Walk, limit: int, inside: tuple[Walk, ...], loops: tuple[Walk, ...]) -> Rows:
    if isinstance(axis.extent, int):
        tiles = -(-axis.extent // limit)
        return Rows(axis, -(-axis.extent // tiles), inside, loops)
    if limit < 8:
        return Rows(axis, limit, inside, loops, (1,) if limit > 1 else ())
    size = limit // 4 * 4
    return Rows(axis, size, inside, loops, (4, 1))


def _collides(axis: Walk, itemsize: int) -> bool:
    return _fall_together(axis.a, itemsize)


def _fall_together(step: Size, itemsize: int) -> bool:
    """Whether all that lies so far apart falls into one set of the nearest cache."""
    return isinstance(step, int) and step != 0 and step * itemsize % COLLIDING == 0


def _blocked(blocking: Blocking, machine: Machine) -> Blocking:
    """With what is packed, and blocks of sums where columns are."""
    roles, columns, rows = blocking.roles, blocking.columns, blocking.rows
    itemsize = roles.a.dtype.itemsize
    width = blocking.lanes * columns.vectors
    height = count_of(roles.rows)
    depth = count_of(roles.sums)
    innermost = roles.sums[-1]
    if blocking.is_thin:
        return _with_depth(blocking, THIN_DEPTH)
    far = columns.axis.b != 1
    is_deep = depth * width * itemsize > CACHE
    is_crowded = depth * width * itemsize > _room_for(roles.sums[-1].b, itemsize, width * itemsize)
    walks = 2 if _fall_together(innermost.b, itemsize) else 4
    is_walked_often = height >= walks * rows.height and count_of(roles.columns) > width
    blocking = replace(blocking, packs_b=far or (is_walked_often and (is_deep or is_crowded)))
    block = min(depth, CACHE // (width * itemsize))
    is_large = height * block * itemsize > SECOND_CACHE
    is_scattered = innermost.a != 1 or is_large or _collides(rows.axis, itemsize)
    times = 2 if _fall_together(innermost.a, itemsize) else 8
    has_reuse = count_of(roles.columns) >= times * width and depth >= 64
    can_be_packed = len(roles.rows) == 1 and rows.axis.number not in roles.meeting  # chunks have so many rows
    if can_be_packed and is_scattered and has_reuse and height >= rows.height:
        size = _balanced(rows.axis, _most_rows(machine, columns.vectors), (), ()).size
        blocking = replace(blocking, packs_a=True, rows=Rows(rows.axis, size))
    if not (blocking.packs_a or (blocking.packs_b and is_deep)):  # all of it stays near
        return blocking
    most = CACHE if blocking.is_direct else 4 * CACHE  # each block takes what it adds to from memory, one by one
    return _with_depth(blocking, max(most // (width * itemsize), 1))


def _room_for(step: Size, itemsize: int, bytes: int) -> int:
    """Bytes that the nearest cache holds of pieces a step apart, which lie in a part of its sets."""
    if not isinstance(step, int) or step == 0:
        return CACHE
    return CACHE * bytes // max(gcd(step * itemsize, COLLIDING), bytes)


def _with_depth(blocking: Blocking, most: int) -> Blocking:
    """With blocks of at most so many sums, about."""
    sums = blocking.roles.sums
    if count_of(sums) <= most * 3 // 2:
        return blocking
    outside, below = len(sums) - 1, 1
    while outside > 0 and below * sums[outside].count * 2 <= most:
        below *= sums[outside].count
        outside -= 1
    while any(not isinstance(walk.extent, int) for walk in sums[:outside]):  # blocks of none leave nothing at all
        outside -= 1
        below *= sums[outside].count
    points = sums[outside].count
    blocks = max(-(-points * below // most), 1)
    return replace(blocking, outside=outside, depth=-(-points // blocks))


def _is_at_most(walk: Walk, limit: int) -> bool:
    return isinstance(walk.extent, int) and walk.extent <= limit


def _cost(blocking: Blocking) -> float:
    """About how many cycles."""
    roles, rows, columns, lanes = blocking.roles, blocking.rows, blocking.columns, blocking.lanes
    outer = count_of((*roles.batch, *roles.serial))
    width = columns.vectors * lanes
    n = columns.axis.count
    full = -(-n // lanes) * lanes
    m, depth, across = count_of(roles.rows), count_of(roles.sums), count_of(columns.loops)
    waste = -(-rows.axis.count // rows.size) * rows.size / rows.axis.count
    each = _per_product(rows.height, min(columns.vectors, -(-n // lanes)))
    cost = m * waste * full * across * depth / (2 * lanes) * each
    if blocking.packs_b:
        each = 0.1 if columns.axis.b == 1 else 0.5 if roles.sums[-1].b == 1 else 1.2
        cost += depth * -(-n // width) * width * across * each
    if blocking.packs_a:
        cost += depth * m * 0.5
    blocks = -(-depth // max(estimate(blocking.inner_depth), 1))
    if not blocking.is_direct:
        cost += 1.5 * m * n * across * blocks
    else:
        cost += 0.1 * m * full * across * blocks
    return outer * cost


# Chunks.


def _parted(blocking: Blocking) -> Blocking:
    """With chunks that are worth a thread each.  The shape alone decides."""
    roles, rows, columns = blocking.roles, blocking.rows, blocking.columns
    wanted = max(CHUNK, roles.work // MOST_CHUNKS)
    width = columns.vectors * blocking.lanes
    along_rows = [Part(rows.axis, rows.size), *(Part(walk, 1) for walk in rows.loops)]
    across = max(width, THIN_CHUNK) if blocking.is_thin else width
    along_columns = [Part(columns.axis, across), *(Part(walk, 1) for walk in columns.loops)]
    several = [Part(walk, 1) for walk in roles.batch]
    if blocking.packs_a:
        tiles = -(-rows.axis.count // rows.size)
        chunks = max(rows.axis.count // PACKED_ROWS, 1)
        others = [*(Part(walk, 1) for walk in columns.loops), Part(columns.axis, 8 * width)]
        candidates = [*several, Part(rows.axis, -(-tiles // chunks) * rows.size), *others]
    elif blocking.packs_b:  # each panel is packed once
        candidates = [*several, *_longest_first(along_columns), *_longest_first(along_rows)]
    else:
        candidates = [*several, *_longest_first([*along_rows, *along_columns])]
    parts: list[Part] = []
    left = roles.work
    for part in candidates:
        if part.walk.number in roles.meeting:
            continue
        points, unit = part.walk.count, part.block
        assert isinstance(unit, int), part
        is_forced = blocking.packs_a and part.walk is rows.axis  # its rows have room for so many
        block = min(max(-(-wanted * points // (left * unit)), 1) * unit, -(-points // unit) * unit)
        if is_forced:
            block = unit
        elif isinstance(part.walk.extent, int) and block * 2 > points:
            continue
        parts.append(Part(part.walk, block))
        left = max(left * block // points, 1)
        if left < 4 * wanted and not (blocking.packs_a and rows.axis not in [part.walk for part in parts]):
            break
    return replace(blocking, parts=tuple(parts))


def _longest_first(parts: Sequence[Part]) -> list[Part]:
    return sorted(parts, key=lambda part: -part.walk.count)


def least(size: Size) -> int:
    """A number that a size is never below."""
    return lower_bound(size) or 0
