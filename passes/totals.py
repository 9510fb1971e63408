"""Logarithms of sums of powers of e that are kept in range by the largest of a row: log Σ e^(x - m) + m."""

from collections.abc import Sequence
from itertools import permutations

from graphc.ir.apply import apply
from graphc.ir.arithmetic import Add, Spread, Squeeze
from graphc.ir.leaves import uniform
from graphc.ir.node import Node, Op
from graphc.ops.elementwise import Log
from graphc.ops.extremes import Max, UpperBound
from graphc.ops.piecewise import Maximum, Minimum

__all__ = ["bare", "is_log", "largest_of", "total_of"]


def bare(node: Node) -> Node:
    """A node without axes of extent 1 that come and go."""
    return _bared(node)[0]


def is_log(node: Node) -> bool:
    """Whether a node is a logarithm, but for axes of extent 1."""
    return isinstance(bare(node).op, Log)


def largest_of(node: Node) -> Node | None:
    """The largest of rows that a node is, whatever bounds keep it finite."""
    node = bare(node)
    while isinstance(node.op, Maximum | Minimum) and uniform(node.inputs[1]) is not None:
        node = bare(node.inputs[0])
    return node if isinstance(node.op, Max | UpperBound) else None


def total_of(row: Node, whole: Node) -> tuple[Node, Node] | None:
    """The logarithm and m, both repeated, of log + m, repeated along a row of which m is the largest."""
    if not isinstance(whole.op, Spread):
        return None
    under, moves = _bared(whole.inputs[0])
    if isinstance(under.op, Add):
        for log, other in permutations(under.inputs):
            largest = largest_of(other)
            if is_log(log) and largest is not None and largest.inputs[0] is row:
                return _moved(log, (whole.op, *moves)), _moved(other, (whole.op, *moves))
    return None


def _bared(node: Node) -> tuple[Node, Sequence[Op]]:
    """A node without axes of extent 1 that come and go, and how they do, last first."""
    moves: list[Op] = []
    while isinstance(node.op, Squeeze) or (
        isinstance(node.op, Spread) and all(node.shape[axis] == 1 for axis in node.op.axes)
    ):
        moves.append(node.op)
        (node,) = node.inputs
    return node, moves


def _moved(node: Node, moves: Sequence[Op]) -> Node:
    for op in reversed(moves):
        node = apply(op, node)
    return node
