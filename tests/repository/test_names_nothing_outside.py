"""Sources are short, and name no place on one person's machine."""

import re
from pathlib import Path

import pytest

from tests.repository.modules import FOLDERS, ROOT, source_modules

LINES = 400  # a longer file has two subjects

# Two folders from the root down, but for those that every machine has.
OUTSIDE = re.compile(r"(?<![\w/:.~)\]}])/(?!(?:dev|proc|sys|usr)/)[a-z]+/[\w.]+")

SOURCES = list(source_modules().values())
PROGRAMS = [path for name in ("examples", "benchmarks") for path in sorted((ROOT / name).rglob("*.py"))]


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_source_is_short(path: Path) -> None:
    assert len(path.read_text(encoding="utf-8").splitlines()) <= LINES


@pytest.mark.parametrize("path", SOURCES + PROGRAMS, ids=lambda path: str(path.relative_to(ROOT)))
def test_source_names_no_absolute_path(path: Path) -> None:
    assert OUTSIDE.findall(path.read_text(encoding="utf-8")) == []


@pytest.mark.parametrize("text", ['open("/home/me/x.npy")', "see /opt/lib/x", "'/root/.cache'"])
def test_absolute_path_is_recognised(text: str) -> None:
    assert OUTSIDE.search(text)


@pytest.mark.parametrize("text", ["dy/dx", "a/b/c", "https://a.org/b/c", "/proc/self/statm", "~/.cache/graphc"])
def test_other_text_is_no_absolute_path(text: str) -> None:
    assert not OUTSIDE.search(text)


def test_every_folder_has_sources() -> None:
    for folder in FOLDERS.values():
        assert any((ROOT / folder).rglob("*.py")), folder
