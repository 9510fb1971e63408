"""Where a kernel is in its loops: the counters, the lanes, and the values that are known there."""

from collections.abc import Iterable, Mapping
from dataclasses import field, replace
from typing import TypeAlias, final

from graphc.backends.llvm.arguments import Arguments
from graphc.backends.llvm.calls import called
from graphc.backends.llvm.casts import cast
from graphc.backends.llvm.following import Following
from graphc.backends.llvm.integers import divided_place
from graphc.backends.llvm.memory import Memory, Place
from graphc.backends.llvm.shortcuts import Shortcut
from graphc.backends.llvm.text import Text
from graphc.backends.llvm.values import Lanes, Register, Value
from graphc.dataclass import dataclass
from graphc.kernel.accesses import Access
from graphc.kernel.buffer import Buffer
from graphc.kernel.scalar import Axis, AxisIndex, Call, Const, Fn, Let, Load, SizeValue
from graphc.kernel.stages import StagePlan
from graphc.sizes import Size
from graphc.types import INT64

__all__ = ["Home", "Known", "Scope"]

Known: TypeAlias = dict[tuple[StagePlan, int], Value]  # values of lets of stages


@final
@dataclass(frozen=True)
class Home:
    """Where a local with several elements is: an address, and how many rows lie side by side there."""

    address: str
    rows: int


@final
@dataclass
class Scope:
    """A point of the loops.

    homes     of locals with several elements
    shortcuts lets that the processor has a faster way for
    counters  the place along each axis: of the first lane along that of lanes
    known     values of lets
    locals    values of locals of one element
    lane      the axis along which lanes lie, and `width` how many
    """

    text: Text
    arguments: Arguments
    homes: Mapping[Buffer, Home]
    shortcuts: Mapping[StagePlan, Mapping[int, Shortcut]] = field(default_factory=dict)
    counters: Mapping[Axis, str] = field(default_factory=dict)
    known: Known = field(default_factory=dict)
    locals: dict[Buffer, Value] = field(default_factory=dict)
    lane: Axis | None = None
    width: int = 1

    @property
    def lanes(self) -> Lanes:
        """Instructions on its values."""
        return Lanes(self.text)

    @property
    def memory(self) -> Memory:
        """Loads and stores of its lanes."""
        return Memory(self.text, self.lanes, self.width)

    def at(self, axis: Axis, counter: str) -> "Scope":
        """The scope at a point of a loop over an axis."""
        return replace(self, counters={**self.counters, axis: counter}, known=dict(self.known))

    def along(self, axis: Axis, counter: str, width: int) -> "Scope":
        """The scope at `width` points of an axis, side by side."""
        inside = self.at(axis, counter)
        return replace(inside, lane=axis if width > 1 else self.lane, width=max(width, self.width))

    def row(self) -> "Scope":
        """The scope of a row, which has locals of its own."""
        return replace(self, locals={}, known=dict(self.known))

    # Values.

    def compute(self, stage: StagePlan, numbers: Iterable[int]) -> None:
        """The values of lets of a stage, in order."""
        for number in numbers:
            if (stage, number) not in self.known and number not in stage.sunk:
                self._add(stage, number)

    def _add(self, stage: StagePlan, number: int) -> None:
        inside = stage.rare.get(number)
        if inside:
            self.known[stage, number] = self._rarely(stage, number, inside)
        else:
            self.known[stage, number] = self._value(stage, number, stage.stage.lets[number])

    def _rarely(self, stage: StagePlan, number: int, inside: Iterable[int]) -> Value:
        """A choice; what only the rare one needs is computed where some lane asks for it."""
        let = stage.stage.lets[number]
        assert isinstance(let, Call), let
        condition, rare, usual = let.args
        holds, value = self.value(stage, condition), self.value(stage, usual)
        lanes = self.lanes
        wide = max(holds.lanes, self.width if self.lane is not None else 1)
        result = Register.of(self.text, let.dtype, wide)
        result.write(lanes, value)
        with self.text.when(lanes.any_of(holds)):
            branch = replace(self, known=dict(self.known))
            for other in inside:
                branch._add(stage, other)
            result.write(lanes, lanes.select(holds, branch.value(stage, rare), value))
        return result.read(lanes)

    def value(self, stage: StagePlan, number: int) -> Value:
        """The value of a let that was computed."""
        return self.known[stage, number]

    def _value(self, stage: StagePlan, number: int, let: Let) -> Value:
        affine = stage.affine[number]
        if affine is not None:
            return self._index(dict(affine.terms), affine.offset)
        match let:
            case Const():
                return self.lanes.number(let.value, let.dtype)
            case SizeValue():
                return cast(self.lanes, self._index({}, let.size), let.dtype)
            case Load(guard=guard, otherwise=otherwise):
                if let.buffer in self.locals:
                    return self.locals[let.buffer]
                place = self.place(stage, stage.loads[number])
                holds = None if guard is None else self.value(stage, guard)
                other = None if otherwise is None else self.value(stage, otherwise)
                return self.memory.load(place, let.buffer.dtype, holds, other)
            case Call() if number in self.shortcuts.get(stage, {}):
                shortcut = self.shortcuts[stage][number]
                return shortcut.of(self.lanes, *[self.value(stage, n) for n in shortcut.operands])
            case Call(fn=Fn.FLOORDIV, args=(place, by)) if (divisor := _divisor(stage, place, by)) is not None:
                return divided_place(self.lanes, self.value(stage, place), divisor)
            case Call():
                return called(self.lanes, let.fn, [self.value(stage, n) for n in let.args], let.dtype)
            case AxisIndex():
                raise AssertionError(let)  # is affine

    def _index(self, terms: Mapping[Axis, Size], offset: Size) -> Value:
        """An affine index as a number, for each lane."""
        if not terms:
            return Value(INT64, (self.arguments.number(offset),), is_constant=isinstance(offset, int))
        first = Value(INT64, (self._first(terms, offset),))
        step = self._step(terms)
        if step == 0:
            return first
        lanes = self.lanes
        each = Value(INT64, (f"<{', '.join(f'i64 {n}' for n in range(self.width))}>",), self.width)
        if step != 1:
            each = lanes.binary("mul", each, Value(INT64, (self.arguments.number(step),)))
        return lanes.binary("add", first, each)

    def _step(self, terms: Mapping[Axis, Size]) -> Size:
        """How far it is from lane to lane."""
        return 0 if self.lane is None or self.width == 1 else terms.get(self.lane, 0)

    def _first(self, terms: Mapping[Axis, Size], offset: Size) -> str:
        """offset + sum of axis * step at the first lane, as an i64."""
        total = self.arguments.number(offset)
        for axis, step in terms.items():
            counter = self.counters[axis]
            factor = self.arguments.number(step)
            part = counter if factor == "1" else self.text.value(f"mul i64 {counter}, {factor}")
            total = part if total == "0" else self.text.value(f"add i64 {total}, {part}")
        return total

    def place(self, stage: StagePlan, access: Access) -> Place:
        """Where an access goes."""
        at = Value(INT64, (self._first(access.terms, access.offset),))
        step = self._step(access.terms)
        home = self.homes.get(access.buffer)
        if home is not None:
            if home.rows > 1:
                at = self.lanes.binary("mul", at, Value(INT64, (str(home.rows),)))
                return Place(home.address, at, "1")
            base = home.address
        else:
            base = self.arguments.pointer(access.buffer)
        if not access.data:
            return Place(base, at, self.arguments.number(step))
        lanes = self.lanes
        parts = [(cast(lanes, self.value(stage, number), INT64), stride) for number, stride in access.data]
        is_one = all(part.lanes == 1 for part, _ in parts)  # for all lanes
        if step != 0 and not is_one:
            at = self._index(access.terms, access.offset)
        for part, stride in parts:
            by = Value(INT64, (self.arguments.number(stride),))
            at = lanes.binary("add", at, part if stride == 1 else lanes.binary("mul", part, by))
        return Place(base, at, self.arguments.number(step) if is_one else "")

    def ask_for(self, following: Following | None) -> None:
        """Have the places of the lanes in the row that follows come nearer."""
        if following is None:
            return
        for accesses, is_written in ((following.read, False), (following.written, True)):
            for access in accesses:
                at = self._first(access.terms, access.offset + following.ahead * access.step(following.axis))
                self.memory.ask_for(
                    self.arguments.pointer(access.buffer), at, access.buffer.dtype, is_written=is_written
                )


def _divisor(stage: StagePlan, place: int, by: int) -> int | None:
    """What a sum of axes of 31 bits is divided by; None for what is no such sum, or not divided by a number."""
    form, divisor = stage.affine[place], stage.affine[by]
    if form is None or divisor is None or divisor.terms or not isinstance(divisor.offset, int):
        return None
    least = most = form.offset
    for axis, step in form.terms:
        if not isinstance(axis.extent, int) or not isinstance(step, int):
            return None
        reach = (axis.extent - 1) * step
        least, most = least + min(reach, 0), most + max(reach, 0)
    if not isinstance(least, int) or not isinstance(most, int):
        return None
    return divisor.offset if least >= 0 and most < 2**31 and 0 < divisor.offset < 2**31 else None
