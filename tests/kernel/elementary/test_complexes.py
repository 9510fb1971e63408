"""Functions of complex numbers through their parts: against mpmath, and NumPy where parts are infinite or nan."""

from collections.abc import Callable, Mapping
from typing import Any

import mpmath as m
import numpy as np
import numpy.typing as npt
import pytest

from benchmarks.measure.formulas import evaluated, formula_of
from graphc.kernel.elementary.expansion import EXPANSIONS_OF_COMPLEX, expanded_program
from graphc.kernel.meaning import MEANING
from graphc.kernel.scalar import Call, Fn
from graphc.kernel.signatures import SIGNATURES
from graphc.kernel.steps import Kernel
from graphc.kernel.verify import verify
from graphc.types import DTYPES, is_complex
from tests.kernel.building import N, given, output, pointwise, program_of

Array = npt.NDArray[Any]  # Any: complex64 or complex128

EXACT: Mapping[Fn, Callable[..., Any]] = {  # Any: mpmath has no types
    Fn.MUL: lambda z, w: z * w,
    Fn.DIV: lambda z, w: z / w,
    Fn.POW: lambda z, w: z**w,
    Fn.SQRT: m.sqrt,
    Fn.EXP: m.exp,
    Fn.EXP2: lambda z: m.mpf(2) ** z,
    Fn.EXPM1: m.expm1,
    Fn.LOG: m.log,
    Fn.LOG2: lambda z: m.log(z) / m.log(2),
    Fn.LOG10: m.log10,
    Fn.LOG1P: lambda z: m.log(1 + z),
    Fn.SIN: m.sin,
    Fn.COS: m.cos,
    Fn.TAN: m.tan,
    Fn.ASIN: m.asin,
    Fn.ACOS: m.acos,
    Fn.ATAN: m.atan,
    Fn.SINH: m.sinh,
    Fn.COSH: m.cosh,
    Fn.TANH: m.tanh,
    Fn.ASINH: m.asinh,
    Fn.ACOSH: m.acosh,
    Fn.ATANH: m.atanh,
}

#: whose zeros and infinities have signs that C99 leaves open in places
OPEN = {Fn.SIN, Fn.SINH, Fn.COS, Fn.COSH}


def values_of(fn: Fn, *operands: Array) -> Array:
    """What the formula gives."""
    lets, number = formula_of(EXPANSIONS_OF_COMPLEX[fn], *(operand.dtype for operand in operands))
    return evaluated(lets, number, operands)


def drawn(count: int, rng: np.random.Generator) -> Array:
    """Numbers whose parts are of any size up to 20."""
    parts = [rng.uniform(-1, 1, count) * 10.0 ** rng.uniform(-8, 1.3, count) for _ in range(2)]
    return np.concatenate([parts[0] + 1j * parts[1], rng.uniform(-3, 3, count) + 1j * rng.uniform(-3, 3, count)])


@pytest.mark.parametrize("dtype", ["complex64", "complex128"])
@pytest.mark.parametrize("fn", EXPANSIONS_OF_COMPLEX, ids=lambda fn: fn.value)
def test_formula_is_exact_to_a_few_units(fn: Fn, dtype: str) -> None:
    rng = np.random.default_rng(0)
    points = [drawn(100, rng).astype(dtype) for _ in range(SIGNATURES[fn].arity)]
    if fn is Fn.POW:
        points[1] = rng.uniform(-3, 3, 200).astype(dtype)
    found = values_of(fn, *points)
    eps = float(np.finfo(dtype).eps)
    with m.workprec(200):
        for value, *at in zip(found, *points, strict=True):
            exact = EXACT[fn](*(m.mpc(complex(one)) for one in at))
            if fn is Fn.POW and abs(m.log(at[0])) > 3:
                continue  # y log x has fewer digits
            assert abs(m.mpc(complex(value)) - exact) <= (12 if fn is Fn.POW else 4) * eps * abs(exact), at


@pytest.mark.parametrize("fn", [fn for fn in EXPANSIONS_OF_COMPLEX if fn is not Fn.POW], ids=lambda fn: fn.value)
@np.errstate(all="ignore")
def test_infinities_and_zeros_are_those_of_numpy(fn: Fn) -> None:
    parts = [0.0, -0.0, 1.0, -2.5, 1e30, np.inf, -np.inf, np.nan]
    z = np.empty(len(parts) ** 2, np.complex128)
    z.real, z.imag = (grid.ravel() for grid in np.meshgrid(parts, parts))
    operands = [z] if SIGNATURES[fn].arity == 1 else [grid.ravel() for grid in np.meshgrid(z, z)]
    found, expected = values_of(fn, *operands), MEANING[fn](*operands)
    known = ~np.isnan(expected.real) & ~np.isnan(expected.imag)
    if fn is Fn.MUL:
        known &= ~np.isfinite(expected)  # NumPy's may be fused: what cancels leaves a rest
    for one, other in ((found.real, expected.real), (found.imag, expected.imag)):
        np.testing.assert_allclose(one[known], other[known], rtol=1e-13)
        if fn not in OPEN | {Fn.MUL, Fn.DIV}:
            np.testing.assert_array_equal(np.signbit(one[known]), np.signbit(other[known]))


def test_small_powers_are_products() -> None:
    z = np.array([1 + 2j, 3 - 1j, 0, -2j, 5])
    for count in (0, 1, 2, 3, 7):
        np.testing.assert_array_equal(values_of(Fn.POW, z, np.full_like(z, count)), z**count)


def test_powers_of_zero_are_those_of_numpy() -> None:
    z, w = np.zeros(3, np.complex128), np.array([0.0, 2.0, 0.5 + 1j])
    np.testing.assert_array_equal(values_of(Fn.POW, z, w), z**w)


@pytest.mark.parametrize("dtype", ["complex64", "complex128"])
@pytest.mark.parametrize("fn", EXPANSIONS_OF_COMPLEX, ids=lambda fn: fn.value)
def test_expansion_calls_complex_functions_of_parts_only(fn: Fn, dtype: str) -> None:
    x = [given(slot, N, dtype=DTYPES[dtype]) for slot in range(SIGNATURES[fn].arity)]
    y = output(0, N, dtype=DTYPES[dtype])
    program = expanded_program(program_of([pointwise(fn, x, y)], x, [y]))
    verify(program)
    (kernel,) = program.steps
    assert isinstance(kernel, Kernel)
    lets = kernel.stages[0].lets
    assert {let.fn for let in lets if isinstance(let, Call) and is_complex(let.dtype)} == {Fn.COMPLEX}
