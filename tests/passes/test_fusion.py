"""How many kernels models take, what these compute, and what merging keeps."""

from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
import pytest

import graphc as gx
from graphc.kernel.reference import interpret
from graphc.kernel.steps import Contract, Kernel
from graphc.kernel.verify import verify
from tests.passes.fusion_models import MODELS, Model, Parts

Array: TypeAlias = npt.NDArray[Any]  # Any: floats and labels
EVERY = pytest.mark.parametrize("model", MODELS, ids=lambda model: model.name)
SMALL = 4  # the interpreter takes its time


def compiled(parts: Parts, level: int = 2) -> gx.CompiledFunction:
    return gx.compile(list(parts.inputs), list(parts.outputs), updates=dict(parts.updates), level=level)


def kernels(f: gx.CompiledFunction) -> int:
    return sum(isinstance(step, Kernel) for step in f.program.steps)


@EVERY
def test_a_model_takes_as_many_kernels_as_the_table_says(model: Model) -> None:
    f = compiled(model.build(16))
    contractions = sum(isinstance(step, Contract) for step in f.program.steps)
    assert (kernels(f), contractions) == (model.kernels, model.contractions)
    assert model.kernels >= model.fewest


@EVERY
def test_fused_kernels_compute_what_the_interpreter_and_single_ops_do(model: Model) -> None:
    parts = model.build(1 if model.name == "lenet" else SMALL)
    rng = np.random.default_rng(0)
    arrays: list[Array] = [
        rng.integers(0, 3, x.shape) if x.dtype.kind == "i" else rng.standard_normal(x.shape).astype(x.dtype)
        for x in parts.inputs
    ]
    start = {variable: np.array(variable.value) for variable in parts.updates}
    plain, _ = results(parts, arrays, start, level=0)
    fused, f = results(parts, arrays, start, level=2)
    found = [fused]
    if model.name != "lenet":
        values = [start.get(variable, variable.value) for variable in f.stored]
        interpreted, after = interpret(f.program, arrays, values, {}, f.constants)
        now = dict(zip(f.stored, after, strict=True))
        found.append([*interpreted, *(now[variable] for variable in parts.updates)])
    for other in found:
        for one, two in zip(plain, other, strict=True):
            np.testing.assert_allclose(two, one, rtol=2e-4, atol=2e-5)


def results(
    parts: Parts, arrays: Sequence[Array], start: Mapping[gx.Node, Array], level: int
) -> tuple[list[Array], gx.CompiledFunction]:
    """What a call gives from the first values of the variables, and what these are then."""
    for variable, value in start.items():
        variable.value = value
    f = compiled(parts, level)
    verify(f.program)
    outputs = [np.asarray(y) for y in f(*arrays)]
    return [*outputs, *(np.array(variable.value) for variable in parts.updates)], f
