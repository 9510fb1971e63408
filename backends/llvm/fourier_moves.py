"""Between arrays and the planes that transforms are made in: real parts, imaginary parts, each transform a column."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import final

from graphc.backends.llvm.machine import Machine
from graphc.backends.llvm.registers import vector
from graphc.backends.llvm.transposition import SIDE, transposed
from graphc.backends.llvm.waves import Waves
from graphc.backends.llvm.writer import Writer
from graphc.dataclass import dataclass
from graphc.types import DType

__all__ = ["PARAMETERS", "reads_text", "writes_text"]

#: of the functions that go through a block: see `_Block`; `count` elements of each transform
PARAMETERS = (
    "ptr %base, i64 %along, i64 %across, ptr %real, ptr %imaginary, i64 %members, i64 %block, i64 %count, {real} %scale"
)


def reads_text(dtype: DType, machine: Machine, parts: int) -> str:
    """`void KERNEL`: from an array of numbers of so many parts to planes."""
    block = _block_of(dtype, machine, parts)
    _Reads(block).all("%count")
    return _function(block)


def writes_text(dtype: DType, machine: Machine, parts: int) -> str:
    """The other way, times `scale`."""
    block = _block_of(dtype, machine, parts)
    _Writes(block, "%scale").all("%count")
    return _function(block)


def _block_of(dtype: DType, machine: Machine, parts: int) -> "_Block":
    waves = Waves(Writer(), dtype, machine.lanes(dtype.itemsize), machine.has_fma)
    return _Block(waves, "%base", "%along", "%across", ("%real", "%imaginary")[:parts], "%members", "%block")


def _function(block: "_Block") -> str:
    block.waves.on.text.do("ret void")
    return block.waves.on.text.function("KERNEL", PARAMETERS.format(real=block.waves.real))


@final
@dataclass(frozen=True)
class _Block:
    """Some transforms of an array: `members` of them, in `block` columns of planes, which are as many or vectors full.

    base            of the first element of the first one
    along, across   steps of elements along a transform, and from one to the next
    planes          one for numbers, two for complex ones, whose parts lie side by side in the array
    """

    waves: Waves
    base: str
    along: str
    across: str
    planes: Sequence[str]
    members: str
    block: str


class _Moves(ABC):
    """Writes what goes through a block: element by element, or in vectors along or across it."""

    def __init__(self, block: _Block) -> None:
        self.block = block
        self.waves, self.on = block.waves, block.waves.on
        self.one, self.side = (
            Waves(self.on, self.waves.dtype, lanes, self.waves.has_fma) for lanes in (1, min(self.waves.lanes, SIDE))
        )
        self.parts = len(block.planes)

    def all(self, count: str) -> None:
        """So many elements of each transform."""
        on, block = self.on, self.block
        is_one = on.op("icmp eq", block.block, "1")
        is_along, is_across = on.op("icmp eq", block.along, "1"), on.op("icmp eq", block.across, "1")
        with on.either(on.op("and", is_one, is_along, "i1")) as choice:
            self._run(count)
            choice.otherwise()
            is_wide = on.op("and", is_across, on.op("xor", is_one, "true", "i1"), "i1")
            with on.either(is_wide) as second:
                with on.text.loop("0", count) as j:
                    self._across(j)
                second.otherwise()
                with on.either(is_along) as third:
                    self._squares(count)
                    third.otherwise()
                    with on.text.loop("0", count) as j, on.text.loop("0", block.members) as i:
                        self._one(i, j)

    def _element(self, i: str, j: str) -> str:
        """The address of element j of member i."""
        on, block = self.on, self.block
        place = on.add(on.mul(i, block.across), on.mul(j, block.along))
        return on.at(self.waves.real, block.base, on.mul(place, str(self.parts)))

    def _place(self, i: str, j: str) -> str:
        """Its place in a plane."""
        return self.on.add(self.on.mul(j, self.block.block), i)

    def _one(self, i: str, j: str) -> None:
        self.move(self.one, self._element(i, j), self._place(i, j))

    def _run(self, count: str) -> None:
        """Of one transform whose elements lie side by side."""
        on, lanes = self.on, self.waves.lanes
        whole = on.op("and", count, str(-lanes))
        with on.text.loop("0", whole, lanes) as j:
            self.move(self.waves, self._element("0", j), j)
        with on.text.loop(whole, count) as j:
            self._one("0", j)

    def _across(self, j: str) -> None:
        """One element of each member; these lie side by side."""
        on, lanes = self.on, self.waves.lanes
        whole = on.op("and", self.block.members, str(-lanes))
        with on.text.loop("0", whole, lanes) as i:
            self.move(self.waves, self._element(i, j), self._place(i, j))
        with on.text.loop(whole, self.block.members) as i:
            self._one(i, j)

    def _squares(self, count: str) -> None:
        """Members whose elements lie side by side: squares are turned over, and what is left is moved one by one."""
        on, side = self.on, self.side.lanes
        long, wide = (on.op("and", number, str(-side)) for number in (count, self.block.members))
        with on.text.loop("0", wide, side) as i, on.text.loop("0", long, side) as j:
            element, place = self._element(i, j), self._place(i, j)
            elements, places = [element], [place]
            further = on.mul(self.block.across, str(self.parts))
            for _ in range(side - 1):
                element, place = on.at(self.waves.real, element, further), on.add(place, self.block.block)
                elements.append(element)
                places.append(place)
            self.square(elements, places)
        with on.text.loop("0", self.block.members) as i:
            is_begun = on.op("icmp slt", i, wide)
            with on.text.loop(on.chosen(is_begun, long, "0"), count) as j:
                self._one(i, j)

    @abstractmethod
    def move(self, waves: Waves, element: str, place: str) -> None:
        """Elements that lie side by side in both."""

    @abstractmethod
    def square(self, elements: Sequence[str], places: Sequence[str]) -> None:
        """Rows of the array as columns of the planes, in a square."""

    # Elements side by side in the array.

    def read(self, waves: Waves, element: str) -> Sequence[str]:
        """Their parts."""
        if self.parts == 1:
            return [waves.load(element, "0")]
        if waves.lanes == 1:
            return [waves.load(element, "0"), waves.load(element, "1")]
        both = vector(waves.real, 2 * waves.lanes)
        pairs = self.on.load(both, element, align=waves.dtype.itemsize)
        chosen = [", ".join(f"i32 {2 * lane + part}" for lane in range(waves.lanes)) for part in (0, 1)]
        return [
            self.on.text.value(f"shufflevector {both} {pairs}, {both} poison, <{waves.lanes} x i32> <{part}>")
            for part in chosen
        ]

    def write(self, waves: Waves, parts: Sequence[str], element: str) -> None:
        """Set them."""
        if self.parts == 1 or waves.lanes == 1:
            for number, part in enumerate(parts):
                waves.store(part, element, str(number))
            return
        both = vector(waves.real, 2 * waves.lanes)
        chosen = ", ".join(f"i32 {lane}, i32 {lane + waves.lanes}" for lane in range(waves.lanes))
        operands = ", ".join(f"{waves.type} {part}" for part in parts)
        pairs = self.on.text.value(f"shufflevector {operands}, <{2 * waves.lanes} x i32> <{chosen}>")
        self.on.store(both, pairs, element, align=waves.dtype.itemsize)


@final
class _Reads(_Moves):
    """From the array to the planes."""

    def move(self, waves: Waves, element: str, place: str) -> None:
        for part, plane in zip(self.read(waves, element), self.block.planes, strict=True):
            waves.store(part, plane, place)

    def square(self, elements: Sequence[str], places: Sequence[str]) -> None:
        rows = [self.read(self.side, element) for element in elements]
        for part, plane in enumerate(self.block.planes):
            for place, column in zip(places, transposed(self.side, [row[part] for row in rows]), strict=True):
                self.side.store(column, plane, place)


@final
class _Writes(_Moves):
    """From the planes to the array, times a number."""

    def __init__(self, block: _Block, scale: str) -> None:
        super().__init__(block)
        self.scale = scale
        self.every = self.on.spread(scale, self.waves.real, self.waves.lanes)

    def move(self, waves: Waves, element: str, place: str) -> None:
        scale = self.scale if waves.lanes == 1 else self.every
        parts = [waves.op("fmul", waves.load(plane, place), scale) for plane in self.block.planes]
        self.write(waves, parts, element)

    def square(self, elements: Sequence[str], places: Sequence[str]) -> None:
        found = []
        for plane in self.block.planes:
            scale = self.on.spread(self.scale, self.side.real, self.side.lanes)
            columns = [self.side.op("fmul", self.side.load(plane, place), scale) for place in places]
            found.append(transposed(self.side, columns))
        for element, *parts in zip(elements, *found, strict=True):
            self.write(self.side, parts, element)
