"""Ops from SymPy expressions: one node, shared parts, conventions at kinks, and what is refused."""

import subprocess
import sys
from collections.abc import Callable

import numpy as np
import pytest
import sympy

from graphc.autodiff.reverse import placeholder
from graphc.errors import ArgumentError, UnsupportedError
from graphc.ir.kinds import Elementwise
from graphc.ir.node import Node
from graphc.kernel.buffer import Buffer, Role
from graphc.kernel.scalar import Call, Fn, Let, Load, Scalar
from graphc.kernel.scalar import Formula as Lets
from graphc.ops.formula import op
from graphc.types import TensorType
from tests.case import Array
from tests.test_cases import nodes_for, run
from tests.test_conventions import slopes


def array(*shape: int, dtype: str = "float32") -> Node:
    """An input."""
    return placeholder(TensorType(shape, np.dtype(dtype)))


def lets_of(node: Node) -> list[Let]:
    """The scalar formula of an elementwise node."""
    assert isinstance(node.op, Elementwise)
    formula = Lets()
    loads = [formula.add(Load(Buffer(Role.INPUT, x.dtype, ()), (), x.dtype)) for x in node.inputs]
    node.op.scalar(*(Scalar(formula, number) for number in loads))
    return formula.lets


def functions_of(node: Node) -> list[Fn]:
    """The functions that it calls, in order."""
    return [let.fn for let in lets_of(node) if isinstance(let, Call)]


def slope_of(node: Node, place: int = 0) -> Node:
    """The derivative with respect to one operand."""
    assert isinstance(node.op, Elementwise)
    found = node.op.partials(node, *node.inputs)[place]
    assert found is not None
    return found


def test_a_formula_is_one_node() -> None:
    swish = op("swish", lambda x: x / (1 + sympy.exp(-x)))
    node = swish(array(3))
    assert (node.op.text(), len(node.inputs), node.shape) == ("swish", 1, (3,))
    assert functions_of(node) == [Fn.NEG, Fn.EXP, Fn.ADD, Fn.DIV, Fn.MUL]


def test_derivatives_are_formulas_named_by_what_they_are_derived_by() -> None:
    area = op("area", lambda width, height: sympy.sin(width * height))
    node = area(array(3), array(3))
    assert slope_of(node, 1).op.text() == "area[dheight]"
    assert slope_of(slope_of(node, 1)).op.text() == "area[dheight,dwidth]"


def test_a_derivative_reads_only_what_occurs_in_it() -> None:
    x, y = array(3), array(3)
    node = op("sum", lambda x, y: x**3 + sympy.sin(y))(x, y)
    assert slope_of(node).inputs == (x,)


def test_what_stands_twice_is_computed_once() -> None:
    node = op("twice", lambda x: sympy.tanh(x) * sympy.sin(sympy.tanh(x)))(array(3))
    assert functions_of(node).count(Fn.TANH) == 1
    assert functions_of(slope_of(slope_of(node))).count(Fn.TANH) == 1


def test_nothing_is_expanded() -> None:
    def nested(x: sympy.Expr) -> sympy.Expr:
        for _ in range(20):
            x = (x + 1) ** 2
        return x

    node = op("nested", nested)(array(3))
    assert len(lets_of(node)) < 50
    assert len(lets_of(slope_of(slope_of(node)))) < 500


def test_small_powers_are_products() -> None:
    node = op("power", lambda x: x**5 + 1 / sympy.sqrt(x))(array(3))
    assert Fn.POW not in functions_of(node)


def test_equal_formulas_are_equal_ops() -> None:
    first, second = (op(name, lambda x: x * sympy.tanh(x))(array(3)) for name in ("one", "two"))
    assert first.op == second.op
    assert first.op != op("one", lambda x: x + sympy.tanh(x))(array(3)).op


def test_operands_broadcast_and_promote() -> None:
    node = op("mean", lambda x, y: (x + y) / 2)(array(3, 1), array(4, dtype="float64"))
    assert str(node.type) == "f64[3,4]"
    assert str(op("half", lambda x: x / 2)(array(3, dtype="int32")).type) == "f32[3]"
    assert str(op("mean", lambda x, y: (x + y) / 2)(array(3, dtype="float16"), 2.0).type) == "f16[3]"


@pytest.mark.parametrize(
    ("formula", "x", "slope"),
    [
        (sympy.Abs, 0.0, 0.0),
        (sympy.sign, 0.0, 0.0),
        (lambda x: sympy.Max(x, 0), 0.0, 0.5),
        (lambda x: sympy.Min(x, 1), 1.0, 0.5),
        (lambda x: sympy.Piecewise((x, x > 0), (0, True)), 0.0, 0.0),
        (lambda x: x ** sympy.Float(2.5), 0.0, 0.0),
        (sympy.floor, 0.5, 0.0),
    ],
    ids=["abs", "sign", "max", "min", "piecewise", "power", "floor"],
)
def test_slopes_at_kinks(formula: Callable[[sympy.Expr], sympy.Expr], x: float, slope: float) -> None:
    (found,) = slopes(op("kink", lambda x: formula(x)), [x])
    assert found.item() == slope


def test_three_that_are_equal_share_the_slope() -> None:
    found = slopes(op("largest", sympy_max), [1.0, 2.0], [1.0, 2.0], [1.0, 0.0])
    np.testing.assert_allclose(found, [[1 / 3, 1 / 2], [1 / 3, 1 / 2], [1 / 3, 0.0]])


def sympy_max(x: sympy.Expr, y: sympy.Expr, z: sympy.Expr) -> sympy.Expr:
    """The largest of three."""
    return sympy.Max(x, y, z)


def test_a_power_of_zero_has_the_limit_of_its_slope() -> None:
    by_base, by_exponent = slopes(op("power", lambda x, y: x**y), [0.0, 0.0], [2.0, 1.0])
    assert by_base.tolist() == [0.0, 1.0]
    assert by_exponent.tolist() == [0.0, 0.0]


def test_no_piece_is_nan() -> None:
    node = op("piece", lambda x: sympy.Piecewise((x, x > 0)))
    assert np.isnan(value(node, [-1.0, 1.0])).tolist() == [True, False]


def value(function: Callable[[Node], Node], x: list[float]) -> Array:
    """The value of a function at `x`."""
    arrays = [np.array(x)]
    nodes = nodes_for(arrays)
    return run([function(nodes[0])], nodes, arrays)[0]


@pytest.mark.parametrize(
    ("formula", "problem"),
    [
        ("x * exp(x)", "the formula is a str"),
        (lambda x: "x * exp(x)", "returns a str, not a SymPy expression"),
        (lambda x: x > 0, "not a SymPy expression"),
        (lambda x: x + sympy.Symbol("y"), "has a symbol 'y' that is no parameter"),
        (lambda x, y: x, "does not use its parameter 'y'"),
        (lambda *x: x[0], "takes one or more operands, by position"),
        (lambda: sympy.Integer(1), "takes one or more operands, by position"),
    ],
    ids=["text", "returned text", "condition", "unknown", "unused", "many", "none"],
)
def test_a_formula_is_a_sympy_expression_of_its_parameters(formula: Callable[..., object], problem: str) -> None:
    with pytest.raises(ArgumentError) as caught:
        op("wrong", formula)
    assert problem in str(caught.value)
    assert "test_formula.py" in str(caught.value)


@pytest.mark.parametrize(
    ("formula", "name"),
    [
        (sympy.LambertW, "LambertW"),
        (lambda x: sympy.I * x, "ImaginaryUnit"),
        (lambda x: sympy.Function("exp")(x), "exp"),
        (lambda x: sympy.Integral(sympy.exp(-(x**2)), x), "Integral"),
        (lambda x: x * sympy.Integer(10) ** 400, "a number of 401 digits"),
    ],
    ids=["LambertW", "complex", "undefined", "integral", "large"],
)
def test_what_has_no_scalar_form_is_refused(formula: Callable[..., object], name: str) -> None:
    with pytest.raises(UnsupportedError, match=name):
        op("wrong", lambda x: formula(x))


def test_a_formula_is_called_with_as_many_operands_as_it_has() -> None:
    with pytest.raises(ArgumentError, match=r"area takes 2 operands \(width, height\), not 1"):
        op("area", lambda width, height: width * height)(array(3))


def test_sympy_is_loaded_with_the_first_formula() -> None:
    program = "import sys, graphc.ops.formula; sys.exit('sympy' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
