"""Names, scopes, files and sizes that a user chose to break a printer break none."""

import re
from xml.etree import ElementTree

import pytest

from graphc.inspection.dot import to_dot
from graphc.inspection.networks import to_networkx
from graphc.inspection.show import show
from graphc.inspection.svg import to_svg
from graphc.inspection.symbolic import to_latex, to_sympy
from graphc.inspection.text import graph_text
from graphc.ir.graph import Graph
from tests.inspection.models import model

HOSTILE = [
    "line\nbreak",
    "\r\x1b[2J\x1b[31m",
    'quote"\\',
    "\\",
    "\\n\\N\\G",
    "<b>&amp;&#10;</b>",
    "--></svg><script>alert(1)</script>",
    "]]>",
    '"];\n} digraph evil {',
    "\u202e\u2066\u200b",
    "\ud800",
    "\x00\ufffe\uffff",
    "a" * 100_000,
    "%0 <- %1",
    "中文 और 🦊",
    "$x^{2}$ \\input{secret} %",
    "{record|label}",
]

LONGEST = 400  # characters of a line


def graph(name: str) -> Graph:
    """Everything that a user may name is called `name`."""
    nodes = model(
        f"""
        x = input({name!r}, (symbol({name!r}), 1))
        with scope({name.replace("/", "|")!r}):
            w = param({name!r}, np.ones((1, 1), np.float32))
            y = sum(tanh(x * w))
        g = grad(y, w)
        """
    )
    file = "".join(c for c in name if c not in "\x00\ud800")  # no file system has these
    for node in nodes.values():
        node.origin = node.origin._replace(file=f"folder/{file}.py")
    return Graph((nodes["x"],), (nodes["y"],), {nodes["w"]: nodes["g"]})


def graph_with_bodies(name: str) -> Graph:
    """The same, of what a loop and a branch in it are made of."""
    nodes = model(
        f"""
        x = input({name!r}, (symbol({name!r}), 1))
        with scope({name.replace("/", "|")!r}):
            w = param({name!r}, np.ones((1,), np.float32))
            def step(h, row):
                h = h[{name!r}] * w + row[{name!r}]
                return {{{name!r}: cond(sum(h) > 0, lambda: tanh(h), lambda: h)}}, h
            last, rows = scan(step, {{{name!r}: w}}, {{{name!r}: x}})
            y = sum(last[{name!r}]) + sum(rows)
            z = while_loop(lambda s: s[{name!r}] < 9.0, lambda s: {{{name!r}: 2.0 * s[{name!r}]}}, {{{name!r}: y}})
            y = z[{name!r}]
        """
    )
    return Graph((nodes["x"],), (nodes["y"],))


hostile = pytest.mark.parametrize("name", HOSTILE, ids=lambda name: ascii(name)[:20])


@hostile
def test_text(name: str) -> None:
    lines = graph_text(graph(name)).split("\n")
    assert len(lines) == len(graph_text(graph("harmless")).split("\n"))
    assert all(line.isprintable() and len(line) < LONGEST for line in lines)
    assert len([line for line in lines if re.match(r"return|.* <- %\d+$", line)]) == 2


@hostile
def test_dot(name: str) -> None:
    source, plain = to_dot(graph(name)).source, to_dot(graph("harmless")).source
    assert all(line.isprintable() and len(line) < 2 * LONGEST for line in source.split("\n"))
    strings = r'"(?:[^"\\]|\\.)*"'
    assert re.sub(strings, "", source) == re.sub(strings, "", plain)
    escapes = {found for text in re.findall(strings, source) for found in re.findall(r"\\.", text)}
    assert escapes <= {r"\n", r"\"", r"\\"}  # \N and \G would become names of Graphviz


@hostile
def test_svg(name: str) -> None:
    picture = to_svg(graph(name))
    plain = to_svg(graph("harmless"))
    tags = [element.tag for element in ElementTree.fromstring(picture.encode("utf-8")).iter()]
    assert tags == [element.tag for element in ElementTree.fromstring(plain).iter()]


@hostile
def test_notebook(name: str) -> None:
    html = show(graph(name))._repr_html_()
    assert ElementTree.fromstring(f"<div>{html}</div>".encode())[1].text == graph_text(graph(name))
    page = to_dot(graph(name))._repr_html_()
    assert "<script" not in page
    assert "<b>" not in page


@hostile
def test_networkx_keeps_the_name(name: str) -> None:
    network = to_networkx(graph(name))
    assert network.nodes[0]["name"] == name
    assert any(data["sets"] == name for _, data in network.nodes(data=True))


@hostile
def test_formula(name: str) -> None:
    node = model(f"x = input({name!r})\ny = x * x")["y"]
    (symbol,) = to_sympy(node).free_symbols
    assert symbol.name == name
    latex = to_latex(node)
    assert latex.isprintable()
    assert len(latex) < LONGEST
    inside = latex.removeprefix(r"\text{").removesuffix("}^{2}")
    harmless = r"[^\\{}$%#&_^~]|\\[{}$%#&_]|\\text(?:backslash|asciicircum|asciitilde)\{\}"
    assert re.fullmatch(rf"(?:{harmless})*", inside)


@hostile
def test_bodies(name: str) -> None:
    lines = graph_text(graph_with_bodies(name)).split("\n")
    assert len(lines) == len(graph_text(graph_with_bodies("harmless")).split("\n"))
    assert all(line.isprintable() and len(line) < LONGEST for line in lines)
    source, plain = to_dot(graph_with_bodies(name)).source, to_dot(graph_with_bodies("harmless")).source
    strings = r'"(?:[^"\\]|\\.)*"'
    assert re.sub(strings, "", source) == re.sub(strings, "", plain)
    assert "<script" not in to_svg(graph_with_bodies(name))
    assert len(to_networkx(graph_with_bodies(name))) == len(to_networkx(graph_with_bodies("harmless")))
