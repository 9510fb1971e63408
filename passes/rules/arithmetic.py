"""Identities of arithmetic."""

from graphc.ir.arithmetic import Add, Div, Mul, Neg, Sub, Where
from graphc.ir.leaves import uniform
from graphc.ir.node import Node
from graphc.passes.rewrite import Rule

__all__ = ["ARITHMETIC"]


def _negated_twice(node: Node) -> Node | None:
    (x,) = node.inputs
    return x.inputs[0] if isinstance(x.op, Neg) else None


def _times_one(node: Node) -> Node | None:
    x, y = node.inputs
    if uniform(y) == 1:
        return x
    return y if uniform(x) == 1 else None


def _by_one(node: Node) -> Node | None:
    x, y = node.inputs
    return x if uniform(y) == 1 else None


def _plus_zero(node: Node) -> Node | None:
    x, y = node.inputs
    if uniform(y) == 0:
        return x
    return y if uniform(x) == 0 else None


def _minus_zero(node: Node) -> Node | None:
    x, y = node.inputs
    return x if uniform(y) == 0 else None


def _same_either_way(node: Node) -> Node | None:
    _, x, y = node.inputs
    return x if x is y else None


ARITHMETIC = (
    Rule("-(-x) = x", Neg, _negated_twice, exact=True),
    Rule("x * 1 = x", Mul, _times_one, exact=True),
    Rule("x / 1 = x", Div, _by_one, exact=True),
    Rule("where(c, x, x) = x", Where, _same_either_way, exact=True),
    Rule(
        "x + 0 = x",
        Add,
        _plus_zero,
        exact=False,
        because="saves a pass; keeps a -0.0 that the sum would lose",
    ),
    Rule("x - 0 = x", Sub, _minus_zero, exact=False, because="saves a pass; 0.0 - -0.0 stays what it was"),
)
