"""Applying rules: operands first, until none applies, and only where the type stays."""

import numpy as np
import pytest

import graphc as gx
from graphc.ir.arithmetic import Add, Mul, Neg, Sub
from graphc.ir.graph import Graph
from graphc.ir.node import Node
from graphc.passes.matching import form, hole, on
from graphc.passes.pipeline import Log
from graphc.passes.rewrite import Rewrite, Rule

x = gx.input("x", (3,))


a = hole("a")
neg = form(Neg)

#: x + x = -(-(2 x)), to be rewritten further
DOUBLE = Rule(a + a, neg(neg(a * 2)), exact=True)
TWICE = Rule(neg(neg(a)), a, exact=True)


def rewritten(*outputs: Node, rules: tuple[Rule, ...] = (DOUBLE, TWICE)) -> tuple[Graph, list[str]]:
    log = Log()
    return Rewrite(rules).run(Graph((x,), outputs), log), [note.what for note in log.notes]


def test_what_a_rule_makes_is_rewritten_too() -> None:
    graph, notes = rewritten(gx.exp(x + x))
    assert notes == [DOUBLE.name, TWICE.name]
    assert isinstance(graph.outputs[0].inputs[0].op, Mul)


def test_operands_are_rewritten_first() -> None:
    graph, notes = rewritten(gx.negative(gx.negative(x)) + x)
    assert notes == [TWICE.name, DOUBLE.name, TWICE.name]
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
    wrong = Rule(neg(a), lambda match: match[a].astype("float64"), exact=True, called="wrong")
    with pytest.raises(AssertionError, match="wrong"):
        rewritten(gx.negative(x), rules=(wrong,))


def test_a_replacement_has_the_origin_of_what_it_replaces() -> None:
    y = x + x
    made = Rule(a + a, neg(a), exact=True)
    assert rewritten(y, rules=(made,))[0].outputs[0].origin == y.origin


def test_what_is_written_twice_fills_one_hole() -> None:
    graph, notes = rewritten(gx.exp(x) + gx.exp(x))
    assert notes == [DOUBLE.name, TWICE.name]
    assert graph.count(gx.exp(x).op.__class__) == 1


def test_operands_that_commute_are_tried_in_both_orders() -> None:
    b = hole("b")
    rule = Rule(a + -b, a - b, exact=True)
    for node in (x + -gx.exp(x), -gx.exp(x) + x):
        graph, notes = rewritten(node, rules=(rule,))
        assert notes == ["a + -b = a - b"]
        assert isinstance(graph.outputs[0].op, Sub)
        assert graph.outputs[0].inputs[0] is x


def test_what_rules_make_below_the_replacement_is_rewritten_too() -> None:
    wrapped = Rule(a + a, lambda match: gx.exp(gx.negative(gx.negative(match[a]))), exact=True, called="wrapped")
    graph, notes = rewritten(x + x, rules=(wrapped, TWICE))
    assert notes == ["wrapped", TWICE.name]
    assert graph.outputs[0].inputs == (x,)


def test_rules_that_undo_each_other_are_named() -> None:
    there, back = Rule(neg(a), a * -1, exact=True), Rule(a * -1, neg(a), exact=True)
    with pytest.raises(AssertionError, match="rules undo each other"):
        rewritten(-x, rules=(there, back))


def test_a_form_may_ask_for_the_class_of_some_operand() -> None:
    rule = Rule(on(Add, some=Neg), lambda match: match.node.inputs[0], exact=True, called="first")
    assert rewritten(x + gx.exp(x), rules=(rule,))[1] == []
    assert rewritten(gx.exp(x) + -x, rules=(rule,))[1] == ["first"]


@pytest.mark.parametrize(
    ("rule", "text"),
    [
        (Rule(1 / (1 + a), a - (a - 1), exact=True), "1 / (1 + a) = a - (a - 1)"),
        (Rule(neg(a * 2), neg(a) * 2, exact=True), "-(a * 2) = -a * 2"),
        (Rule(a / (a * a), 1 / a, exact=True), "a / (a * a) = 1 / a"),
    ],
)
def test_the_name_of_a_rule_is_the_identity(rule: Rule, text: str) -> None:
    assert rule.name == text


def test_slices_of_different_arrays_side_by_side_stay() -> None:
    x = gx.input("x", (3,))
    twice = gx.concat((x, x), 0)
    f = gx.compile([x], gx.concat((twice, twice[1:], twice[:2]), 0))
    a = np.arange(3, dtype=np.float32)
    np.testing.assert_array_equal(f(a), [0, 1, 2, 0, 1, 2, 1, 2, 0, 1, 2, 0, 1])


def test_a_product_over_an_open_extent_that_meets_1_stays_a_product() -> None:
    x = gx.input("x", ("n", 1))
    f = gx.compile([x], gx.tanh(gx.exp(x) @ gx.log(x)))
    np.testing.assert_allclose(f(np.full((1, 1), 2, np.float32)), np.tanh(np.exp([[2.0]]) * np.log(2)), rtol=1e-6)
