"""e^x, 2^x, e^x - 1 and tanh: x = n log 2 + r with |r| <= log(2)/2, a polynomial in r, and 2^n from its bits.

Muller: Elementary Functions, Algorithms and Implementation, 2016, sections 6.2 and 11.1.
"""

from collections.abc import Mapping

from graphc.kernel import functions as k
from graphc.kernel.elementary.pieces import (
    F32,
    F64,
    Coefficients,
    choose,
    clamped,
    fma,
    format_of,
    polynomial,
    signed_like,
)
from graphc.kernel.scalar import Scalar
from graphc.types import DType

__all__ = [
    "LOG_2",
    "exp",
    "exp2",
    "exp2_of_sum",
    "exp_apart",
    "exp_of_sum",
    "expm1",
    "half_exp",
    "moderate_exp",
    "power_of_two",
    "scaled",
    "tanh",
]

#: 1 / log 2
_PER_LOG_2 = 1.4426950408889634
#: log 2 in two parts; the first has so few digits that its product with every exponent is exact
LOG_2: Mapping[DType, tuple[float, float]] = {
    F32: (0.693145751953125, 1.428606765330187e-06),
    F64: (0.693147180559663, 2.8235290563031577e-13),
}

#: (e^r - 1 - r) / r^2 for |r| <= log(2)/2: e^r is off by 2^-28 and 2^-57 of itself
_EXP: Mapping[DType, Coefficients] = {
    F32: (0.49999994, 0.16666518, 0.041668214, 0.008369015, 0.0013825784),
    F64: (
        0.5000000000000011, 0.1666666666666642, 0.04166666666652502, 0.008333333333488516, 0.0013888888945183743,
        0.00019841269523087796, 2.480149132252747e-05, 2.755756860844102e-06, 2.7630932675939914e-07,
        2.5006613665887427e-08,
    ),
}  # fmt: skip

#: the same, for e^r - 1 to be off by 2^-31 and 2^-61 of itself
_EXPM1: Mapping[DType, Coefficients] = {
    F32: (0.5, 0.16666666, 0.041666474, 0.008333566, 0.0013934118, 0.00019744982),
    F64: (
        0.5, 0.16666666666666677, 0.0416666666666666, 0.008333333333321338, 0.001388888888892755,
        0.0001984126988704859, 2.4801587230432146e-05, 2.755724312082208e-06, 2.755735837598499e-07,
        2.5109465959613217e-08, 2.0888043256005404e-09,
    ),
}  # fmt: skip

#: (2^r - 1) / r for |r| <= 1/2: 2^r is off by 2^-28 and 2^-57 of itself
_EXP2: Mapping[DType, Coefficients] = {
    F32: (0.6931472, 0.24022643, 0.055503577, 0.009618997, 0.0013391916, 0.00015200462),
    F64: (
        0.6931471805599453, 0.24022650695910133, 0.05550410866482224, 0.009618129107593047, 0.001333355814638632,
        0.00015403530458705364, 1.5252733800492506e-05, 1.3215434394400252e-06, 1.0178088411280126e-07,
        7.07394916112733e-09, 4.449801232577291e-10,
    ),
}  # fmt: skip

#: (tanh(x) / x - 1) / x^2 in powers of x^2, for |x| <= 5/8: tanh is off by 2^-28 and 2^-61 of itself
_TANH: Mapping[DType, Coefficients] = {
    F32: (-0.3333328, 0.13331407, -0.05373679, 0.020629575, -0.0056944066),
    F64: (
        -0.33333333333333315, 0.13333333333329936, -0.053968253966126395, 0.021869488469886768, -0.008863234323765014,
        0.0035921140576225573, -0.0014557260598045362, 0.0005894513925944519, -0.00023700856153349747,
        9.15497846274648e-05, -3.017585633153258e-05, 6.036434313307384e-06,
    ),
}  # fmt: skip
_STEEP = 0.625

#: where e^x is 0 and where it is infinite
_RANGE: Mapping[DType, tuple[float, float]] = {F32: (-104.0, 89.0), F64: (-746.0, 710.0)}
#: where 2^x is
_RANGE_2: Mapping[DType, tuple[float, float]] = {F32: (-150.5, 128.0), F64: (-1075.5, 1024.0)}
#: where e^x - 1 is -1
_LEAST: Mapping[DType, float] = {F32: -18.0, F64: -38.0}
#: where tanh is 1
_FLAT: Mapping[DType, float] = {F32: 9.5, F64: 20.0}


def scaled(x: Scalar, shifted: Scalar) -> Scalar:
    """2^n x, where `shifted` is n + 2 bias + `to_round`: in two steps, so that it is rounded once where it is small."""
    form = format_of(x)
    exponent = k.bits(shifted, form.bits)
    half = k.right_shift(exponent, exponent.of(1))  # n / 2 + bias, rounded down, in its last bits
    first, second = (k.left_shift(part, part.of(form.mantissa)) for part in (half, exponent - half))
    return x * k.bits(first, form.dtype) * k.bits(second, form.dtype)


def power_of_two(shifted: Scalar) -> Scalar:
    """2^n, where `shifted` is n + bias + `to_round`."""
    form = format_of(shifted)
    exponent = k.bits(shifted, form.bits)
    return k.bits(k.left_shift(exponent, exponent.of(form.mantissa)), form.dtype)


def reduced(x: Scalar, shift: float) -> tuple[Scalar, Scalar]:
    """x - n log 2 for the nearest n, and n + shift."""
    high, low = LOG_2[x.dtype]
    shifted = fma(x, _PER_LOG_2, shift)
    n = shifted - shift
    return fma(n, -low, fma(n, -high, x)), shifted


def _from_quotient(r: Scalar, coefficients: Coefficients) -> Scalar:
    """1 + r + r^2 q(r)."""
    return fma(fma(polynomial(r, coefficients), r, 1.0), r, 1.0)


def exp(x: Scalar) -> Scalar:
    """e^x."""
    form = format_of(x)
    r, shifted = reduced(clamped(x, *_RANGE[x.dtype]), form.to_round + 2 * form.bias)
    return scaled(_from_quotient(r, _EXP[x.dtype]), shifted)


def moderate_exp(x: Scalar) -> Scalar:
    """e^x where it is a float with all its digits."""
    form = format_of(x)
    r, shifted = reduced(x, form.to_round + form.bias)
    return power_of_two(shifted) * _from_quotient(r, _EXP[x.dtype])


def half_exp(x: Scalar) -> Scalar:
    """e^x / 2 for x >= 0."""
    form = format_of(x)
    high = _RANGE[x.dtype][1] + 1.0
    r, shifted = reduced(choose(x > high, high, x), form.to_round + 2 * form.bias - 1)
    return scaled(_from_quotient(r, _EXP[x.dtype]), shifted)


def exp_of_sum(x: Scalar, rest: Scalar, factor: Scalar) -> Scalar:
    """e^(x + rest) times a factor around 1, for a rest of less than a unit of x."""
    form = format_of(x)
    low, high = _RANGE[x.dtype]
    r, shifted = reduced(clamped(x, low, high), form.to_round + 2 * form.bias)
    r = r + rest
    beyond = fma(r * r, polynomial(r, _EXP[x.dtype]), r)  # e^r - 1, so that what the factor adds is rounded once
    return scaled(fma(factor, beyond, factor), shifted)


def exp_apart(x: Scalar, extra: int) -> tuple[Scalar, Scalar]:
    """2^(n + extra) and p, where e^x = 2^n (1 + p) and the power is a float with all its digits."""
    form = format_of(x)
    r, shifted = reduced(x, form.to_round + form.bias + extra)
    return power_of_two(shifted), fma(r * r, polynomial(r, _EXP[x.dtype]), r)


def exp2(x: Scalar) -> Scalar:
    """2^x."""
    form = format_of(x)
    x = clamped(x, *_RANGE_2[x.dtype])
    shift = form.to_round + 2 * form.bias
    shifted = x + shift
    r = x - (shifted - shift)
    return scaled(fma(polynomial(r, _EXP2[x.dtype]), r, 1.0), shifted)


def exp2_of_sum(x: Scalar, rest: Scalar) -> Scalar:
    """2^(x + rest), for a rest of less than a unit of x, or any where x is infinite."""
    form = format_of(x)
    low, high = _RANGE_2[x.dtype]
    shift = form.to_round + 2 * form.bias
    inside = k.bitwise_and(x > low - 2.0, x < high + 2.0)
    x = clamped(x, low - 2.0, high + 2.0)
    shifted = x + shift
    r = (x - (shifted - shift)) + choose(inside, rest, 0.0)
    return scaled(fma(polynomial(r, _EXP2[x.dtype]), r, 1.0), shifted)


def _powers(x: Scalar, extra: int) -> tuple[Scalar, Scalar]:
    """2^(n + extra) and e^r - 1, where x = n log 2 + r."""
    high, low = LOG_2[x.dtype]
    form = format_of(x)
    shift = form.to_round + form.bias + extra
    shifted = fma(x, _PER_LOG_2, shift)
    n = shifted - shift
    first = fma(n, -high, x)
    r = fma(n, -low, first)
    terms = polynomial(r, _EXPM1[x.dtype])
    if x.dtype == F64:  # what r lost matters where e^r - 1 is subtracted from 1
        small = fma(r * r, terms, fma(n, -low, first - r)) + r
    else:
        small = fma(r * r, terms, r)
    return power_of_two(shifted), small


def expm1(x: Scalar) -> Scalar:
    """e^x - 1."""
    form = format_of(x)
    low, high = _LEAST[x.dtype], _RANGE[x.dtype][1]
    half, small = _powers(clamped(x, low, high), -1)  # 2^n may be infinite
    value = fma(half, small, half - 0.5) * 2.0
    is_small = k.abs(x) < 2.0 ** (-form.mantissa - 2)
    return choose(is_small, x, value)


def tanh(x: Scalar) -> Scalar:
    """1 - 2 / (e^(2 |x|) + 1), and a polynomial where that would cancel."""
    size = choose(k.abs(x) > _FLAT[x.dtype], _FLAT[x.dtype], k.abs(x))
    far = 1.0 - 2.0 / (moderate_exp(size + size) + 1.0)
    square = x * x
    near = fma(polynomial(square, _TANH[x.dtype]), square * x, x)
    return signed_like(choose(size < _STEEP, near, far), x)
