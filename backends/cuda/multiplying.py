"""How the threads of a block multiply what stands in shared memory: element by element, or by tensor cores."""

from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from typing import final

from graphc.backends.cuda.dtypes import in_register, suffix
from graphc.backends.cuda.function_text import Lines
from graphc.backends.cuda.lets import Library
from graphc.backends.cuda.operands import Tile
from graphc.types import DType

__all__ = ["Fragments", "Multiplying", "Scalars"]

WARP_ROWS, WARP_COLUMNS = 2, 4  # of the warps of a block, over a tile
ACROSS, DOWN, DEEP = 8, 16, 16  # columns, rows and terms of one instruction
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
    """Each warp makes a part of a square of `size` by tensor cores: products of floats of 16 bits, added up in float.

    Which elements a thread has is said by the instruction: NVIDIA, PTX ISA, matrix fragments for mma.m16n8k16.
    """

    size: int
    depth: int
    dtype: DType

    @property
    def tiles(self) -> tuple[Tile, Tile]:
        return (
            Tile("left", "row", self.size, self.depth, self.dtype, terms_first=False),
            Tile("right", "column", self.size, self.depth, self.dtype, terms_first=False),
        )

    @property
    def padding(self) -> int:
        return 8  # 20 words from row to row for 32 terms: the threads of a warp read from all banks

    @property
    def _each(self) -> int:
        """Instructions down and across the part of a warp."""
        return self.size // (WARP_ROWS * DOWN)

    def open(self, lines: Lines) -> None:
        lines.line("const int warp = threadIdx.x / 32, group = threadIdx.x % 32 / 4, pair = threadIdx.x % 4 * 2;")
        down, across = self.size // WARP_ROWS, self.size // WARP_COLUMNS
        lines.line(f"const int row_at = warp / {WARP_COLUMNS} * {down} + group;")
        lines.line(f"const int column_at = warp % {WARP_COLUMNS} * {across};")

    def start(self, lines: Lines) -> None:
        lines.line(f"float total[{self._each}][{self._each}][4] = {{}};")

    def add(self, lines: Lines, library: Library) -> None:
        library.need("tensor cores")
        each = self._each
        with _unrolled(lines, "k", self.depth, DEEP):
            lines.line(f"u32 a[{each}][4], b[{each}][2];")
            with _unrolled(lines, "i", each):
                lines.line(f"const int row = row_at + i * {DOWN}, column = column_at + i * {ACROSS} + group;")
                for number, (below, behind) in enumerate([(0, 0), (8, 0), (0, 8), (8, 8)]):
                    row, k = f"row + {below}" if below else "row", f"k + pair + {behind}" if behind else "k + pair"
                    lines.line(f"a[i][{number}] = pair_of(left[{row}], {k});")
                lines.line("b[i][0] = pair_of(right[column], k + pair);")
                lines.line("b[i][1] = pair_of(right[column], k + pair + 8);")
            with _unrolled(lines, "i", each):
                lines.line("#pragma unroll")
                lines.line(f"for (int j = 0; j < {each}; ++j) add_{suffix(self.dtype)}(total[i][j], a[i], b[j]);")

    @contextmanager
    def elements(self, lines: Lines) -> Iterator[str]:
        with _unrolled(lines, "i", self._each), _unrolled(lines, "j", self._each), _unrolled(lines, "e", 4):
            lines.line(f"const i64 row = first_row + row_at + i * {DOWN} + e / 2 * 8;")
            lines.line(f"const i64 column = first_column + column_at + j * {ACROSS} + pair + e % 2;")
            yield "total[i][j][e]"


@contextmanager
def _unrolled(lines: Lines, name: str, count: int, step: int = 1) -> Iterator[None]:
    lines.line("#pragma unroll")
    change = f"++{name}" if step == 1 else f"{name} += {step}"
    with lines.braces(f"for (int {name} = 0; {name} < {count}; {change})"):
        yield
