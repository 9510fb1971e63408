"""Identities that keep digits: what is 1 and a little, and logarithms of products.

Those of powers of e that a formula divides by each other take more than one pattern: see `stabilise`.
"""

import math

from graphc.ir.apply import apply
from graphc.ir.arithmetic import Add, Compare, Where, sum_over
from graphc.ir.kinds import Movement, Reduction
from graphc.ir.leaves import full, uniform
from graphc.ir.node import Node
from graphc.kernel.scalar import Fn
from graphc.ops.elementwise import Erf, Erfc, Exp, Exp2, Expm1, Log, Log1p, Log2, Log10, Softplus
from graphc.ops.piecewise import Abs, Maximum, Sign
from graphc.ops.powers import Sqrt, Square
from graphc.ops.reduction import Prod
from graphc.ops.trigonometry import Atanh, Cos, Cosh, Sin, Sinh
from graphc.passes.matching import Form, Match, Pattern, form, hole
from graphc.passes.pipeline import Spill
from graphc.passes.rewrite import Change, Rule
from graphc.passes.rules.holes import floating
from graphc.passes.rules.labels import LABELS
from graphc.passes.rules.monomials import MONOMIALS
from graphc.passes.rules.rows import ROWS
from graphc.types import is_floating

__all__ = ["STABILITY"]


def _is_factor(node: Node) -> bool:
    """Whether a node is a real factor like any other: no number, which seldom is extreme, and no sign."""
    under = node
    while isinstance(under.op, Movement):
        under = under.inputs[0]
    return is_floating(node.dtype) and uniform(node) is None and not isinstance(under.op, Sign)


cosh, atanh, erf, erfc = form(Cosh), form(Atanh), form(Erf), form(Erfc)
exp, exp2, expm1, log, log2, log10 = form(Exp), form(Exp2), form(Expm1), form(Log), form(Log2), form(Log10)
log1p, softplus, absolute, maximum = form(Log1p), form(Softplus), form(Abs), form(Maximum)
sin, cos, square, sqrt, prod = form(Sin), form(Cos), form(Square), form(Sqrt), form(Prod)
x = floating("x")
a, b = hole("a", only=_is_factor), hole("b", only=_is_factor)


def _log_of_rest(match: Match) -> Node:
    """log(1 - e^x): by the digits of e^x - 1 where e^x is above 1/2, else by those of e^x."""
    u = match[x]
    is_near = apply(Compare(Fn.GT), u, full(u.shape, -math.log(2), u.dtype))
    near = apply(Add(), apply(Log(), apply(Expm1(), -u)), u)  # 1 - e^x = e^x (e^-x - 1)
    return apply(Where(), is_near, near, apply(Log1p(), -apply(Exp(), u)))


def _log_of_cosh(match: Match) -> Node:
    """log(cosh(x)): by the digits of cosh(x) - 1 near 0, and where cosh may overflow by those of e^-2|x|."""
    u = match[x]

    def filled(number: float) -> Node:
        return full(u.shape, number, u.dtype)

    size = apply(Abs(), u)
    near = apply(Log1p(), apply(Square(), apply(Sinh(), u * filled(0.5))) * filled(2))
    far = size + (apply(Log1p(), apply(Exp(), size * filled(-2))) - filled(math.log(2)))
    return apply(Where(), apply(Compare(Fn.LT), size, filled(1)), near, far)


def _log_of_prod(match: Match) -> Node:
    """log Π x = Σ log|x| + log Π sign(x): the second is 0, or nan or -inf as the whole is."""
    (product,) = match.node.inputs
    op, u = product.op, match[a]
    assert isinstance(op, Reduction)
    logs = sum_over(apply(Log(), apply(Abs(), u)), op.axes)
    return apply(Add(), logs, apply(Log(), apply(op, apply(Sign(), u))))


_NEAR_1 = "1 + x has no digits of a small x"
_NEAR_0 = "e^x has no digits of a small x beside 1"
_SQUARES = "squares that are nearly equal, or overflow, have no digits of their difference"
_RANGE = "the product may leave the range of floats, its logarithm does not"


def _mending(left: Form, right: Pattern | Change, because: str, called: str = "") -> Rule:
    return Rule(left, right, exact=False, because=because, called=called, spill=Spill.LESS)


STABILITY = (
    _mending(log1p(exp(x)), softplus(x), "e^x may overflow"),
    _mending(log(1 + x), log1p(x), _NEAR_1),
    _mending(log(1 - x), log1p(-x), _NEAR_1),
    _mending(log(x - -1), log1p(x), _NEAR_1),
    _mending(log(absolute(1 + x)), log1p(maximum(x, -2 - x)), _NEAR_1),
    _mending(log(sqrt(x)), log(x) * 0.5, "the root is half the logarithm, and 1 + x under it keeps its digits"),
    _mending(log2(1 + x), log1p(x) * (1 / math.log(2)), _NEAR_1),
    _mending(log10(1 + x), log1p(x) * (1 / math.log(10)), _NEAR_1),
    _mending(exp(x) - 1, expm1(x), _NEAR_0),
    _mending(exp(x) + -1, expm1(x), _NEAR_0),
    _mending(1 - exp(x), -expm1(x), _NEAR_0),
    _mending(exp2(x) - 1, expm1(x * math.log(2)), _NEAR_0),
    _mending(1 - cos(x), square(sin(x * 0.5)) * 2, "cos has no digits of a small x"),
    _mending(1 - erf(x), erfc(x), "erf has no digits of a small erfc"),
    _mending(1 + erf(x), erfc(-x), "erf has no digits of a small erfc"),
    _mending(1 - erfc(x), erf(x), "erfc has no digits of a small erf"),
    _mending(log((1 + x) / (1 - x)), atanh(x) * 2, _NEAR_1),
    _mending(a * a - b * b, (a - b) * (a + b), _SQUARES),
    _mending(square(a) - square(b), (a - b) * (a + b), _SQUARES),
    _mending(
        log(cosh(x)),
        _log_of_cosh,
        "cosh may overflow, and has no digits of a small x",
        "log(cosh(x)) = log1p(2 sinh(x / 2)^2) where abs(x) < 1, else abs(x) + log1p(exp(-2 abs(x))) - log 2",
    ),
    _mending(
        log(-expm1(x)),
        _log_of_rest,
        "e^x - 1 has no digits of a small e^x",
        "log(-expm1(x)) = log(expm1(-x)) + x where x > -log 2, else log1p(-exp(x))",
    ),
    *MONOMIALS,
    _mending(log(absolute(a * b)), log(absolute(a)) + log(absolute(b)), _RANGE),
    _mending(log(prod(a)), _log_of_prod, _RANGE, "log(prod(x)) = sum(log(abs(x))) + log(prod(sign(x)))"),
    *LABELS,
    *ROWS,
)
