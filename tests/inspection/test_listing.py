"""What a listing takes, in which order it shows nodes, and how it refers to them."""

from dataclasses import dataclass

import pytest

from graphc.errors import ArgumentError
from graphc.inspection.listing import Kind, Listing, Showable, listing_of
from graphc.ir.apply import apply
from graphc.ir.arithmetic import Spread
from graphc.ir.graph import Graph
from graphc.ir.leaves import full
from graphc.types import as_dtype
from tests.inspection.models import model, perceptron


@dataclass(frozen=True)
class Compiled:
    """What `gx.compile` returns has a graph."""

    graph: Graph


def test_node_sequence_graph_and_compiled_function_are_listed() -> None:
    nodes = model("x = input('x')\ny = exp(x)")
    x, y = nodes["x"], nodes["y"]
    graph = Graph((x,), (y,))
    shown: list[Showable] = [y, [y], (y, None), {"y": [y]}, graph, Compiled(graph)]
    for one in shown:
        assert listing_of(one).nodes == (x, y)


@pytest.mark.parametrize("shown", [1, "x", [1], {"a": object()}, type])
def test_other_things_raise(shown: Showable) -> None:
    with pytest.raises(ArgumentError, match="has no graph"):
        listing_of(shown)


def test_thing_whose_graph_is_none_of_ours_raises() -> None:
    @dataclass(frozen=True)
    class Network:
        graph: dict[str, str]

    with pytest.raises(ArgumentError, match="a Network has no graph"):
        listing_of(Network({}))  # type: ignore[arg-type]


def test_nested_structure_keeps_its_order() -> None:
    nodes = model("a = input('a')\nb = input('b')\nc = input('c')")
    a, b, c = nodes["a"], nodes["b"], nodes["c"]
    assert listing_of({"x": [c, (a,)], "y": b}).graph.outputs == (c, a, b)


def test_operands_come_first_and_numbers_count_from_zero() -> None:
    listing = Listing(perceptron())
    assert [listing.numbers[node] for node in listing.nodes] == list(range(len(listing.nodes)))
    for node, number in listing.numbers.items():
        placed = [x for x in node.inputs if listing.is_placed(x)]
        assert all(listing.numbers[x] < number for x in placed)


def test_inputs_come_first_even_if_unused() -> None:
    nodes = model("a = input('a')\nb = input('b')\ny = exp(b)")
    a, b, y = nodes["a"], nodes["b"], nodes["y"]
    assert Listing(Graph((a, b), (y,))).nodes == (a, b, y)


def test_variable_that_is_set_but_not_read_is_listed() -> None:
    nodes = model("w = param('w', 1.0)\nx = input('x')")
    listing = Listing(Graph((nodes["x"],), (), {nodes["w"]: nodes["x"]}))
    assert listing.nodes == (nodes["x"], nodes["w"])


def test_number_is_written_where_it_is_read_unless_it_is_a_result() -> None:
    nodes = model("x = input('x')\nc = constant(0.5)\ny = x * c")
    y, c = nodes["y"], nodes["c"]
    inline = y.inputs[1]
    listing = listing_of(y)
    assert not listing.is_placed(inline)
    assert listing.operand(inline, y) == "0.5"
    assert listing_of([y, c]).is_placed(c)


def test_number_of_another_shape_than_its_reader_says_its_type() -> None:
    node = apply(Spread((2, 3), (0,)), full((3,), 0.5, as_dtype("float32")))
    assert listing_of(node).operand(node.inputs[0], node) == "0.5:f32[3]"


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("x", Kind.INPUT),
        ("w", Kind.VARIABLE),
        ("c", Kind.CONSTANT),
        ("y", Kind.FORWARD),
        ("g", Kind.DERIVED),
    ],
)
def test_kind(name: str, kind: Kind) -> None:
    lines = "x = input('x')\nw = param('w', 1.0)\nc = constant(2.0)\ny = exp(x * w)\ng = grad(y, w)"
    assert Kind.of(model(lines)[name]) is kind
