"""Products read narrow floats as they are, and so where nothing else reads what is widened."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Literal

import ml_dtypes
import numpy as np
import pytest

import graphc as gx
from graphc.kernel.affine import AffineIndex
from graphc.kernel.buffer import Buffer, Role
from graphc.kernel.program import Program
from graphc.kernel.reference import interpret
from graphc.kernel.scalar import Fn, Formula
from graphc.kernel.steps import Contract, Kernel, Stage, Step, Store
from graphc.kernel.verify import verify
from graphc.passes.narrow_operands import read_narrow
from graphc.sizes import estimate
from graphc.types import BFLOAT16, FLOAT32
from tests.kernel.building import HERE, axes, element, given, matmul, output, pointwise, program_of, temporary, variable

ROWS = np.array([[1, -2, 3], [0.5, 4, -1]]).astype(ml_dtypes.bfloat16)
COLUMNS = np.array([[1, 2, 0, 1], [-1, 0, 1, 2], [2, -1, 1, 0]], np.float32)


def widening(narrow: Buffer, wide: Buffer, *before: Fn) -> Kernel:
    """wide = narrow, after some functions."""
    walked, formula = axes(*narrow.shape), Formula()
    value = element(formula, narrow, walked)
    for fn in before:
        value = formula.call(fn, (value,))
    stored = Store(wide, tuple(formula.axis(axis) for axis in walked), formula.call(Fn.CAST, (value,), FLOAT32))
    return Kernel(walked, (Stage((), tuple(formula.lets), (stored,)),), HERE)


def same_results(program: Program) -> Program:
    """The improved program, which gives the same bits."""
    improved = read_narrow(program)
    verify(improved)
    variables = [np.ones([estimate(n) for n in each.shape], each.dtype) for each in program.variables]
    found, exact = (interpret(each, [ROWS, COLUMNS], variables, {}) for each in (improved, program))
    for one, other in zip((*found[0], *found[1]), (*exact[0], *exact[1]), strict=True):
        np.testing.assert_array_equal(one, other)
    return improved


def program(*steps: Step, outputs: Sequence[Buffer]) -> Program:
    return program_of(steps, [x, w], outputs, symbols=())


x, w, wide = given(0, 2, 3, dtype=BFLOAT16), given(1, 3, 4), temporary(2, 3)


def test_a_copy_for_a_product_is_not_made() -> None:
    out = output(0, 2, 4)
    (step,) = same_results(program(widening(x, wide), matmul(wide, w, out), outputs=[out])).steps
    assert isinstance(step, Contract)
    assert step.left is x


def test_what_is_computed_for_a_product_stays_narrow() -> None:
    out = output(0, 2, 4)
    improved = same_results(program(widening(x, wide, Fn.NEG), matmul(wide, w, out), outputs=[out]))
    assert [buffer.dtype for buffer in improved.temporaries] == [BFLOAT16]
    assert len(improved.steps) == 2


def test_what_others_read_stays_wide() -> None:
    out, other = output(0, 2, 4), output(1, 2, 3)
    steps = (widening(x, wide), matmul(wide, w, out), pointwise(Fn.NEG, [wide], other))
    improved = same_results(program(*steps, outputs=[out, other]))
    assert improved.steps == steps


def test_a_product_reads_no_variable_that_is_set_before() -> None:
    kept, total = variable(0, 2, 3, dtype=BFLOAT16), variable(1, 2, 4)
    steps: list[Step] = [widening(kept, wide), pointwise(Fn.NEG, [x], kept), matmul(wide, w, total)]
    improved = same_results(program_of(steps, [x, w], variables=[kept, total], commit=0, symbols=()))
    contract = improved.steps[-1]
    assert isinstance(contract, Contract)
    assert contract.left is not kept
    assert contract.left.dtype == BFLOAT16


@pytest.mark.parametrize(("before", "role"), [((), Role.INPUT), ((Fn.NEG,), Role.TEMPORARY)])
def test_what_a_product_reads_under_another_shape_stays_narrow_there(before: Sequence[Fn], role: Role) -> None:
    out = output(0, 2, 4)
    contract = matmul(wide, w, out)
    i, k = contract.left_index
    shown = replace(
        contract, left=Buffer(wide.role, wide.dtype, (2, 1, 3), base=wide), left_index=(i, AffineIndex(()), k)
    )
    improved = same_results(program(widening(x, wide, *before), shown, outputs=[out])).steps[-1]
    assert isinstance(improved, Contract)
    left = improved.left
    assert (left.dtype, left.shape, left.root.role, left.root.shape) == (BFLOAT16, (2, 1, 3), role, (2, 3))


def test_an_array_that_others_read_under_another_shape_stays_wide() -> None:
    out, other = output(0, 2, 4), output(1, 3, 2)
    shown = Buffer(wide.role, wide.dtype, (3, 2), base=wide)
    steps = (widening(x, wide), matmul(wide, w, out), pointwise(Fn.NEG, [shown], other))
    assert same_results(program(*steps, outputs=[out, other])).steps == steps


@pytest.mark.parametrize(("precision", "size"), [("bf16", 2), ("f16", 2), ("tf32", 4)])
def test_functions_for_gpus_keep_rounded_operands_in_16_bits(
    precision: Literal["bf16", "f16", "tf32"], size: int
) -> None:
    a, b = gx.input("a", (32, 48)), gx.input("b", (48, 32))
    f = gx.compile([a, b], a @ b, backend="cuda", precision=precision, verify=True)
    assert {buffer.dtype.itemsize for buffer in f.program.temporaries} == {size}


def test_other_backends_read_what_is_widened() -> None:
    a = gx.input("a", (32, 32), "bfloat16")
    product = next(s for s in gx.compile([a], a @ a, backend="numpy").program.steps if isinstance(s, Contract))
    assert product.left.dtype == FLOAT32
