"""Gradients kept from growing too long."""

from functools import reduce

from graphc.errors import ArgumentError, DTypeError
from graphc.ir.apply import locate
from graphc.ir.node import Like, Node
from graphc.ir.operands import add, as_node, cast, div, mul
from graphc.ops.piecewise import maximum
from graphc.ops.powers import sqrt, square
from graphc.ops.reduction import sum
from graphc.origin import here, of_call
from graphc.structure import Structure, leaves, rebuild
from graphc.types import accumulator, is_differentiable

__all__ = ["clip_by_global_norm", "global_norm"]


def global_norm(gradients: Structure) -> Node:
    """The length of all gradients as one vector; added up in float32 at least.

    Slopes: g / y, where y is the length.
    """
    nodes = [as_node(g) for g in leaves(gradients)]
    if not nodes:
        raise ArgumentError(of_call("there are no gradients"))
    return sqrt(reduce(add, (sum(square(_wide(g))) for g in nodes)))


def clip_by_global_norm(gradients: Structure, limit: Like) -> Structure:
    """The gradients, all made shorter by one factor where their common length is above `limit`; in their form.

    Pascanu, Mikolov, Bengio: On the difficulty of training recurrent neural networks, 2013, algorithm 1.

    Each g [...]   ->   [...].  Slopes: those of g / max(1, length / limit).  Raises DTypeError for integers.
    """
    bound = as_node(limit)
    factor = div(bound, maximum(global_norm(gradients), bound))  # 1 where nothing is to do, also at length 0
    nodes = [as_node(g) for g in leaves(gradients)]
    for g in nodes:
        if not is_differentiable(g.dtype):
            raise locate(DTypeError(f"clip_by_global_norm: {g.dtype} holds no fraction of a gradient"), here(), (g,))
    return rebuild(gradients, [cast(mul(_wide(g), cast(factor, _wide(g).dtype)), g.dtype) for g in nodes])


def _wide(g: Node) -> Node:
    return cast(g, accumulator(g.dtype))
