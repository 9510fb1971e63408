"""`make types` looks into all three source folders."""

import shutil
from pathlib import Path

from tests.repository.modules import FOLDERS, ROOT
from tests.repository.typecheck import check


def test_planted_type_error_is_found_in_every_folder(tmp_path: Path) -> None:
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    for folder in FOLDERS.values():
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "__init__.py").touch()
        (tmp_path / folder / "wrong.py").write_text('number: int = "text"\n')
    status, report = check(tmp_path)
    assert status == 1
    for folder in FOLDERS.values():
        assert f"{folder}/wrong.py:1: error: Incompatible types in assignment" in report, report


def test_type_crosses_from_folder_to_folder(tmp_path: Path) -> None:
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    for folder in FOLDERS.values():
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "__init__.py").touch()
    (tmp_path / "graphc" / "sizes.py").write_text("number: int = 1\n")
    (tmp_path / "passes" / "wrong.py").write_text("from graphc.sizes import number\n\ntext: str = number\n")
    status, report = check(tmp_path)
    assert status == 1
    assert "passes/wrong.py:3: error: Incompatible types in assignment" in report, report
