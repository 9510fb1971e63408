"""How the threads of a block multiply what stands in shared memory: element by element, or by tensor cores."""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from typing import final

from graphc.backends.cuda.dtypes import in_register
from graphc.backends.cuda.function_text import Lines
from graphc.backends.cuda.lets import Library
from graphc.backends.cuda.narrow import Digits
from graphc.backends.cuda.operands import Tile
from graphc.dataclass import dataclass
from graphc.types import BFLOAT16, DTYPES, FLOAT32, DType

__all__ = ["Fragments", "Multiplying", "Scalars"]

WARP_ROWS, WARP_COLUMNS = 2, 4  # of the warps of a block, over a tile
ACROSS, DOWN = 8, 16  # columns and rows of one instruction
WORDS = 16  # of a row of a tile
_DTYPES: Mapping[Digits, DType] = {Digits.F16: DTYPES["float16"], Digits.BF16: BFLOAT16, Digits.TF32: FLOAT32}
BYTES = 16


class Multiplying(ABC):
    """Writes what is done with the tiles `left` and `right`."""

    @property
    @abstractmethod
    def tiles(self) -> tuple[Tile, Tile]:
        """In shared memory."""

    @property
    @abstractmethod
    def padding(self) -> int:
        """Elements between rows of a tile."""

    @property
    @abstractmethod
    def blocks(self) -> int:
        """Of a multiprocessor at a time, at least."""

    @abstractmethod
    def open(self, lines: Lines) -> None:
        """Declare which elements a thread has."""

    @abstractmethod
    def start(self, lines: Lines) -> None:
        """Let its elements be 0."""

    @abstractmethod
    def add(self, lines: Lines, library: Library) -> None:
        """Add the products of what is in the tiles."""

    @abstractmethod
    def elements(self, lines: Lines) -> AbstractContextManager[str]:
        """Loops over its elements, which declare `row` and `column`; the text of the element."""


@final
@dataclass(frozen=True)
class Scalars(Multiplying):
    """Each thread makes `each` by `each` elements of a square of `size`, from `depth` terms at a time."""

    size: int
    each: int
    depth: int
    dtype: DType

    @property
    def tiles(self) -> tuple[Tile, Tile]:
        left, right = (("left", "row"), ("right", "column"))
        return (
            Tile(*left, self.size, self.depth, self.dtype, terms_first=True),
            Tile(*right, self.size, self.depth, self.dtype, terms_first=True),
        )

    @property
    def padding(self) -> int:
        return 4

    @property
    def blocks(self) -> int:
        return 1

    @property
    def _type(self) -> str:
        return in_register(self.dtype)

    def open(self, lines: Lines) -> None:
        per_row, each = self.size // self.each, self.each
        lines.line(
            f"const int row_at = threadIdx.x / {per_row} * {each}, column_at = threadIdx.x % {per_row} * {each};"
        )

    def start(self, lines: Lines) -> None:
        lines.line(f"{self._type} total[{self.each}][{self.each}] = {{}};")

    def add(self, lines: Lines, library: Library) -> None:
        library.need("multiply_add")
        each = self.each
        lines.line("#pragma unroll")
        with lines.braces(f"for (int k = 0; k < {self.depth}; ++k)"):
            lines.line(f"{self._type} a[{each}], b[{each}];")
            self._read(lines, library)
            lines.line("#pragma unroll")
            with lines.braces(f"for (int i = 0; i < {each}; ++i)"):
                lines.line("#pragma unroll")
                lines.line(f"for (int j = 0; j < {each}; ++j) total[i][j] = multiply_add(a[i], b[j], total[i][j]);")

    def _read(self, lines: Lines, library: Library) -> None:
        """Terms of a row and of a column, up to 16 bytes at a time."""
        width = min(self.each, BYTES // self.dtype.itemsize)
        lines.line("#pragma unroll")
        if width == 1:
            with lines.braces(f"for (int i = 0; i < {self.each}; ++i)"):
                lines.line("a[i] = left[k][row_at + i];")
                lines.line("b[i] = right[k][column_at + i];")
            return
        library.need("shared vectors")
        with lines.braces(f"for (int i = 0; i < {self.each}; i += {width})"):
            lines.line(f"const auto x = load_row<{width}>(left[k], row_at + i);")
            lines.line(f"const auto y = load_row<{width}>(right[k], column_at + i);")
            lines.line("#pragma unroll")
            lines.line(f"for (int c = 0; c < {width}; ++c) a[i + c] = x.at[c], b[i + c] = y.at[c];")

    @contextmanager
    def elements(self, lines: Lines) -> Iterator[str]:
        with _unrolled(lines, "i", self.each):
            lines.line("const i64 row = first_row + row_at + i;")
            with _unrolled(lines, "j", self.each):
                lines.line("const i64 column = first_column + column_at + j;")
                yield "total[i][j]"


@final
@dataclass(frozen=True)
class Fragments(Multiplying):
    """Each warp makes a part of a square of `size` by tensor cores: products of numbers of few digits, added in float.

    Which elements a thread has is said by the instruction: NVIDIA, PTX ISA, matrix fragments for mma.m16n8k16 and
    mma.m16n8k8.  Words are of 32 bits.
    """

    size: int
    digits: Digits

    @property
    def dtype(self) -> DType:
        """Of an element of a tile."""
        return _DTYPES[self.digits]

    @property
    def depth(self) -> int:
        """Terms of a tile."""
        return WORDS * self._per_word

    @property
    def _per_word(self) -> int:
        return 4 // self.dtype.itemsize

    @property
    def tiles(self) -> tuple[Tile, Tile]:
        return (
            Tile("left", "row", self.size, self.depth, self.dtype, terms_first=False),
            Tile("right", "column", self.size, self.depth, self.dtype, terms_first=False),
        )

    @property
    def padding(self) -> int:
        return BYTES // self.dtype.itemsize  # 20 words from row to row: the threads of a warp read from all banks

    @property
    def blocks(self) -> int:
        return 2  # one fills tiles while the other multiplies; 128 registers of a thread are enough for that

    @property
    def _each(self) -> int:
        """Instructions down and across the part of a warp."""
        return self.size // (WARP_ROWS * DOWN)

    def open(self, lines: Lines) -> None:
        lines.line("const int warp = threadIdx.x / 32, group = threadIdx.x % 32 / 4, member = threadIdx.x % 4;")
        down, across = self.size // WARP_ROWS, self.size // WARP_COLUMNS
        lines.line(f"const int row_at = warp / {WARP_COLUMNS} * {down} + group;")
        lines.line(f"const int column_at = warp % {WARP_COLUMNS} * {across};")

    def start(self, lines: Lines) -> None:
        lines.line(f"float total[{self._each}][{self._each}][4] = {{}};")

    def add(self, lines: Lines, library: Library) -> None:
        library.need("tensor cores")
        each, half = self._each, 4 * self._per_word
        own = "member" if self._per_word == 1 else f"member * {self._per_word}"
        first, second = f"k + {own}", f"k + {own} + {half}"
        with _unrolled(lines, "k", self.depth, 2 * half):
            lines.line(f"u32 a[{each}][4], b[{each}][2];")
            with _unrolled(lines, "i", each):
                lines.line(f"const int row = row_at + i * {DOWN}, column = column_at + i * {ACROSS} + group;")
                lines.line(f"a[i][0] = word_of(left[row], {first});")
                lines.line(f"a[i][1] = word_of(left[row + 8], {first});")
                lines.line(f"a[i][2] = word_of(left[row], {second});")
                lines.line(f"a[i][3] = word_of(left[row + 8], {second});")
                lines.line(f"b[i][0] = word_of(right[column], {first});")
                lines.line(f"b[i][1] = word_of(right[column], {second});")
            with _unrolled(lines, "i", each):
                lines.line("#pragma unroll")
                lines.line(f"for (int j = 0; j < {each}; ++j) add_{self.digits.value}(total[i][j], a[i], b[j]);")

    @contextmanager
    def elements(self, lines: Lines) -> Iterator[str]:
        with _unrolled(lines, "i", self._each), _unrolled(lines, "j", self._each), _unrolled(lines, "e", 4):
            lines.line(f"const i64 row = first_row + row_at + i * {DOWN} + e / 2 * 8;")
            lines.line(f"const i64 column = first_column + column_at + j * {ACROSS} + member * 2 + e % 2;")
            yield "total[i][j][e]"


@contextmanager
def _unrolled(lines: Lines, name: str, count: int, step: int = 1) -> Iterator[None]:
    lines.line("#pragma unroll")
    change = f"++{name}" if step == 1 else f"{name} += {step}"
    with lines.braces(f"for (int {name} = 0; {name} < {count}; {change})"):
        yield
