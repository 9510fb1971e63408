"""Setting variables in place: where it is safe, and never by what may fail."""

from math import inf

import numpy as np
import pytest

import graphc as gx
from graphc.kernel.buffer import Buffer
from graphc.kernel.monoids import Monoid
from graphc.kernel.program import Program
from graphc.kernel.scalar import Fn, Formula
from graphc.kernel.steps import Check, Kernel, Stage, Step, Store
from graphc.kernel.target import Target
from graphc.kernel.verify import verify
from graphc.passes.commit import commit
from graphc.types import INT64
from tests.backends.running import run
from tests.kernel.building import (
    HERE,
    axes,
    element,
    floats,
    given,
    index_check,
    output,
    pointwise,
    program_of,
    running,
    temporary,
    variable,
)  # fmt: skip


def copied(source: Buffer, out: Buffer) -> Kernel:
    """out = source, which may be larger."""
    formula, at = Formula(), axes(*out.shape)
    store = Store(out, tuple(map(formula.axis, at)), element(formula, source, at))
    return Kernel(at, (Stage((), tuple(formula.lets), (store,)),), HERE)


def update(
    step: Kernel, next_value: Buffer, w: Buffer, x: Buffer, *more: Step, outputs: tuple[Buffer, ...] = ()
) -> Program:
    """next_value = step(w, x); w = next_value."""
    steps = [step, *more, copied(next_value, w)]
    return program_of(steps, [x], outputs, variables=[w], commit=len(steps) - 1, symbols=())


def test_a_next_value_is_computed_in_the_variable() -> None:
    x, w, t = given(0, 3), variable(0, 3), temporary(3)
    program = update(pointwise(Fn.ADD, [w, x], t), t, w, x)
    committed = commit(program, Target("any"))
    verify(committed)
    assert (len(committed.steps), committed.commit, committed.temporaries) == (1, 0, ())
    for same in (program, committed):
        assert run(same, [floats([1, 2, 3])], [floats([10, 20, 30])])[1][0].tolist() == [11, 22, 33]


def test_what_others_read_is_kept() -> None:
    x, w, t, y = given(0, 3), variable(0, 3), temporary(3), output(0, 3)
    program = update(pointwise(Fn.ADD, [w, x], t), t, w, x, pointwise(Fn.NEG, [t], y), outputs=(y,))
    assert len(commit(program, Target("any")).steps) == len(program.steps)


def test_the_old_value_is_read_before_it_is_lost() -> None:
    x, w, t, y = given(0, 3), variable(0, 3), temporary(3), output(0, 3)
    program = update(pointwise(Fn.ADD, [w, x], t), t, w, x, pointwise(Fn.NEG, [w], y), outputs=(y,))
    committed = commit(program, Target("any"))
    assert len(committed.steps) == 2
    (after,), (kept,) = run(committed, [floats([1, 2, 3])], [floats([10, 20, 30])])
    assert after.tolist() == [-10, -20, -30]
    assert kept.tolist() == [11, 22, 33]


def test_two_variables_that_swap_keep_copies() -> None:
    w, v, t, s = variable(0, 3), variable(1, 3), temporary(3), temporary(3)
    steps = [pointwise(Fn.NEG, [v], t), pointwise(Fn.ABS, [w], s), copied(t, w), copied(s, v)]
    program = program_of(steps, variables=[w, v], commit=2, symbols=())
    committed = commit(program, Target("any"))
    verify(committed)
    for same in (program, committed):
        _, after = run(same, [], [floats([-1, 2, 3]), floats([4, 5, 6])])
        assert [a.tolist() for a in after] == [[-4, -5, -6], [1, 2, 3]]


def counted_and_negated(w: Buffer, x: Buffer, t: Buffer, s: Buffer) -> Kernel:
    """t = w + x; s = -w."""
    at, formula = axes(*t.shape), Formula()
    old, new = element(formula, w, at), element(formula, x, at)
    place = tuple(map(formula.axis, at))
    stores = (
        Store(t, place, formula.call(Fn.ADD, (old, new), t.dtype)),
        Store(s, place, formula.call(Fn.NEG, (old,), s.dtype)),
    )
    return Kernel(at, (Stage((), tuple(formula.lets), stores),), HERE)


@pytest.mark.parametrize(("is_in_place", "other"), [(True, 1), (False, 0)])
def test_what_is_read_only_by_those_that_move_moves_before_them_unless_they_read_the_old_value(
    is_in_place: bool, other: int
) -> None:
    x, w, v, t, s, r = given(0, 3), variable(0, 3), variable(1, 3), temporary(3), temporary(3), temporary(3)
    second = pointwise(Fn.SUB, [(w, v)[other], s], r)
    steps = [counted_and_negated(w, x, t, s), second, copied(t, w), copied(r, v)]
    program = program_of(steps, [x], variables=[w, v], commit=2, symbols=())
    committed = commit(program, Target("any"))
    verify(committed)
    assert (len(committed.steps) == 2) is is_in_place
    for same in (program, committed):
        _, (first, last) = run(same, [floats([1, 2, 3])], [floats([10, 20, 30]), floats([4, 5, 6])])
        assert first.tolist() == [11, 22, 33]
        assert last.tolist() == ([14, 25, 36] if is_in_place else [20, 40, 60])


def test_what_a_step_that_stays_reads_too_stays() -> None:
    x, w, v, t, s, r, y = given(0, 3), variable(0, 3), variable(1, 3), *(temporary(3) for _ in range(3)), output(0, 3)
    steps = [
        counted_and_negated(w, x, t, s),
        pointwise(Fn.SUB, [v, s], r),
        pointwise(Fn.ABS, [s], y),
        copied(t, w),
        copied(r, v),
    ]
    program = program_of(steps, [x], [y], variables=[w, v], commit=3, symbols=())
    committed = commit(program, Target("any"))
    verify(committed)
    assert len(committed.steps) == 4
    for same in (program, committed):
        (found,), _ = run(same, [floats([1, 2, 3])], [floats([10, 20, 30]), floats([4, 5, 6])])
        assert found.tolist() == [10, 20, 30]


def test_a_running_fold_over_the_variable_is_not_written_over_it_early() -> None:
    x, w, t = given(0, 2, 3), variable(0, 2, 3), temporary(2, 3)
    program = update(running(Monoid.SUM, w, t, reverse=True), t, w, x)
    start = floats([[1, 2, 3], [4, 5, 6]])
    for same in (program, commit(program, Target("any"))):
        assert run(same, [start], [start])[1][0].tolist() == [[6, 5, 3], [15, 11, 6]]


def test_a_slice_of_a_next_value_is_no_copy_of_it() -> None:
    x, w, t = given(0, 5), variable(0, 3), temporary(5)
    program = update(pointwise(Fn.NEG, [x], t), t, w, x)
    committed = commit(program, Target("any"))
    assert len(committed.steps) == 2
    assert run(committed, [floats([1, 2, 3, 4, 5])], [floats([0, 0, 0])])[1][0].tolist() == [-1, -2, -3]


@pytest.mark.parametrize(("undisturbed", "steps", "last"), [(1e6, 2, 1), (1e9, 1, 0), (inf, 1, 0)])
def test_what_takes_long_is_computed_before_variables_are_set(undisturbed: float, steps: int, last: int) -> None:
    x, w, t = given(0, 1_000_000), variable(0, 1_000_000), temporary(1_000_000)
    program = update(pointwise(Fn.LGAMMA, [w], t), t, w, x)
    committed = commit(program, Target("any", addition=0.2, undisturbed=undisturbed))
    verify(committed)
    assert (len(committed.steps), committed.commit) == (steps, last)


def test_what_takes_little_more_than_a_copy_is_computed_in_place_however_large() -> None:
    x, w, t = given(0, 1 << 40), variable(0, 1 << 40), temporary(1 << 40)
    program = update(pointwise(Fn.ADD, [w, x], t), t, w, x)
    assert commit(program, Target("any", undisturbed=1e6)).commit == 0


@pytest.mark.parametrize(("memory", "last"), [(None, 1), (10**9, 0)])
def test_a_budget_of_memory_has_next_values_computed_in_place(memory: int | None, last: int) -> None:
    w, x = gx.state("w", np.zeros(20_000, np.float32)), gx.input("x", (300_000,))
    step = gx.compile([x], [], updates={w: w + gx.sum(gx.sin(w[:, None] * x), 1)}, memory=memory)
    assert step.program.commit == last


def test_checks_stay_before_what_they_guard() -> None:
    x, w, t = given(0, 3, dtype=INT64), variable(0, 3, dtype=INT64), temporary(3, dtype=INT64)
    program = update(pointwise(Fn.ADD, [w, x], t), t, w, x, index_check(x, 3))
    committed = commit(program, Target("any"))
    assert isinstance(committed.steps[0], Check)
    assert committed.commit == 1


@pytest.mark.parametrize("level", [0, 1, 2])
def test_a_negative_power_of_an_integer_in_one_update_leaves_no_half_set_variables(level: int) -> None:
    v, w = gx.state("v", np.array([2, -1, 1, 0])), gx.state("w", np.array([1, 2, 3, 4]))
    x = gx.input("x", (4,), "int64")
    gx.compile([x], [], updates={w: w + x, v: v**x}, level=level)(np.array([-1, -3, -2, -1]))
    assert v.value.tolist() == [0, -1, 1, 0]
    assert w.value.tolist() == [0, -1, 1, 3]
