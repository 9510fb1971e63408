"""What reductions count: the elements where a mask holds, and a first number."""

import numpy as np

from graphc.errors import ArgumentError, DTypeError, ShapeError
from graphc.ir.apply import locate
from graphc.ir.leaves import full, uniform
from graphc.ir.node import Like, Node
from graphc.ir.operands import as_node, broadcast, broadcast_shapes, cast, one_number, where
from graphc.ir.values import fits
from graphc.origin import here
from graphc.types import BOOL, DType, is_differentiable

__all__ = ["first_number", "mask_of", "selected"]


def mask_of(name: str, x: Node, mask: Like) -> Node:
    """The argument `where=` of a reduction of `x`: bools in the shape of `x`."""
    node = as_node(mask)
    if node.dtype != BOOL:
        problem = f"{name}: where= takes bools, not {node.dtype}"
        raise locate(DTypeError(problem, hint="write a comparison, as x > 0"), here(), (x, node))
    if node.ndim > x.ndim or broadcast_shapes(x.shape, node.shape) != x.shape:
        problem = f"{name}: where= of shape {node.tensor} does not fit into {x.tensor}"
        raise locate(ShapeError(problem, hint="gx.broadcast_to repeats the array"), here(), (x, node))
    return broadcast(node, x.shape)


def selected(name: str, x: Node, mask: "Like | None", fill: Like) -> Node:
    """`x`, and `fill` where the mask does not hold."""
    return x if mask is None else where(mask_of(name, x, mask), x, fill)


def first_number(name: str, x: Node, initial: Like, dtype: DType) -> Node:
    """The argument `initial=` of a reduction of `x`, in `dtype`; 0 and 1 stand for False and True."""
    start = one_number(name, "initial", initial)
    given = uniform(start)
    if given is None or is_differentiable(dtype):
        return cast(start, dtype)
    if dtype == BOOL and given in (0, 1):
        return full((), bool(given), BOOL)
    if not fits(np.asarray(given), dtype):
        raise locate(ArgumentError(f"{name}: initial={given} is no {dtype}"), here(), (x,))
    return cast(start, dtype)
