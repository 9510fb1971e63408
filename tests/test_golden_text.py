"""Golden texts: compared, and rewritten only on request."""

from pathlib import Path

import pytest

from tests.golden_text import Golden


def test_same_text_passes(tmp_path: Path) -> None:
    (tmp_path / "sum.txt").write_text("a + b\n")
    Golden(tmp_path, update=False)("sum", "a + b")


def test_other_text_fails(tmp_path: Path) -> None:
    (tmp_path / "sum.txt").write_text("a + b\n")
    with pytest.raises(AssertionError, match="differs"):
        Golden(tmp_path, update=False)("sum", "a - b")


def test_missing_text_fails_and_says_how_to_write_it(tmp_path: Path) -> None:
    with pytest.raises(AssertionError, match="--update-golden"):
        Golden(tmp_path, update=False)("sum", "a + b")


def test_update_rewrites(tmp_path: Path) -> None:
    Golden(tmp_path, update=True)("errors/sum", "a + b")
    assert (tmp_path / "errors" / "sum.txt").read_text() == "a + b\n"
