"""Special functions: gammas, and products and sums in logarithms."""

import math
from collections.abc import Sequence
from typing import ClassVar, final

from graphc.dataclass import dataclass
from graphc.ir.apply import apply
from graphc.ir.given import a_whole_number
from graphc.ir.kinds import Elementwise
from graphc.ir.node import Like, Node
from graphc.ir.operands import where
from graphc.kernel import functions as k
from graphc.kernel.scalar import Scalar
from graphc.ops.elementwise import floating, log, log1p, meet_floating, sigmoid
from graphc.ops.logic import equal, isinf, logical_and, logical_or, not_equal

__all__ = [
    "digamma",
    "lgamma",
    "logaddexp",
    "logaddexp2",
    "polygamma",
    "xlog1py",
    "xlogy",
]


# Gammas.


@final
class Lgamma(Elementwise):
    """log |gamma(x)|.  Slope: digamma(x)."""

    name: ClassVar[str] = "lgamma"

    def scalar(self, *xs: Scalar) -> Scalar:
        return k.lgamma(*xs)

    def partials(self, y: Node, *xs: Node) -> Sequence[Node | None]:
        return (digamma(*xs),)


@final
class Digamma(Elementwise):
    """gamma'(x) / gamma(x).  Slope: polygamma(1, x)."""

    name: ClassVar[str] = "digamma"

    def scalar(self, *xs: Scalar) -> Scalar:
        return k.digamma(*xs)

    def partials(self, y: Node, *xs: Node) -> Sequence[Node | None]:
        return (polygamma(1, *xs),)


@final
@dataclass(frozen=True)
class Polygamma(Elementwise):
    """The derivative of that order of digamma.  Slope: the next order."""

    order: int
    name: ClassVar[str] = "polygamma"

    def scalar(self, *xs: Scalar) -> Scalar:
        (x,) = xs
        return k.polygamma(self.order, x)

    def partials(self, y: Node, *xs: Node) -> Sequence[Node | None]:
        return (polygamma(self.order + 1, *xs),)

    def text(self) -> str:
        return f"polygamma[{self.order}]"


def lgamma(x: Like) -> Node:
    """log |gamma(x)|: inf at 0, -1, -2 ..., where gamma has its poles.  Slope: digamma(x).  DLMF 5.2."""
    return apply(Lgamma(), floating(x))


def digamma(x: Like) -> Node:
    """The slope of lgamma, gamma'(x) / gamma(x): inf or nan at 0, -1, -2 ...  Slope: polygamma(1, x).  DLMF 5.2.2."""
    return apply(Digamma(), floating(x))


def polygamma(order: object, x: Like) -> Node:
    """The derivative of that order of digamma; `order` is a number of Python from 0 up.

    Slope: polygamma(order + 1, x).  DLMF 5.15.  Raises ArgumentError for an order below 0.
    """
    n = a_whole_number("polygamma", "the order", order, least=0)
    return digamma(x) if n == 0 else apply(Polygamma(n), floating(x))


# Products by logarithms, and sums of what logarithms stand for.


@final
class Xlogy(Elementwise):
    """x log y; 0 where x = 0 and y is a number.  Slopes: log y, x / y; the second is 0 where x = y = 0."""

    name: ClassVar[str] = "xlogy"

    def scalar(self, *xs: Scalar) -> Scalar:
        x, y = xs
        return k.where(k.bitwise_and(x == 0, y == y), x.of(0), x * k.log(y))

    def partials(self, y: Node, *xs: Node) -> Sequence[Node | None]:
        x, of = xs
        return (log(of), where(logical_or(not_equal(x, 0), not_equal(of, 0)), x / of, 0.0))


@final
class Xlog1py(Elementwise):
    """x log(1 + y); 0 where x = 0 and y is a number.  Slopes: log(1 + y), x / (1 + y); 0 where x = 1 + y = 0."""

    name: ClassVar[str] = "xlog1py"

    def scalar(self, *xs: Scalar) -> Scalar:
        x, y = xs
        return k.where(k.bitwise_and(x == 0, y == y), x.of(0), x * k.log1p(y))

    def partials(self, y: Node, *xs: Node) -> Sequence[Node | None]:
        x, of = xs
        return (log1p(of), where(logical_or(not_equal(x, 0), not_equal(of, -1)), x / (1 + of), 0.0))


@final
class LogAddExp(Elementwise):
    """log(e^x + e^y), where no power overflows.  Slopes: sigmoid(x - y), sigmoid(y - x).

    Where both are the same infinity the value is that, and both slopes are 0, as those of `logsumexp`.
    """

    name: ClassVar[str] = "logaddexp"
    commutes: ClassVar[bool] = True

    def scalar(self, *xs: Scalar) -> Scalar:
        x, y = xs
        apart = k.maximum(x, y) + k.log1p(k.exp(-k.abs(x - y)))
        return k.where(x == y, x + math.log(2), apart)  # for infinities, x - y is nan

    def partials(self, y: Node, *xs: Node) -> Sequence[Node | None]:
        return _shares(1.0, *xs)


@final
class LogAddExp2(Elementwise):
    """log₂(2^x + 2^y), where no power overflows.  Slopes: sigmoid((x - y) log 2), sigmoid((y - x) log 2).

    Where both are the same infinity the value is that, and both slopes are 0.
    """

    name: ClassVar[str] = "logaddexp2"
    commutes: ClassVar[bool] = True

    def scalar(self, *xs: Scalar) -> Scalar:
        x, y = xs
        apart = k.maximum(x, y) + k.log1p(k.exp2(-k.abs(x - y))) * (1 / math.log(2))
        return k.where(x == y, x + 1, apart)

    def partials(self, y: Node, *xs: Node) -> Sequence[Node | None]:
        return _shares(math.log(2), *xs)


def _shares(unit: float, x: Node, y: Node) -> tuple[Node, Node]:
    """The share of each operand in a sum of powers of e^`unit`, 0 where both are the same infinity."""
    is_same_infinity = logical_and(equal(x, y), isinf(x))
    gap = x - y if unit == 1 else (x - y) * unit
    return where(is_same_infinity, 0.0, sigmoid(gap)), where(is_same_infinity, 0.0, sigmoid(-gap))


def xlogy(x: Like, y: Like) -> Node:
    """x log y, and 0 where `x` is 0: the terms of an entropy.  Slopes: log y, x / y; -inf and 0 at (0, 0).

    Cover, Thomas: Elements of information theory, 2006, section 2.1.
    """
    return apply(Xlogy(), *meet_floating("xlogy", x, y))


def xlog1py(x: Like, y: Like) -> Node:
    """x log(1 + y), and 0 where `x` is 0.  Slopes: log(1 + y), x / (1 + y); -inf and 0 at (0, -1)."""
    return apply(Xlog1py(), *meet_floating("xlog1py", x, y))


def logaddexp(left: Like, right: Like) -> Node:
    """log(e^left + e^right), where no power overflows.

    Slopes: e^(left - y), e^(right - y), where y is the result; 0 where both are the same infinity.
    """
    return apply(LogAddExp(), *meet_floating("logaddexp", left, right))


def logaddexp2(left: Like, right: Like) -> Node:
    """log₂(2^left + 2^right), where no power overflows.

    Slopes: 2^(left - y), 2^(right - y), where y is the result; 0 where both are the same infinity.
    """
    return apply(LogAddExp2(), *meet_floating("logaddexp2", left, right))
