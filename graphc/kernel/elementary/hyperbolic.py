"""sinh, cosh and the inverse hyperbolic functions; of float32 in float64.

Kahan: Branch cuts for complex elementary functions, 1987, has the forms that do not cancel.
"""

from math import inf, nan

from graphc.kernel import functions as k
from graphc.kernel.elementary.exponentials import half_exp
from graphc.kernel.elementary.logarithms import log1p_of
from graphc.kernel.elementary.pieces import (
    F32,
    Coefficients,
    choose,
    exact_product,
    fma,
    in_double,
    polynomial,
    quick_sum,
    signed_like,
)
from graphc.kernel.scalar import Scalar

__all__ = ["acosh", "asinh", "atanh", "cosh", "sinh"]

#: (sinh(x) / x - 1) / x^2 in powers of x^2, for |x| <= 1: sinh is off by 2^-61 of itself
_SINH: Coefficients = (
    0.16666666666666669, 0.008333333333332969, 0.00019841269841532698, 2.7557319129877047e-06,
    2.5052126937272074e-08, 1.605699419868879e-10, 7.766088055032992e-13,
)  # fmt: skip

_LOG_2 = 0.6931471805599453
_HUGE = 2.0**60  # from here on a number has no digit of 1


def sinh(x: Scalar) -> Scalar:
    """e^x / 2 - e^-x / 2, and a polynomial where that would cancel."""
    if x.dtype == F32:
        return sinh(in_double(x)).cast(F32)
    square = x * x
    near = fma(polynomial(square, _SINH), square * x, x)
    half = half_exp(k.abs(x))
    return choose(k.abs(x) < 1.0, near, signed_like(half - 0.25 / half, x))


def cosh(x: Scalar) -> Scalar:
    """e^x / 2 + e^-x / 2."""
    if x.dtype == F32:
        return cosh(in_double(x)).cast(F32)
    half = half_exp(k.abs(x))
    return half + 0.25 / half


def asinh(x: Scalar) -> Scalar:
    """log(1 + v) with v = |x| + x^2 / (1 + root(1 + x^2))."""
    if x.dtype == F32:
        return asinh(in_double(x)).cast(F32)
    size = k.abs(x)
    square = x * x
    value, rest = quick_sum(size, square / (k.sqrt(square + 1.0) + 1.0))
    return choose(size < inf, signed_like(_log1p_or_of_twice(size, value, rest), x), x)


def acosh(x: Scalar) -> Scalar:
    """log(1 + v) with v = t + root(t (t + 2)), where t = x - 1."""
    if x.dtype == F32:
        return acosh(in_double(x)).cast(F32)
    t = x - 1.0
    other = t + 2.0
    square, lost = exact_product(t, other)
    lost = fma(t, t - (other - 2.0), lost)
    root = k.sqrt(square)
    left = choose(root > 0.0, (fma(-root, root, square) + lost) / (root + root), 0.0)
    value, rest = quick_sum(root, t)
    result = choose(x < inf, _log1p_or_of_twice(x, value, rest + left), x)
    return choose(x < 1.0, x.of(nan), result)


def _log1p_or_of_twice(x: Scalar, value: Scalar, rest: Scalar) -> Scalar:
    """log(1 + value + rest), and log(2 x) for huge x."""
    is_huge = x > _HUGE
    log = log1p_of(choose(is_huge, x, value), choose(is_huge, 0.0, rest))
    return choose(is_huge, log + _LOG_2, log)


def atanh(x: Scalar) -> Scalar:
    """log(1 + v) / 2 with v = 2 |x| / (1 - |x|)."""
    if x.dtype == F32:
        return atanh(in_double(x)).cast(F32)
    size = k.abs(x)
    twice, below = size + size, 1.0 - size
    value = twice / below
    rest = (fma(-value, below, twice) - value * ((1.0 - below) - size)) / below
    inside = signed_like(log1p_of(value, rest) * 0.5, x)
    return choose(size < 1.0, inside, choose(size == 1.0, signed_like(x.of(inf), x), nan))
