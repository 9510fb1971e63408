"""Formulas that carry roundings along: when they do, what they cost, and that nothing else changes."""

from collections.abc import Callable, Sequence
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
import sympy

import graphc as gx
from graphc.ir.node import Node
from graphc.kernel.buffer import Buffer, Role
from graphc.kernel.meaning import value_of
from graphc.kernel.scalar import Call, Const, Fn, Load, Scalar
from graphc.kernel.scalar import Formula as Lets
from graphc.ops.corrections import corrected
from graphc.ops.formula import Formula
from graphc.ops.rounding import roundings
from graphc.types import DTYPES
from tests.case import Array
from tests.ops.activations import ACTIVATIONS

HOSTILE = (0.0, -0.0, 1e-300, -1e-300, 5e-324, 1e-8, 40.0, -40.0, 400.0, -400.0, 1e40, 1e160, -1e160, 1e300, -1e300)
ENDS = (np.inf, -np.inf, np.nan)
F64 = DTYPES["float64"]


def with_slopes(name: str, x: Node) -> list[Node]:
    """An activation and its three derivatives."""
    results = [gx.op(name, ACTIVATIONS[name])(x)]
    for _ in range(3):
        results.append(gx.grad(gx.sum(results[-1]), x, unconnected="zero"))
    return results


def lets_of(formula: Callable[[Any], Any], dtype: str) -> list[Fn]:
    """The functions that a formula of one operand calls."""
    node = gx.op("f", formula)(gx.input("x", (3,), dtype))
    assert isinstance(node.op, Formula)
    lets = Lets()
    operand = lets.add(Load(Buffer(Role.INPUT, np.dtype(dtype), ()), (), np.dtype(dtype)))
    node.op.scalar(Scalar(lets, operand))
    return [let.fn for let in lets.lets if isinstance(let, Call)]


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_corrections_make_no_nan(name: str) -> None:
    at = np.array([*HOSTILE, *ENDS])
    x = gx.input("x", at.size, "float64")
    for node in with_slopes(name, x):
        if isinstance(node.op, Formula):
            careful = gx.compile([x], node)(at)
            plain = evaluated(node.op, at)
            np.testing.assert_array_equal(np.isnan(careful), np.isnan(plain))
            np.testing.assert_array_equal(np.isinf(careful), np.isinf(plain))


def evaluated(op: Formula, at: Array) -> Array:
    """A formula as it is written, in float64."""
    lets = Lets()
    operand = lets.add(Load(Buffer(Role.INPUT, F64, (), 0), (), F64))
    result = op.plain(Scalar(lets, operand)).number
    return np.array([value_at(lets, result, [point]) for point in at])


def value_at(formula: Lets, result: int, at: Sequence[float] | Array) -> Any:
    """One let of a formula of operands, as the kernel language means it."""
    values: list[Any] = []
    for let in formula.lets:
        match let:
            case Call(fn=fn, args=args, dtype=dtype):
                values.append(value_of(fn, [values[arg] for arg in args], dtype))
            case Load(buffer=buffer):
                values.append(np.float64(at[buffer.slot]))
            case Const(value=value, dtype=dtype):
                values.append(dtype.type(value))
    return values[result]


def test_a_formula_that_loses_little_is_computed_as_it_is_written() -> None:
    assert lets_of(lambda x: x / (1 + sympy.exp(-x)), "float64") == [Fn.NEG, Fn.EXP, Fn.ADD, Fn.DIV, Fn.MUL]


def test_float32_is_widened_only_where_much_is_lost() -> None:
    def cancelling(x: Any) -> Any:
        return (sympy.sin(x) - x * sympy.cos(x)) * sympy.exp(sympy.sin(3 * x)) - x

    assert Fn.CAST not in lets_of(lambda x: x * sympy.tanh(x), "float32")
    assert lets_of(cancelling, "float32").count(Fn.CAST) == 2
    assert len(lets_of(cancelling, "float32")) < 15 < len(lets_of(cancelling, "float64"))


@pytest.mark.parametrize(
    "formula",
    [lambda x, y: x * y + x, lambda x, y: x / y - y, lambda x, y: (x + y) * (x - y)],
    ids=["product", "quotient", "sums"],
)
def test_a_carried_formula_is_rounded_once(formula: Callable[[Any, Any], Any]) -> None:
    rng = np.random.default_rng(0)
    lets = Lets()
    x, y = (Scalar(lets, lets.add(Load(Buffer(Role.INPUT, F64, (), slot), (), F64))) for slot in range(2))
    plain = formula(x, y).number
    every = frozenset(number for number, let in enumerate(lets.lets) if isinstance(let, Call))
    careful = corrected(lets.lets[: plain + 1], plain, [x, y], every, {}).number
    for at in rng.standard_normal((100, 2)):
        exact = formula(*map(Fraction, at))
        assert value_at(lets, careful, at) == float(exact)


def test_small_integers_lose_nothing() -> None:
    lets = Lets()
    x = Scalar(lets, lets.add(Load(Buffer(Role.INPUT, F64, ()), (), F64)))
    result = (3 * x.call(Fn.FLOOR) - 7) * x.call(Fn.SIGN)
    found = roundings(lets.lets, result.number, [np.linspace(-9.3, 9.1, 50)], {})
    assert found.bound == 0


def test_to_sympy_shows_the_formula_without_corrections() -> None:
    x = gx.input("x", (), "float64")
    node = gx.op("lisht", lambda x: x * sympy.tanh(x))(x)
    slope = gx.grad(gx.grad(node, x), x)
    t = sympy.Symbol("x", real=True)
    difference = gx.to_sympy(slope) - sympy.diff(t * sympy.tanh(t), t, 2)
    assert float(difference.subs(t, sympy.Rational(7, 10)).evalf(30)) == pytest.approx(0, abs=1e-25)
