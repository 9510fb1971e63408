"""The trace says what every stage of a compilation made, and how long it took."""

import numpy as np
import pytest

import graphc as gx
from graphc.backends.backend import Artifact
from graphc.passes.pipeline import Trace


def compiled() -> gx.CompiledFunction:
    x, w = gx.input("x", ("n", 8)), gx.param("w", np.ones((8, 4), "float32"))
    loss = gx.sum(gx.softplus(x @ w) + x @ w)
    return gx.compile([x], [loss, gx.grad(loss, w)], backend="numpy")


def test_stages_make_up_the_time_of_a_compilation() -> None:
    compiled()  # the first one loads all that compiles
    f = compiled()
    assert 0.5 * f.seconds < f.trace.seconds <= f.seconds
    assert [record.name for record in f.trace.records][-3:] == ["emit", "plan", "load"]


def test_each_stage_is_found_by_its_name() -> None:
    trace = compiled().trace
    text = trace["emit"].after
    assert isinstance(text, Artifact)
    assert str(gx.show(text)) == text.source.rstrip()
    assert trace[0].name == "demands"
    with pytest.raises(KeyError, match="no pass 'sharing'; there are demands, fold, share"):
        trace["sharing"]


def test_the_report_has_a_line_for_each_stage() -> None:
    trace = compiled().trace
    head, *lines, last = repr(trace).splitlines()
    assert head.split() == ["ms", "share"]
    assert [line.split("  ")[0] for line in lines] == [record.name for record in trace.records]
    share = next(line for line in lines if line.startswith("share"))
    assert share.endswith("nodes  1 note")
    assert last.startswith("all")


def test_an_empty_trace_has_a_report() -> None:
    assert "0.00" in repr(Trace())
