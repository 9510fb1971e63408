"""Which of the ways to lay a product out is the cheapest."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace
from itertools import combinations
from math import gcd, prod

from graphc.backends.llvm.blocking import JOINED, Blocking, Columns, Rows
from graphc.backends.llvm.chunks import CHUNK, parted
from graphc.backends.llvm.machine import Machine
from graphc.backends.llvm.tiles import is_short
from graphc.kernel.buffer import Buffer
from graphc.kernel.roles import Roles, Walk, count_of
from graphc.sizes import Size, estimate, product
from graphc.types import DType

__all__ = ["blocking_of"]

CACHE = 1 << 15  # bytes of a panel of columns that is walked again and again
PANEL = 3 << 16  # bytes of a packed panel of columns: it comes from the second cache as fast as it is multiplied
SECOND_CACHE = 1 << 18  # bytes of rows that are walked again for each panel
THIN_DEPTH = 16  # lines of a matrix that are read side by side for one row of results
COLLIDING = 4096  # bytes: lines so far apart fall into one set of the nearest cache, which has room for few
PAGE = 4096  # bytes
PAGES = 32  # whose places in memory a processor knows at once, about: of other operands there are pages too


def blocking_of(roles: Roles, dtype: DType, machine: Machine, fixed: Collection[Buffer] = ()) -> Blocking:
    """The cheapest of the ways to lay a product out, by a rough count of what it costs.

    An operand that is `fixed` is copied but once, before the loop that the product is in.
    """
    lanes = machine.lanes(dtype.itemsize)
    best: tuple[float, Blocking] | None = None
    for oriented in (roles, roles.flipped):
        for blocking in _layouts(oriented, lanes, machine, fixed):
            cost = _cost(blocking)
            if best is None or cost < best[0]:
                best = cost, blocking
    assert best is not None, roles
    return parted(best[1])


def _layouts(roles: Roles, lanes: int, machine: Machine, fixed: Collection[Buffer]) -> Iterator[Blocking]:
    """Every choice of the axis that vectors lie along and of their number, with the best rows for it."""
    for place, axis in enumerate(roles.columns):
        loops = (*roles.columns[:place], *roles.columns[place + 1 :])
        for vectors in _vectors_along(axis, roles, lanes, machine):
            rows = _rows_of(roles, vectors, machine, itemsize=roles.a.dtype.itemsize)
            keeps = roles.b in fixed and not loops and _is_one_matrix(roles)
            yield _blocked(Blocking(roles, lanes, rows, Columns(axis, vectors, loops), keeps_b=keeps), machine)
    pieces = _pieces_of(roles)
    if pieces is not None:
        axis = Walk(JOINED, product(walk.extent for walk in pieces), 0, 0, 1)
        for vectors in _vectors_along(axis, roles, lanes, machine):
            rows = _rows_of(roles, vectors, machine, itemsize=roles.a.dtype.itemsize)
            columns = Columns(axis, vectors, roles.columns[:-2], pieces)
            yield _blocked(Blocking(roles, lanes, rows, columns), machine)


def _is_one_matrix(roles: Roles) -> bool:
    """Whether the columns of all rows are copied as one matrix."""
    return not roles.batch and not roles.serial and len(roles.sums) == 1


def _pieces_of(roles: Roles) -> tuple[Walk, Walk] | None:
    """The last two axes of the columns, where they lie in one piece in the result and rows do in `b`."""
    if len(roles.columns) < 2:
        return None
    outer, inner = roles.columns[-2:]
    is_fixed = isinstance(outer.extent, int) and isinstance(inner.extent, int)
    if not is_fixed or inner.c != 1 or outer.c != inner.extent or inner.b != 1:
        return None
    return None if roles.meeting.intersection((outer.number, inner.number)) else (outer, inner)


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
                if not inside and _fall_together(axis.a, itemsize):
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
        return _with_depth(replace(blocking, keeps_b=False), THIN_DEPTH)
    far = columns.axis.b != 1
    is_deep = depth * width * itemsize > CACHE
    is_crowded = depth * width * itemsize > _room_for(roles.sums[-1].b, itemsize, width * itemsize)
    is_crowded |= _pages(roles.sums, itemsize) > PAGES
    walks = 2 if _fall_together(innermost.b, itemsize) else 4
    is_walked_often = height >= walks * rows.height and count_of(roles.columns) > width
    packs = far or blocking.keeps_b or (is_walked_often and (is_deep or is_crowded))
    blocking = replace(blocking, packs_b=packs, shares_b=blocking.keeps_b)
    block = min(depth, PANEL // (width * itemsize))
    is_large = height * block * itemsize > SECOND_CACHE
    is_colliding = _fall_together(rows.axis.a, itemsize) or _fall_together(innermost.a, itemsize)
    is_scattered = innermost.a != 1 or is_large or is_colliding
    times = 2 if is_colliding else 4 if innermost.a != 1 else 8
    has_reuse = count_of(roles.columns) >= times * width and depth >= 64
    can_be_packed = len(roles.rows) == 1 and rows.axis.number not in roles.meeting  # chunks have so many rows
    if can_be_packed and is_scattered and has_reuse and height >= rows.height:
        size = _balanced(rows.axis, _most_rows(machine, columns.vectors), (), ()).size
        blocking = replace(blocking, packs_a=True, rows=Rows(rows.axis, size))
    if not (blocking.packs_a or (blocking.packs_b and is_deep)):  # all of it stays near
        return blocking
    most = PANEL if blocking.is_direct else 4 * CACHE  # each block takes what it adds to from memory, one by one
    return _with_depth(blocking, max(most // (width * itemsize), 1))


def _pages(sums: Sequence[Walk], itemsize: int) -> int:
    """In about how many pages the rows of `b` lie that a column of it walks through."""
    return max(-(-walk.count * estimate(walk.b) * itemsize // PAGE) for walk in sums) if sums[-1].b != 1 else 1


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
    cost = m * waste * full * across * depth / (2 * lanes) * each * _interrupted(blocking)
    if blocking.packs_b and not blocking.keeps_b:
        is_in_pieces = columns.pieces is not None
        each = 0.1 if columns.axis.b == 1 else 0.2 if is_in_pieces else 0.5 if roles.sums[-1].b == 1 else 1.2
        cost += depth * -(-n // width) * width * across * each
    if blocking.packs_a:
        cost += depth * m * 0.5
    if blocking.keeps_b and roles.work > 2 * CHUNK:
        cost *= -(-n // (2 * width)) * 2 * width / n  # of an odd number of panels one of two threads has one more
    blocks = -(-depth // max(estimate(blocking.inner_depth), 1))
    if not blocking.is_direct:
        cost += 1.5 * m * n * across * blocks
    else:
        cost += 0.1 * m * full * across * blocks
    return outer * cost


def _interrupted(blocking: Blocking) -> float:
    """By how much it takes longer that the innermost loop over a sum is short."""
    roles = blocking.roles
    steps = [] if blocking.packs_a else [[walk.a for walk in roles.sums]]
    if not blocking.packs_b:
        steps.append([walk.b for walk in roles.sums])
    for along in steps:
        if any(x != walk.extent * y for x, walk, y in zip(along, roles.sums[1:], along[1:], strict=False)):
            return 1.05 if is_short(roles.sums[-1]) else 1 + 2 / roles.sums[-1].count
    return 1.0
