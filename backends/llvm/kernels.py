"""A kernel as functions: one that makes a chunk of its rows, and one that makes what is left when all are done."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import field
from functools import cached_property
from typing import final

from graphc.backends.llvm.along import Along, Owner
from graphc.backends.llvm.arguments import Arguments
from graphc.backends.llvm.chunked import Function, Functions
from graphc.backends.llvm.effects import combined
from graphc.backends.llvm.looks import LETS, Looks
from graphc.backends.llvm.memory import Place
from graphc.backends.llvm.plans import Plan, planned
from graphc.backends.llvm.registers import part_bytes
from graphc.backends.llvm.rows import Rows
from graphc.backends.llvm.scope import Home, Scope
from graphc.backends.llvm.scratch import allocated, padded, taken
from graphc.backends.llvm.shortcuts import Shortcut, shortcuts
from graphc.backends.llvm.stages import Stages
from graphc.backends.llvm.sums import Accumulators, Terms
from graphc.backends.llvm.text import Range, Text
from graphc.backends.llvm.values import Value
from graphc.dataclass import dataclass
from graphc.kernel.buffer import Buffer
from graphc.kernel.elementary.expansion import expanded_kernel
from graphc.kernel.monoids import start_of
from graphc.kernel.scalar import Axis, Call, Load
from graphc.kernel.stages import StagePlan
from graphc.kernel.steps import Kernel, Total, targets
from graphc.kernel.summing import BLOCK, accumulators, is_ordered, rows_of_block
from graphc.kernel.widening import widened
from graphc.sizes import Size, estimate, maximum, minimum, product, total
from graphc.types import INT64, NARROW

__all__ = ["Native"]

WORK = 1 << 19  # lets of a chunk, about
MOST_CHUNKS = 128
FEW = 8  # chunks, of which one more or less would show: all are alike
ALONE = 3  # times the work of a chunk: less is done sooner by one thread, about 6 us, than handed to another
ASKED_ROWS, LEAST_CHUNKS = 8, 16  # in a chunk that asks for the row that follows, where there are so many chunks
BLOCKS = 8  # of rows, at least, that find the same pages in a chunk
MOST_PARTS = 64  # of totals, at most


@final
@dataclass
class Native:
    """The functions of one kernel.

    bytes   of a vector register
    owner   the buffer whose bytes another has
    chunks  how many there are; the sizes alone say so
    parts   bytes of the totals that all chunks leave
    """

    kernel: Kernel
    bytes: int
    owner: Owner
    plan: Plan = field(init=False)
    width: int = field(init=False)
    rows_per_chunk: Size = field(init=False)
    kept: Sequence[tuple[Buffer, Size]] = field(init=False)

    def __post_init__(self) -> None:
        self.kernel = widened(self.kernel)
        self.plan = planned(expanded_kernel(self.kernel))
        self.width = self._width()
        self.rows_per_chunk = self._rows_per_chunk()
        self.kept = list(_side_by_side(self._kept()))

    @property
    def chunks(self) -> Size:
        if not self.plan.outer:
            return 1
        extent, rows = self.plan.outer[0].extent, self.rows_per_chunk
        found = (extent + rows - 1) // rows
        return maximum(found, 1) if self.kept else found  # totals of nothing are something

    @property
    def part_bytes(self) -> Size:
        """Of what one chunk leaves for the end."""
        return total(padded(bytes) for _, bytes in self._kept())

    @property
    def parts(self) -> Size:
        return self.part_bytes * self.chunks + total(padded(bytes) for _, bytes in self._terms_bytes())

    def functions(self) -> Functions:
        """All that it is."""
        return Functions(self.rows(), self.end(), self.chunks, bool(self.kept), self.parts, self.allocated)

    def rows(self) -> Function:
        """void KERNEL(ptr args, i64 chunk): the rows of a chunk."""
        text = Text()
        arguments = Arguments(text)
        homes = self._homes(text, arguments, "%chunk")
        scope = Scope(text, arguments, homes, self.shortcuts(self.plan))
        for part in self.kernel.totals:
            if part.result in self.terms:
                continue
            buffer, count = part.result, self._count(part)
            size = buffer.size if count == 1 else 2 * count
            _fill(scope, buffer, size, start_of(part.monoid, buffer.dtype))
        done = text.label("done")
        for axis in self.plan.outer:
            if not (isinstance(axis.extent, int) and axis.extent > 0):
                inside = text.label("some")
                text.go_if(text.value(f"icmp sgt i64 {arguments.number(axis.extent)}, 0"), inside, done)
                text.begin(inside)
        heap = self._scratch(text, arguments, homes)
        looks = self._looks(text, arguments)
        ranges = self._ranges(text, arguments)
        terms = self._places_of_terms(text, arguments)
        rows = self.rows_per_chunk
        walk = Along(self.plan, text, arguments, self.width, self.bytes, self.owner, ranges, rows, looks, terms)
        Rows(walk).write(scope)
        looks.end()
        if heap:
            text.do(f"call void @free(ptr {heap})")
        text.go(done)
        text.begin(done)
        text.do("ret void")
        return Function(text.function("KERNEL", "ptr %args, i64 %chunk"), arguments)

    def end(self) -> Function | None:
        """void KERNEL(ptr args, i64 chunks): what chunks left is combined, and the last stages follow."""
        if not self.kernel.totals and not self.plan.last:
            return None
        text = Text()
        arguments = Arguments(text)
        homes = self._homes(text, arguments, "0")
        scope = Scope(text, arguments, homes, self.shortcuts(self.plan))
        places_of_terms = self._places_of_terms(text, arguments)
        for part in self.kernel.totals:
            home = homes[part.result]
            if part.result in self.terms:
                axes = self.terms[part.result]
                terms = Terms(part.result.dtype, axes, places_of_terms[part.result])
                block = product([rows_of_block(axes[0], axes[1:]), *(axis.extent for axis in axes[1:])])
                count = accumulators(axes, part_bytes(part.result.dtype), self.bytes)
                value = terms.added_up(scope, part.monoid, count, block)
                scope.memory.store(Place(home.address, Value(INT64, ("0",)), "0"), value)
                continue
            with text.loop("1", "%chunk") as chunk:
                offset = text.value(f"mul i64 {chunk}, {arguments.number(self.part_bytes)}")
                other = text.value(f"getelementptr i8, ptr {home.address}, i64 {offset}")
                with text.loop("0", arguments.number(part.result.size * self._count(part))) as at:
                    places = [Place(base, Value(INT64, (at,)), "0") for base in (home.address, other)]
                    values = [scope.memory.load(place, part.result.dtype, None, None) for place in places]
                    scope.memory.store(places[0], combined(scope.lanes, part.monoid, *values))
            if self._count(part) > 1:
                count, dtype = self._count(part), part.result.dtype
                sums = Accumulators(part.monoid, dtype, self.kernel.outer, count, 1, home.address)
                scope.memory.store(Place(home.address, Value(INT64, ("0",)), "0"), sums.joined(scope))
        looks = self._looks(text, arguments)
        writer = Stages(Along(self.plan, text, arguments, self.width, self.bytes, self.owner, {}, looks=looks))
        for stage in self.plan.last:
            writer.write(scope, stage, {})
        looks.end()
        text.do("ret void")
        return Function(text.function("KERNEL", "ptr %args, i64 %chunk"), arguments)

    # Sizes.

    def _width(self) -> int:
        """How many lanes there are: as many of the widest dtype that is computed as a register has."""
        widest = 4
        for stage in (*self.plan.stages, *self.plan.last):
            for number in stage.needed:
                let = stage.stage.lets[number]
                if isinstance(let, Load | Call) and stage.affine[number] is None and let.dtype not in NARROW:
                    widest = max(widest, part_bytes(let.dtype))
        return max(self.bytes // widest, 1)

    def shortcuts(self, plan: Plan) -> Mapping[StagePlan, Mapping[int, Shortcut]]:
        """What AVX-512 has a faster way for."""
        if self.bytes < 64:
            return {}
        return {stage: shortcuts(stage.stage.lets) for stage in (*plan.stages, *plan.last)}

    @property
    def _weight(self) -> int:
        """How many lets a point has, about."""
        return 8 + sum(len(stage.needed) for stage in self.plan.stages)

    def _looks(self, text: Text, arguments: Arguments) -> Looks:
        return Looks(text, arguments, LETS // (self._weight * self.plan.vectors))

    def _rows_per_chunk(self) -> Size:
        """As many as make enough work for a thread, and few enough chunks that totals have few parts.

        The row behind the last of a chunk is asked for in vain: another thread makes it.
        """
        plan = self.plan
        if not plan.outer:
            return 1
        if any(_is_ordered(part) and part.result not in self.terms for part in self.kernel.totals):
            return self._rows_of_blocks()
        first, *others = plan.outer
        grain = 1 << int(math.log2(WORK / self._weight))
        inside = total(product(axis.extent for axis in stage.inner) for stage in plan.stages)
        row = product(axis.extent for axis in others) * inside
        rows = maximum(grain // row if isinstance(row, int) and row else grain // maximum(row, 1), 1)
        if isinstance(rows, int) and isinstance(first.extent, int) and rows < first.extent < FEW * rows:
            rows = _alike(first.extent, rows)
        most = MOST_PARTS if self.kernel.totals else MOST_CHUNKS
        rows = maximum(rows, (first.extent + most - 1) // most)
        if any(asked.axis is first for asked in plan.following.values()):
            rows = maximum(rows, minimum(ASKED_ROWS, (first.extent + LEAST_CHUNKS - 1) // LEAST_CHUNKS))
        together = {plan.lane: self._abreast, plan.blocked: BLOCKS * plan.block}.get(first, 1)
        return (rows + together - 1) // together * together

    def _rows_of_blocks(self) -> Size:
        """Those of a block of totals whose order shows: in parts of other rows they were added up in another one.

        Where lanes lie along the rows these are the run of a total, of which a block fills all lanes.
        """
        first, *others = sorted(self.kernel.outer, key=lambda axis: axis.number)
        inner = {axis: None for stage in self.kernel.stages if not stage.is_last for axis in stage.inner}
        walked = self.plan.outer[0]
        inside = product(axis.extent for axis in others if axis.number <= walked.number)
        return rows_of_block(first, [*others, *inner]) * maximum(inside, 1)

    def _ranges(self, text: Text, arguments: Arguments) -> Mapping[Axis, Range]:
        """The rows of a chunk."""
        if not self.plan.outer or self.chunks == 1:
            return {}
        axis = self.plan.outer[0]
        rows, extent = arguments.number(self.rows_per_chunk), arguments.number(axis.extent)
        first = text.value(f"mul i64 %chunk, {rows}")
        behind = text.value(f"add i64 {first}, {rows}")
        return {axis: (first, text.least(behind, extent))}

    # Locals.

    def _kept(self) -> Iterator[tuple[Buffer, Size]]:
        """What is known when all rows are done: totals, and what the last stages leave."""
        last = [target for stage in self.plan.last for effect in stage.stage.effects for target in targets(effect)]
        found = {part.result: self._count(part) for part in self.kernel.totals}
        locals = set(self.kernel.locals)
        for buffer in dict.fromkeys((*found, *last)):
            if buffer in locals:
                count = found.get(buffer, 1)
                yield buffer, buffer.bytes * (1 if count == 1 else 2 * count)  # see `Accumulators`

    def _count(self, part: Total) -> int:
        """How many accumulators each element of a total has."""
        if not part.run or not _is_ordered(part) or part.result in self.terms:
            return 1
        return accumulators(self.kernel.outer, part_bytes(part.result.dtype), self.bytes)

    @cached_property
    def terms(self) -> Mapping[Buffer, tuple[Axis, ...]]:
        """Totals of all points whose terms are kept, and the axes of these.

        Blocks are chunks where that gives chunks enough, and where rows are points.
        """
        found = {}
        for stage in self.kernel.stages:
            for effect in stage.effects:
                if isinstance(effect, Total) and effect.run and _is_ordered(effect):
                    axes = sorted((*self.kernel.outer, *stage.inner), key=lambda axis: axis.number)
                    is_large = estimate(product(axis.extent for axis in axes)) > BLOCK
                    if not is_large or any(other.inner for other in self.kernel.stages if not other.is_last):
                        found[effect.result] = tuple(axes)
        return found

    def _terms_bytes(self) -> Iterator[tuple[Buffer, Size]]:
        for buffer, axes in self.terms.items():
            yield buffer, product(axis.extent for axis in axes) * buffer.dtype.itemsize

    def _places_of_terms(self, text: Text, arguments: Arguments) -> Mapping[Buffer, str]:
        """Where they are: behind what chunks leave."""
        if not self.terms:
            return {}
        base, first = arguments.scratch(self.parts), self.part_bytes * self.chunks
        return {
            buffer: text.early(f"getelementptr i8, ptr {base}, i64 {arguments.number(first + at)}")
            for buffer, at in _side_by_side(self._terms_bytes())
        }

    def _homes(self, text: Text, arguments: Arguments, chunk: str) -> dict[Buffer, Home]:
        """Where the parts of a chunk are."""
        homes: dict[Buffer, Home] = {}
        if not self.kept:
            return homes
        base = arguments.scratch(self.parts)
        if chunk != "0":
            offset = text.early(f"mul i64 {chunk}, {arguments.number(self.part_bytes)}")
            base = text.early(f"getelementptr i8, ptr {base}, i64 {offset}")
        for buffer, at in self.kept:
            homes[buffer] = Home(text.early(f"getelementptr i8, ptr {base}, i64 {arguments.number(at)}"), 1)
        return homes

    @property
    def _abreast(self) -> int:
        """How many rows lie side by side."""
        return self.width * self.plan.vectors if self.plan.lane is not None else 1

    def _wanted(self) -> Sequence[tuple[Buffer, Size]]:
        """Locals of rows that have several elements, and their bytes."""
        kept = {buffer for buffer, _ in self.kept}
        return [(x, x.bytes * self._abreast) for x in self.kernel.locals if x.shape and x not in kept]

    @property
    def scratch(self) -> Size:
        """The bytes that these take."""
        return total(padded(bytes) for _, bytes in self._wanted())

    @property
    def allocated(self) -> Size:
        """What each thread takes from malloc while it is at work: nothing where the stack is enough."""
        return allocated(self.scratch)

    def _scratch(self, text: Text, arguments: Arguments, homes: dict[Buffer, Home]) -> str:
        """Room for locals of rows: on the stack, or what is to be given back."""
        placed = list(_side_by_side(self._wanted()))
        if not placed:
            return ""
        base, heap = taken(text, arguments, self.scratch)
        for buffer, at in placed:
            homes[buffer] = Home(text.value(f"getelementptr i8, ptr {base}, i64 {arguments.number(at)}"), self._abreast)
        return heap


def _alike(extent: int, rows: int) -> int:
    """How many rows the chunks of a few have, if these are alike and even in number; all, where that is little work."""
    chunks = -(-extent // rows)
    return extent if extent < ALONE * rows else -(-extent // (chunks + chunks % 2))


def _is_ordered(part: Total) -> bool:
    return is_ordered(part.monoid, part.result.dtype)


def _side_by_side(
    wanted: Sequence[tuple[Buffer, Size]] | Iterator[tuple[Buffer, Size]],
) -> Iterator[tuple[Buffer, Size]]:
    """Where each of several starts."""
    at: Size = 0
    for buffer, bytes in wanted:
        yield buffer, at
        at = at + padded(bytes)


def _fill(scope: Scope, buffer: Buffer, size: Size, value: "bool | float | complex") -> None:
    """So many elements of a local."""
    number = scope.lanes.number(value, buffer.dtype)
    with scope.text.loop("0", scope.arguments.number(size)) as at:
        scope.memory.store(Place(scope.homes[buffer].address, Value(INT64, (at,)), "0"), number)
