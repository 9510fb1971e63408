"""The lines of generated source: known to debuggers and tracebacks as long as the function lives."""

import gc
import linecache
import sys
from types import FrameType

import numpy as np

import graphc as gx


def generated() -> set[str]:
    """The names under which generated source is known."""
    return {name for name in linecache.cache if name.startswith("<graphc")}


def test_a_function_that_is_gone_leaves_no_lines_behind() -> None:
    gc.collect()
    before = generated()
    x = gx.input("x", (3,))
    f = gx.compile([x], gx.exp(x) * 2)
    f(np.ones(3, np.float32))
    (name,) = generated() - before
    assert "".join(linecache.getlines(name)) == f.source
    del f
    gc.collect()
    assert generated() == before


def test_every_function_knows_the_line_where_it_stands() -> None:
    w, x = gx.param("w", np.ones((4, 4), np.float32)), gx.input("x", (4, 4))
    h = x
    for _ in range(300):  # some parts
        h = gx.tanh(h @ w)
    f = gx.compile([x], h)
    lines = f.source.splitlines()
    seen: dict[int, str] = {}

    def note(frame: FrameType, event: str, argument: object) -> None:
        if frame.f_code.co_filename.startswith("<graphc"):
            seen[frame.f_code.co_firstlineno] = frame.f_code.co_name

    sys.setprofile(note)
    f(np.ones((4, 4), np.float32))
    sys.setprofile(None)
    assert sum(name == "run" for name in seen.values()) > 2
    for number, name in seen.items():
        assert f"def {name}(" in lines[number - 1]
