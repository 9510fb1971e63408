"""The logarithms: x = 2^n (1 + f) with 1 + f between the root of 1/2 and that of 2, and a polynomial in f.

Muller: Elementary Functions, Algorithms and Implementation, 2016, section 11.5.
"""

from collections.abc import Mapping
from math import inf, nan

from graphc.kernel import functions as k
from graphc.kernel.elementary.exponentials import LOG_2
from graphc.kernel.elementary.pieces import (
    F32,
    F64,
    Coefficients,
    Pair,
    choose,
    exact_product,
    exact_sum,
    fma,
    format_of,
    in_double,
    polynomial,
    quick_sum,
)
from graphc.kernel.scalar import Scalar
from graphc.types import DType

__all__ = ["log", "log1p", "log1p_of", "log2", "log10", "log_in_two", "split", "split_of_any"]

#: (log(1 + f) - f + f^2 / 2) / f^3: log is off by 2^-30 and 2^-57 of itself
_TERMS: Mapping[DType, Coefficients] = {
    F32: (
        0.33333313, -0.25000015, 0.20002076, -0.16667716, 0.14220032, -0.12410176, 0.11889713, -0.11651885, 0.06715467,
    ),
    F64: (
        0.3333333333333313, -0.24999999999987857, 0.20000000000070958, -0.16666666669850771, 0.14285714279585204,
        -0.12499999689139742, 0.11111111174705375, -0.10000015323172852, 0.09090923168436985, -0.08332910101152491,
        0.07691541243296801, -0.07149498800239205, 0.06684508043932053, -0.06196095919014123, 0.0566846496525756,
        -0.056807522076172234, 0.06505341834392621, -0.05975784079701403, 0.026085388824314628,
    ),
}  # fmt: skip

#: the bits of the root of 1/2
_ROOT_OF_HALF: Mapping[DType, int] = {F32: 0x3F3504F3, F64: 0x3FE6A09E667F3BCD}

_PER_LOG_2 = (1.4426950408889634, 2.0355273740931033e-17)  # 1 / log 2
_PER_LOG_2_SHORT = (1.4426950216293335, 1.925963033500011e-08)  # in float32
_PER_LOG_10 = (0.4342944819032518, 1.098319650216765e-17)  # 1 / log 10
_LOG10_2 = (0.30102999566383914, 1.42050232272661e-13)  # the first with few digits


def split(x: Scalar) -> tuple[Scalar, Scalar, Scalar]:
    """n, 1 + f, and n 2^mantissa as an integer, for a finite x > 0 with all its digits."""
    form = format_of(x)
    bits = k.bits(x, form.signed)
    above = bits - bits.of(_ROOT_OF_HALF[x.dtype])
    n = k.right_shift(above, above.of(form.mantissa))
    exponent = k.left_shift(n, n.of(form.mantissa))
    return n.cast(x.dtype), k.bits(bits - exponent, x.dtype), exponent


def split_of_any(x: Scalar) -> tuple[Scalar, Scalar]:
    """n and f, for a finite x > 0."""
    form = format_of(x)
    is_denormal = x < form.tiniest
    n, mantissa, _ = split(choose(is_denormal, x * 2.0 ** (form.mantissa + 1), x))
    return choose(is_denormal, n - (form.mantissa + 1.0), n), mantissa - 1.0


def _at_ends(x: Scalar, value: Scalar, least: float) -> Scalar:
    """`value` for a finite x > `least`; else what a logarithm is there, that of infinity and -infinity among it."""
    value = choose(x < inf, value, x)
    return choose(x > least, value, choose(x == least, -inf, x.of(nan)))


def _beyond(f: Scalar) -> Scalar:
    """log(1 + f) - f."""
    return f * f * fma(f, polynomial(f, _TERMS[f.dtype]), -0.5)


def log(x: Scalar) -> Scalar:
    """The natural logarithm."""
    high, low = LOG_2[x.dtype]
    n, f = split_of_any(x)
    return _at_ends(x, fma(n, high, f + fma(n, low, _beyond(f))), 0.0)


def log_in_two(x: Scalar) -> Pair:
    """The natural logarithm of a finite x > 0 in two parts, off by some 2^-4 units of the first."""
    high, low = LOG_2[x.dtype]
    n, f = split_of_any(x)
    total, lost = exact_sum(n * high, f)  # n has few digits, and so has `high`
    return quick_sum(total, lost + fma(n, low, _beyond(f)))


def log2(x: Scalar) -> Scalar:
    """The logarithm to base 2."""
    high, low = _PER_LOG_2_SHORT if x.dtype == F32 else _PER_LOG_2
    n, f = split_of_any(x)
    more = _beyond(f)
    first, lost = exact_product(f, high)
    total = n + first
    small = fma(more, high, fma(f, low, lost))

    rest = first - (total - n)
    return _at_ends(x, total + (rest + small), 0.0)


def log10(x: Scalar) -> Scalar:
    """The logarithm to base 10; of float32 in float64, so that those of powers of ten are whole."""
    if x.dtype == F32:
        return log10(in_double(x)).cast(F32)
    n, f = split_of_any(x)
    high, low = _LOG10_2
    more = _beyond(f)
    first, lost = exact_product(f, _PER_LOG_10[0])
    total, rest = exact_sum(n * high, first)
    small = fma(more, _PER_LOG_10[0], fma(f, _PER_LOG_10[1], lost + n * low))
    return _at_ends(x, total + (rest + small), 0.0)


def log1p_of(x: Scalar, rest: Scalar | None = None) -> Scalar:
    """log(1 + x + rest) for a finite x > -1, and a rest of less than a unit of it."""
    form = format_of(x)
    total, lost = exact_sum(x, 1.0)
    if rest is not None:
        lost = lost + rest
    n, mantissa, exponent = split(total)
    twice = k.bits(exponent.of(form.bias + 1 << form.mantissa) - exponent, x.dtype)  # 2^(1 - n), or 0
    f = fma(lost * 0.5, twice, mantissa - 1.0)
    high, low = LOG_2[x.dtype]
    return fma(n, high, f + fma(n, low, _beyond(f)))


def log1p(x: Scalar) -> Scalar:
    """log(1 + x), which is x where that is small: numbers without all their digits take long to multiply."""
    form = format_of(x)
    is_small = k.abs(x) < 2.0 ** (-form.mantissa - 2)
    value = choose(is_small, x, log1p_of(choose(is_small, 0.0, x)))
    return _at_ends(x, value, -1.0)
