"""The lines of generated source: known to debuggers and tracebacks as long as the function lives."""

import linecache
import sys
import traceback
from types import FrameType

import numpy as np
import pytest

import graphc as gx


def test_a_traceback_shows_the_line_that_failed_and_nothing_is_kept_of_a_function_that_ran() -> None:
    x, i = gx.input("x", (3,)), gx.input("i", (2,), "int64")
    f = gx.compile([x, i], gx.take(gx.exp(x) * 2, i, 0), backend="numpy")
    f(np.ones(3, np.float32), np.array([0, 2]))
    assert not [name for name in linecache.cache if name.startswith("graphc-")]
    with pytest.raises(gx.IndexRangeError) as caught:
        f(np.ones(3, np.float32), np.array([0, 3]))
    shown = "".join(traceback.format_tb(caught.value.__traceback__))
    assert "if not in_range(x1, 3, -3):" in f.source
    assert "fail(0, x1, 3)" in shown
    linecache.clearcache()


def test_every_function_knows_the_line_where_it_stands() -> None:
    w, x = gx.param("w", np.ones((4, 4), np.float32)), gx.input("x", (4, 4))
    h = x
    for _ in range(300):  # some parts
        h = gx.tanh(h @ w)
    f = gx.compile([x], h, backend="numpy")
    lines = f.source.splitlines()
    seen: dict[int, str] = {}

    def note(frame: FrameType, event: str, argument: object) -> None:
        if frame.f_code.co_filename.startswith("graphc-"):
            seen[frame.f_code.co_firstlineno] = frame.f_code.co_name

    sys.setprofile(note)
    f(np.ones((4, 4), np.float32))
    sys.setprofile(None)
    assert sum(name == "run" for name in seen.values()) > 2
    for number, name in seen.items():
        assert f"def {name}(" in lines[number - 1]
