"""Names: counted from zero when a program is finished."""

from graphc.kernel.buffer import Buffer, Role
from graphc.kernel.naming import LETTERS, axis_names, names
from graphc.kernel.steps import Kernel, Stage
from tests.kernel.building import (
    F32,
    HERE,
    N,
    axes,
    copied,
    given,
    output,
    program_of,
    softmax,
    temporary,
    training_program,
)


def test_buffers_are_named_by_role_and_place() -> None:
    assert list(names(training_program()).values()) == [
        "x0", "x1", "w0", "y0", "t0", "t1", "t2", "w0v0", "t0v0",
    ]  # fmt: skip


def test_every_buffer_has_a_name_of_its_own_outside_kernels() -> None:
    found = list(names(training_program()).values())
    assert len(set(found)) == len(found)


def test_names_do_not_depend_on_history() -> None:
    assert list(names(training_program()).values()) == list(names(training_program()).values())


def test_locals_count_from_zero_in_each_kernel() -> None:
    x, t, y = given(0, N, 4), temporary(N, 4), output(0, N, 4)
    steps = [softmax(x, t), softmax(t, y)]
    named = names(program_of(steps, [x], [y]))
    assert [[named[buffer] for buffer in step.locals] for step in steps] == [["l0", "l1"]] * 2


def test_temporaries_are_named_in_the_order_of_their_writers() -> None:
    x, y = given(0, N), output(0, N)
    late, early = temporary(N), temporary(N)
    program = program_of([copied(x, early), copied(early, late), copied(late, y)], [x], [y])
    assert (names(program)[early], names(program)[late]) == ("t0", "t1")


def test_constant_that_is_not_listed_has_a_name() -> None:
    c, y = Buffer(Role.CONSTANT, F32, (3,), 0), output(0, 3)
    assert names(program_of([copied(c, y)], [], [y]))[c] == "c0"


def test_axes_are_letters_in_the_order_of_their_numbers() -> None:
    i, j, k = axes(2, 3, 4, start=5)
    assert axis_names(Kernel((j,), (Stage((k, i), (), ()),), HERE)) == {i: "i", j: "j", k: "k"}


def test_axes_of_one_number_share_a_letter() -> None:
    (first,), (second,) = axes(2), axes(3)
    stages = (Stage((first,), (), ()), Stage((second,), (), ()))
    assert axis_names(Kernel((), stages, HERE)) == {first: "i", second: "i"}


def test_axes_beyond_the_letters_have_names_too() -> None:
    many = axes(*range(1, len(LETTERS) + 3))
    assert len(set(axis_names(Kernel(many, (), HERE)).values())) == len(many)
