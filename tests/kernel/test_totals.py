"""Totals: what a kernel combines over all rows, and what its last stages make of that."""

from dataclasses import replace

import numpy as np
import pytest

from graphc.kernel.buffer import Buffer
from graphc.kernel.monoids import Monoid
from graphc.kernel.program import Program
from graphc.kernel.reference import interpret
from graphc.kernel.scalar import Fn, Formula, Load
from graphc.kernel.steps import Kernel, Stage, Store, Total
from graphc.kernel.text import program_text
from graphc.kernel.verify import verify
from tests.backends.running import run, source_of
from tests.kernel.building import F32, HERE, N, axes, given, local, output, program_of

I, J = axes(N, 3)


def column_means(monoid: Monoid = Monoid.SUM) -> Program:
    """y [3] = the sum (or what `monoid` says) of the squares of the columns of x [n, 3], halved."""
    x, y, total = given(0, N, 3), output(0, 3), local(3)
    rows = Formula()
    i, j = rows.axis(I), rows.axis(J)
    value = rows.add(Load(x, (i, j), F32))
    square = rows.call(Fn.MUL, (value, value))
    first = Stage((J,), tuple(rows.lets), (Total(monoid, square, (j,), total),))
    return program_of([Kernel((I,), (first, halved(total, y)), HERE)], [x], [y])


def halved(total: Buffer, y: Buffer) -> Stage:
    last = Formula()
    j = last.axis(J)
    value = last.call(Fn.MUL, (last.add(Load(total, (j,), F32)), last.constant(0.5, F32)))
    return Stage((J,), tuple(last.lets), (Store(y, (j,), value),), is_last=True)


@pytest.mark.parametrize("monoid", [Monoid.SUM, Monoid.PROD, Monoid.MAX, Monoid.MIN])
@pytest.mark.parametrize("n", [1, 2, 50_000])
def test_rows_are_combined_in_blocks_as_the_interpreter_combines_them(monoid: Monoid, n: int) -> None:
    program = column_means(monoid)
    x = np.random.default_rng(0).uniform(0.5, 1.5 if n < 9 else 1.0, (n, 3)).astype(np.float32)
    (found,), _ = run(program, [x], sizes={"n": n})
    squares = x.astype("float64") ** 2
    whole = {
        Monoid.SUM: squares.sum(axis=0),
        Monoid.PROD: squares.prod(axis=0),
        Monoid.MAX: squares.max(axis=0),
        Monoid.MIN: squares.min(axis=0),
    }
    np.testing.assert_allclose(found, whole[monoid] / 2, rtol=1e-4)
    if n < 9:
        (exact,), _ = interpret(program, [x], [], {"n": n})
        np.testing.assert_allclose(found, exact, rtol=1e-6)
    (again,), _ = run(program, [x], sizes={"n": n})
    assert again.tobytes() == found.tobytes()


def test_a_total_over_no_rows_is_nothing() -> None:
    x = np.empty((0, 3), np.float32)
    (found,), _ = run(column_means(), [x], sizes={"n": 0})
    (exact,), _ = interpret(column_means(), [x], [], {"n": 0})
    assert found.tolist() == exact.tolist() == [0, 0, 0]


def test_a_total_is_set_before_the_blocks_and_used_after_them() -> None:
    body = source_of(column_means()).partition("def run")[2].partition("return run")[0]
    lines = [line for line in body.splitlines() if " = n" in line or "np." in line or "for start" in line]
    depth = [len(line) - len(line.lstrip()) for line in lines]
    loop = next(number for number, line in enumerate(lines) if "for start" in line)
    assert "[...] = n_0" in lines[loop - 1]
    assert depth[loop - 1] == depth[loop] == depth[-1]
    assert set(depth[loop + 1 : -1]) == {depth[loop] + 4}


def test_the_text_says_what_is_a_total() -> None:
    text = program_text(column_means())
    assert "l0[v1] = sum of v3 over all rows" in text
    assert "last stage over j < 3" in text


def problem(kernel: Kernel, program: Program) -> str:
    with pytest.raises(AssertionError) as caught:
        verify(replace(program, steps=(kernel,)))
    return str(caught.value)


def test_mistakes_are_named() -> None:
    program = column_means()
    (kernel,) = program.steps
    assert isinstance(kernel, Kernel)
    first, last = kernel.stages

    def of(*stages: Stage) -> Kernel:
        return Kernel(kernel.outer, stages, kernel.origins)

    assert "a stage of rows comes after a last one" in problem(of(first, last, first), program)
    early = of(first, replace(last, is_last=False, inner=(J,)))
    assert "is read before it is written" in problem(early, program)
    by_row = Formula()
    by_row.axis(I)
    assert "neither outer nor of this stage" in problem(
        of(first, replace(last, lets=(*last.lets, *by_row.lets))), program
    )
    twice = replace(last, effects=(*last.effects, Total(Monoid.SUM, 0, (0,), local(3, dtype=F32))))
    assert "a last stage does more than store" in problem(of(first, twice), program)
