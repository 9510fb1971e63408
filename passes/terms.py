"""Products as users and derivatives write them, taken apart: numbers, powers of e, sums of them, and all other factors.

A product of floats can be infinite, 0 or nan on its way although its value is a number.  Taken apart, what is
multiplied and then divided cancels, and what remains is put together in factors that are never above 1:

    e^d / (1 + e^d)     a share of two: sigmoid(d)
    e^u / Σ e^u         a share of many: softmax(u)
    x / √Σ x²           a part of a length

Powers of e and sums of them are positive, so cancelling them is sound for real numbers.  Another factor may be 0,
and is never cancelled.
"""

from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import field
from typing import NamedTuple, TypeAlias, final

from graphc.dataclass import dataclass
from graphc.ir.node import Node, Op

__all__ = [
    "Atom",
    "Bell",
    "Bounds",
    "Combination",
    "Mask",
    "Move",
    "OnePlus",
    "Part",
    "Parts",
    "Powers",
    "Share",
    "ShareOfMany",
    "Term",
    "added",
    "as_form",
    "danger",
    "exponents",
    "mentions",
    "number",
    "one",
    "parted",
    "ratio",
    "scaled",
    "times",
]

#: a sum of nodes, each times a number: what e is raised to
Combination: TypeAlias = Mapping[Node, float]

#: an op that moves elements, and the indices that it reads besides, if any
Move: TypeAlias = tuple[Op, Node | None]


@final
@dataclass(frozen=True)
class OnePlus:
    """1 + e^d."""

    exponent: Combination = field(compare=False)
    key: frozenset[tuple[Node, float]]

    def __hash__(self) -> int:
        return hash(self.key)  # which it keeps


@final
@dataclass(frozen=True)
class Powers:
    """Σ e^u over axes, and then moved.

    shown   u where the sum is repeated along the axes it was taken over, and moved on: beside e^shown it is
            the total of which that is a share; empty before
    """

    exponent: Combination = field(compare=False)
    op: Op
    moves: tuple[Move, ...]
    shown: Combination = field(compare=False)
    key: frozenset[tuple[Node, float]]

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Powers) or self.key != other.key or self.op != other.op:
            return False
        pairs = zip(self.moves, other.moves, strict=False)  # indices are nodes: known by identity
        return len(self.moves) == len(other.moves) and all(x is y and op == by for (op, x), (by, y) in pairs)

    def __hash__(self) -> int:
        return hash(self.key)


@final
@dataclass(frozen=True)
class Mask:
    """1 where a condition holds, else 0, whatever it is multiplied by."""

    condition: Node


#: a factor: known by what it is, or any node
Atom: TypeAlias = Node | OnePlus | Powers | Mask


class Term(NamedTuple):
    """coefficient e^exponent Π atom^power."""

    coefficient: float
    exponent: Combination
    atoms: Mapping[Atom, int]


def number(value: float) -> Term:
    """A number as a term."""
    return Term(value, {}, {})


def one(atom: Atom) -> Term:
    """A factor as a term."""
    return Term(1.0, {}, {atom: 1})


def as_form(term: Term | None) -> tuple[Term] | None:
    """A form of one term, if there is one."""
    return None if term is None else (term,)


def added(x: Combination, y: Combination, factor: float) -> Combination:
    """x + factor y, without what is 0."""
    found = dict(x)
    for node, coefficient in y.items():
        total = found.get(node, 0.0) + factor * coefficient
        if total:
            found[node] = total
        else:
            del found[node]
    return found


def scaled(x: Combination, factor: float) -> Combination:
    """factor x."""
    return {node: factor * coefficient for node, coefficient in x.items()}


def times(x: Term, y: Term, power: int) -> Term | None:
    """x y, or x / y where `power` is -1; None where a factor that may be 0 would cancel, or a number is none."""
    if power < 0 and not y.coefficient:
        return None
    atoms = dict(x.atoms)
    for atom, other in y.atoms.items():
        before = atoms.get(atom, 0)
        after = before + power * other
        if isinstance(atom, Node) and before * power * other < 0:
            return None
        if isinstance(atom, Mask):
            if power < 0:
                return None
            after = 1
        if after:
            atoms[atom] = after
        else:
            del atoms[atom]
    coefficient = x.coefficient * y.coefficient if power > 0 else x.coefficient / y.coefficient
    return Term(coefficient, added(x.exponent, y.exponent, power) if y.exponent else x.exponent, atoms)


def ratio(x: Term, y: Term) -> Term:
    """x by y, as a comparison of the two: whatever is in both counts as 1."""
    atoms = dict(x.atoms)
    for atom, power in y.atoms.items():
        left = atoms.get(atom, 0) - power
        if left:
            atoms[atom] = left
        else:
            del atoms[atom]
    return Term(x.coefficient / y.coefficient, added(x.exponent, y.exponent, -1), atoms)


def exponents(term: Term) -> Iterator[Combination]:
    """What e is raised to anywhere in a term."""
    yield term.exponent
    for atom in term.atoms:
        if isinstance(atom, Powers):
            yield from (atom.exponent, atom.shown)
        elif isinstance(atom, OnePlus):
            yield atom.exponent


def mentions(term: Term, nodes: Set[Node]) -> bool:
    """Whether e is raised to one of these nodes anywhere in a term."""
    for exponent in exponents(term):  # noqa: SIM110  # `any` takes twice as long
        if not nodes.isdisjoint(exponent):
            return True
    return False


# What is never above 1.


@final
@dataclass(frozen=True)
class Share:
    """sigmoid(d), or one by it where `power` is -1."""

    exponent: Combination
    power: int = 1


@final
@dataclass(frozen=True)
class Bell:
    """1 / cosh(u) = 2 e^u / (1 + e^2u), or one by it where `power` is -1."""

    exponent: Combination
    power: int = 1


@final
@dataclass(frozen=True)
class ShareOfMany:
    """e^shown / Σ e^u, or one by it where `power` is -1."""

    total: Powers
    power: int = 1


@final
@dataclass(frozen=True)
class Part:
    """x / length, where |x| <= length."""

    x: Node
    length: Node


Parts: TypeAlias = Sequence[Share | Bell | ShareOfMany | Part]
Bounds: TypeAlias = Mapping[Node, Sequence[Node]]  # lengths -> what is never longer


def parted(term: Term, bounds: Bounds) -> tuple[Parts, Term]:
    """The factors of a term that are never above 1, and those by which it is divided; and what is left."""
    parts: list[Share | Bell | ShareOfMany | Part] = []
    exponent, coefficient = term.exponent, term.coefficient
    left: dict[Atom, int] = {}
    for atom, power in term.atoms.items():
        sign, count = (-1, -power) if power < 0 else (1, power)
        if isinstance(atom, Powers):
            shown = atom.shown
            while count and shown and exponent and _holds(exponent, shown, -sign):
                exponent = added(exponent, shown, sign)
                parts.append(ShareOfMany(atom, -sign))
                count -= 1
            if count:
                left[atom] = sign * count
        elif isinstance(atom, OnePlus):
            d = atom.exponent
            if d.keys() <= exponent.keys():
                while count and _holds(exponent, d, -sign):
                    exponent = added(exponent, d, sign)
                    parts.append(Share(d, -sign))
                    count -= 1
                half = scaled(d, 0.5)
                while count and _holds(exponent, half, -sign):
                    exponent = added(exponent, half, sign)
                    parts.append(Bell(half, -sign))
                    coefficient *= 0.5 if sign < 0 else 2.0
                    count -= 1
            if count:
                parts += [Share(scaled(d, -1), -sign)] * count
        else:
            left[atom] = power
    for length in [atom for atom, power in left.items() if power < 0 and atom in bounds] if bounds else ():
        assert isinstance(length, Node)
        for x in bounds[length]:
            while left.get(x, 0) > 0 and left.get(length, 0) < 0:
                parts.append(Part(x, length))
                _take(left, x, 1)
                _take(left, length, -1)
    return parts, Term(coefficient, exponent, left) if parts else term


def _take(left: dict[Atom, int], atom: Atom, power: int) -> None:
    left[atom] -= power
    if not left[atom]:
        del left[atom]


def _holds(exponent: Combination, part: Combination, sign: int) -> bool:
    """Whether `part` can be taken out of an exponent, which has then less of each of its nodes."""
    for node, coefficient in part.items():  # noqa: SIM110  # `all` takes twice as long
        if sign * exponent.get(node, 0.0) / coefficient < 1:
            return False
    return True


def danger(term: Term, bounds: Bounds) -> int:
    """How many factors of a term may leave the range of floats although the term does not."""
    if not term.exponent:
        for atom in term.atoms:
            if not isinstance(atom, Node) or atom in bounds:
                break
        else:
            return 0
    parts, left = parted(term, bounds)
    found = 0
    if left.exponent:
        rising = sum([coefficient > 0 for coefficient in left.exponent.values()])
        found = max(rising, len(left.exponent) - rising)
    for part in parts:
        if not isinstance(part, Part) and part.power < 0:
            found += 1
    for atom, power in left.atoms.items():
        if isinstance(atom, OnePlus | Powers):
            found += abs(power)
        elif power < 0 and atom in bounds:
            found -= power
    return found
