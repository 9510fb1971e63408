"""No pass is reported that is right: of a thousand random graphs with gradients and updates, at every level."""

import pytest

import graphc as gx
from tests.random_graphs import RandomGraph, random_graph
from tests.random_loops import LOOPS

FEW, SMALL, LEVELS = 5, 3, (2, 2, 1, 0)
#: a handful in the default tier, in the full one 800 graphs without loops and 200 with them
PLAIN = [*range(8), *(pytest.param(seed, marks=pytest.mark.full) for seed in range(8, 800))]
LOOPING = [*range(3), *(pytest.param(seed, marks=pytest.mark.full) for seed in range(3, 200))]


def verified(graph: RandomGraph, level: int) -> None:
    gx.compile(graph.inputs, graph.outputs, updates=graph.updates, level=level, verify=True)


@pytest.mark.parametrize("seed", PLAIN)
def test_no_pass_is_reported(seed: int) -> None:
    verified(random_graph(seed, FEW), LEVELS[seed % 4])


@pytest.mark.parametrize("seed", LOOPING)
def test_no_pass_over_loops_is_reported(seed: int) -> None:
    verified(random_graph(seed, SMALL, LOOPS), LEVELS[seed % 4])
