"""Writing over what is still to be read is found, element by element."""

import numpy as np
import pytest

from graphc.kernel.affine import AffineIndex
from graphc.kernel.buffer import Buffer, Role
from graphc.kernel.carries import Held
from graphc.kernel.reference import interpret
from graphc.kernel.scalar import Const, Fn, Formula
from graphc.kernel.steps import Contract, Kernel, Loop, Stage, Step, Store
from graphc.kernel.verify import verify
from graphc.passes.places import all_substituted
from graphc.types import INT64
from tests.kernel.building import (
    F32,
    HERE,
    axes,
    copied,
    element,
    given,
    load,
    output,
    pointwise,
    program_of,
    temporary,
)
from tests.random_graphs import SEEDS, random_graph
from tests.random_loops import LOOPS

X, Y = given(0, 4, 4), output(0, 4, 4)
S, T = temporary(4, 4), temporary(4, 4)
I, J = axes(4, 4)


def overwritten(step: Step, *more: Step) -> str:
    """What is wrong with writing t over s in a step; nothing if nothing is."""
    program = program_of([copied(X, S), step, *more, copied(T, Y)], [X], [Y], aliases={T: S})
    try:
        verify(program)
    except AssertionError as error:
        return str(error)
    return ""


def test_each_point_may_write_over_what_it_reads() -> None:
    assert overwritten(pointwise(Fn.NEG, [S], T)) == ""


def test_points_that_read_elsewhere_are_found() -> None:
    formula = Formula()
    value = load(formula, S, formula.axis(J), formula.axis(I))
    store = Store(T, (formula.axis(I), formula.axis(J)), value)
    turned = Kernel((I, J), (Stage((), tuple(formula.lets), (store,)),), HERE)
    assert overwritten(turned) == "t1 is written over t0, which step 1 reads at other places"


def test_points_that_write_one_element_are_found() -> None:
    formula = Formula()
    at = (formula.axis(I), formula.add(Const("0", 0, INT64)))
    store = Store(T, at, load(formula, S, *at))
    kernel = Kernel((I, J), (Stage((), tuple(formula.lets), (store,)),), HERE)
    assert "at other places" in overwritten(kernel)


def test_later_stages_read_no_more() -> None:
    first, second = Formula(), Formula()
    store = Store(T, (first.axis(I), first.axis(J)), element(first, S, (I, J)))
    again = Store(T, (second.axis(I), second.axis(J)), element(second, S, (I, J)))
    stages = [Stage((), tuple(f.lets), (s,)) for f, s in ((first, store), (second, again))]
    assert "which step 1, stage 1 reads" in overwritten(Kernel((I, J), tuple(stages), HERE))


def test_elements_of_another_shape_lie_elsewhere() -> None:
    view = Buffer(Role.TEMPORARY, F32, (2, 8), base=S)
    wide = temporary(2, 8)
    near, far = axes(2, 4)
    formula = Formula()
    store = Store(wide, (formula.axis(near), formula.axis(far)), element(formula, S, (near, far)))
    part = Kernel((near, far), (Stage((), tuple(formula.lets), (store,)),), HERE)
    program = program_of([copied(X, S), part, copied(S, Y)], [X], [Y], aliases={wide: S})
    with pytest.raises(AssertionError):
        verify(program)
    whole = program_of([copied(X, S), pointwise(Fn.NEG, [view], wide), copied(X, Y)], [X], [Y], aliases={wide: S})
    verify(whole)


def test_a_product_never_writes_over_its_operands() -> None:
    i, j, k = (AffineIndex(((axis, 1),)) for axis in range(3))
    product = Contract((4, 4, 4), S, S, T, (i, k), (k, j), (i, j), HERE)
    assert "at other places" in overwritten(product)


def turning(*shared: Buffer) -> Loop:
    """t = s; three times: t = -t."""
    return Loop(3, False, (), (), (), (pointwise(Fn.NEG, [T], T),), shared, HERE, held=(Held(S, T),))


def test_a_loop_may_write_over_its_start() -> None:
    assert overwritten(turning()) == ""


def test_a_loop_that_reads_its_start_again_is_found() -> None:
    assert "at other places" in overwritten(turning(S))


def test_what_is_made_outside_a_loop_is_not_written_over_inside() -> None:
    inner = temporary(4, 4)
    steps = (pointwise(Fn.NEG, [S], inner), pointwise(Fn.ADD, [inner, T], T))
    loop = Loop(3, False, (), (), (), steps, (S,), HERE, held=(Held(X, T),))
    program = program_of([copied(X, S), loop, copied(T, Y)], [X], [Y], aliases={inner: S})
    with pytest.raises(AssertionError, match="which other steps make"):
        verify(program)


@pytest.mark.parametrize("seed", [*SEEDS[:10], *SEEDS[40:140]])  # the interpreter is slow
def test_sharing_bytes_changes_no_value(seed: int) -> None:
    graph = random_graph(seed, 12, LOOPS if seed % 2 else ())
    f = graph.compile()
    program = f.program
    owners = {over: owner for over, owner in program.aliases.items() if over.dtype == owner.dtype}
    touched = {b for step in program.timeline for b in (*step.reads, *step.writes) if b.root in owners}
    shared = {b: Buffer(b.role, b.dtype, b.shape, b.slot, owners[b.root]) for b in touched}
    over = program_of(
        all_substituted(program.steps, shared),
        program.inputs,
        program.outputs,
        variables=program.variables,
        constants=program.constants,
        commit=program.commit,
        symbols=program.symbols,
    )
    arrays = graph.arrays(3, seed)
    values = [graph.start[node] for node in f.stored]
    expected, found = (interpret(p, arrays, values, {"n": 3}, f.constants) for p in (program, over))
    for one, other in zip((*expected[0], *expected[1]), (*found[0], *found[1]), strict=True):
        np.testing.assert_array_equal(one, other)
