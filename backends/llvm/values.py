"""Values in registers: one for all lanes, or one for each."""

from collections.abc import Sequence
from math import isnan
from struct import pack, unpack
from typing import final

from graphc.backends.llvm.registers import constant, in_register, parts_of, vector
from graphc.backends.llvm.text import Text
from graphc.dataclass import dataclass
from graphc.kernel.scalar import Number
from graphc.types import DType, is_floating

__all__ = ["Lanes", "Register", "Value", "is_number"]


@final
@dataclass(frozen=True, slots=True)
class Value:
    """A value of a dtype: its parts, two for complex numbers, each a register or a constant.

    lanes   1: the same for all lanes
    """

    dtype: DType
    parts: tuple[str, ...]
    lanes: int = 1
    is_constant: bool = False

    @property
    def one(self) -> str:
        """The only part."""
        (part,) = self.parts
        return part

    @property
    def type(self) -> str:
        """The LLVM type of a part."""
        return vector(in_register(self.dtype), self.lanes)


@final
@dataclass(frozen=True)
class Lanes:
    """Instructions on values, as many lanes at once as the widest operand has."""

    text: Text

    def number(self, value: Number, dtype: DType) -> Value:
        """A constant."""
        return Value(dtype, tuple(constant(value, dtype)), 1, is_constant=True)

    def spread(self, value: Value, lanes: int) -> Value:
        """The value for each lane."""
        if value.lanes == lanes:
            return value
        type = in_register(value.dtype)
        if value.is_constant:
            return Value(value.dtype, tuple([f"splat ({type} {part})" for part in value.parts]), lanes)
        return Value(value.dtype, tuple([self._spread(part, type, lanes) for part in value.parts]), lanes)

    def _spread(self, part: str, type: str, lanes: int) -> str:
        whole = vector(type, lanes)
        first = self.text.value(f"insertelement {whole} poison, {type} {part}, i64 0")
        return self.text.value(f"shufflevector {whole} {first}, {whole} poison, {vector('i32', lanes)} zeroinitializer")

    def together(self, *values: Value) -> list[Value]:
        """All in as many lanes as the widest has."""
        lanes = max(value.lanes for value in values)
        return [self.spread(value, lanes) for value in values]

    def made(self, dtype: DType, lanes: int, *instructions: str) -> Value:
        """The value whose parts are the results of instructions."""
        return Value(dtype, tuple(map(self.text.value, instructions)), lanes)

    def binary(self, instruction: str, x: Value, y: Value) -> Value:
        """`instruction` of two values of one part, giving their dtype."""
        a, b = self.together(x, y)
        return self.made(x.dtype, a.lanes, f"{instruction} {a.type} {a.one}, {b.one}")

    def compare(self, instruction: str, x: Value, y: Value, dtype: DType) -> Value:
        """A comparison; `dtype` is that of bools."""
        a, b = self.together(x, y)
        return self.made(dtype, a.lanes, f"{instruction} {a.type} {a.one}, {b.one}")

    def negative(self, x: Value) -> Value:
        """-x of floats, zeros and nan included."""
        return self.made(x.dtype, x.lanes, f"fneg {x.type} {x.one}")

    def intrinsic(self, name: str, *values: Value) -> Value:
        """`llvm.<name>` of values of one type, giving that type."""
        wide = self.together(*values)
        first = wide[0]
        suffix = _suffix(in_register(first.dtype), first.lanes)
        operands = ", ".join(f"{value.type} {value.one}" for value in wide)
        return self.made(first.dtype, first.lanes, f"call {first.type} @llvm.{name}.{suffix}({operands})")

    def select(self, condition: Value, x: Value, y: Value) -> Value:
        """x where the condition holds, else y, part by part."""
        c, a, b = self.together(condition, x, y)
        return self.made(
            x.dtype,
            a.lanes,
            *(
                f"select {c.type} {c.one}, {a.type} {one}, {a.type} {other}"
                for one, other in zip(a.parts, b.parts, strict=True)
            ),
        )

    def any_of(self, condition: Value) -> str:
        """Whether it holds for some lane."""
        if condition.lanes == 1:
            return condition.one
        return self.text.value(f"call i1 @llvm.vector.reduce.or.v{condition.lanes}i1({condition.type} {condition.one})")

    def all_of(self, condition: Value) -> str:
        """Whether it holds for each lane."""
        return self.text.value(
            f"call i1 @llvm.vector.reduce.and.v{condition.lanes}i1({condition.type} {condition.one})"
        )

    def lane(self, value: Value, number: int) -> Value:
        """The value of one lane."""
        if value.lanes == 1:
            return value
        return self.made(value.dtype, 1, *(f"extractelement {value.type} {part}, i64 {number}" for part in value.parts))

    def part(self, value: Value, start: int, count: int) -> Value:
        """The values of `count` lanes from `start` on; any values where there are no such lanes."""
        if count == value.lanes:
            return value
        if count == 1:
            return self.lane(value, start)
        type = vector(in_register(value.dtype), count)
        if value.lanes == 1:
            whole = (f"insertelement {type} poison, {value.type} {part}, i64 0" for part in value.parts)
            return self.made(value.dtype, count, *whole)
        chosen = (f"i32 {start + lane}" if start + lane < value.lanes else "i32 poison" for lane in range(count))
        places = f"<{count} x i32> <{', '.join(chosen)}>"
        some = (f"shufflevector {value.type} {part}, {value.type} poison, {places}" for part in value.parts)
        return self.made(value.dtype, count, *some)

    def joined(self, values: Sequence[Value]) -> Value:
        """The lanes of one value behind those of another: of a power of 2 of values, with as many lanes each."""
        while len(values) > 1:
            values = [self._pair(*values[n : n + 2]) for n in range(0, len(values), 2)]
        return values[0]

    def _pair(self, first: Value, second: Value) -> Value:
        count = 2 * first.lanes
        places = f"<{count} x i32> <{', '.join(f'i32 {lane}' for lane in range(count))}>"
        pairs = zip(first.parts, second.parts, strict=True)
        both = (f"shufflevector {first.type} {x}, {first.type} {y}, {places}" for x, y in pairs)
        return self.made(first.dtype, count, *both)

    def collected(self, values: "list[Value]") -> Value:
        """A value from those of its lanes."""
        dtype = values[0].dtype
        parts = []
        for place in range(len(values[0].parts)):
            type = in_register(dtype)
            whole = vector(type, len(values))
            held = "poison"
            for number, value in enumerate(values):
                held = self.text.value(f"insertelement {whole} {held}, {type} {value.parts[place]}, i64 {number}")
            parts.append(held)
        return Value(dtype, tuple(parts), len(values))


@final
@dataclass(frozen=True)
class Register:
    """A value that changes: a place on the stack for each of its parts."""

    dtype: DType
    lanes: int
    rooms: tuple[str, ...]

    @staticmethod
    def of(text: Text, dtype: DType, lanes: int) -> "Register":
        """Room for a value."""
        type = vector(in_register(dtype), lanes)
        return Register(dtype, lanes, tuple(text.room(type) for _ in range(parts_of(dtype))))

    def read(self, lanes: Lanes) -> Value:
        """The present value."""
        type = vector(in_register(self.dtype), self.lanes)
        return lanes.made(self.dtype, self.lanes, *(f"load {type}, ptr {room}" for room in self.rooms))

    def write(self, lanes: Lanes, value: Value) -> None:
        """Set it."""
        spread = lanes.spread(value, self.lanes)
        for room, part in zip(self.rooms, spread.parts, strict=True):
            lanes.text.do(f"store {spread.type} {part}, ptr {room}")


def _suffix(type: str, lanes: int) -> str:
    short = {"float": "f32", "double": "f64"}.get(type, type)
    return short if lanes == 1 else f"v{lanes}{short}"


def is_number(value: Value) -> bool:
    """Whether a float is a constant that is not nan."""
    if not value.is_constant or not is_floating(value.dtype):
        return False
    return not isnan(unpack("<d", pack("<Q", int(value.one, 16)))[0])
