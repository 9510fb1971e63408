"""What NVRTC says of the kernels: no warnings, and no registers that spill, for two architectures."""

from collections.abc import Sequence

import pytest

from graphc.backends.cuda.nvrtc import compiled_for
from graphc.driver import compile
from tests.backends.cuda.compiled import NEEDS_NVRTC, for_cuda
from tests.cases import CASES
from tests.random_graphs import random_graph
from tests.test_cases import nodes_for, results
from tests.thirty_models import MODELS

pytestmark = NEEDS_NVRTC

ARCHITECTURES = ("sm_80", "sm_90")
SAMPLE = range(0, len(CASES), 80)
EVERY = [pytest.param(place, marks=() if place in SAMPLE else pytest.mark.full) for place in range(len(CASES))]


def require_clean(source: str, architectures: Sequence[str]) -> None:
    """Raise where the compiler warns, or keeps registers of a kernel in local memory."""
    for architecture in architectures:
        found = compiled_for(source, architecture)
        assert not found.warnings
        assert found.cubin
        assert ".version" in found.ptx
        assert not {name: used for name, used in found.resources.items() if used.spilled}


@pytest.mark.parametrize("place", EVERY)
def test_rows_of_the_table_compile_without_warnings(place: int) -> None:
    nodes = nodes_for(CASES[place].arrays("float32"))
    source = compile(list(nodes), results(CASES[place], nodes), backend="cuda").source
    require_clean(source, ARCHITECTURES if place in SAMPLE else ARCHITECTURES[place % 2 :][:1])


@pytest.mark.parametrize("seed", [0, *(pytest.param(seed, marks=pytest.mark.full) for seed in range(1, 300))])
def test_random_graphs_with_gradients_compile_without_warnings(seed: int) -> None:
    require_clean(random_graph(seed).compile(backend="cuda").source, ARCHITECTURES)


@pytest.mark.full
@pytest.mark.parametrize("name", MODELS)
def test_models_compile_without_warnings(name: str) -> None:
    require_clean(for_cuda(MODELS[name]()).artifact.source, ARCHITECTURES)
