"""Random graphs with loops and branches: every level, backend and memory plan gives the same."""

import pytest

import graphc as gx
from graphc.kernel.verify import verify
from tests.random_graphs import RandomGraph, random_graph
from tests.random_loops import LOOPS
from tests.test_random_graphs import assert_alike, assert_same, interpreted

SEEDS = [*range(12), *(pytest.param(seed, marks=pytest.mark.full) for seed in range(12, 120))]
EVERY = pytest.mark.parametrize("seed", SEEDS)


def graph_of(seed: int) -> RandomGraph:
    return random_graph(seed, 6, LOOPS)


@EVERY
def test_levels_agree(seed: int) -> None:
    graph = graph_of(seed)
    functions = [graph.compile(level) for level in (0, 1, 2)]
    for f in functions:
        verify(f.program)
    assert_alike(graph, functions, (5, 1), seed)


@EVERY
def test_the_backend_agrees_with_the_interpreter(seed: int) -> None:
    graph = graph_of(seed)
    level = seed % 3
    f = graph.compile(level)
    arrays = graph.arrays(2, seed)
    assert_same(graph.results(f, arrays), interpreted(graph, level, arrays, 2))


@EVERY
def test_no_result_depends_on_memory_that_nothing_wrote(seed: int) -> None:
    graph = graph_of(seed)
    f = gx.compile(graph.inputs, graph.outputs, updates=graph.updates, verify=True, debug=True)
    arrays = graph.arrays(3, seed)
    assert_same(graph.results(f, arrays), graph.results(graph.compile(), arrays), rounding=1)
