"""What fusing decides by."""

from dataclasses import replace

import numpy as np
import pytest

import graphc as gx
from graphc.backends.numpy.tables import TARGET
from graphc.ir.graph import Graph
from graphc.kernel.target import Target
from graphc.passes.costs import Costs
from graphc.passes.fuse import fuse
from graphc.passes.pipeline import Log
from graphc.passes.units import Loops, Partition

COMPILED = Target("compiled")  # a function costs next to nothing beside a byte of memory


def units_that_compute(node: gx.Node, partition: Partition) -> int:
    return sum(isinstance(unit, Loops) and node in unit.places for unit in partition.units)


def shifted_in_two_kernels(extent: int) -> tuple[Graph, gx.Node]:
    """x - 1, read before a product and after it: no kernel does both."""
    x, w = gx.input("x", (extent, extent)), gx.input("w", (extent, extent))
    shifted = x - 1.0
    columns = gx.sum(shifted * shifted, axis=0)
    return Graph((x, w), (columns, gx.sum(gx.abs(shifted - columns @ w), axis=1))), shifted


def test_a_cheap_value_is_computed_again_where_calls_are_cheap() -> None:
    graph, shifted = shifted_in_two_kernels(1024)
    partition = fuse(graph, COMPILED, Log())
    assert units_that_compute(shifted, partition) == 2
    assert shifted not in partition.stored


def test_a_cheap_value_is_kept_where_every_function_is_a_pass_over_memory() -> None:
    graph, shifted = shifted_in_two_kernels(1024)
    partition = fuse(graph, TARGET, Log())
    assert units_that_compute(shifted, partition) == 1
    assert shifted in partition.stored


def test_a_value_that_takes_long_to_compute_is_kept() -> None:
    x, w = gx.input("x", (1024, 1024)), gx.input("w", (1024, 1024))
    power = gx.power(x, x)
    columns = gx.sum(power, axis=0)
    graph = Graph((x, w), (columns, gx.sum(gx.abs(power - columns @ w), axis=1)))
    partition = fuse(graph, COMPILED, Log())
    assert units_that_compute(power, partition) == 1


def test_a_value_whose_operands_are_not_at_hand_is_kept() -> None:
    x, y, w = (gx.input(name, (1024, 1024)) for name in "xyw")
    total = x + y  # either reader would have to read two arrays for the one that it reads now
    columns = gx.sum(total, axis=0)
    graph = Graph((x, y, w), (columns, gx.sum(gx.abs(total - columns @ w), axis=1)))
    assert units_that_compute(total, fuse(graph, COMPILED, Log())) == 1


def test_an_output_is_computed_once() -> None:
    graph, shifted = shifted_in_two_kernels(1024)
    graph = Graph(graph.inputs, (*graph.outputs, shifted))
    assert units_that_compute(shifted, fuse(graph, COMPILED, Log())) == 1


def test_the_log_says_what_a_decision_weighs() -> None:
    log = Log()
    graph, shifted = shifted_in_two_kernels(1024)
    fuse(graph, COMPILED, log)
    (note,) = log.notes
    assert "computed in 2 kernels" in note.what
    assert note.origin is shifted.origin


def test_open_sizes_cost_what_their_hints_say() -> None:
    few, many = gx.size("few", hint=2), gx.size("many", hint=1_000_000)
    costs = Costs(COMPILED)
    small, large = gx.input("s", (few, 8)), gx.input("l", (many, 8))
    assert costs.keeping(small, 1) < costs.keeping(large, 1)
    assert costs.computing(-small, []) < costs.computing(-large, [])


@pytest.mark.parametrize("addition", [0.0, 2.0])
def test_the_decision_changes_no_value(addition: float, monkeypatch: pytest.MonkeyPatch) -> None:
    from graphc.backends.numpy.backend import NumpyBackend

    monkeypatch.setattr(NumpyBackend, "target", replace(TARGET, addition=addition, let=0.0))
    graph, _ = shifted_in_two_kernels(64)
    f = gx.compile(list(graph.inputs), list(graph.outputs), backend="numpy")
    assert len([note for note in f.trace["fuse"].notes if "computed in" in note.what]) == (addition == 0.0)
    x, w = np.random.default_rng(0).standard_normal((2, 64, 64)).astype("float32")
    columns, rows = f(x, w)
    np.testing.assert_allclose(columns, ((x - 1) ** 2).sum(0), rtol=1e-5)
    np.testing.assert_allclose(rows, abs(x - 1 - columns @ w).sum(1), rtol=1e-4)
