"""Size expressions: polynomials in named symbols, with floordiv, mod, min and max as further unknowns.

An expression is canonical: whatever turns out constant is an int instead, and division takes out all that
divides.  Division rounds down, as Python does.  Rewriting takes no divisor to be 0, where a quotient has no
value, so (12*n)//n is 12: sizes are divided where the divisor divides, in reshape for example.
"""

import math
from abc import abstractmethod
from collections.abc import Callable
from dataclasses import field
from typing import ClassVar, NoReturn, TypeAlias, final

from graphc import polynomials
from graphc.dataclass import dataclass
from graphc.errors import ShapeError
from graphc.polynomials import Atom, Span, Terms

__all__ = [
    "Size",
    "Expression",
    "Symbol",
    "Operation",
    "FloorDiv",
    "Mod",
    "Min",
    "Max",
    "single",
    "unknown",
    "terms_of",
    "size_of",
    "constant_of",
    "written",
    "quotient",
    "remainder",
]


@final
@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Expression:
    """A size that is not a number.  Equal terms, equal sizes.

    terms: (monomial, coefficient), the largest monomial first; monomial: (atom, power), the atoms in order.
    """

    terms: Terms
    _hash: int = field(init=False)

    def __add__(self, other: "Size") -> "Size":
        if isinstance(other, int):
            last, constant = self.terms[-1]
            if last:
                return Expression((*self.terms, ((), int(other)))) if other else self
            constant += other
            return Expression((*self.terms[:-1], ((), constant)) if constant else self.terms[:-1])
        if isinstance(other, Expression):
            return size_of(polynomials.added(self.terms, other.terms))
        return NotImplemented

    def __mul__(self, other: "Size") -> "Size":
        if isinstance(other, int):
            if other == 1 or other == 0:
                return self if other else 0
            return Expression(tuple([(monomial, coefficient * other) for monomial, coefficient in self.terms]))
        if isinstance(other, Expression):
            return size_of(polynomials.multiplied(self.terms, other.terms))
        return NotImplemented

    __radd__ = __add__
    __rmul__ = __mul__

    def __neg__(self) -> "Size":
        return self * -1

    def __sub__(self, other: "Size") -> "Size":
        if isinstance(other, (int, Expression)):
            return self + -other
        return NotImplemented

    def __rsub__(self, other: int) -> "Size":
        if isinstance(other, int):
            return -self + other
        return NotImplemented

    def __pow__(self, exponent: int) -> "Size":
        return size_of(polynomials.power(self.terms, exponent))

    def __floordiv__(self, other: "Size") -> "Size":
        if isinstance(other, (int, Expression)):
            return quotient(self, other)
        return NotImplemented

    def __rfloordiv__(self, other: int) -> "Size":
        if isinstance(other, int):
            return quotient(other, self)
        return NotImplemented

    def __mod__(self, other: "Size") -> "Size":
        if isinstance(other, (int, Expression)):
            return remainder(self, other)
        return NotImplemented

    def __rmod__(self, other: int) -> "Size":
        if isinstance(other, int):
            return remainder(other, self)
        return NotImplemented

    def __eq__(self, other: object) -> bool:
        return self is other or (isinstance(other, Expression) and self.terms == other.terms)

    def __hash__(self) -> int:
        try:
            return self._hash
        except AttributeError:
            object.__setattr__(self, "_hash", hash(self.terms))
            return self._hash

    def __reduce__(self) -> tuple[type["Expression"], tuple[Terms]]:
        return Expression, (self.terms,)  # a hash holds in one process only

    def __repr__(self) -> str:
        return written(self, _text_of)

    def __lt__(self, other: object) -> NoReturn:
        raise _undecided(f"{self} is neither smaller nor larger than another", "gx.minimum or gx.maximum")

    __le__ = __gt__ = __ge__ = __lt__

    def __bool__(self) -> NoReturn:
        raise _undecided(f"{self} is neither true nor false", "gx.minimum, gx.maximum or gx.cond")

    def __index__(self) -> NoReturn:
        raise _undecided(f"{self} is not a number", "the size itself, with + - * // %, gx.minimum and gx.maximum")

    __int__ = __index__


Size: TypeAlias = "int | Expression"


@final
@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Symbol(Atom):
    """A size that is known when a function is called, 0 or more.  Equal names, equal symbols.

    `hint` is a typical value.  It informs decisions, never correctness.
    """

    name: str
    hint: int | None = None
    rank: ClassVar[int] = 0

    def __post_init__(self) -> None:
        if not self.name:
            raise ShapeError("a size has an empty name")
        if self.hint is not None and self.hint < 0:
            raise ShapeError(f"size {self.name!r}: the hint is {self.hint}, and sizes are 0 or more")
        _complete(self, self.name if self.name.isidentifier() else repr(self.name), (0, None))

    def operands(self) -> tuple[Terms, ...]:
        return ()


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Operation(Atom):
    """What no polynomial expresses.  From `//`, `%`, `minimum` and `maximum`, which choose its operands."""

    left: Size
    right: Size
    sign: ClassVar[str]

    def __post_init__(self) -> None:
        text = self.written(_text_of)
        if len(text) > 400:  # an operand used twice doubles the text, level by level
            from hashlib import blake2b  # loads OpenSSL

            text = f"<{blake2b(text.encode(), digest_size=16).hexdigest()}>"
        _complete(self, text, self.bounds(*map(polynomials.span, self.operands())))

    def operands(self) -> tuple[Terms, Terms]:
        return terms_of(self.left), terms_of(self.right)

    def written(self, name: Callable[[Atom], str]) -> str:
        """The operation as Python writes it, with `name` telling the text of each atom."""
        left, right = written(self.left, name), written(self.right, name)
        if not self.loose:
            return f"{self.sign}({left}, {right})"
        if len(terms_of(self.left)) > 1:
            left = f"({left})"
        if not right.isidentifier() and not right.isdigit():
            right = f"({right})"
        return left + self.sign + right

    @abstractmethod
    def bounds(self, left: Span, right: Span) -> Span:
        """Bounds of the value, given those of the operands."""


@final
class FloorDiv(Operation):
    """left / right, rounded down."""

    __slots__ = ()
    sign: ClassVar[str] = "//"
    loose: ClassVar[bool] = True

    def bounds(self, left: Span, right: Span) -> Span:
        (low, high), (least, most) = left, right
        if least is None or least < 0:
            return None, None
        least = max(least, 1)
        bottom = low if low is None else low // least if low < 0 else low // most if most else 0
        top = high if high is None else high // least if high >= 0 else high // most if most else -1
        return bottom, top


@final
class Mod(Operation):
    """What is left of `left` after dividing by `right`."""

    __slots__ = ()
    sign: ClassVar[str] = "%"
    loose: ClassVar[bool] = True

    def bounds(self, left: Span, right: Span) -> Span:
        (low, high), (least, most) = left, right
        if least is None or least < 0:
            return None, None
        tops = (None if low is None or low < 0 else high, most - 1 if most else None)
        return 0, min((top for top in tops if top is not None), default=None)


@final
class Min(Operation):
    """The smaller of the two."""

    __slots__ = ()
    sign: ClassVar[str] = "min"

    def bounds(self, left: Span, right: Span) -> Span:
        (a, b), (c, d) = left, right
        return None if a is None or c is None else min(a, c), d if b is None else b if d is None else min(b, d)


@final
class Max(Operation):
    """The larger of the two."""

    __slots__ = ()
    sign: ClassVar[str] = "max"

    def bounds(self, left: Span, right: Span) -> Span:
        (a, b), (c, d) = left, right
        return c if a is None else a if c is None else max(a, c), None if b is None or d is None else max(b, d)


def single(atom: Atom) -> Expression:
    """The size that is this atom."""
    return Expression(((((atom, 1),), 1),))


def unknown(atom: Atom) -> Size:
    """The size that is this atom, or the one value that its bounds leave."""
    return single(atom) if atom.low is None or atom.low != atom.high else atom.low


def terms_of(size: Size) -> Terms:
    """The polynomial that the size is; a number is a constant one."""
    if isinstance(size, Expression):
        return size.terms
    return (((), size),) if size else ()


def size_of(terms: Terms) -> Size:
    """The size that the polynomial is: a number if it is constant."""
    if terms and terms[0][0]:
        return Expression(terms)
    return terms[0][1] if terms else 0


def constant_of(size: Size) -> int:
    """The term without an atom."""
    if isinstance(size, int):
        return size
    monomial, coefficient = size.terms[-1]
    return 0 if monomial else coefficient


def written(size: Size, name: Callable[[Atom], str]) -> str:
    """The size as Python writes it, with `name` telling the text of each atom."""
    return polynomials.written(terms_of(size), name)


def quotient(left: Size, right: Size) -> Size:
    """left // right.  What divides comes out; only the rest is left to divide."""
    if right == 0:
        raise ShapeError(f"{left} // 0: a size is divided by 0")
    if isinstance(left, int) and isinstance(right, int):
        return left // right
    x, y = terms_of(left), terms_of(right)
    if y[0][1] < 0:
        return quotient(-left, -right)
    if isinstance(right, Expression):
        _, x, y = polynomials.cancelled(x, y)
    whole, rest = polynomials.divided(x, y)
    return _quotient_of_rest(rest, size_of(y)) + size_of(whole) if rest else size_of(whole)


def _quotient_of_rest(rest: Terms, divisor: Size) -> Size:
    """rest // divisor, where no multiple of the divisor is left in the rest."""
    if isinstance(divisor, int):
        shared = _shared_factor(rest, divisor)
        divisor //= shared
        rest = tuple((monomial, c // shared) for monomial, c in rest if c >= shared)  # floors the constant
        slope = next((c for monomial, c in rest if monomial and 2 * c != divisor), 0)
        if 2 * slope > divisor:  # of x and -x, take the one with the smaller coefficient
            return -quotient(divisor - 1 - size_of(rest), divisor)
        match rest:
            case ((((FloorDiv(left=inner, right=int(by)), 1),), 1), *more) if not any(m for m, _ in more):
                return quotient(inner + size_of(tuple(more)) * by, by * divisor)
    return unknown(FloorDiv(size_of(rest), divisor))


def remainder(left: Size, right: Size) -> Size:
    """left % right.  A common factor comes out, and multiples of the divisor are dropped."""
    if right == 0:
        raise ShapeError(f"{left} % 0: a size is divided by 0")
    if isinstance(left, int) and isinstance(right, int):
        return left % right
    factor: Terms = (((), 1),)
    x, y = terms_of(left), terms_of(right)
    if y[0][1] < 0:
        return -remainder(-left, -right)
    if isinstance(right, Expression):
        factor, x, y = polynomials.cancelled(x, y)
    _, rest = polynomials.divided(x, y)
    return _remainder_of_rest(rest, size_of(y)) * size_of(factor) if rest else 0


def _remainder_of_rest(rest: Terms, divisor: Size) -> Size:
    """rest % divisor, where no multiple of the divisor is left in the rest."""
    dividend = size_of(rest)
    low, high = polynomials.span(rest)
    least, _ = polynomials.span(terms_of(divisor))
    if low is not None and high is not None and least is not None and low >= 0 and high < least:
        return dividend
    if isinstance(divisor, int):
        for monomial, c in rest:
            match monomial:
                case ((Mod(left=inner, right=int(by)) as atom, 1),) if c * by % divisor == 0:
                    return remainder(dividend + (inner - single(atom)) * c, divisor)
        shared = _shared_factor(rest, divisor)
        if shared > 1:
            constant = constant_of(dividend) % shared
            return remainder((dividend - constant) // shared, divisor // shared) * shared + constant
        dividend = size_of(tuple((m, c - divisor if m and 2 * c > divisor else c) for m, c in rest))
    return unknown(Mod(dividend, divisor))


def _shared_factor(terms: Terms, divisor: int) -> int:
    """What divides the divisor and every coefficient but the constant."""
    return math.gcd(divisor, *(coefficient for monomial, coefficient in terms if monomial))


def _complete(atom: Atom, text: str, span: Span) -> None:
    object.__setattr__(atom, "text", text)
    object.__setattr__(atom, "low", span[0])
    object.__setattr__(atom, "high", span[1])


def _text_of(atom: Atom) -> str:
    return atom.text


def _undecided(problem: str, instead: str) -> ShapeError:
    return ShapeError(f"the size {problem}: it is known when the function is called", hint=f"use {instead}")
