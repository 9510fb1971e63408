"""What `show` returns in a terminal and in a notebook."""

import re
from xml.etree import ElementTree

import numpy as np
import pytest

import graphc as gx
from graphc.display import Displayed
from graphc.inspection.show import show
from graphc.inspection.text import graph_text
from tests.golden_text import Golden
from tests.inspection.models import model, perceptron


def step(evil: str = "x") -> gx.CompiledFunction:
    """A step of gradient descent that checks an index, with a name of the caller's."""
    x, i = gx.input(evil, ("batch", 3)), gx.input("i", ("batch",), "int64")
    w = gx.param(f"{evil}w", np.ones((3, 4), np.float32))
    loss = gx.nn.softmax_cross_entropy(gx.tanh(x @ w), i)
    return gx.compile([x, i], loss, updates={w: w - 0.1 * gx.grad(loss, w)})


def test_view_prints_as_text() -> None:
    graph = perceptron()
    view = show(graph)
    assert str(view) == repr(view) == view.text == graph_text(graph)


def test_function_begins_with_what_it_takes_gives_sets_and_costs() -> None:
    f = step()
    summary, _, listing = str(show(f)).partition("\n\n")
    lines = dict(line.split(None, 1) for line in summary.splitlines() if line[0] != " ")
    assert lines["inputs"] == "x f32[batch,3], i i64[batch]"
    assert lines["outputs"] == "f32[]"
    assert lines["variables"] == "xw f32[3,4]"
    assert lines["sets"] == "xw"
    assert lines["steps"] == f.program.contents
    assert all(line in summary for line in str(f.memory(batch=64)).splitlines())
    assert "where batch = 64" in summary
    assert re.fullmatch(r"in [\d.,]+ ms for llvm", lines["compiled"])
    assert listing == graph_text(f.graph)


def test_memory_of_a_function_is_that_of_the_hints() -> None:
    x = gx.input("x", (gx.size("n", hint=1000),))
    f = gx.compile([x], gx.sum(gx.cumsum(x)))
    assert str(f.memory(n=1000)).splitlines()[0] in str(show(f))
    assert "where n = 1000" in str(show(f))


def test_program_has_buffers_steps_and_the_commit_point() -> None:
    f = step()
    text = str(show(f.program))
    assert "input x0: f32[batch,3], 12*batch bytes" in text
    assert "variable w0: f32[3,4], 48 bytes" in text
    assert "\ncommit\n" in text
    assert "step 0: " in text
    assert "(grad of " in text
    assert str(show(f.trace["reuse"].after)) == text


def test_partition_has_one_line_per_unit_and_says_who_reads_it(golden: Golden) -> None:
    nodes = model(
        """
        x = input("x", (symbol("n"), 3))
        w = param("w", np.ones((3, 4), np.float32))
        h = tanh(matmul(x, w))
        y = sum(h * h, 1)
        z = sum(h)
        """
    )
    f = gx.compile([nodes["x"]], [nodes["y"], nodes["z"]])
    golden("inspection/partition", str(show(f.trace["fuse"].after)))


@pytest.mark.parametrize("stage", ["share", "fuse", "lower", "reuse"])
def test_forms_of_a_large_graph_are_short_in_a_list(stage: str) -> None:
    x = gx.input("x", (3,))
    y = x
    for _ in range(1000):
        y = gx.tanh(y) + gx.cumsum(y)
    f = gx.compile([x], y)
    for form in (f, f.graph, f.program, f.trace[stage], f.trace[stage].after):
        assert len(repr(form)) < 120
        assert "\n" not in repr(form)


def test_notebook_shows_picture_and_text() -> None:
    html = show(perceptron())._repr_html_()
    root = ElementTree.fromstring(f"<div>{html}</div>")
    assert [child.tag.rpartition("}")[2] for child in root] == ["svg", "pre"]
    assert root[1].text == graph_text(perceptron())


def test_notebook_shows_whatever_show_shows() -> None:
    f = step()
    forms: list[object] = [f.graph.inputs[0], f.graph.outputs[0], f.graph, f, f.program]
    forms += [record.after for record in f.trace.records if record.name not in ("plan", "load")]
    for form in forms:
        assert isinstance(form, Displayed)
        assert form._repr_html_() == show(form)._repr_html_()


def test_style_of_a_picture_stays_inside_it() -> None:
    (style,) = re.findall("<style>(.*?)</style>", show(perceptron())._repr_html_())
    assert all(selector.startswith(".graphc ") for selector in re.findall(r"([^{}]+)\{", style))


@pytest.mark.parametrize(
    "evil", ["</pre><script>alert(1)</script>", "]]>&\x00\ud800", '" onload="alert(1)', "a" * 10_000]
)
def test_hostile_names_stay_text_in_a_notebook(evil: str) -> None:
    f = step(evil)
    for form in (f, f.graph, f.program, f.trace["fuse"].after):
        html = show(form)._repr_html_()
        root = ElementTree.fromstring(f"<div>{html}</div>")
        tags = {element.tag.rpartition("}")[2] for element in root.iter()}
        assert tags <= {"div", "svg", "style", "rect", "path", "g", "title", "text", "pre"}
        assert not any(name.startswith("on") for element in root.iter() for name in element.attrib)
        assert len(html) < 200_000


def test_a_large_graph_has_some_of_its_text_only() -> None:
    nodes = model(
        "xs = [input(f'x{i}') for i in range(3000)]\nz = stack(xs)\ny = z\nfor _ in range(3000):\n    y = exp(y)"
    )
    html = show(nodes["y"])._repr_html_()
    assert html.startswith("<pre>")
    assert html.endswith("return %9000</pre>")
    assert "lines more" in html
    assert len(html) < 50_000
    assert len(gx.to_dot(nodes["y"])._repr_html_()) < 50_000
