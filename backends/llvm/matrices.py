"""Matrices of a batch, one after the other: where they are, and how they are copied for a library."""

from dataclasses import field
from typing import final

from graphc.backends.llvm.casts import cast
from graphc.backends.llvm.chunked import Function
from graphc.backends.llvm.fortran import Fortran
from graphc.backends.llvm.memory import Memory, Place
from graphc.backends.llvm.native_routine import NativeRoutine, batch_of, chunked, grouped
from graphc.backends.llvm.registers import in_register, parts_of
from graphc.backends.llvm.values import Lanes, Value
from graphc.backends.llvm.writer import Writer
from graphc.dataclass import dataclass
from graphc.kernel.buffer import Buffer
from graphc.kernel.steps import Extern
from graphc.sizes import Size, product
from graphc.types import COMPLEX128, DTYPES, INT64, DType, is_complex

__all__ = ["Elements", "Matrices", "wide"]

AT_ONCE = 1 << 10  # elements of the matrices of a chunk, about
SIDE = 16  # of the squares in which a matrix is turned over


@final
@dataclass(frozen=True)
class Elements:
    """An address, and what lies there."""

    base: str
    dtype: DType


def wide(dtype: DType) -> DType:
    """Float64, or complex numbers of two."""
    return COMPLEX128 if is_complex(dtype) else DTYPES["float64"]


@final
@dataclass
class Matrices:
    """Writes a routine for one matrix, which is run for each of the batch.

    rows, columns   of the first operand
    library         for numbers of the dtype that is computed in
    """

    step: Extern
    dtype: DType
    on: Writer = field(default_factory=Writer)
    library: Fortran = field(init=False)
    rows: str = field(init=False)
    columns: str = field(init=False)

    def __post_init__(self) -> None:
        self.library = Fortran(self.on, self.dtype)
        shape = self.step.reads[0].shape
        self.rows, self.columns = self.on.size(shape[-2]), self.on.size(shape[-1])

    @property
    def count(self) -> Size:
        return batch_of(self.step.reads[0], 2)

    @property
    def per_chunk(self) -> Size:
        return grouped(AT_ONCE, product(self.step.reads[0].shape[-2:]))

    def of(self, buffer: Buffer, member: str, axes: int) -> Elements:
        """The elements of one member of the batch."""
        each = self.on.size(product(buffer.shape[len(buffer.shape) - axes :]) * buffer.dtype.itemsize)
        return Elements(self.on.at("i8", self.on.array(buffer), self.on.mul(member, each)), buffer.dtype)

    def numbers(self, count: str) -> Elements:
        """Room for so many numbers that the library computes with."""
        return Elements(self.library.numbers(count), self.dtype)

    def routine(self, allocated: Size, counted: Size) -> NativeRoutine:
        """What was written, with the bytes that a chunk allocates, and the largest number it gives to the library."""
        function = Function(self.on.function(), self.on.arguments)
        return NativeRoutine(function, chunked(self.count, self.per_chunk), allocated, counted)

    # Elements.

    def turned(self, to: Elements, of: Elements, rows: str, columns: str) -> None:
        """Rows of a matrix become columns: what it is to Fortran, or the way back.  Rounded where dtypes differ."""
        on = self.on
        with on.text.loop("0", columns, SIDE) as first:
            behind = on.least(on.add(first, str(SIDE)), columns)
            with on.text.loop("0", rows) as i:
                row = on.mul(i, columns)
                with on.text.loop(first, behind) as j:
                    self.move(to, on.add(on.mul(j, rows), i), of, on.add(row, j))

    def copied(self, to: Elements, of: Elements, count: str) -> None:
        """So many elements, rounded where dtypes differ."""
        if to.dtype == of.dtype:
            self.on.copy(to.base, of.base, self.on.mul(count, str(to.dtype.itemsize)))
            return
        with self.on.text.loop("0", count) as i:
            self.move(to, i, of, i)

    def move(self, to: Elements, at: str, of: Elements, place: str) -> None:
        """One element."""
        lanes = Lanes(self.on.text)
        memory = Memory(self.on.text, lanes, 1)
        value = memory.load(_place(of, place), of.dtype, None, None)
        memory.store(_place(to, at), value if of.dtype == to.dtype else cast(lanes, value, to.dtype))

    def filled(self, elements: Elements, count: str, value: float) -> None:
        """So many elements become one number."""
        lanes = Lanes(self.on.text)
        number = lanes.number(value, elements.dtype)
        with self.on.text.loop("0", count) as i:
            Memory(self.on.text, lanes, 1).store(_place(elements, i), number)

    def clear_above(self, base: str, n: str) -> None:
        """What is above the diagonal of a square matrix becomes 0."""
        on, bytes = self.on, self.dtype.itemsize
        with on.text.loop("0", n) as i:
            next = on.add(i, "1")
            start = on.at("i8", base, on.mul(on.add(on.mul(i, n), next), str(bytes)))
            on.clear(start, on.mul(on.sub(n, next), str(bytes)))

    def is_finite(self, elements: Elements, count: str) -> str:
        """Whether each of so many numbers is."""
        on = self.on
        is_double = in_register(elements.dtype) == "double"
        type, exponent = ("i64", str(0x7FF << 52)) if is_double else ("i32", str(0xFF << 23))
        others = on.text.room("i1", "false")
        with on.text.loop("0", on.mul(count, str(parts_of(elements.dtype)))) as i:
            is_other = on.op("icmp eq", on.op("and", on.load(type, elements.base, i), exponent, type), exponent, type)
            on.store("i1", on.op("or", on.load("i1", others), is_other, "i1"), others)
        return on.op("xor", on.load("i1", others), "true", "i1")


def _place(elements: Elements, place: str) -> Place:
    return Place(elements.base, Value(INT64, (place,)), "0")
