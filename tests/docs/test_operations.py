"""docs/operations.md lists every public name once, and says of each what its docstring says first."""

import inspect
import re
from operator import attrgetter

import pytest

import graphc as gx
from tests.repository.modules import ROOT

PAGE = ROOT / "docs" / "operations.md"
ROW = re.compile(r"^- `([\w.]+)`:.*$", re.MULTILINE)


def test_every_public_name_is_listed_once() -> None:
    listed = ROW.findall(PAGE.read_text(encoding="utf-8"))
    public = [*gx.__all__, *(f"{part}.{name}" for part in MODULES for name in MODULES[part].__all__)]
    assert sorted(listed) == sorted(public)


def test_every_row_says_what_the_docstring_says(request: pytest.FixtureRequest) -> None:
    page = PAGE.read_text(encoding="utf-8")
    wanted = ROW.sub(lambda row: f"- `{row[1]}`: {first_line(row[1])}", page)
    if request.config.getoption("--update-golden"):
        PAGE.write_text(wanted, encoding="utf-8")
    assert PAGE.read_text(encoding="utf-8") == wanted, "operations.md differs; is it meant? --update-golden"


def first_line(name: str) -> str:
    """What the docstring of a public name says first."""
    text = (inspect.getdoc(attrgetter(name)(gx)) or "").partition("\n")[0]
    assert text, f"{name} says nothing"
    return re.sub(r" {2,}", " ", text)


MODULES = {"fft": gx.fft, "linalg": gx.linalg, "nn": gx.nn, "optim": gx.optim, "random": gx.random}
