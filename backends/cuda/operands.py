"""Operands of products as tiles in shared memory: each thread moves up to 16 bytes at a time where they allow it."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from typing import final

from graphc.backends.cuda.dtypes import in_memory, in_register
from graphc.backends.cuda.function_text import enclosed
from graphc.backends.cuda.functions import Operand, cast
from graphc.backends.cuda.lets import Scope
from graphc.backends.cuda.row_vectors import divides
from graphc.backends.cuda.teams import BLOCK
from graphc.dataclass import dataclass
from graphc.kernel.accesses import Access
from graphc.kernel.affine import axes_in
from graphc.kernel.buffer import Buffer, Role
from graphc.kernel.guards import Guard
from graphc.kernel.scalar import Axis
from graphc.sizes import Size
from graphc.types import NARROW, DType

__all__ = ["Filled", "Tile", "moving"]

BYTES = 16
Places = Callable[[Scope, Sequence[Axis], str], dict[Axis, str]]


@final
@dataclass(frozen=True)
class Tile:
    """A part of an operand in shared memory: `size` rows or columns of `depth` terms.

    name, what  of the variable, and of what its rows are: "row" or "column"
    dtype       of its elements
    terms_first whether elements of one term lie side by side: name[term][row]; else those of one row
    """

    name: str
    what: str
    size: int
    depth: int
    dtype: DType
    terms_first: bool

    @property
    def type(self) -> str:
        """Of an element: narrow floats stay narrow where tensor cores read them."""
        return in_register(self.dtype) if self.terms_first else in_memory(self.dtype)

    def declared(self, padding: int) -> str:
        """Its declaration; `padding` keeps threads apart that read elements of several rows."""
        first, second = (self.depth, self.size) if self.terms_first else (self.size, self.depth)
        return f"__shared__ alignas({BYTES}) {self.type} {self.name}[{first}][{second + padding}];"

    def element(self, at: str, k: str) -> str:
        """An element."""
        return f"{self.name}[{k}][{at}]" if self.terms_first else f"{self.name}[{at}][{k}]"


@final
@dataclass(frozen=True)
class Filled:
    """How a tile is filled.

    access      to the operand, along all axes of the product
    axes, sums  of its rows, and of its terms
    guards      parts of the index that may be outside of the operand, and their axes by number
    places      declares the place along axes that are counted as one
    """

    tile: Tile
    access: Access
    axes: Sequence[Axis]
    sums: Sequence[Axis]
    guards: Sequence[Guard]
    numbers: Mapping[int, Axis]
    places: Places

    @property
    def buffer(self) -> Buffer:
        return self.access.buffer

    @property
    def is_along_terms(self) -> bool:
        """Whether threads side by side take terms side by side."""
        return self.access.step(self.sums[-1]) == 1 and self.access.step(self.axes[-1]) != 1

    @property
    def width(self) -> int:
        """How many elements side by side a thread takes; 1 where they do not always begin at a multiple of that."""
        first = (self.sums if self.is_along_terms else self.axes)[-1]
        width = BYTES // max(self.buffer.dtype.itemsize, self.tile.dtype.itemsize)
        others = [step for axis, step in self.access.terms.items() if axis != first]
        is_whole = isinstance(first.extent, int) and all(
            divides(width, x) for x in (first.extent, *others, self.access.offset)
        )
        is_inside = first.number not in axes_in([guard.part for guard in self.guards])
        is_aligned = self.access.step(first) == 1 and is_whole and self.buffer.root.role is not Role.ROW
        return width if width > 1 and is_aligned and is_inside else 1

    def write(self, scope: Scope) -> None:
        """The loop that fills the tile."""
        lines, tile, width, what = scope.lines, self.tile, self.width, self.tile.what
        across = (tile.depth if self.is_along_terms else tile.size) // width
        beside = f"e % {across}" if width == 1 else f"e % {across} * {width}"
        at, k = (f"e / {across}", beside) if self.is_along_terms else (beside, f"e / {across}")
        with lines.braces(f"for (int e = threadIdx.x; e < {tile.size * tile.depth // width}; e += {BLOCK})"):
            lines.line(f"const int at = {at};")
            lines.line(f"const int k = {k};")
            lines.line(f"const i64 {what} = first_{what} + at, sum = first_sum + k;")
            lines.line(f"{tile.type if width == 1 else f'Vector<{tile.type}, {width}>'} value = {{}};")
            with lines.braces(f"if ({what} < {what}s && sum < sums)"):
                inside = scope.inside(self.places(scope, self.axes, what) | self.places(scope, self.sums, "sum"))
                with self._inside(inside) as element:
                    self._load(inside, element, width)
            self._leave(scope, width)

    @contextmanager
    def _inside(self, scope: Scope) -> Iterator[str]:
        """The text of the element; what is written inside is done where the operand has it."""
        terms, offset, counters = dict(self.access.terms), self.access.offset, {}
        conditions = []
        for number, guard in enumerate(self.guards):
            own = {self.numbers[n]: factor for n, factor in guard.part.terms if n in self.numbers}
            name = scope.lines.let("i64", scope.sum(moving(own, scope), guard.part.offset), "place")
            if guard.precedes:
                conditions.append(f"{name} >= 0")
            if guard.exceeds:
                conditions.append(f"{name} < {enclosed(scope.parameters.size(guard.extent))}")
            place = Axis(-2 - number, guard.extent)
            counters[place] = name
            terms[place] = guard.stride
            terms |= {axis: terms.get(axis, 0) - factor * guard.stride for axis, factor in own.items()}
            offset = offset - guard.part.offset * guard.stride
        scope = scope.inside(counters)
        element = scope.at_memory(Access(self.buffer, moving(terms, scope), offset))
        with scope.lines.braces(f"if ({' && '.join(conditions)})") if conditions else nullcontext():
            yield element

    def _load(self, scope: Scope, element: str, width: int) -> None:
        if width == 1:
            scope.lines.line(f"value = {self._converted(scope, element)};")
            return
        scope.library.need("vectors")
        if in_memory(self.buffer.dtype) == self.tile.type:
            scope.lines.line(f"value = load_vector<{width}>(&{element});")
            return
        vector = f"Vector<{in_memory(self.buffer.dtype)}, {width}>"
        scope.lines.line(f"const {vector} given = load_vector<{width}>(&{element});")
        scope.lines.line("#pragma unroll")
        scope.lines.line(f"for (int c = 0; c < {width}; ++c) value.at[c] = {self._converted(scope, 'given.at[c]')};")

    def _converted(self, scope: Scope, element: str) -> str:
        """An element of the operand as one of the tile."""
        if in_memory(self.buffer.dtype) == self.tile.type:
            return element
        if self.tile.dtype in NARROW:
            scope.library.need("narrow")
            return f"to_{self.tile.type}({element})"
        value = Operand(scope.read(element, self.buffer.dtype), self.buffer.dtype)
        return cast(value, self.tile.dtype, scope.library.need)

    def _leave(self, scope: Scope, width: int) -> None:
        lines, tile = scope.lines, self.tile
        if width == 1:
            lines.line(f"{tile.element('at', 'k')} = value;")
        elif self.is_along_terms is tile.terms_first:
            element = tile.element("at", "k + c") if self.is_along_terms else tile.element("at + c", "k")
            lines.line("#pragma unroll")
            lines.line(f"for (int c = 0; c < {width}; ++c) {element} = value.at[c];")
        else:
            scope.library.need("shared vectors")
            beside, other = ("k", "at") if self.is_along_terms else ("at", "k")
            lines.line(f"store_row({tile.name}[{other}], {beside}, value);")


def moving(terms: Mapping[Axis, Size], scope: Scope) -> Mapping[Axis, Size]:
    """The steps of axes that have a counter here."""
    return {axis: step for axis, step in terms.items() if step != 0 and axis in scope.counters}
