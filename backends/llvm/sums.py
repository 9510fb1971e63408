"""Accumulators of folds whose order shows: the element at a place of a run goes to one of them, however it is met.

The rule is that of `graphc.kernel.summing`.
"""

from collections.abc import Sequence
from typing import final

from graphc.backends.llvm.casts import cast
from graphc.backends.llvm.effects import combined, joined
from graphc.backends.llvm.memory import Memory, Place
from graphc.backends.llvm.registers import in_register, parts_of
from graphc.backends.llvm.scope import Scope
from graphc.backends.llvm.scratch import ALIGNED
from graphc.backends.llvm.values import Lanes, Register, Value
from graphc.dataclass import dataclass
from graphc.kernel.monoids import Monoid, start_of
from graphc.kernel.scalar import Axis
from graphc.sizes import Size, product
from graphc.types import INT64, DType

__all__ = ["Accumulators", "Terms", "is_aligned"]


@final
@dataclass
class Accumulators:
    """Accumulators in memory, and behind them room for a vector of lanes that go on from the first one again.

    run      the axes of the run, in order
    count    a power of two
    rows     that lie side by side in lanes, each with accumulators of its own
    address  of the first one; none where a register has them from beginning to end
    mirror   what has their values while vectors of as many lanes are added
    turned   how many lanes further than it stands an element of such a vector belongs
    """

    monoid: Monoid
    dtype: DType
    run: tuple[Axis, ...]
    count: int
    rows: int
    address: str
    mirror: Register | None = None
    turned: int = 0

    @staticmethod
    def of(scope: Scope, monoid: Monoid, dtype: DType, run: tuple[Axis, ...], count: int, rows: int) -> "Accumulators":
        """New ones, at their start."""
        size = (2 if rows == 1 else 1) * count * rows * parts_of(dtype)
        address = scope.text.early(f"alloca [{size} x {in_register(dtype)}], align {ALIGNED}")
        made = Accumulators(monoid, dtype, run, count, rows, address)
        made.clear(scope)
        return made

    @staticmethod
    def in_register(scope: Scope, monoid: Monoid, dtype: DType, run: tuple[Axis, ...], count: int) -> "Accumulators":
        """New ones, of a run that is walked in vectors of as many lanes."""
        mirror = Register.of(scope.text, dtype, count)
        mirror.write(scope.lanes, scope.lanes.number(start_of(monoid, dtype), dtype))
        return Accumulators(monoid, dtype, run, count, 1, "", mirror)

    def clear(self, scope: Scope) -> None:
        """All are at their start."""
        start = scope.lanes.number(start_of(self.monoid, self.dtype), self.dtype)
        if self.rows == 1:
            for first in (0, self.count):
                self._write(scope, str(first), self.count, start)
            return
        with scope.text.loop("0", str(self.count)) as number:
            self._write(scope, self._scaled(scope, number), self.rows, start)

    def is_aligned(self, lane: Axis) -> bool:
        """Whether vectors along an axis that begin at a multiple of their length never go on from the first one."""
        return is_aligned(self.run, self.count, lane)

    def take(self, scope: Scope, value: Value, mask: Value | None) -> None:
        """Take in the values of all lanes that `mask` lets in."""
        lanes = scope.lanes
        start = lanes.number(start_of(self.monoid, self.dtype), self.dtype)
        value = cast(lanes, value, self.dtype)
        if mask is not None:
            value = lanes.select(mask, value, start)
        if self.mirror is not None:
            value = turned(lanes, value, self.turned) if self.turned else value
            self.mirror.write(lanes, combined(lanes, self.monoid, self.mirror.read(lanes), value))
            return
        place = self._place(scope)
        if self.rows > 1:
            place = self._scaled(scope, place)
        self.combine(scope, place, lanes.spread(value, scope.width))
        if self.rows == 1 and scope.width > 1 and scope.lane is not None and not self.is_aligned(scope.lane):
            self.settle(scope, scope.width)

    def combine(self, scope: Scope, place: str, value: Value) -> None:
        """Take in values from an accumulator on."""
        before = self._read(scope, place, value.lanes)
        self._write(scope, place, value.lanes, combined(scope.lanes, self.monoid, before, value))

    def settle(self, scope: Scope, width: int) -> None:
        """What went beyond the last accumulator belongs to the first ones."""
        lanes = scope.lanes
        parts = [self._read(scope, at, width) for at in ("0", str(self.count))]
        self._write(scope, "0", width, combined(lanes, self.monoid, *parts))
        start = lanes.number(start_of(self.monoid, self.dtype), self.dtype)
        self._write(scope, str(self.count), width, start)

    def begin_mirror(self, scope: Scope) -> None:
        """From here on a register has their values."""
        if not self.address:
            return
        mirror = Register.of(scope.text, self.dtype, self.count)
        mirror.write(scope.lanes, self._read(scope, "0", self.count))
        self.mirror = mirror

    def end_mirror(self, scope: Scope) -> None:
        """They have them again."""
        if not self.address:
            return
        assert self.mirror is not None, self
        self._write(scope, "0", self.count, self.mirror.read(scope.lanes))
        self.mirror = None

    def add(self, scope: Scope, others: "Accumulators") -> None:
        """Those of a block are added, each to its own, and start again."""
        if self.rows == 1:
            parts = [one._read(scope, "0", self.count) for one in (self, others)]
            self._write(scope, "0", self.count, combined(scope.lanes, self.monoid, *parts))
        else:
            with scope.text.loop("0", str(self.count)) as number:
                place = self._scaled(scope, number)
                parts = [one._read(scope, place, self.rows) for one in (self, others)]
                self._write(scope, place, self.rows, combined(scope.lanes, self.monoid, *parts))
        others.clear(scope)

    def joined(self, scope: Scope) -> Value:
        """All as one, or as one of each row: halves onto halves."""
        if self.mirror is not None:
            return joined(scope.lanes, self.monoid, self.mirror.read(scope.lanes))
        if self.rows == 1:
            return joined(scope.lanes, self.monoid, self._read(scope, "0", self.count))
        count = self.count
        while count > 1:
            count //= 2
            with scope.text.loop("0", str(count)) as number:
                upper = scope.text.value(f"add i64 {number}, {count}")
                places = [self._scaled(scope, n) for n in (number, upper)]
                parts = [self._read(scope, place, self.rows) for place in places]
                self._write(scope, places[0], self.rows, combined(scope.lanes, self.monoid, *parts))
        return self._read(scope, "0", self.rows)

    # Places.

    def _place(self, scope: Scope) -> str:
        """The accumulator of the first lane."""
        text, total = scope.text, "0"
        for axis, step in zip(self.run, steps_of(self.run), strict=True):
            part = scope.counters[axis]
            if step != 1:
                part = text.value(f"mul i64 {part}, {scope.arguments.number(step)}")
            total = part if total == "0" else text.value(f"add i64 {total}, {part}")
        return text.value(f"and i64 {total}, {self.count - 1}")

    def _scaled(self, scope: Scope, number: str) -> str:
        return scope.text.value(f"mul i64 {number}, {self.rows}")

    def _read(self, scope: Scope, at: str, width: int) -> Value:
        memory = Memory(scope.text, scope.lanes, width)
        return memory.load(self._at(at, width), self.dtype, None, None)

    def _write(self, scope: Scope, at: str, width: int, value: Value) -> None:
        Memory(scope.text, scope.lanes, width).store(self._at(at, width), value)

    def _at(self, at: str, width: int) -> Place:
        return Place(self.address, Value(INT64, (at,)), "1" if width > 1 else "0")


@final
@dataclass(frozen=True)
class Terms:
    """What a total adds up, each at its place, until all are there.

    axes     of all points, in order
    address  of the first one
    """

    dtype: DType
    axes: tuple[Axis, ...]
    address: str

    def take(self, scope: Scope, value: Value) -> None:
        """Keep the terms of all lanes."""
        text, place, step = scope.text, "0", "0"
        for axis, size in zip(self.axes, steps_of(self.axes), strict=True):
            further = scope.arguments.number(size)
            if axis is scope.lane and scope.width > 1:
                step = further
            place = text.value(f"add i64 {place}, {text.value(f'mul i64 {scope.counters[axis]}, {further}')}")
        scope.memory.store(Place(self.address, Value(INT64, (place,)), step), cast(scope.lanes, value, self.dtype))

    def added_up(self, scope: Scope, monoid: Monoid, count: int, block: Size) -> Value:
        """The total, in blocks of so many terms."""
        text, last = scope.text, scope.arguments.number(product(axis.extent for axis in self.axes))
        total, part = (Accumulators.of(scope, monoid, self.dtype, self.axes, count, 1) for _ in range(2))
        with text.loop("0", last, scope.arguments.number(block)) as start:
            end = text.least(text.value(f"add nsw i64 {start}, {scope.arguments.number(block)}"), last)
            whole = text.value(f"and i64 {text.value(f'sub i64 {end}, {start}')}, {-count}")
            whole = text.value(f"add i64 {start}, {whole}")
            with text.loop(start, whole, count) as place:
                part.combine(scope, "0", self._loaded(scope, place, count))
            with text.loop(whole, end) as place:
                part.combine(scope, text.value(f"sub i64 {place}, {whole}"), self._loaded(scope, place, 1))
            total.add(scope, part)
        return total.joined(scope)

    def _loaded(self, scope: Scope, place: str, width: int) -> Value:
        at = Place(self.address, Value(INT64, (place,)), "1" if width > 1 else "0")
        return Memory(scope.text, scope.lanes, width).load(at, self.dtype, None, None)


def is_aligned(run: Sequence[Axis], count: int, lane: Axis) -> bool:
    """Whether vectors along an axis that begin at a multiple of their length stay within `count` accumulators."""
    return run[-1] is lane and all(isinstance(step, int) and step % count == 0 for step in steps_of(run)[:-1])


def steps_of(run: Sequence[Axis]) -> Sequence[Size]:
    """How many places of a run one step along each of its axes goes."""
    return [product(axis.extent for axis in run[n:]) for n in range(1, len(run) + 1)]


def turned(lanes: Lanes, value: Value, by: int) -> Value:
    """Each lane so many lanes further; the last ones come first."""
    chosen = ", ".join(f"i32 {(lane - by) % value.lanes}" for lane in range(value.lanes))
    moved = (
        f"shufflevector {value.type} {part}, {value.type} poison, <{value.lanes} x i32> <{chosen}>"
        for part in value.parts
    )
    return lanes.made(value.dtype, value.lanes, *moved)
