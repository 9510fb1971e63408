"""The interpreter, given formulas for functions, has the bits of native kernels: each step is rounded alike."""

import numpy as np
import pytest

from graphc.backends.llvm.backend import LlvmBackend
from graphc.backends.llvm.machine import host, restricted
from graphc.kernel.arrays import Array
from graphc.kernel.elementary.expansion import EXPANSIONS, expanded_program
from graphc.kernel.reference import interpret
from graphc.kernel.scalar import Fn
from graphc.kernel.signatures import SIGNATURES
from graphc.types import DTYPES, DType
from tests.backends.running import run
from tests.kernel.building import given, output, pointwise, program_of

#: the ends of ranges, of either dtype
ENDS = (0.0, 1e-310, 1e-42, 1.0, 88.9, 104.5, 709.9, 745.3, 1e30, np.inf)
LONG = {Fn.POLYGAMMA, Fn.LGAMMA, Fn.DIGAMMA, Fn.POW}
MANY_STEPS = 4  # points of polygamma, of 2,000 steps, in the default tier


@np.errstate(all="ignore")
def operands_of(fn: Fn, dtype: DType, count: int) -> list[Array]:
    """Some numbers of every size, around 1 and at the ends."""
    rng = np.random.default_rng(0)
    sized = rng.choice([-1.0, 1.0], count) * 10.0 ** rng.uniform(-40, 38, count)
    drawn = [rng.uniform(-1, 1, count), rng.normal(0, 9, count), sized]
    found = np.concatenate([*drawn, ENDS, np.negative(ENDS), [np.nan]])
    arrays = [rng.permutation(found).astype(dtype) for _ in range(SIGNATURES[fn].arity)]
    if fn is Fn.POLYGAMMA:
        arrays[0] = rng.integers(0, 4, found.size).astype(dtype)
    return [array[: MANY_STEPS if count < MANY_STEPS and fn is Fn.POLYGAMMA else None] for array in arrays]


@pytest.mark.parametrize("dtype", [DTYPES["float32"], DTYPES["float64"]], ids=str)
@pytest.mark.parametrize("fn", EXPANSIONS, ids=lambda fn: fn.value)
def test_native_function_has_the_bits_of_its_formula(fn: Fn, dtype: DType, full_tier: bool) -> None:
    arrays = operands_of(fn, dtype, 300 if full_tier else 2 if fn in LONG else 12)
    count = arrays[0].size
    buffers, out = [given(slot, count, dtype=dtype) for slot in range(len(arrays))], output(0, count, dtype=dtype)
    program = program_of([pointwise(fn, buffers, out)], buffers, [out], symbols=())
    (expected,), _ = interpret(expanded_program(program), arrays, [], {})
    for machine in (host(), restricted(16)) if full_tier else (host(),):
        (found,), _ = run(program, arrays, backend=LlvmBackend(machine))
        np.testing.assert_array_equal(found, expected)  # a nan is any nan
        signed = ~np.isnan(expected)
        np.testing.assert_array_equal(np.signbit(found[signed]), np.signbit(expected[signed]))
