"""What each rounding of a scalar formula costs its value, and which must be carried along.

A let that is off by one unit, 2^-53 of itself, changes the value by its slope.  Slopes come from a sweep back through
the lets, so that an error that is used twice counts as it works out.  The sum of all is a bound that few formulas
reach: half of it is usual.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from graphc.kernel.meaning import MEANING
from graphc.kernel.scalar import Call, Const, Fn, Formula, Let, Scalar
from graphc.ops.corrections import FINER, TELLS, Lost
from graphc.ops.scalar_slopes import slopes

__all__ = ["Roundings", "roundings"]

Array = npt.NDArray[Any]

BEARABLE = 5.9  # units: a value with a lower bound is left as it is
BOUND = 5.0  # units: others are brought below
WORTH = 0.2  # units: what costs less is not carried
STEEP = 2.0  # |x f' / f| above this: close to a root, where the operands are not worth more digits
NEGLIGIBLE = 0.01  # of the median value: a root too

_UNIT = 2.0**-53
_UNITS = {Fn.ERF: 3.0, Fn.ERFC: 3.0}  # where libraries are off by more than one unit by far
_CONSTANT_PRICE = 1.0  # operations that it takes to carry what a number lost
_EXACT = frozenset({
    Fn.NEG, Fn.ABS, Fn.SIGN, Fn.FLOOR, Fn.CEIL, Fn.TRUNC, Fn.ROUND, Fn.MINIMUM, Fn.MAXIMUM, Fn.WHERE, Fn.CAST,
    Fn.COPYSIGN, Fn.LT, Fn.LE, Fn.GT, Fn.GE, Fn.EQ, Fn.NE, Fn.AND, Fn.OR, Fn.XOR, Fn.NOT, Fn.ISNAN, Fn.ISFINITE,
    Fn.RARELY, Fn.BITS, Fn.TWO_OVER_PI,
})  # fmt: skip


class Roundings(NamedTuple):
    """The bound of a value's error, in units, and the lets to carry where it is not bearable."""

    bound: float
    carried: frozenset[int]


def roundings(lets: Sequence[Let], result: int, points: Sequence[Array], lost: Lost) -> Roundings:
    """What the roundings of a formula in float64 cost away from roots, at some points.

    lets    the first of them are the operands
    points  where to look: values of each operand
    lost    what numbers lost when they became floats
    """
    count = len(points[0])
    with np.errstate(all="ignore"):
        values, influence = _swept(lets, result, points)
        size = np.abs(values[result])
        weights = [np.abs(influence[number] * values[number]) / size for number in range(result + 1)]
    finite = np.isfinite(size)
    counted = finite & (size > NEGLIGIBLE * np.median(size[finite] if finite.any() else 0.0))
    for weight in weights[: len(points)]:
        counted &= weight <= STEEP
    seen = [value[counted] for value in values[: result + 1]]
    units = [_units(lets, number, lost, seen) for number in range(result + 1)]
    numbers = [number for number in range(len(points), result + 1) if units[number]]
    if not numbers or not counted.any():
        return Roundings(0.0, frozenset())
    costs = np.array([weights[number] * units[number] for number in numbers])
    costs = np.nan_to_num(costs[:, counted], nan=0.0, posinf=0.0)
    with np.errstate(all="ignore"):
        kept = np.array([_kept(lets[number], values, count) for number in numbers])
    kept = np.nan_to_num(kept[:, counted], nan=1.0) * costs
    return _chosen(numbers, costs, kept, np.array([_price(lets[number]) for number in numbers]))


def _swept(lets: Sequence[Let], result: int, points: Sequence[Array]) -> tuple[list[Array], list[Array]]:
    """Each let, and the slope of the result by it."""
    formula = Formula()
    for let in lets:
        formula.add(let)
    by_operand: list[Sequence[Scalar | float]] = []
    for number, let in enumerate(lets):
        xs = [Scalar(formula, arg) for arg in let.args] if isinstance(let, Call) else []
        by_operand.append(slopes(let.fn, Scalar(formula, number), xs) if isinstance(let, Call) else ())
    values = _values(formula.lets, points)
    influence = [np.zeros(len(points[0])) for _ in lets]
    influence[result] = np.ones(len(points[0]))
    for number in range(result, -1, -1):
        let = lets[number]
        if isinstance(let, Call):
            for arg, slope in zip(let.args, by_operand[number], strict=True):
                factor = values[slope.number] if isinstance(slope, Scalar) else slope
                # a branch that is not taken may have an infinite slope
                change = np.where(influence[number] == 0, 0, influence[number] * factor)
                influence[arg] = influence[arg] + change
    return values, influence


def _values(lets: Sequence[Let], points: Sequence[Array]) -> list[Array]:
    from scipy import special

    of_arrays: Mapping[Fn, Callable[..., Any]] = {Fn.WHERE: np.where, Fn.ERFC: special.erfc}
    values: list[Array] = []
    for number, let in enumerate(lets):
        match let:
            case Const(value=value):
                values.append(np.full(len(points[0]), value))
            case Call(fn=fn, args=args):
                values.append(np.asarray(of_arrays.get(fn, MEANING[fn])(*(values[arg] for arg in args))))
            case _:
                values.append(points[number])
    return values


def _units(lets: Sequence[Let], number: int, lost: Lost, values: Sequence[Array]) -> float:
    """How many units a let is off, at most, by itself; 0 where it is exact at all points, as small integers are."""
    match lets[number]:
        case Const(text=text, value=value):
            return abs(lost[text] / float(value.real)) / _UNIT if lost.get(text) else 0.0
        case Call(fn=Fn.MUL, args=args) if any(_is_power_of_two(lets[arg]) for arg in args):
            return 0.0
        case Call(fn=Fn.DIV, args=(_, below)) if _is_power_of_two(lets[below]):
            return 0.0
        case Call(fn=fn, args=args):
            xs = [values[arg] for arg in args]
            return 0.0 if fn in _EXACT or _is_exact(fn, values[number], xs) else _UNITS.get(fn, 1.0)
    return 0.0


def _is_exact(fn: Fn, y: Array, xs: Sequence[Array]) -> bool:
    """Whether an operation loses nothing at any point, or hardly could."""
    match fn:
        case Fn.ADD | Fn.SUB:
            x, other = xs[0], xs[1] if fn is Fn.ADD else -xs[1]
            return bool(np.all((y - x == other) & (y - other == x)))
        case Fn.MUL:
            return all(map(_is_short, xs))
        case Fn.DIV:
            return _is_short(y) and _is_short(xs[1]) and bool(np.all(y * xs[1] == xs[0]))
    return False


def _is_short(x: Array) -> bool:
    """Whether all have so few digits that the product of two is exact."""
    with np.errstate(over="ignore"):
        return bool(np.all(x.astype(np.float32) == x))


def _is_power_of_two(let: Let) -> bool:
    return isinstance(let, Const) and abs(np.frexp(float(let.value.real))[0]) == 0.5


def _kept(let: Let, values: Sequence[Array], count: int) -> Array:
    """Which part of its error a let keeps that is carried."""
    if isinstance(let, Call) and let.fn in FINER:
        return FINER[let.fn].kept(values[let.args[0]])
    return np.zeros(count)


def _price(let: Let) -> float:
    """The operations that it takes to carry a rounding; infinity where it cannot be."""
    if not isinstance(let, Call):
        return _CONSTANT_PRICE
    return FINER[let.fn].price if let.fn in FINER else TELLS.get(let.fn, np.inf)


def _chosen(numbers: Sequence[int], costs: Array, kept: Array, prices: Array) -> Roundings:
    """The lets that help most for their price, one after the other."""
    error = costs.sum(axis=0)
    bound = float(error.max())
    if bound <= BEARABLE:
        return Roundings(bound, frozenset())
    saved = costs - kept
    error = error + 1  # to add the corrections rounds
    chosen: list[int] = []
    while error.max() > BOUND:
        at = int(error.argmax())
        gains = np.where(saved[:, at] > WORTH, saved[:, at] / prices, 0.0)
        best = int(gains.argmax())
        if gains[best] == 0:
            break
        chosen.append(best)
        error = error - saved[best]
        saved[best] = 0
    return Roundings(bound, frozenset(numbers[one] for one in chosen))
