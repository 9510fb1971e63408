"""Graphs as networks of networkx."""

import networkx

from graphc.inspection.listing import listing_of
from graphc.inspection.networks import to_networkx
from graphc.ir.graph import Graph
from tests.inspection.models import model, perceptron


def test_nodes_and_edges_are_those_of_the_graph() -> None:
    graph = perceptron()
    network = to_networkx(graph)
    assert set(network.nodes) == set(range(len(graph.nodes)))
    assert network.number_of_edges() == sum(len(node.inputs) for node in graph.nodes)
    assert networkx.is_directed_acyclic_graph(network)


def test_numbers_are_those_of_the_text() -> None:
    graph = perceptron()
    network = to_networkx(graph)
    listing = listing_of(graph)
    for node in graph.nodes:
        assert network.nodes[listing.numbers[node]]["op"] == node.op.text()


def test_attributes() -> None:
    nodes = model("x = input('x', (3,))\nwith scope('s'):\n    y = exp(x) * x\ng = grad(sum(y), x)")
    network = to_networkx([nodes["y"], nodes["g"]])
    assert network.nodes[0] == {
        "op": "input",
        "kind": "input",
        "type": "f32[3]",
        "name": "x",
        "file": "model.py",
        "line": 1,
        "scope": "",
        "merged": "",
        "derived": "",
        "output": False,
        "sets": "",
    }
    derived = [data for _, data in network.nodes(data=True) if data["derived"] and data["kind"] == "derived"]
    assert derived
    assert all(data["derived"].startswith("grad of ") for data in derived)
    assert sum(data["output"] for _, data in network.nodes(data=True)) == 2


def test_operands_keep_their_positions() -> None:
    nodes = model("x = input('x')\ny = input('y')\nz = (x - y) * (x - y)")
    network = to_networkx(nodes["z"])
    edges = sorted((a, b, data["operand"]) for a, b, data in network.edges(data=True) if b == 2)
    assert edges == [(0, 2, 0), (1, 2, 1)]


def test_variable_that_a_value_sets_is_named() -> None:
    nodes = model("x = input('x')\nw = param('w', 1.0)")
    network = to_networkx(Graph((nodes["x"],), (), {nodes["w"]: nodes["x"]}))
    assert [network.nodes[number]["sets"] for number in network] == ["w", ""]
