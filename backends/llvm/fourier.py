"""Discrete Fourier transforms along one axis: of complex numbers, and between real numbers and half of a spectrum."""

from collections.abc import Callable, Sequence
from dataclasses import field
from typing import TypeAlias, final

from graphc.backends.llvm.arguments import Arguments
from graphc.backends.llvm.butterflies import stages_text
from graphc.backends.llvm.chunked import Function
from graphc.backends.llvm.fourier_moves import PARAMETERS, reads_text, writes_text
from graphc.backends.llvm.fourier_plans import Number, Planner
from graphc.backends.llvm.fourier_transforms import Planes, Planned, smooth_text, transform_text
from graphc.backends.llvm.machine import Machine
from graphc.backends.llvm.module import Module
from graphc.backends.llvm.native_routine import NativeRoutine
from graphc.backends.llvm.text import Text
from graphc.backends.llvm.waves import Waves
from graphc.backends.llvm.writer import Writer
from graphc.dataclass import dataclass
from graphc.kernel.buffer import Buffer
from graphc.kernel.steps import Extern
from graphc.sizes import product
from graphc.types import DType, real_of

__all__ = ["fft", "irfft", "rfft"]

Move: TypeAlias = Callable[[DType, Machine, int], str]


def fft(step: Extern, module: Module) -> NativeRoutine:
    """Of complex numbers, as many as there were.  The inverse is that of numbers with their parts exchanged."""
    steps = _Steps(step, module, step.reads[0])
    inverse = bool(dict(step.options).get("inverse", False))

    def one(block: "_Work") -> None:
        planes = block.rows(block.source, steps.length)
        block.read(_ordered(planes, inverse), steps.length)
        block.write(_ordered(block.rows(block.transform(), steps.length), inverse), steps.length)

    return steps.routine(one)


def _ordered(planes: Planes, is_exchanged: bool) -> Planes:
    return (planes[1], planes[0]) if is_exchanged else planes


def rfft(step: Extern, module: Module) -> NativeRoutine:
    """Of n real numbers, n // 2 + 1 complex ones: those of an even number as the parts of half as many complex ones."""
    steps = _Steps(step, module, step.reads[0])
    on, length = steps.on, steps.length

    def one(block: "_Work") -> None:
        planes = block.rows(block.source, length)
        made = steps.planned.number(Number.IS_HALF)
        with on.either(on.op("icmp ne", made, "0")) as choice:
            block.read_pairs(planes, length)
            found = block.transform()
            spectrum = block.other_than(found)
            count = on.add(length, "1")
            _untangled(steps.planned, block.rows(found, length), block.rows(spectrum, count), block.width)
            block.write(block.rows(spectrum, count), count)
            choice.otherwise()
            block.read((planes[0],), length)
            on.clear(planes[1], on.mul(on.mul(length, block.width), str(steps.dtype.itemsize)))
            block.write(block.rows(block.transform(), length), on.add(on.op("lshr", length, "1"), "1"))

    return steps.routine(one)


def irfft(step: Extern, module: Module) -> NativeRoutine:
    """Of n // 2 + 1 complex numbers, n real ones."""
    steps = _Steps(step, module, step.writes[0])
    on, length = steps.on, steps.length

    def one(block: "_Work") -> None:
        count = on.add(on.op("lshr", steps.planned.number(Number.EXTENT), "1"), "1")
        spectrum, planes = block.rows(block.target, count), block.rows(block.source, length)
        block.read(spectrum, count)
        with on.either(on.op("icmp ne", steps.planned.number(Number.IS_HALF), "0")) as choice:
            _tangled(steps.planned, spectrum, planes, block.width)
            block.write_pairs(_ordered(block.rows(block.transform(), length), True), length)
            choice.otherwise()
            _mirrored(steps.planned, spectrum, planes, block.width)
            block.write((block.rows(block.transform(), length)[1],), length)

    return steps.routine(one)


# Half of a spectrum.


def _untangled(planned: Planned, z: Planes, x: Planes, width: str) -> None:
    """The spectrum of real numbers, from that of the even ones with i times the odd ones.

    x[k] = e + w^k o and x[h - k] = conj(e - w^k o), with 2 e = z[k] + conj z[h - k] and 2i o = z[k] - conj z[h - k].
    """
    on = planned.on
    h = planned.number(Number.LENGTH)
    turns = planned.table(Number.HALF_TURNS, on.add(h, "1"))

    def row(waves: Waves, k: str, place: Callable[[str], str]) -> None:
        opposite = on.sub(h, k)
        first = waves.read(z, place(k))
        other = on.chosen(on.op("icmp eq", k, "0"), "0", opposite)
        second = waves.conjugate(waves.read(z, place(other)))
        half = waves.number(0.5)
        even = waves.times(waves.add(first, second), half)
        real, imaginary = waves.times(waves.sub(first, second), half)
        odd = imaginary, waves.opposite(real)
        turned = waves.mul(odd, (waves.spread(turns[0], k), waves.spread(turns[1], k)))
        waves.write(waves.conjugate(waves.sub(even, turned)), x, place(opposite))
        waves.write(waves.add(even, turned), x, place(k))

    planned.each("0", on.add(on.op("lshr", h, "1"), "1"), width, row)


def _tangled(planned: Planned, x: Planes, z: Planes, width: str) -> None:
    """The other way, without the halves, and with both parts exchanged: for the inverse transform."""
    on = planned.on
    h = planned.number(Number.LENGTH)
    turns = planned.table(Number.HALF_TURNS, on.add(h, "1"))

    def ends(waves: Waves, k: str, place: Callable[[str], str]) -> None:
        first, last = waves.load(x[0], place(k)), waves.load(x[0], place(h))  # imaginary parts have no meaning
        waves.write((waves.op("fsub", first, last), waves.op("fadd", first, last)), z, place(k))

    def row(waves: Waves, k: str, place: Callable[[str], str]) -> None:
        opposite = on.sub(h, k)
        first, second = waves.read(x, place(k)), waves.conjugate(waves.read(x, place(opposite)))
        even = waves.add(first, second)
        back = waves.conjugate((waves.spread(turns[0], k), waves.spread(turns[1], k)))
        odd = waves.mul(waves.sub(first, second), back)
        real, imaginary = waves.more_turned(waves.conjugate(even), waves.conjugate(odd))
        waves.write((imaginary, real), z, place(opposite))
        real, imaginary = waves.more_turned(even, odd)
        waves.write((imaginary, real), z, place(k))

    planned.each("0", "1", width, ends)
    planned.each("1", on.add(on.op("lshr", h, "1"), "1"), width, row)


def _mirrored(planned: Planned, x: Planes, z: Planes, width: str) -> None:
    """A whole spectrum of an odd number of real numbers from half of it, with both parts exchanged."""
    on = planned.on
    n = planned.number(Number.LENGTH)

    def first(waves: Waves, k: str, place: Callable[[str], str]) -> None:
        waves.write((waves.number(0.0), waves.load(x[0], place(k))), z, place(k))

    def row(waves: Waves, k: str, place: Callable[[str], str]) -> None:
        real, imaginary = waves.read(x, place(k))
        waves.write((imaginary, real), z, place(k))
        waves.write((waves.opposite(imaginary), real), z, place(on.sub(n, k)))

    planned.each("0", "1", width, first)
    planned.each("1", on.add(on.op("lshr", n, "1"), "1"), width, row)


# All transforms of a step.


@final
@dataclass
class _Steps:
    """Writes a step: block after block.  `full` is the one of its arrays that has all n elements of the axis."""

    step: Extern
    module: Module
    full: Buffer
    dtype: DType = field(init=False)
    planned: Planned = field(init=False)
    planner: Planner = field(init=False)
    length: str = field(init=False)

    def __post_init__(self) -> None:
        self.dtype = real_of(self.full.dtype)
        self.planned = Planned(self.dtype, self.module.machine)
        axis = len(self.full.shape) + int(dict(self.step.options).get("axis", -1))
        shape = self.full.shape
        given, made = (buffer.shape[axis] for buffer in (*self.step.reads, *self.step.writes))
        sizes = (shape[axis], product(shape[:axis]), product(shape[axis + 1 :]), given, made)
        is_real = self.full.dtype == self.dtype
        self.planner = Planner(sizes, is_real, self.dtype, self.planned.waves.lanes)
        self.planned.plan = self.on.arguments.plan(self.planner)
        self.length = self.planned.number(Number.LENGTH)

    @property
    def on(self) -> Writer:
        return self.planned.on

    def named(self, text: str) -> str:
        """The name of a function that all transforms of the module share."""
        return self.module.named(Function(text, Arguments(Text())), ())

    def routine(self, one: "Callable[[_Work], None]") -> NativeRoutine:
        """The whole function, which runs `one` for each block."""
        on, planned = self.on, self.planned
        machine, dtype = self.module.machine, self.dtype
        stages = self.named(stages_text(dtype, machine))
        smooth = self.named(smooth_text(dtype, machine, stages))
        transform = self.named(transform_text(dtype, machine, smooth))
        item = str(dtype.itemsize)
        room, small = planned.number(Number.ROOM), planned.number(Number.SMALL_ROOM)
        work = planned.address(Number.WORK)
        is_kept = on.op("icmp ne", work, "null", "ptr")
        taken = on.taken(on.chosen(is_kept, "0", on.mul(on.mul(on.add(room, small), "2"), item)))
        source = on.chosen(is_kept, work, taken, "ptr")
        target = on.at(planned.waves.real, source, room)
        width, members = planned.number(Number.BLOCK), planned.number(Number.MEMBERS)
        blocks, per_chunk = planned.number(Number.BLOCKS), planned.number(Number.PER_CHUNK)
        first = on.mul("%chunk", per_chunk)
        last = on.least(on.add(first, per_chunk), planned.number(Number.ALL_BLOCKS))
        with on.text.loop(first, last) as number:
            member = on.mul(on.op("srem", number, blocks), width)
            count = on.least(width, on.sub(members, member))
            with on.text.when(on.op("icmp slt", count, width)):  # what is not transformed is no number of any kind
                on.clear(source, on.mul(on.mul(room, "2"), item))
            places = source, target, on.at(planned.waves.real, target, room)
            one(_Work(self, transform, places, (on.op("sdiv", number, blocks), member), count, width))
        return NativeRoutine(Function(on.function(), on.arguments), self.planner, self.planner.bytes, 0)


@final
@dataclass(frozen=True)
class _Work:
    """Writes what is done to a block: between the arrays of a step and two places for planes.

    at      the group that it belongs to, and its first member
    count   members; `width` columns, as many or more
    """

    steps: _Steps
    transformed: str
    places: tuple[str, str, str]
    at: tuple[str, str]
    count: str
    width: str

    @property
    def source(self) -> str:
        """The place that a transform begins in."""
        return self.places[0]

    @property
    def target(self) -> str:
        return self.places[1]

    def rows(self, place: str, rows: str) -> Planes:
        """Planes of so many rows."""
        return self.steps.planned.planes(place, rows, self.width)

    def other_than(self, place: str) -> str:
        """The other place."""
        on = self.steps.on
        return on.chosen(on.op("icmp eq", place, self.source, "ptr"), self.target, self.source, "ptr")

    def transform(self) -> str:
        """Transform what is in `source`; the place of the result."""
        plan = self.steps.planned.plan
        return self.steps.on.text.value(
            f"call ptr @{self.transformed}(ptr {plan}, {', '.join(f'ptr {place}' for place in self.places)})"
        )

    # Arrays.

    def read(self, planes: Sequence[str], count: str) -> None:
        """So many elements of each."""
        along, across, base = self._given(len(planes))
        self._move(reads_text, base, along, across, planes, count)

    def write(self, planes: Sequence[str], count: str) -> None:
        """The same, divided by powers of √n."""
        along, across, base = self._made(len(planes))
        self._move(writes_text, base, along, across, planes, count)

    def read_pairs(self, planes: Planes, count: str) -> None:
        """So many pairs of real numbers, as complex ones."""
        self._move_pairs(reads_text, self._given(1), planes, count)

    def write_pairs(self, planes: Planes, count: str) -> None:
        """The other way."""
        self._move_pairs(writes_text, self._made(1), planes, count)

    def _move_pairs(self, text: Move, at: tuple[str, str, str], planes: Planes, count: str) -> None:
        """Pairs that lie side by side are complex numbers; others are every second element, twice."""
        on = self.steps.on
        along, across, base = at
        with on.either(on.op("icmp eq", along, "1")) as choice:
            self._move(text, base, along, on.op("lshr", across, "1"), planes, count)
            choice.otherwise()
            second = on.at(self.steps.planned.waves.real, base, along)
            for plane, first in zip(planes, (base, second), strict=True):
                self._move(text, first, on.mul(along, "2"), across, (plane,), count)

    def _move(self, text: Move, base: str, along: str, across: str, planes: Sequence[str], count: str) -> None:
        steps, planned = self.steps, self.steps.planned
        name = steps.named(text(steps.dtype, steps.module.machine, len(planes)))
        roots = str(int(dict(steps.step.options).get("roots", 0)))
        scale = steps.on.load(planned.waves.real, planned.address(Number.SCALES), roots)
        given = [base, along, across, planes[0], planes[-1], self.count, self.width, count, scale]
        types = [parameter.split()[0] for parameter in PARAMETERS.format(real=planned.waves.real).split(", ")]
        listed = ", ".join(f"{type} {value}" for type, value in zip(types, given, strict=True))
        steps.on.text.do(f"call void @{name}({listed})")

    def _given(self, parts: int) -> tuple[str, str, str]:
        """Steps along and across, and the first element, whose parts are counted one by one."""
        numbers = Number.IN_ALONG, Number.IN_ACROSS, Number.IN_GROUP
        return self._first(self.steps.step.reads[0], numbers, parts)

    def _made(self, parts: int) -> tuple[str, str, str]:
        numbers = Number.OUT_ALONG, Number.OUT_ACROSS, Number.OUT_GROUP
        return self._first(self.steps.step.writes[0], numbers, parts)

    def _first(self, buffer: Buffer, numbers: tuple[Number, ...], parts: int) -> tuple[str, str, str]:
        on, planned = self.steps.on, self.steps.planned
        along, across, group = map(planned.number, numbers)
        place = on.add(on.mul(self.at[0], group), on.mul(self.at[1], across))
        return along, across, on.at(planned.waves.real, on.array(buffer), on.mul(place, str(parts)))
