"""Orders of tasks that keep few bytes alive: every one that is tried, over plain numbers."""

from collections.abc import Callable, Iterator, Sequence
from heapq import heapify, heappop, heappush
from typing import TypeAlias

from graphc.passes.liveness import Tasks

__all__ = ["least_possible", "orders"]

#: (bytes that running it adds, place in the order so far, tasks run so far) -> what comes first is the least
Preference: TypeAlias = Callable[[int, int, int], tuple[int, int]]


def _freeing_first(added: int, place: int, clock: int) -> tuple[int, int]:
    """What frees more than it takes runs at once; all else stays where it is."""
    return (added >= 0, place)


def _least_added(added: int, place: int, clock: int) -> tuple[int, int]:
    """What adds least; of those alike, what comes first."""
    return (added, place)


def _least_added_newest(added: int, place: int, clock: int) -> tuple[int, int]:
    """What adds least; of those alike, what has just become possible: it goes on where it is."""
    return (added, -clock)


def _newest(added: int, place: int, clock: int) -> tuple[int, int]:
    """What adds nothing runs at once; then what has just become possible."""
    return (added > 0, -clock)


def orders(tasks: Tasks) -> Iterator[Sequence[int]]:
    """Orders that may be better than that of the numbers, the most promising first.  Each takes n log n.

    Most are made from an earlier one: from its end to its beginning, so that what takes bytes comes as late as it
    can, then from its beginning, so that what frees them comes as early.
    """
    back, written = tasks.reversed(), range(len(tasks))
    deep = _depth_first(tasks)
    yield deep
    for base, preference in (
        (deep, _freeing_first),
        (written, _least_added_newest),
        (written, _newest),
        (written, _freeing_first),
    ):
        late = _drained(back, base[::-1], preference)[::-1]
        yield late
        yield _drained(tasks, late, _freeing_first)
    yield _drained(tasks, written, _least_added)


def _drained(tasks: Tasks, base: Sequence[int], prefer: Preference) -> Sequence[int]:
    """Of the tasks that are possible, again and again the one that is preferred."""
    bytes, touching, touches = tasks.bytes, tasks.touching, tasks.touches
    place = [0] * len(tasks)
    for position, number in enumerate(base):
        place[number] = position
    waits = [len(sources) for sources in tasks.before]
    left = [len(steps) + is_late for steps, is_late in zip(touching, tasks.late, strict=True)]
    rest = [sum(steps) for steps in touching]  # of the numbers of tasks that are left: the last one, when it is alone
    born = list(tasks.early)
    added = [sum([bytes[own] for own in owns if not born[own]]) for owns in touches]
    for own, steps in enumerate(touching):
        if left[own] == 1:
            added[steps[0]] -= bytes[own]
    present: list[tuple[tuple[int, int], int] | None] = [None] * len(tasks)  # the entry of each that is possible
    heap: list[tuple[tuple[int, int], int]] = []
    for number, count in enumerate(waits):
        if not count:
            entry = present[number] = prefer(added[number], place[number], 0), number
            heap.append(entry)
    heapify(heap)
    order: list[int] = []
    while heap:
        entry = heappop(heap)
        number = entry[1]
        if present[number] is not entry:
            continue
        present[number] = None
        order.append(number)
        changed: list[int] = []
        for own in touches[number]:
            if not born[own]:
                born[own] = True
                others = [other for other in touching[own] if other != number]
                for other in others:
                    added[other] -= bytes[own]
                changed += others
            left[own] -= 1
            rest[own] -= number
            if left[own] == 1 and not tasks.late[own]:
                last = rest[own]
                added[last] -= bytes[own]
                changed.append(last)
        for other in changed:
            if present[other] is not None:
                again = present[other] = prefer(added[other], place[other], len(order)), other
                heappush(heap, again)
        for target in tasks.after[number]:
            waits[target] -= 1
            if not waits[target]:
                entry = present[target] = prefer(added[target], place[target], len(order)), target
                heappush(heap, entry)
    assert len(order) == len(tasks), "tasks wait for each other in a circle"
    return order


def _depth_first(tasks: Tasks) -> Sequence[int]:
    """Each task after all that it needs, of which what leaves least of what it takes comes first.

    The best order of a tree, were every task to add its result when its operands are gone.  Sethi and Ullman: The
    Generation of Optimal Code for Arithmetic Expressions, 1970.
    """
    needs = [0] * len(tasks)
    makes = [
        sum([tasks.bytes[own] for own in owns if tasks.touching[own][0] == number])
        for number, owns in enumerate(tasks.touches)
    ]
    operands: list[list[int]] = []
    for number, sources in enumerate(tasks.before):
        operands.append(sorted(sources, key=lambda source: makes[source] - needs[source]))
        alive = most = 0
        for source in operands[-1]:
            most = max(most, alive + needs[source])
            alive += makes[source]
        needs[number] = max(most, alive + makes[number] + tasks.inside[number])
    order: list[int] = []
    is_seen = [False] * len(tasks)
    ends = [number for number, targets in enumerate(tasks.after) if not targets]
    waiting = [~end for end in sorted(ends, key=lambda end: needs[end] - makes[end])]
    while waiting:
        number = waiting.pop()
        if number >= 0:
            order.append(number)
        elif not is_seen[~number]:
            is_seen[~number] = True
            waiting.append(~number)
            waiting += [~source for source in reversed(operands[~number]) if not is_seen[source]]
    return order


def least_possible(tasks: Tasks, number: int) -> int:
    """What is alive in every order while one task runs, or some other: no order has a smaller peak.

    What an earlier task makes and a later one reads, earlier and later in every order.
    """
    earlier, later = _reached(number, tasks.before), _reached(number, tasks.after)
    own = tasks.touches[number]
    alive = sum([tasks.bytes[other] for other in own]) + tasks.inside[number]
    alive -= sum([tasks.bytes[out] for out, _ in tasks.over(number)])
    beside = set(own)
    for other, steps in enumerate(tasks.touching):
        if other not in beside and earlier[steps[0]] and (tasks.late[other] or any(map(later.__getitem__, steps))):
            alive += tasks.bytes[other]
    for wide, owns in enumerate(tasks.touches):
        needed = sum([tasks.bytes[other] for other in owns])
        if needed > alive:
            alive = max(alive, needed - sum([tasks.bytes[out] for out, _ in tasks.over(wide)]))
    return alive


def _reached(start: int, steps: Sequence[Sequence[int]]) -> Sequence[bool]:
    """Which tasks lie before one, or after it."""
    found = [False] * len(steps)
    waiting = [start]
    while waiting:
        for other in steps[waiting.pop()]:
            if not found[other]:
                found[other] = True
                waiting.append(other)
    return found
