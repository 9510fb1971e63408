"""The memory plan: known before a call, never exceeded, never shared by two values that are alive."""

from itertools import pairwise

import numpy as np
import pytest

import graphc as gx
from graphc.backends.numpy.support import SMALL
from graphc.kernel.buffer import Buffer, Role
from graphc.kernel.program import Program
from graphc.sizes import evaluate
from tests.allocation import allocated, slack
from tests.random_graphs import SEEDS, RandomGraph, random_graph

LARGEST = 1 << 28  # bytes of one call
EVERY = pytest.mark.parametrize("seed", SEEDS)  # 200 and more in the full tier


def in_debug_mode(graph: RandomGraph) -> gx.CompiledFunction:
    """The function of a graph, watched at every call."""
    return gx.compile(graph.inputs, graph.outputs, updates=graph.updates, backend="numpy", debug=True)


@EVERY
def test_nothing_is_touched_beside_the_plan_and_nothing_read_before_it_is_written(seed: int) -> None:
    graph = random_graph(seed)
    arrays = graph.arrays(90, seed)
    expected = graph.results(graph.compile(), arrays)
    f = in_debug_mode(graph)
    for one, same in zip(graph.results(f, arrays), expected, strict=True):
        assert one.tobytes() == same.tobytes()
    use = f.arena_use
    assert use is not None
    assert use.touched_bytes <= use.planned_bytes == f.memory(n=90).peak_bytes
    unused = f.layout.alignment + 8 * SMALL  # bytes: a choice among few elements leaves its scratch alone
    assert use.planned_bytes - use.touched_bytes <= unused


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
def test_a_call_allocates_what_the_report_says_and_no_more(seed: int) -> None:
    graph = random_graph(seed)
    f = graph.compile()
    n = next(rows for rows in (50_000, 5_000, 500) if f.memory(n=rows).call_bytes < LARGEST)
    arrays = graph.arrays(n, seed)
    f(*arrays)  # what Python itself keeps after a first call is not of this call
    f.release()
    memory = f.memory(n=n)
    assert memory.peak_bytes <= allocated(f, arrays) <= memory.call_bytes + slack(f)


@EVERY
def test_the_plan_lies_between_the_bound_and_the_sum(seed: int) -> None:
    f = random_graph(seed).compile()
    for n in (0, 1, 50):
        memory = f.layout.place([n] * len(f.program.symbols))  # calls with n = 0 may fail
        assert memory.bound_bytes <= memory.peak_bytes <= memory.total_bytes


def test_a_call_that_is_repeated_allocates_outputs_only() -> None:
    x = gx.input("x", ("n", 64))
    f = gx.compile([x], gx.sum(gx.softmax(gx.tanh(x) @ np.ones((64, 64), np.float32), 1) * x, 1))
    array = np.ones((4096, 64), np.float32)
    f(array)
    memory = f.memory(n=4096)
    assert memory.peak_bytes >= 4096 * 64 * 4
    assert allocated(f, [array]) <= memory.output_bytes + memory.library_bytes + slack(f)


def test_one_table_of_indices_serves_all_steps() -> None:
    i, j = gx.input("i", "n", "int64"), gx.input("j", "n", "int64")
    f = gx.compile([i, j], [gx.one_hot(i, 100), gx.one_hot(i * j, 100)], level=0, backend="numpy")
    memory = f.memory(n=1000)
    assert memory.table_bytes == 800
    assert memory.bound_bytes >= 800


def test_the_report_says_all_figures() -> None:
    x = gx.input("x", ("n",))
    report = gx.compile([x], [gx.sort(gx.exp(x)), gx.argmax(x)]).memory(n=1000)
    assert report.output_bytes == 4008
    assert report.call_bytes == report.peak_bytes + report.library_bytes + report.output_bytes
    lines = str(report).splitlines()
    assert [line.split()[0] for line in lines] == ["arena", "libraries", "outputs"]
    assert f"{report.peak_bytes:,} bytes  (lower bound {report.bound_bytes:,}" in lines[0]
    assert f"{report.library_bytes:,} bytes" in lines[1]


def test_wrong_indices_are_found_in_little_room() -> None:
    x, i = gx.input("x", 3), gx.input("i", "n", "int64")
    f = gx.compile([x, i], gx.take(x, i))
    indices = np.zeros(1_000_000, np.int64)
    indices[-1] = 7

    def fail() -> None:
        with pytest.raises(gx.IndexRangeError, match="7"):
            f(np.ones(3, np.float32), indices)

    fail()
    f.release()
    assert allocated(fail, []) <= f.memory(n=len(indices)).call_bytes + slack(f) + 1_000_000  # a traceback is built
