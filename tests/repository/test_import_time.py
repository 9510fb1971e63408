"""`import graphc` is quick and leaves slow libraries alone."""

import os
import subprocess
import sys

from tests.repository.import_law import LATE
from tests.repository.modules import ROOT

LIMIT = 0.060  # seconds on top of `import numpy`
SHARE = 0.6  # of what that takes, on a machine where it takes longer than 0.1 s
RUNS = 7

MEASURE = """
from time import thread_time  # of this thread alone: numpy's own threads spin for a while after it is imported
start = thread_time()
import numpy
middle = thread_time()
import graphc
print(middle - start, thread_time() - middle)
"""

LIST = """
import sys
before = set(sys.modules)
import graphc
print(*sorted({name.partition(".")[0] for name in set(sys.modules) - before}))
"""


def test_import_adds_little_to_numpy() -> None:
    runs = [[float(word) for word in fresh_python(MEASURE).split()] for _ in range(RUNS)]
    # The least is the cost itself; the rest is other work on the machine, or the first run's compiling.
    numpy, ours = (min(each) for each in zip(*runs, strict=True))
    assert ours <= max(LIMIT, SHARE * numpy), f"import graphc took {ours * 1e3:.0f} ms, numpy {numpy * 1e3:.0f}"


def test_import_loads_no_slow_library() -> None:
    loaded = set(fresh_python(LIST).split())
    assert "graphc" in loaded
    assert not loaded & LATE


def fresh_python(source: str) -> str:
    """What `source` prints in an interpreter of its own that may keep compiled modules."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    ran = subprocess.run(
        [sys.executable, "-c", source],
        cwd=ROOT,
        env=environment,
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    return ran.stdout
