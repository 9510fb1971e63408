"""Fourier transforms in planes, as a plan says: in stages, as a matrix of shorter ones, or as a convolution.

Planes are the real parts of all elements, then the imaginary ones.  Those of one transform stand in a column.
"""

from collections.abc import Callable, Sequence
from dataclasses import field
from typing import TypeAlias, final

from graphc.backends.llvm.fourier_plans import COLUMNS, Number
from graphc.backends.llvm.machine import Machine
from graphc.backends.llvm.transposition import SIDE, transposed
from graphc.backends.llvm.waves import Waves
from graphc.backends.llvm.writer import Writer
from graphc.dataclass import dataclass
from graphc.types import DType

__all__ = ["Planned", "Planes", "smooth_text", "transform_text"]

Planes: TypeAlias = tuple[str, str]
#: writes what is done at a row: instructions, and for a row its place in planes
Body: TypeAlias = Callable[[Waves, str, Callable[[str], str]], None]


@final
@dataclass
class Planned:
    """Writes what a plan says."""

    dtype: DType
    machine: Machine
    on: Writer = field(default_factory=Writer)
    plan: str = "%plan"
    waves: Waves = field(init=False)
    one: Waves = field(init=False)

    def __post_init__(self) -> None:
        self.waves, self.one = self.of(self.machine.lanes(self.dtype.itemsize)), self.of(1)

    def of(self, lanes: int) -> Waves:
        """Numbers in vectors of so many lanes."""
        return Waves(self.on, self.dtype, lanes, self.machine.has_fma)

    def number(self, number: Number) -> str:
        """What the plan has there."""
        return self.on.load("i64", self.plan, str(int(number)))

    def address(self, number: Number) -> str:
        """The same, of a table."""
        return self.on.load("ptr", self.plan, str(int(number)))

    def planes(self, base: str, rows: str, block: str) -> Planes:
        """Planes of so many rows."""
        return base, self.on.at(self.waves.real, base, self.on.mul(rows, block))

    def table(self, number: Number, count: str) -> Planes:
        """Those of a table with so many numbers."""
        base = self.address(number)
        return base, self.on.at(self.waves.real, base, self.on.add(count, str(self.waves.lanes)))

    def each(self, first: str, last: str, block: str, body: Body) -> None:
        """Every row: in vectors across transforms, or, where there is one transform, one element."""
        on = self.on
        with on.either(on.op("icmp eq", block, "1")) as choice:
            with on.text.loop(first, last) as k:
                body(self.one, k, lambda row: row)
            choice.otherwise()
            with on.text.loop(first, last) as k, on.text.loop("0", block, self.waves.lanes) as q:
                body(self.waves, k, lambda row: on.add(on.mul(row, block), q))


def smooth_text(dtype: DType, machine: Machine, stages: str) -> str:
    """`ptr KERNEL(ptr plan, ptr from, ptr to, ptr small, i64 block)`: of the length that is made in stages.

    Gives the one of the two places that the result is in; the other one has numbers of no use.
    """
    planned = Planned(dtype, machine)
    on, text = planned.on, planned.on.text
    rows = planned.number(Number.ROWS)
    with on.either(on.op("icmp eq", rows, "0")):
        length, whole = planned.number(Number.SMOOTH), planned.address(Number.STAGES)
        found = on.text.value(f"call ptr @{stages}(ptr {whole}, ptr %from, ptr %to, i64 {length}, i64 %block)")
        text.do(f"ret ptr {found}")
        text.begin(text.label("never"))
    _Matrix(planned, stages, rows).write()
    text.do("ret ptr %from")
    return text.function("KERNEL", "ptr %plan, ptr %from, ptr %to, ptr %small, i64 %block", "ptr")


class _Matrix:
    """One transform as a matrix of n by m elements: its columns, some at a time, then its rows, as columns again.

    Van Loan: Computational Frameworks for the Fast Fourier Transform, 1992, section 3.3.
    """

    def __init__(self, planned: Planned, stages: str, n: str) -> None:
        self.planned, self.stages, self.n = planned, stages, n
        self.on, self.waves = planned.on, planned.waves
        self.m = planned.number(Number.MATRIX_COLUMNS)
        self.width = str(COLUMNS * self.waves.lanes)
        length = planned.number(Number.SMOOTH)
        self.given, self.between = planned.planes("%from", length, "1"), planned.planes("%to", length, "1")
        self.turns = planned.table(Number.TURNS, length)

    def write(self) -> None:
        on, n, m = self.on, self.n, self.m
        with on.text.loop("0", m, int(self.width)) as first:
            count = on.least(self.width, on.sub(m, first))
            found = self._columns(self.given, first, count, m, n, self.planned.address(Number.COLUMN_STAGES))
            self._turned(found, first, count)
        with on.text.loop("0", n, int(self.width)) as first:
            count = on.least(self.width, on.sub(n, first))
            found = self._columns(self.between, first, count, n, m, self.planned.address(Number.ROW_STAGES))
            for part, plane in zip(found, self.given, strict=True):
                with on.text.loop("0", m) as k:
                    to = on.at(self.waves.real, plane, on.add(on.mul(k, n), first))
                    self._copy(to, on.at(self.waves.real, part, on.mul(k, self.width)), count)

    def _columns(self, planes: Planes, first: str, count: str, apart: str, length: str, stages: str) -> Planes:
        """The transforms of some columns, of so many elements which lie `apart` from each other."""
        on, real = self.on, self.waves.real
        size = on.mul(length, self.width)
        small = self.planned.planes("%small", size, "1")
        itemsize = self.waves.dtype.itemsize
        with on.text.when(on.op("icmp slt", count, self.width)):
            on.clear("%small", on.mul(size, str(2 * itemsize)))
        for plane, room in zip(planes, small, strict=True):
            with on.text.loop("0", length) as j:
                of = on.at(real, plane, on.add(on.mul(j, apart), first))
                self._copy(on.at(real, room, on.mul(j, self.width)), of, count)
        other = on.at(real, "%small", on.mul(size, "2"))
        found = on.text.value(
            f"call ptr @{self.stages}(ptr {stages}, ptr %small, ptr {other}, i64 {length}, i64 {self.width})"
        )
        return self.planned.planes(found, size, "1")

    def _copy(self, to: str, of: str, count: str) -> None:
        """Some numbers of a row, most often as many as there is room for."""
        on, waves = self.on, self.waves
        with on.either(on.op("icmp eq", count, self.width)) as choice:
            for part in range(COLUMNS):
                place = str(part * waves.lanes)
                waves.store(waves.load(of, place), to, place)
            choice.otherwise()
            on.copy(to, of, on.mul(count, str(waves.dtype.itemsize)))

    def _turned(self, found: Planes, first: str, count: str) -> None:
        """Element k of column j, times e^(-2πi jk/nm), to element k of row j: in squares, then one by one."""
        on, n = self.on, self.n
        side = self.planned.of(min(self.waves.lanes, SIDE))
        is_full = on.op("icmp eq", count, self.width)
        whole = on.chosen(is_full, on.op("and", n, str(-side.lanes)), "0")
        with on.text.loop("0", whole, side.lanes) as k, on.text.loop("0", self.width, side.lanes) as j:
            rows = [self._product(side, found, on.add(k, str(row)), j, first) for row in range(side.lanes)]
            places = [on.add(on.mul(on.add(first, j), n), k)]
            for _ in range(side.lanes - 1):
                places.append(on.add(places[-1], n))
            for part, plane in enumerate(self.between):
                for place, value in zip(places, transposed(side, [row[part] for row in rows]), strict=True):
                    side.store(value, plane, place)
        with on.text.loop(whole, n) as k, on.text.loop("0", count) as j:
            number = self._product(self.planned.one, found, k, j, first)
            self.planned.one.write(number, self.between, on.add(on.mul(on.add(first, j), n), k))

    def _product(self, waves: Waves, found: Planes, k: str, j: str, first: str) -> tuple[str, str]:
        on = self.on
        value = waves.read(found, on.add(on.mul(k, self.width), j))
        return waves.mul(value, waves.read(self.turns, on.add(on.mul(k, self.m), on.add(first, j))))


def transform_text(dtype: DType, machine: Machine, smooth: str) -> str:
    """`ptr KERNEL(ptr plan, ptr from, ptr to, ptr small)`: of any length, of the transforms of a block.

    Gives the one of the two places that the result is in; the other one has numbers of no use.
    """
    planned = Planned(dtype, machine)
    on, text = planned.on, planned.on.text
    block = planned.number(Number.BLOCK)

    def called(source: str, target: str) -> str:
        return text.value(f"call ptr @{smooth}(ptr %plan, ptr {source}, ptr {target}, ptr %small, i64 {block})")

    def other_than(place: str) -> str:
        return on.chosen(on.op("icmp eq", place, "%from", "ptr"), "%to", "%from", "ptr")

    length, smooth_length = planned.number(Number.LENGTH), planned.number(Number.SMOOTH)
    with on.either(on.op("icmp eq", length, smooth_length)):
        text.do(f"ret ptr {called('%from', '%to')}")
        text.begin(text.label("never"))
    chirp = planned.table(Number.CHIRP, length)
    long = planned.planes("%to", smooth_length, block)
    _multiply(planned, long, planned.planes("%from", length, block), chirp, (length, block), (0, 1))
    rest = on.mul(on.mul(on.sub(smooth_length, length), block), str(dtype.itemsize))
    for plane in long:
        on.clear(on.at(planned.waves.real, plane, on.mul(length, block)), rest)
    found = called("%to", "%from")
    planes = planned.planes(found, smooth_length, block)
    spectrum = planned.table(Number.SPECTRUM, smooth_length)
    _multiply(planned, planes, planes, spectrum, (smooth_length, block), (1, 0))
    back = called(found, other_than(found))
    last = other_than(back)
    real, imaginary = planned.planes(back, smooth_length, block)
    _multiply(planned, planned.planes(last, length, block), (imaginary, real), chirp, (length, block), (0, 1))
    text.do(f"ret ptr {last}")
    return text.function("KERNEL", "ptr %plan, ptr %from, ptr %to, ptr %small", "ptr")


def _multiply(
    planned: Planned, to: Planes, of: Planes, table: Planes, extents: tuple[str, str], order: Sequence[int]
) -> None:
    """Each of so many rows of a block times a number; `order` (1, 0) is with both parts exchanged.

    A transform between two such exchanges is the inverse one.
    """
    rows, block = extents

    def product(waves: Waves, k: str, place: Callable[[str], str]) -> None:
        factor = waves.spread(table[0], k), waves.spread(table[1], k)
        found = waves.mul(waves.read(of, place(k)), factor)
        waves.write((found[order[0]], found[order[1]]), to, place(k))

    planned.each("0", rows, block, product)
