"""A sample of the tests of native code between pages that nobody may touch; `make test-guarded` runs all of them."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.guard_pages import HAS_PAGES

SAMPLE = ("test_kernels.py", "test_placing.py")
CHOSEN = "open_axis or folds or chunks or written or gradient"


@pytest.mark.unguarded
@pytest.mark.skipif(not HAS_PAGES, reason="systems whose pages can be protected")
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
