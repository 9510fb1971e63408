"""Whole models and random programs, as CUDA C++ that is emulated."""

from collections.abc import Mapping, Sequence
from typing import Protocol

import numpy as np
import pytest

import graphc as gx
from graphc.backends.cuda.emulation.emulator import Emulator
from graphc.structure import leaves
from graphc.testing.bodies import BODIES
from graphc.testing.program import Recipe, random_program
from tests.backends.cuda.emulated import NEEDS_COMPILER, arrays_for, emulated, made_at_once, meant, near
from tests.case import Array
from tests.random_graphs import random_graph
from tests.thirty_models import MODELS

pytestmark = NEEDS_COMPILER

#: the seeds of the random ones of the thirty models
RANDOM = [int(name.removeprefix("random ")) for name in MODELS if name.startswith("random ")]


def groups(count: int, first: int, each: int) -> list[object]:
    """Seeds: a few in the default tier, all in the full one."""
    rest = [range(start, min(start + each, count)) for start in range(first, count, each)]
    return [
        pytest.param(range(first), id="sample"),
        *(pytest.param(part, marks=pytest.mark.full, id=str(part.start)) for part in rest),
    ]


class Model(Protocol):
    """A random model, and its variables at first."""

    @property
    def start(self) -> Mapping[gx.Node, Array]: ...

    def results(self, function: gx.CompiledFunction, arrays: Sequence[Array], /) -> list[Array]:
        """Outputs of a call from the first values of the variables, then what these hold."""


def both_agree(found: Sequence[tuple[gx.CompiledFunction, Model, Sequence[Array]]]) -> None:
    """Raise where an emulated function gives something else than the interpreter."""
    functions = made_at_once([plain for plain, *_ in found], Emulator())
    for (plain, model, arrays), function in zip(found, functions, strict=True):
        for variable, value in model.start.items():
            variable.value = value
        try:
            outputs, after = meant(plain, arrays)
        except gx.GraphError as error:
            with pytest.raises(type(error)):
                model.results(function, arrays)
            continue
        expected = [*outputs, *({**model.start, **after}[variable] for variable in model.start)]
        for x, y in zip(model.results(function, arrays), expected, strict=True):
            near(x, y)


@pytest.mark.parametrize("seeds", groups(240, 2, 24))
def test_random_graphs_with_gradients_and_updates(seeds: range) -> None:
    found = []
    for seed in seeds:
        graph = random_graph(seed)
        found.append((graph.compile(), graph, graph.arrays(5)))
    both_agree(found)


@pytest.mark.full
@pytest.mark.parametrize("seeds", groups(60, 6, 12))
def test_random_programs_with_loops_and_branches(seeds: range) -> None:
    found = []
    for seed in seeds:
        program = random_program(Recipe.of(seed, 3, [*BODIES]))
        found.append((program.compile(), program, program.arrays({"n": 2, "m": 3})))
    both_agree(found)


def test_a_model_is_trained_as_by_numpy() -> None:
    rng = np.random.default_rng(0)
    x, t = gx.input("x", ("batch", 12)), gx.input("t", ("batch",), "int64")
    start = {
        "w": rng.standard_normal((12, 20)).astype(np.float32) * 0.3,
        "v": rng.standard_normal((20, 5)).astype(np.float32) * 0.3,
    }
    w, v = (gx.param(name, value) for name, value in start.items())
    loss = gx.nn.softmax_cross_entropy(gx.tanh(x @ w) @ v, t)
    plain = gx.compile([x, t], loss, updates=gx.optim.Adam([w, v], 0.01)(gx.grad(loss, [w, v])), backend="numpy")
    arrays = [(rng.standard_normal((n, 12)).astype(np.float32), rng.integers(0, 5, n)) for n in (33, 7, 64)]
    states = {variable: np.array(variable.value) for variable in plain.variables}
    expected = [plain(*given) for given in arrays]
    after = {variable: np.array(variable.value) for variable in plain.variables}
    for variable, value in states.items():
        variable.value = value
    function = emulated(plain, Emulator(3))
    near(np.array([function(*given) for given in arrays]), np.array(expected))
    for variable, value in after.items():
        near(variable.value, value)


def test_an_index_out_of_range_is_told_and_nothing_is_set() -> None:
    table, i = gx.param("table", np.ones((5, 2), np.float32)), gx.input("i", ("n",), "int64")
    plain = gx.compile([i], gx.sum(gx.take(table, i, axis=0)), updates={table: table * 2}, backend="numpy")
    function = emulated(plain, Emulator())
    with pytest.raises(gx.IndexRangeError, match=r"7 is not in -5 \.\. 4"):
        function(np.array([1, 7]))
    assert (table.value == 1).all()
    function(np.array([1, 2]))
    assert (table.value == 2).all()


@pytest.mark.full
@pytest.mark.parametrize("seed", RANDOM)
def test_random_programs_at_every_level(seed: int) -> None:
    program = random_program(Recipe.of(seed))
    both_agree([(program.compile(seed % 3), program, program.arrays({"n": 2, "m": 3}))])


@pytest.mark.full
@pytest.mark.parametrize("name", [name for name in MODELS if not name.startswith("random")])
def test_models_of_every_part_of_graphc(name: str) -> None:
    plain = MODELS[name]()
    arrays = arrays_for(plain)
    expected, after = meant(plain, arrays)
    function = emulated(plain, Emulator())
    for found, exact in zip(leaves(function(*arrays)), expected, strict=True):
        near(found, exact)
    for variable, value in after.items():
        near(variable.value, value)
