"""A sample of the tests of native code between pages that nobody may touch; `make test-guarded` runs all of them."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.guard_pages import HAS_PAGES

pytestmark = [
    pytest.mark.unguarded,
    pytest.mark.skipif(not HAS_PAGES, reason="systems whose pages can be protected"),
]

SAMPLE = ("test_kernels.py", "test_placing.py")
CHOSEN = "open_axis or folds or chunks or written or gradient"


def test_native_kernels_touch_nothing_beside_arrays(request: pytest.FixtureRequest) -> None:
    here = Path(__file__).parent
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:xdist", "-p", "no:cacheprovider", "--guarded"]
    command += ["-k", CHOSEN, *(str(here / name) for name in SAMPLE)]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST")}
    ran = subprocess.run(
        command, cwd=request.config.rootpath, env=environment, capture_output=True, text=True, timeout=600, check=False
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert int(ran.stdout.split(" passed")[0].split()[-1]) > 20


COLUMNS = """
import numpy as np
import pytest
import graphc as gx
from tests.guard_pages import guard_native_calls

guard_native_calls(pytest.MonkeyPatch())
for dtype in ("float32", "float64", "int8"):
    for step in (2, 3, 4):
        for n in (1, 2, 3, 4, 5, 9):
            x = gx.input("x", (n, step), dtype)
            array = np.arange(n * step).reshape(n, step).astype(dtype)
            found = gx.compile([x], [x.T + 0, x[:, -1] + 0], backend="llvm")(array)
            assert np.array_equal(found[0], array.T), (dtype, step, n)
            assert np.array_equal(found[1], array[:, -1]), (dtype, step, n)
"""


def test_columns_of_few_lanes_end_with_the_last_element(request: pytest.FixtureRequest) -> None:
    """Two lanes that lie four elements apart read one element more once."""
    ran = subprocess.run(
        [sys.executable, "-c", COLUMNS], cwd=request.config.rootpath, capture_output=True, text=True, check=False
    )
    assert (ran.returncode, ran.stderr) == (0, "")
