"""Random chains compute what single ops do, and nearly all of them are one native kernel."""

from collections.abc import Callable

import numpy as np
import pytest

import graphc as gx
from graphc.backends.llvm.backend import LlvmBackend
from graphc.ir.graph import Graph
from graphc.kernel.steps import Kernel
from graphc.kernel.verify import verify
from graphc.passes.pipeline import Trace
from graphc.passes.standard import improve, standard
from graphc.verification.programs import Executable
from tests.passes.one_kernel import BACKENDS, FREE, kernels, same
from tests.passes.random_chains import random_chain


def test_random_chains_are_what_single_ops_are(full_tier: bool) -> None:
    for seed in range(400 if full_tier else 40):
        chain = random_chain(seed)
        for backend in BACKENDS:
            same([chain.x], [chain.y], backend)


def test_most_random_chains_are_one_kernel(full_tier: bool) -> None:
    chains = [random_chain(seed) for seed in range(400 if full_tier else 60)]
    single = [len(kernels(gx.compile(chain.x, chain.y, backend="llvm"))) <= 1 for chain in chains]
    assert sum(single) >= 0.8 * len(single)


def test_where_computing_is_free_each_random_chain_is_one_kernel(full_tier: bool) -> None:
    """Costs alone keep a chain of elementwise ops and movements apart."""
    for seed in range(400 if full_tier else 60):
        chain = random_chain(seed)
        graph = Graph((chain.x,), (chain.y,))
        lowered = improve(graph, standard(graph, FREE, 1), Trace())
        assert [type(step) for step in lowered.program.steps] == [Kernel], chain.text
        verify(lowered.program)
        x = np.random.default_rng(seed).standard_normal(chain.x.shape).astype("float32")
        (found,) = Executable.of(lowered, LlvmBackend()).run([x], [], {}).outputs
        assert np.array_equal(found, gx.compile(chain.x, chain.y, level=0)(x)), chain.text


@pytest.mark.parametrize(
    "of",
    [
        lambda x: gx.tile(gx.relu(gx.reshape(x * 2, (2, 12))), (2, 3)),  # rows of the maker are cut for the reader
        lambda x: gx.exp(gx.roll(gx.tile(x * 2, (3, 1)) + 1, 1, 0)),  # read at two places
        lambda x: gx.tile(gx.reshape(gx.concat([x, gx.tanh(x)], 1), (2, 24)), (2, 1)),  # parts, under another shape
        lambda x: gx.broadcast_to(gx.tanh(gx.concat([x, -x], 0)), (3, 8, 6)) * 2,
    ],
)
def test_what_one_makes_is_found_under_the_shape_of_the_other(of: Callable[[gx.Node], gx.Node]) -> None:
    x = gx.input("x", (4, 6))
    f = same([x], [of(x)], "llvm")
    assert len(f.program.steps) == 1
