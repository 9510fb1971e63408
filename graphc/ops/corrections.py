"""A scalar formula in float64 that carries some of its roundings along.

Sums, products, quotients and roots of floats tell what they lost (Dekker: A floating-point technique for extending the
available precision, 1971).  So a value may have a correction: the exact value is their sum, to first order.  A function
hands on the correction of its operand, times its slope; its own error it does not know, but some have a form with
a smaller one.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from graphc.dataclass import dataclass
from graphc.kernel.scalar import Call, Const, Fn, Let, Scalar
from graphc.ops.scalar_slopes import slopes
from graphc.types import BOOL

__all__ = ["FINER", "TELLS", "Finer", "Lost", "corrected"]

Array = npt.NDArray[Any]
Lost: TypeAlias = Mapping[str, float]  # what numbers lost when they became floats, by the text of the float
Pair: TypeAlias = tuple[Scalar, Scalar]  # a value and its correction

_SPLIT = 2.0**27 + 1


def corrected(
    lets: Sequence[Let], result: int, operands: Sequence[Scalar], carried: frozenset[int], lost: Lost
) -> Scalar:
    """The same formula of other operands, with the corrections of the lets `carried` added to its value.

    A correction that overflows is left out: the value is then infinite, or as good as it is.
    """
    like = operands[0]
    values: list[Scalar] = list(operands)
    corrections: list[Scalar | None] = [None] * len(lets)
    for number, let in enumerate(lets[: result + 1]):
        match let:
            case Const():
                values.append(Scalar(like.formula, like.formula.add(let)))
                corrections[number] = like.of(lost[let.text]) if number in carried else None
            case Call(fn=fn, args=args, dtype=dtype):
                xs = [values[arg] for arg in args]
                own: Scalar | None = None
                if number in carried and fn in FINER:
                    y, own = FINER[fn].pair(xs[0])
                else:
                    y = xs[0].call(fn, *xs[1:], dtype=dtype)
                    own = _lost(fn, y, xs) if number in carried else None
                values.append(y)
                if dtype != BOOL:
                    corrections[number] = _handed_on(fn, y, xs, [corrections[arg] for arg in args], own)
    value, correction = values[result], corrections[result]
    if correction is None:
        return value
    return _where(correction.call(Fn.ISFINITE), value + correction, value)


def _where(condition: Scalar, x: Scalar, y: Scalar) -> Scalar:
    return condition.call(Fn.WHERE, x, y, dtype=x.dtype)


def _handed_on(
    fn: Fn, y: Scalar, xs: Sequence[Scalar], corrections: Sequence[Scalar | None], own: Scalar | None
) -> Scalar | None:
    """The correction of a value: what it lost itself, and those of its operands, times the slopes."""
    if own is None and all(part is None for part in corrections):
        return None
    match fn:
        case Fn.WHERE:
            taken, other = (y.of(0) if part is None else part for part in corrections[1:])
            return _where(xs[0], taken, other)
        case Fn.DIV:
            above, below = corrections
            return _sum(own, above, None if below is None else -(y * below)) / xs[1]
        case Fn.SQRT:
            return _sum(own, *corrections) * 0.5 / y
    parts = [own]
    for correction, slope in zip(corrections, slopes(fn, y, xs), strict=True):
        if correction is not None and (isinstance(slope, Scalar) or slope):
            parts.append(_times(correction, slope))
    return _sum(*parts) if any(part is not None for part in parts) else None


def _times(correction: Scalar, slope: Scalar | float) -> Scalar:
    if isinstance(slope, float) and abs(slope) == 1:
        return correction if slope > 0 else -correction
    return correction * slope


def _sum(*parts: Scalar | None) -> Scalar:
    first, *others = [part for part in parts if part is not None]
    for other in others:
        first = first + other
    return first


# What operations lose.

#: the operations that tell, and roughly how many more that takes
TELLS: Mapping[Fn, float] = {Fn.ADD: 6.0, Fn.SUB: 6.0, Fn.MUL: 15.0, Fn.DIV: 18.0, Fn.SQRT: 18.0}


def _lost(fn: Fn, y: Scalar, xs: Sequence[Scalar]) -> Scalar | None:
    """What a sum or a product lost; of a quotient or a root what is left of the number divided, or of the square."""
    match fn:
        case Fn.ADD:
            return _lost_by_sum(y, *xs)
        case Fn.SUB:
            return _lost_by_difference(y, *xs)
        case Fn.MUL:
            return _lost_by_product(y, *xs)
        case Fn.DIV:
            return _left(xs[0], y, xs[1])
        case Fn.SQRT:
            return _left(xs[0], y, y)
    raise AssertionError(f"{fn} does not tell what it lost")


def _lost_by_sum(total: Scalar, x: Scalar, y: Scalar) -> Scalar:
    """x + y - total, exactly.  Knuth: The Art of Computer Programming 2, section 4.2.2."""
    taken = total - x
    return (x - (total - taken)) + (y - taken)


def _lost_by_difference(total: Scalar, x: Scalar, y: Scalar) -> Scalar:
    """x - y - total, exactly."""
    taken = total - x
    return (x - (total - taken)) - (y + taken)


def _lost_by_product(product: Scalar, x: Scalar, y: Scalar) -> Scalar:
    """x y - product, exactly: the products of halves are exact."""
    (high, low), (other_high, other_low) = _halves(x), _halves(y)
    rest = high * other_high - product
    if other_low is not None:
        rest = rest + high * other_low
    if low is not None:
        rest = rest + low * other_high
    return rest if low is None or other_low is None else rest + low * other_low


def _halves(x: Scalar) -> tuple[Scalar, Scalar | None]:
    """Two numbers of half the digits, whose sum is x; no second one for a number that needs none."""
    let = x.formula.lets[x.number]
    if isinstance(let, Const):
        number = float(let.value.real)
        spread = number * _SPLIT
        high = spread - (spread - number)
        return x.of(high), x.of(number - high) if number != high else None
    large = x * _SPLIT
    half = large - (large - x)
    return half, x - half


def _left(whole: Scalar, x: Scalar, y: Scalar) -> Scalar:
    """whole - x y, where the product is the whole but for some rounding."""
    product = x * y
    return (whole - product) - _lost_by_product(product, x, y)


# Functions.


@dataclass(frozen=True)
class Finer:
    """A form of a function that is off by less than the function of a library.

    pair   the value and its correction
    kept   which part of the error remains, at some operands
    price  roughly how many operations it takes
    """

    pair: Callable[[Scalar], Pair]
    kept: Callable[[Array], Array]
    price: float


def _finer_exp(x: Scalar) -> Pair:
    """e^x as 1 + (e^x - 1), of which the sum tells what it lost; far below 0 as it is."""
    change = x.call(Fn.EXPM1)
    total = 1 + change
    near = x > -0.5
    lost = _lost_by_sum(total, x.of(1), change)
    return _where(near, total, x.call(Fn.EXP)), _where(near, lost, x.of(0))


def _finer_tanh(x: Scalar) -> Pair:
    """tanh(x) as 1 / (1 + 2 / (e^2|x| - 1)), with the sign of x: an error of e^2|x| hardly shows in it."""
    growth = (x.call(Fn.ABS) * 2).call(Fn.EXPM1)
    ratio = 2 / growth
    below = 1 + ratio
    value = 1 / below
    lost_below = _lost_by_sum(below, ratio, x.of(1)) + _left(x.of(2), ratio, growth) / growth
    lost = (_left(x.of(1), value, below) - value * lost_below) / below
    sign = x.call(Fn.SIGN)
    return value * sign, lost * sign


def _finer_cosh(x: Scalar) -> Pair:
    """cosh(x) as 1 + 2 sinh(x / 2)^2, of which the sum tells what it lost; as it is where the square is not small."""
    half = (x * 0.5).call(Fn.SINH)
    square = half * half
    rest = square * 2
    total = 1 + rest
    near = x.call(Fn.ABS) < 1
    lost = _lost_by_sum(total, x.of(1), rest) + _lost_by_product(square, half, half) * 2
    return _where(near, total, x.call(Fn.COSH)), _where(near, lost, x.of(0))


def _kept_of_exp(x: Array) -> Array:
    return np.where(x > -0.5, np.minimum(_EXPM1_UNITS * np.abs(np.expm1(x)) / np.exp(x), 1.0), 1.0)


def _kept_of_tanh(x: Array) -> Array:
    kept: Array = 2 * _EXPM1_UNITS / (2 + np.expm1(2 * np.abs(x)))
    return kept


def _kept_of_cosh(x: Array) -> Array:
    return np.where(np.abs(x) < 1, np.minimum(2 * _SINH_UNITS * (1 - 1 / np.cosh(x)), 1.0), 1.0)


# The errors of these, where that of exp is 1.
_EXPM1_UNITS = 1.4
_SINH_UNITS = 2.5

FINER: Mapping[Fn, Finer] = {
    Fn.EXP: Finer(_finer_exp, _kept_of_exp, price=25.0),
    Fn.TANH: Finer(_finer_tanh, _kept_of_tanh, price=60.0),
    Fn.COSH: Finer(_finer_cosh, _kept_of_cosh, price=50.0),
}
