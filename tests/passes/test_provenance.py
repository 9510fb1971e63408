"""What a pass merges or replaces can be found from what it keeps."""

import numpy as np
import pytest

import graphc as gx
from graphc.inspection.listing import Kind
from graphc.origin import Origin, merged
from graphc.passes.fold import FoldConstants
from graphc.passes.fold_arrays import FoldArrays
from graphc.passes.pipeline import Log, Record
from graphc.passes.rewrite import Rewrite
from graphc.passes.share import ShareSubexpressions
from graphc.passes.soundness import require_provenance, require_sound
from graphc.passes.standard import ALL_RULES
from graphc.passes.throughout import bodies_of


def lines(node: gx.Node) -> list[str]:
    """The source of every line behind a node."""
    return [origin.source() for origin in node.origin.behind()]


def rules(node: gx.Node) -> list[str]:
    """Every rule behind a node."""
    return [derivation.rule for origin in node.origin.behind() for derivation in origin.derived_from]


def found(graph: gx.Graph, op: str) -> gx.Node:
    """The only node of an op."""
    (node,) = (node for node in graph.nodes if node.op.name == op)
    return node


def shared(*outputs: gx.Node) -> gx.Graph:
    return ShareSubexpressions().run(gx.Graph((), outputs), Log())


def rewritten(*outputs: gx.Node) -> gx.Graph:
    return Rewrite(ALL_RULES).run(gx.Graph((), outputs), Log())


def test_a_shared_node_leads_to_both_lines_and_to_the_rule() -> None:
    x = gx.input("x")
    wave = gx.sin(x)
    written = gx.cos(x)
    cosine = found(shared(gx.grad(wave, x), written), "cos")
    assert sorted(lines(cosine)) == ["wave = gx.sin(x)", "written = gx.cos(x)"]
    assert rules(cosine) == ["grad of sin"]
    assert Kind.of(cosine) is Kind.FORWARD


def test_three_equal_nodes_lead_to_three_lines_and_readers_read_the_kept_one() -> None:
    x = gx.input("x")
    one = gx.exp(x)
    two = gx.tanh(gx.exp(x))
    three = gx.exp(x)
    graph = shared(one, two, three)
    assert len(lines(found(graph, "exp"))) == 3
    assert found(graph, "tanh").inputs == (graph.outputs[0],) == (graph.outputs[2],)


def test_what_a_rule_takes_apart_is_behind_what_it_makes() -> None:
    x, i = gx.input("x", ("n", 3)), gx.input("i", ("n", 1), "int64")
    y = gx.exp(x)
    picked = gx.take_along_axis(y, i, 1)
    graph = rewritten(picked)
    assert lines(graph.outputs[0]) == ["picked = gx.take_along_axis(y, i, 1)", "y = gx.exp(x)"]


def test_what_becomes_a_node_that_is_there_is_behind_it() -> None:
    x = gx.input("x")
    y = gx.exp(x)
    minus = -y
    plus = -minus
    again = plus * 1
    graph = rewritten(again, y + 1)
    exp = found(graph, "exp")
    assert sorted(lines(exp)) == ["again = plus * 1", "minus = -y", "plus = -minus", "y = gx.exp(x)"]
    assert graph.outputs[0] is exp
    assert graph.outputs[1].inputs[0] is exp


def test_what_equals_a_node_that_became_another_is_behind_that() -> None:
    x = gx.input("x", 3)
    once = gx.abs(x)
    twice = gx.abs(once)
    thrice = gx.abs(twice)
    after = gx.compile(x, thrice).trace["rewrite"].after
    assert isinstance(after, gx.Graph)
    (found,) = after.outputs
    assert {origin.source() for origin in found.origin.behind()} == {
        "once = gx.abs(x)",
        "twice = gx.abs(once)",
        "thrice = gx.abs(twice)",
    }


def test_what_a_rule_makes_keeps_its_lines_when_its_operands_are_rewritten() -> None:
    x = gx.input("x", (3,))
    y = gx.exp(x)
    wide = gx.broadcast_to(y, (2, 3))
    minus = -wide
    plus = -minus
    (root,) = rewritten(plus).outputs
    found = {"minus = -wide", "plus = -minus", "wide = gx.broadcast_to(y, (2, 3))"}
    assert set(lines(root)) >= found


def test_all_of_a_sum_that_a_rule_takes_apart_is_behind_what_it_makes() -> None:
    t = gx.input("t", (5,))
    slope = gx.grad(gx.exp(t[0]) + gx.sum(gx.sin(t[1:-1])) + gx.tanh(t[-1]), t)
    before = gx.Graph((t,), (slope,))
    after = Rewrite(ALL_RULES).run(before, Log())
    require_provenance(Record("rewrite", before, after, 0.0, ()))
    assert set(rules(after.outputs[0])) >= {"grad of slice", "grad of pick"}


def test_what_is_hoisted_from_a_loop_leads_to_lines_of_the_user_in_it() -> None:
    x, w = gx.input("x", (4, 3)), gx.input("w", (3,))
    last, _ = gx.scan(lambda h, row: (h + row * gx.exp(w), h), w, x)
    after = gx.compile([x, w], last).trace["hoist"].after
    assert isinstance(after, gx.Graph)
    require_sound(after)
    inner = [node for body in bodies_of(after) for node in body.inputs]
    assert {origin.source() for node in inner for origin in node.origin.behind()} == {
        "last, _ = gx.scan(lambda h, row: (h + row * gx.exp(w), h), w, x)"
    }


def test_what_became_equal_where_it_was_stabilised_leads_to_both_lines() -> None:
    x = gx.input("x", (3,))
    logs = gx.log_softmax(x, 0)
    first = gx.argmax(logs, 0)
    again = gx.argmax(gx.log_softmax(logs, 0), 0)
    record = gx.compile(x, [first, again]).trace["stabilise"]
    require_provenance(record)
    assert isinstance(record.after, gx.Graph)
    one, other = record.after.outputs
    assert one is other
    assert set(lines(one)) >= {"first = gx.argmax(logs, 0)", "again = gx.argmax(gx.log_softmax(logs, 0), 0)"}


def test_an_input_stays_the_node_that_it_was() -> None:
    x = gx.input("x")
    assert rewritten(x * 1).outputs == (x,)


def test_a_folded_constant_leads_to_every_line_that_went_into_it() -> None:
    one = gx.constant(2.0) * 3.0
    two = gx.exp(one)
    three = two + one
    (constant,) = FoldConstants().run(gx.Graph((), (three,)), Log()).outputs
    assert sorted(lines(constant)) == ["one = gx.constant(2.0) * 3.0", "three = two + one", "two = gx.exp(one)"]


def test_a_folded_array_leads_to_every_line_that_went_into_it() -> None:
    table = gx.constant(np.arange(3.0))
    doubled = table * 2.0
    total = gx.sum(doubled * table)
    (constant,) = FoldArrays().run(gx.Graph((), (total,)), Log()).outputs
    assert set(lines(constant)) == {"doubled = table * 2.0", "total = gx.sum(doubled * table)"}


def test_origins_of_what_was_merged_twice_are_listed_once() -> None:
    a, b, c = (Origin("net.py", line, "f") for line in (1, 2, 3))
    both = merged(a, [b])
    assert list(merged(both, [c, b, both]).behind()) == [a, b, c]
    assert merged(a, [a]) is a


def test_a_long_chain_of_merges_is_neither_slow_nor_deep() -> None:
    y = gx.input("x")
    y = gx.exp(y)
    for _ in range(20_000):
        y = gx.negative(-(y * 1))
    graph = rewritten(y)
    assert len(graph.nodes) == 2
    assert len(lines(graph.outputs[0])) == 2


def test_the_user_line_of_every_merged_node_stands_in_the_source_and_in_the_text() -> None:
    x = gx.input("x", ("n",))
    wave = gx.sum(gx.sin(x))
    written = gx.cos(x)
    f = gx.compile([x], [gx.grad(wave, x), written])
    assert "wave = gx.sum(gx.sin(x))  (grad of sin)" in f.source
    assert "written = gx.cos(x)" in f.source
    text = str(gx.show(f.trace["share"].after))
    assert f"also test_provenance.py:{written.origin.line}" in text
    np.testing.assert_array_equal(*f(np.ones(3, np.float32)))


def test_an_index_checked_once_for_two_lines_names_both() -> None:
    table, i = gx.param("table", np.zeros((4, 2))), gx.input("i", ("n",), "int64")
    first = gx.take(table, i, axis=0)
    second = gx.take(table, i, axis=0)
    f = gx.compile([i], first + second)
    with pytest.raises(gx.IndexRangeError) as caught:
        f([7])
    assert "first = gx.take" in str(caught.value)
    assert "second = gx.take" in str(caught.value)
