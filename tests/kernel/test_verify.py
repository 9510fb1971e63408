"""Every mistake in how steps share buffers is found and named."""

from collections.abc import Mapping, Sequence

import pytest

from graphc.kernel.buffer import Buffer, Role
from graphc.kernel.monoids import Monoid
from graphc.kernel.program import Program
from graphc.kernel.scalar import Formula, Load
from graphc.kernel.steps import Kernel, Stage, Step, Store
from graphc.kernel.text import program_text
from graphc.kernel.verify import verify
from graphc.sizes import symbol
from graphc.types import DTYPES, INT64
from tests.kernel.building import (
    F32,
    F64,
    HERE,
    N,
    axes,
    copied,
    element,
    given,
    index_check,
    local,
    output,
    program_of,
    size_check,
    softmax_program,
    temporary,
    training_program,
    variable,
)

X, W, Y = given(0, N), variable(0, N), output(0, N)
S, T, U = temporary(N), temporary(N), temporary(N)
(I,) = axes(N)


def rejected(program: Program) -> str:
    """What is wrong with the program."""
    with pytest.raises(AssertionError) as caught:
        verify(program)
    return str(caught.value)


def steps(*program: Step, aliases: Mapping[Buffer, Buffer] | None = None, commit: int | None = None) -> Program:
    """A program from x0 and w0 to y0."""
    return program_of(program, [X], [Y], variables=[W], aliases=dict(aliases or {}), commit=commit)


def added(value: float, out: Buffer) -> Kernel:
    """out[i] += value."""
    formula = Formula()
    store = Store(out, (formula.axis(I),), formula.constant(value, F32), Monoid.SUM)
    return Kernel((I,), (Stage((), tuple(formula.lets), (store,)),), HERE)


def view_of(base: Buffer, shape: Sequence[int], role: Role | None = None, dtype: object = None) -> Buffer:
    return Buffer(role or base.role, DTYPES[str(dtype or "float32")], tuple(shape), base.slot, base)


@pytest.mark.parametrize("program", [softmax_program(), training_program(), program_of([])])
def test_right_program_passes(program: Program) -> None:
    verify(program)


def test_mistake_inside_a_step_is_found() -> None:
    stage = Stage((), (Load(X, (), F32),), ())
    assert rejected(steps(Kernel((), (stage,), HERE))).startswith("step 0, stage 0, v0 = x0: x0 has 1 axes")


# Owners.


def test_input_in_the_place_of_an_output_is_found() -> None:
    assert rejected(program_of([], [], [X])) == "output 0 is a buffer of role input"


def test_slot_is_the_place() -> None:
    assert rejected(program_of([], [given(1, N)])) == "input 0 has slot 1"


def test_input_that_is_not_listed_is_found() -> None:
    program = program_of([copied(X, Y)], [], [Y])
    assert rejected(program) == "step 0: the input that it touches is none of the program"


def test_row_that_no_loop_has_is_found() -> None:
    row = Buffer(Role.ROW, X.dtype, X.shape)
    program = program_of([copied(row, Y)], [], [Y])
    assert rejected(program) == "step 0: the row that it touches is none of the program"
    assert "r0[" in program_text(program)


def test_symbol_that_is_not_given_is_found() -> None:
    x, y = given(0, symbol("m")), output(0, symbol("m"))
    assert rejected(program_of([copied(x, y)], [x], [y])) == "step 0: m of the size m is not given"


# Views.


def test_view_of_another_size_is_found() -> None:
    base, y = temporary(6), output(0, 5)
    program = program_of([copied(view_of(base, (5,)), y)], [], [y])
    assert rejected(program) == "step 0: a view of f32[6] as f32[5] changes the number of elements"


def test_view_of_undecided_size_passes() -> None:
    x, y = given(0, N), output(0, 6)
    verify(program_of([copied(view_of(x, (6,)), y)], [x], [y]))


def test_view_of_a_view_is_found() -> None:
    base, y = temporary(6), output(0, 6)
    inner = view_of(view_of(base, (2, 3)), (6,))
    assert rejected(program_of([copied(inner, y)], [], [y])).endswith("shows another view")


def test_view_of_another_role_is_found() -> None:
    y = output(0, 6)
    program = program_of([copied(view_of(temporary(6), (6,), Role.OUTPUT), y)], [], [y])
    assert rejected(program).endswith("has the role output, not temporary")


def test_view_of_another_dtype_is_found() -> None:
    base, y = temporary(6, dtype=F64), output(0, 6)
    program = program_of([copied(view_of(base, (6,)), y)], [], [y])
    assert rejected(program) == "step 0: a view of f64[6] as f32[6] changes the dtype"


# Order.


def test_temporary_is_written_before_it_is_read() -> None:
    assert rejected(steps(copied(T, Y), copied(X, T))) == "step 0, stage 0: t0 is read before it is written"


def test_temporary_is_not_read_in_the_stage_that_writes_it() -> None:
    assert rejected(steps(copied(T, T), copied(T, Y))) == "step 0, stage 0: t0 is read before it is written"


def test_view_is_read_after_its_base_is_written() -> None:
    flat = Buffer(Role.TEMPORARY, F32, (N,), base=T)
    verify(steps(copied(X, T), copied(flat, Y)))
    assert "read before it is written" in rejected(steps(copied(flat, Y)))


def test_output_is_written() -> None:
    assert rejected(steps()) == "no step writes y0"


def test_output_may_be_read_once_it_is_written() -> None:
    y = output(1, N)
    verify(program_of([copied(X, Y), copied(Y, y)], [X], [Y, y]))
    assert "y0 is read before" in rejected(program_of([copied(Y, y), copied(X, Y)], [X], [Y, y]))


def test_temporary_has_one_writer() -> None:
    program = steps(copied(X, T), copied(X, T), copied(T, Y))
    assert rejected(program) == "step 1: t0 is written a second time"


def test_combining_needs_something_to_combine_with() -> None:
    program = steps(added(1.0, T), copied(T, Y))
    assert rejected(program) == "step 0, stage 0: t0 is combined before it is written"


def test_combining_into_what_is_written_over_passes() -> None:
    verify(steps(copied(X, S), added(1.0, T), copied(T, Y), aliases={T: S}))


# Who may write.


def test_input_is_never_written() -> None:
    assert rejected(steps(copied(W, X), copied(X, Y))) == "step 0: x0 is written, which no step may write"


def test_constant_is_never_written() -> None:
    c = Buffer(Role.CONSTANT, F32, (N,), 0)
    program = program_of([copied(X, c)], [X], constants=[c])
    assert rejected(program) == "step 0: c0 is written, which no step may write"


def test_variable_is_written_after_commit() -> None:
    verify(steps(copied(X, Y), copied(X, W), commit=1))
    program = steps(copied(X, Y), copied(X, W), commit=2)
    assert rejected(program) == "step 1: w0 is written, a variable before commit"


def test_variable_is_not_read_once_it_is_set() -> None:
    program = steps(copied(X, W), copied(W, Y), commit=0)
    assert rejected(program) == "step 1, stage 0: w0 is read after it is set"


def test_variables_that_exchange_values_need_a_copy() -> None:
    v, w, kept = variable(0, N), variable(1, N), temporary(N)
    verify(program_of([copied(v, kept), copied(w, v), copied(kept, w)], variables=[v, w], commit=1))
    program = program_of([copied(w, v), copied(v, w)], variables=[v, w], commit=0)
    assert rejected(program) == "step 1, stage 0: w0 is read after it is set"


@pytest.mark.parametrize("check", [size_check(N, 3), index_check(given(0, N, dtype=INT64), 3)])
def test_no_check_comes_after_commit(check: Step) -> None:
    program = program_of([check], check.reads, commit=0)
    assert rejected(program) == "step 0: a check after commit"


def test_commit_is_a_step_or_the_end() -> None:
    assert rejected(program_of([], commit=1)) == "commit is 1 of 0 steps"


# Locals.


def test_local_belongs_to_one_kernel() -> None:
    kept = local()

    def kernel(out: Buffer) -> Kernel:
        first, second = Formula(), Formula()
        keep = Store(kept, (), first.constant(1.0, F32))
        store = Store(out, (second.axis(I),), element(second, kept, ()))
        stages = (Stage((), tuple(first.lets), (keep,)), Stage((), tuple(second.lets), (store,)))
        return Kernel((I,), stages, HERE)

    verify(steps(kernel(Y)))
    assert rejected(steps(kernel(T), kernel(Y))) == "step 1: l0 is a local of step 0"


def test_local_of_another_kernel_is_not_read() -> None:
    kept = local()
    formula = Formula()
    store = Store(Y, (formula.axis(I),), element(formula, kept, ()))
    program = steps(Kernel((I,), (Stage((), tuple(formula.lets), (store,)),), HERE))
    assert rejected(program) == "step 0, stage 0: l0 is read before it is written"


# Written over.


def test_what_is_written_over_is_read_no_more() -> None:
    verify(steps(copied(X, S), copied(S, T), copied(T, Y), aliases={T: S}))
    program = steps(copied(X, S), copied(S, T), copied(S, U), copied(T, Y), aliases={T: S})
    assert rejected(program) == "t1 is written over t0, which step 2, stage 0 reads"


def test_several_share_one_after_another() -> None:
    shared = {T: S, U: S}
    verify(steps(copied(X, S), copied(S, T), copied(T, U), copied(U, Y), aliases=shared))
    program = steps(copied(X, S), copied(S, T), copied(X, U), copied(T, Y), aliases=shared)
    assert rejected(program) == "t2 is written over t1, which step 3, stage 0 reads"


def test_none_is_written_over_itself() -> None:
    program = steps(copied(X, S), copied(S, T), copied(T, Y), aliases={T: S, S: T})
    assert rejected(program) == "temporaries are written over each other in a circle"


def test_chain_of_writing_over_passes() -> None:
    verify(steps(copied(X, S), copied(S, T), copied(T, U), copied(U, Y), aliases={T: S, U: T}))


@pytest.mark.parametrize(
    ("under", "message"),
    [
        (X, "t0, written over x0, is no pair of temporaries"),
        (temporary(2 * N), "t0, written over t1, has n elements, not 2*n"),
        (temporary(symbol("m")), "t0, written over t1, has n elements, not m"),
        (temporary(N, dtype=F64), "t0, written over t1, has elements of another size"),
    ],
)
def test_only_a_temporary_of_the_same_form_is_written_over(under: Buffer, message: str) -> None:
    program = steps(copied(X, T), copied(T, Y), aliases={T: under})
    assert rejected(program) == message


def test_what_writes_over_is_written() -> None:
    program = steps(copied(X, S), copied(S, Y), aliases={T: S})
    assert rejected(program) == "t1, written over t0, has no writer"
