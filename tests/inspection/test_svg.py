"""Pictures drawn without another program."""

from xml.etree import ElementTree

import pytest

from graphc.errors import UnsupportedError
from graphc.inspection.listing import listing_of
from graphc.inspection.svg import to_svg
from graphc.ir.graph import Graph
from tests.inspection.models import model, perceptron

SVG = "{http://www.w3.org/2000/svg}"


def test_every_node_is_a_box_with_its_number_and_line() -> None:
    graph = perceptron()
    boxes = list(ElementTree.fromstring(to_svg(graph)).iter(f"{SVG}g"))
    listing = listing_of(graph)
    assert len(boxes) == len(listing.nodes)
    for node, box in zip(listing.nodes, boxes, strict=True):
        texts = [text.text or "" for text in box.iter(f"{SVG}text")]
        assert texts[1].split()[0] == listing.reference(node)
        assert node.origin.place() in (box.findtext(f"{SVG}title") or "")


def test_boxes_lie_inside_the_picture_and_do_not_overlap() -> None:
    picture = ElementTree.fromstring(to_svg(perceptron()))
    width, height = float(picture.get("width", 0)), float(picture.get("height", 0))
    places = [
        tuple(float(rect.get(name, 0)) for name in ("x", "y", "width", "height"))
        for box in picture.iter(f"{SVG}g")
        for rect in box.iter(f"{SVG}rect")
    ]
    for number, (x, y, w, h) in enumerate(places):
        assert x >= 0
        assert y >= 0
        assert x + w <= width
        assert y + h <= height
        for a, b, c, d in places[:number]:
            assert x + w <= a or a + c <= x or y + h <= b or b + d <= y


def test_picture_of_nothing_is_a_picture() -> None:
    ElementTree.fromstring(to_svg(Graph((), ())))


def test_same_graph_has_the_same_picture() -> None:
    assert to_svg(perceptron()) == to_svg(perceptron())


def test_large_graph_is_refused() -> None:
    nodes = model("y = input('x')\nfor _ in range(500):\n    y = exp(y)")
    with pytest.raises(UnsupportedError, match="501 nodes; the limit is 400"):
        to_svg(nodes["y"])
