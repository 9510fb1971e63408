"""Applying rules: operands first, until none applies, and only where the type stays."""

import numpy as np
import pytest

import graphc as gx
from graphc.ir.apply import apply
from graphc.ir.arithmetic import Add, Mul, Neg
from graphc.ir.graph import Graph
from graphc.ir.node import Node
from graphc.passes.pipeline import Log
from graphc.passes.rewrite import Rewrite, Rule

x = gx.input("x", (3,))


def to_product(node: Node) -> Node | None:
    """x + x = -(-(2 x)), to be rewritten further."""
    one, other = node.inputs
    return gx.negative(gx.negative(one * 2)) if one is other else None


def without_both(node: Node) -> Node | None:
    (inner,) = node.inputs
    return inner.inputs[0] if isinstance(inner.op, Neg) else None


DOUBLE = Rule("x + x", Add, to_product, exact=True)
TWICE = Rule("-(-x)", Neg, without_both, exact=True)


def rewritten(*outputs: Node, rules: tuple[Rule, ...] = (DOUBLE, TWICE)) -> tuple[Graph, list[str]]:
    log = Log()
    return Rewrite(rules).run(Graph((x,), outputs), log), [note.what for note in log.notes]


def test_what_a_rule_makes_is_rewritten_too() -> None:
    graph, notes = rewritten(gx.exp(x + x))
    assert notes == ["x + x", "-(-x)"]
    assert isinstance(graph.outputs[0].inputs[0].op, Mul)


def test_operands_are_rewritten_first() -> None:
    graph, notes = rewritten(gx.negative(gx.negative(x)) + x)
    assert notes == ["-(-x)", "x + x", "-(-x)"]
    assert isinstance(graph.outputs[0].op, Mul)


def test_the_form_before_stays_as_it_was() -> None:
    y = gx.exp(x + x)
    before = Graph((x,), (y,))
    Rewrite((DOUBLE,)).run(before, Log())
    assert before.outputs == (y,)
    assert isinstance(y.inputs[0].op, Add)


def test_a_graph_without_left_sides_keeps_its_nodes() -> None:
    y = gx.exp(x) * x
    graph, notes = rewritten(y)
    assert (graph.outputs, notes) == ((y,), [])


def test_updates_are_rewritten() -> None:
    w = gx.param("w", np.ones(3, "float32"))
    graph = Rewrite((TWICE,)).run(Graph((x,), (), {w: gx.negative(gx.negative(w * x))}), Log())
    assert isinstance(graph.updates[w].op, Mul)


def test_a_rule_that_changes_the_dtype_is_found_out() -> None:
    wrong = Rule("wrong", Neg, lambda node: node.inputs[0].astype("float64"), exact=True)
    with pytest.raises(AssertionError, match="wrong"):
        rewritten(gx.negative(x), rules=(wrong,))


def test_a_replacement_has_the_origin_of_what_it_replaces() -> None:
    y = x + x
    made = Rule("x + x", Add, lambda node: apply(Neg(), node.inputs[0]), exact=True)
    assert rewritten(y, rules=(made,))[0].outputs[0].origin == y.origin
