"""Arrays of one value, and matrices of zeros and ones."""

import numpy as np

from graphc.errors import ShapeError
from graphc.ir.apply import locate
from graphc.ir.arithmetic import spread
from graphc.ir.leaves import full as constant
from graphc.ir.leaves import uniform
from graphc.ir.node import Like, Node
from graphc.ir.operands import as_node, cast
from graphc.ops.creation import iota
from graphc.ops.logic import equal, less_equal
from graphc.ops.movement import Extents, broadcast_to, shape_of
from graphc.origin import here
from graphc.sizes import Size
from graphc.types import BOOL, Shape, as_dtype

__all__ = ["eye", "full", "full_like", "identity", "ones", "ones_like", "tri", "zeros", "zeros_like"]


def zeros(shape: Extents, dtype: object = "float32") -> Node:
    """0 everywhere."""
    return full(shape, 0, dtype)


def ones(shape: Extents, dtype: object = "float32") -> Node:
    """1 everywhere."""
    return full(shape, 1, dtype)


def full(shape: Extents, value: Like, dtype: object = None) -> Node:
    """`value` everywhere, which broadcasts.  It keeps its dtype where none is given; Python floats are float32."""
    wanted = _shape("full", shape)
    to = None if dtype is None else as_dtype(dtype)
    node = as_node(bool(value) if to == BOOL and isinstance(value, int | float) else value)
    node = cast(node, node.dtype if to is None else to)
    number = uniform(node) if node.ndim == 0 else None
    return broadcast_to(node, wanted) if number is None else constant(wanted, number, node.dtype)


def zeros_like(x: Like, dtype: object = None) -> Node:
    """0 everywhere, in the shape of `x`, and in its dtype where none is given."""
    return full_like(x, 0, dtype)


def ones_like(x: Like, dtype: object = None) -> Node:
    """1 everywhere, in the shape of `x`, and in its dtype where none is given."""
    return full_like(x, 1, dtype)


def full_like(x: Like, value: Like, dtype: object = None) -> Node:
    """`value` everywhere, in the shape of `x`, and in its dtype where none is given."""
    node = as_node(x)
    return full(node.shape, value, node.dtype if dtype is None else dtype)


def eye(n: Size, m: "Size | None" = None, k: int = 0, dtype: object = "float32") -> Node:
    """1 on diagonal `k`, 0 elsewhere: 0 is the main diagonal, 1 the one above it.  [n, m]; m is n for None."""
    rows, columns = _positions("eye", n, m)
    return cast(equal(rows + k, columns), as_dtype(dtype))


def identity(n: Size, dtype: object = "float32") -> Node:
    """1 on the main diagonal, 0 elsewhere.  [n, n]"""
    return eye(n, dtype=dtype)


def tri(n: Size, m: "Size | None" = None, k: int = 0, dtype: object = "float32") -> Node:
    """1 on and below diagonal `k`, 0 above it.  [n, m]; m is n for None."""
    rows, columns = _positions("tri", n, m)
    return cast(less_equal(columns, rows + k), as_dtype(dtype))


def _positions(name: str, n: Size, m: "Size | None") -> tuple[Node, Node]:
    """The row and the column of each element."""
    shape = _shape(name, (n, n if m is None else m))
    return spread(iota(shape[0]), shape, (1,)), spread(iota(shape[1]), shape, (0,))


def _shape(name: str, extents: Extents) -> Shape:
    """A shape without negative extents."""
    shape = shape_of(name, extents)
    for extent in shape:
        if isinstance(extent, int | np.integer) and extent < 0:
            raise locate(ShapeError(f"{name}: the extent {extent} is negative"), here(), ())
    return shape
