"""Rows of the table: loops and branches; the references are plain loops of Python."""

import numpy as np

from graphc.ir.node import Node
from graphc.ops.branch import cond, switch
from graphc.ops.scan import fori_loop, scan, while_loop
from graphc.structure import Structure, leaves
from tests.case import Array, Case, coins, normal, whole

__all__ = ["BRANCHES", "LOOPS"]


def _scan(x: Node, w: Node) -> list[Node]:
    """A carry that each row is added to, and an output that reads the carry before."""
    return leaves(scan(lambda h, row: (h * w + row, h * row), w, x))


def _scanned(x: Array, w: Array) -> tuple[Array, Array]:
    h, found = w, []
    for row in x:
        found.append(h * row)
        h = h * w + row
    return h, np.stack(found)


def _backwards(x: Node, w: Node) -> list[Node]:
    return leaves(scan(lambda h, row: (h * w + row, h * row), w, x, reverse=True))


def _scanned_backwards(x: Array, w: Array) -> tuple[Array, Array]:
    last, found = _scanned(x[::-1], w)
    return last, found[::-1]


def _in_segments(x: Node, w: Node) -> list[Node]:
    return leaves(scan(lambda h, row: (h * w + row, h * row), w, x, checkpoint=3))


def _while(x: Node, w: Node) -> Structure:
    three = while_loop(lambda s: s[0] < 3, lambda s: (s[0] + 1, s[1] * w), (0, x), max_steps=5)
    return three[1]


LOOPS = (
    Case("scan", _scan, _scanned, (normal(4, 3), normal(3)), terms=16),
    Case("scan, backwards", _backwards, _scanned_backwards, (normal(4, 3), normal(3)), terms=16),
    Case("scan in segments", _in_segments, _scanned, (normal(7, 2), normal(2)), terms=32),
    Case("while_loop", _while, lambda x, w: x * w * w * w, (normal(3), normal(3)), terms=4),
    Case("fori_loop", lambda x: fori_loop(0, 3, lambda i, y: y * x, x), lambda x: x * x * x * x, (normal(3),), terms=4),
)

BRANCHES = (
    Case(
        "cond",
        lambda c, x: cond(c, lambda x: x * x, lambda x: x + x, x),
        lambda c, x: x * x if c else x + x,
        (coins(), normal(3)),
    ),
    Case(
        "switch",
        lambda k, x, y: switch(k, [lambda: x * y, lambda: x + y, lambda: x * x]),
        lambda k, x, y: (x * y, x + y, x * x)[int(k)],
        (whole(0, 3), normal(3), normal(3)),
    ),
)
