"""Programs of graphs: what comes first, what is written where, what is copied."""

import numpy as np
import pytest

import graphc as gx
from graphc.kernel.buffer import Role
from graphc.kernel.program import Program
from graphc.kernel.steps import Check, Contract, Extern, IndexInRange, Kernel, SizesAgree, Store
from graphc.kernel.verify import verify
from graphc.passes.lower import Lowered

x, y, i = gx.input("x", ("n",)), gx.input("y", ("m",)), gx.input("i", (3,), "int64")


def lowered(
    inputs: list[gx.Node], *outputs: gx.Node, level: int = 2, updates: dict[gx.Node, gx.Node] | None = None
) -> Program:
    """The program as it was lowered, before any pass over programs."""
    f = gx.compile(inputs, list(outputs), updates=updates, level=level)
    after = f.trace["lower"].after
    assert isinstance(after, Lowered)
    verify(after.program)
    return after.program


def kinds(program: Program) -> list[str]:
    return [type(step).__name__ for step in program.steps]


def test_sizes_are_checked_before_anything_is_computed() -> None:
    program = lowered([x, y], gx.tanh(x) + gx.exp(y))
    assert isinstance(program.steps[0], Check)
    assert isinstance(program.steps[0].condition, SizesAgree)


def test_an_index_is_checked_once_for_each_extent_it_indexes() -> None:
    z = gx.input("z", (4, 4))
    program = lowered([x, z, i], gx.take(x, i), gx.take(x * 2, i), gx.take(z, i, 0), gx.take(z, i, 1))
    checks = [step.condition for step in program.steps if isinstance(step, Check)]
    assert {c.extent for c in checks if isinstance(c, IndexInRange)} == {gx.size("n"), 4}
    assert len(checks) == 2
    assert kinds(program)[:2] == ["Check", "Check"]


def test_a_computed_index_is_checked_after_it_and_before_its_reader() -> None:
    program = lowered([x, i], gx.take(x, i * 2 + 1))
    assert kinds(program) == ["Kernel", "Check", "Kernel"]
    first, check, _ = program.steps
    assert check.reads == first.writes


def test_a_reshaped_and_a_moved_index_are_checked_where_they_lie() -> None:
    j = gx.input("j", (2, 3), "int64")
    program = lowered([x, j], gx.take(x, gx.reshape(j, (-1,))), gx.take(x, gx.transpose(j)))
    checks = [step for step in program.steps if isinstance(step, Check)]
    assert {step.reads[0].root for step in checks} == {program.inputs[1]}


@pytest.mark.parametrize("level", [0, 2])
def test_an_output_is_computed_where_it_is_wanted(level: int) -> None:
    program = lowered([x], gx.tanh(x), level=level)
    assert kinds(program) == ["Kernel"]
    assert not program.temporaries


def test_a_value_that_is_two_outputs_is_copied_once() -> None:
    value = gx.tanh(x)
    program = lowered([x], value, value)
    assert kinds(program) == ["Kernel", "Kernel"]
    assert not program.temporaries


def test_a_reshaped_output_is_computed_through_a_view() -> None:
    z = gx.input("z", (2, 6))
    program = lowered([z], gx.reshape(gx.tanh(z), (3, 4)))
    (step,) = program.steps
    (written,) = step.writes
    assert (written.root, written.shape) == (program.outputs[0], (2, 6))


def test_variables_are_set_last() -> None:
    w = gx.param("w", np.ones(3, "float32"))
    z = gx.input("z", (3,))
    program = lowered([z], gx.sum(w * z), updates={w: w - z})
    assert program.commit == len(program.steps) - 1
    assert program.steps[-1].writes == (program.variables[0],)
    assert all(buffer.role is not Role.VARIABLE for step in program.steps[:-1] for buffer in step.writes)


def test_a_variable_that_stays_itself_is_not_copied() -> None:
    w = gx.param("w", np.ones(3, "float32"))
    program = lowered([], w * 2, updates={w: w})
    assert program.commit == len(program.steps)


def test_a_next_value_that_is_a_slice_of_a_formula_is_one_step() -> None:
    w, z = gx.param("w", np.zeros(3, "float32")), gx.input("z", (5,))
    f = gx.compile([z], [], updates={w: gx.exp(z)[:3]})
    assert len(f.program.steps) == 1
    f(np.zeros(5, np.float32))
    assert w.value.tolist() == [1, 1, 1]


@pytest.mark.parametrize("level", [0, 1, 2])
def test_variables_that_swap_through_movements_read_what_was_before(level: int) -> None:
    v, w = gx.param("v", np.arange(3.0)), gx.param("w", np.arange(3.0, 6.0))
    gx.compile([], [], updates={v: gx.flip(w), w: gx.reshape(v, (3,))}, level=level)()
    assert v.value.tolist() == [5, 4, 3]
    assert w.value.tolist() == [0, 1, 2]


def test_products_routines_and_scatters_are_steps_of_their_own() -> None:
    a, j = gx.input("a", (3, 3)), gx.input("j", (3,), "int64")
    program = lowered([a, j], gx.sort(a @ a), gx.scatter_add(gx.exp(a), j, a))
    assert sum(isinstance(step, Contract) for step in program.steps) == 1
    assert sum(isinstance(step, Extern) for step in program.steps) == 1
    assert sum(isinstance(step, Kernel) and len(step.stages) == 2 for step in program.steps) == 1


def test_an_array_of_constants_is_given_once() -> None:
    table = gx.constant(np.arange(5.0))
    z = gx.input("z", (5,), "float64")
    f = gx.compile([z], [z * table, gx.sum(table * z), table])
    assert len(f.program.constants) == len(f.constants) == 1


@pytest.mark.parametrize("level", [0, 1, 2])
def test_an_output_that_is_listed_twice_is_copied_where_it_was_computed(level: int) -> None:
    x = gx.input("x", (3,))
    v = gx.expand_dims(gx.abs(x), -1)
    f = gx.compile([x], [v, gx.expand_dims(gx.abs(x), -1)], level=level)
    for found in f(np.array([1, -2, 3], np.float32)):
        np.testing.assert_array_equal(found, [[1], [2], [3]])


def test_what_is_made_of_inputs_alone_is_computed_in_the_stage_that_reads_it_and_not_kept() -> None:
    z, t = gx.input("z", ("n", 8)), gx.input("t", ("n", 1), "int64")
    shifted = z - gx.max(z, -1, keepdims=True)
    others = gx.where(gx.equal(t, gx.arange(8)), 0.0, gx.exp(shifted))
    program = lowered([z, t], others / gx.sum(others, -1, keepdims=True))
    (kernel,) = (step for step in program.steps if isinstance(step, Kernel))
    stores = [effect for stage in kernel.stages for effect in stage.effects if isinstance(effect, Store)]
    kept = [x.buffer.dtype for x in stores if x.buffer.role is Role.LOCAL and x.buffer.shape]
    assert kept == ["float32"]  # the powers, which are read twice
