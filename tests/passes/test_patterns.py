"""What is written once for many steps is what would be written for each."""

from collections.abc import Sequence
from itertools import count

import pytest

import graphc as gx
from graphc.backends.numpy import turns, whole
from graphc.backends.numpy.backend import NumpyBackend
from graphc.ir.kinds import IndexMap, Product
from graphc.kernel.buffer import Buffer
from graphc.kernel.pattern import Pattern, pattern_of
from graphc.kernel.steps import Contract, Kernel
from graphc.kernel.text import program_text
from graphc.passes import lower
from graphc.passes.patterns import Iteration, iteration_of, unit_pattern
from tests.random_graphs import SEEDS, random_graph

EVERY = pytest.mark.parametrize("seed", SEEDS)


def twice(seed: int) -> gx.CompiledFunction:
    """A random graph and the same once more, on inputs of its own."""
    graph = random_graph(seed)
    again = {x: gx.input(f"{x.name} again", x.shape, x.dtype) for x in graph.inputs}
    return gx.compile(
        [*graph.inputs, *again.values()], [graph.outputs, gx.replace(graph.outputs, again)], backend="numpy"
    )


@EVERY
def test_lowering_by_patterns_changes_no_step(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    program = twice(seed).program
    numbers = count()

    def each_its_own(*given: object) -> tuple[Pattern, list[Buffer]]:
        return (next(numbers),), unit_pattern(*given)[1]  # type: ignore[arg-type]

    monkeypatch.setattr(lower, "unit_pattern", each_its_own)
    assert program_text(twice(seed).program) == program_text(program)


@EVERY
def test_writing_by_patterns_changes_no_line(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(turns, "LEAST_SAVED", 1 << 60)  # only steps of one pattern are written as a loop
    f = twice(seed)
    numbers = count()

    def each_its_own(step: Kernel | Contract, *then: None) -> tuple[Pattern, tuple[Buffer, ...]]:
        found = pattern_of(step.product if isinstance(step, Contract) else step)
        return (next(numbers),), found[1]

    monkeypatch.setattr(whole, "pattern_of", each_its_own)
    monkeypatch.setattr(whole, "pattern_of_both", each_its_own)
    assert NumpyBackend().emit(f.program).source == f.source


def test_the_layers_of_a_chain_are_lowered_as_one() -> None:
    x, w = gx.input("x", (4, 8)), gx.input("w", (8, 8))
    h = x
    for _ in range(6):
        h = gx.tanh(h @ w)
    steps = gx.compile([x, w], h).program.steps
    products = [step for step in steps if isinstance(step, Contract)]
    kernels = [step.then for step in products if step.then is not None]
    assert len(kernels) == len(products) == len(steps)
    assert len({pattern_of(step)[0] for step in products}) == 3  # the first reads an input, the last writes an output
    assert len({pattern_of(step)[0] for step in kernels}) == 2
    assert all(step.left_index is products[0].left_index for step in products)


def test_products_of_rows_are_lowered_as_one(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    def counted(op: Product, maps: Sequence[IndexMap | None]) -> Iteration:
        asked.append(op)
        return iteration_of(op, maps)

    monkeypatch.setattr(lower, "iteration_of", counted)
    x, w = gx.input("x", (6, 4, 8)), gx.input("w", (8, 8))
    f = gx.compile([x, w], [x[row] @ w for row in range(6)], backend="numpy")
    products = [step for step in f.program.steps if isinstance(step, Contract)]
    assert [step.left_index[0].offset for step in products] == list(range(6))
    assert len(asked) == 1
