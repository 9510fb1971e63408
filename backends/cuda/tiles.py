"""Products in tiles: each block makes a square of the result, from parts of the operands in shared memory.

A window that moves over an operand is a step of an axis like any other, so a convolution is the same code.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import final

from graphc.backends.cuda.bodies import Function
from graphc.backends.cuda.dtypes import in_register
from graphc.backends.cuda.function_text import Lines, Parameters, enclosed
from graphc.backends.cuda.functions import Operand, called, cast
from graphc.backends.cuda.kernels import MOST_BLOCKS
from graphc.backends.cuda.lets import Library, Scope
from graphc.backends.cuda.multiplying import Fragments, Scalars
from graphc.backends.cuda.narrow import Digits, digits_of
from graphc.backends.cuda.operands import Filled, moving
from graphc.backends.cuda.rows import unflattened
from graphc.backends.cuda.teams import BLOCK
from graphc.dataclass import dataclass
from graphc.kernel.accesses import Access, merged_axes, with_axes
from graphc.kernel.affine import axes_in
from graphc.kernel.buffer import Buffer
from graphc.kernel.contractions import axes_of
from graphc.kernel.roles import SINGLE, Roles, Walk, roles_of
from graphc.kernel.scalar import Axis, Call, Fn
from graphc.kernel.stages import stage_plan
from graphc.kernel.steps import Contract, Kernel, Store
from graphc.sizes import Size, estimate, minimum, product
from graphc.types import FLOAT32, accumulator

__all__ = ["Tiled", "tiled"]

MOST_SERIAL = 64  # launches of one product
FEW = 16  # rows or columns, below which tensor cores multiply zeros for the most part
LONG = frozenset({Fn.LGAMMA, Fn.DIGAMMA, Fn.POLYGAMMA})  # functions that keep many numbers at a time


def tiled(
    contract: Contract,
    symbols: Mapping[str, str],
    owner: Callable[[Buffer], Buffer],
    narrow: Mapping[Buffer, Digits],
    *,
    is_read: bool,
) -> "Tiled | None":
    """How a product is made in tiles; None where it is made as kernels.

    narrow   buffers of float32 with fewer digits
    is_read  whether anything but the epilogue reads the product
    """
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
    return Tiled(contract, roles, symbols, owner, narrow, is_read) if count <= MOST_SERIAL else None


@final
@dataclass(frozen=True)
class Tiled:
    """The function of one product."""

    contract: Contract
    roles: Roles
    symbols: Mapping[str, str]
    owner: Callable[[Buffer], Buffer]
    narrow: Mapping[Buffer, Digits]
    is_read: bool

    @property
    def may_be_followed(self) -> bool:
        """Whether the epilogue may be made with each tile."""
        return not self.roles.serial and not self.roles.adds

    @property
    def multiplying(self) -> Scalars | Fragments:
        """What suits the sizes: tensor cores, where both operands have the same digits that these read."""
        least = min(estimate(_extent(self.roles.rows)), estimate(_extent(self.roles.columns)))
        dtype = accumulator(self.contract.out.dtype)
        left, right = (self.narrow.get(x.root, digits_of(x.dtype)) for x in (self.roles.a, self.roles.b))
        if dtype == FLOAT32 and left is not None and left is right and least >= FEW:
            return Fragments(32 if least <= 32 else 64 if least <= 512 else 128, left)
        if least <= 32:
            return Scalars(32, 2, 16, dtype)
        return Scalars(64, 4, 16, dtype) if least <= 512 or dtype.itemsize > 4 else Scalars(128, 8, 8, dtype)

    @property
    def blocks(self) -> Size:
        """One for each tile."""
        size = self.multiplying.size
        down, across = ((_extent(walks) + (size - 1)) // size for walks in (self.roles.rows, self.roles.columns))
        return minimum(_extent(self.roles.batch) * down * across, MOST_BLOCKS)

    def _side_by_side(self, then: Kernel | None) -> int:
        """Blocks of a multiprocessor at a time: one where what follows takes many registers."""
        lets = () if then is None else then.stages[0].lets
        return 1 if any(isinstance(let, Call) and let.fn in LONG for let in lets) else self.multiplying.blocks

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
        return Function(f"{parameters.head(BLOCK, self._side_by_side(then))}\n{body}}}\n", parameters, self.blocks)


@final
class _Writer:
    """Writes the body."""

    def __init__(self, made: Tiled, scope: Scope, library: Library, then: Kernel | None) -> None:
        self.made, self.scope, self.library, self.then = made, scope, library, then
        self.roles, self.lines = made.roles, scope.lines
        self.dtype = accumulator(made.contract.out.dtype)
        self.axes: dict[Walk, Axis] = {}
        for walk in (*self.roles.batch, *self.roles.rows, *self.roles.columns, *self.roles.sums, *self.roles.serial):
            self.axes[walk] = Axis(walk.number, walk.extent)
        self.letters = {axis.number: f"i{max(axis.number, 0)}_" for axis in self.axes.values()}

    def write(self) -> None:
        """All of it."""
        lines, size, multiplying = self.lines, self.scope.parameters.size, self.made.multiplying
        side, depth = multiplying.size, multiplying.depth
        for tile in multiplying.tiles:
            lines.line(tile.declared(multiplying.padding))
        rows, columns, sums = (_extent(walks) for walks in (self.roles.rows, self.roles.columns, self.roles.sums))
        lines.line(f"const i64 rows = {size(rows)}, columns = {size(columns)}, sums = {size(sums)};")
        lines.line(f"const i64 down = (rows + {side - 1}) / {side}, across = (columns + {side - 1}) / {side};")
        multiplying.open(lines)
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
            multiplying.start(lines)
            with lines.braces(f"for (i64 first_sum = 0; first_sum < sums; first_sum += {depth})"):
                for filled in self._operands():
                    filled.write(scope)
                lines.line("__syncthreads();")
                multiplying.add(lines, self.library)
                lines.line("__syncthreads();")
            self._leave(scope)

    def _operands(self) -> Iterator[Filled]:
        roles = self.roles
        sides = ((roles.a, roles.rows), (roles.b, roles.columns))
        numbers = {axis.number: axis for axis in self.axes.values()}
        for place, (tile, (buffer, walks)) in enumerate(zip(self.made.multiplying.tiles, sides, strict=True)):
            steps = {axis: (walk.a, walk.b)[place] for walk, axis in self.axes.items()}
            access = Access(buffer, {axis: step for axis, step in steps.items() if step != 0}, roles.offsets[place])
            guards = roles.guards[place]
            apart = frozenset(numbers[n] for n in axes_in([guard.part for guard in guards]) if n in numbers)
            (own, became), (sums, also_became) = (
                merged_axes([self.axes[walk] for walk in each], [access], apart) for each in (walks, roles.sums)
            )
            access = with_axes(with_axes(access, became), also_became)
            own, sums = own or [self.axes[walks[-1]]], sums or [self.axes[roles.sums[-1]]]
            yield Filled(tile, access, own, sums, guards, numbers, self._unflattened)

    def _leave(self, scope: Scope) -> None:
        """The tile into the result, and what follows."""
        inside = self.lines.braces("if (row < rows && column < columns)")
        with self.made.multiplying.elements(self.lines) as element, inside:
            counters = self._places(scope, self.roles.rows, "row") | self._places(scope, self.roles.columns, "column")
            self._store(scope.inside(counters), element)

    def _store(self, scope: Scope, element: str) -> None:
        out, need = self.made.contract.out, self.library.need
        terms = {axis: walk.c for walk, axis in self.axes.items()}
        place = Access(out, moving(terms, scope), self.roles.offsets[2])
        value = Operand(element, self.dtype)
        if self.roles.adds:
            before = Operand(scope.read(scope.at_memory(place), out.dtype), out.dtype)
            text = called(Fn.ADD, [Operand(cast(before, self.dtype, need), self.dtype), value], self.dtype, need)
            value = Operand(f"({text})", self.dtype)
        then = self.then
        own = self.lines.let(in_register(out.dtype), cast(value, out.dtype, need))
        is_over = then is not None and any(isinstance(x, Store) and x.buffer is out for x in then.stages[0].effects)
        if not is_over and (then is None or self.made.is_read):
            self.lines.line(f"{scope.at_memory(place)} = {scope.stored(Operand(own, out.dtype), out.dtype)};")
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
        return self._unflattened(scope, [self.axes[walk] for walk in walks], name)

    def _unflattened(self, scope: Scope, axes: Sequence[Axis], name: str) -> dict[Axis, str]:
        return unflattened(scope, axes, name, self.letters)


def _extent(walks: Sequence[Walk]) -> Size:
    return product(walk.extent for walk in walks)
