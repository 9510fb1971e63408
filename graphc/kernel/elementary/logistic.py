"""1 / (1 + e^-x), and x times that: of a sum that is scaled, so that neither end of the range overflows.

For e^-x = 2^n (1 + p) the sum 1 + e^-x is (2^n + 1) + 2^n p, whose first part is exact where both terms count.
"""

from collections.abc import Mapping

from graphc.kernel.elementary.exponentials import exp_apart
from graphc.kernel.elementary.pieces import F32, F64, Pair, choose, clamped, fma, quick_sum
from graphc.kernel.scalar import Scalar
from graphc.types import DType

__all__ = ["sigmoid", "silu"]

#: where x / (1 + e^-x) is 0, and where it is x
_RANGE: Mapping[DType, tuple[float, float]] = {F32: (-109.0, 18.0), F64: (-753.0, 38.0)}
#: what the sum is multiplied by: of the largest e^-x it is a float with all its digits
_SCALE: Mapping[DType, int] = {F32: -32, F64: -64}


def _sum(x: Scalar) -> Pair:
    """1 + e^-x for x of the range, scaled, in two parts."""
    scale = 2.0 ** _SCALE[x.dtype]
    power, beyond = exp_apart(-x, _SCALE[x.dtype])
    first = power + scale
    return quick_sum(first, fma(power, beyond, scale - (first - power)))


def sigmoid(x: Scalar) -> Scalar:
    """1 / (1 + e^-x)."""
    total, rest = _sum(clamped(x, *_RANGE[x.dtype]))
    inverse = 1.0 / total
    if x.dtype == F32:  # else off by 1.5 units of float64, of which 2 are borne
        inverse = fma(-inverse * rest, inverse, inverse)
    return inverse * 2.0 ** _SCALE[x.dtype]


def silu(x: Scalar) -> Scalar:
    """x / (1 + e^-x), by the inverse that `sigmoid` has."""
    inside = clamped(x, *_RANGE[x.dtype])
    total, rest = _sum(inside)
    inverse = 1.0 / total
    value = inside * inverse
    over = fma(value, total, -inside)
    if x.dtype == F32:
        over = fma(value, rest, over)
    value = fma(-over, inverse, value)  # signed so that -0.0 stays
    return choose(x > _RANGE[x.dtype][1], x, value * 2.0 ** _SCALE[x.dtype])
