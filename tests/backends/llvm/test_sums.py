"""The order of sums in native kernels: that of `graphc.kernel.summing`, whatever is fused with them."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal

import numpy as np
import pytest

import graphc as gx
from graphc.backends.llvm.machine import host
from tests.random_graphs import random_graph

RNG = np.random.default_rng(11)

#: shapes and axes: long and short runs, with a rest or none, one and several blocks, axes that stay in between
SUMS = [
    ((5, 1000), (1,)),
    ((5, 1024), (1,)),
    ((9, 10), (1,)),
    ((700, 9), (0,)),
    ((40_000,), (0,)),
    ((90_000,), (0,)),
    ((300, 77), (0, 1)),
    ((300, 256), (0, 1)),
    ((700, 130), (0, 1)),
    ((8, 3, 9, 9), (0, 2, 3)),
    ((6, 70, 5, 11), (0, 2)),
    ((33, 65, 40), (0, 1)),
]

#: what is computed beside a sum `s` of `x`, in the same kernel where that is possible; `row` is as one of x
BESIDE: Mapping[str, Callable[[gx.Node, gx.Node, gx.Node, tuple[int, ...]], Sequence[gx.Node]]] = {
    "nothing": lambda x, row, s, axes: [],
    "a long formula": lambda x, row, s, axes: [gx.sum(gx.tanh(gx.exp(gx.sin(x)) * x), axes)],
    "float64": lambda x, row, s, axes: [gx.sum(gx.exp(x.astype("float64")), axes)],
    "elements": lambda x, row, s, axes: [gx.exp(x) * 2],
    "elements that read it": lambda x, row, s, axes: [x - gx.expand_dims(s, axes)],
    "the largest": lambda x, row, s, axes: [gx.max(x, axes), gx.argmax(x, axis=x.ndim - 1)],
    "places beside elements": lambda x, row, s, axes: [gx.exp(x), gx.max_with_index(x, 0)[0]],
    "sums of columns": lambda x, row, s, axes: [gx.sum(x * x, 0), gx.sum(gx.sin(x), 0)],
    "sums of all": lambda x, row, s, axes: [gx.sum(x * x)],
    "other steps": lambda x, row, s, axes: [gx.sum(x * row, axes)],
}


@pytest.mark.parametrize("is_open", [False, pytest.param(True, marks=pytest.mark.full)])
@pytest.mark.parametrize(("shape", "axes"), SUMS)
def test_a_sum_has_the_same_bits_whatever_is_beside_it(
    shape: tuple[int, ...], axes: tuple[int, ...], is_open: bool
) -> None:
    given = RNG.standard_normal(shape).astype("float32")
    found = []
    for beside in BESIDE.values():
        x = gx.input("x", ("n", *shape[1:]) if is_open else shape)
        s = gx.sum(x * 1.7, axes)
        row = gx.input("row", shape[1:])
        f = gx.compile([x, row], [s, *beside(x, row, s, axes)], backend="llvm", level=1)
        found.append(np.asarray(f(given, np.ones(shape[1:], "float32"))[0]))
    for name, other in zip(BESIDE, found, strict=True):
        assert np.array_equal(other, found[0]), name


@pytest.mark.parametrize("is_open", [False, True])
@pytest.mark.parametrize("shape", [(1, 40), (5, 3), (20, 33), (300, 70), (100, 100), (700, 40), (20_000, 5)])
def test_a_sum_of_all_has_the_same_bits_beside_rows(shape: tuple[int, int], is_open: bool) -> None:
    x = gx.input("x", ("n", shape[1]) if is_open else shape)
    rows, values = gx.input("rows", x.shape[:1]), gx.input("values", x.shape)
    losses, shifted = gx.logsumexp(x, 1), gx.tanh(x) * 3
    beside = gx.compile(x, [losses, gx.sum(losses), shifted, gx.sum(shifted), gx.softmax(x), gx.prod(1 + losses / 500)])
    given = RNG.standard_normal(shape).astype("float32")
    found = beside(given)
    alone = gx.compile([rows, values], [gx.sum(rows), gx.sum(values), gx.prod(1 + rows / 500)])(found[0], found[2])
    assert [found[1], found[3], found[5]] == alone
    np.testing.assert_allclose(found[1], found[0].sum(dtype="float64"), rtol=1e-5, atol=1e-5)
    assert [y.tobytes() for y in beside(given)] == [y.tobytes() for y in found]


def _in_order(values: Any, lanes: int) -> Any:
    """The sum of a row by the rule."""
    sums = np.zeros(lanes, values.dtype)
    for place, value in enumerate(values):
        sums[place % lanes] += value
    while len(sums) > 1:
        half = len(sums) // 2
        sums = sums[:half] + sums[half:]
    return sums[0]


@pytest.mark.parametrize("extent", [20, 64, 100, 1000])
def test_the_elements_of_a_run_go_to_accumulators_by_turns(extent: int) -> None:
    lanes = min(4 * host().lanes(8), 1 << (extent.bit_length() - 1))
    given = RNG.standard_normal((3, extent))
    x = gx.input("x", (3, extent), "float64")
    found = gx.compile(x, gx.sum(x, 1), backend="llvm")(given)
    assert found.tolist() == [_in_order(row, lanes) for row in given]


@pytest.mark.parametrize("level", [0, 2])
def test_a_sum_of_no_rows_of_no_columns_is_0(level: Literal[0, 2]) -> None:
    x = gx.input("x", ("n", 4))
    row = gx.ravel(x)
    f = gx.compile(x, gx.sum(gx.tanh(gx.einsum("i,j->ij", row, row))), backend="llvm", level=level)
    assert f(np.zeros((0, 4), np.float32)) == 0
    assert f(np.full((1, 4), 1e3, np.float32)) == 16


def test_columns_are_added_up_in_blocks_of_rows() -> None:
    given = RNG.standard_normal((900, 50))
    x = gx.input("x", (900, 50), "float64")
    found = gx.compile(x, gx.sum(x, 0), backend="llvm")(given)
    rows = -(-max(2**14 // 50, -(-900 // 64)) // 32) * 32
    total = np.zeros(50)
    for start in range(0, 900, rows):
        total += np.add.accumulate(given[start : start + rows])[-1]
    assert np.array_equal(found, total)


@pytest.mark.parametrize(
    "seed", [*range(300, 304), *(pytest.param(n, marks=pytest.mark.full) for n in range(304, 340))]
)
def test_random_graphs_have_the_same_bits_fused_and_one_kernel_for_each_op(seed: int) -> None:
    """Level 1 rewrites nothing but what is exact."""
    graph = random_graph(seed)
    apart, fused = (graph.compile(level, backend="llvm") for level in (0, 1))
    for n in (3, 300):
        arrays = graph.arrays(n, seed)
        for one, other in zip(graph.results(apart, arrays), graph.results(fused, arrays), strict=True):
            np.testing.assert_array_equal(one, other)
