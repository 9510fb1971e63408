"""Compiled functions whose kernels run on this CPU, thread by thread."""

from collections.abc import Sequence
from dataclasses import replace
from functools import partial

import numpy as np
import pytest

from graphc.backends.cuda.backend import CudaBackend
from graphc.backends.cuda.device import Device
from graphc.backends.cuda.emulation.emulator import Emulator, has_compiler
from graphc.compilation import Compilation
from graphc.function import CompiledFunction
from graphc.ir.node import Node
from graphc.kernel.reference import interpret
from graphc.structure import leaves
from graphc.verification.programs import work
from tests.backends.cuda.compiled import for_cuda
from tests.case import Array

__all__ = ["NEEDS_COMPILER", "arrays_for", "emulated", "in_groups", "made_at_once", "meant", "near"]

NEEDS_COMPILER = pytest.mark.skipif(not has_compiler(), reason="the emulation needs g++")
MOST_WORK = 300_000  # lets: the interpreter computes some 40,000 a second
GROUP = 24  # programs that are compiled at once: each call of the compiler takes half a second by itself


def arrays_for(function: CompiledFunction) -> list[Array]:
    """Arguments of a function, open sizes as 5: zeros for integers, others between 0.5 and 1.5."""
    rng = np.random.default_rng(0)
    arrays = []
    for x in function.graph.inputs:
        shape = [extent if isinstance(extent, int) else 5 for extent in x.shape]
        array = np.zeros(shape) if x.dtype.kind in "iub" else rng.uniform(0.5, 1.5, shape)
        arrays.append(array.astype(x.dtype))
    return arrays


def emulated(function: CompiledFunction, emulator: Emulator) -> CompiledFunction:
    """The same graph, compiled for CUDA and run by the emulation."""
    return made_at_once([function], emulator)[0]


def made_at_once(
    functions: Sequence[CompiledFunction], emulator: Emulator, device: Device | None = None
) -> list[CompiledFunction]:
    """Several of them, by one call of the compiler.  They run on `device`, if it is not the emulator itself."""
    backend = CudaBackend(device or emulator)
    compilations = [for_cuda(function, backend) for function in functions]
    artifacts = [compilation.artifact for compilation in compilations]
    emulator.make([(artifact.source, artifact.notes.entries) for artifact in artifacts])
    found = []
    for function, compilation in zip(functions, compilations, strict=True):
        runnable = compilation.runnable()
        given = replace(function.arguments, symbols=runnable.outline.symbols, space=runnable.loaded.space)
        of = (backend, given, function.form, function.guard)
        found.append(CompiledFunction(function.graph, runnable, partial(_made, compilation), *of))
    return found


def _made(compilation: Compilation) -> Compilation:
    return compilation


def meant(function: CompiledFunction, arrays: Sequence[object]) -> tuple[list[Array], dict[Node, Array]]:
    """Outputs of a call and what variables hold after it, by the interpreter: nothing is set.

    A program that would take the interpreter long is run by its own backend.
    """
    program = function.program
    inputs, values = function.arguments.accept(tuple(arrays), {})
    sizes = dict(zip(program.symbols, values, strict=True))
    start = [np.array(variable.value) for variable in function.stored]
    if work(program, sizes) > MOST_WORK:
        outputs = [np.asarray(y) for y in leaves(function(*arrays))]
        after = [np.array(variable.value) for variable in function.stored]
        for variable, value in zip(function.stored, start, strict=True):
            variable.value = value
    else:
        outputs, after = interpret(program, inputs, start, sizes, function.constants)
    return outputs, dict(zip(function.stored, after, strict=True))


def in_groups(count: int) -> list[range]:
    """Places of things that are compiled together."""
    return [range(first, min(first + GROUP, count)) for first in range(0, count, GROUP)]


def near(found: object, expected: object) -> None:
    """Raise where results differ by more than some roundings of float32, relative to the largest."""
    x, y = np.asarray(found), np.asarray(expected)
    assert (x.dtype, x.shape) == (y.dtype, y.shape)
    if x.dtype.kind in "biu":
        np.testing.assert_array_equal(x, y)
        return
    wide, exact = x.astype(np.complex128), y.astype(np.complex128)
    largest = np.abs(exact[np.isfinite(exact)]).max(initial=0.0)
    bound = 3e-2 if x.dtype.itemsize == 2 else 3e-4
    np.testing.assert_allclose(wide, exact, rtol=bound, atol=bound * max(float(largest), 1e-30))
