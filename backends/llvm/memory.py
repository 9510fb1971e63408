"""Reading and writing elements: as vectors where lanes lie side by side in memory, else lane by lane."""

from typing import final

from graphc.backends.llvm.narrow import from_memory, to_memory
from graphc.backends.llvm.registers import LINE, in_memory, in_register, part_bytes, parts_of, vector
from graphc.backends.llvm.text import Text
from graphc.backends.llvm.values import Lanes, Value
from graphc.dataclass import dataclass
from graphc.types import BOOL, NARROW, DType

__all__ = ["NEAR", "Memory", "Place"]

#: steps from lane to lane in which all that lies between is read: it costs less than lane by lane
NEAR = ("2", "3", "4")


@final
@dataclass(frozen=True, slots=True)
class Place:
    """Where an element is: an address, and how many elements further that of the next lane is.

    base     the address of a buffer
    at       elements from there, an i64: of the first lane, or of every lane
    step     from lane to lane, where `at` is of the first lane: a number or a register; "" where `at` is of every lane
    """

    base: str
    at: Value
    step: str

    @property
    def is_shared(self) -> bool:
        """Whether it is the same for all lanes."""
        return self.step == "0"


@final
@dataclass(frozen=True)
class Memory:
    """Loads and stores of `lanes`."""

    text: Text
    lanes: Lanes
    width: int

    def load(self, place: Place, dtype: DType, guard: Value | None, otherwise: Value | None) -> Value:
        """The elements, and where the guard is false `otherwise`; nothing is read there."""
        is_one = guard is None or guard.lanes == 1
        if is_one and place.step in ("0", "1"):
            address = self._guarded(self._address(place.base, place.at.one, dtype), guard)
            value = self._read(address, dtype, 1 if place.is_shared else self.width)
        elif is_one and place.step in NEAR and parts_of(dtype) == 1 and self.width > 1:
            address = self._guarded(self._address(place.base, place.at.one, dtype), guard)
            value = self._picked(int(place.step), address, dtype)
        else:
            found = []
            for lane in range(self.width):
                address = self._address(place.base, self._lane_at(place, lane), dtype)
                holds = None if guard is None else self.lanes.lane(guard, lane)
                found.append(self._read(self._guarded(address, holds), dtype, 1))
            value = self.lanes.collected(found) if len(found) > 1 else found[0]
        if guard is None:
            return value
        assert otherwise is not None, place
        return self.lanes.select(guard, value, otherwise)

    def _guarded(self, address: str, guard: Value | None) -> str:
        """The address, or where the guard is false that of some zeros."""
        if guard is None:
            return address
        return self.text.value(f"select i1 {guard.one}, ptr {address}, ptr @nothing")

    def store(self, place: Place, value: Value) -> None:
        """Write the elements of all lanes; of one lane, where all have one place."""
        if place.is_shared:
            self._write(self._address(place.base, place.at.one, value.dtype), value)
        elif place.step == "1":
            self._write(self._address(place.base, place.at.one, value.dtype), self.lanes.spread(value, self.width))
        else:
            for lane in range(self.width):
                address = self._address(place.base, self._lane_at(place, lane), value.dtype)
                self._write(address, self.lanes.lane(value, lane))

    def ask_for(self, base: str, at: str, dtype: DType, *, is_written: bool) -> None:
        """Have the lines of all lanes, from place `at` on, come nearer.  They need not exist."""
        first = self._address(base, at, dtype)
        for offset in range(0, self.width * dtype.itemsize, LINE):
            address = self.text.value(f"getelementptr i8, ptr {first}, i64 {offset}")
            self.text.do(f"call void @llvm.prefetch.p0(ptr {address}, i32 {int(is_written)}, i32 3, i32 1)")

    def _lane_at(self, place: Place, lane: int) -> str:
        if place.step == "":
            return self.lanes.lane(place.at, lane).one
        if lane == 0:
            return place.at.one
        further = self.text.value(f"mul i64 {place.step}, {lane}")
        return self.text.value(f"add i64 {place.at.one}, {further}")

    def _address(self, base: str, at: str, dtype: DType) -> str:
        if at == "0":
            return base
        type = in_memory(dtype)
        if parts_of(dtype) == 2:
            at = self.text.value(f"shl i64 {at}, 1")
        return self.text.value(f"getelementptr {type}, ptr {base}, i64 {at}")

    def _read(self, address: str, dtype: DType, count: int) -> Value:
        align = part_bytes(dtype)
        if parts_of(dtype) == 1:
            type = vector(in_memory(dtype), count)
            register = self.text.value(f"load {type}, ptr {address}, align {align}")
            return self._from_memory(register, dtype, count)
        type = in_register(dtype)
        if count == 1:
            second = self.text.value(f"getelementptr {type}, ptr {address}, i64 1")
            parts = [self.text.value(f"load {type}, ptr {part}, align {align}") for part in (address, second)]
            return Value(dtype, tuple(parts), 1)
        both = vector(type, 2 * count)
        register = self.text.value(f"load {both}, ptr {address}, align {align}")
        return Value(dtype, tuple(self._every_second(register, both, start, count) for start in (0, 1)), count)

    def _picked(self, step: int, address: str, dtype: DType) -> Value:
        """Elements `step` apart, from an address on, a register of them at a time."""
        lanes = min(self.width, LINE // part_bytes(dtype))
        starts = [self._address(address, str(lane * step), dtype) for lane in range(0, self.width, lanes)]
        return self.lanes.joined([self._register_of(step, start, dtype, lanes) for start in starts])

    def _register_of(self, step: int, address: str, dtype: DType, lanes: int) -> Value:
        """Elements `step` apart, out of vectors that end with the last of them: nothing is read behind it."""
        type, align = vector(in_memory(dtype), lanes), part_bytes(dtype)
        last = step * (lanes - 1) + 1 - lanes  # of fewer lanes than elements between two of them, others end behind it
        starts = sorted({min(number * lanes, last) for number in range(step)})
        at = [self._address(address, str(start), dtype) for start in starts]
        found, *others = [self.text.value(f"load {type}, ptr {where}, align {align}") for where in at]
        places = {lane: step * lane for lane in range(lanes) if step * lane < lanes}  # in what is found, of each lane
        for start, more in zip(starts[1:], others, strict=True):
            left = [lane for lane in range(lanes) if lane not in places and step * lane - start < lanes]
            places |= {lane: lanes + step * lane - start for lane in left}
            chosen = ", ".join(f"i32 {places[lane]}" if lane in places else "i32 poison" for lane in range(lanes))
            found = self.text.value(f"shufflevector {type} {found}, {type} {more}, <{lanes} x i32> <{chosen}>")
            places = {lane: lane for lane in places}
        return self._from_memory(found, dtype, lanes)

    def _every_second(self, register: str, both: str, start: int, count: int) -> str:
        chosen = ", ".join(f"i32 {2 * lane + start}" for lane in range(count))
        return self.text.value(f"shufflevector {both} {register}, {both} poison, <{count} x i32> <{chosen}>")

    def _from_memory(self, register: str, dtype: DType, count: int) -> Value:
        if dtype == BOOL:
            whole = vector("i8", count)
            zero = "0" if count == 1 else "zeroinitializer"
            return Value(dtype, (self.text.value(f"icmp ne {whole} {register}, {zero}"),), count)
        if dtype in NARROW:
            return from_memory(self.lanes, register, dtype, count)
        return Value(dtype, (register,), count)

    def _write(self, address: str, value: Value) -> None:
        dtype, count = value.dtype, value.lanes
        align = part_bytes(dtype)
        if parts_of(dtype) == 1:
            type = vector(in_memory(dtype), count)
            self.text.do(f"store {type} {self._to_memory(value)}, ptr {address}, align {align}")
            return
        type = in_register(dtype)
        if count == 1:
            second = self.text.value(f"getelementptr {type}, ptr {address}, i64 1")
            for part, where in zip(value.parts, (address, second), strict=True):
                self.text.do(f"store {type} {part}, ptr {where}, align {align}")
            return
        chosen = ", ".join(f"i32 {lane}, i32 {lane + count}" for lane in range(count))
        both = vector(type, 2 * count)
        real, imaginary = (f"{value.type} {part}" for part in value.parts)
        register = self.text.value(f"shufflevector {real}, {imaginary}, <{2 * count} x i32> <{chosen}>")
        self.text.do(f"store {both} {register}, ptr {address}, align {align}")

    def _to_memory(self, value: Value) -> str:
        if value.dtype == BOOL:
            return self.text.value(f"zext {value.type} {value.one} to {vector('i8', value.lanes)}")
        if value.dtype in NARROW:
            return to_memory(self.lanes, value)
        return value.one
