"""Functions of complex numbers through their parts; of complex64, but for products and quotients, in float64.

Kahan: Branch cuts for complex elementary functions, 1987.  At infinities and nan they are what C99, annex G, says, but
products and quotients what NumPy makes of them, which recovers no infinity.
"""

from math import inf, log, nan, pi

from graphc.kernel import functions as k
from graphc.kernel.elementary import angles, exponentials, hyperbolic, inverse_angles, logarithms
from graphc.kernel.elementary.pieces import F32, F64, Pair, choose, exact_product, exact_sum, fma, signed_like
from graphc.kernel.scalar import Scalar
from graphc.types import complex_of

__all__ = [
    "acos", "acosh", "asin", "asinh", "atan", "atanh", "cos", "cosh", "divide", "exp", "exp2", "expm1", "logarithm",
    "logarithm1p", "logarithm2", "logarithm10", "multiply", "power", "sin", "sinh", "sqrt", "tan", "tanh",
]  # fmt: skip

_LARGE = 22.0  # from here on e^-x is nothing beside e^x
_NEAR_OVERFLOW = 700.0  # of e^x
_MOST_MULTIPLIED = 100  # powers below are products, exact for small whole numbers


def _parts(z: Scalar) -> Pair:
    """The real and imaginary part."""
    return k.real(z), k.imag(z)


def _wide(z: Scalar) -> Pair:
    """The parts in float64."""
    return k.real(z).cast(F64), k.imag(z).cast(F64)


def _like(z: Scalar, value: Pair) -> Scalar:
    """A complex number like another from its parts."""
    dtype = F32 if z.dtype == complex_of(F32) else F64
    return k.complex(value[0].cast(dtype), value[1].cast(dtype))


def _turned(z: Pair) -> Pair:
    """i z."""
    return -z[1], z[0]


def _turned_back(z: Pair) -> Pair:
    """-i z."""
    return z[1], -z[0]


def multiply(z: Scalar, w: Scalar) -> Scalar:
    """The product."""
    return k.complex(*_product(_parts(z), _parts(w)))


def _product(z: Pair, w: Pair) -> Pair:
    return z[0] * w[0] - z[1] * w[1], z[0] * w[1] + z[1] * w[0]


def divide(z: Scalar, w: Scalar) -> Scalar:
    """The quotient."""
    return k.complex(*_quotient(_parts(z), _parts(w)))


def _quotient(z: Pair, w: Pair) -> Pair:
    """Smith: Algorithm 116, Complex division, 1962."""
    is_wide = k.abs(w[0]) >= k.abs(w[1])
    large, small = choose(is_wide, w[0], w[1]), choose(is_wide, w[1], w[0])
    ratio = small / large
    scale = 1.0 / (large + small * ratio)
    x = choose(is_wide, z[0] + z[1] * ratio, z[0] * ratio + z[1]) * scale
    y = choose(is_wide, z[1] - z[0] * ratio, z[1] * ratio - z[0]) * scale
    by_zero = k.bitwise_and(w[0] == 0.0, w[1] == 0.0)
    zero = k.abs(w[0])
    return choose(by_zero, z[0] / zero, x), choose(by_zero, z[1] / zero, y)


def sqrt(z: Scalar) -> Scalar:
    """The root to the right of 0."""
    return _like(z, _root(_wide(z)))


def _root(z: Pair) -> Pair:
    most = choose(k.abs(z[0]) > k.abs(z[1]), k.abs(z[0]), k.abs(z[1]))
    is_huge, is_tiny = most > 2.0**1020, most < 2.0**-960
    scale = choose(is_huge, 0.25, choose(is_tiny, most.of(2.0**108), 1.0))
    x, y = z[0] * scale, z[1] * scale
    root = k.sqrt((k.abs(x) + _size((x, y))) * 0.5)
    other = choose(root == 0.0, k.abs(y), k.abs(y) / (root + root))
    back = choose(is_huge, 2.0, choose(is_tiny, most.of(2.0**-54), 1.0))
    root, other = root * back, other * back
    is_left = x < 0.0
    re, im = choose(is_left, other, root), signed_like(choose(is_left, root, other), y)
    is_high = k.abs(y) == inf
    return choose(is_high, inf, re), choose(is_high, y, im)


def _size(z: Pair) -> Scalar:
    """|z| that neither overflows nor vanishes on the way."""
    is_wide = k.abs(z[0]) > k.abs(z[1])
    most, least = choose(is_wide, *map(k.abs, z)), choose(is_wide, *map(k.abs, z[::-1]))
    ratio = least / most
    size = choose(most > 0.0, most * k.sqrt(fma(ratio, ratio, 1.0)), most + least)
    return choose(k.bitwise_or(most == inf, least == inf), inf, size)


def exp(z: Scalar) -> Scalar:
    """e^z."""
    return _like(z, _power_of_e(_wide(z)))


def exp2(z: Scalar) -> Scalar:
    """2^z."""
    x, y = _wide(z)
    return _like(z, _power_of_e((x * log(2), y * log(2))))


def _power_of_e(z: Pair) -> Pair:
    x, y = z
    re, im = _grown(x, angles.cos(y)), choose(y == 0.0, y, _grown(x, angles.sin(y)))
    is_lost = k.bitwise_not(k.is_finite(y))
    vanishes = k.bitwise_and(is_lost, x == -inf)
    re = choose(vanishes, 0.0, choose(k.bitwise_and(is_lost, x == inf), inf, re))
    return re, choose(vanishes, signed_like(y.of(0.0), y), im)


def _grown(x: Scalar, factor: Scalar) -> Scalar:
    """e^x times a factor of up to 1, which may keep it from overflowing."""
    is_near = x > _NEAR_OVERFLOW
    value = exponentials.exp(choose(is_near, x * 0.5, x))
    return choose(is_near, (value * factor) * value, value * factor)


def expm1(z: Scalar) -> Scalar:
    """e^z - 1."""
    x, y = _wide(z)
    half = angles.sin(y * 0.5)
    _, im = _power_of_e((x, y))
    return _like(z, (exponentials.expm1(x) * angles.cos(y) - 2.0 * half * half, im))


def logarithm(z: Scalar) -> Scalar:
    """log |z| and the angle of z."""
    return _like(z, _log(_wide(z)))


def logarithm2(z: Scalar) -> Scalar:
    """The logarithm to base 2."""
    re, im = _log(_wide(z))
    return _like(z, (re * (1 / log(2)), im * (1 / log(2))))


def logarithm10(z: Scalar) -> Scalar:
    """The logarithm to base 10."""
    re, im = _log(_wide(z))
    return _like(z, (re * (1 / log(10)), im * (1 / log(10))))


def _log(z: Pair) -> Pair:
    x, y = z
    is_wide = k.abs(x) > k.abs(y)
    most, least = choose(is_wide, *map(k.abs, z)), choose(is_wide, *map(k.abs, z[::-1]))
    is_near = k.bitwise_and(most > 0.5, most < 2.0)
    square, lost = exact_product(most, most)
    first, rest = exact_sum(square, -1.0)
    other, missed = exact_product(least, least)
    total, left = exact_sum(first, other)  # |z|^2 - 1 with all its digits
    near = logarithms.log1p_of(choose(is_near, total, 0.0), choose(is_near, left + (rest + (lost + missed)), 0.0))
    ratio = least / most
    far = fma(logarithms.log1p(ratio * ratio), 0.5, logarithms.log(most))
    far = choose(most == 0.0, choose(least == 0.0, most.of(-inf), least), far)
    far = choose(k.bitwise_or(most == inf, least == inf), inf, far)
    return choose(is_near, near * 0.5, far), inverse_angles.atan2(y, x)


def logarithm1p(z: Scalar) -> Scalar:
    """log(1 + z)."""
    x, y = _wide(z)
    far, angle = _log((x + 1.0, y))
    is_near = k.bitwise_and(k.abs(x) < 0.5, k.abs(y) < 0.5)
    square, lost = exact_product(x, x)
    other, missed = exact_product(y, y)
    first, rest = exact_sum(x + x, square)
    total, left = exact_sum(first, other)
    near = logarithms.log1p_of(choose(is_near, total, 0.0), choose(is_near, left + (rest + (lost + missed)), 0.0))
    return _like(z, (choose(is_near, near * 0.5, far), angle))


def sinh(z: Scalar) -> Scalar:
    """The hyperbolic sine."""
    return _like(z, _sinh(_wide(z)))


def sin(z: Scalar) -> Scalar:
    """The sine."""
    return _like(z, _turned_back(_sinh(_turned(_wide(z)))))


def _sinh(z: Pair) -> Pair:
    x, y = z
    sine, cosine, size = angles.sin(y), angles.cos(y), k.abs(x)
    is_large = size > _LARGE
    re = choose(is_large, signed_like(cosine.of(0.5), x) * _grown(size, cosine), hyperbolic.sinh(x) * cosine)
    im = choose(is_large, 0.5 * _grown(size, sine), hyperbolic.cosh(x) * sine)
    keeps = k.bitwise_and(k.bitwise_or(x == 0.0, size == inf), k.bitwise_not(k.is_finite(y)))
    return choose(keeps, x, re), choose(y == 0.0, y, im)


def cosh(z: Scalar) -> Scalar:
    """The hyperbolic cosine."""
    return _like(z, _cosh(_wide(z)))


def cos(z: Scalar) -> Scalar:
    """The cosine."""
    return _like(z, _cosh(_turned(_wide(z))))


def _cosh(z: Pair) -> Pair:
    x, y = z
    sine, cosine, size = angles.sin(y), angles.cos(y), k.abs(x)
    is_large = size > _LARGE
    re = choose(is_large, 0.5 * _grown(size, cosine), hyperbolic.cosh(x) * cosine)
    im = choose(is_large, signed_like(sine.of(0.5), x) * _grown(size, sine), hyperbolic.sinh(x) * sine)
    re = choose(k.bitwise_and(size == inf, k.bitwise_not(k.is_finite(y))), size, re)
    zero = signed_like(x.of(1.0), x) * y  # of the sign of x y
    im = choose(k.bitwise_and(x == 0.0, k.bitwise_not(k.is_finite(y))), 0.0, im)
    return re, choose(y == 0.0, zero, im)


def tanh(z: Scalar) -> Scalar:
    """The hyperbolic tangent."""
    return _like(z, _tanh(_wide(z)))


def tan(z: Scalar) -> Scalar:
    """The tangent."""
    return _like(z, _turned_back(_tanh(_turned(_wide(z)))))


def _tanh(z: Pair) -> Pair:
    x, y = z
    size = k.abs(x)
    is_large = size > _LARGE
    tangent, s = angles.tan(y), hyperbolic.sinh(choose(is_large, 0.0, x))
    slope = fma(tangent, tangent, 1.0)
    below = fma(slope * s, s, 1.0)
    re, im = slope * k.sqrt(fma(s, s, 1.0)) * s / below, tangent / below
    small = 4.0 * angles.sin(y) * angles.cos(y) * exponentials.exp(-size - size)
    is_lost = k.bitwise_not(k.is_finite(y))
    small = choose(k.bitwise_and(size == inf, is_lost), signed_like(y.of(0.0), y), small)
    one = choose(k.bitwise_and(size < inf, is_lost), nan, signed_like(x.of(1.0), x))
    re = choose(is_large, one, choose(x == 0.0, x, re))
    return re, choose(y == 0.0, y, choose(is_large, small, im))


def acos(z: Scalar) -> Scalar:
    """The angle of a cosine."""
    x, y = _wide(z)
    one, other = _root((1.0 - x, -y)), _root((1.0 + x, y))
    re = 2.0 * inverse_angles.atan2(one[0], other[0])
    im = hyperbolic.asinh(other[0] * one[1] - other[1] * one[0])
    is_endless, angle = _direction((x, y))
    re = choose(x == 0.0, pi / 2, choose(is_endless, angle, re))
    return _like(z, (re, choose(is_endless, signed_like(y.of(inf), -y), im)))


def asin(z: Scalar) -> Scalar:
    """The angle of a sine."""
    return _like(z, _asin(_wide(z)))


def asinh(z: Scalar) -> Scalar:
    """The inverse hyperbolic sine."""
    return _like(z, _turned_back(_asin(_turned(_wide(z)))))


def _asin(z: Pair) -> Pair:
    x, y = z
    one, other = _root((1.0 - x, -y)), _root((1.0 + x, y))
    re = inverse_angles.atan2(x, one[0] * other[0] - one[1] * other[1])
    im = hyperbolic.asinh(one[0] * other[1] - one[1] * other[0])
    is_endless, angle = _direction((k.abs(y), k.abs(x)))
    re = choose(x == 0.0, x, choose(is_endless, signed_like(angle, x), re))
    return re, choose(is_endless, signed_like(y.of(inf), y), im)


def _direction(z: Pair) -> Pair:
    """Whether a part is infinite, and the angle from 0 to pi then; nan if the other is."""
    x, y = z
    ends = [signed_like(choose(k.abs(part) == inf, part.of(1.0), 0.0), part) for part in z]
    angle = inverse_angles.atan2(k.abs(ends[1]), ends[0])
    is_unknown = k.bitwise_or(k.is_nan(x), k.is_nan(y))
    return k.bitwise_or(k.abs(x) == inf, k.abs(y) == inf), choose(is_unknown, nan, angle)


def acosh(z: Scalar) -> Scalar:
    """The inverse hyperbolic cosine."""
    x, y = _wide(z)
    one, other = _root((x - 1.0, y)), _root((x + 1.0, y))
    re = hyperbolic.asinh(one[0] * other[0] + one[1] * other[1])
    im = 2.0 * inverse_angles.atan2(one[1], other[0])
    is_endless, angle = _direction((x, y))
    im = choose(is_endless, angle, choose(x == 0.0, pi / 2, im))
    return _like(z, (choose(is_endless, inf, re), signed_like(im, y)))


def atanh(z: Scalar) -> Scalar:
    """The inverse hyperbolic tangent."""
    return _like(z, _atanh(_wide(z)))


def atan(z: Scalar) -> Scalar:
    """The angle of a tangent."""
    return _like(z, _turned_back(_atanh(_turned(_wide(z)))))


def _atanh(z: Pair) -> Pair:
    size, y = k.abs(z[0]), z[1]
    gap = 1.0 - size
    re = 0.25 * logarithms.log1p(4.0 * size / fma(gap, gap, y * y))
    im = 0.5 * inverse_angles.atan2(y + y, gap * (1.0 + size) - y * y)
    is_huge = k.bitwise_or(size > 1e150, k.abs(y) > 1e150)
    far, _ = _quotient((size.of(1.0), size.of(0.0)), (size, y))
    far = choose(k.bitwise_or(size == inf, k.abs(y) == inf), 0.0, far)
    re = choose(is_huge, far, re)
    im = choose(is_huge, choose(k.is_nan(y), nan, signed_like(y.of(pi / 2), y)), im)
    return choose(size == 0.0, z[0], signed_like(re, z[0])), im


def power(z: Scalar, w: Scalar) -> Scalar:
    """z^w: a product where w is a small whole number, else e^(w log z)."""
    base, (x, y) = _wide(z), _wide(w)
    one, zero = x.of(1.0), x.of(0.0)
    count = k.abs(x)
    is_whole = k.bitwise_and(k.bitwise_and(k.trunc(x) == x, y == 0.0), count < float(_MOST_MULTIPLIED))
    value, square, left = (one, zero), base, choose(is_whole, count, 0.0)
    for place in range(_MOST_MULTIPLIED.bit_length()):
        half = k.floor(left * 0.5)
        is_odd = half + half != left
        more = _product(value, square)
        value = (choose(is_odd, more[0], value[0]), choose(is_odd, more[1], value[1]))
        left = half
        if place < _MOST_MULTIPLIED.bit_length() - 1:
            square = _product(square, square)
    inverse = _quotient((one, zero), value)
    value = (choose(x < 0.0, inverse[0], value[0]), choose(x < 0.0, inverse[1], value[1]))
    general = _power_of_e(_product((x, y), _log(base)))
    of_zero = k.bitwise_and(k.bitwise_and(base[0] == 0.0, base[1] == 0.0), x > 0.0)
    general = (choose(of_zero, 0.0, general[0]), choose(of_zero, 0.0, general[1]))
    return _like(z, (choose(is_whole, value[0], general[0]), choose(is_whole, value[1], general[1])))
