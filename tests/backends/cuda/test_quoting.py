"""Text of users in comments and strings of C++: it ends where they end."""

import ast
import re
from pathlib import Path

import pytest

import graphc as gx
from graphc.backends.cuda.nvrtc import compiled_for
from graphc.backends.cuda.quoting import comments, string
from graphc.printable import printable
from tests.backends.cuda.compiled import NEEDS_NVRTC
from tests.backends.odd_lines import ODD_LINES, odd_program
from tests.test_errors import HOSTILE

SIZES = ("n\\", "??/", "a\\\\ ", "x//\n\\")
#: a comment that goes on behind its line, and what compilers that know no trigraphs warn of
HARMFUL = re.compile(r"^\s*//.*\\\s*$|\?\?[=/'()!<>-]", re.MULTILINE)


def source(folder: Path, ending: str, size: str) -> str:
    x, y = odd_program(folder, ending, size)
    return gx.compile([x], y, backend="cuda").source


@pytest.mark.parametrize("text", ["\\", "a\\ ", "a\\\t", "??/", "a ???/", "?" * 9 + "-", *ODD_LINES.values(), *HOSTILE])
def test_a_comment_ends_with_its_line(text: str) -> None:
    shown = printable(text, 90)
    found = comments([shown, "next"])
    assert not HARMFUL.search(found)
    assert found.endswith("\n// next\n")
    assert found.count("\n") == 2
    assert found.replace("?\\", "?").startswith(f"// {shown}".rstrip().replace("?\\", "?"))


@pytest.mark.parametrize("text", ['a "quoted" \\ path\\', "what??/ ?", "größe %s 中 \\n", "\\?"])
def test_a_string_holds_its_text(text: str) -> None:
    found = string(text)
    assert found.isascii()
    assert not HARMFUL.search(found)
    assert ast.literal_eval("b" + found.replace("\\?", "?")).decode() == text


@pytest.mark.parametrize("name", ODD_LINES)
def test_odd_lines_and_sizes_change_no_code(tmp_path: Path, name: str) -> None:
    plain = source(tmp_path, "\n" if name != "continued" else " + 1", "n")
    for size in SIZES:
        odd = source(tmp_path, ODD_LINES[name], size)
        assert not HARMFUL.search(odd)
        assert [line for line in odd.splitlines() if line[:2] != "//"] == [
            line for line in plain.splitlines() if line[:2] != "//"
        ]
        assert odd.count("\n") == plain.count("\n")


@NEEDS_NVRTC
@pytest.mark.parametrize(
    ("name", "size"),
    [
        (name, SIZES[place % len(SIZES)])
        if place < 4
        else pytest.param(name, SIZES[place % len(SIZES)], marks=pytest.mark.full)
        for place, name in enumerate(ODD_LINES)
    ],
)
def test_odd_lines_and_sizes_compile_without_warnings(tmp_path: Path, name: str, size: str) -> None:
    found = compiled_for(source(tmp_path, ODD_LINES[name], size), "sm_80")
    assert not found.warnings
    assert list(found.resources) == ["kernel_0"]
