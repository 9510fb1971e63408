"""Angles and hyperbolas: sines and their like, and their inverses."""

import math
from collections.abc import Sequence
from itertools import count, takewhile
from typing import ClassVar, final

from graphc.dataclass import dataclass
from graphc.ir.apply import apply
from graphc.ir.arithmetic import ones_like
from graphc.ir.complex import imag, real
from graphc.ir.kinds import Elementwise
from graphc.ir.node import Like, Node
from graphc.ir.operands import div, where
from graphc.kernel import functions as k
from graphc.kernel.scalar import Scalar
from graphc.ops.elementwise import floating, meet_floating
from graphc.ops.logic import equal
from graphc.ops.powers import hypot, one_minus_square, rsqrt, sqrt
from graphc.types import is_complex

__all__ = [
    "acos",
    "acosh",
    "angle",
    "asin",
    "asinh",
    "atan",
    "atan2",
    "atanh",
    "cos",
    "cosh",
    "degrees",
    "radians",
    "sin",
    "sinc",
    "sinh",
    "tan",
]


# Of angles.


@final
class Sin(Elementwise):
    """The sine of an angle in radians.  Slope: cos(x)."""

    name: ClassVar[str] = "sin"
    accepts: ClassVar[str] = "fc"

    def scalar(self, *xs: Scalar) -> Scalar:
        return k.sin(*xs)

    def partials(self, y: Node, *xs: Node) -> Sequence[Node | None]:
        return (cos(*xs),)


@final
class Cos(Elementwise):
    """The cosine of an angle in radians.  Slope: -sin(x)."""

    name: ClassVar[str] = "cos"
    accepts: ClassVar[str] = "fc"

    def scalar(self, *xs: Scalar) -> Scalar:
        return k.cos(*xs)

    def partials(self, y: Node, *xs: Node) -> Sequence[Node | None]:
        return (-sin(*xs),)


@final
class Tan(Elementwise):
    """The tangent of an angle in radians.  Slope: 1 + y²."""

    name: ClassVar[str] = "tan"
    accepts: ClassVar[str] = "fc"

    def scalar(self, *xs: Scalar) -> Scalar:
        return k.tan(*xs)

    def partials(self, y: Node, *xs: Node) -> Sequence[Node | None]:
        return (y * y + 1,)


def sin(x: Like) -> Node:
    """The sine of an angle in radians.  Slope: cos x.  DLMF 4.14."""
    return apply(Sin(), floating(x))


def cos(x: Like) -> Node:
    """The cosine of an angle in radians.  Slope: -sin x.  DLMF 4.14."""
    return apply(Cos(), floating(x))


def tan(x: Like) -> Node:
    """The tangent of an angle in radians.  Slope: 1 + y².  DLMF 4.14."""
    return apply(Tan(), floating(x))


def angle(x: Like) -> Node:
    """The angle in -π .. π of a complex number, in radians; of a real one 0 or π.  dy = Im(dx / x); 0 at 0."""
    node = floating(x)
    return atan2(imag(node), real(node))


def degrees(x: Like) -> Node:
    """An angle in radians as degrees: 180 x / π.  Slope: 180 / π."""
    return floating(x) * (180 / math.pi)


def radians(x: Like) -> Node:
    """An angle in degrees as radians: π x / 180.  Slope: π / 180."""
    return floating(x) * (math.pi / 180)


# Angles of sines, cosines and tangents.


@final
class Asin(Elementwise):
    """The angle in -π/2 .. π/2 whose sine is x.  Slope: 1 / √((1 - x) (1 + x)), inf at -1 and 1."""

    name: ClassVar[str] = "asin"
    accepts: ClassVar[str] = "fc"

    def scalar(self, *xs: Scalar) -> Scalar:
        return k.asin(*xs)

    def partials(self, y: Node, *xs: Node) -> Sequence[Node | None]:
        (x,) = xs
        return (rsqrt(one_minus_square(x)),)


@final
class Acos(Elementwise):
    """The angle in 0 .. π whose cosine is x.  Slope: -1 / √((1 - x) (1 + x)), -inf at -1 and 1."""

    name: ClassVar[str] = "acos"
    accepts: ClassVar[str] = "fc"

    def scalar(self, *xs: Scalar) -> Scalar:
        return k.acos(*xs)

    def partials(self, y: Node, *xs: Node) -> Sequence[Node | None]:
        (x,) = xs
        return (-rsqrt(one_minus_square(x)),)


@final
class Atan(Elementwise):
    """The angle in -π/2 .. π/2 whose tangent is x.  Slope: 1 / (1 + x²)."""

    name: ClassVar[str] = "atan"
    accepts: ClassVar[str] = "fc"

    def scalar(self, *xs: Scalar) -> Scalar:
        return k.atan(*xs)

    def partials(self, y: Node, *xs: Node) -> Sequence[Node | None]:
        (x,) = xs
        return (div(ones_like(x), 1 + x * x),)


@final
class Atan2(Elementwise):
    """The angle of the point (x, y) in -π .. π.  Slopes by y and x: x / r², -y / r² with r² = x² + y²; 0 where r = 0.

    At the half-line x < 0, y = ±0 the value jumps between π and -π; the slopes are those of its two sides.
    """

    name: ClassVar[str] = "atan2"

    def scalar(self, *xs: Scalar) -> Scalar:
        return k.atan2(*xs)

    def partials(self, y: Node, *xs: Node) -> Sequence[Node | None]:
        ordinate, abscissa = xs
        radius = hypot(abscissa, ordinate)  # whose square might overflow
        at_zero = equal(radius, 0)
        by_ordinate = where(at_zero, 0.0, abscissa / radius / radius)
        return (by_ordinate, -where(at_zero, 0.0, ordinate / radius / radius))


def asin(x: Like) -> Node:
    """The angle in -π/2 .. π/2 whose sine is `x`: nan outside -1 .. 1.  Slope: 1 / √(1 - x²).  DLMF 4.23."""
    return apply(Asin(), floating(x))


def acos(x: Like) -> Node:
    """The angle in 0 .. π whose cosine is `x`: nan outside -1 .. 1.  Slope: -1 / √(1 - x²).  DLMF 4.23."""
    return apply(Acos(), floating(x))


def atan(x: Like) -> Node:
    """The angle in -π/2 .. π/2 whose tangent is `x`.  Slope: 1 / (1 + x²).  DLMF 4.23."""
    return apply(Atan(), floating(x))


def atan2(y: Like, x: Like) -> Node:
    """The angle in -π .. π of the point (`x`, `y`), signs of zeros told apart.

    Slopes by y and x: x / r², -y / r², where r² = x² + y²; 0 at (0, 0).  C11, F.10.1.4.
    """
    return apply(Atan2(), *meet_floating("atan2", y, x))


# Hyperbolic functions.


@final
class Sinh(Elementwise):
    """(e^x - e^-x) / 2.  Slope: cosh(x)."""

    name: ClassVar[str] = "sinh"
    accepts: ClassVar[str] = "fc"

    def scalar(self, *xs: Scalar) -> Scalar:
        return k.sinh(*xs)

    def partials(self, y: Node, *xs: Node) -> Sequence[Node | None]:
        return (cosh(*xs),)


@final
class Cosh(Elementwise):
    """(e^x + e^-x) / 2.  Slope: sinh(x)."""

    name: ClassVar[str] = "cosh"
    accepts: ClassVar[str] = "fc"

    def scalar(self, *xs: Scalar) -> Scalar:
        return k.cosh(*xs)

    def partials(self, y: Node, *xs: Node) -> Sequence[Node | None]:
        return (sinh(*xs),)


@final
class Asinh(Elementwise):
    """The number whose sinh is x.  Slope: 1 / √(x² + 1)."""

    name: ClassVar[str] = "asinh"
    accepts: ClassVar[str] = "fc"

    def scalar(self, *xs: Scalar) -> Scalar:
        return k.asinh(*xs)

    def partials(self, y: Node, *xs: Node) -> Sequence[Node | None]:
        (x,) = xs
        root = sqrt(x * x + 1) if is_complex(x.dtype) else hypot(x, 1)  # whose square does not overflow
        return (div(ones_like(y), root),)


@final
class Acosh(Elementwise):
    """The number from 0 up whose cosh is x.  Slope: 1 / (√(x - 1) √(x + 1)), inf at 1."""

    name: ClassVar[str] = "acosh"
    accepts: ClassVar[str] = "fc"

    def scalar(self, *xs: Scalar) -> Scalar:
        return k.acosh(*xs)

    def partials(self, y: Node, *xs: Node) -> Sequence[Node | None]:
        (x,) = xs
        return (div(ones_like(y), sqrt(x - 1) * sqrt(x + 1)),)


@final
class Atanh(Elementwise):
    """The number whose tanh is x.  Slope: 1 / ((1 - x) (1 + x)), inf at -1 and 1."""

    name: ClassVar[str] = "atanh"
    accepts: ClassVar[str] = "fc"

    def scalar(self, *xs: Scalar) -> Scalar:
        return k.atanh(*xs)

    def partials(self, y: Node, *xs: Node) -> Sequence[Node | None]:
        (x,) = xs
        return (div(ones_like(y), one_minus_square(x)),)


def sinh(x: Like) -> Node:
    """(e^x - e^-x) / 2.  Slope: cosh x.  DLMF 4.28."""
    return apply(Sinh(), floating(x))


def cosh(x: Like) -> Node:
    """(e^x + e^-x) / 2.  Slope: sinh x.  DLMF 4.28."""
    return apply(Cosh(), floating(x))


def asinh(x: Like) -> Node:
    """The number whose sinh is `x`.  Slope: 1 / √(1 + x²).  DLMF 4.37."""
    return apply(Asinh(), floating(x))


def acosh(x: Like) -> Node:
    """The number from 0 up whose cosh is `x`: nan below 1.  Slope: 1 / (√(x - 1) √(x + 1)).  DLMF 4.37."""
    return apply(Acosh(), floating(x))


def atanh(x: Like) -> Node:
    """The number whose tanh is `x`: nan outside -1 .. 1.  Slope: 1 / (1 - x²).  DLMF 4.37."""
    return apply(Atanh(), floating(x))


# The sine over its angle.


@final
@dataclass(frozen=True)
class Sinc(Elementwise):
    """The derivative of that order of sin(πx) / (πx).  Slope: the next order.

    With u = πx and S the function of u, Leibniz' rule on u S = sin u gives  u S⁽ⁿ⁾ + n S⁽ⁿ⁻¹⁾ = sin(u + nπ/2),
    which loses digits where u is small; there the terms of Taylor's series are added up.
    """

    order: int
    name: ClassVar[str] = "sinc"
    accepts: ClassVar[str] = "fc"

    def scalar(self, *xs: Scalar) -> Scalar:
        (x,) = xs
        u = x * math.pi
        if self.order == 0:
            return k.where(x == 0, x.of(1), self._around(x, 0) / k.where(x == 0, u.of(1), u))
        reach = 1 + self.order / 2
        is_small = _square_of_distance(u) <= reach**2
        divisor = k.where(is_small, u.of(1), u)
        value = self._around(x, 0) / divisor
        for n in range(1, self.order + 1):
            value = (self._around(x, n) - value * n) / divisor
        return k.where(is_small, self._series(u, reach), value) * math.pi**self.order

    def _around(self, x: Scalar, quarters: int) -> Scalar:
        """sin(πx + nπ/2) for n `quarters`: exactly 0 at whole numbers for n = 0, which πx is not for π in floats."""
        nearest = k.round(k.real(x) if is_complex(x.dtype) else x)
        angle = (x - nearest.cast(x.dtype)) * math.pi
        value = k.cos(angle) if quarters % 2 else k.sin(angle)
        is_turned = k.remainder(nearest, 2) == (1 if quarters % 4 < 2 else 0)
        return k.where(is_turned, -value, value)

    def _series(self, u: Scalar, reach: float) -> Scalar:
        """Σ uᵐ / m! cos((n + m) π/2) / (n + m + 1), as far as float64 can tell for |u| <= `reach`."""
        first = self.order % 2  # the other cosines are 0
        powers = takewhile(lambda m: reach**m / math.factorial(m) > 2.0**-54, count(first, 2))
        value = u.of(0)
        for m in reversed(list(powers)):
            cosine = (1, 0, -1, 0)[(self.order + m) % 4]
            value = value * (u * u) + cosine / (math.factorial(m) * (self.order + m + 1))
        return value * u if first else value

    def partials(self, y: Node, *xs: Node) -> Sequence[Node | None]:
        return (apply(Sinc(self.order + 1), *xs),)

    def text(self) -> str:
        return f"sinc[{self.order}]"


def _square_of_distance(x: Scalar) -> Scalar:
    """|x|²."""
    return k.real(x) * k.real(x) + k.imag(x) * k.imag(x) if is_complex(x.dtype) else x * x


def sinc(x: Like) -> Node:
    """sin(πx) / (πx), and 1 at 0.  Slope: (cos(πx) - y) / x; at 0 all derivatives are its limits."""
    return apply(Sinc(0), floating(x))
