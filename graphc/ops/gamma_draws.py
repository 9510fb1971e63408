"""Gamma and beta numbers: drawn by rejection, with the derivative that the distribution has."""

from collections.abc import Sequence
from typing import ClassVar, final

import numpy as np

from graphc.errors import ArgumentError
from graphc.ir.apply import apply, locate
from graphc.ir.given import an_array_shape
from graphc.ir.kinds import Elementwise
from graphc.ir.leaves import ConstantValue, constant_array
from graphc.ir.node import Like, Node
from graphc.ir.operands import as_node, broadcast_shapes, cast, where
from graphc.kernel.scalar import Scalar
from graphc.ops.draws import a_float, normal, open_uniform, parameter, waiting
from graphc.ops.elementwise import exp, expm1, log, sigmoid, stop_gradient
from graphc.ops.filling import full
from graphc.ops.keys import fold_in, parts
from graphc.ops.logic import greater_equal, less, less_equal, logical_and, logical_or
from graphc.ops.movement import Extents, expand_dims
from graphc.ops.piecewise import abs, maximum
from graphc.ops.powers import sqrt
from graphc.ops.reduction import any, sum
from graphc.ops.scan import while_loop
from graphc.ops.special import digamma
from graphc.origin import here
from graphc.structure import Structure
from graphc.types import FLOAT32, DType, accumulator

__all__ = ["beta", "gamma", "gamma_slope"]

ATTEMPTS = 64  # at least 0.95 of all are accepted, so that 64 in a row are refused in 1e-83 of them


def gamma(key: Like, alpha: Like, shape: "Extents | None" = None, dtype: object = "float32") -> Node:
    """Gamma numbers of shape `alpha` and scale 1; `shape` is that of `alpha` where it is not given.

    key []   alpha [...]   ->   `shape`

    Density: x^(alpha - 1) e^-x / gamma(alpha).  By rejection, all elements at once, until all are accepted; for
    alpha < 1 a number of alpha + 1 times u^(1 / alpha).  nan for alpha < 0 and nan.  float16 and bfloat16 are rounded
    from float32.  Marsaglia, Tsang: A simple method for generating gamma variables, 2000.

    Slope: that of the number at which the distribution function stays what it is, -(dF / d alpha) / density, for
    alpha < 1 of the number of alpha + 1, and through u^(1 / alpha).  Figurnov, Mohamed, Mnih: Implicit
    reparameterization gradients, 2018.  Raises ArgumentError for numbers alpha <= 0.
    """
    wanted = a_float("gamma", dtype)
    wide = accumulator(wanted)
    order = as_node(alpha)
    _require_positive("gamma", "alpha", order)
    extents = order.shape if shape is None else an_array_shape("gamma", shape)
    large, power = _drawn("gamma", key, parameter("gamma", order, extents, wide))
    return cast(large * exp(power), wanted)


def beta(key: Like, a: Like, b: Like, shape: "Extents | None" = None, dtype: object = "float32") -> Node:
    """Beta numbers, from 0 to 1; `shape` is what `a` and `b` broadcast to where it is not given.

    key []   a [...]   b [...]   ->   `shape`

    Density: x^(a - 1) (1 - x)^(b - 1) / B(a, b).  x / (x + y) of gamma numbers x of `a` and y of `b`, by logarithms.

    Slopes: those of `gamma`, through the quotient.  Raises ArgumentError for numbers a <= 0 or b <= 0.
    """
    wanted = a_float("beta", dtype)
    wide = accumulator(wanted)
    nodes = as_node(a), as_node(b)
    for what, order in zip("ab", nodes, strict=True):
        _require_positive("beta", what, order)
    extents = broadcast_shapes(*(x.shape for x in nodes)) if shape is None else an_array_shape("beta", shape)
    logarithms = []
    for own, order in zip(parts("beta", key, 2), nodes, strict=True):
        large, power = _drawn("beta", own, parameter("beta", order, extents, wide))
        logarithms.append(log(large) + power)
    return cast(sigmoid(logarithms[0] - logarithms[1]), wanted)


def _require_positive(name: str, what: str, x: Node) -> None:
    if isinstance(x.op, ConstantValue) and x.dtype.kind in "iuf" and not bool((x.op.array > 0).all()):
        least = x.op.array.min()
        raise locate(ArgumentError(f"{name}: {what} is a number above 0, not {least}"), here(), ())


def _drawn(name: str, key: Like, alpha: Node) -> tuple[Node, Node]:
    """Gamma numbers as a factor that is drawn for 1 or more, and the logarithm of the other."""
    for_power, for_attempts = parts(name, key, 2)
    is_small = less(alpha, 1)
    raised = where(is_small, alpha + 1, alpha)
    drawn = apply(GammaNumber(), _accepted(for_attempts, stop_gradient(raised)), raised)
    power = -waiting(name, for_power, alpha.shape, alpha.dtype) / alpha
    return where(less(alpha, 0), np.nan, drawn), where(is_small, power, 0.0)


def _accepted(key: Node, alpha: Node) -> Node:
    """Gamma numbers of alpha >= 1: the first that is accepted of each element."""
    shape, dtype = alpha.shape, alpha.dtype
    d = alpha - 1 / 3
    c = 1 / sqrt(9 * d)

    def holds(state: Structure) -> Node:
        _, _, is_open = _three(state)
        return any(is_open)

    def attempt(state: Structure) -> Structure:
        number, kept, is_open = _three(state)
        first, second = parts("gamma", fold_in(key, number), 2)
        x = normal(first, shape, dtype)
        t = 1 + c * x
        v = t * t * t
        bound = x * x * 0.5 + d * (1 - v + log(maximum(v, 1e-30)))
        is_refused = logical_or(
            less_equal(v, 0), greater_equal(log(open_uniform("gamma", second, shape, dtype)), bound)
        )  # a nan is accepted
        return [number + 1, where(is_open, d * v, kept), logical_and(is_open, is_refused)]

    start: Structure = [as_node(np.int64(0)), full(shape, 0.0, dtype), full(shape, True)]
    return _three(while_loop(holds, attempt, start, ATTEMPTS))[1]


def _three(state: Structure) -> tuple[Node, Node, Node]:
    """The number of the attempt, what is kept, and which elements are open."""
    assert isinstance(state, list), state
    number, kept, is_open = state
    assert isinstance(number, Node), number
    assert isinstance(kept, Node), kept
    assert isinstance(is_open, Node), is_open
    return number, kept, is_open


@final
class GammaNumber(Elementwise):
    """Operand 0, a gamma number of shape operand 1: it depends on that as the distribution has it."""

    name: ClassVar[str] = "gamma_number"

    def scalar(self, *xs: Scalar) -> Scalar:
        return xs[0]

    def partials(self, y: Node, *xs: Node) -> Sequence[Node | None]:
        return None, gamma_slope(y, xs[1])


def _nodes(lowest: float, highest: float, count: int) -> tuple["np.ndarray", "np.ndarray"]:
    """Where, and how much, an integral from 0 to infinity of what falls exponentially is seen.

    Takahasi, Mori: Double exponential formulas for numerical integration, 1974: s = e^(u - e^-u).
    """
    u = np.linspace(lowest, highest, count)
    at = np.exp(u - np.exp(-u))
    return at, at * (1 + np.exp(-u)) * (u[1] - u[0])


_SHORT, _LONG = _nodes(-3.5, 3.0, 40), _nodes(-3.7, 3.5, 64)


def gamma_slope(z: Node, alpha: Node) -> Node:
    """-(dF / d alpha) / F' at z, with F the distribution function of gamma numbers of shape alpha >= 1.

    As dF / d alpha is the integral of (log t - digamma(alpha)) t^(alpha - 1) e^-t / gamma(alpha) from 0 to z, and
    minus that from z on, for t = z e^-s or z e^s it is, without its sign, an integral over s > 0 of what hardly changes
    its own: below alpha from 0 on, above from z on.  Relative error: 7e-7 in float32, beside rounding, 3e-9 in float64.
    """
    at, weights = _SHORT if alpha.dtype == FLOAT32 else _LONG
    sign = where(less(z, alpha), _number(-1, alpha.dtype), _number(1, alpha.dtype))
    scale = stop_gradient(1 / (sqrt(z) + abs(z - alpha)))
    s = expand_dims(scale, -1) * constant_array(at.astype(alpha.dtype))
    signed = expand_dims(sign, -1) * s
    wide_z, wide_alpha = expand_dims(z, -1), expand_dims(alpha, -1)
    distance = expand_dims(sign * (log(z) - digamma(alpha)), -1)
    density = exp(wide_alpha * signed - wide_z * expm1(signed))
    total = sum((distance + s) * density * constant_array(weights.astype(alpha.dtype)), -1)
    return z * scale * total


def _number(value: float, dtype: DType) -> Node:
    return cast(as_node(value), dtype)
