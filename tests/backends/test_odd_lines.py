"""Lines of users end where comments of generated code end."""

from pathlib import Path
from typing import Literal

import numpy as np
import pytest

import graphc as gx
from tests.backends.odd_lines import ODD_LINES, odd_program


@pytest.mark.parametrize("backend", ["numpy", "llvm"])
@pytest.mark.parametrize("name", ODD_LINES)
def test_odd_lines_stay_in_comments(tmp_path: Path, name: str, backend: Literal["numpy", "llvm"]) -> None:
    x, y = odd_program(tmp_path, ODD_LINES[name], "n\\")
    f = gx.compile([x], y, backend=backend)
    expected = 2.0 if name == "continued" else 1.0
    np.testing.assert_array_equal(f(np.zeros((2, 3), np.float32)), np.full((2, 3), expected, np.float32))
    assert "odd.py:1" in f.source
