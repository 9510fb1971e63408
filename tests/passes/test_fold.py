"""Numbers that constants decide: one number each, the one that the backend would compute."""

from collections.abc import Callable

import numpy as np
import pytest

import graphc as gx
from graphc.ir.graph import Graph
from graphc.ir.leaves import ConstantValue, full, uniform
from graphc.passes.fold import FoldConstants
from graphc.passes.pipeline import Log
from graphc.types import DTYPES, is_floating

SPECIAL = (0.0, -0.0, 1.0, -2.5, np.inf, -np.inf, np.nan, 1e-40)
WHOLE = (0, 1, -1, 7, 127, -128)


def folded(*outputs: gx.Node) -> tuple[Graph, Log]:
    log = Log()
    return FoldConstants().run(Graph((), outputs), log), log


def both(build: gx.Node) -> tuple[object, object]:
    """What the backend computes, and what is folded."""
    (node,) = folded(build)[0].outputs
    number = uniform(node)
    assert number is not None
    return gx.compile([], build, backend="numpy", level=0)(), np.array(number).astype(node.dtype)


@pytest.mark.parametrize("dtype", [d for d in DTYPES if is_floating(DTYPES[d])])
@pytest.mark.parametrize(
    "build",
    [
        lambda x, y: x + y, lambda x, y: x - y, lambda x, y: x * y, lambda x, y: x / y,
        lambda x, y: gx.maximum(x, y) + 0,
        lambda x, y: gx.where(x < y, x, -y), lambda x, y: x % y, lambda x, y: x // y, lambda x, y: gx.sqrt(abs(x)),
    ],
)  # fmt: skip
def test_a_number_is_what_the_backend_would_compute(build: Callable[[gx.Node, gx.Node], gx.Node], dtype: str) -> None:
    for one in SPECIAL:
        for other in SPECIAL:
            computed, number = both(build(*(full((), v, DTYPES[dtype]) for v in (one, other))))
            found, wanted = (np.asarray(v).astype(np.float64) for v in (number, computed))
            np.testing.assert_array_equal(found, wanted)
            assert np.isnan(wanted) or np.signbit(found) == np.signbit(wanted)


@pytest.mark.parametrize("dtype", ["int8", "int32", "uint8"])
def test_whole_numbers_wrap_around_alike(dtype: str) -> None:
    kind = DTYPES[dtype]
    for one in WHOLE:
        for other in WHOLE:
            x, y = (full((), int(np.array(v).astype(kind)), kind) for v in (one, other))
            for node in (x * y, x + y, x // y, x % y, x**y):
                computed, number = both(node)
                assert computed == number, (one, other)


def test_a_uniform_array_costs_one_number() -> None:
    graph, log = folded(gx.exp(gx.broadcast_to(gx.constant(0.0), (1000, 1000))) * 3)
    (y,) = graph.outputs
    assert isinstance(y.op, ConstantValue)
    assert (uniform(y), y.shape, len(graph.nodes)) == (3, (1000, 1000), 1)
    assert [note.what for note in log.notes if "exp" in note.what]


def test_what_an_input_decides_stays() -> None:
    x = gx.input("x", (3,))
    y = x * 1.5 + 0.25
    graph = FoldConstants().run(Graph((x,), (y,)), Log())
    assert graph.outputs[0].op == y.op
    assert sum(not isinstance(node.op, ConstantValue) for node in graph.nodes) == 3


def test_folding_twice_changes_nothing_more() -> None:
    x = gx.input("x", (3,))
    once = FoldConstants().run(Graph((x,), (x * (gx.constant(2.0) + 1),)), Log())
    log = Log()
    assert FoldConstants().run(once, log).nodes == once.nodes
    assert not log.notes


def test_what_is_demanded_is_kept() -> None:
    x = gx.input("x", (3,))
    index = gx.constant(5) + 0
    with pytest.raises(gx.IndexRangeError, match=r"5 is not in -3 \.\. 2"):
        gx.evaluate(gx.take(x, index) * 0, {x: np.ones(3, np.float32)})
