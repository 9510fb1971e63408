"""What a call must find: kept from the graph as declared, whatever passes do to the nodes."""

from collections.abc import Callable, Sequence
from typing import Literal

import numpy as np
import pytest

import graphc as gx
from graphc.ir.arithmetic import ones_like, zeros_like
from graphc.ir.graph import Graph
from graphc.ir.node import IndexBound
from graphc.kernel.arrays import Array
from graphc.kernel.steps import Check
from graphc.passes.demands import CollectDemands
from graphc.passes.pipeline import Log

n1, m1 = gx.input("n1", ("n",)), gx.input("m1", ("m",))
x, i = gx.input("x", (4,)), gx.input("i", (4, 1), "int64")
r, j = gx.input("r", (3, 4)), gx.input("j", (2,), "int64")

#: each needs n and m to be equal, in an operand that some rule drops
SIZES = {
    "times one": n1 * ones_like(m1),
    "one times": ones_like(m1) * n1,
    "plus zero": n1 + zeros_like(m1),
    "zero plus": zeros_like(m1) + n1,
    "minus zero": n1 - zeros_like(m1),
    "over one": n1 / ones_like(m1),
    "where of one value": gx.where(m1 > 0, n1, n1),
    "constants": zeros_like(n1) + ones_like(m1),
    "negated twice": gx.negative(gx.negative(n1 + m1)),
    "sum of a spread": gx.sum(gx.broadcast_to(n1[:, None], (gx.size("n"), 1)) + m1[:, None], 1),
    "nothing of it": (n1 + m1)[:0],
}

#: each has an index out of range, in a node that some rule drops
INDICES = {
    "of a spread": gx.take_along_axis(gx.broadcast_to(x[:, None], (4, 5)), i, 1),
    "of a function": gx.take_along_axis(gx.exp(gx.broadcast_to(x[:, None], (4, 5))) * 2.0, i, 1),
    "of constants": gx.take_along_axis(gx.constant(np.float32(1.0)) * gx.broadcast_to(2.0, (4, 5)), i, 1),
    "in a condition": gx.where(gx.take(x, i) > 0, x[:, None], x[:, None]),
    "of a computed index": gx.where(gx.take(x, i * 2 - i) > 0, x[:, None], x[:, None]),
    "of a part of the index": gx.where(gx.take(x, i[:2]) > 0, x[:2, None], x[:2, None]),
    "of a reshaped index": gx.take_along_axis(gx.broadcast_to(x[:, None], (4, 5)), gx.reshape(i * 1 + 0, (4, 1)), 1),
    "into zeros": gx.sum(gx.scatter_add(gx.broadcast_to(0.0, (4,)), i[:, 0], x)),
    "of an update": gx.scatter_add(x, gx.reshape(i, (-1,)), x) * 1,
}  # fmt: skip


def problem_of(inputs: Sequence[gx.Node], output: gx.Node, level: int, arrays: Sequence[Array]) -> str:
    with pytest.raises(gx.GraphError) as raised:
        gx.compile(list(inputs), output, level=level)(*arrays)
    return str(raised.value)


@pytest.mark.parametrize("output", SIZES.values(), ids=SIZES)
def test_a_call_with_unequal_sizes_fails_alike_at_every_level(output: gx.Node) -> None:
    arrays = [np.ones(3, np.float32), np.ones(4, np.float32)]
    plain, *better = [problem_of([n1, m1], output, level, arrays) for level in (0, 1, 2)]
    assert "extents differ along axis 0" in plain
    assert better == [plain, plain]
    equal = [gx.compile([n1, m1], output, level=level)(arrays[0], arrays[0]) for level in (0, 1, 2)]
    np.testing.assert_array_equal(equal[1], equal[0])
    np.testing.assert_array_equal(equal[2], equal[0])


@pytest.mark.parametrize("output", INDICES.values(), ids=INDICES)
def test_a_call_with_an_index_out_of_range_fails_alike_at_every_level(output: gx.Node) -> None:
    arrays = [np.ones(4, np.float32), np.array([[0], [99], [1], [2]])]
    plain, *better = [problem_of([x, i], output, level, arrays) for level in (0, 1, 2)]
    assert "99 is not in" in plain
    assert better == [plain, plain]
    for level in (0, 1, 2):
        gx.compile([x, i], output, level=level)(arrays[0], np.zeros((4, 1), np.int64))


def test_a_lookup_into_nothing_fails_before_it_is_made() -> None:
    rows = gx.input("rows", ("n",))
    for output in (gx.take(rows, j), gx.take(rows, j * 2), gx.scatter_add(rows, j * 2, 1.0)):
        for level in (0, 2):
            problem = problem_of([rows, j], output, level, [np.ones(0, np.float32), np.array([0, 0])])
            assert "0 is an index into nothing" in problem


@pytest.mark.parametrize("backend", ["numpy", "llvm"])
def test_a_lookup_into_nothing_may_stand_before_the_check(backend: Literal["numpy", "llvm"]) -> None:
    """Where the kernel that looks up also makes the indices that are checked."""
    rows = gx.input("rows", ("n", 3))
    f = gx.compile([rows, j], gx.take(gx.ravel(rows), gx.remainder(j, 2)), backend=backend)
    with pytest.raises(gx.IndexRangeError, match="0 is an index into nothing"):
        f(np.ones((0, 3), np.float32), np.array([0, 0]))


def test_the_gradient_of_a_lookup_into_nothing_fails_before_it_is_made() -> None:
    rows = gx.input("rows", ("n",))
    slope = gx.grad(gx.sum(gx.take(rows, j % 3)), rows)
    for level in (0, 2):
        assert "into nothing" in problem_of([rows, j], slope, level, [np.ones(0, np.float32), np.array([0, 0])])


def test_a_node_demands_what_its_op_needs() -> None:
    graph = Graph((r, j), (gx.take(r, j, 1), gx.take(r, j, 0) + gx.take(r, j, 0)))
    demands = CollectDemands().run(graph, Log()).demands
    found = [(d.op, d.index, d.need.extent) for d in demands if isinstance(d.need, IndexBound)]
    assert {id(index) for _, index, _ in found} == {id(j)}
    assert [(op, extent) for op, _, extent in found] == [("take", 4), ("take", 3)]


def test_an_index_that_nothing_reads_any_more_is_computed_and_checked() -> None:
    output = gx.where(gx.take(x, i * 2) > 0, x[:, None], x[:, None])
    f = gx.compile([x, i], output)
    assert sum(isinstance(step, Check) for step in f.program.steps) == 1
    after = f.trace["rewrite"].after
    assert isinstance(after, Graph)
    assert after.demanded


BUILD: dict[str, Callable[[gx.Node], gx.Node]] = {
    "take": lambda index: gx.take(x, index),
    "take along": lambda index: gx.take_along_axis(x, index, 0),
    "scatter": lambda index: gx.scatter_add(x, index, 1.0),
}


@pytest.mark.parametrize("build", BUILD.values(), ids=BUILD)
@pytest.mark.parametrize("level", [0, 2])
@pytest.mark.parametrize("value", [2**63 + 5, 2**64 - 1, 2**63 - 1, 4])
def test_an_unsigned_index_does_not_wrap_around_to_a_valid_one(
    build: Callable[[gx.Node], gx.Node], level: int, value: int
) -> None:
    index = gx.input("index", (2,), "uint64")
    arrays: list[Array] = [np.ones(4, np.float32), np.array([value, 0], np.uint64)]
    assert f"{min(value, 2**63 - 1)} is not in -4 .. 3" in problem_of([x, index], build(index), level, arrays)


def test_modes_of_an_unsigned_index_beyond_int64() -> None:
    index = gx.input("index", (2,), "uint64")
    values = {x: np.arange(4, dtype=np.float32), index: np.array([2**64 - 2, 1], np.uint64)}
    assert gx.evaluate(gx.take(x, index, mode="clip"), values).tolist() == [3, 1]
    assert gx.evaluate(gx.take(x, index, mode="wrap"), values).tolist() == [2, 1]
    assert gx.evaluate(gx.one_hot(index, 3), values).tolist() == [[0, 0, 0], [0, 1, 0]]
