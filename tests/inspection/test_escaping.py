"""Names and source lines stay on one line, whatever is in them."""

from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from graphc.inspection.escaping import markup, quoted
from graphc.printable import a_thing, printable


@given(st.text(st.characters(), max_size=60), st.integers(10, 40))
def test_any_text_becomes_printable_and_short(text: str, limit: int) -> None:
    for shown in (printable(text, limit), quoted(text, limit)):
        assert shown.isprintable()
        assert len(shown) <= limit + 2  # the quotes


def test_printable_text_stays() -> None:
    assert printable("logits = hidden @ w  # größer, 中文", 80) == "logits = hidden @ w  # größer, 中文"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a\nb", r"a\nb"),
        ("a\r\x1b[31mb", r"a\r\x1b[31mb"),
        ("\u202eabc\u2028", r"\u202eabc\u2028"),
        ("\ud800", r"\ud800"),
        ("\x00", r"\x00"),
    ],
)
def test_what_is_not_printable_is_escaped(text: str, shown: str) -> None:
    assert printable(text, 40) == shown


def test_long_text_loses_its_middle() -> None:
    assert printable("a" * 500_000 + "b" * 500_000, 10) == "aaaaaa…bbb"


@pytest.mark.parametrize("name", ["x", "encoder/weight", "layers[0].w", "größe", "conv2d-1"])
def test_plain_names_are_not_quoted(name: str) -> None:
    assert quoted(name) == name


@pytest.mark.parametrize(
    ("name", "shown"), [("two words", '"two words"'), ("%0", '"%0"'), ('"', r'"\""'), ("\\n", r'"\\n"')]
)
def test_other_names_are_quoted(name: str, shown: str) -> None:
    assert quoted(name) == shown


@given(st.text(max_size=40))
def test_markup_reads_as_the_text(text: str) -> None:
    shown = markup(printable(text, 80))
    assert ElementTree.fromstring(f'<a b="{shown}">{shown}</a>').attrib["b"] == printable(text, 80)


def test_a_thing_has_its_article() -> None:
    assert [a_thing(value) for value in ([], 1, object())] == ["a list", "an int", "an object"]
