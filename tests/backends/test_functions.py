"""Every function of the kernel language on hostile values of every dtype: never an exception, the reference's value."""

import ml_dtypes
import mpmath
import numpy as np
import pytest
from scipy import special

from graphc.backends.numpy.generators import GENERATORS
from graphc.backends.numpy.support import SMALL
from graphc.backends.numpy.tables import LOGISTIC, SPECIAL, UFUNCS
from graphc.kernel.arrays import Array
from graphc.kernel.meaning import value_of
from graphc.kernel.scalar import COMPARISONS, Fn
from graphc.kernel.signatures import BEFORE, SIGNATURES, objection
from graphc.types import BOOL, DTYPES, DType, complex_of, is_complex, is_floating, is_integer, real_of
from tests.backends.running import run
from tests.kernel.building import given, output, pointwise, program_of

#: functions that machines only approximate, and how far apart two good approximations may be, in units of eps
APPROXIMATE = frozenset(SPECIAL) | frozenset(LOGISTIC) | {
    Fn.POW, Fn.CBRT, Fn.EXP, Fn.EXP2, Fn.EXPM1, Fn.LOG, Fn.LOG2, Fn.LOG10, Fn.LOG1P, Fn.SIN, Fn.COS, Fn.TAN, Fn.ASIN,
    Fn.ACOS, Fn.ATAN, Fn.ATAN2, Fn.SINH, Fn.COSH, Fn.TANH, Fn.ASINH, Fn.ACOSH, Fn.ATANH, Fn.POLYGAMMA,
    Fn.FMA,  # rounded twice
}  # fmt: skip
NEAR = 64

#: functions that machines agree on for complex numbers; others choose signs and nans of their own at infinities
EXACT_OF_COMPLEX = frozenset({
    Fn.NEG, Fn.ADD, Fn.SUB, Fn.EQ, Fn.NE, Fn.WHERE, Fn.RARELY, Fn.REAL, Fn.IMAG, Fn.CONJ, Fn.ISNAN,
    Fn.ISFINITE,
})  # fmt: skip

CONVERSIONS = {Fn.CAST, Fn.BITS}  # what they give, the operand does not say

FLOATS = (0.0, -0.0, 1.0, -1.0, 0.5, -2.5, 3.0, 700.0, -1e30, np.inf, -np.inf, np.nan)


def hostile(dtype: DType) -> Array:
    """Values of a dtype that break what is not careful."""
    if dtype == BOOL:
        return np.array([False, True])
    if is_integer(dtype):
        limits = np.iinfo(dtype)
        numbers = {0, 1, 2, 3, 7, limits.max, limits.max - 1, limits.min, limits.min // 2}
        if limits.min < 0:
            numbers |= {-1, -2, -3, -7, limits.min + 1}
        return np.array(sorted(numbers), dtype)
    if is_complex(dtype):
        parts = hostile(real_of(dtype))
        return np.array([complex(re, im) for re in parts for im in (0.0, -0.0, -2.5, np.inf, np.nan)], dtype)
    floats = ml_dtypes.finfo(dtype)  # type: ignore[no-untyped-call]
    ends = (floats.max, floats.min, floats.tiny, -floats.tiny, floats.smallest_subnormal, floats.eps)
    with np.errstate(all="ignore"):
        return np.array([*FLOATS, *map(float, ends)]).astype(dtype)


def accepted(fn: Fn) -> list[DType]:
    """The dtypes that a function has a meaning for."""
    kinds = SIGNATURES[fn].accepts
    return [
        d
        for d in DTYPES.values()
        if ("f" if is_floating(d) else d.kind) in kinds and (fn in EXACT_OF_COMPLEX or not is_complex(d))
    ]


def operands_of(fn: Fn, dtype: DType) -> list[Array]:
    """Every combination of hostile values, as one array per operand."""
    values = hostile(dtype)
    operands = [values] * SIGNATURES[fn].arity
    if fn is Fn.FMA:
        operands = [np.array([0.0, -0.0, 1.0, -2.5, 3.0, np.inf, -np.inf, np.nan], dtype)] * 3  # exact in two roundings
    if fn is Fn.POW and is_floating(dtype):
        operands = [values, values[values != 0.5]]  # see the meaning of POW
    if fn is Fn.POLYGAMMA:
        operands = [np.array([0, 1, 2, 5], dtype), values]
    if fn in BEFORE:
        operands = [*map(hostile, BEFORE[fn]), *operands]
    return [grid.reshape(-1) for grid in np.meshgrid(*operands, indexing="ij")]


def result_of(fn: Fn, dtype: DType) -> DType:
    """The dtype that a function gives."""
    match fn:
        case Fn.REAL | Fn.IMAG:
            return real_of(dtype)
        case Fn.COMPLEX:
            return complex_of(dtype)
        case Fn.TWO_OVER_PI:
            return DTYPES["uint64"]
        case Fn.PHILOX32 | Fn.PHILOX64:
            return DTYPES["uint32" if fn is Fn.PHILOX32 else "uint64"]
    return BOOL if fn in COMPARISONS else dtype


def assert_agrees(fn: Fn, found: Array, expected: Array) -> None:
    if not is_floating(expected.dtype):
        np.testing.assert_array_equal(found, expected)
        return
    one, other = found.astype(np.float64), expected.astype(np.float64)
    if fn not in APPROXIMATE:
        np.testing.assert_array_equal(one, other)
        return
    bound = NEAR * float(ml_dtypes.finfo(expected.dtype).eps)  # type: ignore[no-untyped-call]
    floor = NEAR * float(ml_dtypes.finfo(expected.dtype).smallest_subnormal)  # type: ignore[no-untyped-call]
    np.testing.assert_allclose(one, other, rtol=bound, atol=floor)


@pytest.mark.parametrize("repeat", [1, SMALL], ids=["small", "large"])
@pytest.mark.parametrize(("fn", "dtype"), [(f, d) for f in Fn if f not in CONVERSIONS for d in accepted(f)], ids=str)
def test_function_agrees_with_its_meaning_on_hostile_values(fn: Fn, dtype: DType, repeat: int) -> None:
    once = operands_of(fn, dtype)
    result = result_of(fn, dtype)
    expected = np.array([value_of(fn, [*point], result) for point in zip(*once, strict=True)], result)
    operands = [np.tile(array, -(-repeat // array.size)) for array in once]
    buffers = [given(slot, array.size, dtype=array.dtype) for slot, array in enumerate(operands)]
    out = output(0, operands[0].size, dtype=result)
    (found,), _ = run(program_of([pointwise(fn, buffers, out)], buffers, [out], symbols=()), operands)
    assert_agrees(fn, found, np.tile(expected, operands[0].size // expected.size))


CASTS = [(a, b) for a in DTYPES.values() for b in DTYPES.values() if objection(Fn.CAST, [a], b) is None]


@pytest.mark.parametrize(("source", "to"), CASTS, ids=str)
def test_every_cast_is_made_without_an_exception(source: DType, to: DType) -> None:
    values = hostile(source)
    x, y = given(0, values.size, dtype=source), output(0, values.size, dtype=to)
    (found,), _ = run(program_of([pointwise(Fn.CAST, [x], y)], [x], [y], symbols=()), [values])
    for value, cast in zip(values, found, strict=True):
        wanted = value_of(Fn.CAST, [value], to)
        assert cast == wanted or (np.isnan(cast) and np.isnan(wanted))


BITS = [(a, b) for a in DTYPES.values() for b in DTYPES.values() if objection(Fn.BITS, [a], b) is None]


@pytest.mark.parametrize(("source", "to"), BITS, ids=str)
def test_bits_of_every_dtype_are_kept(source: DType, to: DType) -> None:
    values = hostile(source)
    x, y = given(0, values.size, dtype=source), output(0, values.size, dtype=to)
    (found,), _ = run(program_of([pointwise(Fn.BITS, [x], y)], [x], [y], symbols=()), [values])
    assert found.tobytes() == values.tobytes()
    assert [value_of(Fn.BITS, [value], to).tobytes() for value in values] == [value.tobytes() for value in values]


def test_every_function_is_spelt() -> None:
    composed = {
        Fn.WHERE,
        Fn.RARELY,
        Fn.CAST,
        Fn.BITS,
        Fn.FMA,
        Fn.POLYGAMMA,
        Fn.REAL,
        Fn.IMAG,
        Fn.COMPLEX,
        Fn.TWO_OVER_PI,
    }
    assert {*UFUNCS, *SPECIAL, *LOGISTIC, *GENERATORS, *composed} == set(Fn)
    assert not {*UFUNCS} & {*SPECIAL}


def test_erfc_keeps_its_digits_far_out() -> None:
    x = np.linspace(-6.0, 26.0, 1501)
    buffers, out = [given(0, x.size, dtype=x.dtype)], output(0, x.size, dtype=x.dtype)
    (found,), _ = run(program_of([pointwise(Fn.ERFC, buffers, out)], buffers, [out], symbols=()), [x])
    with mpmath.workdps(40):
        exact = [mpmath.erfc(mpmath.mpf(float(one))) for one in x]
        errors = [abs(one - true) / float(np.spacing(float(true))) for one, true in zip(found, exact, strict=True)]
    assert max(errors) < 3  # ulp


def test_erfinv_is_within_a_few_digits_and_scipys_far_out() -> None:
    inside = np.linspace(-1.0, 1.0, 4001, dtype=np.float32)
    x = np.concatenate([inside, 1 - np.float32(2) ** np.arange(-24, -6), [np.nan, 1.5, -0.0]]).astype(np.float32)
    buffers, out = [given(0, x.size, dtype=x.dtype)], output(0, x.size, dtype=x.dtype)
    (found,), _ = run(program_of([pointwise(Fn.ERFINV, buffers, out)], buffers, [out], symbols=()), [x])
    exact = special.erfinv(x.astype(np.float64))
    is_finite = np.isfinite(exact)
    np.testing.assert_array_equal(found[~is_finite], exact[~is_finite].astype(np.float32))
    errors = np.abs(found[is_finite] - exact[is_finite]) / np.spacing(np.abs(found[is_finite]))
    assert errors.max() < 3.1
    assert np.signbit(found[-1])
