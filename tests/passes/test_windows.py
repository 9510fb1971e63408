"""Gradients of convolutions by their arrays: convolutions too, where each element can be written once."""

from typing import Literal

import numpy as np
import pytest

import graphc as gx
from graphc.ir.graph import Graph, topological
from graphc.ops.contraction import Contraction
from graphc.passes.gathered import GatherWindows
from graphc.passes.pipeline import Log
from graphc.passes.rewrite import Rewrite
from graphc.passes.standard import ALL_RULES

CASES: dict[str, dict[str, object]] = {
    "same": {"padding": 1},
    "dilated": {"padding": 2, "dilation": 2},
    "uneven": {"padding": ((1, 0), (2, 1))},
    "full": {"padding": 2},
}


def gradient(**options: object) -> tuple[gx.Node, gx.Node, gx.Node]:
    """The cotangent of a convolution, its kernel, and the gradient by its array."""
    x, w = gx.input("x", (2, 3, 9, 8)), gx.input("w", (4, 3, 3, 3))
    y = gx.conv2d(x, w, **options)  # type: ignore[arg-type]
    g = gx.input("g", y.shape)
    return g, w, gx.grad(gx.sum(y * g), [x])[0]


def lays_down(graph: Graph) -> bool:
    """Whether several points of some product meet in one element."""
    products = [node.op for node in topological(graph.outputs) if isinstance(node.op, Contraction)]
    assert products
    return any(None in op.plain[2] for op in products)


@pytest.mark.parametrize("options", CASES.values(), ids=CASES)
def test_each_element_is_written_once(options: dict[str, object]) -> None:
    g, w, dx = gradient(**options)
    graph = Graph((g, w), (dx,))
    assert lays_down(graph)
    assert not lays_down(Rewrite(ALL_RULES).run(graph, Log()))


@pytest.mark.parametrize("options", [{"padding": 1, "stride": 2}, {"padding": 0}], ids=["steps", "not cut"])
def test_others_are_laid_down(options: dict[str, object]) -> None:
    g, w, dx = gradient(**options)
    assert lays_down(Rewrite(ALL_RULES).run(Graph((g, w), (dx,)), Log()))


@pytest.mark.parametrize("options", CASES.values(), ids=CASES)
@pytest.mark.parametrize("backend", ["numpy", "llvm"])
def test_value_is_that_of_what_is_laid_down(backend: Literal["numpy", "llvm"], options: dict[str, object]) -> None:
    g, w, dx = gradient(**options)
    rng = np.random.default_rng(0)
    arrays = [rng.standard_normal(node.shape).astype("float32") for node in (g, w)]
    values = [gx.compile([g, w], dx, backend=backend, level=level)(*arrays) for level in (0, 2)]
    np.testing.assert_allclose(values[0], values[1], rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("options", [{}, {"groups": 2}, {"dilation": (1, 2)}])
def test_what_is_not_cut_is_read_where_products_reach_outside(options: dict[str, object]) -> None:
    y, w = gx.input("y", (2, 4, 9, 8)), gx.input("w", (4, 3, 3, 2))
    x = gx.conv_transpose2d(y, w, **options)  # type: ignore[arg-type]
    graph = Graph((y, w), (x,))
    assert lays_down(graph)
    assert lays_down(Rewrite(ALL_RULES).run(graph, Log()))
    gathered = GatherWindows().run(graph, Log())
    assert not lays_down(gathered)
    rng = np.random.default_rng(0)
    arrays = [rng.standard_normal(node.shape).astype("float32") for node in (y, w)]
    values = [gx.compile([y, w], each.outputs[0], level=0)(*arrays) for each in (graph, gathered)]
    np.testing.assert_allclose(values[0], values[1], rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize(
    ("shape", "options"), [((2, 4, 9, 8), {"stride": 2}), ((2, 4, 9, 8), {"stride": (1, 2)}), ((2, 4, 2, 3), {})]
)
def test_strides_and_windows_that_are_mostly_outside_are_laid_down(
    shape: tuple[int, ...], options: dict[str, object]
) -> None:
    y, w = gx.input("y", shape), gx.input("w", (4, 3, 3, 3))
    x = gx.conv_transpose2d(y, w, **options)  # type: ignore[arg-type]
    assert lays_down(GatherWindows().run(Graph((y, w), (x,)), Log()))
