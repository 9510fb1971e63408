"""Offsets: where arrays that live for a while lie in one arena, so that its top is low."""

from bisect import bisect_left, insort
from collections.abc import Callable, Sequence
from typing import TypeAlias

__all__ = ["Span", "best_fit", "bound", "by_size", "peak", "placed"]

Span: TypeAlias = tuple[int, int]  # the first and the last step of a life

_EFFORT = 300_000  # pairs of neighbours that may be looked at, for a plan that nothing quick has found
_TRIES = 3  # of the orders that are tried, so many are improved


def placed(spans: Sequence[Span], bytes: Sequence[int]) -> Sequence[int]:
    """The offset of each array: of several plans the one whose top is lowest.

    The first plan whose top is the bound is taken.  Linear but for sorting where arrays are many; else as many plans
    are tried as a fixed number of looks allows, so that the same arrays always get the same plan.
    """
    least = bound(spans, bytes)
    best: Sequence[int] = best_fit(spans, bytes)
    if peak(best, bytes) > least:
        best = _lower(best, best_fit([(-last, -first) for first, last in spans], bytes), bytes)
    near = _neighbours(spans, bytes) if peak(best, bytes) > least else None
    return best if near is None else _searched(best, spans, bytes, near, least)


def _lower(one: Sequence[int], other: Sequence[int], bytes: Sequence[int]) -> Sequence[int]:
    """The plan with the lower top; the first where both are alike."""
    return other if peak(other, bytes) < peak(one, bytes) else one


def peak(offsets: Sequence[int], bytes: Sequence[int]) -> int:
    """The top of an arena."""
    return max(map(int.__add__, offsets, bytes), default=0)


def bound(spans: Sequence[Span], bytes: Sequence[int]) -> int:
    """The largest sum of bytes alive together: no plan has a lower top."""
    change: dict[int, int] = {}
    for (first, last), size in zip(spans, bytes, strict=True):
        change[first] = change.get(first, 0) + size
        change[last + 1] = change.get(last + 1, 0) - size
    alive = most = 0
    for step in sorted(change):
        alive += change[step]
        most = max(most, alive)
    return most


def _searched(
    best: Sequence[int], spans: Sequence[Span], bytes: Sequence[int], near: Sequence[Sequence[int]], least: int
) -> Sequence[int]:
    """The best plan of several orders, and of those that become of the best orders; `best` if none is better."""
    best = _lower(best, _in_turn(_by_falling_size(spans, bytes), bytes, near, _smallest_gap), bytes)
    tried = []
    for order in _orders(spans, bytes):
        offsets = _in_turn(order, bytes, near, _lowest_gap)
        tried.append((order, offsets))
        best = _lower(best, offsets, bytes)
    tried.sort(key=lambda pair: peak(pair[1], bytes))
    for order, offsets in tried[:_TRIES]:
        best = _improved(best, order, offsets, bytes, near, least)
    return best


def by_size(spans: Sequence[Span], bytes: Sequence[int]) -> Sequence[int]:
    """The largest first, each into the smallest gap that holds it while it lives.

    Pisarchyk and Lee: Efficient Memory Management for Deep Neural Net Inference, 2020, algorithm 3.
    """
    near = _neighbours(spans, bytes, effort=len(spans) ** 2)
    assert near is not None, "there are no more pairs than these"
    return _in_turn(_by_falling_size(spans, bytes), bytes, near, _smallest_gap)


def _orders(spans: Sequence[Span], bytes: Sequence[int]) -> Sequence[Sequence[int]]:
    """Orders in which arrays may be placed: by size, by bytes times steps, by life, by birth, by death."""
    numbers = range(len(spans))
    life = [last - first + 1 for first, last in spans]
    return (
        _by_falling_size(spans, bytes),
        sorted(numbers, key=lambda n: -life[n] * bytes[n]),
        sorted(numbers, key=lambda n: (-life[n], -bytes[n])),
        sorted(numbers, key=lambda n: (spans[n][0], -life[n])),
        sorted(numbers, key=lambda n: (-spans[n][1], -life[n])),
    )


def _by_falling_size(spans: Sequence[Span], bytes: Sequence[int]) -> Sequence[int]:
    return sorted(range(len(spans)), key=lambda n: (-bytes[n], spans[n]))


def _improved(
    best: Sequence[int],
    order: Sequence[int],
    offsets: Sequence[int],
    bytes: Sequence[int],
    near: Sequence[Sequence[int]],
    least: int,
) -> Sequence[int]:
    """The best plan when what sticks out above the bound has its turn earlier, again and again.

    Joslin, Clements: Squeaky Wheel Optimization, 1999.
    """
    ahead = len(order) // 3 + 1
    looks = len(order) + sum(map(len, near)) // 2
    for _ in range(_EFFORT // _TRIES // looks):
        if peak(best, bytes) <= least:
            break
        turn = [
            (place - ahead if offsets[number] + bytes[number] > least else place, place, number)
            for place, number in enumerate(order)
        ]
        order = [number for _, _, number in sorted(turn)]
        offsets = _in_turn(order, bytes, near, _lowest_gap)
        best = _lower(best, offsets, bytes)
    return best


def _neighbours(spans: Sequence[Span], bytes: Sequence[int], effort: int = _EFFORT) -> Sequence[Sequence[int]] | None:
    """For each array those that live when it lives; None where that is more than a share of the effort."""
    near: list[list[int]] = [[] for _ in spans]
    alive: list[int] = []
    looks = 0
    for number in sorted([n for n, size in enumerate(bytes) if size], key=lambda n: spans[n]):
        first = spans[number][0]
        looks += len(alive)
        if looks > effort // 2:
            return None
        alive = [other for other in alive if spans[other][1] >= first]
        near[number] += alive
        for other in alive:
            near[other].append(number)
        alive.append(number)
    return near


Gap: TypeAlias = Callable[[Sequence[tuple[int, int]], int], int]


def _in_turn(order: Sequence[int], bytes: Sequence[int], near: Sequence[Sequence[int]], gap: Gap) -> Sequence[int]:
    """Each array in a gap between those of its neighbours that have their offsets."""
    offsets = [-1] * len(order)
    for number in order:
        taken = [(offsets[other], offsets[other] + bytes[other]) for other in near[number] if offsets[other] >= 0]
        offsets[number] = gap(sorted(taken), bytes[number]) if bytes[number] else 0
    return offsets


def _lowest_gap(taken: Sequence[tuple[int, int]], size: int) -> int:
    top = 0
    for start, end in taken:
        if start - top >= size:
            return top
        top = max(top, end)
    return top


def _smallest_gap(taken: Sequence[tuple[int, int]], size: int) -> int:
    best: tuple[int, int] | None = None
    top = 0
    for start, end in taken:
        if start - top >= size and (best is None or start - top < best[0]):
            best = (start - top, top)
        top = max(top, end)
    return top if best is None else best[1]


def best_fit(spans: Sequence[Span], bytes: Sequence[int]) -> list[int]:
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
