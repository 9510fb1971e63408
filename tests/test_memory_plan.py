"""The memory plan: known before a call, never exceeded, never shared by two values that are alive."""

import tracemalloc
from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import pytest

import graphc as gx
from graphc.backends.backend import empty_arena
from graphc.backends.numpy.support import SMALL
from graphc.kernel.buffer import Buffer, Role
from graphc.kernel.program import Program
from graphc.sizes import evaluate
from tests.random_graphs import SEEDS, Array, random_graph

EVERY = pytest.mark.parametrize("seed", SEEDS)

GUARD = 4096  # bytes behind the plan: one page
POISONS = (0x00, 0xFF, 0xA5)  # bytes: zeros, nan, and some other number


def run_poisoned(f: gx.CompiledFunction, arrays: Sequence[Array], n: int, poison: int) -> tuple[list[Array], Array]:
    """Outputs of a run in an arena full of `poison`, and the arena with its guard page after it."""
    placement = f.layout.place((n,))
    arena = empty_arena(placement.peak_bytes + GUARD, f.layout.alignment)
    arena.fill(poison)
    bound = f._bind((n,), arena)
    outputs = [np.empty(shape, dtype) for shape, dtype in bound.rooms]
    for array in outputs:
        array.reshape(-1).view(np.uint8).fill(poison)
    inputs, _ = f.arguments.accept(arrays, {})
    with np.errstate(all="ignore"):
        for part in (*bound.compute, *bound.commit):
            part(inputs, outputs)
    return outputs, arena


@EVERY
def test_nothing_is_touched_behind_the_plan_and_nothing_read_before_it_is_written(seed: int) -> None:
    graph = random_graph(seed)
    f = graph.compile()
    arrays = graph.arrays(90, seed)
    planned = f.memory(n=90).peak_bytes
    found = []
    untouched = np.ones(planned, bool)
    for poison in POISONS:
        for variable, value in graph.start.items():
            variable.value = value
        outputs, arena = run_poisoned(f, arrays, 90, poison)
        assert (arena[planned:] == poison).all(), "the guard page"
        untouched &= arena[:planned] == poison
        found.append([*outputs, *(v.value for v in graph.start)])
    for other in found[1:]:
        for one, same in zip(found[0], other, strict=True):
            assert one.tobytes() == same.tobytes()
    touched = np.flatnonzero(~untouched)
    slack = f.layout.alignment + 8 * SMALL  # bytes: a choice among few elements leaves its scratch alone
    assert planned == 0 or planned - touched[-1] <= slack


def owner_of(buffer: Buffer, program: Program) -> Buffer:
    """The temporary whose bytes `buffer` has."""
    buffer = buffer.root
    while buffer in program.aliases:
        buffer = program.aliases[buffer].root
    return buffer


@EVERY
def test_live_buffers_never_overlap(seed: int) -> None:
    for n in (1, 6, 100):
        f = random_graph(seed).compile()
        program = f.program
        placement = f.layout.place((n,))
        offsets = dict(zip(program.temporaries, f.places(placement), strict=False))
        first: dict[Buffer, int] = {}
        last: dict[Buffer, int] = {}
        for number, step in enumerate(program.steps):
            for buffer in (*step.reads, *step.writes):
                if buffer.root.role is Role.TEMPORARY:
                    first.setdefault(buffer.root, number)
                    last[buffer.root] = number
        for number in range(len(program.steps)):
            alive = [buffer for buffer in first if first[buffer] <= number <= last[buffer]]
            spans = {owner_of(b, program): (offsets[b], offsets[b] + bytes_of(b, n)) for b in alive}
            ordered = sorted(span for span in spans.values() if span[0] < span[1])
            for (_, end), (start, _) in pairwise(ordered):
                assert end <= start, f"step {number}"
            assert all(start >= 0 and end <= placement.peak_bytes for start, end in ordered)


def bytes_of(buffer: Buffer, n: int) -> int:
    """The bytes of a buffer whose only size is n."""
    return evaluate(buffer.size, {"n": n}) * buffer.dtype.itemsize


@EVERY
def test_temporaries_that_share_bytes_have_as_many(seed: int) -> None:
    program = random_graph(seed).compile().program
    for buffer in program.aliases:
        owner = owner_of(buffer, program)
        assert bytes_of(buffer, 7) == bytes_of(owner, 7)


@EVERY
def test_a_call_allocates_the_plan_and_the_outputs_and_no_more(seed: int) -> None:
    graph = random_graph(seed)
    f = graph.compile()
    n = 50_000
    arrays = graph.arrays(n, seed)
    f(*arrays)  # what Python itself keeps after a first call is not of this call
    f.release()
    memory = f.memory(n=n)
    tracemalloc.start()
    try:
        f(*arrays)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    views = 2048 * len(f.program.steps) + 65_536  # bytes: array objects that show the arena, closures, lists
    buffers = 3 * np.getbufsize() * 8  # bytes: what a ufunc of three operands that are no plain blocks takes
    assert peak <= memory.peak_bytes + memory.output_bytes + views + buffers
    assert peak >= memory.peak_bytes


@EVERY
def test_the_plan_lies_between_the_bound_and_the_sum(seed: int) -> None:
    f = random_graph(seed).compile()
    for n in (0, 1, 50):
        memory = f.memory(n=n)
        assert memory.bound_bytes <= memory.peak_bytes <= memory.total_bytes


def test_a_call_that_is_repeated_allocates_outputs_only() -> None:
    x = gx.input("x", ("n", 64))
    f = gx.compile([x], gx.sum(gx.softmax(gx.tanh(x) @ np.ones((64, 64), np.float32), 1) * x, 1))
    array = np.ones((4096, 64), np.float32)
    f(array)
    tracemalloc.start()
    try:
        f(array)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert f.memory(n=4096).peak_bytes >= 4096 * 64 * 4
    assert peak <= f.memory(n=4096).output_bytes + 65_536


def test_the_report_says_all_figures() -> None:
    x = gx.input("x", ("n",))
    report = gx.compile([x], gx.cumsum(gx.exp(x), 0) * 2).memory(n=1000)
    assert report.output_bytes == 4000
    assert f"arena {report.peak_bytes:,} bytes" in str(report)
