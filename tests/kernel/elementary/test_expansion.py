"""Formulas take the place of functions and nothing else changes."""

import numpy as np
import pytest

import graphc as gx
from graphc.kernel.elementary.expansion import EXPANSIONS, expanded_program
from graphc.kernel.reference import interpret
from graphc.kernel.scalar import Call, Fn
from graphc.kernel.signatures import SIGNATURES
from graphc.kernel.steps import Contract, Kernel, Step
from graphc.kernel.verify import verify
from graphc.types import BFLOAT16, DTYPES, DType
from tests.kernel.building import N, given, output, pointwise, program_of, softmax

#: what every machine has
PRIMITIVE = {
    Fn.ADD, Fn.SUB, Fn.MUL, Fn.DIV, Fn.NEG, Fn.ABS, Fn.FLOOR, Fn.CEIL, Fn.TRUNC, Fn.ROUND, Fn.MINIMUM, Fn.MAXIMUM,
    Fn.FMA, Fn.SQRT, Fn.COPYSIGN, Fn.LT, Fn.LE, Fn.GT, Fn.GE, Fn.EQ, Fn.NE, Fn.AND, Fn.OR, Fn.XOR, Fn.NOT,
    Fn.LEFT_SHIFT, Fn.RIGHT_SHIFT, Fn.ISNAN, Fn.ISFINITE, Fn.WHERE, Fn.RARELY, Fn.CAST, Fn.BITS, Fn.TWO_OVER_PI,
}  # fmt: skip


def functions_in(kernel: Kernel) -> set[Fn]:
    return {let.fn for stage in kernel.stages for let in stage.lets if isinstance(let, Call)}


@pytest.mark.parametrize("dtype", [DTYPES["float32"], DTYPES["float64"], DTYPES["float16"], BFLOAT16], ids=str)
@pytest.mark.parametrize("fn", EXPANSIONS, ids=lambda fn: fn.value)
def test_expansion_has_primitive_functions_only(fn: Fn, dtype: DType) -> None:
    x = [given(slot, N, dtype=dtype) for slot in range(SIGNATURES[fn].arity)]
    y = output(0, N, dtype=dtype)
    program = expanded_program(program_of([pointwise(fn, x, y)], x, [y]))
    verify(program)
    (kernel,) = program.steps
    assert isinstance(kernel, Kernel)
    assert functions_in(kernel) <= PRIMITIVE


def test_stages_folds_and_locals_mean_the_same() -> None:
    x, y = given(0, N, 5), output(0, N, 5)
    program = program_of([softmax(x, y)], [x], [y])
    values = np.random.default_rng(0).normal(size=(3, 5)).astype(np.float32)
    (expected,), _ = interpret(program, [values], [], {"n": 3})
    (found,), _ = interpret(expanded_program(program), [values], [], {"n": 3})
    np.testing.assert_allclose(found, expected, rtol=1e-6)


def test_narrow_floats_are_rounded_once() -> None:
    x, y = given(0, N, dtype=BFLOAT16), output(0, N, dtype=BFLOAT16)
    program = program_of([pointwise(Fn.EXP, [x], y)], [x], [y])
    values = np.linspace(-3, 3, 50).astype(BFLOAT16)
    (expected,), _ = interpret(program, [values], [], {"n": 50})
    (found,), _ = interpret(expanded_program(program), [values], [], {"n": 50})
    assert found.tobytes() == expected.tobytes()


def test_steps_inside_loops_branches_and_epilogues_are_expanded() -> None:
    x, w, c = gx.input("x", (4, 3)), gx.input("w", (3, 3)), gx.input("c", (), "bool")
    last, _ = gx.scan(lambda h, row: (gx.tanh(h @ w + row), gx.exp(h)), gx.zeros(3), x)
    chosen = gx.cond(c, lambda y: gx.sin(y), lambda y: gx.log1p(y * y), last)
    f = gx.compile([x, w, c], [chosen, gx.tanh(x @ w)])
    program = expanded_program(f.program)
    verify(program)
    called = {fn for step in program.timeline for fn in _called(step)}
    assert called <= PRIMITIVE
    assert not {fn for step in f.program.timeline for fn in _called(step)} <= PRIMITIVE
    rng = np.random.default_rng(0)
    for choice in (True, False):
        arrays = [rng.normal(size=(4, 3)).astype(np.float32), rng.normal(size=(3, 3)).astype(np.float32)]
        given_all = [*arrays, np.array(choice)]
        expected, _ = interpret(f.program, given_all, [], {}, f.constants)
        found, _ = interpret(program, given_all, [], {}, f.constants)
        for one, other in zip(found, expected, strict=True):
            np.testing.assert_allclose(one, other, rtol=1e-5, atol=1e-6)


def _called(step: Step) -> set[Fn]:
    """The functions that a step calls, not those inside it but its epilogue's."""
    if isinstance(step, Kernel):
        return functions_in(step)
    return functions_in(step.then) if isinstance(step, Contract) and step.then is not None else set()
