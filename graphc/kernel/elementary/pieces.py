"""What the formulas of elementary functions are made of: polynomials, exact sums and products, exponents."""

from collections.abc import Mapping, Sequence
from typing import TypeAlias

from graphc.dataclass import dataclass
from graphc.kernel import functions as k
from graphc.kernel.scalar import Fn, Number, Scalar
from graphc.types import DTYPES, DType

__all__ = [
    "F32",
    "F64",
    "FORMATS",
    "Coefficients",
    "Format",
    "Pair",
    "choose",
    "clamped",
    "exact_product",
    "exact_sum",
    "fma",
    "format_of",
    "in_double",
    "polynomial",
    "quick_sum",
    "signed_like",
]

F32, F64 = DTYPES["float32"], DTYPES["float64"]

Coefficients: TypeAlias = Sequence[float]
Pair: TypeAlias = tuple[Scalar, Scalar]  # a sum of two floats, the second at most half a unit of the first

LONG = 8  # coefficients: from here on even and odd powers are summed apart, which takes half as long in a row


@dataclass(frozen=True, slots=True)
class Format:
    """A dtype of floats as IEEE 754 has it.

    bits      the unsigned integers of the same size, and `signed` those with a sign
    mantissa  the bits after the point
    bias      what is added to exponents
    to_round  added to a small number and taken away again it leaves the nearest integer, which the last bits of the
              sum hold: 1.5 2^mantissa
    """

    dtype: DType
    bits: DType
    signed: DType
    mantissa: int
    bias: int

    @property
    def to_round(self) -> float:
        return 1.5 * 2.0**self.mantissa

    @property
    def tiniest(self) -> float:
        """The least number with all its digits."""
        return 2.0 ** (1 - self.bias)

    @property
    def width(self) -> int:
        """In bits."""
        return 8 * self.dtype.itemsize


FORMATS: Mapping[DType, Format] = {
    F32: Format(F32, DTYPES["uint32"], DTYPES["int32"], 23, 127),
    F64: Format(F64, DTYPES["uint64"], DTYPES["int64"], 52, 1023),
}


def format_of(x: Scalar) -> Format:
    """The format of a float32 or float64."""
    return FORMATS[x.dtype]


def fma(x: Scalar, y: Scalar | Number, z: Scalar | Number) -> Scalar:
    """x y + z, rounded once."""
    return x.call(Fn.FMA, y, z)


def choose(condition: Scalar, x: Scalar | Number, y: Scalar | Number) -> Scalar:
    """`x` where the condition holds, else `y`; one of them may be a number."""
    if isinstance(x, Scalar):
        return k.where(condition, x, y)
    assert isinstance(y, Scalar), y
    return k.where(condition, y.of(x), y)


def clamped(x: Scalar, low: float, high: float) -> Scalar:
    """The nearest number of a range; nan stays."""
    x = choose(x < low, low, x)
    return choose(x > high, high, x)


def signed_like(x: Scalar, signed: Scalar) -> Scalar:
    """|x| with the sign of `signed`."""
    return k.copysign(x, signed)


def polynomial(x: Scalar, coefficients: Coefficients) -> Scalar:
    """The sum of coefficients[n] x^n."""
    if len(coefficients) < LONG:
        return _horner(x, coefficients)
    first, second, *rest = coefficients  # these two round most of what the rest lost away
    square = x * x
    others = fma(_horner(square, rest[1::2]), x, _horner(square, rest[::2]))
    return fma(fma(others, x, second), x, first)


def _horner(x: Scalar, coefficients: Coefficients) -> Scalar:
    value = x.of(coefficients[-1])
    for coefficient in coefficients[-2::-1]:
        value = fma(value, x, coefficient)
    return value


def quick_sum(x: Scalar, y: Scalar) -> Pair:
    """x + y exactly, for |x| >= |y|.

    Dekker: A floating-point technique for extending the available precision, 1971.
    """
    total = x + y
    return total, y - (total - x)


def exact_sum(x: Scalar, y: Scalar | Number) -> Pair:
    """x + y exactly.  Knuth: The Art of Computer Programming, volume 2, section 4.2.2."""
    y = x.of(y)
    total = x + y
    part = total - x
    return total, (x - (total - part)) + (y - part)


def exact_product(x: Scalar, y: Scalar | Number) -> Pair:
    """x y exactly."""
    product = x * y
    return product, fma(x, y, -product)


def in_double(x: Scalar) -> Scalar:
    """The same number in float64."""
    return x.cast(F64)
