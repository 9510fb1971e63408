"""Scheduling: steps in an order in which few bytes are alive together."""

from collections.abc import Collection, Sequence
from dataclasses import replace
from itertools import islice
from typing import NamedTuple

from graphc.kernel.buffer import Buffer
from graphc.kernel.nesting import with_parts
from graphc.kernel.program import Program
from graphc.kernel.steps import Step, within
from graphc.passes.liveness import HintedBytes, Tasks, peak_bytes, peak_of, tasks_of
from graphc.passes.orders import least_possible, orders
from graphc.passes.step_lists import outside_of

__all__ = ["Scheduled", "schedule"]

_NEAR = 32  # what is this part above the least possible is not improved
_EFFORT = 4_000  # tasks times orders that are tried; of more tasks than these, one order
_WORTH = 64  # an order is left for one that saves at least this part of the peak: it keeps producers near readers


class Scheduled(NamedTuple):
    """A program in another order; the most bytes alive before and afterwards, and the step where they were."""

    program: Program
    before: int
    after: int
    where: Step | None


def schedule(program: Program, alignment: int) -> Scheduled:
    """Put steps in order by the bytes that are alive, as far as the hints of sizes tell; those inside a step too.

    What is alive together never grows.  Steps that set variables stay last, and in their order.
    """
    bytes_of = HintedBytes(alignment)
    inside = [_with_parts_in_order(step, bytes_of) for step in program.steps]
    first, last = inside[: program.commit], inside[program.commit :]
    tasks = tasks_of(first, bytes_of, later=last)
    peak, where = peak_of(tasks, range(len(tasks)))
    best, order = _best_order(tasks, peak, where)
    if not all(map(_is_same, inside, program.steps)):
        peak = peak_bytes(program, alignment)
    elif order is None:
        return Scheduled(program, peak, peak, None)
    steps = first if order is None else [first[number] for number in order]
    return Scheduled(replace(program, steps=(*steps, *last)), peak, best, program.steps[where])


def _is_same(one: Step, other: Step) -> bool:
    return one is other


def _with_parts_in_order(step: Step, bytes_of: HintedBytes) -> Step:
    # Recursion is over the depth to which loops and branches are nested.
    if not within(step):
        return step
    outside = outside_of(step)
    changed = with_parts(step, lambda part: _in_order(part, bytes_of, outside))
    return step if all(map(_is_same, *[[x for part in within(s) for x in part] for s in (step, changed)])) else changed


def _in_order(steps: Sequence[Step], bytes_of: HintedBytes, outside: Collection[Buffer]) -> Sequence[Step]:
    inside = [_with_parts_in_order(step, bytes_of) for step in steps]
    tasks = tasks_of(inside, bytes_of, outside=outside)
    _, order = _best_order(tasks, *peak_of(tasks, range(len(tasks))))
    return inside if order is None else [inside[number] for number in order]


def _best_order(tasks: Tasks, peak: int, where: int) -> tuple[int, Sequence[int] | None]:
    """The least peak that was found, and its order; None for that of the numbers, which only a gain is left for."""
    best, found = peak, None
    if len(tasks) < 3 or where < 0:
        return best, found
    enough = least_possible(tasks, where) * _NEAR // (_NEAR - 1)
    tried = islice(orders(tasks), max(1, _EFFORT // len(tasks)))
    while best > enough:
        order = next(tried, None)
        if order is None:
            break
        most, _ = peak_of(tasks, order)
        if most < best and most * _WORTH <= peak * (_WORTH - 1):
            best, found = most, order
    return best, found
