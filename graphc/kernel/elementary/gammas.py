"""log |gamma|, digamma and polygamma; of float32 in float64.

Abramowitz, Stegun: Handbook of Mathematical Functions, 1964, sections 6.1, 6.3 and 6.4: recurrence to where a
polynomial or Stirling's series holds, and reflection for what is negative.
"""

from math import inf, nan, pi

from graphc.kernel import functions as k
from graphc.kernel.elementary.angles import pi_cotangent, sin
from graphc.kernel.elementary.logarithms import log, log_in_two
from graphc.kernel.elementary.pieces import (
    F32,
    Coefficients,
    Pair,
    choose,
    exact_product,
    exact_sum,
    fma,
    in_double,
    polynomial,
    quick_sum,
)
from graphc.kernel.elementary.powers import power_of_positive
from graphc.kernel.scalar import Scalar

__all__ = ["digamma", "lgamma", "polygamma"]

_LARGE = 8.0  # from here on Stirling's series holds

#: lgamma(2 + t) / t for |t| <= 1/2, off by 2^-56 of itself
_NEAR_TWO: Coefficients = (
    0.42278433509846713, 0.3224670334241132, -0.06735230105319692, 0.020580808427787915, -0.00738555102875472,
    0.002890510330514599, -0.0011927539092086155, 0.0005096695318369667, -0.0002231547994614992,
    9.945739113718252e-05, -4.4925852399418086e-05, 2.0508450194662214e-05, -9.441541779025993e-06,
    4.367180120913287e-06, -2.0336002256370393e-06, 9.83941558426056e-07, -4.53074060802969e-07,
    1.5127532915392242e-07, -1.1493878922456985e-07, 1.0712936979451904e-07,
)  # fmt: skip
#: x (lgamma(x) - (x - 1/2) log(x) + x - log(2 pi) / 2) in powers of 1 / x^2, for x >= 8, off by 2^-64
_STIRLING: Coefficients = (
    0.08333333333333333, -0.0027777777777669844, 0.0007936507862158046, -0.0005952358153844253, 0.0008413885845314114,
    -0.0018862317805847196, 0.004984505934912956,
)  # fmt: skip
_HALF_LOG_TWICE_PI = 0.9189385332046728
_LOG_PI = 1.1447298858494002

#: digamma(r + t) / t for r + t from 1 to 2, off by 2^-54 of itself, where r is its root
_AROUND_ROOT: Coefficients = (
    0.9676722454476212, -0.44276316898359147, 0.2584997609556398, -0.16394270544260656, 0.10782405069243328,
    -0.07219956123773949, 0.04880428810278509, -0.033161127279272715, 0.022597650158756987, -0.015424746937461733,
    0.01053875263771435, -0.007204801462595225, 0.004927302075032894, -0.0033674784108764363, 0.002300536261290327,
    -0.0015893055658848028, 0.0011049718674002425, -0.0007006607780772803, 0.0004137190025566422,
    -0.00039389467341401324, 0.00040767098406963546, -0.00018329164403018384,
)  # fmt: skip
_ROOT = (1.4616321449683622, 9.549995429965697e-17)
#: x^2 (log(x) - 1 / (2 x) - digamma(x)) in powers of 1 / x^2, for x >= 8, off by 2^-64
_DIGAMMA: Coefficients = (
    0.08333333333333315, -0.008333333333032999, 0.00396825380161736, -0.004166622495437788, 0.00756943612332037,
    -0.020587160445597177, 0.06150496203202898,
)  # fmt: skip

#: polygamma: so many terms are summed, and the rest is Euler's and Maclaurin's with B_2k / (2 k)!
_TERMS = 10
_BERNOULLI: Coefficients = (
    0.08333333333333333, -0.001388888888888889, 3.306878306878307e-05, -8.267195767195767e-07, 2.08767569878681e-08,
    -5.284190138687493e-10, 1.3382536530684679e-11, -3.3896802963225827e-13,
)  # fmt: skip
_FACTORS = 170  # n! is infinite beyond


def lgamma(x: Scalar) -> Scalar:
    """log |gamma(x)|."""
    if x.dtype == F32:
        return lgamma(in_double(x)).cast(F32)
    size = k.abs(x)
    value = k.rarely(x < 0.0, _lgamma_of_negative(x), _lgamma_of_positive(size))
    value = choose(size < 2.0**-60, -log(size), value)
    return choose(size < inf, value, x)


def _lgamma_of_positive(x: Scalar) -> Scalar:
    """log gamma(x) for x > 0."""
    near, factor = _around_two(x)
    is_large = x > _LARGE
    logarithm = log(choose(is_large, x, factor))
    large = fma(x - 0.5, logarithm - 1.0, _stirling(x) - 0.5)
    return choose(is_large, large, choose(x < 1.5, near - logarithm, near + logarithm))


def _lgamma_of_negative(x: Scalar) -> Scalar:
    """log |gamma(x)| = log(pi / (|x| |sin(pi x)|)) - log gamma(|x|) for x < 0; large parts of it cancel near roots."""
    size = k.abs(x)
    sine = k.abs(sin((x - k.round(x)) * pi))
    near, factor = _around_two(size)
    less = size * sine
    small = (_LOG_PI - log(choose(size < 1.5, less / factor, less * factor))) - near

    first, rest = log_in_two(size)
    product, lost = exact_product(size + 0.5, first)
    lost = fma(size + 0.5, rest, lost)
    total, left = exact_sum(size, -product)
    first, rest = log_in_two(sine)
    total, left_too = exact_sum(total, -first)
    large = total + ((left + left_too) - (lost + rest) + (_LOG_PI - _stirling(size)))
    return choose(sine == 0.0, inf, choose(size > _LARGE, large, small))


def _stirling(x: Scalar) -> Scalar:
    """lgamma(x) - (x - 1/2) log(x) + x for x >= 8."""
    inverse = 1.0 / x
    return fma(inverse, polynomial(inverse * inverse, _STIRLING), _HALF_LOG_TWICE_PI)


def _around_two(x: Scalar) -> Pair:
    """lgamma near 2, and what to multiply gamma by to get that of x, or from 1.5 down to divide by; for 0 < x <= 8."""
    y, above, below = x, x.of(1.0), x.of(1.0)
    for _ in range(6):
        is_above = y > 2.5
        y = choose(is_above, y - 1.0, y)
        above = choose(is_above, above * y, above)
    for _ in range(2):
        is_below = y < 1.5
        below = choose(is_below, below * y, below)
        y = choose(is_below, y + 1.0, y)
    t = choose(x < 1.5, choose(x < 0.5, x, x - 1.0), y - 2.0)  # exact
    return t * polynomial(t, _NEAR_TWO), choose(x < 1.5, below, above)


def digamma(x: Scalar) -> Scalar:
    """The derivative of log gamma(x); by the reflection digamma(1 - x) - pi / tan(pi x) for x < 0."""
    if x.dtype == F32:
        return digamma(in_double(x)).cast(F32)
    is_negative = x < 0.0
    value, rest = _digamma_of_positive(choose(is_negative, 1.0 - x, x))
    fraction = x - k.round(x)
    cotangent, cotangent_rest = pi_cotangent(fraction)
    total, lost = exact_sum(value, -cotangent)
    reflected = total + (lost + (rest - cotangent_rest))
    value = k.rarely(is_negative, choose(fraction == 0.0, nan, reflected), value + rest)
    value = choose(k.abs(x) < 2.0**-60, -1.0 / x, value)
    return choose(k.abs(x) < inf, value, choose(x > 0.0, x, nan))


def _digamma_of_positive(x: Scalar) -> Pair:
    """digamma(x) for x > 0, in two parts from 8 on."""
    y, total = x, x.of(0.0)
    for _ in range(7):
        is_above = k.bitwise_and(y > 2.0, x < _LARGE)
        y = choose(is_above, y - 1.0, y)
        total = choose(is_above, total + 1.0 / y, total)
    is_below = y < 1.0
    total = choose(is_below, -1.0 / y, total)
    y = choose(is_below, y + 1.0, y)
    t = (y - _ROOT[0]) - _ROOT[1]
    near = fma(t, polynomial(t, _AROUND_ROOT), total)
    inverse = 1.0 / x
    square = inverse * inverse
    first, rest = log_in_two(x)
    large, lost = quick_sum(first, -fma(square, polynomial(square, _DIGAMMA), 0.5 * inverse))
    is_small = x < _LARGE
    return choose(is_small, near, large), choose(is_small, 0.0, lost + rest)


def polygamma(order: Scalar, x: Scalar) -> Scalar:
    """The derivative of an order n of digamma: (-1)^(n + 1) n! zeta(n + 1, x), within n + 6 units for x > 0."""
    if x.dtype == F32:
        return polygamma(in_double(order), in_double(x)).cast(F32)
    half = order * 0.5
    is_even = k.trunc(half) == half
    higher = _factorial(order) * _zeta(order + 1.0, x)
    return choose(order == 0.0, digamma(x), choose(is_even, -higher, higher))


def _factorial(n: Scalar) -> Scalar:
    """n! of a whole number."""
    value = n.of(1.0)
    for factor in range(2, _FACTORS + 1):
        value = choose(n >= float(factor), value * float(factor), value)
    return choose(n > float(_FACTORS), inf, value)


def _zeta(s: Scalar, x: Scalar) -> Scalar:
    """Hurwitz' zeta function: the sum of (x + k)^-s over k >= 0, for whole s > 1; infinite at poles."""
    size = k.abs(x)
    fraction = size - k.floor(size)
    half = s * 0.5
    below = _zeta_of_positive(s, fraction) - _zeta_of_positive(s, size + 1.0)  # of the x + k that are negative
    below = choose(k.trunc(half) == half, below, -below)
    value = k.rarely(x < 0.0, _zeta_of_positive(s, 1.0 - fraction) + below, _zeta_of_positive(s, x))
    is_pole = k.bitwise_or(k.bitwise_and(x <= 0.0, fraction == 0.0), x == -inf)
    return choose(is_pole, inf, value)


def _zeta_of_positive(s: Scalar, x: Scalar) -> Scalar:
    """The same for x > 0, by Euler's and Maclaurin's formula."""
    total = _to_minus(s, x)
    for step in range(1, _TERMS):
        total = total + _to_minus(s, x + float(step))
    end = x + float(_TERMS)
    term = _to_minus(s, end)
    inverse = 1.0 / end
    rest = fma(end, 1.0 / (s - 1.0), 0.5)
    factor = s * inverse
    for number, coefficient in enumerate(_BERNOULLI):
        rest = fma(factor, coefficient, rest)
        factor = factor * ((s + (2.0 * number + 1.0)) * inverse) * ((s + (2.0 * number + 2.0)) * inverse)
    return choose(x == inf, 0.0, fma(term, rest, total))


def _to_minus(s: Scalar, x: Scalar) -> Scalar:
    """x^-s for x >= 0."""
    return power_of_positive(x, -s)
