"""Functions that SciPy has not to the last digits, or slowly, as ufuncs in scratch.  Generated source calls them."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from graphc.kernel.elementary.scaled_erfc import SCALED_ERFC
from graphc.kernel.two_over_pi import WORDS

__all__ = ["ERFC_SCRATCH", "erfc", "erfinv", "sigmoid", "silu", "two_over_pi"]

Array = npt.NDArray[Any]

ERFC_SCRATCH = 4  # arrays

_CENTRE = 2.0
_LAST = 28.0  # erfc is below the least float from here on
_LEADING = ~((1 << 27) - 1)  # the bits of a float64 but for its last 27: the square of what they leave is exact

_DIGITS = np.array([0, *WORDS, 0], np.uint64)  # 0 before the first and after the last

_FEW_DIGITS = {4: -80.0, 8: -700.0}  # by the bytes of a float: e^x below has not all its digits
_NONE = {4: -110.0, 8: -760.0}  # x e^x below is 0

_MIDDLE = 5.0  # of -log(1 - x^2): |x| = 0.9966; of normal numbers 3 in 1,000 are beyond
#: erfinv(x) / x in powers of -log(1 - x^2) - 2.5, fitted for the least relative error, 6e-9
_OVER_X = (
    1.5014094114303589, 0.24664027988910675, -0.004177386872470379, -0.0012527419021353126, 0.00021834444487467408,
    -4.9633526941761374e-06, -3.4627053082658676e-06, 4.6617168436609045e-07, 2.3232685109064732e-08,
    -8.79113049023772e-09,
)  # fmt: skip


def erfc(x: Array, *, out: Array, scratch: Sequence[Array]) -> None:
    """1 - erf(x) of float64, within 3 ulp; SciPy's is off by 500 far out.  `out` is another array than `x`.

    For u = |x| it is e^(-u^2) q(u) / (u + 2), with q a polynomial in (u - 2) / (u + 2).  As e^(-u^2) would turn an
    error of the last digit of u^2 into u^2 of them, u is split: u^2 = h^2 + (u - h) (u + h), of which h^2 is exact.
    What the larger of the other steps lose is added at the end.
    """
    size, total, first, lost = scratch
    np.absolute(x, out=size)
    np.minimum(size, _LAST, out=size)
    np.add(size, _CENTRE, out=total)
    np.maximum(size, _CENTRE, out=first)
    np.minimum(size, _CENTRE, out=lost)
    np.subtract(total, first, out=first)
    np.subtract(first, lost, out=lost)
    np.divide(lost, total, out=lost)  # the relative error of u + 2

    np.subtract(size, _CENTRE, out=first)
    np.divide(first, total, out=first)
    _horner(first, SCALED_ERFC[1:], out=out)
    np.multiply(out, first, out=out)
    np.add(out, SCALED_ERFC[0], out=first)  # q
    np.divide(first, total, out=total)
    np.subtract(SCALED_ERFC[0], first, out=size)
    np.add(out, size, out=out)
    np.divide(out, first, out=out)  # the relative error of the last sum of q
    np.add(lost, out, out=lost)

    np.absolute(x, out=size)
    np.minimum(size, _LAST, out=size)
    np.bitwise_and(size.view(np.int64), _LEADING, out=first.view(np.int64))
    np.subtract(first, size, out=out)
    np.add(first, size, out=size)
    np.multiply(out, size, out=out)
    np.expm1(out, out=out)
    np.add(lost, out, out=lost)

    np.multiply(first, first, out=first)
    np.negative(first, out=first)
    np.exp(first, out=first)
    np.multiply(first, total, out=out)
    np.multiply(out, lost, out=lost)
    np.add(out, lost, out=out)

    np.copysign(out, x, out=out)  # and 2 - erfc(u) for x < 0
    np.copysign(1.0, x, out=size)
    np.subtract(1.0, size, out=size)
    np.add(out, size, out=out)


def erfinv(x: Array, *, out: Array, scratch: Sequence[Array]) -> None:
    """The inverse of erf, of float32, within 3.1 ulp.  `out` is another array than `x`; the last scratch is of bools.

    A polynomial as Giles has it: Approximating the erfinv function, 2010; far out, and where it is not finite, by
    SciPy, which takes five times as long.
    """
    from scipy import special

    size, is_far = scratch
    np.subtract(1.0, x, out=size)
    np.add(x, 1.0, out=out)
    np.multiply(size, out, out=size)
    np.log(size, out=size)
    np.greater(size, -_MIDDLE, out=is_far)
    np.logical_not(is_far, out=is_far)  # a nan is far too
    np.subtract(-_MIDDLE / 2, size, out=size)
    _horner(size, _OVER_X, out=out)
    np.multiply(out, x, out=out)
    special.erfinv(x, out=out, where=is_far)


def sigmoid(x: Array, *, out: Array, scratch: Sequence[Array]) -> None:
    """1 / (1 + e^-x), by e^-|x|, which does not overflow.  `out` is another array than `x`."""
    power, is_above = scratch
    np.absolute(x, out=power)
    np.negative(power, out=power)
    np.exp(power, out=power)
    np.add(power, 1.0, out=out)
    np.greater_equal(x, 0.0, out=is_above)
    np.maximum(power, is_above, out=power)  # 1 where x is above 0; a copy of some elements takes three times as long
    np.divide(power, out, out=out)


def silu(x: Array, *, out: Array, scratch: Sequence[Array]) -> None:
    """x / (1 + e^-x): x times `sigmoid`, but far below 0, where that has few digits or none, by the root of e^x."""
    _, is_below = scratch
    sigmoid(x, out=out, scratch=scratch)
    np.multiply(x, out, out=out)
    np.less(x, _FEW_DIGITS[out.itemsize], out=is_below)
    if is_below.any():
        far = np.maximum(np.broadcast_to(x, out.shape)[is_below], out.dtype.type(_NONE[out.itemsize]))
        root = np.exp(far / 2)
        out[is_below] = far * root * root


def two_over_pi(index: Array | int, *, out: Array) -> None:
    """Words of the binary digits of 2/pi."""
    np.take(_DIGITS, np.asarray(index, np.int64) + 1, mode="clip", out=out)


def _horner(x: Array, coefficients: Sequence[float], *, out: Array) -> None:
    """A polynomial, its coefficients beginning with the constant one."""
    out.fill(coefficients[-1])
    for coefficient in coefficients[-2::-1]:
        np.multiply(out, x, out=out)
        np.add(out, coefficient, out=out)
