"""Integer polynomials over opaque unknowns: sums, products, long division, bounds, text and value.

A polynomial is a tuple of terms, the largest monomial first and no coefficient zero, so equal polynomials
are equal tuples and no order depends on hashes or history.  What the unknowns mean is told in `expressions`.
"""

import math
import operator
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Sequence
from dataclasses import field
from functools import partial, reduce
from typing import ClassVar, TypeAlias

from graphc.dataclass import dataclass

__all__ = [
    "Atom",
    "Function",
    "Monomial",
    "Span",
    "Terms",
    "added",
    "atoms",
    "cancelled",
    "divided",
    "extremes",
    "multiplied",
    "power",
    "program",
    "span",
    "times",
    "without",
    "written",
]

Span: TypeAlias = tuple[int | None, int | None]  # least and largest value; None where none is known
Function: TypeAlias = Callable[[int, int], int]


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Atom(ABC):
    """An unknown integer, known by its canonical text: equal texts, equal unknowns.

    `low` and `high` bound its value.  Texts are flat, so comparing deep atoms needs no recursion.
    """

    text: str = field(init=False)
    low: int | None = field(init=False)
    high: int | None = field(init=False)
    rank: ClassVar[int] = 1  # named unknowns, with rank 0, come first
    loose: ClassVar[bool] = False  # its text needs parentheses inside a product

    @abstractmethod
    def operands(self) -> "tuple[Terms, ...]":
        """The polynomials that its value is computed from."""

    def __eq__(self, other: object) -> bool:
        return self is other or (isinstance(other, Atom) and self.text == other.text)

    def __hash__(self) -> int:
        return hash(self.text)

    def __repr__(self) -> str:
        return self.text


Monomial: TypeAlias = tuple[tuple[Atom, int], ...]  # atoms in order, each with its power; () is 1
Terms: TypeAlias = tuple[tuple[Monomial, int], ...]


def order(monomial: Monomial) -> tuple[int, tuple[tuple[int, str, int], ...]]:
    """Sorts monomials from largest to smallest: by degree, then as words.

    Multiplying both sides by a monomial keeps the order, which is what makes long division end.
    """
    if len(monomial) == 1:
        ((atom, exponent),) = monomial
        return -exponent, ((atom.rank, atom.text, -exponent),)
    return -sum(e for _, e in monomial), tuple((atom.rank, atom.text, -e) for atom, e in monomial)


def ordered(coefficients: dict[Monomial, int]) -> Terms:
    """The polynomial with these coefficients."""
    terms = [term for term in coefficients.items() if term[1]]
    if len(terms) > 1:
        terms.sort(key=lambda term: order(term[0]))
    return tuple(terms)


def added(x: Terms, y: Terms) -> Terms:
    """Their sum."""
    coefficients = dict(x)
    for monomial, coefficient in y:
        coefficients[monomial] = coefficients.get(monomial, 0) + coefficient
    if len(coefficients) == len(x):  # no new monomial: still in order
        return tuple([term for term in coefficients.items() if term[1]])
    return ordered(coefficients)


def multiplied(x: Terms, y: Terms) -> Terms:
    """Their product."""
    coefficients: dict[Monomial, int] = {}
    for left, a in x:
        for right, b in y:
            monomial = times(left, right)
            coefficients[monomial] = coefficients.get(monomial, 0) + a * b
    return ordered(coefficients)


def power(x: Terms, exponent: int) -> Terms:
    """x ** exponent, for exponents of 0 and more."""
    result: Terms = (((), 1),)
    for _ in range(exponent):
        result = multiplied(result, x)
    return result


def times(x: Monomial, y: Monomial) -> Monomial:
    """The product of two monomials."""
    if not x or not y:
        return x or y
    powers = dict(x)
    for atom, exponent in y:
        powers[atom] = powers.get(atom, 0) + exponent
    return tuple(sorted(powers.items(), key=lambda factor: (factor[0].rank, factor[0].text)))


def without(monomial: Monomial, factor: Monomial) -> Monomial | None:
    """monomial / factor, or None where that is no monomial."""
    if not factor:
        return monomial
    powers = dict(monomial)
    for atom, exponent in factor:
        if powers.get(atom, 0) < exponent:
            return None
        powers[atom] -= exponent
    return tuple((atom, exponent) for atom, exponent in powers.items() if exponent)


def divided(x: Terms, divisor: Terms) -> tuple[Terms, Terms]:
    """Quotient and remainder: x = quotient * divisor + remainder.  The leading coefficient must be positive.

    In the remainder, a multiple of the leading monomial c * m of the divisor has a coefficient from 0 to
    c - 1.  That makes both unique: adding y * divisor to x adds y to the quotient and nothing else.
    """
    leading, scale = divisor[0]
    assert scale > 0, divisor
    if not leading:
        whole = tuple((monomial, c // scale) for monomial, c in x if c // scale)
        return whole, tuple((monomial, c % scale) for monomial, c in x if c % scale)
    rest = dict(x)
    quotient: dict[Monomial, int] = {}
    waiting = sorted(rest, key=order)
    while waiting:
        monomial = waiting.pop(0)
        factor = without(monomial, leading)
        share = 0 if factor is None else rest.get(monomial, 0) // scale
        if factor is None or not share:
            continue
        quotient[factor] = share
        for other, coefficient in divisor:
            smaller = times(factor, other)
            if smaller not in rest:
                rest[smaller] = 0
                waiting = sorted((*waiting, smaller), key=order)
            rest[smaller] -= share * coefficient
    return ordered(quotient), ordered(rest)


def cancelled(x: Terms, y: Terms) -> tuple[Terms, Terms, Terms]:
    """The largest term that divides every term of both, and x and y without it."""
    if not x:
        return y, (), (((), 1),)
    every = (*x, *y)
    scale = math.gcd(*(coefficient for _, coefficient in every))
    shared = every[0][0]
    for monomial, _ in every[1:]:
        powers = dict(monomial)
        shared = tuple((atom, min(e, powers[atom])) for atom, e in shared if atom in powers)
    if scale == 1 and not shared:
        return (((), 1),), x, y
    return ((shared, scale),), _reduced(x, shared, scale), _reduced(y, shared, scale)


def _reduced(x: Terms, shared: Monomial, scale: int) -> Terms:
    return tuple((without(monomial, shared) or (), coefficient // scale) for monomial, coefficient in x)


def span(x: Terms) -> Span:
    """The least and the largest value that interval arithmetic allows."""
    low: int | None = 0
    high: int | None = 0
    for monomial, coefficient in x:
        bounds: Span = (1, 1)
        for atom, exponent in monomial:
            for _ in range(exponent):
                bounds = extremes(bounds, (atom.low, atom.high))
        least, most = bounds if coefficient > 0 else bounds[::-1]
        low = None if low is None or least is None else low + coefficient * least
        high = None if high is None or most is None else high + coefficient * most
    return low, high


def extremes(x: Span, y: Span) -> Span:
    """Bounds of a product, given those of the factors."""
    (a, b), (c, d) = x, y
    if a is not None and c is not None and a >= 0 and c >= 0:
        if b == 0 or d == 0:
            return 0, 0
        return a * c, None if b is None or d is None else b * d
    if a is None or b is None or c is None or d is None:
        return None, None
    corners = (a * c, a * d, b * c, b * d)
    return min(corners), max(corners)


def atoms(polynomials: Iterable[Terms]) -> list[Atom]:
    """Every atom that they are computed from, once, after the atoms that it is computed from itself."""
    done: dict[Atom, None] = {}
    waiting = [atom for terms in polynomials for monomial, _ in terms for atom, _ in monomial]
    waiting.reverse()
    while waiting:
        atom = waiting[-1]
        inner = [a for terms in atom.operands() for monomial, _ in terms for a, _ in monomial if a not in done]
        if inner and atom not in done:
            waiting.extend(reversed(inner))
        else:
            done[waiting.pop()] = None
    return list(done)


def written(x: Terms, name: Callable[[Atom], str]) -> str:
    """The polynomial as Python writes it, with `name` telling the text of each atom."""
    text = ""
    first = next((i for i, (_, coefficient) in enumerate(x) if coefficient > 0), 0)  # 3 - n, not -n + 3
    for monomial, coefficient in (*x[first : first + 1], *x[:first], *x[first + 1 :]):
        scale = [] if monomial and abs(coefficient) == 1 else [str(abs(coefficient))]
        plain = (1, -1) if text else (1,)  # n - m//2 reads as meant, -m//2 does not
        bare = len(monomial) == 1 and monomial[0][1] == 1 and coefficient in plain
        factors = [_factor(name(atom), exponent, atom.loose and not bare) for atom, exponent in monomial]
        sign = ("" if coefficient > 0 else "-") if not text else (" + " if coefficient > 0 else " - ")
        text += sign + "*".join(scale + factors)
    return text or "0"


def _factor(text: str, exponent: int, enclosed: bool) -> str:
    base = f"({text})" if enclosed else text
    return base if exponent == 1 else f"{base}**{exponent}"


def program(
    polynomials: Sequence[Terms], given: Sequence[Atom], function: Callable[[Atom], Function]
) -> Callable[[Sequence[int]], list[int]]:
    """A function from the values of `given` to those of the polynomials; what they share is computed once.

    `function` tells how the value of any other atom follows from those of its two operands.  Everything is
    numbered once: first the given values, then numbers and steps, each step a function of two earlier places.
    """
    start = [0] * len(given)
    known = {atom: place for place, atom in enumerate(given)}
    numbers: dict[int, int] = {}
    steps: dict[tuple[Function, int, int], int] = {}

    def room(value: int) -> int:
        start.append(value)
        return len(start) - 1

    def step(f: Function, a: int, b: int) -> int:
        if (f, a, b) not in steps:
            steps[f, a, b] = room(0)
        return steps[f, a, b]

    def term(monomial: Monomial, coefficient: int) -> int:
        factors = [known[atom] for atom, exponent in monomial for _ in range(exponent)]
        if coefficient != 1 or not factors:
            if coefficient not in numbers:
                numbers[coefficient] = room(coefficient)
            factors.append(numbers[coefficient])
        return reduce(partial(step, operator.mul), factors)

    def place(x: Terms) -> int:
        return reduce(partial(step, operator.add), [term(*part) for part in x or (((), 0),)])

    for atom in atoms(polynomials):
        if atom not in known:
            known[atom] = step(function(atom), *map(place, atom.operands()))
    results = [place(x) for x in polynomials]
    code = [(f, to, a, b) for (f, a, b), to in steps.items()]
    rest = start[len(given) :]

    def run(values: Sequence[int]) -> list[int]:
        assert len(values) == len(given), (len(values), len(given))
        places = [*values, *rest]
        for f, to, a, b in code:
            places[to] = f(places[a], places[b])
        return [places[result] for result in results]

    return run
