"""Rows of the table of ops: loops and branches."""

import numpy as np

import graphc as gx
from graphc.ir.node import Node
from tests.case import Array, Case, coins, normal, whole

__all__ = ["LOOPS"]


def _running(x: Node, h: Node, *, reverse: bool) -> tuple[Node, Node]:
    last, rows = gx.scan(lambda h, row: (gx.sin(h * row) + row, h), h, x, reverse=reverse)
    return last, rows


def _running_by_numpy(x: Array, h: Array, *, reverse: bool) -> tuple[Array, Array]:
    rows = np.zeros_like(x)
    for t in reversed(range(len(x))) if reverse else range(len(x)):
        rows[t] = h
        h = np.sin(h * x[t]) + x[t]
    return h, rows


def _cooled(x: Node) -> Node:
    result: Node = gx.while_loop(lambda s: gx.sum(s * s) > 0.5, lambda s: 0.75 * gx.sin(s), x, max_steps=20)
    return result


def _cooled_by_numpy(x: Array) -> Array:
    while np.sum(x * x) > 0.5:
        x = 0.75 * np.sin(x)
    return x


def _either(p: Node, x: Node) -> Node:
    result: Node = gx.cond(p, lambda: gx.exp(x), lambda: x * x * x)
    return result


def _one_of_three(k: Node, x: Node) -> Node:
    result: Node = gx.switch(k, [lambda: gx.exp(x), lambda: x * x * x, lambda: gx.flip(gx.sin(x), 0)])
    return result


def _one_of_three_by_numpy(k: Array, x: Array) -> Array:
    values: list[Array] = [np.exp(x), x**3, np.sin(x)[::-1]]
    return values[int(k)]


LOOPS = (
    Case(
        "scan",
        lambda x, h: _running(x, h, reverse=False),
        lambda x, h: _running_by_numpy(x, h, reverse=False),
        (normal(4, 3), normal(3)),
        terms=20,
    ),
    Case(
        "scan from the last row",
        lambda x, h: _running(x, h, reverse=True),
        lambda x, h: _running_by_numpy(x, h, reverse=True),
        (normal(4, 3), normal(3)),
        terms=20,
    ),
    Case("while_loop", _cooled, _cooled_by_numpy, (normal(3),), terms=20),
    Case("cond", _either, lambda p, x: np.exp(x) if p else x**3, (coins(), normal(3))),
    Case("switch", _one_of_three, _one_of_three_by_numpy, (whole(0, 3), normal(3))),
)
