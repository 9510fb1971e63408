"""Products of complex matrices by the library that has them: BLAS, as Fortran calls it."""

from contextlib import ExitStack
from typing import final

from graphc.backends.llvm.arguments import Arguments
from graphc.backends.llvm.chunked import Function
from graphc.backends.llvm.counting import LARGEST
from graphc.backends.llvm.looks import Looks
from graphc.backends.llvm.registers import in_register
from graphc.backends.llvm.symbols import BLAS
from graphc.backends.llvm.text import Text
from graphc.dataclass import dataclass
from graphc.kernel.roles import Roles, Walk
from graphc.sizes import Size
from graphc.types import DType, is_complex

__all__ = ["Library", "library_for"]

BLOCK = 1 << 27  # products between two looks, about: some 50 ms
LEAST = 256  # rows and columns that are worth a call
GEMM = {8: "cgemm", 16: "zgemm"}  # by the bytes of an element


@final
@dataclass(frozen=True)
class Matrix:
    """An operand in columns: whether it is turned over, and how far its columns, or then its rows, lie apart."""

    turned: bool
    leading: Size


@final
@dataclass(frozen=True)
class Library:
    """A product of matrices, or one for each point of `batch`, as calls of the library.

    The library's arrays lie in columns, ours in rows: the second operand is its first one, and so on.
    """

    roles: Roles
    row: Walk
    column: Walk
    sum: Walk
    first: Matrix
    second: Matrix

    def function(self) -> Function:
        """void KERNEL(ptr args, i64 chunk): all of it, in blocks between which it may be given up."""
        text, roles = Text(), self.roles
        arguments = Arguments(text)
        looks = Looks(text, arguments, BLOCK)
        bytes = roles.c.dtype.itemsize
        signs = [text.room("i8", str(ord("T" if x.turned else "N"))) for x in (self.first, self.second)]
        blocks = [self._integer(text, arguments, walk.extent) for walk in (self.column, self.row)]
        numbers = [*blocks, self._integer(text, arguments, self.sum.extent)]
        leading = [
            self._integer(text, arguments, size) for size in (self.first.leading, self.second.leading, self.row.c)
        ]
        factors = [self._complex(text, roles.c.dtype, real) for real in (1.0, float(roles.adds))]
        with ExitStack() as loops:
            places = [arguments.number(offset) for offset in roles.offsets]
            for walk in roles.batch:
                inside = self.column.extent * self.row.extent * self.sum.extent
                last = arguments.number(walk.extent)
                counter = loops.enter_context(looks.loop("0", last, 1, walk.extent, inside))
                for n, step in enumerate((walk.a, walk.b, walk.c)):
                    moved = text.value(f"mul i64 {counter}, {arguments.number(step)}")
                    places[n] = text.value(f"add i64 {places[n]}, {moved}")
            for walk, block, number in zip((self.column, self.row), self._block(), blocks, strict=True):
                if isinstance(walk.extent, int) and walk.extent <= block:
                    continue
                last = arguments.number(walk.extent)
                start = loops.enter_context(looks.loop("0", last, block, walk.extent, BLOCK))
                rest = text.value(f"sub i64 {last}, {start}")
                made = text.least(rest, str(block))
                text.do(f"store i32 {text.value(f'trunc i64 {made} to i32')}, ptr {number}")
                for n, step in enumerate((walk.a, walk.b, walk.c)):
                    moved = text.value(f"mul i64 {start}, {arguments.number(step)}")
                    places[n] = text.value(f"add i64 {places[n]}, {moved}")
            a, b, c = (
                text.value(f"getelementptr [{bytes} x i8], ptr {arguments.pointer(buffer)}, i64 {place}")
                for buffer, place in zip((roles.a, roles.b, roles.c), places, strict=True)
            )
            given = [*signs, *numbers, factors[0], b, leading[0], a, leading[1], factors[1], c, leading[2]]
            listed = ", ".join(f"ptr {x}" for x in given)
            text.do(f"call void @{BLAS}{GEMM[bytes]}({listed})")
        looks.end()
        text.do("ret void")
        return Function(text.function("KERNEL", "ptr %args, i64 %chunk"), arguments)

    def _block(self) -> tuple[int, int]:
        """How many columns and rows one call makes, at most."""
        columns, rows, sums = (walk.count for walk in (self.column, self.row, self.sum))
        few = max(BLOCK // (columns * sums), LEAST)
        return max(BLOCK // (min(rows, few) * sums), LEAST), few

    def _integer(self, text: Text, arguments: Arguments, size: Size) -> str:
        """The place of a number of 32 bits."""
        return text.room("i32", text.value(f"trunc i64 {arguments.number(size)} to i32"))

    def _complex(self, text: Text, dtype: DType, real: float) -> str:
        """The place of a complex number without an imaginary part."""
        type = in_register(dtype)
        place = text.room(f"{{ {type}, {type} }}")
        text.do(f"store {{ {type}, {type} }} {{ {type} {real}, {type} 0.0 }}, ptr {place}")
        return place


def library_for(roles: Roles) -> Library | None:
    """How a product of complex numbers is made by the library; None for others, and for other layouts."""
    if not is_complex(roles.c.dtype) or roles.serial:
        return None
    for oriented in (roles, roles.flipped):
        if not len(oriented.rows) == len(oriented.columns) == len(oriented.sums) == 1:
            return None
        (row,), (column,), (sum,) = oriented.rows, oriented.columns, oriented.sums
        first = _matrix(column.b, sum.b, column.extent, sum.extent)
        second = _matrix(sum.a, row.a, sum.extent, row.extent)
        if column.c == 1 and _is_apart(row.c, column.extent) and first is not None and second is not None:
            return Library(oriented, row, column, sum, first, second)
    return None


def _matrix(along: Size, across: Size, length: Size, width: Size) -> Matrix | None:
    """An operand whose columns step `along` and lie `across` apart; None where no side lies side by side."""
    if along == 1 and _is_apart(across, length):
        return Matrix(turned=False, leading=across)
    if across == 1 and _is_apart(along, width):
        return Matrix(turned=True, leading=along)
    return None


def _is_apart(step: Size, length: Size) -> bool:
    """Whether columns of so many elements have room, as far apart as they are, and the library can count so far."""
    return isinstance(step, int) and isinstance(length, int) and max(length, 1) <= step <= LARGEST
