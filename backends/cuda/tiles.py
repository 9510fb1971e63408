"""Products in tiles: each block makes a square of the result, from parts of the operands in shared memory.

A window that moves over an operand is a step of an axis like any other, so a convolution is the same code.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import final

from graphc.backends.cuda.bodies import Function
from graphc.backends.cuda.dtypes import in_register
from graphc.backends.cuda.function_text import Lines, Parameters, enclosed
from graphc.backends.cuda.functions import Operand, called, cast
from graphc.backends.cuda.kernels import MOST_BLOCKS
from graphc.backends.cuda.lets import Library, Scope
from graphc.backends.cuda.rows import unflattened
from graphc.backends.cuda.teams import BLOCK
from graphc.kernel.accesses import Access
from graphc.kernel.buffer import Buffer
from graphc.kernel.contractions import axes_of
from graphc.kernel.roles import SINGLE, Roles, Walk, roles_of
from graphc.kernel.scalar import Axis, Fn
from graphc.kernel.stages import stage_plan
from graphc.kernel.steps import Contract, Kernel, Store
from graphc.sizes import Size, estimate, minimum, product
from graphc.types import accumulator

__all__ = ["Tiled", "tiled"]

MOST_SERIAL = 64  # launches of one product
LETTERS = {"batch": "b", "row": "m", "column": "n", "sum": "k"}


@final
@dataclass(frozen=True)
class Square:
    """A tile has `size` rows and columns, of which each thread makes `each` by `each`, from `depth` terms at a time."""

    size: int
    each: int
    depth: int


SMALL, MIDDLE, LARGE = Square(32, 2, 16), Square(64, 4, 16), Square(128, 8, 8)


def tiled(contract: Contract, symbols: Mapping[str, str], owner: Callable[[Buffer], Buffer]) -> "Tiled | None":
    """How a product is made in tiles; None where it is made as kernels."""
    if any(extent == 0 for extent in contract.extents):
        return None
    roles = roles_of(contract)
    if roles is not None and not roles.serial and SINGLE in (*roles.rows, *roles.columns):
        return None  # a matrix times a vector: its elements are read once
    if roles is None or not all(isinstance(walk.extent, int) for walk in roles.serial):
        return None
    count = 1
    for walk in roles.serial:
        count *= estimate(walk.extent)
    return Tiled(contract, roles, symbols, owner) if count <= MOST_SERIAL else None


@final
@dataclass(frozen=True)
class Tiled:
    """The function of one product."""

    contract: Contract
    roles: Roles
    symbols: Mapping[str, str]
    owner: Callable[[Buffer], Buffer]

    @property
    def may_be_followed(self) -> bool:
        """Whether the epilogue may be made with each tile."""
        return not self.roles.serial and not self.roles.adds

    @property
    def square(self) -> Square:
        """The tile that suits the sizes."""
        least = min(estimate(_extent(self.roles.rows)), estimate(_extent(self.roles.columns)))
        is_wide = accumulator(self.contract.out.dtype).itemsize > 4
        return SMALL if least <= 32 else MIDDLE if least <= 512 or is_wide else LARGE

    @property
    def blocks(self) -> Size:
        """One for each tile."""
        size = self.square.size
        down, across = ((_extent(walks) + (size - 1)) // size for walks in (self.roles.rows, self.roles.columns))
        return minimum(_extent(self.roles.batch) * down * across, MOST_BLOCKS)

    def function(self, library: Library, then: Kernel | None, at: Sequence[int]) -> Function:
        """The function, and what follows each element; `at` is the point of the serial axes."""
        written = {self.owner(self.contract.out)}
        if then is not None:
            written |= {self.owner(buffer) for buffer in then.writes}
        lines = Lines()
        parameters = Parameters(self.symbols, frozenset(written), self.owner, library.need)
        scope = Scope(lines, parameters, library, "i64")
        for walk, place in zip(self.roles.serial, at, strict=True):
            parameters.numbers[f"s{walk.number}"] = place
        _Writer(self, scope, library, then).write()
        body = "".join(f"    {line}\n" if line else "\n" for line in lines.writer.lines)
        return Function(f"{parameters.head(BLOCK)}\n{body}}}\n", parameters, self.blocks)


@final
class _Writer:
    """Writes the body."""

    def __init__(self, made: Tiled, scope: Scope, library: Library, then: Kernel | None) -> None:
        self.made, self.scope, self.library, self.then = made, scope, library, then
        self.roles, self.square, self.lines = made.roles, made.square, scope.lines
        self.dtype = accumulator(made.contract.out.dtype)
        self.type = in_register(self.dtype)
        self.axes: dict[Walk, Axis] = {}
        for walk in (*self.roles.batch, *self.roles.rows, *self.roles.columns, *self.roles.sums, *self.roles.serial):
            self.axes[walk] = Axis(walk.number, walk.extent)
        self.letters = {axis.number: f"i{max(axis.number, 0)}_" for axis in self.axes.values()}

    def write(self) -> None:
        """All of it."""
        lines, size, square = self.lines, self.scope.parameters.size, self.square
        self.library.need("multiply_add")
        side, depth, each = square.size, square.depth, square.each
        for name in ("left", "right"):
            lines.line(f"__shared__ {self.type} {name}[{depth}][{side + 4}];")
        rows, columns, sums = (_extent(walks) for walks in (self.roles.rows, self.roles.columns, self.roles.sums))
        lines.line(f"const i64 rows = {size(rows)}, columns = {size(columns)}, sums = {size(sums)};")
        lines.line(f"const i64 down = (rows + {side - 1}) / {side}, across = (columns + {side - 1}) / {side};")
        per_row = side // each
        lines.line(
            f"const int row_at = threadIdx.x / {per_row} * {each}, column_at = threadIdx.x % {per_row} * {each};"
        )
        batches = f"{enclosed(size(_extent(self.roles.batch)))} * " if self.roles.batch else ""
        tiles = f"{batches}down * across"
        with lines.braces(f"for (i64 tile = blockIdx.x; tile < {tiles}; tile += gridDim.x)"):
            lines.line(f"const i64 first_column = tile % across * {side};")
            lines.line(f"const i64 first_row = tile / across % down * {side};")
            counters = {self.axes[walk]: f"s{walk.number}" for walk in self.roles.serial}
            if self.roles.batch:
                lines.line("const i64 batch = tile / (down * across);")
                counters |= self._places(self.scope, self.roles.batch, "batch")
            scope = self.scope.inside(counters)
            lines.line(f"{self.type} total[{each}][{each}] = {{}};")
            with lines.braces(f"for (i64 first_sum = 0; first_sum < sums; first_sum += {depth})"):
                self._fill(scope, "left", self.roles.rows, "row")
                self._fill(scope, "right", self.roles.columns, "column")
                lines.line("__syncthreads();")
                self._multiply()
                lines.line("__syncthreads();")
            self._leave(scope)

    def _fill(self, scope: Scope, name: str, walks: Sequence[Walk], what: str) -> None:
        """A part of an operand into shared memory, along whichever axis its elements lie side by side."""
        lines, square = self.lines, self.square
        steps = [walk.a if name == "left" else walk.b for walk in (walks[-1], self.roles.sums[-1])]
        along, over = ("e % {0}", "e / {0}") if steps[1] != 1 or steps[0] == 1 else ("e / {1}", "e % {1}")
        count = square.size * square.depth
        with lines.braces(f"for (int e = threadIdx.x; e < {count}; e += {BLOCK})"):
            lines.line(f"const int at = {along.format(square.size, square.depth)};")
            lines.line(f"const int k = {over.format(square.size, square.depth)};")
            lines.line(f"const i64 {what} = first_{what} + at, sum = first_sum + k;")
            lines.line(f"{self.type} value = {{}};")
            with lines.braces(f"if ({what} < {what}s && sum < sums)"):
                inside = scope.inside(self._places(scope, walks, what) | self._places(scope, self.roles.sums, "sum"))
                lines.line(f"value = {self._element(inside, name)};")
            lines.line(f"{name}[k][at] = value;")

    def _element(self, scope: Scope, name: str) -> str:
        """An element of an operand, in the dtype of the sums."""
        buffer = self.roles.a if name == "left" else self.roles.b
        place = 0 if name == "left" else 1
        terms = {axis: (walk.a, walk.b)[place] for walk, axis in self.axes.items()}
        text = scope.at(Access(buffer, _moving(terms, scope), self.roles.offsets[place]))
        return cast(Operand(text, buffer.dtype), self.dtype, self.library.need)

    def _multiply(self) -> None:
        lines, each = self.lines, self.square.each
        lines.line("#pragma unroll")
        with lines.braces(f"for (int k = 0; k < {self.square.depth}; ++k)"):
            lines.line(f"{self.type} a[{each}], b[{each}];")
            lines.line("#pragma unroll")
            with lines.braces(f"for (int i = 0; i < {each}; ++i)"):
                lines.line("a[i] = left[k][row_at + i];")
                lines.line("b[i] = right[k][column_at + i];")
            lines.line("#pragma unroll")
            with lines.braces(f"for (int i = 0; i < {each}; ++i)"):
                lines.line("#pragma unroll")
                lines.line(f"for (int j = 0; j < {each}; ++j) total[i][j] = multiply_add(a[i], b[j], total[i][j]);")

    def _leave(self, scope: Scope) -> None:
        """The tile into the result, and what follows."""
        lines, each = self.lines, self.square.each
        for letter, what in (("i", "row"), ("j", "column")):
            lines.line("#pragma unroll")
            lines.writer.line(f"for (int {letter} = 0; {letter} < {each}; ++{letter}) {{")
            lines.writer.indent()
            lines.line(f"const i64 {what} = first_{what} + {what}_at + {letter};")
        with lines.braces("if (row < rows && column < columns)"):
            counters = self._places(scope, self.roles.rows, "row") | self._places(scope, self.roles.columns, "column")
            self._store(scope.inside(counters))
        for _ in range(2):
            lines.writer.dedent()
            lines.line("}")

    def _store(self, scope: Scope) -> None:
        out, need = self.made.contract.out, self.library.need
        terms = {axis: walk.c for walk, axis in self.axes.items()}
        target = scope.at_memory(Access(out, _moving(terms, scope), self.roles.offsets[2]))
        value = Operand("total[i][j]", self.dtype)
        if self.roles.adds:
            before = Operand(scope.read(target, out.dtype), out.dtype)
            text = called(Fn.ADD, [Operand(cast(before, self.dtype, need), self.dtype), value], self.dtype, need)
            value = Operand(f"({text})", self.dtype)
        then = self.then
        own = self.lines.let(in_register(out.dtype), cast(value, out.dtype, need))
        is_over = then is not None and any(isinstance(x, Store) and x.buffer is out for x in then.stages[0].effects)
        if not is_over:
            self.lines.line(f"{target} = {scope.stored(Operand(own, out.dtype), out.dtype)};")
        if then is None:
            return
        numbers = {axis.number: axis for axis in scope.counters}
        counters = {
            axis: scope.counters[numbers[n]] if n in numbers else "0" for axis, n in axes_of(self.made.contract)
        }
        inside = scope.inside(counters)
        inside.replaced = {out: own}
        plan = stage_plan(then.stages[0], then.outer)
        inside.compute(plan)
        for number, effect in enumerate(plan.stage.effects):
            assert isinstance(effect, Store), effect
            (access,) = plan.places[number]
            element = inside.at_memory(access)
            dtype = effect.buffer.dtype
            self.lines.line(f"{element} = {inside.stored(inside.operand(plan, effect.value), dtype)};")

    def _places(self, scope: Scope, walks: Sequence[Walk], name: str) -> dict[Axis, str]:
        return unflattened(scope, [self.axes[walk] for walk in walks], name, self.letters)


def _moving(terms: Mapping[Axis, Size], scope: Scope) -> Mapping[Axis, Size]:
    """The steps of axes that have a counter here."""
    return {axis: step for axis, step in terms.items() if step != 0 and axis in scope.counters}


def _extent(walks: Sequence[Walk]) -> Size:
    return product(walk.extent for walk in walks)
