"""Chains of elementwise ops and movements are one kernel, and compute what single ops do."""

from collections.abc import Sequence
from typing import Any, Literal, TypeAlias

import numpy as np
import numpy.typing as npt
import pytest

import graphc as gx
from graphc.backends.cuda.emulation.emulator import Emulator
from graphc.ir.graph import Graph
from graphc.kernel.reference import interpret
from graphc.kernel.steps import Kernel
from graphc.kernel.target import Target
from graphc.kernel.verify import verify
from graphc.passes.pipeline import Trace
from graphc.passes.standard import improve, standard
from graphc.sizes import evaluate
from tests.backends.cuda.emulated import NEEDS_COMPILER, made_at_once
from tests.passes.chain_models import CHAINS, Chain

Array: TypeAlias = npt.NDArray[Any]  # Any: floats
EVERY = pytest.mark.parametrize("chain", CHAINS, ids=lambda chain: chain.name)
SIZES = [(4, 6), (6, 5), (2, 1), (2, 0)]


def kernels(f: gx.CompiledFunction) -> int:
    return sum(isinstance(step, Kernel) for step in f.program.steps)


def arrays_for(inputs: Sequence[gx.Node], n: int, m: int) -> list[Array]:
    rng = np.random.default_rng([n, m])
    sizes = {"n": n, "m": m}
    return [rng.standard_normal([evaluate(k, sizes) for k in x.shape]) for x in inputs]


def same(found: Sequence[object], expected: Sequence[object]) -> None:
    for one, other in zip(found, expected, strict=True):
        np.testing.assert_allclose(np.asarray(one), np.asarray(other), rtol=1e-12, atol=1e-12)


def with_slopes(chain: Chain, n: int | str, m: int | str) -> tuple[list[gx.Node], list[gx.Node]]:
    """The chain and its gradients, as functions of its inputs and a cotangent."""
    inputs, y = chain.build(n, m)
    g = gx.input("g", y.shape, "float64")
    return [*inputs, g], [y, *gx.vjp(y, inputs, g)]


@EVERY
def test_a_chain_is_one_kernel(chain: Chain) -> None:
    for n, m in ((4, 6), (40, 60), ("n", "m")):
        inputs, y = chain.build(n, m)
        assert kernels(gx.compile(inputs, y, backend="llvm")) == 1 or (chain.weighed and n == "n")
        assert kernels(gx.compile(inputs, y, backend="numpy")) <= (2 if chain.weighed else 1)


@EVERY
@pytest.mark.parametrize("backend", ["numpy", "llvm"])
def test_a_chain_and_its_gradient_are_those_of_single_ops(chain: Chain, backend: Literal["numpy", "llvm"]) -> None:
    inputs, outputs = with_slopes(chain, "n", "m")
    plain, open = (gx.compile(inputs, outputs, backend=backend, level=level) for level in (0, 2))
    verify(open.program)
    for n, m in SIZES:
        fixed_inputs, fixed_outputs = with_slopes(chain, n, m)
        fixed = gx.compile(fixed_inputs, fixed_outputs, backend=backend)
        verify(fixed.program)
        arrays = arrays_for(inputs, n, m)
        expected = plain(*arrays)
        same(open(*arrays), expected)
        same(fixed(*arrays), expected)


@EVERY
def test_the_interpreter_finds_the_same(chain: Chain) -> None:
    inputs, outputs = with_slopes(chain, 4, 6)
    arrays = arrays_for(inputs, 4, 6)
    f = gx.compile(inputs, outputs, backend="llvm")
    found, _ = interpret(f.program, arrays, [], {}, f.constants)
    same(found, gx.compile(inputs, outputs, level=0)(*arrays))


@NEEDS_COMPILER
def test_cuda_kernels_of_chains_compute_the_same() -> None:
    functions, expected, given = [], [], []
    for chain in CHAINS:
        inputs, outputs = with_slopes(chain, 4, 6)
        given.append(arrays_for(inputs, 4, 6))
        functions.append(gx.compile(inputs, outputs, backend="numpy"))
        expected.append(gx.compile(inputs, outputs, level=0)(*given[-1]))
    for f, arrays, values in zip(made_at_once(functions, Emulator()), given, expected, strict=True):
        same(f(*arrays), values)


def test_no_kernel_reads_under_another_shape_what_it_writes() -> None:
    x = gx.input("x", (4, 6, 5), "float64")
    y = gx.max(x, 0).reshape(15, 2, 1)
    y = gx.concat([y, gx.sin(y)], 2).reshape(2, 6, 5, 1)
    y = gx.transpose(gx.cumsum(y, 0), (2, 3, 1, 0)).reshape(60, 1)
    g = gx.input("g", y.shape, "float64")
    graph = Graph((x, g), (y, gx.vjp(y, x, g)))
    form = improve(graph, standard(graph, Target("any"), 2), Trace())
    for step in form.program.steps:
        written = {buffer.root for buffer in step.writes}
        assert not any(buffer.root in written for buffer in step.reads), step
