"""Patterns: formulas with holes, as the sides of an identity are written.

x = hole("x")
exp = form(Exp)
1 / (1 + exp(-x))       matches a quotient of nodes, whatever the order of the operands of the sum
"""

from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import field, replace
from itertools import product, repeat
from typing import Any, NamedTuple, TypeAlias, TypeVar, Union, final

from graphc.dataclass import dataclass
from graphc.ir.apply import apply
from graphc.ir.arithmetic import Add, Div, Mul, Neg, Sub
from graphc.ir.kinds import Elementwise
from graphc.ir.leaves import ConstantValue, full, uniform
from graphc.ir.node import Node, Op
from graphc.kernel.scalar import Number
from graphc.types import TensorType

__all__ = [
    "Form",
    "Hole",
    "Look",
    "Match",
    "Pattern",
    "at_a_glance",
    "built",
    "form",
    "hole",
    "look",
    "matched",
    "may_fit",
    "on",
    "orders",
    "written",
]

Part: TypeAlias = Union["Pattern", Number]
Found = TypeVar("Found")
Learnt: TypeAlias = dict[Callable[..., object], dict[Node, Any]]  # of each function what it found


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
@dataclass(frozen=True, eq=False, slots=True)
class Hole(Pattern):
    """Any node whose op is one of `of`, and of which `only` is true; the same one wherever the hole stands.

    kinds   the kinds of dtypes that it may have, as in `Elementwise.accepts`; empty for any
    """

    name: str
    of: type | tuple[type, ...] = Op
    kinds: str = ""
    only: Callable[[Node], bool] | None = None

    __str__ = Pattern.__str__


@final
@dataclass(frozen=True, slots=True)
class Filled(Pattern):
    """A constant that one number fills.  0 is 0.0 and -0.0; True and False are bools, and no others are."""

    number: Number

    __str__ = Pattern.__str__

    @property
    def kinds(self) -> str:
        """The kinds of dtypes that it may have."""
        return "b" if isinstance(self.number, bool) else "iufc"


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


def hole(
    name: str, of: type | tuple[type, ...] = Op, kinds: str = "", *, only: Callable[[Node], bool] | None = None
) -> Hole:
    """A hole of a pattern, filled by any node, or by those alone of ops of classes `of` for which `only` holds.

    `kinds` are those of dtypes: any of "biufc" (bool, signed, unsigned, floating, complex), or empty.
    """
    return Hole(name, of, kinds, only)


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
    """A node that a pattern fits, and the nodes that fill its holes.

    readings   how often nodes are read, by users and by who called; of those that rules made, it is not known
    learnt     what rules have found out about nodes
    """

    node: Node
    found: dict[Hole, Node] = field(default_factory=dict)
    readings: Mapping[Node, int] = field(default_factory=dict)
    learnt: Learnt = field(default_factory=dict)

    def __getitem__(self, hole: Hole) -> Node:
        return self.found[hole]

    def alone_reads(self, node: Node) -> bool:
        """Whether a node is computed for this match alone, so that it is gone where another takes its place."""
        return self.readings.get(node, 0) <= 1

    def once(self, find: Callable[[Node], Found], node: Node) -> Found:
        """What a function finds out about a node, which many matches ask for."""
        known: dict[Node, Found] = self.learnt.setdefault(find, {})
        if node not in known:
            known[node] = find(node)
        return known[node]

    def folded(self, find: Callable[[Node, Sequence[Found]], Found], node: Node, within: type) -> Found:
        """What a function finds out about a node, from what it has found out about the operands of each `within`."""
        known: dict[Node, Found] = self.learnt.setdefault(find, {})
        pending = [node]
        while pending:
            x = pending[-1]
            needed = x.inputs if isinstance(x.op, within) else ()
            missing = [y for y in needed if y not in known]
            pending += missing
            if not missing:
                known[x] = find(x, [known[y] for y in needed])
                pending.pop()
        return known[node]


def matched(
    pattern: Pattern, node: Node, readings: Mapping[Node, int] | None = None, learnt: Learnt | None = None
) -> Match | None:
    """How `pattern`, with operands in the order in which they are written, fits a node; None: it does not."""
    found: dict[Hole, Node] = {}
    if not _fits(pattern, node, found):
        return None
    return Match(node, found, {} if readings is None else readings, {} if learnt is None else learnt)


def _fits(pattern: Pattern, node: Node, found: dict[Hole, Node]) -> bool:
    # Recursion is over the pattern, which a person wrote.
    if pattern.__class__ is Form:
        return _fits_form(pattern, node, found)
    if pattern.__class__ is Filled:
        return uniform(node) == pattern.number and _kind(node) in pattern.kinds
    assert isinstance(pattern, Hole), pattern
    known = found.get(pattern)
    if known is not None:
        return known is node
    if not isinstance(node.op, pattern.of) or (pattern.kinds and _kind(node) not in pattern.kinds):
        return False
    if pattern.only is not None and not pattern.only(node):
        return False
    found[pattern] = node
    return True


def _fits_form(form: Form, node: Node, found: dict[Hole, Node]) -> bool:
    if not isinstance(node.op, form.of) or (form.called is not None and not _fits(form.called, node, found)):
        return False
    if form.operands is None:
        return True
    if len(form.operands) != len(node.inputs):
        return False
    return all(map(_fits, form.operands, node.inputs, repeat(found)))


class Look(NamedTuple):
    """What can be told of a node at a glance: the class of its op and the kind of its dtype, and those of its operands.

    arity   how many operands it has; of more than a few, 0, and `operands` tells which there are
    same    whether it has two operands that are one node
    """

    of: type
    kind: str
    operands: tuple[tuple[type, str], ...]
    arity: int
    same: bool


_FEW = 4  # operands


def look(node: Node) -> Look:
    """A node at a glance."""
    inputs = node.inputs
    count = len(inputs)
    operands = tuple([(x.op.__class__, _kind(x)) for x in inputs])
    if count > _FEW:
        return Look(node.op.__class__, _kind(node), tuple(dict.fromkeys(operands)), 0, False)
    return Look(node.op.__class__, _kind(node), operands, count, count == 2 and inputs[0] is inputs[1])


def at_a_glance(node: Node) -> Hashable:
    """Equal only for nodes that look the same; of those with few operands, as most are, found in a third of the time.

    It tells dtypes apart, which a look does not.
    """
    inputs = node.inputs
    if len(inputs) > 2 or not inputs:
        return look(node)
    x, y = inputs[0], inputs[-1]
    try:  # types of several results have no dtype
        dtypes = node.type.dtype, x.type.dtype, y.type.dtype  # type: ignore[union-attr]
    except AttributeError:
        return look(node)
    return node.op.__class__, x.op.__class__, y.op.__class__, *dtypes, len(inputs), x is y


def _kind(node: Node) -> str:
    """The kind of the dtype of a node: one of "biufc", that of several results nothing."""
    tensor = node.type
    if tensor.__class__ is not TensorType:
        return "?"
    kind: str = tensor.dtype.kind
    return "f" if kind == "V" else kind  # V is bfloat16


def may_fit(pattern: Pattern, seen: Look) -> bool:
    """Whether a node of such a look may fit."""
    if not _admits(pattern, seen.of, seen.kind):
        return False
    if not isinstance(pattern, Form):
        return True
    if not any(issubclass(of, pattern.some) for of, _ in seen.operands):
        return False
    parts = pattern.operands
    if parts is None:
        return True
    if len(parts) == 2 and isinstance(parts[0], Hole) and parts[0] is parts[1] and not seen.same:
        return False
    return len(parts) == seen.arity and all(
        _admits(part, *operand) for part, operand in zip(parts, seen.operands, strict=True)
    )


def _admits(pattern: Pattern, of: type, kind: str) -> bool:
    match pattern:
        case Filled():
            return of is ConstantValue and kind in pattern.kinds
        case Hole():
            return issubclass(of, pattern.of) and (not pattern.kinds or kind in pattern.kinds)
        case Form():
            return issubclass(of, pattern.of) and (pattern.called is None or _admits(pattern.called, of, kind))
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
