"""What holds for every graph: the backend agrees with the interpreter, passes keep meaning, texts repeat."""

import os
import subprocess
import sys
from collections.abc import Sequence

import numpy as np
import pytest

import graphc as gx
from graphc.kernel.program import Program
from graphc.kernel.reference import interpret
from graphc.kernel.verify import verify
from graphc.passes.lower import Lowered
from graphc.passes.pipeline import Log
from graphc.passes.share import ShareSubexpressions
from tests.random_graphs import SEEDS, Array, RandomGraph, random_graph

EVERY = pytest.mark.parametrize("seed", SEEDS)


def assert_same(actual: Sequence[Array], expected: Sequence[Array], rounding: float = 1e4) -> None:
    """Equal but for rounding: some thousands of units in the last place of the largest number, nan where nan is."""
    for one, other in zip(actual, expected, strict=True):
        assert (one.shape, one.dtype) == (other.shape, other.dtype)
        finite = np.abs(other[np.isfinite(other)])
        bound = rounding * float(np.finfo(other.dtype).eps) if other.dtype.kind == "f" else 0
        np.testing.assert_allclose(one, other, rtol=bound, atol=bound * max(1.0, float(finite.max(initial=0))))


def interpreted(graph: RandomGraph, level: int, arrays: Sequence[Array], n: int) -> list[Array]:
    """Outputs, and the values of the variables in the order of `graph.start`, by the reference interpreter."""
    f = graph.compile(level)
    values = [graph.start[node] for node in f.stored]
    outputs, after = interpret(f.program, arrays, values, {"n": n}, f.constants)
    by_node = {**graph.start, **dict(zip(f.stored, after, strict=True))}
    return [*outputs, *(by_node[node] for node in graph.start)]


@EVERY
def test_the_backend_agrees_with_the_interpreter(seed: int) -> None:
    graph = random_graph(seed)
    level = seed % 3
    f = graph.compile(level)
    for n, special in ((2, False), (3, True), (1, False)):
        arrays = graph.arrays(n, seed, special)
        assert_same(graph.results(f, arrays), interpreted(graph, level, arrays, n))


@EVERY
def test_levels_agree(seed: int) -> None:
    graph = random_graph(seed)
    assert_alike(graph, [graph.compile(level) for level in (0, 1, 2)], (5, 1, 0), seed)


def assert_alike(graph: RandomGraph, functions: Sequence[gx.CompiledFunction], rows: Sequence[int], seed: int) -> None:
    """All functions of a graph give the same, or say the same, for so many rows of inputs."""
    for n in rows:
        arrays = graph.arrays(n, seed)
        plain, *better = [results_or_problem(graph, f, arrays) for f in functions]
        for found in better:
            if isinstance(plain, str) or isinstance(found, str):
                assert found == plain
            else:
                assert_same(found, plain)


def results_or_problem(graph: RandomGraph, f: gx.CompiledFunction, arrays: Sequence[Array]) -> list[Array] | str:
    """What a call gives, or what it says: the largest element of nothing does not exist."""
    try:
        return graph.results(f, arrays)
    except gx.ShapeError as error:
        if "nothing has no extreme" not in error.problem:
            raise
        return error.problem


@EVERY
def test_a_call_gives_the_same_bits_again(seed: int) -> None:
    graph = random_graph(seed)
    arrays = graph.arrays(7, seed)
    f = graph.compile()
    first = graph.results(f, arrays)
    f(*graph.arrays(4, seed + 1))
    for one, other in zip(first, graph.results(f, arrays), strict=True):
        assert one.tobytes() == other.tobytes()


@EVERY
def test_every_program_is_well_formed_after_each_pass(seed: int) -> None:
    for level in (0, 1, 2):
        programs = 0
        for record in random_graph(seed).compile(level).trace.records:
            after = record.after
            if isinstance(after, Lowered):
                after = after.program
            if isinstance(after, Program):
                verify(after)
                programs += 1
        assert programs


@EVERY
def test_sharing_twice_changes_nothing_more(seed: int) -> None:
    once = ShareSubexpressions().run(random_graph(seed).compile(0).graph, Log())
    log = Log()
    twice = ShareSubexpressions().run(once, log)
    assert twice.nodes == once.nodes
    assert not log.notes


SOURCES = """
import hashlib
from tests.random_graphs import random_graph
for seed in range({count}):
    for level in (0, 2):
        print(seed, level, hashlib.sha256(random_graph(seed).compile(level).source.encode()).hexdigest())
"""


def test_source_does_not_depend_on_the_seed_of_hashes(full_tier: bool) -> None:
    program = SOURCES.format(count=60 if full_tier else 12)
    found = []
    for hash_seed in ("0", "1", "77"):
        environment = os.environ | {"PYTHONHASHSEED": hash_seed}
        ran = subprocess.run(
            [sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=True
        )
        found.append(ran.stdout)
    assert found[0] == found[1] == found[2]
    assert len(set(found[0].split("\n"))) > 10


def test_source_does_not_depend_on_what_was_compiled_before() -> None:
    first = random_graph(3).compile().source
    random_graph(4).compile()
    assert random_graph(3).compile().source == first
