"""Identities of arithmetic."""

from graphc.ir.apply import apply
from graphc.ir.arithmetic import Add, Div, Mul, Neg, Sub, Where
from graphc.ir.leaves import uniform
from graphc.ir.node import Node
from graphc.ops.elementwise import StopGradient
from graphc.passes.rewrite import Rule
from graphc.types import is_complex

__all__ = ["ARITHMETIC"]


def _negated_twice(node: Node) -> Node | None:
    (x,) = node.inputs
    return x.inputs[0] if isinstance(x.op, Neg) else None


def _times_one(node: Node) -> Node | None:
    return None if is_complex(node.dtype) else _other_than_one(node)


def _by_one(node: Node) -> Node | None:
    return None if is_complex(node.dtype) else _dividend_of_one(node)


def _times_minus_one(node: Node) -> Node | None:
    x, y = node.inputs
    if is_complex(node.dtype):
        return None
    if uniform(y) == -1:
        return apply(Neg(), x)
    return apply(Neg(), y) if uniform(x) == -1 else None


def _plus_negative(node: Node) -> Node | None:
    x, y = node.inputs
    if isinstance(y.op, Neg):
        return apply(Sub(), x, y.inputs[0])
    return apply(Sub(), y, x.inputs[0]) if isinstance(x.op, Neg) else None


def _other_than_one(node: Node) -> Node | None:
    x, y = node.inputs
    if uniform(y) == 1:
        return x
    return y if uniform(x) == 1 else None


def _dividend_of_one(node: Node) -> Node | None:
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


#: of complex z, whose parts the product takes four times, one with an imaginary part of 0
_OF_COMPLEX = "saves a pass; keeps a part beside an infinite one, which the product makes nan"

ARITHMETIC = (
    Rule("-(-x) = x", Neg, _negated_twice, exact=True),
    Rule("x * 1 = x", Mul, _times_one, exact=True),
    Rule("x * -1 = -x", Mul, _times_minus_one, exact=True),
    Rule("x + -y = x - y", Add, _plus_negative, exact=True),
    Rule("x / 1 = x", Div, _by_one, exact=True),
    Rule("z * 1 = z", Mul, _other_than_one, exact=False, because=_OF_COMPLEX),
    Rule("z / 1 = z", Div, _dividend_of_one, exact=False, because=_OF_COMPLEX),
    Rule("stop_gradient(x) = x", StopGradient, lambda node: node.inputs[0], exact=True),
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
