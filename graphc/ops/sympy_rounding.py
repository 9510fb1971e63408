"""A formula of SymPy as lets, some of whose roundings are carried along where it would lose digits."""

from collections.abc import Sequence

import numpy as np

from graphc.dataclass import dataclass
from graphc.kernel.buffer import Buffer, Role
from graphc.kernel.scalar import Formula, Let, Load, Scalar
from graphc.ops.corrections import Lost, corrected
from graphc.ops.rounding import Roundings, roundings
from graphc.ops.sympy_lowering import lost_by_numbers, lowered
from graphc.ops.sympy_walk import Expression
from graphc.types import DTYPES

__all__ = ["Careful", "careful"]

_FLOAT64 = DTYPES["float64"]
_POINTS = np.linspace(-4.97, 5.01, 149) * 1.0123  # whose last digits are any
_APART = 37  # places between the points of two operands, which should not rise together
_SINGLE = 16.0  # units: a formula of float32 with a larger bound is computed in float64


@dataclass(frozen=True)
class Careful:
    """A formula as lets of float64, the operands first; `result` is the number of its value."""

    lets: tuple[Let, ...]
    result: int
    lost: Lost
    roundings: Roundings

    @property
    def needs_double(self) -> bool:
        """Whether too much is lost in float32."""
        return self.roundings.bound > _SINGLE

    @property
    def needs_corrections(self) -> bool:
        """Whether too much is lost in float64."""
        return bool(self.roundings.carried)

    def scalar(self, operands: Sequence[Scalar]) -> Scalar:
        """The value with corrections, in float64."""
        return corrected(self.lets, self.result, operands, self.roundings.carried, self.lost)


def careful(expression: Expression, parameters: Sequence[Expression]) -> Careful:
    """The formula, and what it loses at some points."""
    formula = Formula()
    places = [Load(Buffer(Role.INPUT, _FLOAT64, (), slot), (), _FLOAT64) for slot in range(len(parameters))]
    operands = [Scalar(formula, formula.add(place)) for place in places]
    result = lowered(expression, dict(zip(parameters, operands, strict=True)), operands[0]).number
    lost = lost_by_numbers(expression)
    points = [np.roll(_POINTS, _APART * slot) for slot in range(len(parameters))]
    return Careful(tuple(formula.lets), result, lost, roundings(formula.lets, result, points, lost))
