"""What `show` returns in a terminal and in a notebook."""

from xml.etree import ElementTree

from graphc.inspection.show import show
from graphc.inspection.text import graph_text
from tests.inspection.models import model, perceptron


def test_view_prints_as_text() -> None:
    graph = perceptron()
    view = show(graph)
    assert str(view) == repr(view) == view.text == graph_text(graph)


def test_notebook_shows_picture_and_text() -> None:
    html = show(perceptron())._repr_html_()
    root = ElementTree.fromstring(f"<div>{html}</div>")
    assert [child.tag.rpartition("}")[2] for child in root] == ["svg", "pre"]
    assert root[1].text == graph_text(perceptron())


def test_large_graph_has_text_only() -> None:
    nodes = model("y = input('x')\nfor _ in range(500):\n    y = exp(y)")
    assert show(nodes["y"])._repr_html_().startswith("<pre>")
