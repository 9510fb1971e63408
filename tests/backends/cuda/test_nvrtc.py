"""What NVRTC says of the kernels: no warnings, and no registers that spill, for two architectures."""

from collections.abc import Sequence

import pytest

from graphc.backends.cuda.backend import CudaBackend
from graphc.backends.cuda.nvrtc import compiled_for
from graphc.driver import compile
from graphc.errors import UnsupportedError
from graphc.function import CompiledFunction
from graphc.kernel.program import Program
from tests.cases import CASES
from tests.random_graphs import random_graph
from tests.test_cases import nodes_for, results
from tests.thirty_models import MODELS

pytest.importorskip("cuda.bindings", reason="NVRTC is not installed")

ARCHITECTURES = ("sm_80", "sm_90")
SAMPLE = range(0, len(CASES), 80)
FEW = 48  # bytes: ptxas now and then keeps a few of its own in local memory, of kernels with registers to spare
SPARE = 128  # registers: a block of 256 threads may have 255 each
EVERY = [pytest.param(place, marks=() if place in SAMPLE else pytest.mark.full) for place in range(len(CASES))]


def require_clean(program: Program, architectures: Sequence[str]) -> None:
    """Raise where the compiler warns, or a kernel needs more registers than there are."""
    try:
        source = CudaBackend().emit(program).source
    except UnsupportedError:
        pytest.skip("a step has no kernel yet")
    for architecture in architectures:
        found = compiled_for(source, architecture)
        assert not found.warnings
        assert found.cubin
        assert ".version" in found.ptx
        spilling = {name: used for name, used in found.resources.items() if used.spilled}
        assert not {name for name, used in spilling.items() if used.spilled > FEW or used.registers > SPARE}


@pytest.mark.parametrize("place", EVERY)
def test_rows_of_the_table_compile_without_warnings(place: int) -> None:
    nodes = nodes_for(CASES[place].arrays("float32"))
    program = compile(list(nodes), results(CASES[place], nodes), backend="numpy").program
    require_clean(program, ARCHITECTURES if place in SAMPLE else ARCHITECTURES[place % 2 :][:1])


@pytest.mark.parametrize("seed", [0, *(pytest.param(seed, marks=pytest.mark.full) for seed in range(1, 300))])
def test_random_graphs_with_gradients_compile_without_warnings(seed: int) -> None:
    require_clean(random_graph(seed).compile().program, ARCHITECTURES[seed % 2 :][:1])


@pytest.mark.full
@pytest.mark.parametrize("name", MODELS)
def test_models_compile_without_warnings(name: str) -> None:
    function: CompiledFunction = MODELS[name]()
    require_clean(function.program, ARCHITECTURES)
