"""Identities of constants that meet: two numbers of one sum, or of one product, are one."""

from collections.abc import Callable, Iterator
from fractions import Fraction
from typing import TypeAlias

from graphc.ir.apply import apply
from graphc.ir.arithmetic import Add, Div, Mul, Sub
from graphc.ir.leaves import uniform
from graphc.ir.node import Node
from graphc.passes.matching import Form, Hole, Match, hole
from graphc.passes.pipeline import Spill
from graphc.passes.rewrite import Rule
from graphc.passes.rules.holes import filled, is_ordinary, like, number, whole, whole_number
from graphc.types import is_integer

__all__ = ["CONSTANTS"]

Joined: TypeAlias = Callable[[Node, Node], Node]  # of what stays, and the one constant
Number: TypeAlias = Callable[[Fraction, Fraction], Fraction]

_LARGEST = 1 << 1000  # beyond, no dtype has a number


def _plus(x: Node, constant: Node) -> Node:
    return apply(Add(), x, constant)


def _from(x: Node, constant: Node) -> Node:
    return apply(Sub(), constant, x)


def _times(x: Node, constant: Node) -> Node:
    return apply(Mul(), x, constant)


def _by(x: Node, constant: Node) -> Node:
    return apply(Div(), x, constant)


def _into(x: Node, constant: Node) -> Node:
    return apply(Div(), constant, x)


def _sum(node: Node, first: Fraction, second: Fraction) -> Node | None:
    """The sum of two constants like `node`.

    Of floats only where it is no rounding of it, so that adding it is the better sum; and where they do not cancel:
    x + c - c is a way to round x.
    """
    total = first + second
    if is_integer(node.dtype):
        return like(node, int(total))
    if (first > 0) != (second > 0) or abs(total) > _LARGEST or not is_ordinary(float(total), node.dtype):
        return None
    found = like(node, float(total))
    kept = uniform(found)
    is_exact = is_ordinary(kept, node.dtype) and isinstance(kept, float) and Fraction(kept) == total
    return found if is_exact else None


def _factor(node: Node, value: Fraction) -> Node | None:
    """A product or quotient of two constants like `node`, rounded once; None where that leaves what the dtype has."""
    if is_integer(node.dtype):
        return like(node, int(value))
    if not 1 / Fraction(_LARGEST) < abs(value) < _LARGEST or not is_ordinary(float(value), node.dtype):
        return None
    found = like(node, float(value))
    return found if is_ordinary(uniform(found), found.dtype) else None


def _sums(x: Hole, c: Hole, d: Hole) -> Iterator[tuple[Form, str, Joined, Number, Number]]:
    """Sums of two constants: both sides, how x and the one constant are joined, and the parts of that."""
    yield (x + c) + d, f"{x} + ({c} + {d})", _plus, lambda c, d: c, lambda c, d: d
    yield (x - c) + d, f"{x} + ({d} - {c})", _plus, lambda c, d: d, lambda c, d: -c
    yield (x + c) - d, f"{x} + ({c} - {d})", _plus, lambda c, d: c, lambda c, d: -d
    yield (x - c) - d, f"{x} + -({c} + {d})", _plus, lambda c, d: -c, lambda c, d: -d
    yield (c - x) + d, f"({c} + {d}) - {x}", _from, lambda c, d: c, lambda c, d: d
    yield (c - x) - d, f"({c} - {d}) - {x}", _from, lambda c, d: c, lambda c, d: -d
    yield d - (x + c), f"({d} - {c}) - {x}", _from, lambda c, d: d, lambda c, d: -c
    yield d - (x - c), f"({d} + {c}) - {x}", _from, lambda c, d: d, lambda c, d: c
    yield d - (c - x), f"{x} + ({d} - {c})", _plus, lambda c, d: d, lambda c, d: -c


def _products(x: Hole, c: Hole, d: Hole) -> Iterator[tuple[Form, str, Joined, Number]]:
    """Products of two constants: both sides, how x and the one constant are joined, and that constant."""
    yield (x * c) * d, f"{x} * ({c} * {d})", _times, lambda c, d: c * d
    yield (x / c) * d, f"{x} * ({d} / {c})", _times, lambda c, d: d / c
    yield (x * c) / d, f"{x} * ({c} / {d})", _times, lambda c, d: c / d
    yield (x / c) / d, f"{x} / ({c} * {d})", _by, lambda c, d: c * d
    yield (c / x) * d, f"({c} * {d}) / {x}", _into, lambda c, d: c * d
    yield (c / x) / d, f"({c} / {d}) / {x}", _into, lambda c, d: c / d
    yield d / (x * c), f"({d} / {c}) / {x}", _into, lambda c, d: d / c
    yield d / (x / c), f"({d} * {c}) / {x}", _into, lambda c, d: d * c
    yield d / (c / x), f"{x} * ({d} / {c})", _times, lambda c, d: d / c


_SAVED = "one pass and one rounding instead of two"


def _sum_rule(
    left: Form, right: str, joined: Joined, first: Number, second: Number, holes: tuple[Hole, Hole, Hole], because: str
) -> Rule:
    x, c, d = holes

    def replaced(match: Match) -> Node | None:
        numbers = Fraction(filled(match, c)), Fraction(filled(match, d))
        total = _sum(match[c], first(*numbers), second(*numbers))
        return None if total is None else joined(match[x], total)

    return Rule(left, replaced, exact=not because, because=because, called=f"{left} = {right}")


def _product_rule(
    left: Form, right: str, joined: Joined, value: Number, holes: tuple[Hole, Hole, Hole], because: str
) -> Rule:
    x, c, d = holes

    def replaced(match: Match) -> Node | None:
        factor = _factor(match[c], value(Fraction(filled(match, c)), Fraction(filled(match, d))))
        return None if factor is None else joined(match[x], factor)

    return Rule(
        left,
        replaced,
        exact=not because,
        because=because,
        called=f"{left} = {right}",
        spill=Spill.LESS if because else Spill.AS_BEFORE,
    )


_FLOATS = hole("x"), number("c"), number("d")
_INTEGERS = whole("n"), whole_number("k"), whole_number("m")

CONSTANTS = (
    *(_sum_rule(*parts, _INTEGERS, "") for parts in _sums(*_INTEGERS)),
    _product_rule(*next(_products(*_INTEGERS)), _INTEGERS, ""),
    *(_sum_rule(*parts, _FLOATS, _SAVED) for parts in _sums(*_FLOATS)),
    *(_product_rule(*parts, _FLOATS, _SAVED) for parts in _products(*_FLOATS)),
)
