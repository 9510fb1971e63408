"""Axes of one element or none, whose index nobody needs to know."""

import numpy as np
import pytest

from graphc.backends.backend import Backend
from graphc.backends.llvm.backend import LlvmBackend
from graphc.backends.numpy.backend import NumpyBackend
from graphc.kernel.scalar import Axis, Fn, Formula
from graphc.kernel.steps import Kernel, Stage, Store
from graphc.sizes import minimum
from tests.backends.running import run
from tests.kernel.building import F32, HERE, N, given, load, program_of, variable


@pytest.mark.parametrize("n", [0, 1, 3])
@pytest.mark.parametrize("backend", [NumpyBackend(), LlvmBackend()], ids=["numpy", "llvm"])
def test_what_no_point_writes_stays(n: int, backend: Backend) -> None:
    """Of an axis of one element or none, a store needs not to tell which."""
    few, j = Axis(0, minimum(N, 1)), Axis(1, 3)
    x, made, copied, filled = given(0, N, 3), *(variable(slot, 3) for slot in range(3))
    formula = Formula()
    place = formula.axis(j)
    value = load(formula, x, formula.axis(few), place)
    stores = [
        Store(made, (place,), formula.call(Fn.NEG, (value,))),
        Store(copied, (place,), value),
        Store(filled, (place,), formula.constant(2.0, F32)),
    ]
    kernel = Kernel((few, j), (Stage((), tuple(formula.lets), tuple(stores)),), HERE)
    program = program_of([kernel], [x], variables=[made, copied, filled], commit=0)
    rows = np.arange(3.0 * n, dtype=np.float32).reshape(n, 3)
    _, found = run(program, [rows], [np.full(3, 7, np.float32)] * 3, {"n": n}, backend=backend)
    expected = [-rows[0], rows[0], [2, 2, 2]] if n else [[7, 7, 7]] * 3
    np.testing.assert_array_equal(found, expected)
