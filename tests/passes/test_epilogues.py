"""What follows a product, element by element, is done where the product is made."""

from collections.abc import Sequence

import numpy as np

import graphc as gx
from graphc.kernel.arrays import Array
from graphc.kernel.buffer import Buffer
from graphc.kernel.monoids import Monoid
from graphc.kernel.program import Program
from graphc.kernel.reference import interpret
from graphc.kernel.scalar import Fn, Formula
from graphc.kernel.steps import Branch, Contract, Kernel, Stage, Step, Store
from graphc.kernel.verify import verify
from graphc.passes.epilogues import join_epilogues
from graphc.passes.pipeline import Log
from graphc.passes.reuse import reuse
from tests.backends.running import run
from tests.kernel.building import (
    F64,
    HERE,
    axes,
    element,
    floats,
    folded,
    given,
    matmul,
    output,
    pointwise,
    program_of,
    spread_window,
    temporary,
    variable,
)

X = floats([[1, -2, 3], [0.5, 4, -1]])
W = floats([[1, 2, 0, 1], [-1, 0, 1, 2], [2, -1, 1, 0]])
x, w = given(0, 2, 3), given(1, 3, 4)


def joined(steps: Sequence[Step], *outputs: Buffer, sets: Buffer | None = None) -> Program:
    """The program after the pass, which computes what it computed before; the last step may set a variable."""
    program = program_of(
        steps,
        [x, w],
        outputs,
        variables=[] if sets is None else [sets],
        commit=None if sets is None else len(steps) - 1,
        symbols=(),
    )
    verify(program)
    values: list[Array] = [] if sets is None else [np.ones((2, 4), np.float32)]
    expected = interpret(program, [X, W], values, {})
    found = reuse(join_epilogues(program, Log()))
    verify(found)
    for computed in (interpret(found, [X, W], values, {}), run(found, [X, W], values)):
        for one, same in zip((*computed[0], *computed[1]), (*expected[0], *expected[1]), strict=True):
            np.testing.assert_array_equal(one, same)
    return found


def epilogues(program: Program) -> list[Kernel | None]:
    """What follows the products of a program."""
    return [step.then for step in program.timeline if isinstance(step, Contract)]


def test_a_kernel_that_follows_a_product_is_its_epilogue() -> None:
    t, y = temporary(2, 4), output(0, 2, 4)
    (step,) = joined([matmul(x, w, t), pointwise(Fn.ABS, [t], y)], y).steps
    assert isinstance(step, Contract)
    assert step.then is not None
    assert step.out is y
    assert (step.reads, step.writes) == ((x, w), (y,))


def test_a_product_that_others_read_keeps_its_room() -> None:
    t, y, z = temporary(2, 4), output(0, 2, 4), output(1, 2)
    first, second = joined([matmul(x, w, t), pointwise(Fn.ABS, [t], y), folded(Monoid.SUM, t, [z])], y, z).steps
    assert first.writes == (t, y)
    assert isinstance(second, Kernel)


def test_a_result_of_another_type_is_no_room_for_the_product() -> None:
    t, y = temporary(2, 4), output(0, 2, 4, dtype=F64)
    (step,) = joined([matmul(x, w, t), pointwise(Fn.CAST, [t], y)], y).steps
    assert step.writes == (t, y)


def test_of_two_products_the_one_that_is_made_last_has_the_epilogue() -> None:
    s, t, y = temporary(2, 4), temporary(2, 4), output(0, 2, 4)
    first, second = epilogues(joined([matmul(x, w, s), matmul(x, w, t), pointwise(Fn.ADD, [s, t], y)], y))
    assert first is None
    assert second is not None
    assert second.reads == (s, y)


def test_a_product_waits_for_what_its_epilogue_reads() -> None:
    s, t, u, y = temporary(2, 4), temporary(2, 4), temporary(2, 4), output(0, 2, 4)
    steps: list[Step] = [matmul(x, w, s), matmul(x, w, t), pointwise(Fn.NEG, [s], u), pointwise(Fn.ADD, [t, u], y)]
    first, second = joined(steps, y).steps
    assert (first.writes, second.writes) == ((u,), (y,))
    assert second.reads == (x, w, u)


def test_a_product_is_not_made_over_what_its_epilogue_reads() -> None:
    s, t, y, z = temporary(2, 4), temporary(2, 4), temporary(2, 4), output(0, 2)
    steps: list[Step] = [matmul(x, w, s), matmul(x, w, t), pointwise(Fn.ADD, [s, t], y), folded(Monoid.SUM, y, [z])]
    assert joined(steps, z).aliases == {}  # the product lies in y, and s is read after it is made


def test_what_an_epilogue_writes_beside_the_product_may_lie_over_what_dies_there() -> None:
    s, t, u, y, z = temporary(2, 4), temporary(2, 4), temporary(2, 4), output(0, 2, 4), output(1, 2)
    at, formula = axes(2, 4), Formula()
    old, product = element(formula, s, at), element(formula, t, at)
    index = tuple(map(formula.axis, at))
    total, difference = (formula.call(fn, (old, product)) for fn in (Fn.ADD, Fn.SUB))
    both = Kernel(at, (Stage((), tuple(formula.lets), (Store(y, index, total), Store(u, index, difference))),), HERE)
    program = joined([matmul(x, w, s), matmul(x, w, t), both, folded(Monoid.SUM, u, [z])], y, z)
    assert program.steps[1].writes == (y, u)
    assert program.aliases == {u: s}


def test_a_product_that_is_made_before_variables_are_set_stays_there() -> None:
    t, v = temporary(2, 4), variable(0, 2, 4)
    program = joined([matmul(x, w, t), pointwise(Fn.ABS, [t], v)], sets=v)
    assert epilogues(program) == [None]
    assert program.commit == 1


def test_a_product_that_a_variable_is_set_by_keeps_its_room() -> None:
    t, y, v = temporary(2, 4), output(0, 2, 4), variable(0, 2, 4)
    program = joined([matmul(x, w, t), pointwise(Fn.ABS, [t], y), pointwise(Fn.ADD, [t, v], v)], y, sets=v)
    assert program.steps[0].writes == (t, y)


def test_a_sum_of_windows_is_complete_only_as_a_whole() -> None:
    window, t, y = given(0, 5), temporary(7), output(0, 7)
    program = program_of(
        [spread_window(window, given(1, 3), t, 1), pointwise(Fn.ABS, [t], y)], [window], [y], symbols=()
    )
    assert epilogues(join_epilogues(program, Log())) == [None]


# Through the whole compiler.


def test_bias_activation_and_residual_are_epilogues() -> None:
    n, b, u = gx.input("n", ("rows", 4)), gx.param("b", np.ones(4, np.float32)), gx.param("u", np.ones((4, 4), "f"))
    f = gx.compile([n], n + gx.tanh(n @ u + b))
    (step,) = f.program.steps
    assert isinstance(step, Contract)
    (note,) = f.trace["epilogues"].notes
    assert note.origin.place().startswith("test_epilogues.py:")
    row = np.arange(8, dtype=np.float32).reshape(2, 4) / 8
    np.testing.assert_allclose(f(row), row + np.tanh(row @ np.ones((4, 4), "f") + 1), rtol=1e-6)
    np.testing.assert_array_equal(f(row), gx.compile([n], n + gx.tanh(n @ u + b), level=0)(row))


def test_what_the_gradient_needs_is_stored_beside_the_activation() -> None:
    n, b, u = gx.input("n", ("rows", 4)), gx.param("b", np.ones(4, np.float32)), gx.param("u", np.ones((4, 4), "f"))
    before = n @ u + b
    f = gx.compile([n], [before, gx.tanh(before)])
    (step,) = f.program.steps
    assert isinstance(step, Contract)
    assert step.writes == f.program.outputs


def test_a_training_step_of_a_perceptron_has_no_kernel_between_its_products() -> None:
    n, u = gx.input("n", ("rows", 4)), [gx.param(f"u{i}", np.ones((4, 4), "f")) for i in range(4)]
    h = n
    for layer in u:
        h = gx.tanh(h @ layer)
    gradients = gx.grad(gx.sum(h * h), u)
    program = gx.compile([n], gradients).program
    assert [type(step) for step in program.steps] == [Contract] * (4 + 3 + 4)
    assert sum(then is not None for then in epilogues(program)) == 4 + 3


def test_what_a_branch_gives_beside_an_activation_is_written() -> None:
    n, u, chosen = gx.input("n", (2, 4)), gx.param("u", np.ones((4, 4), "f")), gx.input("chosen", (), "bool")

    def taken() -> list[gx.Node]:
        product = n @ u
        return [product, gx.exp(product)]

    f = gx.compile([n, chosen], gx.cond(chosen, taken, lambda: [n, n]), verify=True)
    (branch,) = [step for step in f.program.steps if isinstance(step, Branch)]
    assert any(isinstance(step, Contract) and step.then is not None for part in branch.parts for step in part)
    row = np.ones((2, 4), "f")
    product, activated = f(row, True)
    np.testing.assert_allclose([product, activated], [row @ row.T @ row / 2, np.exp(row * 4)])
