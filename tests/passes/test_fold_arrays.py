"""Small arrays of constants fold; large ones, and those that a call may find wrong, do not."""

import numpy as np
import pytest

import graphc as gx
from graphc.ir.graph import Graph
from graphc.ir.leaves import ConstantValue
from graphc.passes.fold_arrays import FoldArrays
from graphc.passes.pipeline import Log

TABLE = np.arange(6, dtype="float32").reshape(2, 3)


def folded(*outputs: gx.Node, inputs: tuple[gx.Node, ...] = (), limit: int = 4096, budget: int = 16384) -> Graph:
    return FoldArrays(limit, budget).run(Graph(inputs, outputs), Log())


def test_what_constants_decide_is_one_constant() -> None:
    c = gx.constant(TABLE)
    x = gx.input("x", (2, 3))
    graph = folded(x * gx.sqrt(c + 1.0), inputs=(x,))
    product = graph.outputs[0]
    (other,) = (node for node in product.inputs if isinstance(node.op, ConstantValue))
    np.testing.assert_array_equal(other.op.array, np.sqrt(TABLE + 1))  # type: ignore[attr-defined]


def test_a_movement_of_a_constant_stays_a_view() -> None:
    x = gx.input("x", (3, 2))
    sum_of = x + gx.transpose(gx.constant(TABLE))
    assert folded(sum_of, inputs=(x,)).outputs[0] is sum_of


@pytest.mark.parametrize(
    "make",
    [
        lambda c: gx.sum(c, axis=1),
        lambda c: c @ gx.transpose(c),
        lambda c: gx.cumsum(c, axis=0),
        lambda c: gx.concat([c, c * 2.0]),
        lambda c: gx.argmax(c, axis=1),
    ],
)
def test_ops_of_every_kind_fold_to_their_value(make: object) -> None:
    assert callable(make)
    y: gx.Node = make(gx.constant(TABLE)) + 1
    graph = folded(y)
    assert isinstance(graph.outputs[0].op, ConstantValue)
    np.testing.assert_allclose(gx.compile([], y)(), gx.compile([], y, level=0)(), rtol=1e-6)


def test_an_array_above_the_limit_is_left() -> None:
    y = gx.sqrt(gx.constant(TABLE))
    assert folded(y, limit=5).outputs[0] is y
    assert folded(y, limit=6).outputs[0] is not y


def test_an_array_of_too_many_bytes_is_left() -> None:
    y = gx.sqrt(gx.constant(TABLE))
    for largest, is_left in ((23, True), (24, False)):
        graph = FoldArrays(largest=largest).run(Graph((), (y,)), Log())
        assert (graph.outputs[0] is y) == is_left


def test_a_constant_is_an_argument_of_the_source_and_no_part_of_its_text() -> None:
    texts = []
    for n in (300, 100_000):  # 1,200 bytes, and more than any source has
        x = gx.input("x", (n,))
        texts.append(gx.compile([x], x + gx.constant(np.linspace(0, 1, n, dtype="float32")), backend="numpy").source)
    short, long = (text.replace("100000", "300").replace("400000", "1200") for text in texts)
    assert len(long) < len(short) + 100


def test_a_product_of_many_terms_is_left() -> None:
    c = gx.constant(TABLE)
    y = gx.transpose(c) @ c  # 3 * 3 * 2 products
    assert folded(y, limit=17).outputs[0] is y
    assert folded(y, limit=18).outputs[0] is not y


def test_the_budget_of_a_graph_is_kept() -> None:
    ones = [gx.sqrt(gx.constant(TABLE + number)) for number in range(3)]
    graph = folded(*ones, budget=13)
    assert [isinstance(y.op, ConstantValue) for y in graph.outputs] == [True, True, False]


def test_what_open_sizes_shape_is_left() -> None:
    n = gx.size("n")
    y = gx.broadcast_to(gx.constant(np.float32(2.0)), (n,)) * 3.0
    x = gx.input("x", (n,))
    f = gx.compile([x], y + x)
    np.testing.assert_array_equal(f(np.zeros(4, "float32")), np.full(4, 6, "float32"))


def test_an_index_that_a_call_finds_wrong_is_found_wrong_by_the_call() -> None:
    table = gx.constant(TABLE)
    f = gx.compile([], gx.take(table, gx.constant(np.array([5])), axis=0))
    with pytest.raises(gx.IndexRangeError):
        f()


def test_the_folded_constant_leads_to_the_users_line() -> None:
    y = gx.sqrt(gx.constant(TABLE))
    log = Log()
    graph = FoldArrays().run(Graph((), (y,)), log)
    assert graph.outputs[0].origin.place() == y.origin.place()
    assert [note.what for note in log.notes] == ["sqrt of constants"]


def test_no_rows_of_an_open_length_are_not_folded() -> None:
    x = gx.input("x", ("m", "n"))
    none = gx.ones_like(x)[0:0]
    f = gx.compile(x, [none, gx.sum(gx.tanh(none))])
    rows, total = f(np.zeros((3, 2), "float32"))
    assert (rows.shape, float(total)) == ((0, 2), 0.0)
