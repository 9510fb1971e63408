"""Arrays that lie crosswise to the lanes: before a block of rows is made, what it reads of them is turned over.

Squares are turned in registers, and lie on the stack until the rows are done: there lanes of a row are side by side.
Without that each element is read alone, and lines that are a power of two apart push each other out of the first cache
before all of their elements are read.
"""

from collections.abc import Mapping
from dataclasses import field
from typing import TypeAlias, final

from graphc.backends.llvm.along import Along
from graphc.backends.llvm.memory import Place
from graphc.backends.llvm.registers import LINE, in_memory, part_bytes, parts_of, vector
from graphc.backends.llvm.scope import Scope
from graphc.backends.llvm.squares import turned
from graphc.backends.llvm.values import Value
from graphc.dataclass import dataclass
from graphc.kernel.accesses import Access
from graphc.kernel.buffer import Role
from graphc.kernel.scalar import Axis, Load
from graphc.kernel.stages import StagePlan
from graphc.types import INT64

__all__ = ["Crosswise"]

SMALLEST = 4  # bytes of an element: of smaller ones squares would be much smaller than a vector of what is computed
AHEAD = 2  # blocks of rows: their lines are asked for

Read: TypeAlias = tuple[StagePlan, int]  # a let of a stage


@final
@dataclass(frozen=True)
class Crosswise:
    """What a block of rows reads crosswise of a strip of lanes.

    row, place  the first row, and the first lane
    lanes       how many the strip has at most
    rooms       what is read -> the address of its lanes: of one vector before the strip, and of the strip, row by row
    """

    walk: Along
    row: str
    place: str
    lanes: int
    rooms: Mapping[Read, str] = field(init=False)

    def __post_init__(self) -> None:
        plan, rooms = self.walk.plan, {}
        assert plan.blocked is not None, plan
        assert plan.lane is not None, plan
        for stage in plan.stages:
            for number, access in stage.loads.items():
                if number not in stage.sunk and _is_crosswise(stage, number, plan.blocked, plan.lane):
                    type = f"[{plan.block * self._length} x {in_memory(access.buffer.dtype)}]"
                    rooms[stage, number] = self.walk.text.early(f"alloca {type}, align {LINE}")
        object.__setattr__(self, "rooms", rooms)

    def turn(self, scope: Scope, mask: Value | None) -> None:
        """The lanes of a scope, which is at the first row, of all rows.  Single ones are read where they are."""
        if scope.width > 1:
            for (stage, number), room in self.rooms.items():
                self._turn(scope, stage, stage.loads[number], room)

    def read(self, scope: Scope) -> None:
        """What was turned over becomes known in a scope, which is at one of the rows."""
        text, plan = self.walk.text, self.walk.plan
        if scope.width == 1 or not self.rooms:
            return
        assert plan.blocked is not None, plan
        row = text.value(f"sub i64 {scope.counters[plan.blocked]}, {self.row}")
        at = text.value(f"add i64 {text.value(f'mul i64 {row}, {self._length}')}, {self._lane(scope)}")
        for (stage, number), room in self.rooms.items():
            place, dtype = Place(room, Value(INT64, (at,)), "1"), stage.loads[number].buffer.dtype
            scope.known[stage, number] = scope.memory.load(place, dtype, None, None)

    @property
    def _length(self) -> int:
        """The lanes of a row.  The last vector of a short strip begins before it, see `Along`."""
        return self.walk.width + self.lanes

    def _lane(self, scope: Scope) -> str:
        """The first lane of a scope, in a row."""
        text, lane = self.walk.text, self.walk.plan.lane
        assert lane is not None, self.walk.plan
        return text.value(f"add i64 {text.value(f'sub i64 {scope.counters[lane]}, {self.place}')}, {self.walk.width}")

    def _turn(self, scope: Scope, stage: StagePlan, access: Access, room: str) -> None:
        text, rows, width = self.walk.text, self.walk.plan.block, scope.width
        type, bytes = in_memory(access.buffer.dtype), part_bytes(access.buffer.dtype)
        size = min(rows, width, self.walk.bytes // bytes)
        square, to = vector(type, size), self._lane(scope)
        source = scope.place(stage, access)
        for lane in range(0, width, size):
            for row in range(0, rows, size):
                found = []
                for step in range(lane, lane + size):
                    further = text.value(f"mul i64 {source.step}, {step}")
                    at = text.value(f"add i64 {text.value(f'add i64 {source.at.one}, {further}')}, {row}")
                    address = text.value(f"getelementptr {type}, ptr {source.base}, i64 {at}")
                    ahead = text.value(f"getelementptr {type}, ptr {address}, i64 {AHEAD * rows}")
                    text.do(f"call void @llvm.prefetch.p0(ptr {ahead}, i32 0, i32 2, i32 1)")
                    found.append(text.value(f"load {square}, ptr {address}, align {bytes}"))
                for number, lanes in enumerate(turned(text, type, bytes, found), start=row):
                    at = text.value(f"add i64 {to}, {number * self._length + lane}")
                    there = text.value(f"getelementptr {type}, ptr {room}, i64 {at}")
                    text.do(f"store {square} {lanes}, ptr {there}, align {bytes}")


def _is_crosswise(stage: StagePlan, number: int, axis: Axis, lane: Axis) -> bool:
    """Whether a let reads elements that lie side by side along the rows, and apart along the lanes."""
    let, access = stage.stage.lets[number], stage.loads[number]
    assert isinstance(let, Load), let
    dtype = access.buffer.dtype
    is_plain = let.guard is None and not access.data and access.buffer.role is not Role.LOCAL
    is_able = parts_of(dtype) == 1 and part_bytes(dtype) >= SMALLEST
    return is_plain and is_able and access.step(axis) == 1 and access.step(lane) not in (0, 1)
