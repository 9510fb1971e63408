"""`import graphc` is quick and leaves slow libraries alone."""

import os
import subprocess
import sys
from pathlib import Path

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

COMPILE = """
import sys
import graphc as gx
x = gx.input("x", (4, 8))
gx.compile(x, gx.softmax(x * 2))
print(*sorted(name for name in sys.modules if name.startswith(("graphc.", "numpy."))))
"""
SELDOM = ("graphc.nn", "graphc.optim", "graphc.fft", "graphc.linalg", "graphc.ops.sympy", "graphc.ops.formula")


def test_import_adds_little_to_numpy() -> None:
    runs = [[float(word) for word in fresh_python(MEASURE).split()] for _ in range(RUNS)]
    # The least is the cost itself; the rest is other work on the machine, or the first run's compiling.
    numpy, ours = (min(each) for each in zip(*runs, strict=True))
    assert ours <= max(LIMIT, SHARE * numpy), f"import graphc took {ours * 1e3:.0f} ms, numpy {numpy * 1e3:.0f}"


def test_import_loads_no_slow_library() -> None:
    loaded = set(fresh_python(LIST).split())
    assert "graphc" in loaded
    assert not loaded & LATE


def test_what_was_compiled_before_loads_neither_passes_nor_what_it_has_not(tmp_path: Path) -> None:
    loaded = [fresh_python(COMPILE, GRAPHC_CACHE=str(tmp_path)).split() for _ in range(2)]
    assert not [name for names in loaded for name in names if name.startswith(SELDOM) or name == "numpy.random"]
    assert "graphc.passes.fuse" in loaded[0]
    assert "graphc.passes.fuse" not in loaded[1]


def fresh_python(source: str, **variables: str) -> str:
    """What `source` prints in an interpreter of its own that may keep compiled modules."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    environment |= variables
    ran = subprocess.run(
        [sys.executable, "-c", source],
        cwd=ROOT,
        env=environment,
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    return ran.stdout
