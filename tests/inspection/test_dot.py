"""Graphs in the DOT language."""

import os
from pathlib import Path

import pytest

from graphc.errors import ArgumentError, UnsupportedError
from graphc.inspection.dot import to_dot
from graphc.ir.graph import Graph
from tests.golden_text import Golden
from tests.inspection.models import model, perceptron


@pytest.fixture
def without_graphviz(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))


@pytest.fixture
def with_graphviz(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A program `dot` that draws the same picture of every graph."""
    program = tmp_path / "dot"
    program.write_text("#!/bin/sh\ncat > /dev/null\necho '<svg/>'\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")


def test_source_of_a_graph_with_gradient_and_update(golden: Golden) -> None:
    nodes = model(
        """
        x = input("x")
        with scope("layer"):
            w = param("w", 1.0)
            y = exp(x * w)
        g = grad(y, w)
        step = w - 0.1 * g
        """
    )
    graph = Graph((nodes["x"],), (nodes["y"],), {nodes["w"]: nodes["step"]})
    golden("inspection/dot", str(to_dot(graph)))


def test_nested_scopes_are_nested_frames() -> None:
    nodes = model(
        """
        x = input("x")
        with scope("a"):
            y = exp(x)
            with scope("b"):
                z = exp(y)
        with scope("c"):
            w = exp(z)
        """
    )
    lines = [line.strip().partition(";")[0] for line in to_dot(nodes["w"]).source.splitlines()]
    frames = [line for line in lines if line.startswith(("subgraph", "label", "}"))]
    assert frames == [
        *("subgraph cluster_1 {", 'label="a"', "subgraph cluster_2 {", 'label="b"', "}", "}"),
        *("subgraph cluster_3 {", 'label="c"', "}", "}"),
    ]


@pytest.mark.usefixtures("with_graphviz")
def test_picture_is_drawn_by_graphviz(tmp_path: Path) -> None:
    dot = to_dot(perceptron())
    assert dot.svg() == "<svg/>\n"
    assert dot._repr_html_() == "<svg/>\n"
    dot.save(tmp_path / "graph.svg")
    assert (tmp_path / "graph.svg").read_text() == "<svg/>\n"


@pytest.mark.usefixtures("without_graphviz")
def test_without_graphviz_the_picture_is_refused_and_the_source_is_not(tmp_path: Path) -> None:
    dot = to_dot(perceptron())
    with pytest.raises(UnsupportedError, match=r"hint: install it, or gx\.to_svg"):
        dot.svg()
    assert dot._repr_html_().startswith("<pre>digraph graphc {")
    dot.save(tmp_path / "graph.dot")
    assert (tmp_path / "graph.dot").read_text() == dot.source


def test_other_formats_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ArgumentError, match=r"graph\.doc"):
        to_dot(perceptron()).save(tmp_path / "graph.doc")
