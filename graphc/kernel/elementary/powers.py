"""Powers and cube roots.

x^y is 2^(y log2 x), with log2 x in two parts so that y times it keeps the digits that count (Cody, Waite: Software
Manual for the Elementary Functions, 1980, chapter 7).
"""

from collections.abc import Mapping
from math import inf, nan

from graphc.kernel import functions as k
from graphc.kernel.elementary.exponentials import exp2_of_sum, power_of_two
from graphc.kernel.elementary.logarithms import split_of_any
from graphc.kernel.elementary.pieces import (
    F32,
    F64,
    Coefficients,
    Pair,
    choose,
    exact_product,
    fma,
    format_of,
    in_double,
    polynomial,
    quick_sum,
    signed_like,
)
from graphc.kernel.scalar import Scalar
from graphc.types import DType

__all__ = ["cbrt", "power", "power_of_positive", "whole_power"]

_TWICE_PER_LOG_2: Mapping[DType, tuple[float, float]] = {
    F32: (2.885390043258667, 3.851926067000022e-08),
    F64: (2.8853900817779268, 4.0710547481862066e-17),
}
_THIRD = (0.3333333333333333, 1.850371707708594e-17)

#: (atanh(s) / s - 1) / s^2 in powers of s^2, for (1 + s) / (1 - s) between the roots of 1/2 and 2, off by 2^-35
_TERMS_SHORT: Coefficients = (0.3333333, 0.20000425, 0.14255081, 0.12014201)
#: the same without 1/3, divided by s^2, off by 2^-73
_TERMS: Coefficients = (
    0.19999999999999987, 0.14285714285723367, 0.11111111108598845, 0.09090909453439187, 0.07692277318386358,
    0.06668197759686112, 0.05836680611906103, 0.06000138031231119,
)  # fmt: skip

#: the cube root of 1/x for x from 0.353 to 2.83, off by 2^-8
_INVERSE_CUBE_ROOT: Coefficients = (
    2.0144598606227175, -2.3834208117101174, 2.300348025284812, -1.2311729492309267, 0.3329940758648747,
    -0.03548900651598572,
)  # fmt: skip


def power(x: Scalar, y: Scalar) -> Scalar:
    """x^y, as C has it where an operand is 0, infinite or nan, and of x < 0."""
    size = k.abs(x)
    value = power_of_positive(size, y)
    half = y * 0.5
    is_whole = k.trunc(y) == y
    is_odd = k.bitwise_and(is_whole, k.trunc(half) != half)
    value = choose(is_odd, signed_like(value, x), value)
    has_no_value = k.bitwise_and(k.bitwise_and(x < 0.0, x > -inf), k.bitwise_not(is_whole))
    value = choose(has_no_value, x.of(nan), value)
    turns_forever = k.bitwise_and(size == 1.0, k.abs(y) == inf)
    is_one = k.bitwise_or(k.bitwise_or(y == 0.0, x == 1.0), turns_forever)
    return choose(is_one, 1.0, value)


def power_of_positive(x: Scalar, y: Scalar) -> Scalar:
    """x^y for x >= 0; nan for 0^0 and where an infinity meets 0 or 1."""
    high, low = _log2(x)
    high = choose(x == 0.0, -inf, choose(x < inf, high, x))
    product, lost = exact_product(y, high)
    return exp2_of_sum(product, fma(y, low, lost))


def _log2(x: Scalar) -> Pair:
    """log2 of a finite x > 0 in two parts, by s = (m - 1) / (m + 1) for x = 2^n m: 2 atanh(s) is log m."""
    n, f = split_of_any(x)
    total = f + 2.0
    inverse = 1.0 / total
    s = f * inverse
    s_rest = (fma(-s, total, f) - s * (f - (total - 2.0))) * inverse
    square, square_rest = exact_product(s, s)
    if x.dtype == F32:
        more, more_rest = s * square * polynomial(square, _TERMS_SHORT), None
    else:
        more, more_rest = _cubed((s, s_rest), (square, fma(s + s, s_rest, square_rest)))
    atanh, rest = quick_sum(s, more)
    rest = rest + s_rest if more_rest is None else rest + (s_rest + more_rest)
    high, low = _TWICE_PER_LOG_2[x.dtype]
    log, lost = exact_product(atanh, high)
    lost = fma(atanh, low, fma(rest, high, lost))
    value, left = quick_sum(n, log)
    return quick_sum(value, left + lost)


def _cubed(s: Pair, square: Pair) -> Pair:
    """atanh(s) - s in two parts."""
    terms, rest = quick_sum(s[0].of(_THIRD[0]), square[0] * polynomial(square[0], _TERMS))
    rest = rest + _THIRD[1]
    factor, lost = exact_product(square[0], terms)
    lost = lost + fma(square[0], rest, square[1] * terms)
    value, left = exact_product(s[0], factor)
    return value, left + fma(s[0], lost, s[1] * factor)


def cbrt(x: Scalar) -> Scalar:
    """The cube root: x = 2^(3 n) m, and Newton's steps for m^(-1/3); of float32 in float64."""
    if x.dtype == F32:
        return cbrt(in_double(x)).cast(F32)
    form = format_of(x)
    size = k.abs(x)
    exponent, f = split_of_any(size)
    n = k.round(exponent * (1 / 3))
    m = (f + 1.0) * power_of_two(fma(n, -3.0, exponent) + (form.to_round + form.bias))
    inverse = polynomial(m, _INVERSE_CUBE_ROOT)
    for _ in range(3):
        inverse = fma(inverse * fma(-m, inverse * inverse * inverse, 1.0), 1 / 3, inverse)
    root = m * inverse * inverse
    square, lost = exact_product(root, root)
    left = fma(-square, root, m) - lost * root
    root = fma(left * (inverse * inverse), 1 / 3, root)
    value = root * power_of_two(n + (form.to_round + form.bias))
    is_ordinary = k.bitwise_and(size > 0.0, size < inf)
    return choose(is_ordinary, signed_like(value, x), x)


def whole_power(x: Scalar, y: Scalar) -> Scalar:
    """x^y of integers, wrapping around; 1 / x^-y without its fraction for y < 0, and 0 where x is 0 then."""
    width = 8 * x.dtype.itemsize
    one, zero = x.of(1), x.of(0)
    value, factor = one, x
    for place in range(width):
        is_set = k.bitwise_and(k.right_shift(y, y.of(place)), one) != zero
        value = k.where(is_set, value * factor, value)
        factor = factor * factor
    if x.dtype.kind == "u":
        return value
    is_odd = k.bitwise_and(y, one) != zero
    below = k.where(x == one, one, k.where(x == x.of(-1), k.where(is_odd, x, one), zero))
    return k.where(y < zero, below, value)
