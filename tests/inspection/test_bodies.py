"""Loops and branches in every view: one node, and its bodies below."""

import re

import pytest

import graphc as gx
from graphc.errors import UnsupportedError
from graphc.inspection.dot import to_dot
from graphc.inspection.listing import listing_of
from graphc.inspection.networks import to_networkx
from graphc.inspection.svg import to_svg
from graphc.inspection.symbolic import to_latex, to_sympy
from graphc.inspection.text import graph_text
from graphc.ir.node import Node
from tests.golden_text import Golden
from tests.inspection.models import DECISIONS, model


def decisions() -> Node:
    return model(DECISIONS)["root"]


def test_bodies_are_printed_below_with_what_their_inputs_stand_for(golden: Golden) -> None:
    golden("inspection/bodies", graph_text(decisions()))


def test_branches_of_a_switch_and_of_its_derivative_are_numbered() -> None:
    lines = "x = input('x')\nk = input('k', (), 'int64')\ny = switch(k, [exp, tanh, sum], x)\ng = grad(y, x)"
    text = graph_text(model(lines)["g"])
    assert re.findall(r"branch of %\d+ for (.*)", text) == ["0", "1", "2"]
    assert re.findall(r"input cotangent +f32\[\] +model.py:3  (.*)", text) == ["1.0"] * 3


def test_a_loop_in_a_loop_is_indented_in_it() -> None:
    def inner(i: Node, h: Node) -> Node:
        return gx.fori_loop(0, 2, lambda j, h: 2 * h, h)  # type: ignore[no-any-return]  # in the form of the state

    y, _ = gx.scan(lambda h, _: (gx.fori_loop(0, 3, inner, h), None), gx.input("x"), length=4)
    bodies = re.findall("^( *)body of", str(gx.show(y)), re.MULTILINE)
    assert bodies == ["", " " * 4, " " * 8]


def test_a_compiled_function_and_its_passes_show_bodies() -> None:
    x = gx.input("x", (5, 3))
    last, _ = gx.scan(lambda h, row: (gx.tanh(h + row), None), gx.zeros(3), x)
    f = gx.compile([x], last)
    assert "body of %" in str(gx.show(f))
    assert "body of %" in str(gx.show(f.trace["fuse"].after))
    assert "loop 5 times" in str(gx.show(f.trace["lower"].after))


def test_dot_has_a_frame_for_every_body() -> None:
    source = to_dot(decisions()).source
    frames = re.findall(r'label="((?:body|condition|branch) of [^"]*)"', source)
    inner = ["branch of %5 for false", "branch of %5 for true"]
    assert frames == ["body of %3", "body of %6", "condition of %6", *inner]
    assert source.count("{") == source.count("}")
    known = set(re.findall(r"^  (n\w+) \[label", source, re.MULTILINE))
    ends = {end for pair in re.findall(r"^  (n\w+) -> (n\w+)", source, re.MULTILINE) for end in pair}
    assert ends <= known


def test_pictures_and_networks_have_one_box_for_a_loop() -> None:
    root = decisions()
    assert len(to_networkx(root)) == len(listing_of(root).numbers)
    assert to_svg(root).count("while[at most 20]") == 1


@pytest.mark.parametrize("formula", [to_sympy, to_latex])
@pytest.mark.parametrize(
    "lines",
    [
        "x = input('x')\ny = while_loop(lambda y: y < 9, lambda y: y * y, x)",
        "x = input('x')\ny = cond(x > 0, lambda: exp(x), lambda: x)",
        "x = input('x')\nlast, _ = scan(lambda h, _: (h * x, None), x, None, 3)\ny = last",
    ],
)
def test_a_loop_or_branch_has_no_formula(formula: object, lines: str) -> None:
    assert callable(formula)
    with pytest.raises(UnsupportedError, match=r"made at model.py:2, is a loop or a branch"):
        formula(model(lines)["y"])


def test_what_a_loop_is_called() -> None:
    n, x = gx.size("n"), gx.input("x", (gx.size("n"),))
    total, _ = gx.scan(lambda h, row: (h + row * row, None), gx.zeros(()), x)
    powers = gx.while_loop(lambda y: y < 9, lambda y: 2 * y, total)
    limited = gx.while_loop(lambda y: y < 9, lambda y: 2 * y, total, max_steps=n)
    text = str(gx.show([powers, limited, gx.grad(total, x)]))
    called = re.findall(r"%\d+ +((?:loop|while)\S*(?: [a-z ]*\w\])?)", text.partition("return")[0])
    assert called == ["loop[n]", "while", "while[at most n]", "loop[n reverse]"]


@pytest.mark.parametrize("name", ["'; __import__('os').abort() #", "\x00\ud800", "np", "x0"])
@pytest.mark.parametrize("level", [0, 2])
def test_hostile_names_in_bodies_stay_out_of_the_source(name: str, level: int) -> None:
    x, w = gx.input(name, (name, 3)), gx.param(name, 1.0)
    last, _ = gx.scan(lambda h, row: ({name: h[name] + w * row[name]}, None), {name: gx.zeros(3)}, {name: x})
    y = gx.cond(gx.sum(last[name]) > 0, lambda: gx.sum(last[name]), lambda: w)
    z = gx.while_loop(lambda s: s[name] < 9, lambda s: {name: 2 * s[name] + w}, {name: y}, max_steps=9)[name]
    f = gx.compile([x], [z, gx.grad(z, w)], level=level)
    assert f([[1.0, 1.0, 1.0]])[0] == 15.0
    assert all(line.isprintable() for line in f.source.splitlines())
    code = [line for line in f.source.splitlines() if not line.lstrip().startswith("#")]
    assert not any("__import__" in line for line in code)


def test_steps_of_a_function_are_counted_in_words() -> None:
    x = gx.input("x", (3,))
    results = [gx.cond(gx.sum(x) > bound, gx.exp, gx.sin, x) for bound in (0, 1)]
    assert "2 branches" in repr(gx.compile([x], results))
