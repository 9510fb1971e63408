"""Computing in an output what would be copied there."""

from dataclasses import replace

import numpy as np
import pytest

import graphc as gx
from graphc.kernel.buffer import Buffer, Role
from graphc.kernel.monoids import Monoid
from graphc.kernel.program import Program
from graphc.kernel.reference import interpret
from graphc.kernel.scalar import Fn, Formula
from graphc.kernel.steps import Kernel, Stage, Store
from graphc.kernel.verify import verify
from graphc.passes.settle import settle
from graphc.types import INT64
from tests.backends.running import run
from tests.kernel.building import HERE, axes, element, floats, given, output, pointwise, program_of, temporary

SCATTERED = floats([1, 2, 3, 4]), np.array([0, 2, 0]), floats([10, 20, 30])


def scattered_into(base: Buffer, places: Buffer, updates: Buffer, out: Buffer, extent: int = 4) -> Kernel:
    """out = base, walked over `extent` elements; out[places] += updates."""
    (over,), (along,) = axes(extent), axes(*updates.shape)
    first, second = Formula(), Formula()
    copy = Store(out, (first.axis(over),), element(first, base, (over,)))
    add = Store(out, (element(second, places, (along,)),), element(second, updates, (along,)), Monoid.SUM)
    return Kernel((), (Stage((over,), tuple(first.lets), (copy,)), Stage((along,), tuple(second.lets), (add,))), HERE)


def scatter_program(base: Buffer, out: Buffer, extent: int = 4, shown: Buffer | None = None) -> Program:
    """base = -x; out = base with updates added."""
    x, places, updates = given(0, *base.shape), given(1, 3, dtype=INT64), given(2, 3)
    steps = [pointwise(Fn.NEG, [x], base), scattered_into(shown or base, places, updates, out, extent)]
    return program_of(steps, [x, places, updates], [out], symbols=())


def temporaries(program: Program) -> int:
    return len(program.temporaries)


def test_the_base_of_a_scatter_is_computed_in_the_output() -> None:
    program = scatter_program(temporary(4), output(0, 4))
    settled = settle(program)
    verify(settled)
    assert temporaries(program) == 1
    assert temporaries(settled) == 0
    for same in (program, settled):
        for (y,), _ in (run(same, SCATTERED), interpret(same, SCATTERED, [], {})):
            assert y.tolist() == [39, -2, 17, -4]


def test_settling_twice_changes_nothing_more() -> None:
    once = settle(scatter_program(temporary(4), output(0, 4)))
    assert settle(once) is once


def test_a_part_of_a_temporary_is_no_output() -> None:
    program = scatter_program(temporary(5), output(0, 4))
    assert settle(program) is program
    (y,), _ = run(settle(program), [floats([1, 2, 3, 4, 5]), *SCATTERED[1:]])
    assert y.tolist() == [39, -2, 17, -4]


def test_a_copy_of_a_part_of_the_output_is_no_copy_of_all() -> None:
    program = scatter_program(temporary(4), output(0, 4), extent=3)
    assert settle(program) is program


def test_a_temporary_of_another_dtype_is_no_output() -> None:
    base = temporary(4)
    program = scatter_program(base, output(0, 4, dtype=np.dtype(np.float64)))
    assert settle(program) is program


def test_a_view_stays_where_it_is() -> None:
    base = temporary(2, 2)
    view = Buffer(Role.TEMPORARY, base.dtype, (4,), base=base)
    program = scatter_program(base, output(0, 4), shown=view)
    assert settle(program) is program
    (y,), _ = run(settle(program), [SCATTERED[0].reshape(2, 2), *SCATTERED[1:]])
    assert y.tolist() == [39, -2, 17, -4]


def test_a_temporary_that_is_read_later_stays() -> None:
    base, out, again = temporary(4), output(0, 4), output(1, 4)
    program = scatter_program(base, out)
    program = replace(
        program,
        steps=(*program.steps, pointwise(Fn.NEG, [base], again)),
        outputs=(out, again),
        commit=3,
    )
    assert settle(program) is program
    (_, y), _ = run(settle(program), SCATTERED)
    assert y.tolist() == [1, 2, 3, 4]


@pytest.mark.parametrize("level", [0, 1, 2])
@pytest.mark.parametrize("update", [False, True])
def test_scatter_into_a_slice_of_something_computed(level: int, update: bool) -> None:
    x, i, u = gx.input("x", (5,)), gx.input("i", (2,), "int64"), gx.input("u", (2,))
    w = gx.param("w", np.zeros(3, np.float32))
    y = gx.scatter_add(gx.exp(x)[:3], i, u)
    arrays = [np.arange(5, dtype=np.float32), np.array([0, 2]), floats([10, 20])]
    expected = np.exp(arrays[0])[:3] + floats([10, 0, 20])
    if update:
        gx.compile([x, i, u], [], updates={w: y}, level=level)(*arrays)
        found = w.value
    else:
        (found,) = gx.compile([x, i, u], [y], level=level)(*arrays)
    np.testing.assert_allclose(found, expected, rtol=1e-6)


@pytest.mark.parametrize("level", [0, 1, 2])
def test_scatter_into_a_reshaped_base_that_is_read_elsewhere(level: int) -> None:
    x, i, u = gx.input("x", (3, 4)), gx.input("i", (2,), "int64"), gx.input("u", (2,))
    y = gx.reshape(gx.exp(x), (-1,))
    f = gx.compile([x, i, u], [gx.scatter_add(y, i, u), gx.sum(y), y], level=level)
    scattered, total, flat = f(np.zeros((3, 4), np.float32), np.array([0, 5]), floats([1, 2]))
    assert scattered.tolist() == [2, 1, 1, 1, 1, 3, 1, 1, 1, 1, 1, 1]
    assert total == 12
    assert flat.tolist() == [1] * 12
