"""The memory plan: one arena, an offset for every temporary, evaluated for each set of sizes."""

from bisect import bisect_left, insort
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from graphc.kernel.buffer import Buffer
from graphc.kernel.program import Program
from graphc.kernel.room import Room
from graphc.kernel.steps import Loop
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
    peak_bytes   the size of the arena
    total_bytes  what all intervals would take side by side
    bound_bytes  the largest sum of intervals alive together: no plan can be smaller
    """

    offsets: tuple[int, ...]
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
    """

    intervals: tuple[Interval, ...]
    storage: Mapping[Buffer, int]
    rooms: tuple[int, ...]
    symbols: tuple[str, ...]
    alignment: int
    kept: tuple[int, ...] = ()

    @cached_property
    def _bytes(self) -> Callable[[Sequence[int]], list[int]]:
        return compiled([interval.bytes for interval in self.intervals], self.symbols)

    def kept_bytes(self, sizes: Sequence[int]) -> int:
        """The most that loops keep of their steps at one time."""
        every = self._bytes(sizes)
        spans = [(self.intervals[number].first, self.intervals[number].last) for number in self.kept]
        return _bound(spans, [every[number] for number in self.kept])

    def place(self, sizes: Sequence[int]) -> Placement:
        """Offsets for these values of the symbols."""
        align = self.alignment
        bytes = [(n + align - 1) // align * align for n in self._bytes(sizes)]
        spans = [(interval.first, interval.last) for interval in self.intervals]
        offsets = _best_fit(spans, bytes)
        if len(spans) <= _PAIRWISE:
            offsets = min(offsets, _by_size(spans, bytes), key=lambda o: _peak(o, bytes))
        return Placement(tuple(offsets), _peak(offsets, bytes), sum(bytes), _bound(spans, bytes))


_PAIRWISE = 256  # up to so many intervals, the quadratic planner is tried as well

Span = tuple[int, int]


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
            owner = room.get(buffer.root)
            if owner is not None:
                first.setdefault(owner, number)
                last[owner] = max(end, last.get(owner, end))
    intervals = [Interval(first[buffer], last[buffer], buffer.bytes) for buffer in first]
    numbers = {buffer: number for number, buffer in enumerate(first)}
    storage = {buffer: numbers[room[buffer]] for buffer in temporaries}
    places = tuple(range(len(intervals), len(intervals) + len(rooms)))
    end = len(program.timeline) - 1
    intervals += [
        Interval(0, end, room.bytes) if room.step is None else Interval(room.step, room.step, room.bytes)
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


def _peak(offsets: Sequence[int], bytes: Sequence[int]) -> int:
    return max((o + n for o, n in zip(offsets, bytes, strict=True)), default=0)


def _bound(spans: Sequence[Span], bytes: Sequence[int]) -> int:
    change: dict[int, int] = {}
    for (first, last), size in zip(spans, bytes, strict=True):
        change[first] = change.get(first, 0) + size
        change[last + 1] = change.get(last + 1, 0) - size
    alive = most = 0
    for step in sorted(change):
        alive += change[step]
        most = max(most, alive)
    return most


def _best_fit(spans: Sequence[Span], bytes: Sequence[int]) -> list[int]:
    """In order of time, each into the smallest gap that holds it.  n log n."""
    events: dict[int, tuple[list[int], list[int]]] = {}
    for number, (first, last) in enumerate(spans):
        events.setdefault(first, ([], []))[0].append(number)
        events.setdefault(last, ([], []))[1].append(number)
    offsets = [0] * len(spans)
    gaps = _Gaps()
    for step in sorted(events):
        born, dying = events[step]
        for number in sorted(born, key=lambda n: -bytes[n]):
            offsets[number] = gaps.take(bytes[number])
        for number in dying:
            gaps.give(offsets[number], bytes[number])
    return offsets


class _Gaps:
    """The free stretches below the top of an arena that grows."""

    def __init__(self) -> None:
        self.top = 0
        self.by_size: list[tuple[int, int]] = []
        self.starts: dict[int, int] = {}
        self.ends: dict[int, int] = {}

    def _add(self, start: int, end: int) -> None:
        insort(self.by_size, (end - start, start))
        self.starts[start], self.ends[end] = end, start

    def _remove(self, start: int, end: int) -> None:
        del self.by_size[bisect_left(self.by_size, (end - start, start))]
        del self.starts[start], self.ends[end]

    def take(self, size: int) -> int:
        if size == 0:
            return 0
        position = bisect_left(self.by_size, (size, -1))
        if position < len(self.by_size):
            length, start = self.by_size[position]
            self._remove(start, start + length)
            if length > size:
                self._add(start + size, start + length)
            return start
        start = self.ends.get(self.top, self.top)
        if start < self.top:
            self._remove(start, self.top)
        self.top = start + size
        return start

    def give(self, start: int, size: int) -> None:
        if size == 0:
            return
        end = start + size
        if end in self.starts:
            after = self.starts[end]
            self._remove(end, after)
            end = after
        if start in self.ends:
            before = self.ends[start]
            self._remove(before, start)
            start = before
        self._add(start, end)


def _by_size(spans: Sequence[Span], bytes: Sequence[int]) -> list[int]:
    """The largest first, each at the lowest offset that is free while it lives.

    Pisarchyk and Lee: Efficient Memory Management for Deep Neural Net Inference, 2020, algorithm 3.
    """
    offsets = [0] * len(spans)
    placed: list[int] = []
    for number in sorted(range(len(spans)), key=lambda n: (-bytes[n], spans[n])):
        first, last = spans[number]
        size = bytes[number]
        others = sorted((offsets[o], bytes[o]) for o in placed if spans[o][0] <= last and first <= spans[o][1])
        best: tuple[int, int] | None = None
        end = 0
        for offset, length in others:
            if offset - end >= size and (best is None or offset - end < best[0]):
                best = (offset - end, end)
            end = max(end, offset + length)
        offsets[number] = end if best is None else best[1]
        placed.append(number)
    return offsets
