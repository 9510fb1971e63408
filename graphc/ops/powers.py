"""Powers and roots, and the root of a sum of squares."""

import math
from collections.abc import Sequence
from typing import ClassVar, final

import numpy as np

from graphc.errors import DTypeError
from graphc.ir.apply import apply, locate
from graphc.ir.arithmetic import ones_like, zeros_like
from graphc.ir.kinds import Elementwise
from graphc.ir.leaves import uniform
from graphc.ir.node import Like, Node
from graphc.ir.operands import as_node, as_number, cast, div, meet, where
from graphc.kernel import functions as k
from graphc.kernel.scalar import Scalar
from graphc.ops.elementwise import floating, log, meet_floating
from graphc.ops.logic import equal, less, logical_or, not_equal
from graphc.origin import here
from graphc.types import BOOL, INT64, is_complex, is_differentiable

__all__ = ["cbrt", "hypot", "one_minus_square", "power", "reciprocal", "rsqrt", "sqrt", "square"]


@final
class Square(Elementwise):
    """x².  Slope: 2x."""

    name: ClassVar[str] = "square"
    accepts: ClassVar[str] = "iufc"

    def scalar(self, *xs: Scalar) -> Scalar:
        (x,) = xs
        return x * x

    def partials(self, y: Node, *xs: Node) -> Sequence[Node | None]:
        return (xs[0] * 2,)


@final
class Sqrt(Elementwise):
    """√x.  Slope: 1 / (2y), inf at 0."""

    name: ClassVar[str] = "sqrt"
    accepts: ClassVar[str] = "fc"

    def scalar(self, *xs: Scalar) -> Scalar:
        return k.sqrt(*xs)

    def partials(self, y: Node, *xs: Node) -> Sequence[Node | None]:
        return (div(ones_like(y), y * 2),)


@final
class Cbrt(Elementwise):
    """The real cube root, of the sign of x.  Slope: 1 / (3y²), inf at 0."""

    name: ClassVar[str] = "cbrt"

    def scalar(self, *xs: Scalar) -> Scalar:
        return k.cbrt(*xs)

    def partials(self, y: Node, *xs: Node) -> Sequence[Node | None]:
        return (div(ones_like(y), y * y * 3),)


@final
class OneMinusSquare(Elementwise):
    """1 - x² as (1 - x) (1 + x), which keeps its digits near 1, with a slope that keeps them near 0: -2 x."""

    name: ClassVar[str] = "one_minus_square"
    accepts: ClassVar[str] = "fc"

    def scalar(self, *xs: Scalar) -> Scalar:
        (x,) = xs
        return (1 - x) * (1 + x)

    def partials(self, y: Node, *xs: Node) -> Sequence[Node | None]:
        return (xs[0] * -2,)


@final
class Hypot(Elementwise):
    """r = √(x² + y²), with squares that neither overflow nor vanish.  Slopes: x / r, y / r; 0 where r = 0.

    Infinite where one operand is, even beside a nan.
    """

    name: ClassVar[str] = "hypot"
    commutes: ClassVar[bool] = True

    def scalar(self, *xs: Scalar) -> Scalar:
        x, y = (k.abs(each) for each in xs)
        longer, shorter = k.maximum(x, y), k.minimum(x, y)
        ratio = shorter / k.where(longer == 0, x.of(1), longer)
        length = longer * k.sqrt(1 + ratio * ratio)
        return k.where(k.bitwise_or(x == math.inf, y == math.inf), x.of(math.inf), length)

    def partials(self, y: Node, *xs: Node) -> Sequence[Node | None]:
        at_zero = equal(y, 0)
        return [where(at_zero, 0.0, x / y) for x in xs]


@final
class Power(Elementwise):
    """x^p.  Slopes: p x^(p-1) and y log x, as their limits: 0 where p = 0, and 0 where x = 0 and p >= 0.

    A negative real x with a p that is no integer gives nan.  A negative power of an integer has no meaning.
    """

    name: ClassVar[str] = "pow"
    accepts: ClassVar[str] = "iufc"

    def scalar(self, *xs: Scalar) -> Scalar:
        x, p = xs
        return x**p

    def partials(self, y: Node, *xs: Node) -> Sequence[Node | None]:
        x, p = xs
        number = uniform(p)
        if number is not None:
            return (power(x, number - 1) * number if number else zeros_like(y), None)
        has_slope = not_equal(x, 0) if is_complex(x.dtype) else logical_or(not_equal(x, 0), less(p, 0))
        by_p = where(has_slope, y * log(x), 0.0)
        if uniform(x) is not None:
            return (None, by_p)
        return (where(not_equal(p, 0), p * power(x, p - 1), 0.0), by_p)


def square(x: Like) -> Node:
    """x²; of bools int8.  Slope: 2x."""
    return apply(Square(), as_number(as_node(x)))


def sqrt(x: Like) -> Node:
    """√x: nan below 0.  Slope: 1 / (2y), inf at 0."""
    return apply(Sqrt(), floating(x))


def cbrt(x: Like) -> Node:
    """The real cube root, of the sign of `x`.  Slope: 1 / (3y²), inf at 0."""
    return apply(Cbrt(), floating(x))


def hypot(x: Like, y: Like) -> Node:
    """√(x² + y²), with squares that neither overflow nor vanish.

    Slopes: x / r, y / r, where r is the result; 0 at (0, 0).  C11, F.10.4.3.
    """
    return apply(Hypot(), *meet_floating("hypot", x, y))


def one_minus_square(x: Like) -> Node:
    """1 - x², in digits of its own near 1 and near 0."""
    return apply(OneMinusSquare(), floating(x))


def reciprocal(x: Like) -> Node:
    """1 / x.  Slope: -y²."""
    return div(1, x)


def rsqrt(x: Like) -> Node:
    """1 / √x.  Slope: -y³ / 2."""
    return reciprocal(sqrt(x))


def power(x: Like, exponent: Like) -> Node:
    """x^exponent, elementwise.

    The numbers 0, 1, 2, 3, 4, -1, 0.5 and -0.5 as exponents give products, a quotient and roots.  A bool to the
    power of a bool is int8.

    Slopes: p x^(p-1), y log x, where p is the exponent and y the result; at zeros their limits, or 0: see
    docs/derivatives.md.  Raises DTypeError for negative powers of integers.
    """
    if isinstance(exponent, np.integer | np.floating):  # which keeps its dtype, and is a number like any other
        x, exponent = meet("pow", x, exponent)[0], exponent.item()
    if isinstance(exponent, int | float) and not isinstance(exponent, bool):
        base = as_node(x)
        if base.dtype == BOOL and isinstance(exponent, int):
            base = cast(base, INT64)  # as everywhere where a bool meets an int
        if isinstance(exponent, int) and exponent < 0 and not is_differentiable(base.dtype):
            raise locate(
                DTypeError(f"pow: a negative power of {base.dtype}", hint='x.astype("float32") ** ...'),
                here(),
                (base,),
            )
        special = _special(base, exponent)
        if special is not None:
            return special
    return apply(Power(), *map(as_number, meet("pow", x, exponent)))


def _special(x: Node, exponent: int | float) -> Node | None:
    """The power written without a logarithm, or None."""
    if isinstance(exponent, float) and not is_differentiable(x.dtype):
        x = floating(x)
    match exponent:
        case 0:
            return ones_like(x)
        case 1:
            return x
        case 2:
            return square(x)
        case 3:
            return square(x) * x
        case 4:
            return square(square(x))
        case -1:
            return reciprocal(x)
        case 0.5:
            return sqrt(x)
        case -0.5:
            return rsqrt(x)
    return None
