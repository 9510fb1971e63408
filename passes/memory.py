"""The memory plan: one arena, an offset for every temporary, evaluated for each set of sizes."""

from collections.abc import Callable, Mapping, Sequence
from functools import cached_property

from graphc.dataclass import dataclass
from graphc.kernel.buffer import Buffer
from graphc.kernel.program import Program
from graphc.kernel.room import Room
from graphc.kernel.steps import Loop
from graphc.passes.offsets import Span, bound, peak, placed
from graphc.sizes import Size, compiled

__all__ = ["Interval", "Layout", "Placement", "layout"]


@dataclass(frozen=True, slots=True)
class Interval:
    """Bytes that are alive from step `first` to step `last`, both included."""

    first: int
    last: int
    bytes: Size


@dataclass(frozen=True)
class Placement:
    """A plan for one set of sizes.

    offsets      bytes from the start of the arena, one per interval
    bytes        of each interval, up to where the next may start
    peak_bytes   the size of the arena
    total_bytes  what all intervals would take side by side
    bound_bytes  the largest sum of intervals alive together: no plan can be smaller
    """

    offsets: tuple[int, ...]
    bytes: tuple[int, ...]
    peak_bytes: int
    total_bytes: int
    bound_bytes: int


@dataclass(frozen=True, eq=False)
class Layout:
    """What needs room, and when.

    intervals   temporaries first (one per storage), then the rooms of the backend
    storage     temporary -> the number of its interval
    rooms       for each room of the backend the number of its interval
    kept        the intervals of what loops keep of all their steps
    known       the plan, where all sizes are numbers and it was made before
    """

    intervals: tuple[Interval, ...]
    storage: Mapping[Buffer, int]
    rooms: tuple[int, ...]
    symbols: tuple[str, ...]
    alignment: int
    kept: tuple[int, ...] = ()
    known: Placement | None = None

    @cached_property
    def _bytes(self) -> Callable[[Sequence[int]], list[int]]:
        return compiled([interval.bytes for interval in self.intervals], self.symbols)

    def kept_bytes(self, sizes: Sequence[int]) -> int:
        """The most that loops keep of their steps at one time."""
        every = self._bytes(sizes)
        spans = [(self.intervals[number].first, self.intervals[number].last) for number in self.kept]
        return bound(spans, [every[number] for number in self.kept])

    def lives(self, sizes: Sequence[int]) -> tuple[Sequence[Span], Sequence[int]]:
        """The first and last step of every interval, and its bytes up to where the next may start."""
        align = self.alignment
        bytes = [(n + align - 1) // align * align for n in self._bytes(sizes)]
        return [(interval.first, interval.last) for interval in self.intervals], bytes

    def place(self, sizes: Sequence[int]) -> Placement:
        """Offsets for these values of the symbols."""
        if self.known is not None:
            return self.known
        spans, bytes = self.lives(sizes)
        offsets = placed(spans, bytes)
        return Placement(tuple(offsets), tuple(bytes), peak(offsets, bytes), sum(bytes), bound(spans, bytes))


def layout(program: Program, rooms: Sequence[Room], alignment: int) -> Layout:
    """Lifetimes of all temporaries of a program, aliases merged, and of the rooms beside them."""
    first: dict[Buffer, int] = {}
    last: dict[Buffer, int] = {}
    room: dict[Buffer, Buffer] = {}
    temporaries = program.temporaries
    for buffer in temporaries:
        room[buffer] = program.aliases.get(buffer, buffer)
    ends = program.ends
    for number, step in enumerate(program.timeline):
        end = ends.get(number, number)
        for buffer in (*step.reads, *step.writes):
            owner = room.get(buffer.base or buffer)
            if owner is not None:
                first.setdefault(owner, number)
                last[owner] = max(end, last.get(owner, end))
    intervals = [Interval(first[buffer], last[buffer], buffer.bytes) for buffer in first]
    numbers = {buffer: number for number, buffer in enumerate(first)}
    storage = {buffer: numbers[room[buffer]] for buffer in temporaries}
    places = tuple(range(len(intervals), len(intervals) + len(rooms)))
    end = len(program.timeline) - 1
    intervals += [
        Interval(0, end, room.bytes)
        if room.step is None
        else Interval(room.step, ends.get(room.step, room.step), room.bytes)
        for room in rooms
    ]
    stacks = [
        rows
        for loop in program.timeline
        if isinstance(loop, Loop)
        for rows in (*(stack.of for stack in loop.outputs), *(carry.rows for carry in loop.carries if carry.is_kept))
    ]
    kept = dict.fromkeys(storage[rows.root] for rows in stacks if rows.root in storage)
    return Layout(tuple(intervals), storage, places, program.symbols, alignment, tuple(kept))
