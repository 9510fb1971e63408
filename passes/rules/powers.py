"""Identities of powers and magnitudes, of roundings, and of the larger and the smaller of two."""

import math

from graphc.ir.apply import apply
from graphc.ir.leaves import ConstantValue, uniform
from graphc.ir.node import Node
from graphc.ops.elementwise import Exp, Exp2, Sigmoid
from graphc.ops.piecewise import Abs, Maximum, Minimum, Relu, Sign
from graphc.ops.powers import Hypot, Power, Square
from graphc.ops.stepping import Ceil, Floor, Round, Trunc
from graphc.passes.matching import Match, form, hole, on
from graphc.passes.rewrite import Rule
from graphc.passes.rules.holes import floating, like, ordered, real
from graphc.types import is_floating

__all__ = ["POWERS"]

_NOT_NEGATIVE = (Abs, Exp, Exp2, Hypot, Sigmoid, Square)


def _is_not_negative(node: Node) -> bool:
    """Whether no element is below 0, or is -0.0.  Squares of integers wrap around."""
    return isinstance(node.op, _NOT_NEGATIVE) and is_floating(node.dtype)


# What is at least, or at most, a number.  An op may make 0.0 of -0.0, so a bound of -0.0 is one just below 0.


def _number(node: Node) -> float | None:
    """The number that fills a constant, if it has a place in an order."""
    value = uniform(node)
    if not isinstance(value, int | float) or math.isnan(value):
        return None
    return value if value or math.copysign(1, value) > 0 else -math.ulp(0)


def _least(node: Node) -> float:
    """A number that no element is below, as far as one or two ops say; nan may be among the elements."""
    match node.op:
        case Maximum():
            return max(_least_of_constant(x) for x in node.inputs)
        case Minimum():
            return min(_least(x) if isinstance(x.op, Maximum) else _least_of_constant(x) for x in node.inputs)
        case Relu():
            return 0
    return 0 if _is_not_negative(node) else -math.inf


def _most(node: Node) -> float:
    """A number that no element is above, as far as one or two ops say; nan may be among the elements."""
    match node.op:
        case Minimum():
            return min(_most_of_constant(x) for x in node.inputs)
        case Maximum():
            return max(_most(x) if isinstance(x.op, Minimum) else _most_of_constant(x) for x in node.inputs)
    return math.inf


def _least_of_constant(node: Node) -> float:
    found = _number(node)
    return -math.inf if found is None else found


def _most_of_constant(node: Node) -> float:
    found = _number(node)
    return math.inf if found is None else found


def _is_above(match: Match) -> Node | None:
    low = _number(match[c])
    return match[r] if low is not None and _least(match[r]) >= low > -math.inf else None


def _is_below(match: Match) -> Node | None:
    high = _number(match[c])
    return match[r] if high is not None and _most(match[r]) <= high < math.inf else None


def _higher(match: Match) -> Node | None:
    """maximum(maximum(x, c), d) = maximum(x, d) for c < d; for the others see `_is_above`."""
    low, high = _number(match[c]), _number(match[d])
    return apply(Maximum(), match[r], match[d]) if low is not None and high is not None and low < high else None


def _lower(match: Match) -> Node | None:
    low, high = _number(match[d]), _number(match[c])
    return apply(Minimum(), match[r], match[d]) if low is not None and high is not None and low < high else None


r, f, n, s = real("x"), floating("x"), ordered("x"), hole("x", kinds="if")
c, d = hole("c", ConstantValue), hole("d", ConstantValue)
nonnegative = hole("x", only=_is_not_negative)
rounded = {of: hole(f"{of.name}(x)", of) for of in (Floor, Ceil, Round, Trunc)}
signed = hole("sign(x)", Sign)

absolute, square, power, relu = form(Abs), form(Square), form(Power), form(Relu)
maximum, minimum = form(Maximum), form(Minimum)

_NO_LOGARITHM = "products instead of a logarithm and an exponential"

POWERS = (
    Rule(absolute(-s), absolute(s), exact=True),
    Rule(absolute(absolute(r)), absolute(r), exact=True),
    Rule(absolute(nonnegative), nonnegative, exact=True, called="abs(x) = x, where no x is negative"),
    Rule(square(-r), square(r), exact=True),
    Rule(square(absolute(r)), square(r), exact=True),
    Rule(power(r, 0), lambda match: like(match.node, 1), exact=True, called="pow(x, 0) = 1"),
    Rule(power(r, 1), r, exact=True),
    Rule(power(f, 2), square(f), exact=False, because=_NO_LOGARITHM),
    Rule(power(f, 3), square(f) * f, exact=False, because=_NO_LOGARITHM),
    Rule(power(f, 4), square(square(f)), exact=False, because=_NO_LOGARITHM),
    Rule(power(f, -1), 1 / f, exact=False, because="a quotient instead of a logarithm and an exponential"),
    Rule(maximum(r, r), r, exact=True),
    Rule(minimum(r, r), r, exact=True),
    Rule(maximum(r, c), _is_above, exact=True, called="maximum(x, c) = x, where no x is below c"),
    Rule(minimum(r, c), _is_below, exact=True, called="minimum(x, c) = x, where no x is above c"),
    Rule(maximum(maximum(r, c), d), _higher, exact=True, called="maximum(maximum(x, c), d) = maximum(x, d), c < d"),
    Rule(minimum(minimum(r, c), d), _lower, exact=True, called="minimum(minimum(x, c), d) = minimum(x, d), c > d"),
    Rule(relu(nonnegative), nonnegative, exact=True, called="relu(x) = x, where no x is negative"),
    Rule(relu(relu(r)), relu(r), exact=True),
    Rule(on(Sign, signed), signed, exact=True, called="sign(sign(x)) = sign(x)"),
    *(
        Rule(on(outer, inner), inner, exact=True, called=f"{outer.name}({of.name}(x)) = {of.name}(x)")
        for outer in rounded
        for of, inner in rounded.items()
    ),
)
