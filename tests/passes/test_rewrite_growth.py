"""Rewriting takes time in proportion to the graph, also of those made to be hard; counted in calls, not in seconds."""

import math
import sys
from collections.abc import Callable
from types import FrameType

import numpy as np
import pytest

import graphc as gx
from graphc.ir.apply import apply
from graphc.ir.arithmetic import Neg, Sum, zeros_like
from graphc.ir.graph import Graph
from graphc.ir.leaves import full
from graphc.ir.node import Node
from graphc.ops.placement import Concat, Pad, Slice, Transpose
from graphc.origin import standing_for
from graphc.passes.pipeline import Log
from graphc.passes.rewrite import Rewrite
from graphc.passes.standard import rules
from graphc.types import FLOAT32

FEW, MANY = 100, 800


def zeros_added(n: int) -> Node:
    """x + 0 + 0 ..."""
    y = x
    for _ in range(n):
        y = y + zeros_like(y)
    return y


def numbers_multiplied(n: int) -> Node:
    """x * 1.01 * 1.01 ..., all of which meet."""
    y = x
    for _ in range(n):
        y = y * 1.01
    return y


def more_numbers_multiplied(n: int) -> Node:
    """x * 1.5 * 1.5 ..., of which as many meet as a float has room for; and so many that this shows in the fewest."""
    y = x
    for _ in range(4 * n):
        y = y * 1.5
    return y


def negated(n: int) -> Node:
    """-(-(x * y) * y) ..."""
    y = x
    for _ in range(n):
        y = -(y * x)
    return y


def pads_added(n: int) -> Node:
    """pad(x) + pad(x) + ..., all beside each other."""
    parts = [apply(Pad((4 * i,), (1,), (4 * n,), 0), x) for i in range(n)]
    total = parts[0]
    for part in parts[1:]:
        total = total + part
    return total


def open_pads_added(n: int) -> Node:
    """The same of an open extent, from the last to the first."""
    (m,) = of_any.shape
    total = apply(Pad((m * (n - 1),), (1,), (m * n,), 0), of_any)
    for i in reversed(range(n - 1)):
        total = total + apply(Pad((m * i,), (1,), (m * n,), 0), of_any)
    return total


def joined(n: int) -> Node:
    """A concatenation of n operands, cut into them again."""
    whole = apply(Concat(0), *[gx.exp(x * k) for k in range(n)])
    parts = [apply(Slice((4 * i,), (1,), (4,)), whole) for i in range(n)]
    return apply(Concat(0), *parts, *[gx.exp(part) for part in parts])


def joined_one_by_one(n: int) -> Node:
    """concat(concat(concat(x, x), x), x) ..."""
    y = x
    for _ in range(n):
        y = apply(Concat(0), y, x)
    return y


def turned(n: int) -> Node:
    """transpose(exp(transpose(exp(...))))"""
    y = gx.broadcast_to(x, (4, 4)) * x
    for _ in range(n):
        y = apply(Transpose((1, 0)), gx.exp(y))
    return y


def products(n: int) -> Node:
    """x @ (w @ (w @ ...))"""
    y = w
    for _ in range(n):
        y = w @ y
    return x @ y


def folded(n: int) -> Node:
    """Sums of products by a number, of one array each time again."""
    y = x
    for _ in range(n):
        y = x + apply(Sum((0,)), y * 2)
    return y


def chosen(n: int) -> Node:
    """where(p, where(p, where(p, ...)))"""
    y = x
    for k in range(n):
        y = gx.where(x > 0, y, x * k)
    return y


def of_one_origin(n: int) -> Node:
    """-(-x) + ..., whose nodes all stand for one: a rule may not walk through all of them."""
    y = x
    with standing_for(x):
        for _ in range(n):
            y = gx.exp(apply(Neg(), apply(Neg(), y)))
    return y


zero = full((4,), 0, FLOAT32)
x, w, of_any = gx.input("x", (4,)), gx.param("w", np.ones((4, 4), "float32")), gx.input("of_any", ("m",))
GRAPHS: tuple[Callable[[int], Node], ...] = (
    zeros_added, numbers_multiplied, more_numbers_multiplied, negated, pads_added, open_pads_added, joined,
    joined_one_by_one, turned, products, folded, chosen, of_one_origin,
)  # fmt: skip


def calls(graph: Graph) -> int:
    """How many calls it takes to rewrite a graph."""
    count = 0

    def counted(frame: FrameType, event: str, argument: object) -> None:
        nonlocal count
        count += event in ("call", "c_call")

    sys.setprofile(counted)
    try:
        Rewrite(rules(2)).run(graph, Log())
    finally:
        sys.setprofile(None)
    return count


@pytest.mark.parametrize("grow", GRAPHS, ids=lambda grow: grow.__name__)
def test_work_grows_as_the_graph(grow: Callable[[int], Node]) -> None:
    graphs = [Graph((x, of_any), (grow(n),)) for n in (FEW, MANY)]
    few, many = map(calls, graphs)
    exponent = math.log(many / few) / math.log(MANY / FEW)
    assert exponent < 1.1, (few, many)


def test_any_number_of_padded_parts_becomes_one_concatenation() -> None:
    (found,) = Rewrite(rules(2)).run(Graph((of_any,), (open_pads_added(FEW),)), Log()).outputs
    assert found.op == Concat(0)
    assert len(found.inputs) == FEW


def test_a_hundred_thousand_nodes_are_rewritten() -> None:
    y = x
    for _ in range(50_000):
        y = gx.exp(y) - zero
    log = Log()
    Rewrite(rules(2)).run(Graph((x,), (y,)), log)
    assert len(log.notes) == 50_000
