"""sin, cos and tan: x = n pi + r, or n pi/2 + r, and a polynomial in r.

pi is subtracted in parts (Cody, Waite: Software Manual for the Elementary Functions, 1980, chapter 8), from large
angles by way of their product with the digits of 2/pi that matter (Payne, Hanek: Radian reduction for trigonometric
functions, 1983).
"""

from collections.abc import Mapping, Sequence
from itertools import pairwise
from math import inf, nan

from graphc.kernel import functions as k
from graphc.kernel.elementary.pieces import (
    F32,
    F64,
    Coefficients,
    Pair,
    choose,
    clamped,
    exact_product,
    exact_sum,
    fma,
    format_of,
    in_double,
    polynomial,
    quick_sum,
    signed_like,
)
from graphc.kernel.scalar import Scalar
from graphc.types import DTYPES, DType

__all__ = ["cos", "pi_cotangent", "sin", "tan"]

_UINT64, _INT64 = DTYPES["uint64"], DTYPES["int64"]

#: pi in parts, none too large, so that -0 stays; x - n first is a number of the dtype for |x| >= 1, so it is exact
_PI: Mapping[DType, tuple[float, ...]] = {
    F32: (3.141592502593994, 1.5099578831723193e-07, 1.078060505991553e-14),
    F64: (3.141592653589793, 1.224646799147353e-16, 2.1657133478438278e-32),
}
_PER_PI = 0.3183098861837907
#: angles up to this are reduced by parts
_MODERATE: Mapping[DType, float] = {F32: 12_000.0, F64: 1e6}

#: sin(r) / r = 1 + r^2 p(r^2) for |r| <= pi/2, off by 2^-30 and 2^-61
_SIN: Mapping[DType, Coefficients] = {
    F32: (-0.16666667, 0.008333348, -0.00019842603, 2.7599992e-06, -2.5026248e-08),
    F64: (
        -0.16666666666666666, 0.008333333333333208, -0.00019841269841213343, 2.7557319211734412e-06,
        -2.5052106920166816e-08, 1.605894180566985e-10, -7.643040331181477e-13, 2.7216394126164898e-15,
    ),
}  # fmt: skip

#: sin(r) / r = 1 + r^2 p(r^2) and cos(r) = 1 - r^2 / 2 + r^4 q(r^2) for |r| <= pi/4, off by 2^-58 and 2^-64
_SIN_NEAR: Coefficients = (
    -0.1666666666666663, 0.008333333333321844, -0.00019841269829369153, 2.7557313544542423e-06,
    -2.5050735618472335e-08, 1.5895517568493556e-10,
)  # fmt: skip
_COS_NEAR: Coefficients = (
    0.041666666666666595, -0.00138888888888734, 2.4801587289057e-05, -2.755731423521443e-07, 2.087570793682869e-09,
    -1.1358876623803416e-11,
)  # fmt: skip

_HALF_PI_PARTS = (1.5707963267341256, 6.077100506303966e-11, 2.0222662487959506e-21)
_HALF_PI = (1.5707963267948966, 6.123233995736766e-17)


def sin(x: Scalar) -> Scalar:
    """The sine."""
    form = format_of(x)
    shifted = fma(x, _PER_PI, form.to_round)
    r = _with_parity(_less(x, shifted - form.to_round, _PI[x.dtype]), k.bits(shifted, form.bits))
    far = _far_from_half_turns(k.abs(x), 0)
    return _sine(k.rarely(_is_far(x), choose(x < 0.0, -far, far), r))


def cos(x: Scalar) -> Scalar:
    """The cosine: the sine of r but for its sign, where x = (n + 1/2) pi + r."""
    form = format_of(x)
    shifted = fma(x, _PER_PI, -0.5) + form.to_round
    first, second, third = _PI[x.dtype]
    is_near = (
        k.abs(x) < 1.0
    )  # x - first / 2 has fewer digits then: what is small goes first, while x has all of its own
    parts = choose(is_near, x.of(second), first), choose(is_near, x.of(first), second), third
    r = _with_parity(_less(x, (shifted - form.to_round) + 0.5, parts), k.bits(shifted, form.bits))
    far = _far_from_half_turns(k.abs(x), 1 << 62)
    return _sine(-k.rarely(_is_far(x), far, r))


def tan(x: Scalar) -> Scalar:
    """The tangent: the quotient of sine and cosine, each in two parts; of float32 in float64."""
    if x.dtype == F32:
        return tan(in_double(x)).cast(F32)
    form = format_of(x)
    shifted = fma(x, 2 * _PER_PI, form.to_round)
    n = shifted - form.to_round
    first, second, third = _HALF_PI_PARTS
    total, rest = exact_sum(fma(n, -first, x), n * -second)
    near = _tangent(quick_sum(total, fma(n, -third, rest)), k.bits(shifted, form.bits))
    found = k.rarely(_is_far(x), _far_tangent(x), near)
    return choose(k.abs(x) < 2.0**-27, x, found)  # -0 as well


def _far_tangent(x: Scalar) -> Scalar:
    top, low = _quarter_turns(k.abs(x))
    nearest = k.right_shift(top + top.of(1 << 61), top.of(62))
    found = _tangent(_angle(top, low, 2, _HALF_PI), nearest)
    return choose(k.abs(x) < inf, choose(x < 0.0, -found, found), nan)


def _tangent(r: Pair, n: Scalar) -> Scalar:
    """The tangent of r + n pi/2, of the last bit of n."""
    odd = k.bitwise_and(n, n.of(1)) != 0
    value, left = _quotient(odd, *_sine_and_cosine(*r))
    return choose(odd, -value, value) + choose(odd, -left, left)


def pi_cotangent(x: Scalar) -> Pair:
    """pi / tan(pi x) in two parts, for 2^-60 < |x| <= 1/2 of float64."""
    size = k.abs(x)
    is_near_half = size > 0.25
    part = choose(is_near_half, 0.5 - size, size)
    first, second, _ = _PI[F64]
    angle, lost = exact_product(part, first)
    value, left = _quotient(k.bitwise_not(is_near_half), *_sine_and_cosine(angle, fma(part, second, lost)))
    product, lost = exact_product(signed_like(value, x), first)
    return product, fma(signed_like(x.of(first), x), left, fma(product, second / first, lost))


def _sine_and_cosine(r: Scalar, rest: Scalar) -> tuple[Pair, Pair]:
    """Those of r + rest, each in two parts, for |r| <= pi/4."""
    square = r * r
    sine = quick_sum(r, fma(square * polynomial(square, _SIN_NEAR), r, rest))
    cosine = quick_sum(r.of(1.0), fma(square, fma(square, polynomial(square, _COS_NEAR), -0.5), -(r * rest)))
    return sine, cosine


def _quotient(is_upside_down: Scalar, x: Pair, y: Pair) -> Pair:
    """x / y, or y / x where that is said, in two parts."""
    above = [choose(is_upside_down, second, first) for first, second in zip(x, y, strict=True)]
    below = [choose(is_upside_down, first, second) for first, second in zip(x, y, strict=True)]
    quotient = above[0] / below[0]
    left = fma(-quotient, below[0], above[0]) + (above[1] - quotient * below[1])
    return quotient, left / below[0]


def _is_far(x: Scalar) -> Scalar:
    return k.abs(x) > _MODERATE[x.dtype]


def _less(x: Scalar, n: Scalar, pi: Sequence[Scalar | float]) -> Scalar:
    """x - n pi, where pi is given in parts."""
    for part in pi:
        x = fma(n, -part, x)
    return x


def _with_parity(r: Scalar, n: Scalar) -> Scalar:
    """r, and -r where the last bit of n is set."""
    form = format_of(r)
    sign = k.left_shift(n, n.of(form.width - 1))
    return k.bits(k.bitwise_xor(k.bits(r, form.bits), sign), r.dtype)


def _sine(r: Scalar) -> Scalar:
    """sin(r) for |r| <= pi/2.  What r is multiplied with is +0 for r = 0, so that -0 stays."""
    square = r * r
    lost = fma(r, -r, square)  # the square is too large by this
    first, *rest = _SIN[r.dtype]
    beyond = fma(polynomial(square, rest) * square, square, lost * -first)
    return clamped(fma(fma(square, first, beyond), r, r), -1.0, 1.0)


def _far_from_half_turns(x: Scalar, start: int) -> Scalar:
    """(-1)^n r for x = n pi + r + start pi / 2^63; nan for infinity."""
    top, low = _quarter_turns(x)
    top = top - top.of(start)
    r, _ = _angle(top, low, 1, (_HALF_PI[0] * 2, _HALF_PI[1] * 2))
    nearest = k.right_shift(top + top.of(1 << 62), top.of(63))
    signed = choose(nearest != 0, -r, r).cast(x.dtype)
    return choose(x < inf, signed, nan)


def _quarter_turns(x: Scalar) -> tuple[Scalar, Scalar]:
    """2 x / pi modulo 4, as two integers: its 2 bits before the point and 62 after it, and the 64 after those."""
    form = format_of(x)
    bits = k.bits(x, form.bits)
    exponent = k.right_shift(bits, bits.of(form.mantissa)).cast(_INT64) - (form.bias + form.mantissa)
    fraction = k.bitwise_and(bits, bits.of((1 << form.mantissa) - 1))
    mantissa = k.bitwise_or(fraction, bits.of(1 << form.mantissa)).cast(_UINT64)  # x = mantissa 2^exponent
    start = exponent - 2  # digits of 2/pi before that give whole turns
    place = k.right_shift(start, start.of(6))
    words = [k.two_over_pi(place + n) for n in range(4)]
    shift = k.bitwise_and(start, start.of(63)).cast(_UINT64)
    first, second, third = (
        k.bitwise_or(k.left_shift(a, shift), k.right_shift(b, 64 - shift)) for a, b in pairwise(words)
    )
    low = mantissa * second
    total = low + _upper_half(mantissa, third)
    carry = (total < low).cast(_UINT64)
    return mantissa * first + _upper_half(mantissa, second) + carry, total


def _upper_half(x: Scalar, y: Scalar) -> Scalar:
    """The upper 64 bits of the product of two integers of 64."""
    half, mask = x.of(32), x.of((1 << 32) - 1)
    x_low, y_low = k.bitwise_and(x, mask), k.bitwise_and(y, mask)
    x_high, y_high = k.right_shift(x, half), k.right_shift(y, half)
    one, other = x_low * y_high, x_high * y_low
    middle = k.right_shift(x_low * y_low, half) + k.bitwise_and(one, mask) + k.bitwise_and(other, mask)
    return x_high * y_high + k.right_shift(one, half) + k.right_shift(other, half) + k.right_shift(middle, half)


def _angle(top: Scalar, low: Scalar, skipped: int, unit: tuple[float, float]) -> Pair:
    """The signed fraction that two integers hold after some bits, times a unit."""
    lead = k.bitwise_or(k.left_shift(top, top.of(skipped)), k.right_shift(low, low.of(64 - skipped)))
    signed = k.bits(lead, _INT64)
    last = (1 << 11) - 1  # what a float64 has no room for
    rest = k.bits(k.right_shift(k.left_shift(low, low.of(skipped)), low.of(11)), _INT64).cast(F64) * 2.0**-53
    small = k.bitwise_and(signed, signed.of(last))
    x, y = quick_sum((signed - small).cast(F64), small.cast(F64) + rest)
    high, more = (part * 2.0**-64 for part in unit)
    product, lost = exact_product(x, high)
    return quick_sum(product, fma(x, more, fma(y, high, lost)))
