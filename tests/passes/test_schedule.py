"""Steps in an order in which few bytes are alive: what must come first does, and no peak grows."""

from collections.abc import Sequence
from itertools import pairwise, permutations

import pytest
from hypothesis import given as for_all
from hypothesis import settings
from hypothesis import strategies as st

from graphc.kernel.buffer import Buffer
from graphc.kernel.monoids import Monoid
from graphc.kernel.nesting import with_parts
from graphc.kernel.program import Program
from graphc.kernel.scalar import Fn
from graphc.kernel.steps import Check, Loop, Step, within
from graphc.kernel.verify import verify
from graphc.passes.liveness import Tasks, peak_bytes, peak_of
from graphc.passes.lower import Lowered
from graphc.passes.memory import layout
from graphc.passes.orders import least_possible, orders
from graphc.passes.pipeline import Log
from graphc.passes.reuse import reuse
from graphc.passes.schedule import schedule
from graphc.passes.steps import OrderSteps
from graphc.types import INT64
from tests.kernel.building import (
    copied,
    folded,
    given,
    index_check,
    output,
    pointwise,
    program_of,
    size_check,
    temporary,
    variable,
)
from tests.random_graphs import SEEDS, random_graph
from tests.random_loops import LOOPS

EVERY = pytest.mark.parametrize("seed", [*SEEDS[:12], *SEEDS[40:]])


def lowered(seed: int) -> Program:
    """A random program before its steps are put in order, every second one with loops and branches."""
    form = random_graph(seed, 20, LOOPS if seed % 2 else ()).compile().trace["schedule"].before
    assert isinstance(form, Lowered), form
    return form.program


def in_order(steps: Sequence[Step], outputs: Sequence[Buffer]) -> tuple[Step, ...]:
    """The steps as scheduled."""
    program = program_of(steps, [X], outputs)
    verify(program)
    found = schedule(program, 64).program
    verify(found)
    return found.steps


X = given(0, 100, 64)
A, B = temporary(100, 64), temporary(100, 64)
C, D = temporary(100), temporary(100)
Y = output(0, 100)
WIDE = pointwise(Fn.NEG, [X], A), pointwise(Fn.ABS, [X], B)
FOLDS = folded(Monoid.SUM, A, [C]), folded(Monoid.SUM, B, [D])
LAST = pointwise(Fn.ADD, [C, D], Y)


def test_what_is_large_is_used_before_the_next_is_made() -> None:
    assert in_order([*WIDE, *FOLDS, LAST], [Y]) == (WIDE[0], FOLDS[0], WIDE[1], FOLDS[1], LAST)


def test_an_order_that_saves_nothing_is_left() -> None:
    program = program_of([WIDE[0], FOLDS[0], WIDE[1], FOLDS[1], LAST], [X], [Y])
    found = schedule(program, 64)
    assert found.program is program
    assert found.before == found.after


def test_a_chain_is_left() -> None:
    buffers = [temporary(100, 64) for _ in range(9)]
    steps = [pointwise(Fn.NEG, [old], new) for old, new in pairwise([X, *buffers, output(0, 100, 64)])]
    program = program_of(steps, [X], steps[-1].writes)
    assert schedule(program, 64).program is program


def test_nothing_passes_a_check() -> None:
    index = given(0, 100, dtype=INT64)
    check = index_check(index, 100)
    program = program_of([WIDE[0], check, WIDE[1], *FOLDS, LAST], [index, given(1, 100, 64)], [Y])
    found = schedule(program, 64).program.steps
    assert all(found.index(check) < found.index(step) for step in (WIDE[1], *FOLDS, LAST))


def test_checks_of_sizes_stay_in_order() -> None:
    checks = [size_check(100, 100), size_check(64, 64)]
    assert in_order([*checks, *WIDE, *FOLDS, LAST], [Y])[:2] == tuple(checks)


def test_steps_that_set_variables_stay_last() -> None:
    w = variable(0, 100)
    program = program_of([*WIDE, *FOLDS, LAST, copied(C, w)], [X], [Y], variables=[w], commit=5)
    found = schedule(program, 64).program
    verify(found)
    assert found.steps[5:] == program.steps[5:]
    assert found.steps[1] is FOLDS[0]


def test_writers_of_one_output_stay_around_its_readers() -> None:
    steps = [copied(C, Y), pointwise(Fn.ADD, [Y, D], Y)]
    found = in_order([*WIDE, *FOLDS, *steps], [Y])
    assert found.index(steps[0]) < found.index(steps[1])


def test_steps_of_a_loop_are_put_in_order() -> None:
    total = temporary(100)
    sum_of_both = pointwise(Fn.ADD, [C, D], total)
    loop = Loop(3, False, (), (), (), (*WIDE, *FOLDS, sum_of_both), (X,), LAST.origins)
    (found, _) = schedule(program_of([loop, copied(X, output(0, 100, 64))], [X], []), 64).program.steps
    assert isinstance(found, Loop)
    assert found.steps == (WIDE[0], FOLDS[0], WIDE[1], FOLDS[1], sum_of_both)


def test_the_trace_says_what_an_order_saves() -> None:
    program = program_of([*WIDE, *FOLDS, LAST], [X], [Y])
    log = Log()
    found = OrderSteps(64).run(Lowered(program, (), ()), log)
    assert found.program is not program
    assert [note.what for note in log.notes] == ["most bytes alive: 26,496 instead of 51,648"]
    assert OrderSteps(64).run(found, log) is found


# Random programs.


@EVERY
def test_no_peak_grows(seed: int) -> None:
    program = lowered(seed)
    found = schedule(program, 64)
    verify(found.program)
    assert found.before == peak_bytes(program)
    assert peak_bytes(found.program) <= found.after <= found.before


@EVERY
def test_the_peak_is_the_bound_of_the_plan(seed: int) -> None:
    program = lowered(seed)
    for form in (program, schedule(program, 64).program):
        bound = layout(reuse(form), (), 64).place([64] * len(form.symbols)).bound_bytes
        conditions = sum(isinstance(step, Loop) and step.holds is not None for step in form.timeline)
        assert bound <= peak_bytes(form) <= bound + 64 * conditions


@EVERY
def test_every_step_reads_what_it_read(seed: int) -> None:
    program = lowered(seed)
    found = schedule(program, 64).program
    pending = [(program.steps[: program.commit], found.steps[: found.commit])]
    assert program.commit == found.commit
    while pending:
        old, new = pending.pop()
        assert sorted(map(_shallow, old)) == sorted(map(_shallow, new))
        assert _seen(old) == _seen(new)
        assert [_shallow(s) for s in old if isinstance(s, Check)] == [_shallow(s) for s in new if isinstance(s, Check)]
        by_name = {_shallow(step): step for step in new}
        for step in old:
            pending += zip(within(step), within(by_name[_shallow(step)]), strict=True)


def _shallow(step: Step) -> tuple[int, ...]:
    """What names a step, whatever the order of steps inside it."""
    empty = with_parts(step, lambda part: ())
    return (*(id(b) for b in empty.reads), -1, *(id(b) for b in empty.writes), -1, *map(id, step.origins))


def _seen(steps: Sequence[Step]) -> set[tuple[object, ...]]:
    """For each step and each buffer that it reads, who wrote that last."""
    writers: dict[Buffer, tuple[int, ...]] = {}
    seen: set[tuple[object, ...]] = set()
    for step in steps:
        seen.update((_shallow(step), id(buffer.root), writers.get(buffer.root)) for buffer in step.reads)
        writers.update(dict.fromkeys([buffer.root for buffer in step.writes], _shallow(step)))
    return seen


@EVERY
def test_an_order_depends_on_nothing_else(seed: int) -> None:
    program = lowered(seed)
    assert [_shallow(s) for s in schedule(program, 64).program.timeline] == [
        _shallow(s) for s in schedule(program, 64).program.timeline
    ]


# Small tasks, beside every order there is.

drawn = st.lists(st.tuples(st.integers(0, 9), st.sets(st.integers(1, 4), max_size=2)), min_size=1, max_size=6)


def tasks_from(spec: Sequence[tuple[int, set[int]]]) -> Tasks:
    """Tasks that make so many bytes, each of which reads what those at some distances before it have made."""
    before = [
        sorted(number - back for back in distances if back <= number) for number, (_, distances) in enumerate(spec)
    ]
    after = [[reader for reader, sources in enumerate(before) if number in sources] for number in range(len(spec))]
    touching = [[number, *readers] for number, readers in enumerate(after)]
    touches = [[*sources, number] for number, sources in enumerate(before)]
    none = [False] * len(spec)
    return Tasks(before, after, touches, [0] * len(spec), lambda _: (), [n for n, _ in spec], touching, none, none)


def every_order(tasks: Tasks) -> list[tuple[int, ...]]:
    return [
        order
        for order in permutations(range(len(tasks)))
        if all(order.index(a) < order.index(b) for b in range(len(tasks)) for a in tasks.before[b])
    ]


@for_all(drawn)
@settings(deadline=None)
def test_orders_keep_what_must_come_first(spec: list[tuple[int, set[int]]]) -> None:
    tasks = tasks_from(spec)
    possible = set(every_order(tasks))
    assert all(tuple(order) in possible for order in orders(tasks))


@for_all(drawn)
@settings(deadline=None)
def test_no_order_is_below_the_least_possible(spec: list[tuple[int, set[int]]]) -> None:
    tasks = tasks_from(spec)
    least = min(peak_of(tasks, order)[0] for order in every_order(tasks))
    assert all(least_possible(tasks, number) <= least for number in range(len(tasks)))
