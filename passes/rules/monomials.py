"""Identities of products of factors: logarithms of them, and factors that stand above and below a line."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import field
from functools import reduce
from operator import add, mul

from graphc.dataclass import dataclass
from graphc.ir.apply import apply
from graphc.ir.arithmetic import Div, Mul, Neg
from graphc.ir.kinds import Elementwise, Movement
from graphc.ir.leaves import full, uniform
from graphc.ir.node import Node
from graphc.ops.elementwise import Log, Log2, Log10
from graphc.ops.piecewise import Abs, Sign
from graphc.ops.powers import Power, Sqrt, Square
from graphc.passes.matching import Form, Match, hole, on
from graphc.passes.pipeline import Spill
from graphc.passes.rewrite import Change, Rule
from graphc.passes.rules.holes import filled, floating, is_ordinary, number
from graphc.types import is_floating

__all__ = ["MONOMIALS"]

_MOST = 24  # factors, and what their exponents are at most


@dataclass(slots=True)
class _Monomial:
    """A number times factors, over others; of each how often it stands there."""

    number: float = 1.0
    over: Counter[Node] = field(default_factory=Counter)
    under: Counter[Node] = field(default_factory=Counter)


def _exponent(node: Node) -> int:
    """The exponent of a power that is a product of a few, or 0."""
    value = uniform(node.inputs[1])
    return int(value) if isinstance(value, int | float) and value in range(-_MOST, _MOST + 1) else 0


def _is_compound(node: Node) -> bool:
    """Whether a node is made of factors; x / x, which stands for what is nan of a factor, is one itself."""
    if not is_floating(node.dtype):
        return False
    match node.op:
        case Div():
            x, y = node.inputs
            return x is not y or _is_product(x)
        case Neg():
            return True
    return _is_product(node)


def _is_product(node: Node) -> bool:
    return isinstance(node.op, Mul | Square) or (isinstance(node.op, Power) and _exponent(node) != 0)


def _is_quotient(node: Node) -> bool:
    """Whether a node is a quotient of what is made of factors, or that times a number."""
    if isinstance(node.op, Neg) or (isinstance(node.op, Mul) and uniform(node.inputs[1]) is not None):
        node = node.inputs[0]
    return isinstance(node.op, Div) and is_floating(node.dtype) and any(map(_is_compound, node.inputs))


def _is_root(node: Node) -> bool:
    return isinstance(node.op, Sqrt) and _is_compound(node.inputs[0])


def _monomial(root: Node) -> _Monomial | None:
    """The factors of a node; None where they are too many, or the number among them is none to calculate with."""
    found = _Monomial()
    pending = [(root, 1)]
    for _ in range(2 * _MOST):
        node, times = pending.pop()
        value = uniform(node)
        if abs(times) > _MOST:
            return None
        if value is not None:
            if not isinstance(value, int | float) or not 1e-9 < abs(value) < 1e9:
                return None
            found.number *= float(value) ** times
        elif not _is_compound(node):
            (found.over if times > 0 else found.under)[node] += abs(times)
        elif isinstance(node.op, Neg):
            found.number *= (-1) ** times
            pending.append((node.inputs[0], times))
        elif isinstance(node.op, Square):
            pending.append((node.inputs[0], 2 * times))
        elif isinstance(node.op, Power):
            pending.append((node.inputs[0], times * _exponent(node)))
        else:
            x, y = node.inputs
            pending += [(y, -times if isinstance(node.op, Div) else times), (x, times)]
        if not pending:
            return found if is_ordinary(found.number, root.dtype) else None
    return None


def _is_sign(node: Node) -> bool:
    while isinstance(node.op, Movement):
        node = node.inputs[0]
    return isinstance(node.op, Sign)


def _times(node: Node, number: float) -> Node:
    return node if number == 1 else apply(Mul(), node, full(node.shape, number, node.dtype))


def _log(match: Match) -> Node | None:
    """The logarithms of factors, less those below the line; that of the signs is 0, or nan or infinite as the whole."""
    op, (product,) = match.node.op, match.node.inputs
    found = _monomial(product)
    if found is None or bool(found.over) == bool(found.under):
        return None
    powers, side = (found.over, 1) if found.over else (found.under, -1)
    factors = [x for x in powers if not _is_sign(x)]
    if sum(powers[x] for x in factors) < 2:
        return None
    last = next((x for x in reversed(factors) if side > 0 and powers[x] % 2), None)
    others = [x for x in factors if x is not last]
    logs = [_times(apply(op, apply(Abs(), x)), side * powers[x]) for x in others]
    if last is not None or others != factors[:1] or side < 0 or found.number < 0:
        signs = [_sign(x, side * powers[x]) for x in powers if x is not last]
        signed = _times(_product(signs if last is None else [last, *signs]), -1 if found.number < 0 else 1)
        logs.append(_times(apply(op, signed), 1 if last is None else powers[last]))
    if abs(found.number) != 1:
        logs.append(apply(op, full(product.shape, abs(found.number), product.dtype)))
    return reduce(add, logs)


def _sign(node: Node, power: int) -> Node:
    """The sign of a power of a factor, which is 0 where the power is."""
    base = node if power % 2 else apply(Abs(), node)
    return apply(Sign(), base if power > 0 else 1 / base)


def _product(nodes: Sequence[Node]) -> Node:
    return reduce(mul, nodes)


def _cancelled(match: Match) -> Node | None:
    """What is left of a quotient, times x / x for each x of two factors or more below the line that is above it."""
    found = _monomial(match.node)
    if found is None or found.under.total() < 2:
        return None
    both = found.over & found.under
    if not both:
        return None
    over, under = [*(found.over - both).elements()], [*(found.under - both).elements()]
    rest, number = _product([x / x for x in both]), found.number
    for above, below in zip(over, under, strict=False):
        rest, number = _times(above * rest / below, number), 1
    rest = _product([_times(rest, number), *over[len(under) :]])
    return rest / _product(under[len(over) :]) if len(under) > len(over) else rest


def _under_root(match: Match) -> Node | None:
    """g / √(a b) / (√(a b) c) * b: the root of the signs is 1, or 0 or nan as that of the product is."""
    (u,), x = match[root].inputs, match[b]
    found = _monomial(u)
    if found is None or found.under or found.number != 1 or len(found.over) != 2 or found.over.total() != 2:
        return None
    if x not in found.over:
        return None
    (a,) = found.over - Counter([x])
    signs = apply(Sqrt(), apply(Sign(), a) * apply(Sign(), x))
    return _times(match[g] / signs / a * (x / x), 1 / filled(match, c))


def _rule(left: Form, right: Change, because: str, called: str) -> Rule:
    return Rule(left, right, exact=False, because=because, called=called, spill=Spill.LESS)


_RANGE = "the product may leave the range of floats, its logarithm does not"
_ONCE = "the product may leave the range of floats; b / b is 1, or nan where the whole is"

g, b, c = floating("g"), floating("b"), number("c")
product = hole("(a * b)", (Div, Mul, Neg, Power, Square), only=_is_compound)
quotient, root = hole("q", (Div, Mul, Neg), only=_is_quotient), hole("s", Sqrt, only=_is_root)


def _name(of: type[Elementwise]) -> str:
    return f"{of.name}(a^m * b^n) = {of.name}(abs(a)) * m + {of.name}(b * sign(a^m)) * n"


MONOMIALS = (
    *(_rule(on(of, product), _log, _RANGE, _name(of)) for of in (Log, Log2, Log10)),
    _rule(g / product, _cancelled, _ONCE, "b / (a * b) = b / b / a"),
    _rule(quotient * b, _cancelled, _ONCE, "g / (a * b) * b = b / b * g / a"),
    _rule(quotient / b, _cancelled, _ONCE, "g / (a / b) / b = b / b * g / a"),
    _rule(
        g / root / (root * c) * b,
        _under_root,
        _ONCE,
        "g / sqrt(a * b) / (sqrt(a * b) * c) * b = g / sqrt(sign(a * b)) / a * (b / b) / c",
    ),
)
