"""asin, acos, atan and atan2, by polynomials in the square of the operand or of what it is brought to; of float32 in
float64.

Muller: Elementary Functions, Algorithms and Implementation, 2016, section 11.7.
"""

from math import inf

from graphc.kernel import functions as k
from graphc.kernel.elementary.pieces import (
    F32,
    Coefficients,
    choose,
    exact_sum,
    fma,
    in_double,
    polynomial,
    signed_like,
)
from graphc.kernel.scalar import Scalar

__all__ = ["acos", "asin", "atan", "atan2"]

#: (asin(s) / s - 1) / s^2 in powers of s^2, for |s| <= 1/2: off by 2^-60 of asin
_ASIN: Coefficients = (
    0.1666666666666676, 0.07499999999970865, 0.04464285717458351, 0.030381942707722143, 0.022372215022484297,
    0.01735161089156675, 0.013980839087365086, 0.01139872407871855, 0.010781489677437871, 0.0037011125990852245,
    0.02172172616638682, -0.02102109696458485, 0.032643471854364614,
)  # fmt: skip

#: (atan(t) / t - 1) / t^2 in powers of t^2, for |t| <= 1: off by 2^-58 of atan
_ATAN: Coefficients = (
    -0.3333333333333307, 0.19999999999951643, -0.1428571428258158, 0.11111111007171494, -0.09090907005154808,
    0.07692279861276634, -0.06666404215433082, 0.05880528641762048, -0.052535217982693644, 0.0472233193311834,
    -0.042192014312660904, 0.03664231532898012, -0.02990442526033589, 0.021985469274234774, -0.013901073350364083,
    0.007196824576773882, -0.002885064594807351, 0.0008313673399290775, -0.00015216952341347718,
    1.322583402962701e-05,
)  # fmt: skip

#: the same for float32, off by 2^-32 and 2^-34
_ASIN_SHORT: Coefficients = (
    0.1666665993490598, 0.07500507740333592, 0.04451630530005212, 0.031812848876095666, 0.01442004504901562,
    0.03754168918414686,
)  # fmt: skip
_ATAN_SHORT: Coefficients = (
    -0.33333332135519866, 0.19999927321422972, -0.14284168438638606, 0.1109451212760463, -0.08985472046305065,
    0.07259516898738828, -0.054517169115792324, 0.03447704895829759, -0.016300156802524036, 0.0049265941263333,
    -0.0006979910925004894,
)  # fmt: skip

_HALF_PI = (1.5707963267948966, 6.123233995736766e-17)


def _halved(x: Scalar, coefficients: Coefficients) -> tuple[Scalar, Scalar, Scalar, Scalar]:
    """Whether |x| is above 1/2; s, |x| or else the root of (1 - |x|) / 2; asin(s) - s; and what the root lost."""
    size = k.abs(x)
    is_far = size > 0.5
    square = choose(is_far, (1.0 - size) * 0.5, x * x)
    root = k.sqrt(square)
    lost = choose(root > 0.0, fma(-root, root, square) / (root + root), 0.0)
    s = choose(is_far, root, size)
    return is_far, s, s * (square * polynomial(square, coefficients)), lost


def asin(x: Scalar) -> Scalar:
    """The angle from -pi/2 to pi/2 of a sine."""
    if x.dtype == F32:
        return _asin(in_double(x), _ASIN_SHORT).cast(F32)
    return _asin(x, _ASIN)


def _asin(x: Scalar, coefficients: Coefficients) -> Scalar:
    is_far, s, more, lost = _halved(x, coefficients)
    total, rest = exact_sum(s * -2.0, _HALF_PI[0])
    far = total + (rest + fma(more + lost, -2.0, _HALF_PI[1]))
    return signed_like(choose(is_far, far, s + more), x)


def acos(x: Scalar) -> Scalar:
    """The angle from 0 to pi of a cosine."""
    if x.dtype == F32:
        return _acos(in_double(x), _ASIN_SHORT).cast(F32)
    return _acos(x, _ASIN)


def _acos(x: Scalar, coefficients: Coefficients) -> Scalar:
    is_far, s, more, lost = _halved(x, coefficients)
    is_negative = x < 0.0
    twice = choose(is_far, s * 2.0, s)
    beyond = choose(is_far, (more + lost) * 2.0, more)
    # 2 asin(s) to the right, pi - 2 asin(s) to the left, and pi/2 - asin(x) between
    sign = choose(is_negative, -1.0, choose(is_far, x.of(1.0), -1.0))
    sign = choose(k.bitwise_and(is_negative, k.bitwise_not(is_far)), 1.0, sign)
    high, low = (choose(is_far, choose(is_negative, x.of(2 * part), 0.0), part) for part in _HALF_PI)
    total, rest = exact_sum(high, sign * twice)
    return total + (rest + fma(beyond, sign, low))


def _within(t: Scalar, coefficients: Coefficients) -> Scalar:
    """atan(t) for |t| <= 1."""
    square = t * t
    return fma(polynomial(square, coefficients), square * t, t)


def atan(x: Scalar) -> Scalar:
    """The angle from -pi/2 to pi/2 of a tangent."""
    if x.dtype == F32:
        return _atan(in_double(x), _ATAN_SHORT).cast(F32)
    return _atan(x, _ATAN)


def _atan(x: Scalar, coefficients: Coefficients) -> Scalar:
    size = k.abs(x)
    is_steep = size > 1.0
    angle = _within(choose(is_steep, 1.0 / size, size), coefficients)
    return signed_like(choose(is_steep, _HALF_PI[0] - (angle - _HALF_PI[1]), angle), x)


def atan2(y: Scalar, x: Scalar) -> Scalar:
    """The angle from -pi to pi of a point."""
    if x.dtype == F32:
        return _atan2(in_double(y), in_double(x), _ATAN_SHORT).cast(F32)
    return _atan2(y, x, _ATAN)


def _atan2(y: Scalar, x: Scalar, coefficients: Coefficients) -> Scalar:
    height, width = k.abs(y), k.abs(x)
    is_steep = height > width
    least, most = choose(is_steep, width, height), choose(is_steep, height, width)
    ratio = choose(most == 0.0, least, least / most)
    ratio = choose(k.bitwise_and(least == inf, most == inf), 1.0, ratio)
    angle = _within(ratio, coefficients)
    is_left = k.copysign(x.of(1.0), x) < 0.0
    left_high, left_low = (choose(is_left, x.of(2 * part), 0.0) for part in _HALF_PI)
    high, low = choose(is_steep, _HALF_PI[0], left_high), choose(is_steep, _HALF_PI[1], left_low)
    signed = choose(k.bitwise_xor(is_steep, is_left), -angle, angle)
    is_plain = k.bitwise_not(k.bitwise_or(is_steep, is_left))
    return signed_like(choose(is_plain, angle, high + (signed + low)), y)
