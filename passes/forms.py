"""What is known of the nodes of a graph as sums of products: the facts that the pass `Stabilise` works with.

A node's form is a few terms, each a number, a power of e and some factors (see `terms`).  Forms are small by decree:
what would have more than some terms or factors is taken as a whole, so that each node takes a bounded time.  Most
nodes have no form: what is neither a power of e or a length, nor computed from one, is looked at only as far as it
takes to see a sign, a number or a square.
"""

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import field
from typing import TypeAlias, final

import ml_dtypes

from graphc.dataclass import dataclass
from graphc.ir.apply import apply
from graphc.ir.arithmetic import Add, Cast, Compare, Div, Mul, Neg, Spread, Squeeze, Sub, Sum
from graphc.ir.graph import Graph
from graphc.ir.leaves import SizeOf, full, uniform
from graphc.ir.node import Node, Op
from graphc.kernel.scalar import Fn
from graphc.ops.elementwise import StopGradient
from graphc.ops.extremes import Max, UpperBound
from graphc.ops.powers import Square
from graphc.origin import standing_for
from graphc.passes.terms import (
    Combination,
    OnePlus,
    Powers,
    Term,
    added,
    as_form,
    danger,
    number,
    one,
    scaled,
    times,
)
from graphc.passes.totals import total_of
from graphc.types import TensorType, is_floating

__all__ = ["Form", "Forms", "Meaning", "is_length_test", "is_shifted", "is_size", "negated", "side", "sides"]

#: a sum of terms; of none: 0
Form: TypeAlias = tuple[Term, ...]

#: finds the form of a node of one kind of op; None: the node itself
Meaning: TypeAlias = "Callable[[Forms, Node], Form | None]"

_MOST_TERMS = 8
_MOST_FACTORS = 10
_MOST_ADDED = 4  # nodes in an exponent
_NESTED = 3  # how far signs, numbers and sums are looked for


@final
@dataclass
class Forms:
    """Facts about nodes, found operands first.

    meanings  how the form of a node is found, by the class of its op
    graph     that of the nodes
    labels    whether some of them may be 0 but at the place of a label
    at        the one that is looked at, for which stands what is made meanwhile
    forms     the forms of nodes that have one beside themselves
    bounds    lengths, and what is never longer: √(x² + y²), and x and y
    rows      lengths of rows √Σ x², and what they are the lengths of
    logs      logarithms of products of powers of e and sums of them, and those products
    weighed   nodes x of which there are both Σ x and Σ x y: a variance or covariance may be made of them
    better    nodes that are computed better in another way than as they are written
    has_pairs whether there is 1 + e^d in a form
    shares    sums of powers of e, and shares of them as nodes
    completed shares y of which a user needs 1 - y besides
    """

    meanings: Mapping[type[Op], Meaning]
    graph: Graph
    labels: bool
    at: Node | None = None
    forms: dict[Node, Form] = field(default_factory=dict)
    bounds: dict[Node, Sequence[Node]] = field(default_factory=dict)
    rows: dict[Node, Node] = field(default_factory=dict)
    logs: dict[Node, Term] = field(default_factory=dict)
    weighed: set[Node] = field(default_factory=set)
    better: set[Node] = field(default_factory=set)
    shares: dict[Powers, Node] = field(default_factory=dict)
    completed: set[Node] = field(default_factory=set)
    has_pairs: bool = False
    _known: dict[tuple[Op, tuple[Node, ...]], Node] = field(default_factory=dict)
    _seen: set[Node] = field(default_factory=set)
    _glimpses: dict[Node, Form] = field(default_factory=dict)
    _dangers: dict[int, tuple[Term | Form, int]] = field(default_factory=dict)  # by identities of what it keeps
    _directions: dict[frozenset[tuple[Node, float]], Combination] = field(default_factory=dict)

    # Nodes.

    def look(self, node: Node) -> None:
        """Find the form of a node whose operands were looked at."""
        meaning = self.meanings.get(type(node.op))
        if meaning is None or node in self._seen:
            return
        self._seen.add(node)
        form = meaning(self, node)
        if form is not None and is_floating(node.dtype) and _is_small(form, node):
            self.forms[node] = form
        else:
            self.better.discard(node)

    def of(self, node: Node) -> Form:
        """The form of a node; of one that has none a glimpse of it."""
        form = self.forms.get(node)
        return self._glimpse(node, _NESTED) if form is None else form

    def is_plain(self, node: Node) -> bool:
        """Whether there is nothing to look into."""
        return node not in self.forms

    def made(self, op: Op, *inputs: Node) -> Node:
        """A node beside those of the graph, or the one that is there."""
        found = self._nodes().get((op, inputs))
        if found is None:
            with self._standing():
                found = self._known[op, inputs] = apply(op, *inputs)
        self.look(found)
        return found

    def full(self, like: Node, value: float) -> Node:
        """A constant beside those of the graph."""
        with self._standing():
            made = full(like.shape, value, like.dtype)
        found = self._nodes().setdefault((made.op, made.inputs), made)
        self.look(found)
        return found

    def _standing(self) -> AbstractContextManager[None]:
        """Nodes made inside stand for the one that is looked at, if any."""
        return nullcontext() if self.at is None else standing_for(self.at)

    def _nodes(self) -> dict[tuple[Op, tuple[Node, ...]], Node]:
        """Nodes by what they compute."""
        if not self._known:
            self._known.update(self.graph.computing)
        return self._known

    def _glimpse(self, node: Node, depth: int) -> Form:
        """A node as a number, or as a number times the node, or the square, that it is made of."""
        known = self.forms.get(node) or self._glimpses.get(node)
        if known is not None:
            return known
        found: Form = (Term(1.0, {}, {node: 1}),)
        if not isinstance(node.type, TensorType) or not is_floating(node.dtype):
            return found
        match node.op:
            case Neg() if depth:
                found = negated(self._glimpse(node.inputs[0], depth - 1))
            case Mul() | Div() if depth:
                found = self._glimpse_of_product(node, depth - 1) or found
            case Square():
                found = (Term(1.0, {}, {node.inputs[0]: 2}),)
            case Spread() | Squeeze() if depth and self.weighed:
                found = self._glimpse_of_moved(node, depth - 1) or found
            case Sum(axes=axes) if depth and self.weighed and all(node.inputs[0].shape[axis] == 1 for axis in axes):
                found = self._glimpse(self.made(Squeeze(axes), node.inputs[0]), depth - 1)
            case _:
                value = uniform(node)
                if isinstance(value, int | float):
                    found = (number(float(value)),) if value else ()
        if depth == _NESTED:
            self._glimpses[node] = found
        return found

    def _glimpse_of_moved(self, node: Node, depth: int) -> Form | None:
        """A node by a number, or by a size, repeated: the node repeated, by that number."""
        found: list[Term] = []
        for term in self._glimpse(node.inputs[0], depth):
            atoms = {atom: power for atom, power in term.atoms.items() if isinstance(atom, Node)}
            if term.exponent or len(atoms) < len(term.atoms) or term == one(node.inputs[0]):
                return None
            found.append(term._replace(atoms={self.made(node.op, atom): power for atom, power in atoms.items()}))
        return tuple(found)

    def _glimpse_of_product(self, node: Node, depth: int) -> Form | None:
        left, right = node.inputs
        if isinstance(node.op, Div) and is_size(right):
            above = self._glimpse(left, depth)
            return as_form(times(above[0], one(right), -1)) if len(above) == 1 else None
        if isinstance(node.op, Mul):
            if left is right:
                return (Term(1.0, {}, {left: 2}),)
            left, right = (right, left) if uniform(left) is not None else (left, right)
        value = uniform(right)
        if not isinstance(value, int | float) or not value:
            return None
        factor = float(value) if isinstance(node.op, Mul) else 1 / float(value)
        return tuple([t._replace(coefficient=t.coefficient * factor) for t in self._glimpse(left, depth)])

    def danger(self, form: Form) -> int:
        """How many factors of a sum may leave the range of floats although the sum does not."""
        dangers = self._dangers
        found = 0
        for term in form:
            known = dangers.get(id(term))
            if known is None:
                known = dangers[id(term)] = term, danger(self.without_shifts(term), self.bounds)
            found += known[1]
        return found

    def danger_below(self, term: Term) -> int:
        """The same, of what one divides by, or of one by it."""
        below = times(number(1.0), term, -1)
        return max(self.danger((term,)), 0 if below is None else danger(self.without_shifts(below), self.bounds))

    def without_shifts(self, term: Term) -> Term:
        """A term without what a user keeps in range: e^(u - max u) is at most 1, the sum of these at least 1."""
        for node in term.exponent:
            largest = shift_of(node)
            if largest is not None:
                return self._without_shift(term, node, largest)
        return term

    def _without_shift(self, term: Term, node: Node, largest: Node) -> Term:
        coefficient = term.exponent[node]
        (x,) = largest.inputs
        u = self.combination(x)
        rest = added(term.exponent, {node: 1.0}, -coefficient)
        assert isinstance(largest.op, Max | UpperBound)
        is_repeated = isinstance(node.op, Spread) and (node.shape, node.op.axes) == (x.shape, largest.op.axes)
        if is_repeated and coefficient == -1 and all(term.exponent.get(part) == c for part, c in u.items()):
            return self.without_shifts(term._replace(exponent=added(rest, u, -1)))
        for atom, power in term.atoms.items():
            if isinstance(atom, Powers) and power == -coefficient and atom.key == frozenset(u.items()):
                atoms = {other: n for other, n in term.atoms.items() if other is not atom}
                return self.without_shifts(term._replace(exponent=rest, atoms=atoms))
        return term

    # Powers of e.

    def combination(self, node: Node) -> Combination:
        """A node as a sum of others, times numbers."""
        return self._combination(node, _NESTED) or {node: 1.0}

    def _combination(self, node: Node, depth: int) -> Combination:
        """The same; empty for what is none, or one of too many nodes.  Looks no deeper than `depth` sums."""
        if self.is_plain(node) and depth and isinstance(node.op, Add | Sub) and total_of(*node.inputs) is None:
            left, right = (self._combination(x, depth - 1) or {x: 1.0} for x in node.inputs)
            found = added(left, right, -1 if isinstance(node.op, Sub) else 1)
            return found if len(found) <= _MOST_ADDED else {}
        found = {}
        for term in self.of(node):
            if term.exponent or len(term.atoms) != 1:
                return {}
            ((atom, power),) = term.atoms.items()
            if power != 1 or not isinstance(atom, Node):
                return {}
            inner = {} if atom is node or not depth else self._combination(atom, depth - 1)
            found = added(found, inner or {atom: 1.0}, term.coefficient)
        return found if len(found) <= _MOST_ADDED else {}

    def one_plus(self, d: Combination) -> Term:
        """1 + e^d: of d and -d in terms of the one that was seen first."""
        if not d:
            return number(2.0)
        key = frozenset(d.items())
        seen = self._directions.get(key)
        if seen is None:
            seen = self._directions[key] = d
            self._directions[frozenset(scaled(d, -1).items())] = d
        if seen == d:
            return one(self.pair(d))
        return Term(1.0, d, {self.pair(seen): 1})

    def pair(self, d: Combination) -> OnePlus:
        """1 + e^d as a factor."""
        self.has_pairs = True
        return OnePlus(d, frozenset(d.items()))


def _is_small(form: Form, node: Node) -> bool:
    if len(form) > _MOST_TERMS:
        return False
    for term in form:
        factors = 0
        for power in term.atoms.values():
            factors += abs(power)
        if factors > _MOST_FACTORS or len(term.exponent) > _MOST_ADDED:
            return False
        if term.coefficient not in (1.0, -1.0):
            limits = ml_dtypes.finfo(node.dtype)  # type: ignore[no-untyped-call]
            if not float(limits.tiny) <= abs(term.coefficient) <= float(limits.max):
                return False
    return True


def negated(form: Form) -> Form:
    """Minus a form."""
    return tuple([term._replace(coefficient=-term.coefficient) for term in form])


def is_size(node: Node) -> bool:
    """Whether a node is a size as a float, or that repeated."""
    while isinstance(node.op, Spread | Cast):
        (node,) = node.inputs
    return isinstance(node.op, SizeOf)


def is_shifted(term: Term) -> bool:
    """Whether a user keeps a power in range, by the largest of its row."""
    return any(shift_of(node) is not None for node in term.exponent)


def shift_of(node: Node) -> Node | None:
    """The largest of rows that a node is, repeated along them or not."""
    return _largest_behind(node.inputs[0] if isinstance(node.op, Spread) else node)


def _largest_behind(node: Node) -> Node | None:
    """The largest of rows that a node is, behind axes of extent 1 that come and go."""
    dropped: list[tuple[int, ...]] = []
    while True:
        match node.op:
            case Max() | UpperBound():
                return None if dropped else node
            case StopGradient():
                pass
            case Squeeze(axes=axes):
                dropped.append(axes)
            case Spread(axes=axes) if dropped and dropped[-1] == axes:
                dropped.pop()
            case Spread(shape=shape, axes=axes) if all(shape[axis] == 1 for axis in axes):
                pass
            case _:
                return None
        (node,) = node.inputs


# Lengths.


def sides(form: Form) -> list[Node]:
    """x, y ... of x² + y² + ..., or nothing."""
    found: list[Node] = []
    for term in form:
        if term.exponent or term.coefficient != 1 or len(term.atoms) != 1:
            return []
        ((atom, power),) = term.atoms.items()
        if power != 2 or not isinstance(atom, Node):
            return []
        found.append(atom)
    return found


def side(forms: Forms, node: Node) -> Node | None:
    """x of Σ x²."""
    if not isinstance(node.op, Sum):
        return None
    found = sides(forms.of(node.inputs[0]))
    return found[0] if len(found) == 1 else None


def is_length_test(forms: Forms, condition: Node) -> bool:
    """Whether a condition says that a sum of squares is not 0."""
    if not isinstance(condition.op, Compare) or condition.op.fn is not Fn.NE:
        return False
    return uniform(condition.inputs[1]) == 0 and side(forms, condition.inputs[0]) is not None
