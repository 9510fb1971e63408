"""Graphs as text."""

import sympy

import graphc as gx
from graphc.inspection.text import graph_text
from graphc.ir.graph import Graph
from tests.golden_text import Golden
from tests.inspection.models import model, perceptron


def test_loss_with_gradient_and_update(golden: Golden) -> None:
    golden("inspection/perceptron", graph_text(perceptron()))


def test_second_derivative_names_the_rule_and_the_node_it_was_applied_to(golden: Golden) -> None:
    nodes = model(
        """
        x = input("x")
        y = tanh(x) * x
        first = grad(y, x)
        second = grad(first, x)
        """
    )
    golden("inspection/second_derivative", graph_text([nodes["y"], nodes["first"], nodes["second"]]))


def test_gradient_alone_names_the_op_and_line_of_what_is_not_shown() -> None:
    nodes = model("x = input('x')\nz = input('z')\ny = (x + x) * z\ng = grad(y, x)")
    assert "grad of input %0" in graph_text([nodes["y"], nodes["g"]])
    assert "grad of input at model.py:1" in graph_text(nodes["g"])


def test_constants_sizes_and_several_results(golden: Golden) -> None:
    nodes = model(
        """
        x = input("x", (symbol("n"), 3))
        c = constant(np.array([0.1, 0.2, 0.3], np.float32))
        table = constant(np.zeros((4, 3), np.float32))
        scaled = x * c * symbol("n") + 1e-8
        cut = where(scaled > 0.0, scaled, 0.5) + sum(table)
        """
    )
    golden("inspection/constants", graph_text(nodes["cut"]))


def test_same_graph_has_the_same_text() -> None:
    assert graph_text(perceptron()) == graph_text(perceptron())


def test_source_line_is_written_once_in_a_row() -> None:
    nodes = model("x = input('x')\ny = exp(exp(exp(x)))")
    assert graph_text(nodes["y"]).count("y = exp(exp(exp(x)))") == 1


def test_every_line_ends_with_text() -> None:
    assert all(line == line.rstrip() for line in graph_text(perceptron()).splitlines())


def test_nothing_returns_nothing() -> None:
    assert graph_text(Graph((), ())) == "return"


def test_long_operand_list_does_not_widen_the_other_lines() -> None:
    nodes = model("xs = [input(f'x{i}') for i in range(100)]\ny = stack(xs)")
    *lines, last, _ = graph_text(nodes["y"]).splitlines()
    assert max(map(len, lines)) < 100
    assert "%197 %199" in last


def test_long_chain_is_printed_without_recursion() -> None:
    nodes = model("y = input('x')\nfor _ in range(20_000):\n    y = exp(y)")
    lines = graph_text(nodes["y"]).splitlines()
    assert len(lines) == 20_002
    assert lines[-1] == "return %20000"


def test_a_tangent_of_a_gradient_that_is_not_shown_leads_on_to_the_forward_node() -> None:
    x, v = gx.input("x"), gx.input("v")
    y = gx.tanh(x)
    assert "tangent of tanh %" in graph_text(gx.jvp(y, x, v))
    assert "tangent of mul from grad of exp %" in graph_text(gx.hvp(gx.tanh(x) * gx.exp(x), x, v))


def test_a_jacobian_is_a_batch_of_the_gradient() -> None:
    x = gx.input("x", ("n",))
    y = gx.tanh(x)
    text = graph_text(gx.jacobian(y, x))
    assert "batch of mul from grad of tanh %" in text
    assert "jacobian of tanh %" in text


def test_a_rule_that_differentiates_what_it_made_is_one_rule() -> None:
    x, v = gx.input("x", (3,)), gx.input("v", (3,))
    y = gx.cumprod(x)
    text = graph_text([y, gx.jvp(y, x, v)])
    assert "tangent of cumprod %" in text
    assert "placeholder" not in text
    assert "grad of" not in text


def test_what_passes_made_of_a_forward_node_is_found() -> None:
    x = gx.input("x")
    y = gx.tanh(x * 1)
    f = gx.compile([x], [y, gx.grad(y, x)])
    shared = f.trace["rewrite"].after
    assert isinstance(shared, Graph)
    assert "grad of tanh %1" in graph_text(shared)


def test_a_formula_and_its_derivatives_are_written_out_once() -> None:
    x = gx.input("x", ())
    swish = gx.op("swish", lambda u: u / (1 + sympy.exp(-u)))
    y = swish(x)
    lines = str(gx.show([y, gx.grad(y, x), swish(2 * x)])).splitlines()
    assert lines[-2:] == ["with swish(u) = u*sigmoid(u)", "with swish[du](u) = u*sigmoid(-u)*sigmoid(u) + sigmoid(u)"]
