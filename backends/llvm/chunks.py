"""The chunks that a product is made in: each is worth a thread, and the shape alone decides."""

from collections.abc import Sequence
from dataclasses import replace

from graphc.backends.llvm.blocking import Blocking, Columns, Part
from graphc.kernel.roles import Walk
from graphc.sizes import estimate

__all__ = ["CHUNK", "parted"]

THIN_CHUNK = 1024  # columns at least that a chunk of them has: a line is read in long pieces
PACKED_ROWS = 128  # of a chunk whose rows are packed, about: they share each packed panel of columns
CHUNK = 1 << 19  # products of elements that are worth a thread
SHARED = 1 << 22  # products of elements that are worth copies of whole operands
LARGEST = 1 << 24  # bytes of copies that are shared, at most
WASTE = 1.03  # how many lanes may be made for one that is wanted, over what whole images have
MOST_CHUNKS = 24  # about


def parted(blocking: Blocking) -> Blocking:
    """With chunks that are worth a thread each.  The shape alone decides."""
    roles, rows, columns = blocking.roles, blocking.rows, blocking.columns
    wanted = max(CHUNK, roles.work // MOST_CHUNKS)
    width = columns.vectors * blocking.lanes
    along_rows = [Part(rows.axis, rows.size), *(Part(walk, 1) for walk in rows.loops)]
    across = max(width, THIN_CHUNK) if blocking.is_thin else width
    along_columns = [*_along_axis(columns, across), *(Part(walk, 1) for walk in columns.loops)]
    several = [Part(walk, 1) for walk in roles.batch]
    if blocking.packs_a:
        tiles = -(-rows.axis.count // rows.size)
        chunks = max(rows.axis.count // PACKED_ROWS, 1)
        across = width if blocking.keeps_b else 2 * width
        others = [*(Part(walk, 1) for walk in columns.loops), *_along_axis(columns, across)]
        candidates = [*several, Part(rows.axis, -(-tiles // chunks) * rows.size), *others]
    elif blocking.packs_b:  # each panel is packed once
        loops = [Part(walk, 1) for walk in columns.loops]  # the outer one first: a chunk is what lies together
        candidates = [*several, *loops, *_along_axis(columns, across), *_longest_first(along_rows)]
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
        units = wanted * points // (left * unit) if blocking.keeps_b else -(-wanted * points // (left * unit))
        block = min(max(units, 1) * unit, -(-points // unit) * unit)
        if is_forced:
            block = unit
        elif columns.pieces is not None and part.walk is columns.pieces[0]:
            block = _alike(columns.pieces, block, blocking.lanes)
            if block == points:
                continue
        elif isinstance(part.walk.extent, int) and block * 2 > points:
            continue
        parts.append(Part(part.walk, block))
        left = max(left * block // points, 1)
        if left < 4 * wanted and not (blocking.packs_a and rows.axis not in [part.walk for part in parts]):
            break
    return _shared(replace(blocking, parts=tuple(parts)))


def _shared(blocking: Blocking) -> Blocking:
    """With copies that are made before the chunks, where several of these would make them."""
    roles, rows, columns = blocking.roles, blocking.rows, blocking.columns
    if roles.work < SHARED or roles.batch or roles.serial or blocking.outside:
        return blocking
    split = [part.walk for part in blocking.parts if part.count != 1]
    return replace(
        blocking,
        shares_a=blocking.packs_a and any(walk is not rows.axis for walk in split),
        shares_b=blocking.keeps_b
        or (
            blocking.packs_b
            and not columns.loops
            and (columns.pieces is None or not any(walk in columns.pieces for walk in split))
            and estimate(blocking.shared_bytes(columns.axis)) <= LARGEST
            and any(walk is not columns.axis for walk in split)
        ),
    )


def _alike(pieces: tuple[Walk, Walk], least: int, lanes: int) -> int:
    """Of how many rows of an image chunks have: all have as many, and few of their lanes are empty."""
    outer, inner = pieces

    def made(rows: int) -> float:
        return -(-rows * inner.count // lanes) * lanes / rows

    fitting = (n for n in range(least, outer.count) if outer.count % n == 0 and made(n) <= WASTE * made(outer.count))
    return next(fitting, outer.count)


def _along_axis(columns: Columns, width: int) -> list[Part]:
    """The axis of columns in blocks of so many points; rows of an image are whole."""
    if columns.pieces is None:
        return [Part(columns.axis, width)]
    outer, inner = columns.pieces
    return [Part(outer, min(-(-width // inner.count), outer.count))]


def _longest_first(parts: Sequence[Part]) -> list[Part]:
    return sorted(parts, key=lambda part: -part.walk.count)
