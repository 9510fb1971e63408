"""Equal computations become one, and no others."""

import numpy as np
import pytest

import graphc as gx
from graphc.ir.graph import Graph
from graphc.passes.pipeline import Log
from graphc.passes.share import ShareSubexpressions
from graphc.testing.program import Recipe, random_program

x, y = gx.input("x", (3,)), gx.input("y", (3,))


def shared(*outputs: gx.Node) -> tuple[Graph, int]:
    log = Log()
    return ShareSubexpressions().run(Graph((x, y), outputs), log), len(log.notes)


def test_equal_nodes_become_one() -> None:
    graph, merged = shared(gx.exp(x) + gx.exp(x))
    assert merged == 1
    assert graph.outputs[0].inputs[0] is graph.outputs[0].inputs[1]


def test_what_is_equal_below_is_equal_above() -> None:
    graph, merged = shared(gx.tanh(gx.exp(x) * 2), gx.tanh(gx.exp(x) * 2))
    assert graph.outputs[0] is graph.outputs[1]
    assert merged == len(graph.nodes) - 1  # all but the input


def test_inputs_and_variables_stay_apart_whatever_they_hold() -> None:
    v, w = (gx.param("w", np.ones(3, "float32")) for _ in range(2))
    assert shared(gx.exp(x) + gx.exp(y), gx.exp(v) + gx.exp(w))[1] == 0


def test_zeros_of_both_signs_and_dtypes_stay_apart() -> None:
    constants = [gx.constant(np.array(v, d)) for v in (0.0, -0.0) for d in ("float32", "float64")]
    graph, merged = shared(*constants)
    assert (merged, len(set(graph.outputs))) == (0, 4)


def test_one_nan_is_like_another() -> None:
    graph, merged = shared(x * float("nan"), x * float("nan"))
    assert merged
    assert graph.outputs[0] is graph.outputs[1]


def test_options_tell_nodes_apart() -> None:
    z = gx.input("z", (3, 3))
    assert shared(gx.sum(z, 0), gx.sum(z, 1), gx.cumsum(z, 0), gx.cumsum(z, 0, reverse=True))[1] == 0


def test_sharing_keeps_values() -> None:
    values = {x: np.arange(3, dtype="float32"), y: np.ones(3, "float32")}
    nodes = [gx.exp(x) * y, gx.exp(x) + y, gx.exp(y)]
    f, g = (gx.compile([x, y], nodes, level=level) for level in (0, 1))
    for one, other in zip(f(*values.values()), g(*values.values()), strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("seed", range(12))
def test_sharing_twice_changes_nothing_more(seed: int) -> None:
    once = ShareSubexpressions().run(random_program(Recipe.of(seed)).compile(0).graph, Log())
    log = Log()
    twice = ShareSubexpressions().run(once, log)
    assert twice.nodes == once.nodes
    assert not log.notes
