"""Graphs of single numbers as formulas."""

import re

import pytest
import sympy

from graphc.errors import ArgumentError, UnsupportedError
from graphc.inspection.symbolic import to_latex, to_sympy
from graphc.ir.node import Node
from tests.inspection.models import model

x, y, z = sympy.symbols("x y z", real=True)


def the_node(lines: str) -> Node:
    """The last node that the lines make."""
    return list(model(lines).values())[-1]


def test_derivatives_of_a_product_with_a_sum() -> None:
    nodes = model(
        """
        x = input("x")
        y = input("y")
        z = input("z")
        f = (x + y) * z
        fx = grad(f, x)
        fz = grad(f, z)
        """
    )
    assert to_sympy(nodes["f"]) == (x + y) * z
    assert str(to_sympy(nodes["fx"])) == "z"
    assert str(to_sympy(nodes["fz"])) == "x + y"
    assert to_latex(nodes["f"]) == r"z \left(x + y\right)"


@pytest.mark.parametrize(
    ("lines", "formula"),
    [
        ("x = input('x')\ny = tanh(x) / 2", sympy.tanh(x) / 2),
        ("x = input('x')\ny = x * x * 0.25 - 3", x**2 / 4 - 3),
        ("x = input('x', (1, 1))\ny = sum(x) * 1.0", x),
        ("x = input('x', (1,))\ny = x.reshape(1, 1).T @ x.reshape(1, 1)", x**2),
        ("x = input('x')\ny = where(x > 0, x, 0.0)", sympy.Piecewise((x, x > 0), (0, True))),
        ("x = input('x')\ny = (x > 0).astype('float32')", sympy.Piecewise((1, x > 0), (0, True))),
        ("x = input('x')\ny = x * symbol('n')", x * sympy.Symbol("n", integer=True, nonnegative=True)),
        ("x = input('x', (1,))\ny = x[0] + param('y', 1.0)", x + y),
    ],
)
def test_formula(lines: str, formula: sympy.Expr) -> None:
    assert to_sympy(the_node(lines)) == formula


@pytest.mark.parametrize("source", ["tanh(x) * exp(x)", "x / (1 + exp(-x))", "where(x > 1, x * x, 2 * x) - x ** 3"])
def test_gradient_is_the_derivative_that_sympy_finds(source: str) -> None:
    nodes = model(f"x = input('x')\nf = {source}\ng = grad(f, x)\nh = grad(g, x)")
    f, g, h = (to_sympy(nodes[name]) for name in "fgh")
    for point in (0.3, 1.7):
        at = {x: sympy.Float(point)}
        assert float(g.subs(at)) == pytest.approx(float(f.diff(x).subs(at)))
        assert float(h.subs(at)) == pytest.approx(float(f.diff(x, 2).subs(at)))


@pytest.mark.parametrize(
    ("number", "text"),
    [
        ("0.5", "x + 1/2"),
        ("0.1", "x + 0.1"),
        ("2.0", "x + 2"),
        ("1e-8", "x + 1.0e-8"),
        ("1 / 3", "x + 0.33333334"),
    ],
)
def test_numbers_are_written_as_people_write_them(number: str, text: str) -> None:
    assert str(to_sympy(the_node(f"x = input('x')\ny = x + {number}"))) == text


def test_integers_are_integers() -> None:
    formula = to_sympy(the_node("n = input('n', (), 'int64')\nm = n * 2 + 1"))
    assert formula.is_integer


def test_node_of_many_elements_is_refused_by_name_and_line() -> None:
    problem = "no formula: input x, made at model.py:1, is f32[n], not a single number"
    with pytest.raises(UnsupportedError, match=re.escape(problem)):
        to_sympy(the_node("x = input('x', (symbol('n'),))\ny = sum(x)"))


def test_several_results_are_refused_by_op() -> None:
    node = the_node("x = input('x', (1,))\ny, i = max_with_index(x)")
    with pytest.raises(UnsupportedError, match=f"no formula: {node.inputs[0].op.name}"):
        to_sympy(node)


def test_truth_values_have_formulas() -> None:
    lines = "n = input('n', (), 'int64')\nm = (n > 0) & (n < 5)"
    n = sympy.Symbol("n", integer=True)
    assert to_sympy(the_node(lines)) == sympy.And(n > 0, n < 5)


def test_two_inputs_of_one_name_are_refused() -> None:
    with pytest.raises(ArgumentError, match="two nodes are called x"):
        to_sympy(the_node("x = input('x')\ny = input('x') - x"))


def test_deep_graph_is_refused() -> None:
    deep = "x = input('x')\nfor _ in range(5_000):\n    x = tanh(x)"
    for convert in (to_sympy, to_latex):
        with pytest.raises(UnsupportedError, match="too deeply"):
            convert(the_node(deep))


def test_formula_that_doubles_with_every_node_is_refused_as_text() -> None:
    doubling = "x = input('x')\nfor _ in range(60):\n    x = tanh(x) * exp(x)"
    with pytest.raises(UnsupportedError, match="repeats what is shared"):
        to_latex(the_node(doubling))


@pytest.mark.parametrize(
    ("name", "latex"),
    [
        ("alpha", r"\alpha"),
        ("w_1", "w_{1}"),
        ("encoder.weight", r"\text{encoder.weight}"),
        ("a b", r"\text{a b}"),
        (r"\input{x}", r"\text{\textbackslash{}input\{x\}}"),
        ("50%\n", r"\text{50\%\textbackslash{}n}"),
        ("__import__('os')", r"\text{\_\_import\_\_('os')}"),
    ],
)
def test_names_in_latex(name: str, latex: str) -> None:
    node = the_node(f"x = input({name!r})")
    assert to_latex(node) == latex
    assert to_sympy(node) == sympy.Symbol(name, real=True)
