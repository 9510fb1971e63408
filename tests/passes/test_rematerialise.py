"""A memory budget: it is kept, results are the same to the bit, and what is computed again is little."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest

import graphc as gx
from benchmarks.measure.nets import Net, attention, convolutions, lstm, residual
from graphc.ir.given import an_amount_of_bytes
from graphc.structure import leaves
from tests.random_graphs import SEEDS, random_graph

NETS: dict[str, Callable[[], Net]] = {
    "residual": lambda: residual(12, 16, 16),
    "residual of an open batch": lambda: residual(12, 16, "batch"),
    "lstm": lambda: lstm(8, 4, 6),
    "convolutions": lambda: convolutions(8, 4, 4, 8),
    "attention": lambda: attention(3, 2, 6, 8),
}


def _same_bits(one: Any, other: Any) -> bool:
    return all(np.array_equal(x, y, equal_nan=True) for x, y in zip(leaves(one), leaves(other), strict=True))


def _fitting(net: Net, budget: int, **options: Any) -> gx.CompiledFunction | None:
    """The function in so many bytes, if there is one."""
    try:
        return net.compile(memory=budget, **{"backend": "numpy", **options})
    except gx.MemoryBudgetError:
        return None


def test_slopes_of_64_residual_layers_take_a_quarter_of_the_memory_for_half_as_much_work_again() -> None:
    net = residual(64, 64, 64)
    plain = net.compile(backend="numpy")
    cut = net.compile(backend="numpy", memory=plain.memory().peak_bytes // 4)
    assert 4 * cut.memory().peak_bytes <= plain.memory().peak_bytes
    assert cut.cost().flops <= 1.5 * plain.cost().flops
    assert _same_bits(plain(*net.arrays), cut(*net.arrays))


OPTIMISERS: dict[str, Callable[[Sequence[gx.Node]], Any]] = {
    "sgd": lambda ws: gx.optim.SGD(ws, 0.1),
    "adam": lambda ws: gx.optim.Adam(ws, 0.01),
}


@pytest.mark.parametrize("name", OPTIMISERS)
def test_64_layers_are_updated_in_a_quarter_of_the_memory(name: str) -> None:
    """Gradients of all layers live to the end, where variables are set: with many rows that is little."""
    net = residual(64, 16, 256)
    updates = OPTIMISERS[name](net.weights)(net.slopes)
    plain = gx.compile(net.inputs, net.loss, updates=updates)
    cut = gx.compile(net.inputs, net.loss, updates=updates, memory=plain.memory().peak_bytes // 4)
    assert cut.cost().flops <= 1.5 * plain.cost().flops


@pytest.mark.parametrize("name", OPTIMISERS)
def test_updates_are_the_same_to_the_bit(name: str) -> None:
    after: list[Sequence[Any]] = []
    for parts in (1, 3):
        net = residual(16, 16, 256)
        updates = OPTIMISERS[name](net.weights)(net.slopes)
        peak = gx.compile(net.inputs, net.loss, updates=updates).memory().peak_bytes
        step = gx.compile(net.inputs, net.loss, updates=updates, memory=peak // parts)
        losses = [step(*net.arrays) for _ in range(3)]
        after.append([*losses, *[w.value for w in net.weights]])
    assert _same_bits(*after)


@pytest.mark.parametrize("name", NETS)
def test_a_smaller_budget_never_takes_more_and_gives_the_same_bits(name: str) -> None:
    net = NETS[name]()
    plain = net.compile(backend="numpy")
    expected, start = plain(*net.arrays), plain.memory(**net.sizes).peak_bytes
    last = start
    for percent in range(90, 0, -15):
        f = _fitting(net, start * percent // 100)
        if f is None:
            break
        peak = f.memory(**net.sizes).peak_bytes
        assert peak <= start * percent // 100
        assert peak <= last
        assert _same_bits(f(*net.arrays), expected)
        last = peak
    assert last < start


@pytest.mark.parametrize("name", NETS)
@pytest.mark.parametrize("level", [0, 1])
def test_every_level_has_a_budget(name: str, level: int) -> None:
    net = NETS[name]()
    plain = net.compile(backend="numpy", level=level)
    with pytest.raises(gx.MemoryBudgetError) as caught:
        net.compile(backend="numpy", level=level, memory=0)
    least = _least(caught.value)
    assert least < plain.memory(**net.sizes).peak_bytes
    f = net.compile(backend="numpy", level=level, memory=least, debug=True)
    assert _same_bits(f(*net.arrays), plain(*net.arrays))


def _least(problem: gx.MemoryBudgetError) -> int:
    assert problem.hint is not None
    return int(problem.hint.partition("memory=")[2].partition(";")[0])


def test_the_least_that_an_error_names_is_enough() -> None:
    net = residual(12, 16, 16)
    with pytest.raises(gx.MemoryBudgetError, match="no way is found to compute this in 1 bytes") as caught:
        net.compile(memory=1)
    least = _least(caught.value)
    assert net.compile(memory=least).memory().peak_bytes == least
    with pytest.raises(gx.MemoryBudgetError):
        net.compile(memory=least - 1)


def test_a_budget_that_is_met_anyway_changes_nothing() -> None:
    net = residual(3, 8, 8)
    assert net.compile(memory="1GB").source == net.compile().source


def test_what_is_computed_again_is_in_the_trace_with_its_line() -> None:
    net = residual(16, 16, 16)
    f = net.compile(memory=net.compile().memory().peak_bytes // 3)
    first, second, *others = f.trace["rematerialise"].notes
    assert "bytes are not kept, for" in first.what
    assert second.what == f"the arena takes {f.memory().peak_bytes:,} bytes"
    assert "matmul computed again" in {note.what for note in others}
    assert {note.origin.file.rpartition("/")[2] for note in others} == {"nets.py"}


def test_regions_and_a_budget_go_together() -> None:
    net = residual(16, 16, 16, wrap=gx.checkpoint)
    plain = residual(16, 16, 16).compile(backend="numpy")
    f = net.compile(backend="numpy", memory=plain.memory().peak_bytes // 3)
    assert _same_bits(plain(*net.arrays), f(*net.arrays))


@pytest.mark.parametrize("seed", SEEDS)
def test_random_graphs_give_the_same_bits_in_the_least_memory(seed: int) -> None:
    graph, level = random_graph(seed), seed % 3
    try:
        f = graph.compile(level, memory=0)
    except gx.MemoryBudgetError as error:
        f = graph.compile(level, memory=_least(error))
    plain = graph.compile(level)
    for n in (2, 3):
        arrays = graph.arrays(n, seed)
        assert _same_bits(graph.results(f, arrays), graph.results(plain, arrays))


@pytest.mark.parametrize(
    ("text", "bytes"),
    [
        ("200MB", 200_000_000),
        ("1.5 GiB", 3 << 29),
        ("7", 7),
        ("10 B", 10),
        ("0.5kB", 500),
        ("2KiB", 2048),
        ("1KB", 1000),
        ("200mb", 200_000_000),
        ("200 MIB", 200 << 20),
        ("1.5gib", 3 << 29),
        (1e6, 1_000_000),
        (np.float32(2e6), 2_000_000),
        (np.int16(7), 7),
    ],
)
def test_amounts_of_bytes(text: object, bytes: int) -> None:
    found = an_amount_of_bytes("compile", "the memory", text)
    assert found == bytes
    assert type(found) is int


@pytest.mark.parametrize("given", [1.5, -1.0, np.nan, np.inf, True, "", "MB", "1e6", "2 M", "2 Mbit", "-2MB", None])
def test_what_says_no_amount_of_bytes(given: object) -> None:
    with pytest.raises(gx.ArgumentError, match="the memory is a number of bytes, not "):
        an_amount_of_bytes("compile", "the memory", given)


@pytest.mark.full
def test_10_000_nodes_take_seconds() -> None:
    net = residual(700, 8, 8)
    plain = net.compile(backend="numpy")
    assert len(plain.trace["fuse"].before.nodes) > 9_000  # type: ignore[attr-defined]
    cut = net.compile(memory=plain.memory().peak_bytes // 6)
    assert cut.seconds < 60


@pytest.mark.full
def test_a_thousand_equal_layers_fit_into_a_tenth() -> None:
    """Each of their values is a small part of the peak, and together they are all of it."""
    net = residual(1000, 8, 8)
    peak = net.compile(backend="numpy").memory().peak_bytes
    cut = net.compile(memory=peak // 10)
    assert cut.memory().peak_bytes <= peak // 10


def test_verify_examines_what_is_computed_again() -> None:
    net = residual(6, 8, "batch", wrap=gx.checkpoint)
    with pytest.raises(gx.MemoryBudgetError) as caught:
        net.compile(memory=0)
    f = net.compile(memory=_least(caught.value), verify=True)
    assert {"again", "rematerialise"} <= {record.name for record in f.trace.records}


@pytest.mark.parametrize("name", NETS)
def test_native_kernels_give_the_same_bits_in_less_memory(name: str) -> None:
    net = NETS[name]()
    plain = net.compile(backend="llvm")
    peak = plain.memory(**net.sizes).peak_bytes
    cut = next(f for share in (0.5, 0.7, 0.9) if (f := _fitting(net, int(share * peak), backend="llvm")) is not None)
    assert cut.memory(**net.sizes).peak_bytes < peak
    assert _same_bits(plain(*net.arrays), cut(*net.arrays))


@pytest.mark.parametrize("seed", [*range(8), *(pytest.param(seed, marks=pytest.mark.full) for seed in range(8, 240))])
def test_native_kernels_of_random_graphs_give_the_same_bits_in_the_least_memory(seed: int) -> None:
    graph, level = random_graph(seed), seed % 3
    try:
        f = graph.compile(level, memory=0, backend="llvm")
    except gx.MemoryBudgetError as error:
        f = graph.compile(level, memory=_least(error), backend="llvm")
    plain = graph.compile(level, backend="llvm")
    for n in (3, 300):  # sums of some rows have one accumulator, those of many have several, and blocks
        arrays = graph.arrays(n, seed)
        assert _same_bits(graph.results(f, arrays), graph.results(plain, arrays))
