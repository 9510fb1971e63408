"""Writing over an operand that nobody reads again."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest

import graphc as gx
from graphc.kernel.affine import AffineIndex
from graphc.kernel.arrays import Array
from graphc.kernel.buffer import Buffer, Role
from graphc.kernel.carries import Held
from graphc.kernel.monoids import Monoid
from graphc.kernel.naming import names
from graphc.kernel.program import Program
from graphc.kernel.reference import interpret
from graphc.kernel.scalar import Fn, Formula, Load
from graphc.kernel.steps import Kernel, Loop, Stage, Step, Store
from graphc.kernel.verify import verify
from graphc.passes.reuse import last_uses, overlays, reuse
from graphc.sizes import Size
from graphc.types import DType
from tests.backends.running import run
from tests.kernel.building import (
    F32,
    F64,
    HERE,
    N,
    axes,
    floats,
    given,
    matmul,
    output,
    pointwise,
    program_of,
    running,
    temporary,
)  # fmt: skip

X = floats([1, 2, 3])


def chain(second: Step, t: Buffer, s: Buffer, *more: Step, shape: Sequence[Size] = (3,)) -> Program:
    """t = -x; s = second(t); y = -s."""
    x, y = given(0, *shape), output(0, *s.shape, dtype=s.dtype)
    return program_of([pointwise(Fn.NEG, [x], t), second, *more, pointwise(Fn.NEG, [s], y)], [x], [y])


def assert_same(program: Program, x: Array, sizes: dict[str, int]) -> None:
    """Reusing changes no value, by the backend and by the interpreter."""
    found = reuse(program)
    verify(found)
    (expected,), _ = interpret(program, [x], [], sizes)
    for (y,), _ in (run(found, [x], sizes=sizes), interpret(found, [x], [], sizes), run(program, [x], sizes=sizes)):
        np.testing.assert_array_equal(y, expected)


def test_a_temporary_takes_the_bytes_of_one_that_dies() -> None:
    t, s = temporary(3), temporary(3)
    program = chain(pointwise(Fn.ABS, [t], s), t, s)
    assert reuse(program).aliases == {s: t}
    assert_same(program, X, {"n": 1})


def test_a_chain_has_the_bytes_of_its_first() -> None:
    t, s, r = temporary(N), temporary(N), temporary(N)
    program = chain(pointwise(Fn.ABS, [t], s), t, r, pointwise(Fn.ADD, [s, s], r), shape=(N,))
    assert reuse(program).aliases == {s: t, r: t}
    assert_same(program, X, {"n": 3})


def test_what_is_read_later_is_not_written_over() -> None:
    t, s, r = temporary(3), temporary(3), temporary(3)
    program = chain(pointwise(Fn.ABS, [t], s), t, r, pointwise(Fn.ADD, [s, t], r))
    assert s not in reuse(program).aliases
    assert_same(program, X, {"n": 1})


@pytest.mark.parametrize(("dtype", "shape"), [(F64, (3,)), (F32, (4,))])
def test_other_bytes_are_no_room(dtype: DType, shape: tuple[int, ...]) -> None:
    t, s = temporary(3), temporary(*shape, dtype=dtype)
    formula, at = Formula(), axes(*shape)
    first = formula.add(Load(t, (formula.size(0),), t.dtype))
    value = formula.call(Fn.CAST, (first,), dtype)
    store = Store(s, (formula.axis(at[0]),), value)
    kernel = Kernel(at, (Stage((), tuple(formula.lets), (store,)),), HERE)
    program = chain(kernel, t, s)
    assert not reuse(program).aliases
    assert_same(program, X, {"n": 1})


def test_an_element_that_is_read_elsewhere_is_not_written_over() -> None:
    t, s = temporary(3), temporary(3)
    formula, (at,) = Formula(), axes(3)
    backwards = formula.affine(AffineIndex(((0, -1),), 2), [formula.axis(at)])
    value = formula.add(Load(t, (backwards,), t.dtype))
    store = Store(s, (formula.axis(at),), value)
    flipped = Kernel((at,), (Stage((), tuple(formula.lets), (store,)),), HERE)
    program = chain(flipped, t, s)
    assert not reuse(program).aliases
    assert_same(program, X, {"n": 1})


def test_a_running_fold_reads_its_row_before_it_writes_it() -> None:
    t, s = temporary(2, 3), temporary(2, 3)
    program = chain(running(Monoid.SUM, t, s, reverse=True), t, s, shape=(2, 3))
    assert_same(program, floats([[1, 2, 3], [4, 5, 6]]), {"n": 1})


def test_inputs_and_outputs_are_never_written_over() -> None:
    x, t, y, z = given(0, 3), temporary(3), output(0, 3), output(1, 3)
    steps = [pointwise(Fn.NEG, [x], y), pointwise(Fn.ABS, [y], t), pointwise(Fn.NEG, [t], z)]
    program = program_of(steps, [x], [y, z])
    assert not reuse(program).aliases


def test_a_view_that_is_read_last_keeps_its_bytes() -> None:
    t = temporary(3)
    view = Buffer(Role.TEMPORARY, F32, (1, 3), base=t)
    s, r = temporary(3), temporary(1, 3)
    program = chain(pointwise(Fn.ABS, [t], s), t, r, pointwise(Fn.NEG, [view], r), pointwise(Fn.ABS, [s], temporary(3)))
    assert s not in reuse(program).aliases
    assert last_uses(program.steps)[t] == 2


def test_a_sum_over_steps_lies_where_it_starts_and_is_not_copied() -> None:
    x, u = gx.input("x", ("n", 4)), gx.param("u", np.eye(4, dtype="float32"))
    last, _ = gx.scan(lambda h, row: (gx.tanh(h @ u) + row, None), gx.zeros(4), x)
    f = gx.compile([x], gx.grad(gx.sum(last), u))
    (held,) = [held for step in f.program.steps if isinstance(step, Loop) for held in step.held]
    named = names(f.program)
    assert f.program.aliases[held.buffer] is held.start
    assert f"np.copyto({named[held.buffer]}, " not in f.source
    rows = np.linspace(-1, 1, 12, dtype="float32").reshape(3, 4)
    (expected,), _ = interpret(f.program, [rows], [u.value], {"n": 3}, f.constants)
    np.testing.assert_allclose(np.asarray(f(rows)), expected, rtol=1e-6)


@pytest.mark.parametrize("again", [True, False])
def test_a_start_that_a_loop_reads_again_keeps_its_bytes(again: bool) -> None:
    x, t, s, y = given(0, 3), temporary(3), temporary(3), output(0, 3)
    shared = (t,) if again else ()
    step = pointwise(Fn.ADD, [s, t if again else s], s)
    loop = Loop(2, False, (), (), (), (step,), shared, HERE, held=(Held(t, s),))
    program = program_of([pointwise(Fn.NEG, [x], t), loop, pointwise(Fn.NEG, [s], y)], [x], [y])
    assert reuse(program).aliases == ({} if again else {s: t})
    assert_same(program, X, {"n": 1})


def test_an_epilogue_leaves_the_operands_of_its_product() -> None:
    left, right, product, bias = temporary(4, 4), temporary(4, 4), temporary(4, 4), temporary(4, 4)
    out = temporary(4, 4)
    both = pointwise(Fn.ADD, [product, bias], out)
    step = replace(matmul(left, right, product), then=both)
    assert overlays(step) == {out: [bias]}
    over_itself = replace(matmul(left, right, product), then=pointwise(Fn.ADD, [product, left], out))
    assert overlays(over_itself) == {out: []}


def test_what_only_a_call_finds_as_large_is_not_written_over() -> None:
    x = gx.input("x", "n")
    y = gx.tanh(x)
    place = gx.remainder(gx.ravel(gx.topk(y, 1, 0)[1]), 2)  # [1], shown by an array of min(n, 1)
    f = gx.compile([x], gx.at(gx.pad(y, [(1, 0)]))[place].add(1), verify=True)
    np.testing.assert_allclose(f(np.array([1, 3, 2], "float32")), [0, 1 + np.tanh(1), *np.tanh([3, 2])], rtol=1e-6)


def test_steps_that_read_arrays_of_several_sizes_under_one_shape_are_told_apart() -> None:
    x, y = gx.input("x", ("n", "m")), gx.input("y", (32, 32))

    def chain(v: gx.Node) -> gx.Node:
        return gx.sort(gx.tanh(gx.reshape(gx.cumsum(gx.cumsum(v, 0), 1), (1024,))) * 2)

    first = chain(y)
    second = chain(x + first[0] * 0.001)
    f = gx.compile([x, y], [first, second], backend="llvm", verify=True)
    verify(f.program)


def test_a_loop_does_not_change_in_place_what_only_a_call_finds_as_large() -> None:
    x = gx.input("x", ("n", 3))
    start = gx.topk(x, 1, 0)[0]  # [1, 3], shown by an array of [min(n, 1), 3]
    count = gx.where(gx.mean(start) > 0, 2, 0)
    last = gx.while_loop(lambda s: s[0] < count, lambda s: (s[0] + 1, s[1] + 1.0), (0, start), max_steps=4)[1]
    f = gx.compile(x, last)
    verify(f.program)
    np.testing.assert_array_equal(f(np.array([[1, 5, 3], [4, 2, 6]], "float32")), [[6, 7, 8]])
