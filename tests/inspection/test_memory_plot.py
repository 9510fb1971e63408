"""The picture of a memory plan."""

from collections.abc import Callable
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest

import graphc as gx
from graphc.inspection.memory_plot import Content, Stretch, memory_picture
from graphc.inspection.svg import to_svg
from tests.golden_text import Golden
from tests.inspection.models import perceptron

SVG = "{http://www.w3.org/2000/svg}"

PLAN = (
    Stretch(Content.TEMPORARY, 0, 3, 0, 4096, "t0", "4,096 bytes\nt0: f32[1024]\n  net.py:7  y = tanh(x)"),
    Stretch(Content.KEPT, 1, 4, 4096, 6400, "t1", 'kept <of> all "steps"'),
    Stretch(Content.SCRATCH, 2, 2, 10496, 1024, "scratch", "scratch"),
    Stretch(Content.TABLE, 0, 4, 11520, 64, "table", "table of indices"),
)


def boxes(picture: str) -> list[tuple[str, list[float]]]:
    """The tooltip of every box, with its left and upper edge, width and height."""
    return [
        (group.findtext(f"{SVG}title") or "", [float(rect.get(name, 0)) for name in ("x", "y", "width", "height")])
        for group in ElementTree.fromstring(picture).iter(f"{SVG}g")
        for rect in group.iter(f"{SVG}rect")
    ]


def scanned() -> gx.CompiledFunction:
    x = gx.input("x", ("time", 64))
    u = gx.param("u", np.eye(64, dtype="float32"))
    last, _ = gx.scan(lambda h, x: (gx.tanh(h @ u + x), None), gx.zeros(64), x)
    return gx.compile([x], gx.grad(gx.sum(last), x))


def test_picture_of_a_plan(golden: Golden) -> None:
    golden("inspection/memory_plot", memory_picture(PLAN, 5, 11584, 11584))


def test_boxes_lie_where_the_bytes_do() -> None:
    found = dict(boxes(memory_picture(PLAN, 5, 11584, 11520)))
    bottom = found["scratch"][1] + found["scratch"][3] - (found[PLAN[0].tooltip][1] + found[PLAN[0].tooltip][3])
    assert bottom == -round(320 * 10496 / 11584, 1)
    assert found["scratch"][2] * 5 == 840
    assert found['kept <of> all "steps"'][2] == 4 * found["scratch"][2]


def test_every_array_and_all_scratch_have_a_box() -> None:
    f = scanned()
    report = f.memory(time=50)
    found = boxes(report.plot())
    assert len(found) == sum(1 for size in f.layout.place((50,)).bytes if size)
    titles = "\n".join(title for title, _ in found)
    assert all(f"t{number}: " in titles for number in range(len(f.program.temporaries)))
    assert "test_memory_plot.py:39  last, _ = gx.scan(" in titles
    assert {"kept by loops", "temporary"} <= set(ElementTree.fromstring(report.plot()).itertext())


def test_nothing_lies_above_the_peak() -> None:
    for _, (x, y, width, height) in boxes(scanned().memory(time=50).plot()):
        assert x >= 96
        assert x + width <= 936.1
        assert y >= 45.9
        assert y + height <= 366.1


def test_a_function_without_temporaries_has_a_picture() -> None:
    x = gx.input("x", 3)
    ElementTree.fromstring(gx.compile([x], gx.exp(x)).memory().plot())


def test_the_largest_of_many_are_drawn() -> None:
    many = [Stretch(Content.TEMPORARY, k, k, 0, 64 + k, "", str(k)) for k in range(2100)]
    picture = memory_picture(many, 2100, 64 + 2100, 64)
    assert len(boxes(picture)) == 2000
    assert "the 2,000 largest of 2,100" in picture


def test_pictures_are_texts_that_notebooks_show(tmp_path: Path) -> None:
    for picture in (scanned().memory(time=5).plot(), to_svg(perceptron())):
        assert picture._repr_svg_() == picture
        (tmp_path / "picture.svg").write_text(picture, encoding="utf-8")
        assert (tmp_path / "picture.svg").read_text(encoding="utf-8").startswith("<svg")


def test_hostile_names_stay_text() -> None:
    x = gx.input("</title><script>alert(1)</script>", (200, 200))
    with gx.scope("</svg><script>"):
        y = gx.sum(gx.tanh(x @ x), 0)
    picture = gx.compile([x], y @ gx.sum(gx.exp(x @ x), 1)).memory().plot()
    assert "<script" not in picture
    ElementTree.fromstring(picture)


@pytest.mark.parametrize("form", [str, Path])
def test_a_path_saves_the_picture(form: Callable[[Path], "str | Path"], tmp_path: Path) -> None:
    x = gx.input("x", ("n", 3))
    report = gx.compile([x], gx.exp(x @ gx.sin(x).T)).memory(n=4)
    path = tmp_path / "plan.svg"
    assert report.plot(form(path)) == report.plot() == path.read_text(encoding="utf-8")


@pytest.mark.parametrize("path", ["plan.png", Path("plan.pdf"), "plan", 3])
def test_a_picture_is_saved_as_svg_alone(path: Any) -> None:
    x = gx.input("x", (3,))
    with pytest.raises(gx.ArgumentError, match=r"plot: the path of a picture ends in \.svg, not "):
        gx.compile([x], gx.exp(x)).memory().plot(path)
