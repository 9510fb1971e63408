"""Every function of the kernel language means in SymPy what it means in a kernel."""

from collections.abc import Sequence

import numpy as np
import pytest
import sympy

from graphc.inspection.formulas import on_numbers, on_truths
from graphc.kernel.meaning import value_of
from graphc.kernel.scalar import COMPARISONS, Fn
from graphc.kernel.signatures import SIGNATURES
from graphc.types import BOOL, INT64, as_dtype

FLOAT64 = as_dtype("float64")
ON_BITS = {Fn.AND, Fn.OR, Fn.XOR, Fn.NOT}
CHOICES = {Fn.WHERE, Fn.RARELY}
RANDOM = {Fn.PHILOX32, Fn.PHILOX64}
ON_COMPLEX = {Fn.REAL, Fn.IMAG, Fn.CONJ, Fn.COMPLEX}

DOMAINS = {
    Fn.ERFINV: (0.3, -0.6),
    Fn.ASIN: (0.3, -0.6),
    Fn.ACOS: (0.3, -0.6),
    Fn.ATANH: (0.3, -0.6),
    Fn.ACOSH: (1.5, 2.5),
}
POSITIVE = {Fn.SQRT, Fn.LOG, Fn.LOG2, Fn.LOG10, Fn.LOG1P, Fn.POW, Fn.POLYGAMMA}


def points(fn: Fn, arity: int) -> list[tuple[float, ...]]:
    """Some operands at which the function is defined; halves, both signs and ties among them."""
    ones = DOMAINS.get(fn, (0.5, 1.5, 2.5, 0.7) if fn in POSITIVE else (0.5, 1.5, -2.5, -0.7, 1.2))
    if "f" not in SIGNATURES[fn].accepts:
        return [(x, y) for x in (3, -9, 40) for y in (0, 1, 4)]
    match arity:
        case 1:
            return [(x,) for x in ones]
        case 2 if fn is Fn.POLYGAMMA:
            return [(float(n), x) for n in (1, 2) for x in ones]
        case 2:
            return [(x, y) for x in ones for y in ones]
    return [(x, y, 0.25) for x in ones for y in ones]


def value(expression: sympy.Basic) -> float:
    return float(bool(expression)) if expression in (sympy.true, sympy.false) else float(expression)


def test_tables_are_complete() -> None:
    assert set(on_numbers()) == set(Fn) - ON_BITS - ON_COMPLEX - RANDOM - {Fn.CAST, Fn.BITS, Fn.TWO_OVER_PI}
    assert set(on_truths()) >= ON_BITS


@pytest.mark.parametrize("fn", [fn for fn in on_numbers() if fn not in CHOICES], ids=lambda fn: fn.value)
def test_function_of_numbers(fn: Fn) -> None:
    arity = SIGNATURES[fn].arity
    of = FLOAT64 if "f" in SIGNATURES[fn].accepts else INT64
    dtype = BOOL if fn in COMPARISONS else of
    xs = sympy.symbols("x y z", real=True)[:arity]
    formula = on_numbers()[fn](*xs)
    for point in points(fn, arity):
        if fn is Fn.POLYGAMMA:
            exact = on_numbers()[fn](int(point[0]), sympy.Float(point[1]))
        else:
            exact = formula.subs(dict(zip(xs, map(sympy.Float, point), strict=True)))
        meant = value_of(fn, [of.type(x) for x in point], dtype)
        assert value(exact) == pytest.approx(float(meant), rel=1e-9), point


def truths(arity: int) -> Sequence[tuple[bool, ...]]:
    return [tuple(bool(bits >> place & 1) for place in range(arity)) for bits in range(2**arity)]


@pytest.mark.parametrize("fn", on_truths(), ids=lambda fn: fn.value)
def test_function_of_truth_values(fn: Fn) -> None:
    xs = sympy.symbols("a b c")[: SIGNATURES[fn].arity + (fn in CHOICES)]
    formula = on_truths()[fn](*xs)
    for point in truths(len(xs)):
        found = formula.subs(dict(zip(xs, map(sympy.sympify, point), strict=True)))
        assert value(found) == float(value_of(fn, [np.bool_(bit) for bit in point], BOOL)), point


def test_where_picks() -> None:
    x = sympy.Symbol("x", real=True)
    formula = on_numbers()[Fn.WHERE](x > 0, x, -x)
    assert formula.subs(x, 3) == formula.subs(x, -3) == 3
