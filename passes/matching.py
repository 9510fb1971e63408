"""Patterns: formulas with holes, as the sides of an identity are written.

x = hole("x")
exp = form(Exp)
1 / (1 + exp(-x))       matches a quotient of nodes, whatever the order of the operands of the sum
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import product
from typing import TypeAlias, Union, final

from graphc.ir.apply import apply
from graphc.ir.arithmetic import Add, Div, Mul, Neg, Sub
from graphc.ir.kinds import Elementwise
from graphc.ir.leaves import ConstantValue, full, uniform
from graphc.ir.node import Node, Op
from graphc.kernel.scalar import Number

__all__ = ["Form", "Hole", "Match", "Pattern", "built", "form", "hole", "matched", "may_fit", "on", "orders", "written"]

Part: TypeAlias = Union["Pattern", Number]


class Pattern:
    """What a node may look like.  Operators on patterns make forms, as those on nodes make nodes."""

    def __neg__(self) -> "Form":
        return Form(Neg, (self,))

    def __add__(self, other: Part) -> "Form":
        return Form(Add, (self, _part(other)))

    def __radd__(self, other: Part) -> "Form":
        return Form(Add, (_part(other), self))

    def __sub__(self, other: Part) -> "Form":
        return Form(Sub, (self, _part(other)))

    def __rsub__(self, other: Part) -> "Form":
        return Form(Sub, (_part(other), self))

    def __mul__(self, other: Part) -> "Form":
        return Form(Mul, (self, _part(other)))

    def __rmul__(self, other: Part) -> "Form":
        return Form(Mul, (_part(other), self))

    def __truediv__(self, other: Part) -> "Form":
        return Form(Div, (self, _part(other)))

    def __rtruediv__(self, other: Part) -> "Form":
        return Form(Div, (_part(other), self))

    def __str__(self) -> str:
        return written(self)


@final
@dataclass(frozen=True, slots=True)
class Hole(Pattern):
    """Any node of whose op is an `of`, and of which `only` is true; the same one wherever the hole stands."""

    name: str
    of: type = Op
    only: Callable[[Node], bool] | None = None

    __str__ = Pattern.__str__


@final
@dataclass(frozen=True, slots=True)
class Filled(Pattern):
    """A constant that one number fills.  0 is 0.0 and -0.0."""

    number: Number

    __str__ = Pattern.__str__


@final
@dataclass(frozen=True, slots=True)
class Form(Pattern):
    """A node with an op of class `of` on these operands; on any, where `operands` is None.

    called   the hole that stands for the node itself, if the other side asks for its options
    some     a class of which the op of at least one operand is
    """

    of: type
    operands: tuple[Pattern, ...] | None = None
    called: Hole | None = None
    some: type = Op

    __str__ = Pattern.__str__


def hole(name: str, of: type = Op, *, only: Callable[[Node], bool] | None = None) -> Hole:
    """A hole of a pattern, filled by any node, or by those alone of an op of class `of` for which `only` holds."""
    return Hole(name, of, only)


def form(of: type) -> Callable[..., Form]:
    """The function that makes forms of a class of ops: `exp = form(Exp)`, then `exp(x)`."""

    def made(*operands: Part) -> Form:
        return Form(of, tuple(map(_part, operands)))

    return made


def on(of: type, *operands: Part, called: Hole | None = None, some: type = Op) -> Form:
    """A form of any op of a class or kind; without operands, on whatever it is, at least one being a `some`."""
    return Form(of, tuple(map(_part, operands)) or None, called, some)


def _part(given: Part) -> Pattern:
    return given if isinstance(given, Pattern) else Filled(given)


@final
@dataclass(slots=True)
class Match:
    """A node that a pattern fits, and the nodes that fill its holes."""

    node: Node
    found: dict[Hole, Node] = field(default_factory=dict)

    def __getitem__(self, hole: Hole) -> Node:
        return self.found[hole]


def matched(pattern: Pattern, node: Node) -> Match | None:
    """How `pattern`, with operands in the order in which they are written, fits a node; None: it does not."""
    match = Match(node)
    return match if _fits(pattern, node, match.found) else None


def _fits(pattern: Pattern, node: Node, found: dict[Hole, Node]) -> bool:
    # Recursion is over the pattern, which a person wrote.
    match pattern:
        case Hole():
            known = found.get(pattern)
            if known is not None:
                return known is node
            if not isinstance(node.op, pattern.of) or (pattern.only is not None and not pattern.only(node)):
                return False
            found[pattern] = node
            return True
        case Filled():
            return bool(uniform(node) == pattern.number)
        case Form():
            if not isinstance(node.op, pattern.of):
                return False
            if pattern.called is not None and not _fits(pattern.called, node, found):
                return False
            if pattern.operands is None:
                return True
            return len(pattern.operands) == len(node.inputs) and all(
                _fits(part, x, found) for part, x in zip(pattern.operands, node.inputs, strict=True)
            )
    raise AssertionError(pattern)


def may_fit(pattern: Pattern, kind: type, operands: Sequence[type]) -> bool:
    """Whether a node with an op of class `kind`, on operands of such classes, may fit, by these classes alone."""
    if not _admits(pattern, kind):
        return False
    if not isinstance(pattern, Form):
        return True
    if not any(issubclass(operand, pattern.some) for operand in operands):
        return False
    parts = pattern.operands
    return parts is None or (len(operands) == len(parts) and all(map(_admits, parts, operands)))


def _admits(pattern: Pattern, kind: type) -> bool:
    match pattern:
        case Filled():
            return kind is ConstantValue
        case Hole() | Form():
            return issubclass(kind, pattern.of)
    raise AssertionError(pattern)


def orders(pattern: Pattern) -> tuple[Pattern, ...]:
    """The pattern with the operands of ops that commute in every order."""
    if not isinstance(pattern, Form) or pattern.operands is None:
        return (pattern,)
    found: dict[Pattern, None] = {}
    for operands in product(*map(orders, pattern.operands)):
        found[replace(pattern, operands=operands)] = None
        if issubclass(pattern.of, Elementwise) and pattern.of.commutes:
            found[replace(pattern, operands=operands[::-1])] = None
    return tuple(found)


def built(pattern: Pattern, match: Match) -> Node:
    """The node that a pattern stands for, its holes filled as in a match; numbers fill the shape of the match."""
    match pattern:
        case Hole():
            return match[pattern]
        case Filled():
            node = match.node
            return full(node.shape, pattern.number, node.dtype, weak=node.tensor.weak)
        case Form():
            assert pattern.operands is not None, pattern
            return apply(pattern.of(), *[built(part, match) for part in pattern.operands])
    raise AssertionError(pattern)


def written(pattern: Pattern) -> str:
    """A pattern as a person writes it."""
    return _text(pattern)[0]


_INFIX: Mapping[type, tuple[str, int]] = {Add: ("+", 1), Sub: ("-", 1), Mul: ("*", 2), Div: ("/", 2)}
_PREFIX, _CLOSED = 3, 4  # how tightly parts hold together


def _text(pattern: Pattern) -> tuple[str, int]:
    match pattern:
        case Hole(name=name):
            return name, _CLOSED
        case Filled(number=number):
            return str(number), _CLOSED if number >= 0 else _PREFIX  # type: ignore[operator]  # no complex ones
        case Form(of=of, operands=operands):
            if operands is None:
                return f"{_name(of)}(...)", _CLOSED
            if of is Neg:
                return f"-{_held(operands[0], _CLOSED)}", _PREFIX
            if of in _INFIX:
                sign, level = _INFIX[of]
                left, right = operands
                return f"{_held(left, level)} {sign} {_held(right, level + (of in (Sub, Div)))}", level
            return f"{_name(of)}({', '.join(map(written, operands))})", _CLOSED
    raise AssertionError(pattern)


def _held(pattern: Pattern, level: int) -> str:
    text, own = _text(pattern)
    return text if own >= level else f"({text})"


def _name(of: type) -> str:
    return str(getattr(of, "name", "f"))
