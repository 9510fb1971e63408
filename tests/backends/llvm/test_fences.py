"""A planted overflow is found: by what stands between the arrays in debug mode, and by guard pages."""

import signal
import subprocess
import sys

import numpy as np
import pytest

from tests.backends.llvm.overflowing import EXTENT, MISTAKES, overflow
from tests.guard_pages import HAS_PAGES

pytestmark = pytest.mark.unguarded

SAYS = {
    "stores behind": f"byte {4 * EXTENT} was written, output 0 has {4 * EXTENT}",
    "stores before": f"byte -4 was written, output 0 has {4 * EXTENT}",
    "reads behind": "output 0 depends on memory that nothing was written to",
    "reads before": "output 0 depends on memory that nothing was written to",
}


@pytest.mark.parametrize("mistake", SAYS)
def test_debug_mode_finds_an_element_too_many(mistake: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(AssertionError, match=SAYS[mistake]):
        overflow(mistake, monkeypatch, debug=True)


def test_a_kernel_that_is_right_passes(monkeypatch: pytest.MonkeyPatch) -> None:
    assert np.asarray(overflow("nothing", monkeypatch, debug=True)) == pytest.approx(EXTENT * np.e, rel=1e-5)


@pytest.mark.skipif(not HAS_PAGES, reason="systems whose pages can be protected")
@pytest.mark.parametrize("mistake", MISTAKES)
def test_between_guard_pages_every_mistake_ends_the_process(mistake: str) -> None:
    command = [sys.executable, "-m", "tests.backends.llvm.overflowing", mistake]
    ran = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    if mistake == "nothing":
        assert (ran.returncode, ran.stderr) == (0, "")
    elif mistake == "stores before":  # what is left of the page in the first run shows it
        assert SAYS[mistake] in ran.stderr
    else:
        assert ran.returncode in (-signal.SIGSEGV, -signal.SIGBUS)
        assert "in overflow" in ran.stderr
