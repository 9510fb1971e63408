"""The lines of generated source: known to debuggers and tracebacks as long as the function lives."""

import gc
import linecache

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
