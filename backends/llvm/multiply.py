"""A product as a function that makes one chunk of it: loops over tiles, and what is packed before them."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from typing import TypeAlias, final

from graphc.backends.llvm.arguments import Arguments
from graphc.backends.llvm.blocking import Blocking, Part, least
from graphc.backends.llvm.boxes import Box
from graphc.backends.llvm.kernels import Function
from graphc.backends.llvm.looks import Looks
from graphc.backends.llvm.machine import Machine
from graphc.backends.llvm.packing import Packing
from graphc.backends.llvm.pieces import Pieces
from graphc.backends.llvm.registers import in_register
from graphc.backends.llvm.results import Results, places_of
from graphc.backends.llvm.scratch import allocated, padded, taken
from graphc.backends.llvm.strips import Strip, Strips
from graphc.backends.llvm.text import Range, Text
from graphc.backends.llvm.tiles import DEEP, Elements, Panel, Tile
from graphc.kernel.roles import Walk
from graphc.sizes import Size, product, total

__all__ = ["Epilogue", "Multiplication"]

Sums: TypeAlias = Sequence[tuple[Walk, Range]]  # axes of a sum, with the steps that are made

STEPS = 16  # of a sum, that are copied for all lanes before those that follow
PRODUCTS = 1 << 25  # of elements, between two looks whether the run has been given up: 1 ms, and 30 where memory is far


@final
@dataclass(frozen=True)
class Spot:
    """How many elements from the beginning of each buffer a point is."""

    a: str = "0"
    b: str = "0"
    c: str = "0"


@final
@dataclass(frozen=True)
class Epilogue:
    """The function of boxes that follows a product, by its name."""

    name: str
    box: Box


@final
@dataclass
class Multiplication:
    """Writes the function of one product, made in blocks."""

    blocking: Blocking
    machine: Machine
    text: Text = field(default_factory=Text)
    arguments: Arguments = field(init=False)
    elements: Elements = field(init=False)
    strips: Strips = field(init=False)
    looks: Looks = field(init=False)
    left: str = ""  # where it stands how many products there are until the next look; nothing where there are few
    begins: str | None = None  # whether this is the first block of sums; None where there is one only
    rooms: dict[str, str] = field(default_factory=dict)
    allocated: Size = 0  # bytes that each thread takes from malloc while it is at work

    def __post_init__(self) -> None:
        self.arguments = Arguments(self.text)
        self.looks = Looks(self.text, self.arguments, PRODUCTS)
        dtype = self.blocking.roles.c.dtype
        self.elements = Elements(
            self.text, self.arguments, in_register(dtype), dtype.itemsize, self.blocking.lanes, self.machine.has_fma
        )

    def function(self, epilogue: Epilogue | None = None) -> Function:
        """void KERNEL(ptr args, i64 chunk): the part of the result that is a chunk, and the epilogue of that part."""
        text, blocking, roles = self.text, self.blocking, self.blocking.roles
        self.strips = Strips(self.elements, blocking, self._ranges(blocking.parts, "%chunk"))
        heap = self._make_room()
        if not self._is_short():
            self.left = text.room("i64", str(PRODUCTS))
        with ExitStack() as loops:
            spot = Spot(*map(self.arguments.number, roles.offsets))
            for walk in (*roles.serial, *roles.batch):
                spot = loops.enter_context(self._along(walk, spot))
            sums = self._block_of_sums(loops)
            for walk, first in sums[0]:
                spot = self._moved(spot, walk, first)
            inner = tuple(sums[1])
            if blocking.packs_a and not blocking.shares_a:
                with self._few_steps(inner, blocking.rows.axis.a) as few:
                    self._pack_rows(spot, few, _first(inner))
            for walk in blocking.columns.loops:
                spot = loops.enter_context(self._along(walk, spot))
            self._columns(spot, inner)
        self.looks.end()
        if heap:
            text.do(f"call void @free(ptr {heap})")
        if epilogue is not None:
            self._follow(epilogue)
        text.do("ret void")
        return Function(text.function("KERNEL", "ptr %args, i64 %chunk"), self.arguments)

    @property
    def shared(self) -> Size:
        """Bytes of what is copied for all chunks."""
        return total(self.blocking.shared_bytes(part.walk) for part in self.blocking.copies)

    @property
    def copies(self) -> Size:
        """The chunks of it."""
        return total(part.count for part in self.blocking.copies)

    def copying(self) -> Function:
        """void KERNEL(ptr args, i64 chunk): a part of what is copied for all chunks."""
        text, blocking = self.text, self.blocking
        self._find_shared()
        spot = Spot(*map(self.arguments.number, blocking.roles.offsets))
        sums = [(walk, ("0", self.arguments.number(walk.extent))) for walk in blocking.roles.sums]
        before: Size = 0
        for part in blocking.copies:
            first, behind = self.arguments.number(before), self.arguments.number(before + part.count)
            before = before + part.count
            is_later, is_early = (
                text.value(f"icmp sge i64 %chunk, {first}"),
                text.value(f"icmp slt i64 %chunk, {behind}"),
            )
            with text.when(text.value(f"and i1 {is_later}, {is_early}")):
                number = text.value(f"sub nsw i64 %chunk, {first}")
                self.strips = Strips(self.elements, blocking, self._ranges((part,), number))
                is_row = part.walk is blocking.rows.axis
                with self._few_steps(sums, part.walk.a if is_row else part.walk.b) as few:
                    if is_row:
                        self._pack_rows(spot, few, "0")
                    else:
                        self.strips.columns(lambda strip, few=few: self._pack_columns(spot, few, strip, "0"))  # type: ignore[misc]
        text.do("ret void")
        return Function(text.function("KERNEL", "ptr %args, i64 %chunk"), self.arguments)

    @contextmanager
    def _few_steps(self, sums: Sums, apart: Size) -> Iterator[Sums]:
        """A few steps of the sum after the other, where lanes lie side by side: they are read in long pieces."""
        if apart != 1:
            yield sums
            return
        (walk, (start, end)), *others = sums
        with self.text.loop(start, end, STEPS) as first:
            behind = self.text.least(self.text.value(f"add nsw i64 {first}, {STEPS}"), end)
            yield [(walk, (first, behind)), *others]

    def _find_shared(self) -> None:
        """Where copies for all chunks lie."""
        at: Size = 0
        for part in self.blocking.copies:
            name = "a" if part.walk is self.blocking.rows.axis else "b"
            base = self.arguments.scratch(self.shared)
            self.rooms[name] = self.text.value(f"getelementptr i8, ptr {base}, i64 {self.arguments.number(at)}")
            at = at + self.blocking.shared_bytes(part.walk)

    def _follow(self, epilogue: Epilogue) -> None:
        """The epilogue of the chunk; its arguments stand behind those of the product."""
        text = self.text
        box = text.room(f"[{max(2 * len(epilogue.box.axes), 1)} x i64]")
        for place, (axis, number) in enumerate(epilogue.box.axes):
            ends = self.strips.ranges.get(number, ("0", self.arguments.number(axis.extent)))
            for end, value in enumerate(ends):
                text.do(f"store i64 {value}, ptr {text.value(f'getelementptr i64, ptr {box}, i64 {2 * place + end}')}")
        given = text.value(f"getelementptr i64, ptr %args, i64 {len(self.arguments.listed)}")
        text.do(f"call void @{epilogue.name}(ptr {given}, ptr {box})")
        self.arguments.listed.extend(epilogue.box.function.arguments.listed)

    # Points.

    def _ranges(self, parts: Sequence[Part], chunk: str) -> dict[int, Range]:
        """The part of each axis that a chunk has."""
        text, found = self.text, {}
        left = chunk
        for place, part in enumerate(reversed(parts)):
            extent, block = self.arguments.number(part.walk.extent), self.arguments.number(part.block)
            number = left
            if place < len(parts) - 1:
                count = self.arguments.number(part.count)
                number = text.value(f"urem i64 {left}, {count}")
                left = text.value(f"udiv i64 {left}, {count}")
            first = self.elements.scaled(number, part.block)
            behind = text.value(f"add nsw i64 {first}, {block}")
            found[part.walk.number] = (first, text.least(behind, extent))
        columns = self.blocking.columns
        if columns.pieces is not None and columns.pieces[0].number in found:
            first, last = (self.elements.scaled(x, columns.pieces[1].extent) for x in found[columns.pieces[0].number])
            found[columns.axis.number] = (first, last)
        return found

    def _moved(self, spot: Spot, walk: Walk, counter: str) -> Spot:
        """The spot so many points further along an axis."""
        elements = self.elements
        return Spot(
            elements.plus(spot.a, elements.scaled(counter, walk.a)),
            elements.plus(spot.b, elements.scaled(counter, walk.b)),
            elements.plus(spot.c, elements.scaled(counter, walk.c)),
        )

    @contextmanager
    def _along(self, walk: Walk, spot: Spot) -> Iterator[Spot]:
        """A loop over the points of an axis."""
        with self.text.loop(*self.strips.range(walk)) as counter:
            yield self._moved(spot, walk, counter)

    def _block_of_sums(self, loops: ExitStack) -> tuple[list[tuple[Walk, str]], list[tuple[Walk, Range]]]:
        """The points of the axes outside of a block of sums, and the ranges of those inside."""
        blocking, text = self.blocking, self.text
        sums = blocking.roles.sums
        if not blocking.depth:
            return [], [(walk, ("0", self.arguments.number(walk.extent))) for walk in sums]
        outside = [
            (walk, loops.enter_context(text.loop("0", self.arguments.number(walk.extent))))
            for walk in sums[: blocking.outside]
        ]
        cut, *others = sums[blocking.outside :]
        extent = self.arguments.number(cut.extent)
        last = extent
        if least(cut.extent) < 1:  # of no sums at all the result is 0, which one block says
            last = text.most(extent, "1")
        first = loops.enter_context(text.loop("0", last, blocking.depth))
        behind = text.least(text.value(f"add nsw i64 {first}, {blocking.depth}"), extent)
        together = first
        for _, counter in outside:
            together = text.value(f"or i64 {together}, {counter}")
        self.begins = text.value(f"icmp eq i64 {together}, 0")
        inner = [(cut, (first, behind)), *((walk, ("0", self.arguments.number(walk.extent))) for walk in others)]
        return outside, inner

    # Tiles.

    def _columns(self, spot: Spot, sums: Sums) -> None:
        """All tiles: column by column, and in each row by row."""
        columns = self.blocking.columns

        def column(strip: Strip) -> None:
            if self.blocking.packs_b and not self.blocking.shares_b:
                self._pack_columns(spot, sums, strip, _first(sums))
            here = self._moved(spot, columns.axis, strip.first)
            with ExitStack() as loops:
                inside = here
                for walk in self.blocking.rows.loops:
                    inside = loops.enter_context(self._along(walk, inside))
                self.strips.rows(lambda row: self._tile(inside, sums, row, strip))

        self.strips.columns(column)

    def _tile(self, spot: Spot, sums: Sums, row: Strip, column: Strip) -> None:
        """One tile: its sums, and where they go."""
        blocking, elements, roles = self.blocking, self.elements, self.blocking.roles
        rows = replace(blocking.rows, size=row.size)
        spot = self._moved(spot, rows.axis, row.first)
        walks = [walk for walk, _ in sums]
        if blocking.packs_a:
            base = self._from(self._packed_rows(row), sums, row.size, "0" if blocking.shares_a else _first(sums))
            a = Panel(base, [str(n) for n in range(row.size)], None, row.size)
        else:
            base = elements.at(self.arguments.pointer(roles.a), spot.a)
            a = Panel(base, places_of(elements, rows, lambda walk: walk.a), [walk.a for walk in walks], 0)
        places = [str(n * blocking.lanes) for n in range(len(column.masks))]
        masks: Sequence[str | None] = column.masks
        if blocking.packs_b:
            since = "0" if blocking.shares_b else _first(sums)
            base = self._from(self._packed_columns(column), sums, column.size, since)
            b = Panel(base, places, None, column.size)
            masks = [None] * len(places)
        else:
            steps = [walk.b for walk in walks]
            b = Panel(elements.at(self.arguments.pointer(roles.b), spot.b), places, steps, 0)
        tile = Tile(elements, walks, [range for _, range in sums], masks, self._looks_inside())
        base = elements.sealed(elements.at(self.arguments.pointer(roles.c), spot.c))
        is_split = blocking.columns.axis.number in self.strips.ranges
        Results(elements, blocking, self.rooms, self.begins, is_split).leave(tile, a, b, base, rows, row, column)
        if self.left:
            made = rows.height * len(masks) * blocking.lanes
            self.looks.count(self.left, elements.times(blocking.inner_depth, made))

    # Looks whether the run has been given up.

    def _is_short(self) -> bool:
        roles = self.blocking.roles
        walks = (*roles.batch, *roles.rows, *roles.columns, *roles.sums, *roles.serial)
        work = product(walk.extent for walk in walks)
        return isinstance(work, int) and work <= PRODUCTS

    def _looks_inside(self) -> Looks | None:
        """What looks between the sums of a tile, where they may be many."""
        depth = self.blocking.inner_depth
        return None if isinstance(depth, int) and depth <= DEEP else self.looks

    # Packing.

    def _make_room(self) -> str:
        """Room for what is packed; the address of what is to be given back."""
        blocking, elements = self.blocking, self.elements
        width = blocking.columns.vectors * blocking.lanes
        wanted: dict[str, Size] = {"nowhere": width}
        if not blocking.is_direct:
            wanted["tile"] = width * blocking.rows.height
        if blocking.packs_a and not blocking.shares_a:
            (rows,) = [part.block for part in blocking.parts if part.walk is blocking.rows.axis]
            size = blocking.rows.size
            wanted["a"] = (rows + (size - 1)) // size * size * blocking.inner_depth
        if blocking.packs_b and not blocking.shares_b:
            wanted["b"] = width * blocking.inner_depth
        places: dict[str, Size] = {}
        total: Size = 0
        for name, count in wanted.items():
            places[name] = total
            total = total + padded(count * elements.bytes)
        self.allocated = allocated(total)
        base, heap = taken(self.text, self.arguments, total)
        for name, at in places.items():
            self.rooms[name] = self.text.value(f"getelementptr i8, ptr {base}, i64 {self.arguments.number(at)}")
        self._find_shared()
        if isinstance(wanted.get("b"), int) and not blocking.fills_lanes:  # the others are multiplied too
            type = f"ptr {self.rooms['b']}, i8 0, i64 {wanted['b'] * elements.bytes}"
            self.text.do(f"call void @llvm.memset.p0.i64({type}, i1 false)")
        return heap

    def _pack_rows(self, spot: Spot, sums: Sums, since: str) -> None:
        """The rows of the chunk, tile by tile, into panels that begin with the step `since`."""
        blocking, elements = self.blocking, self.elements
        rows = blocking.rows

        def one(strip: Strip) -> None:
            here = self._moved(spot, rows.axis, strip.first)
            source = elements.at(self.arguments.pointer(blocking.roles.a), here.a)
            to = self._from(self._packed_rows(strip), sums, strip.size, since)
            self._packing(sums, lambda walk: walk.a, strip.size, rows.axis.a).write(to, source, None, strip.valid)

        self.strips.rows(one)

    def _packed_rows(self, row: Strip) -> str:
        """Where the copies of the rows of a tile are."""
        elements, blocking = self.elements, self.blocking
        start = row.first if row.new is None else elements.plus(row.first, row.new)
        if blocking.shares_a:
            return elements.at(self.rooms["a"], elements.scaled(start, self._whole_depth))
        number = self.text.value(f"sub nsw i64 {start}, {self.strips.range(blocking.rows.axis)[0]}")
        return elements.at(self.rooms["a"], elements.scaled(number, blocking.inner_depth))

    def _packed_columns(self, column: Strip) -> str:
        """Where the copies of the columns of a tile are."""
        elements = self.elements
        if not self.blocking.shares_b:
            return self.rooms["b"]
        start = column.first if column.new is None else elements.plus(column.first, column.new)
        return elements.at(self.rooms["b"], elements.scaled(start, self._whole_depth))

    @property
    def _whole_depth(self) -> Size:
        return product(walk.extent for walk in self.blocking.roles.sums)

    def _from(self, panel: str, sums: Sums, width: int, since: str) -> str:
        """Where sums begin in a panel that begins with the step `since`."""
        if _first(sums) == since:
            return panel
        elements = self.elements
        steps = _first(sums) if since == "0" else self.text.value(f"sub nsw i64 {_first(sums)}, {since}")
        steps = elements.scaled(steps, product(walk.extent for walk, _ in sums[1:]))
        return elements.at(panel, elements.scaled(steps, width))

    def _pack_columns(self, spot: Spot, sums: Sums, column: Strip, since: str) -> None:
        """The columns of a tile, into a panel that begins with the step `since`."""
        elements = self.elements
        to = self._from(self._packed_columns(column), sums, column.size, since)
        if (
            self.blocking.shares_b and column.valid is not None
        ):  # lanes that are never filled are multiplied all the same
            (_, (begin, behind)), *others = sums
            steps = self.text.value(f"sub nsw i64 {behind}, {begin}")
            steps = elements.scaled(steps, product(walk.extent for walk, _ in others))
            bytes = elements.scaled(steps, column.size * elements.bytes)
            self.text.do(f"call void @llvm.memset.p0.i64(ptr {to}, i8 0, i64 {bytes}, i1 false)")
        first = self._moved(spot, self.blocking.columns.axis, column.first)
        source = self.elements.at(self.arguments.pointer(self.blocking.roles.b), first.b)
        packing = self._packing(sums, lambda walk: walk.b, column.size, self.blocking.columns.axis.b)
        if self.blocking.columns.pieces is not None:
            Pieces(packing, self.blocking.columns.pieces).write(to, source, column)
        else:
            packing.write(to, source, column.masks, column.valid)

    def _packing(self, sums: Sums, step: Callable[[Walk], Size], lanes: int, lane_step: Size) -> Packing:
        walks, ranges = [walk for walk, _ in sums], [range for _, range in sums]
        return Packing(
            self.elements, walks, ranges, [step(walk) for walk in walks], lanes, lane_step, self.machine.vector_bytes
        )


def _first(sums: Sums) -> str:
    """The first step of a block of sums."""
    return sums[0][1][0]
