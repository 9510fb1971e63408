"""Sizes: extents that are numbers, or integer expressions in symbols known when a function is called.

Each symbol is an unknown integer of 0 or more.  What holds for all values of the symbols is decided here;
the rest stays undecided and is checked at the call.
"""

import math
import operator
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import lru_cache
from typing import TypeAlias

from graphc import polynomials
from graphc.errors import ShapeError
from graphc.expressions import (
    Expression,
    FloorDiv,
    Max,
    Min,
    Mod,
    Operation,
    Size,
    Symbol,
    constant_of,
    quotient,
    remainder,
    single,
    size_of,
    terms_of,
    unknown,
    written,
)
from graphc.polynomials import Atom

__all__ = [
    "Size",
    "Expression",
    "Symbol",
    "FloorDiv",
    "Mod",
    "Min",
    "Max",
    "symbol",
    "name_of",
    "minimum",
    "maximum",
    "product",
    "total",
    "lower_bound",
    "upper_bound",
    "equal",
    "symbols_of",
    "substitute",
    "evaluate",
    "estimate",
    "python_text",
    "compiled",
]

Limits: TypeAlias = Sequence[tuple[Size, int]]


def symbol(name: str, hint: int | None = None) -> Expression:
    """The size called `name`."""
    return single(Symbol(name, hint))


def name_of(size: Size) -> str | None:
    """The name of a size that is just a symbol; None for others."""
    found = symbols_of(size)
    return found[0].name if len(found) == 1 and size == single(found[0]) else None


def minimum(a: Size, b: Size) -> Size:
    """The smaller of the two: one of them where that is decided, otherwise an unknown."""
    if isinstance(a, int) and isinstance(b, int):
        return min(a, b)
    ordered = _in_order(a, b)
    return unknown(Min(*sorted((a, b), key=_place))) if ordered is None else ordered[0]


def maximum(a: Size, b: Size) -> Size:
    """The larger of the two: one of them where that is decided, otherwise an unknown."""
    if isinstance(a, int) and isinstance(b, int):
        return max(a, b)
    ordered = _in_order(a, b)
    return unknown(Max(*sorted((a, b), key=_place))) if ordered is None else ordered[1]


def product(sizes: Iterable[Size]) -> Size:
    """All multiplied, 1 for none."""
    result: Size = 1
    for size in sizes:
        result = result * size
    return result


def total(sizes: Iterable[Size]) -> Size:
    """All added up, 0 for none."""
    result: Size = 0
    for size in sizes:
        result = result + size
    return result


def lower_bound(size: Size) -> int | None:
    """A number that the size is never below, whatever its symbols are; None where none is known."""
    return _least(size, effort=2)


def upper_bound(size: Size) -> int | None:
    """A number that the size is never above, whatever its symbols are; None where none is known."""
    low = _least(-size, effort=2)
    return None if low is None else -low


def equal(a: Size, b: Size) -> bool | None:
    """True if the two are equal for all values of the symbols, False if for none, None if undecided."""
    return True if a == b else _is_zero(a - b)


def symbols_of(size: Size) -> tuple[Symbol, ...]:
    """The symbols that it depends on, sorted by name."""
    found = [atom for atom in polynomials.atoms([terms_of(size)]) if isinstance(atom, Symbol)]
    return tuple(sorted(found, key=lambda symbol: symbol.name))


def substitute(size: Size, values: Mapping[str, Size]) -> Size:
    """The size with other sizes in place of the symbols that `values` names."""

    def value(symbol: Symbol) -> Size:
        return values[symbol.name] if symbol.name in values else single(symbol)

    return _rebuilt(size, value, _applied)


def evaluate(size: Size, values: Mapping[str, int]) -> int:
    """Its value, given those of its symbols."""
    result = substitute(size, values)
    if isinstance(result, int):
        return result
    raise ShapeError(f"the size {size} has no value without that of {symbols_of(result)[0]}")


def estimate(size: Size, default: int = 64) -> int:
    """Its value where each symbol has the value of its hint, or `default` if it has none."""
    if isinstance(size, int):
        return size
    hints = {symbol.name: default if symbol.hint is None else symbol.hint for symbol in symbols_of(size)}
    try:
        return evaluate(size, hints)
    except ShapeError:
        return default  # the hints make a divisor 0


def python_text(size: Size, names: Mapping[str, str]) -> str:
    """A Python expression that computes it, with names[symbol.name] standing for each symbol."""
    texts: dict[Atom, str] = {}
    for atom in polynomials.atoms([terms_of(size)]):
        if isinstance(atom, Symbol):
            texts[atom] = names[atom.name]
        elif isinstance(atom, Operation):
            texts[atom] = atom.written(texts.__getitem__)
    return written(size, texts.__getitem__)


def compiled(sizes: Sequence[Size], symbols: Sequence[str]) -> Callable[[Sequence[int]], list[int]]:
    """A function from the values of `symbols`, in that order, to those of `sizes`.

    Equal sizes, and the parts that sizes share, are computed once.
    """
    places: dict[Expression, list[int]] = {}
    for place, size in enumerate(sizes):
        if isinstance(size, Expression):
            places.setdefault(size, []).append(place)
    needed = [size.terms for size in places]
    for atom in polynomials.atoms(needed):
        if isinstance(atom, Symbol) and atom.name not in symbols:
            raise ShapeError(f"the size {atom} is used but not given")
    program = polynomials.program(needed, [Symbol(name) for name in symbols], lambda a: _ON_NUMBERS[type(a)])
    numbers = [0 if isinstance(size, Expression) else size for size in sizes]

    def run(values: Sequence[int]) -> list[int]:
        try:
            computed = program(values)
        except ZeroDivisionError:
            given = ", ".join(f"{Symbol(name)} = {value}" for name, value in zip(symbols, values, strict=True))
            raise ShapeError(f"a size is divided by 0, where {given}") from None
        results = numbers.copy()
        for value, targets in zip(computed, places.values(), strict=True):
            for place in targets:
                results[place] = value
        return results

    return run


_ON_NUMBERS: Mapping[type[Atom], polynomials.Function] = {
    FloorDiv: operator.floordiv,
    Mod: operator.mod,
    Min: min,
    Max: max,
}
_ON_SIZES: Mapping[type[Atom], Callable[[Size, Size], Size]] = {
    FloorDiv: quotient,
    Mod: remainder,
    Min: minimum,
    Max: maximum,
}


def _applied(operation: Operation, left: Size, right: Size) -> Size:
    return _ON_SIZES[type(operation)](left, right)


def _reduced(operation: Operation, left: Size, right: Size) -> Size:
    """The operation in terms of floordiv and minimum(x, 0) alone.

    Too long to read, but more of what is always equal becomes the same expression.
    """
    match operation:
        case FloorDiv() | Mod() if right == 0:
            return single(operation)  # it has no value, which is for the call to say
        case Mod():
            return left - quotient(left, right) * right
        case FloorDiv() if right == 2 and constant_of(left) % 2:
            return left - 1 - quotient(left - 1, 2)  # x//2 + (x + 1)//2 is x
        case Max():
            return left + right - _reduced_minimum(left, right)
        case Min():
            return _reduced_minimum(left, right)
    return _applied(operation, left, right)


def _reduced_minimum(a: Size, b: Size) -> Size:
    difference = a - b
    if isinstance(difference, Expression) and difference.terms[0][1] < 0:
        return a + minimum(-difference, 0)
    return b + minimum(difference, 0)


def _rebuilt(size: Size, leaf: Callable[[Symbol], Size], node: Callable[[Operation, Size, Size], Size]) -> Size:
    """The size computed again, with `leaf` for its symbols and `node` for operations on rebuilt operands."""
    known: dict[Atom, Size] = {}

    def rebuilt(part: Size) -> Size:
        result: Size = 0
        for monomial, coefficient in terms_of(part):
            term: Size = coefficient
            for atom, exponent in monomial:
                term = term * known[atom] ** exponent
            result = result + term
        return result

    for atom in polynomials.atoms([terms_of(size)]):
        if isinstance(atom, Symbol):
            known[atom] = leaf(atom)
        elif isinstance(atom, Operation):
            known[atom] = node(atom, rebuilt(atom.left), rebuilt(atom.right))
    return rebuilt(size)


def _in_order(a: Size, b: Size) -> tuple[Size, Size] | None:
    """The smaller and the larger of the two, or None where that is undecided."""
    low, high = lower_bound(a - b), upper_bound(a - b)
    if low == high == 0:
        a = b = max(a, b, key=_place)  # the same value written twice: the choice must not depend on the order
    if high is not None and high <= 0:
        return a, b
    return (b, a) if low is not None and low >= 0 else None


def _place(size: Size) -> tuple[bool, str]:
    return isinstance(size, int), str(size)


@lru_cache(4096)  # a graph asks the same few questions at every node
def _is_zero(size: Size) -> bool | None:
    """Whether it is 0 for all values of the symbols (True), for none (False), or undecided (None)."""
    verdict = _is_zero_as_written(size)
    return _is_zero_as_written(_rebuilt(size, single, _reduced)) if verdict is None else verdict


def _is_zero_as_written(size: Size) -> bool | None:
    if isinstance(size, int):
        return size == 0
    low, high = lower_bound(size), upper_bound(size)
    if low == high == 0:
        return True
    if (low is not None and low > 0) or (high is not None and high < 0):
        return False
    step = math.gcd(*(coefficient for monomial, coefficient in size.terms if monomial))
    return False if constant_of(size) % step else None


@lru_cache(4096)
def _least(size: Size, effort: int) -> int | None:
    """The best lower bound, from intervals and from putting limits in place of up to `effort` operations.

    What is some multiples of 4 and 6, plus 1, is odd: so the bound is too.
    """
    if isinstance(size, int):
        return size
    bounds = [polynomials.span(size.terms)[0]]
    for monomial, coefficient in size.terms if effort else ():
        for atom, exponent in monomial:
            if exponent > 1 or not isinstance(atom, Operation):
                continue
            others = polynomials.without(monomial, ((atom, 1),)) or ()
            if not _is_counted(size_of(((others, 1),))):
                continue
            factor = size_of(((others, coefficient),))
            rest = size - factor * single(atom)
            for limits in _lower_limits(atom) if coefficient > 0 else _upper_limits(atom):
                lows = [(_least(rest * k + factor * x, effort - 1), k) for x, k in limits]
                cases = [-(-low // k) for low, k in lows if low is not None]
                bounds.append(min(cases) if len(cases) == len(limits) else None)
    low = max((bound for bound in bounds if bound is not None), default=None)
    step = math.gcd(*[coefficient for monomial, coefficient in size.terms if monomial])
    rest = next((coefficient for monomial, coefficient in size.terms if not monomial), 0)
    return low if low is None else low + (rest - low) % step


def _upper_limits(atom: Operation) -> Sequence[Limits]:
    """Groups of (x, k).  In each group, atom * k <= x for at least one pair."""
    left, right = atom.left, atom.right
    match atom:
        case Min():
            return [[(left, 1)], [(right, 1)]]
        case Max():
            return [[(left, 1), (right, 1)]]
        case FloorDiv() if isinstance(right, int) and right > 0:
            return [[(left, right)]]
        case FloorDiv() if _is_counted(left) and _is_counted(right):
            return [[(left, 1)]]
        case Mod() if _is_counted(left) and _is_counted(right):
            return [[(left, 1)], [(right - 1, 1)]]
        case Mod() if _is_counted(right):
            return [[(right - 1, 1)]]
    return []


def _lower_limits(atom: Operation) -> Sequence[Limits]:
    """Groups of (x, k).  In each group, atom * k >= x for at least one pair."""
    left, right = atom.left, atom.right
    match atom:
        case Min():
            return [[(left, 1), (right, 1)]]
        case Max():
            return [[(left, 1)], [(right, 1)]]
        case FloorDiv() if isinstance(right, int) and right > 0:
            return [[(left - right + 1, right)]]
    return []


def _is_counted(size: Size) -> bool:
    """Whether intervals show that it is 0 or more."""
    low, _ = polynomials.span(terms_of(size))
    return low is not None and low >= 0
