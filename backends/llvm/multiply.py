"""A product as a function that makes one chunk of it: loops over tiles, and what is packed before them."""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import field, replace
from typing import final

from graphc.backends.llvm.arguments import Arguments
from graphc.backends.llvm.blocking import Blocking, Part, least
from graphc.backends.llvm.boxes import Box
from graphc.backends.llvm.chunked import Function
from graphc.backends.llvm.looks import Looks
from graphc.backends.llvm.machine import Machine
from graphc.backends.llvm.panels import Panels, Sums
from graphc.backends.llvm.registers import in_register
from graphc.backends.llvm.results import Results, places_of
from graphc.backends.llvm.scratch import allocated, padded, taken
from graphc.backends.llvm.strips import Strip, Strips
from graphc.backends.llvm.text import Range, Text
from graphc.backends.llvm.tiles import DEEP, Elements, Panel, Tile
from graphc.dataclass import dataclass
from graphc.kernel.buffer import Buffer
from graphc.kernel.roles import Walk
from graphc.sizes import Size, product, total

__all__ = ["Epilogue", "Multiplication"]

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
    kept: Buffer | None = None  # the panels of columns that are there before a loop begins
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
                self._panels.write_rows(spot.a, inner)
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

    def copying(self, parts: Sequence[Part]) -> Function:
        """void KERNEL(ptr args, i64 chunk): a part of what is copied for all chunks."""
        text, blocking = self.text, self.blocking
        self._find_shared()
        spot = Spot(*map(self.arguments.number, blocking.roles.offsets))
        sums = [(walk, ("0", self.arguments.number(walk.extent))) for walk in blocking.roles.sums]
        before: Size = 0
        for part in parts:
            first, behind = self.arguments.number(before), self.arguments.number(before + part.count)
            before = before + part.count
            is_later, is_early = (
                text.value(f"icmp sge i64 %chunk, {first}"),
                text.value(f"icmp slt i64 %chunk, {behind}"),
            )
            with text.when(text.value(f"and i1 {is_later}, {is_early}")):
                number = text.value(f"sub nsw i64 %chunk, {first}")
                self.strips = Strips(self.elements, blocking, self._ranges((part,), number))
                if part.walk is blocking.rows.axis:
                    self._panels.write_rows(spot.a, sums)
                else:
                    self._panels.write_columns(spot.b, sums)
        text.do("ret void")
        return Function(text.function("KERNEL", "ptr %args, i64 %chunk"), self.arguments)

    def _find_shared(self) -> None:
        """Where copies for all chunks lie."""
        at: Size = 0
        for part in self.blocking.copies:
            name = "a" if part.walk is self.blocking.rows.axis else "b"
            base = self.arguments.scratch(self.shared)
            self.rooms[name] = self.text.value(f"getelementptr i8, ptr {base}, i64 {self.arguments.number(at)}")
            at = at + self.blocking.shared_bytes(part.walk)
        if self.kept is not None:
            self.rooms["b"] = self.arguments.pointer(self.kept)

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
                self._panels.write_column(spot.b, sums, strip)
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
            a = Panel(self._panels.rows(row, sums), [str(n) for n in range(row.size)], None, row.size)
        else:
            base = elements.at(self.arguments.pointer(roles.a), spot.a)
            a = Panel(base, places_of(elements, rows, lambda walk: walk.a), [walk.a for walk in walks], 0)
        places = [str(n * blocking.lanes) for n in range(len(column.masks))]
        masks: Sequence[str | None] = column.masks
        if blocking.packs_b:
            b = Panel(self._panels.columns(column, sums), places, None, column.size)
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

    # Room.

    @property
    def _panels(self) -> Panels:
        return Panels(self.elements, self.blocking, self.strips, self.rooms, self.machine.vector_bytes)

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
