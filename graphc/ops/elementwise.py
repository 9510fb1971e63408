"""Smooth functions: exponentials, logarithms, activations, interpolation."""

import math
from collections.abc import Sequence
from typing import ClassVar, final

from graphc.ir.apply import apply
from graphc.ir.arithmetic import ones_like
from graphc.ir.kinds import Elementwise
from graphc.ir.leaves import uniform
from graphc.ir.node import Like, Node
from graphc.ir.operands import as_node, cast, div, meet
from graphc.kernel import functions as k
from graphc.kernel.scalar import Scalar
from graphc.types import accumulator, as_dtype, as_floating

__all__ = [
    "astype",
    "erf",
    "erfc",
    "erfinv",
    "exp",
    "exp2",
    "expm1",
    "floating",
    "gelu",
    "log",
    "log10",
    "log1p",
    "log2",
    "log_sigmoid",
    "meet_floating",
    "sigmoid",
    "silu",
    "softplus",
    "stop_gradient",
    "tanh",
]


def floating(x: Like) -> Node:
    """`x` as floats: integers and bool become float32."""
    node = as_node(x)
    dtype = as_floating(node.dtype)
    if node.dtype == dtype:
        return node
    number = uniform(node)
    return as_node(float(number)) if node.tensor.weak and isinstance(number, int) else cast(node, dtype)


def meet_floating(name: str, left: Like, right: Like) -> tuple[Node, Node]:
    """Both operands as floats of one dtype and one shape."""
    x, y = meet(name, left, right)
    return floating(x), floating(y)


def astype(x: Like, dtype: object) -> Node:
    """The same values in another dtype.  Floats become integers by rounding towards zero.

    Slope: 1, between floats or complex.  Raises DTypeError where an imaginary part would be lost.
    """
    return cast(as_node(x), as_dtype(dtype))


# Exponentials and logarithms.


@final
class Exp(Elementwise):
    """e^x.  Slope: y."""

    name: ClassVar[str] = "exp"
    accepts: ClassVar[str] = "fc"

    def scalar(self, *xs: Scalar) -> Scalar:
        return k.exp(*xs)

    def partials(self, y: Node, *xs: Node) -> Sequence[Node | None]:
        return (y,)


@final
class Exp2(Elementwise):
    """2^x.  Slope: y log 2."""

    name: ClassVar[str] = "exp2"
    accepts: ClassVar[str] = "fc"

    def scalar(self, *xs: Scalar) -> Scalar:
        return k.exp2(*xs)

    def partials(self, y: Node, *xs: Node) -> Sequence[Node | None]:
        return (y * math.log(2),)


@final
class Expm1(Elementwise):
    """e^x - 1, exact for small x.  Slope: y + 1."""

    name: ClassVar[str] = "expm1"
    accepts: ClassVar[str] = "fc"

    def scalar(self, *xs: Scalar) -> Scalar:
        return k.expm1(*xs)

    def partials(self, y: Node, *xs: Node) -> Sequence[Node | None]:
        return (y + 1,)


@final
class Log(Elementwise):
    """The natural logarithm.  Slope: 1 / x."""

    name: ClassVar[str] = "log"
    accepts: ClassVar[str] = "fc"

    def scalar(self, *xs: Scalar) -> Scalar:
        return k.log(*xs)

    def partials(self, y: Node, *xs: Node) -> Sequence[Node | None]:
        return (div(ones_like(y), xs[0]),)


@final
class Log2(Elementwise):
    """The logarithm to base 2.  Slope: 1 / (x log 2)."""

    name: ClassVar[str] = "log2"
    accepts: ClassVar[str] = "fc"

    def scalar(self, *xs: Scalar) -> Scalar:
        return k.log2(*xs)

    def partials(self, y: Node, *xs: Node) -> Sequence[Node | None]:
        return (div(ones_like(y), xs[0] * math.log(2)),)


@final
class Log10(Elementwise):
    """The logarithm to base 10.  Slope: 1 / (x log 10)."""

    name: ClassVar[str] = "log10"
    accepts: ClassVar[str] = "fc"

    def scalar(self, *xs: Scalar) -> Scalar:
        return k.log10(*xs)

    def partials(self, y: Node, *xs: Node) -> Sequence[Node | None]:
        return (div(ones_like(y), xs[0] * math.log(10)),)


@final
class Log1p(Elementwise):
    """log(1 + x), exact for small x.  Slope: 1 / (1 + x)."""

    name: ClassVar[str] = "log1p"
    accepts: ClassVar[str] = "fc"

    def scalar(self, *xs: Scalar) -> Scalar:
        return k.log1p(*xs)

    def partials(self, y: Node, *xs: Node) -> Sequence[Node | None]:
        return (div(ones_like(y), xs[0] + 1),)


def exp(x: Like) -> Node:
    """e^x.  Slope: y.  DLMF 4.2."""
    return apply(Exp(), floating(x))


def exp2(x: Like) -> Node:
    """2^x.  Slope: y log 2."""
    return apply(Exp2(), floating(x))


def expm1(x: Like) -> Node:
    """e^x - 1, exact for small x.  Slope: y + 1."""
    return apply(Expm1(), floating(x))


def log(x: Like) -> Node:
    """The natural logarithm: -inf at 0, nan below.  Slope: 1 / x.  DLMF 4.2."""
    return apply(Log(), floating(x))


def log2(x: Like) -> Node:
    """The logarithm to base 2.  Slope: 1 / (x log 2)."""
    return apply(Log2(), floating(x))


def log10(x: Like) -> Node:
    """The logarithm to base 10.  Slope: 1 / (x log 10)."""
    return apply(Log10(), floating(x))


def log1p(x: Like) -> Node:
    """log(1 + x), exact for small x.  Slope: 1 / (1 + x)."""
    return apply(Log1p(), floating(x))


# Activations, and the function behind the normal distribution.


@final
class Tanh(Elementwise):
    """The hyperbolic tangent.  Slope: 1 - y²."""

    name: ClassVar[str] = "tanh"
    accepts: ClassVar[str] = "fc"

    def scalar(self, *xs: Scalar) -> Scalar:
        return k.tanh(*xs)

    def partials(self, y: Node, *xs: Node) -> Sequence[Node | None]:
        return (1 - y * y,)


@final
class Sigmoid(Elementwise):
    """1 / (1 + e^-x).  Slope: y (1 - y)."""

    name: ClassVar[str] = "sigmoid"

    def scalar(self, *xs: Scalar) -> Scalar:
        return k.sigmoid(*xs)

    def partials(self, y: Node, *xs: Node) -> Sequence[Node | None]:
        return (y * (1 - y),)


@final
class Silu(Elementwise):
    """x / (1 + e^-x).  Slope: s + y (1 - s), where s = sigmoid(x)."""

    name: ClassVar[str] = "silu"

    def scalar(self, *xs: Scalar) -> Scalar:
        return k.silu(*xs)

    def partials(self, y: Node, *xs: Node) -> Sequence[Node | None]:
        share = sigmoid(*xs)
        return (share + y * (1 - share),)


@final
class Softplus(Elementwise):
    """log(1 + e^x), written so that neither tail overflows.  Slope: sigmoid(x)."""

    name: ClassVar[str] = "softplus"

    def scalar(self, *xs: Scalar) -> Scalar:
        (x,) = xs
        return k.maximum(x, 0) + k.log1p(k.exp(-k.abs(x)))

    def partials(self, y: Node, *xs: Node) -> Sequence[Node | None]:
        return (sigmoid(*xs),)


@final
class Erf(Elementwise):
    """The error function, 2/√π ∫₀ˣ e^-t² dt.  Slope: 2/√π e^-x²."""

    name: ClassVar[str] = "erf"

    def scalar(self, *xs: Scalar) -> Scalar:
        return k.erf(*xs)

    def partials(self, y: Node, *xs: Node) -> Sequence[Node | None]:
        (x,) = xs
        return (exp(-(x * x)) * (2 / math.sqrt(math.pi)),)


@final
class Erfc(Elementwise):
    """1 - erf(x), without the difference.  Slope: -2/√π e^-x²."""

    name: ClassVar[str] = "erfc"

    def scalar(self, *xs: Scalar) -> Scalar:
        return k.erfc(*xs)

    def partials(self, y: Node, *xs: Node) -> Sequence[Node | None]:
        (x,) = xs
        return (exp(-(x * x)) * (-2 / math.sqrt(math.pi)),)


@final
class Erfinv(Elementwise):
    """The number whose erf is x.  Slope: √π/2 e^y², inf at -1 and 1."""

    name: ClassVar[str] = "erfinv"

    def scalar(self, *xs: Scalar) -> Scalar:
        return k.erfinv(*xs)

    def partials(self, y: Node, *xs: Node) -> Sequence[Node | None]:
        return (exp(y * y) * (math.sqrt(math.pi) / 2),)


def tanh(x: Like) -> Node:
    """The hyperbolic tangent, (e^x - e^-x) / (e^x + e^-x).  Slope: 1 - y².  DLMF 4.28."""
    return apply(Tanh(), floating(x))


def sigmoid(x: Like) -> Node:
    """1 / (1 + e^-x).  Slope: y (1 - y).  Goodfellow, Bengio, Courville: Deep Learning, 2016, section 3.10."""
    return apply(Sigmoid(), floating(x))


def log_sigmoid(x: Like) -> Node:
    """log(1 / (1 + e^-x)), which neither tail turns into -inf or 0 too early.  Slope: sigmoid(-x).

    Goodfellow, Bengio, Courville: Deep Learning, 2016, section 3.10.
    """
    return -softplus(-floating(x))


def softplus(x: Like) -> Node:
    """log(1 + e^x): a relu without a corner, see `sigmoid`.  Slope: sigmoid(x)."""
    return apply(Softplus(), floating(x))


def silu(x: Like) -> Node:
    """x sigmoid(x).  Slope: s + y (1 - s), where s = sigmoid(x).

    Elfwing, Uchibe, Doya: Sigmoid-weighted linear units, 2018.
    """
    node = floating(x)
    wide = cast(node, accumulator(node.dtype))  # so that float16 rounds a slope of several steps once
    return cast(apply(Silu(), wide), node.dtype)


def gelu(x: Like) -> Node:
    """x Φ(x), where Φ is the distribution function of the normal.

    Φ(x) = erfc(-x / √2) / 2, which keeps its digits for x < 0.  Hendrycks, Gimpel: Gaussian error linear units, 2016.

    Slope: Φ(x) + x φ(x), where φ is the density, e^(-x² / 2) / √(2π).
    """
    node = floating(x)
    wide = cast(node, accumulator(node.dtype))
    return cast(wide * (erfc(wide * -math.sqrt(0.5)) * 0.5), node.dtype)  # 2 x may be more than the dtype has


def erf(x: Like) -> Node:
    """The error function, 2/√π ∫₀ˣ e^-t² dt.  Slope: 2/√π e^-x².  DLMF 7.2.1."""
    return apply(Erf(), floating(x))


def erfc(x: Like) -> Node:
    """1 - erf(x), without the difference, so that a small result has digits.  Slope: -2/√π e^-x².  DLMF 7.2.2."""
    return apply(Erfc(), floating(x))


def erfinv(x: Like) -> Node:
    """The number whose erf is `x`: infinite at -1 and 1, nan outside.  Slope: √π/2 e^y².  DLMF 7.17."""
    return apply(Erfinv(), floating(x))


# The identity that derivatives do not pass.


@final
class StopGradient(Elementwise):
    """x, taken for a constant by derivatives."""

    name: ClassVar[str] = "stop_gradient"
    accepts: ClassVar[str] = "biufc"

    def scalar(self, *xs: Scalar) -> Scalar:
        return xs[0]


def stop_gradient(x: Like) -> Node:
    """`x`, taken for a constant by derivatives of any order.  [...]   ->   [...]  No slope."""
    return apply(StopGradient(), as_node(x))
