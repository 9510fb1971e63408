"""The error function, what it lacks to 1, and its inverse.

Cody: Rational Chebyshev approximations for the error function, 1969, has the ranges; Shepherd, Laframboise:
Chebyshev approximation of (1 + 2x) exp(x^2) erfc(x), 1981, the form of erfc; Giles: Approximating the erfinv function,
2010, that of its inverse.
"""

from collections.abc import Mapping

from graphc.kernel import functions as k
from graphc.kernel.elementary.exponentials import exp_of_sum, moderate_exp
from graphc.kernel.elementary.pieces import (
    F32,
    F64,
    Coefficients,
    choose,
    clamped,
    exact_product,
    fma,
    polynomial,
    signed_like,
)
from graphc.kernel.elementary.scaled_erfc import SCALED_ERFC
from graphc.kernel.scalar import Scalar
from graphc.types import DType

__all__ = ["erf", "erfc"]

#: erf(x) / x - 1 in powers of x^2, for |x| <= 0.95 or 1: erf is off by 2^-25 and 2^-57 of itself
_NEAR: Mapping[DType, Coefficients] = {
    F32: (0.12837914, -0.37612432, 0.11281235, -0.02674668, 0.0049650846, -0.000585234),
    F64: (
        0.12837916709551256, -0.3761263890318346, 0.1128379167094268, -0.026866170642935307, 0.0052239776049649135,
        -0.0008548325882997376, 0.0001205529237983232, -1.4924691988647491e-05, 1.6446906544789324e-06,
        -1.6204746935897656e-07, 1.3704756633836752e-08, -7.768712027697858e-10,
    ),
}  # fmt: skip
_IS_NEAR: Mapping[DType, float] = {F32: 0.93, F64: 1.0}

#: -log(erfc(x)), in powers of x or x - 2, from there to where erf is 1: erf is off by 2^-29 and 2^-57
_FAR: Mapping[DType, Coefficients] = {
    F32: (0.00019688306, 1.1276714, 0.6371881, 0.10392777, -0.02222573, 0.0030430858, -0.00019594017),
    F64: (
        5.364941264616634, 4.418160805994414, 0.9237508418239531, 0.016465118137391144, -0.003570756347977211,
        0.0007323993778125846, -0.00013530933005904882, 2.070647143360357e-05, -1.952188489365584e-06,
        -2.0372894689013753e-07, 1.7317381417022067e-07, -5.7694400532892034e-08, 1.3988261925823647e-08,
        -2.6104489584756705e-09, 2.577177337980651e-10, 7.165126608962804e-11, -3.6805071508012946e-11,
        4.898064047853604e-12,
    ),
}  # fmt: skip
_START: Mapping[DType, float] = {F32: 0.0, F64: 2.0}
_FLAT: Mapping[DType, float] = {F32: 3.95, F64: 5.95}

#: `SCALED_ERFC` up to x = 11.3, where erfc of float32 is 0, off by 2^-25 of itself
_SCALED_SHORT: Coefficients = (
    1.0215827226638794, -0.6871607899665833, 0.279470831155777, -0.03643897920846939, -0.02149423211812973,
    0.006455057766288519, 0.003010812681168318, -0.0007772501558065414, -0.0004930099239572883,
)  # fmt: skip
_LEAST = 0.25  # from here on erfc is less than 1 - erf has digits for
_NOTHING = 28.0  # erfc is below the least float64 from here on


def _near(x: Scalar) -> Scalar:
    return fma(x, polynomial(x * x, _NEAR[x.dtype]), x)


def erf(x: Scalar) -> Scalar:
    """The error function: 1 - e^p(x), and a polynomial where that would cancel."""
    flat = _FLAT[x.dtype]
    size = choose(k.abs(x) > flat, flat, k.abs(x))
    start = _START[x.dtype]
    far = 1.0 - moderate_exp(-polynomial(size - start if start else size, _FAR[x.dtype]))
    return signed_like(choose(size < _IS_NEAR[x.dtype], _near(x), far), x)


def erfc(x: Scalar) -> Scalar:
    """1 - erf(x)."""
    return _erfc(x, _SCALED_SHORT if x.dtype == F32 else SCALED_ERFC)


def _erfc(x: Scalar, coefficients: Coefficients) -> Scalar:
    """1 - erf(x): e^(-x^2) q(x) / (x + 2), for x < 0 subtracted from 2, and 1 - erf(x) around 0."""
    size = clamped(k.abs(x), _LEAST, _NOTHING)  # smaller ones have squares that take long to multiply, and no use
    total, lost = _sum_with_two(size)
    inverse = 1.0 / total
    inverse = fma(inverse, fma(-inverse, total, 1.0) - inverse * lost, inverse)
    terms = polynomial((size - 2.0) * inverse, coefficients)
    square, rest = exact_product(size, size)
    far = exp_of_sum(-square, -rest, terms * inverse)
    return choose(x < _LEAST, choose(x > -_IS_NEAR[x.dtype], 1.0 - _near(x), 2.0 - far), far)


def _sum_with_two(x: Scalar) -> tuple[Scalar, Scalar]:
    """x + 2 exactly, for x >= 0."""
    two = x.of(2.0)
    total = x + two
    return total, choose(x < two, x - (total - two), two - (total - x))
