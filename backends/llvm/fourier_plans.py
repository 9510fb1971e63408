"""How a Fourier transform of some length is made: tables that native code reads, for sizes that are known.

A length whose prime factors are small is made in stages, one for each factor: Stockham's method, which leaves
everything in order.  A long one, of which there are few, is two shorter ones with its elements as a matrix between.
Any other length is a convolution of one whose factors are small (Bluestein: A linear filtering approach to the
computation of the discrete Fourier transform, 1970).
Van Loan: Computational Frameworks for the Fast Fourier Transform, 1992, chapters 1 to 4.
"""

from collections.abc import Iterator, Sequence
from dataclasses import field
from enum import IntEnum, auto
from math import isqrt
from typing import NamedTuple, final

import numpy as np

from graphc.dataclass import dataclass
from graphc.kernel.arrays import Array
from graphc.sizes import Size, maximum, minimum
from graphc.types import DType

__all__ = ["COLUMNS", "LARGEST_PRIME", "Layout", "Number", "Planner", "roots"]

LARGEST_PRIME = 61  # of which a stage is made: n sums of n terms
BYTES = 1 << 14  # of a block of transforms, about: twice as many stay in the nearest cache
LONGEST = 1 << 12  # elements of a transform of which several are made side by side
COLUMNS = 2  # vectors of columns of a matrix that are made side by side
WORK = 1 << 15  # elements of a chunk, about


class Number(IntEnum):
    """Where each number of a plan stands."""

    LENGTH = 0  # of the complex transform: n, or half of an even number of real ones
    IS_HALF = auto()
    EXTENT = auto()  # of the axis of real numbers, n
    BLOCK = auto()  # transforms side by side
    MEMBERS = auto()  # of a group, which lie a fixed step apart
    BLOCKS = auto()  # of a group
    ALL_BLOCKS = auto()
    PER_CHUNK = auto()  # blocks
    IN_ALONG = auto()  # steps of elements: along the axis, from member to member, from group to group
    IN_ACROSS = auto()
    IN_GROUP = auto()
    OUT_ALONG = auto()
    OUT_ACROSS = auto()
    OUT_GROUP = auto()
    ROOM = auto()  # elements of each of the two places that transforms go to and fro between
    SMALL_ROOM = auto()  # the same, of the columns of a matrix
    WORK = auto()  # address: both and that; 0 where each chunk allocates them
    SCALES = auto()  # address: 1, 1 / √n, 1 / n
    HALF_TURNS = auto()  # address: e^(-2πi k/n)
    SMOOTH = auto()  # a length that is made in stages, LENGTH or longer
    STAGES = auto()  # address
    ROWS = auto()  # of the matrix; 0 where there is none
    MATRIX_COLUMNS = auto()
    ROW_STAGES = auto()
    COLUMN_STAGES = auto()
    TURNS = auto()  # address: e^(-2πi jk/n), k by j
    CHIRP = auto()  # address, or 0: e^(-πi k²/n)
    SPECTRUM = auto()  # address: of the conjugates of that


class Layout(NamedTuple):
    """What is transformed: `lead` by `extent` by `trail` elements, of which operand and result may have fewer."""

    extent: int
    lead: int
    trail: int
    given: int
    made: int


class Made(NamedTuple):
    """A plan: its numbers, how many chunks it has, and what its numbers are addresses of."""

    numbers: Array
    chunks: int
    kept: Sequence[Array]


@final
@dataclass(frozen=True)
class Planner:
    """Makes plans, in tables of a real dtype, for the sizes of a layout.

    is_real   whether one of the arrays has real numbers
    lanes     how many of these numbers a vector has
    """

    sizes: tuple[Size, ...]
    is_real: bool
    dtype: DType
    lanes: int

    def made(self, values: Sequence[int]) -> Made:
        """The plan for these values of `sizes`."""
        plan = _Plan(Layout(*values), self)
        return Made(plan.numbers, plan.chunks, plan.kept)

    @property
    def bytes(self) -> Size:
        """What a chunk needs, and the tables, at most."""
        n, _, trail, *_ = self.sizes
        smooth: Size = 3 * n + 64  # at most: see _longer
        longest: Size = smooth // 8 + LARGEST_PRIME
        if isinstance(n, int):
            smooth = n if _is_smooth(n) else _longer(2 * n)
            longest = smooth // _near_root(smooth)
        abreast = minimum(smooth, LONGEST) if trail == 1 else smooth
        block = maximum(self.most + self.lanes, maximum(abreast * self.lanes, smooth))
        small = COLUMNS * self.lanes * longest if trail == 1 else 0
        return self.dtype.itemsize * (4 * (block + self.lanes + small) + 8 * (smooth + n + 64))

    @property
    def most(self) -> int:
        """Elements of a block, about."""
        return BYTES // (2 * self.dtype.itemsize)


@final
@dataclass
class _Plan:
    """The plan for a layout."""

    layout: Layout
    planner: Planner
    numbers: Array = field(init=False)
    chunks: int = field(init=False)
    kept: list[Array] = field(default_factory=list)

    def __post_init__(self) -> None:
        n = self.layout.extent
        self.numbers = np.zeros(len(Number), np.int64)
        is_half = self.planner.is_real and n % 2 == 0 and n > 0
        length = n // 2 if is_half else n
        smooth = length if _is_smooth(length) else _longer(2 * length - 1)
        self._set(EXTENT=n, LENGTH=length, IS_HALF=is_half, SMOOTH=smooth)
        self._batch(smooth)
        with np.errstate(divide="ignore"):
            self._table("SCALES", 1 / np.array([1, np.sqrt(n), n]))
        if is_half:
            self._turns("HALF_TURNS", roots(np.arange(length + 1), n))
        if smooth != length:
            self._chirp(length, smooth)

    @property
    def lanes(self) -> int:
        return self.planner.lanes

    def _set(self, **values: int) -> None:
        for name, value in values.items():
            self.numbers[Number[name]] = value

    def _batch(self, smooth: int) -> None:
        """Which transforms are made side by side."""
        layout = self.layout
        along_trail = layout.trail >= min(self.lanes, layout.lead)
        members, groups = (layout.trail, layout.lead) if along_trail else (layout.lead, layout.trail)
        is_apart = layout.trail == 1 and _is_long(smooth, members, self.lanes)
        block, small = 1, 0
        if is_apart:
            small = self._matrix(smooth)
        else:
            most = self.planner.most // max(smooth, 1)
            block = self.lanes * max(1, min(-(-members // self.lanes), most // self.lanes))
            self._set(STAGES=self._stages(smooth))
        blocks = -(-members // block)
        room = 2 * (smooth + 1) * block
        per_chunk = max(WORK // max(smooth * block, 1), 1)
        self.chunks = -(-groups * blocks // per_chunk)
        self._set(
            BLOCK=block, MEMBERS=members, BLOCKS=blocks, ALL_BLOCKS=groups * blocks, PER_CHUNK=per_chunk,
            ROOM=room, SMALL_ROOM=small,
        )  # fmt: skip
        if self.chunks == 1:
            self._set(WORK=self._keep_as_is(np.empty(2 * (room + small), self.planner.dtype)))
        for name, count in (("IN", layout.given), ("OUT", layout.made)):
            steps = (1, count * layout.trail) if along_trail else (count * layout.trail, 1)
            self._set(**{f"{name}_ALONG": layout.trail, f"{name}_ACROSS": steps[0], f"{name}_GROUP": steps[1]})

    def _matrix(self, length: int) -> int:
        """Both transforms of one of this length, whose columns are made some at a time; the elements of their room."""
        rows = _near_root(length)
        columns = length // rows
        self._set(ROWS=rows, MATRIX_COLUMNS=columns, ROW_STAGES=self._stages(columns), COLUMN_STAGES=self._stages(rows))
        places = np.outer(np.arange(rows), np.arange(columns)).reshape(-1)
        self._turns("TURNS", roots(places, length))
        return 2 * max(rows, columns) * COLUMNS * self.lanes

    def _stages(self, length: int) -> int:
        """How many there are, and of each its radix, how many turns there are, and the addresses of two tables."""
        radices = list(_radices(length))
        stages = np.zeros(1 + 4 * len(radices), np.int64)
        stages[0] = len(radices)
        rest = length
        for number, radix in enumerate(radices):
            turns = rest // radix
            places = np.outer(np.arange(turns), np.arange(1, radix)).reshape(-1)
            twiddles = roots(places, rest)
            pairs = np.stack([twiddles.real, twiddles.imag], -1)
            own = roots(np.arange(radix), radix)
            stages[1 + 4 * number :][:4] = radix, turns, self._keep(pairs), self._keep(_planes(own, 0))
            rest = turns
        return self._keep_as_is(stages)

    def _chirp(self, length: int, smooth: int) -> None:
        places = np.arange(length, dtype=np.int64)
        chirp = roots(places * places % (2 * length), 2 * length)
        response = np.zeros(smooth, np.complex128)
        response[:length] = chirp.conj()
        response[smooth - length + 1 :] = chirp[:0:-1].conj()
        self._turns("CHIRP", chirp)
        self._turns("SPECTRUM", np.fft.fft(response) / smooth)

    # Tables.

    def _turns(self, name: str, values: Array) -> None:
        self._table(name, _planes(values, self.lanes))

    def _table(self, name: str, values: Array) -> None:
        self._set(**{name: self._keep(values)})

    def _keep(self, values: Array) -> int:
        return self._keep_as_is(np.ascontiguousarray(values, self.planner.dtype))

    def _keep_as_is(self, values: Array) -> int:
        self.kept.append(values)
        return int(values.ctypes.data)


def roots(places: Array, n: int) -> Array:
    """e^(-2πi k/n) for some k, of angles of an eighth of a turn at most: their errors are those of one rounding."""
    k = places.astype(np.int64) % max(n, 1)
    quarter = (8 * k + n) // max(2 * n, 1)  # the nearest
    angle = np.pi / 2 * ((4 * k - quarter * n) / max(n, 1))
    cosine, sine = np.cos(angle), np.sin(angle)
    quarter %= 4
    real = np.choose(quarter, [cosine, -sine, -cosine, sine])
    imaginary = np.choose(quarter, [sine, cosine, -sine, -cosine])
    found: Array = real - 1j * imaginary
    return found


def _planes(values: Array, room: int) -> Array:
    """Real parts, then imaginary ones; each with some numbers behind that a vector may read."""
    planes = np.zeros((2, len(values) + room))
    planes[0, : len(values)], planes[1, : len(values)] = values.real, values.imag
    return planes


def _primes(n: int) -> Iterator[int]:
    """The prime factors of a number, ascending."""
    factor = 2
    while factor * factor <= n:
        if n % factor:
            factor += 1
        else:
            yield factor
            n //= factor
    if n > 1:
        yield n


def _is_smooth(n: int) -> bool:
    return max(_primes(n), default=1) <= LARGEST_PRIME


def _longer(n: int) -> int:
    """The least number from n on that is a power of 2, or 3 or 5 of these."""
    return min(part << (-(-n // part) - 1).bit_length() for part in (1, 3, 5))


def _radices(n: int) -> Iterator[int]:
    """The factors of a length, one for each stage."""
    primes = list(_primes(n))
    twos = primes.count(2)
    yield from reversed(primes[twos:])
    yield from [4] * (twos // 2)
    if twos % 2:
        yield 2


def _near_root(n: int) -> int:
    """The largest divisor that is not above the root."""
    found = [1]
    for prime in _primes(n):
        found = sorted({*found, *(prime * x for x in found)})
        found = [x for x in found if x <= isqrt(n)]
    return found[-1]


def _is_long(n: int, members: int, lanes: int) -> bool:
    """Whether one transform is better made as two, than several side by side in vectors that they may not fill."""
    rows = _near_root(n) if n > 1 else 1
    if rows == 1:
        return False
    width = COLUMNS * lanes
    columns = n // rows
    padded = -(-columns // width) * width * rows + -(-rows // width) * width * columns
    abreast = -(-members // lanes) * lanes / max(members, 1) * n
    return n > LONGEST or padded + 2 * n < 2 * abreast
