"""Identities of arithmetic."""

import math

from graphc.ir.apply import apply
from graphc.ir.arithmetic import Cast, Div, Mul, Neg, Sub
from graphc.ir.complex import Complex, Conj, Imag, Real
from graphc.ir.leaves import uniform
from graphc.ir.node import Node
from graphc.ir.operands import cast
from graphc.ops.elementwise import StopGradient
from graphc.passes.matching import Hole, Match, form, hole, on
from graphc.passes.pipeline import Spill
from graphc.passes.rewrite import Rule
from graphc.passes.rules.constants import CONSTANTS
from graphc.passes.rules.holes import (
    complex_,
    filled,
    is_ordinary,
    like,
    number,
    ordered,
    real,
    truth,
    whole,
    whole_number,
)
from graphc.types import BOOL, DType, is_complex, is_floating, is_integer

__all__ = ["ARITHMETIC"]


def _inverse(match: Match) -> Node | None:
    """x / 2^k = x 2^-k: both are the same number, rounded once."""
    divisor = filled(match, c)
    if abs(math.frexp(divisor)[0]) != 0.5:
        return None
    inverse = like(match[c], 1 / divisor)
    return apply(Mul(), match[r], inverse) if is_ordinary(uniform(inverse), inverse.dtype) else None


def _with_sign(match: Match) -> Node:
    """A constant with the other sign, in the place of a negation."""
    hole = c if c in match.found else k
    return like(match[hole], -filled(match, hole))


def _through(match: Match) -> Node | None:
    """A cast of a cast is one, where the dtype between the two holds all that comes through."""
    start, between, end = match[x].dtype, match[inner].dtype, match.node.dtype
    if match[x].tensor.weak or not (_holds(between, start, end) or _wraps(start, between, end)):
        return None
    return match[x] if start == end else apply(Cast(end), match[x])


def _part(match: Match, hole: Hole) -> Node:
    """A part of a complex number, whose parts may be wider than what they were made of."""
    return cast(match[hole], match.node.dtype)


def _quotient(match: Match) -> Node | None:
    """x * (1 / y) = x / y, unless the quotient is there for others, which a product costs less."""
    return apply(Div(), match[r], match[y]) if match.alone_reads(match[quotient]) else None


def _holds(wide: DType, dtype: DType, end: DType) -> bool:
    """Whether a dtype has every value of another, and what becomes of these does not depend on it."""
    if is_complex(wide):
        wide_part = wide.itemsize // 2
        return (is_floating(dtype) and dtype.itemsize <= wide_part) or (
            is_complex(dtype) and dtype.itemsize <= wide.itemsize
        )
    if dtype == BOOL:
        return wide != BOOL
    if is_integer(dtype):
        if is_integer(wide):
            room = 8 * wide.itemsize - (wide.kind == "i")
            return room >= 8 * dtype.itemsize - (dtype.kind == "i") and not (dtype.kind == "i" and wide.kind == "u")
        return is_floating(wide) and 8 * dtype.itemsize - (dtype.kind == "i") <= _digits(wide)
    if is_integer(end):  # what an integer has no room for, each float makes something else of
        return False
    return (
        is_floating(dtype) and is_floating(wide) and _digits(wide) >= _digits(dtype) and wide.itemsize > dtype.itemsize
    )


def _digits(dtype: DType) -> int:
    """Binary digits of a float."""
    return {"bfloat16": 8, "float16": 11, "float32": 24, "float64": 53}[dtype.name]


def _wraps(start: DType, between: DType, end: DType) -> bool:
    """Whether all are integers, and what the one between cuts off the last one cuts off as well."""
    return all(map(is_integer, (start, between, end))) and between.itemsize >= end.itemsize


x, y, z = hole("x"), hole("y"), complex_("z")
r, n, b = real("x"), whole("n"), truth("b")
c, k = number("c"), whole_number("k")
u = ordered("x")  # of bools x + x is x
inner, quotient = hole("cast(x)", Cast), hole("1 / y", Div)
neg, stop_gradient = form(Neg), form(StopGradient)
real_, imag, conj, complex_of = form(Real), form(Imag), form(Conj), form(Complex)

#: of complex z, whose parts the product takes four times, one with an imaginary part of 0
_OF_COMPLEX = "saves a pass; keeps a part beside an infinite one, which the product makes nan"
_ZEROS = "saves a pass; 0.0 is left where there was -0.0"

ARITHMETIC = (
    Rule(neg(neg(x)), x, exact=True),
    Rule(r * 1, r, exact=True),
    Rule(r * -1, -r, exact=True),
    Rule(r / 1, r, exact=True),
    Rule(r / -1, -r, exact=True),
    Rule(z * 1, z, exact=False, because=_OF_COMPLEX),
    Rule(z / 1, z, exact=False, because=_OF_COMPLEX),
    Rule(n * 0, lambda match: like(match.node, 0), exact=True, called="n * 0 = 0"),
    Rule(n - n, lambda match: like(match.node, 0), exact=True, called="n - n = 0"),
    Rule(n + 0, n, exact=True),
    Rule(n - 0, n, exact=True),
    Rule(b + b, b, exact=True),
    Rule(b * b, b, exact=True),
    Rule(u + u, u * 2, exact=True),
    Rule(x + -y, x - y, exact=True),
    Rule(x - -y, x + y, exact=True),
    Rule(-x * -y, x * y, exact=True),
    Rule(-r / -y, r / y, exact=True),
    Rule(-r * c, lambda match: apply(Mul(), match[r], _with_sign(match)), exact=True, called="-x * c = x * -c"),
    Rule(-n * k, lambda match: apply(Mul(), match[n], _with_sign(match)), exact=True, called="-n * k = n * -k"),
    Rule(-r / c, lambda match: apply(Div(), match[r], _with_sign(match)), exact=True, called="-x / c = x / -c"),
    Rule(c / -r, lambda match: apply(Div(), _with_sign(match), match[r]), exact=True, called="c / -x = -c / x"),
    Rule(neg(r * c), lambda match: apply(Mul(), match[r], _with_sign(match)), exact=True, called="-(x * c) = x * -c"),
    Rule(neg(n * k), lambda match: apply(Mul(), match[n], _with_sign(match)), exact=True, called="-(n * k) = n * -k"),
    Rule(neg(r / c), lambda match: apply(Div(), match[r], _with_sign(match)), exact=True, called="-(x / c) = x / -c"),
    Rule(neg(c / r), lambda match: apply(Div(), _with_sign(match), match[r]), exact=True, called="-(c / x) = -c / x"),
    Rule(neg(k - n), lambda match: apply(Sub(), match[n], match[k]), exact=True, called="-(k - n) = n - k"),
    Rule(r / c, _inverse, exact=True, called="x / 2^k = x * 2^-k"),
    Rule(stop_gradient(x), x, exact=True),
    Rule(on(Cast, on(Cast, x, called=inner)), _through, exact=True, called="cast(cast(x)) = cast(x)"),
    Rule(x + 0, x, exact=False, because="saves a pass; keeps a -0.0 that the sum would lose"),
    Rule(x - 0, x, exact=False, because="saves a pass; 0.0 - -0.0 stays what it was"),
    Rule(neg(x - y), y - x, exact=False, because=_ZEROS),
    Rule(r / (1 / y), r * y, exact=False, because="a product instead of two quotients", spill=Spill.LESS),
    Rule(
        r * on(Div, 1, y, called=quotient),
        _quotient,
        exact=False,
        because="one pass and one rounding instead of two",
        called="x * (1 / y) = x / y",
        spill=Spill.LESS,
    ),
    Rule(conj(conj(z)), z, exact=True),
    Rule(real_(complex_of(x, y)), lambda match: _part(match, x), exact=True, called="real(complex(x, y)) = x"),
    Rule(imag(complex_of(x, y)), lambda match: _part(match, y), exact=True, called="imag(complex(x, y)) = y"),
    Rule(complex_of(real_(z), imag(z)), z, exact=True),
    Rule(real_(conj(z)), real_(z), exact=True),
    Rule(imag(conj(z)), -imag(z), exact=True),
    *CONSTANTS,
)
