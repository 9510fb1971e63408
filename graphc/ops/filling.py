"""Arrays of one value, and matrices of zeros and ones."""

from graphc.ir.arithmetic import spread
from graphc.ir.given import a_size, an_array_shape
from graphc.ir.leaves import full as constant
from graphc.ir.leaves import uniform
from graphc.ir.node import Like, Node
from graphc.ir.operands import as_node, cast
from graphc.ops.creation import iota
from graphc.ops.logic import equal, less_equal
from graphc.ops.movement import Extents, broadcast_to
from graphc.sizes import Size
from graphc.types import BOOL, as_dtype

__all__ = ["eye", "full", "full_like", "identity", "ones", "ones_like", "tri", "zeros", "zeros_like"]


def zeros(shape: Extents, dtype: object = "float32") -> Node:
    """0 everywhere."""
    return full(shape, 0, dtype)


def ones(shape: Extents, dtype: object = "float32") -> Node:
    """1 everywhere."""
    return full(shape, 1, dtype)


def full(shape: Extents, value: Like, dtype: object = None) -> Node:
    """`value` everywhere, which broadcasts.  It keeps its dtype where none is given; Python floats are float32.

    value [...]   ->   `shape`.  Adjoint: the sum over the axes that `value` lacks.
    """
    wanted = an_array_shape("full", shape)
    to = None if dtype is None else as_dtype(dtype)
    node = as_node(bool(value) if to == BOOL and isinstance(value, int | float) else value)
    node = cast(node, node.dtype if to is None else to)
    number = uniform(node) if node.ndim == 0 else None
    return broadcast_to(node, wanted) if number is None else constant(wanted, number, node.dtype)


def zeros_like(x: Like, dtype: object = None) -> Node:
    """0 everywhere, in the shape of `x`, and in its dtype where none is given.  [...]   ->   [...]

    No slope.
    """
    return full_like(x, 0, dtype)


def ones_like(x: Like, dtype: object = None) -> Node:
    """1 everywhere, in the shape of `x`, and in its dtype where none is given.  [...]   ->   [...]

    No slope.
    """
    return full_like(x, 1, dtype)


def full_like(x: Like, value: Like, dtype: object = None) -> Node:
    """`value` everywhere, in the shape of `x`, and in its dtype where none is given.

    x [...]   ->   [...].  No slope by `x`; by `value` see `full`.
    """
    node = as_node(x)
    return full(node.shape, value, node.dtype if dtype is None else dtype)


def eye(n: Size, m: "Size | None" = None, k: int = 0, dtype: object = "float32") -> Node:
    """1 on diagonal `k`, 0 elsewhere: 0 is the main diagonal, 1 the one above it.  [n, m]; m is n for None."""
    rows, columns = _positions("eye", n, m)
    return cast(equal(rows + a_size("eye", "k", k), columns), as_dtype(dtype))


def identity(n: Size, dtype: object = "float32") -> Node:
    """1 on the main diagonal, 0 elsewhere.  [n, n]"""
    return eye(n, dtype=dtype)


def tri(n: Size, m: "Size | None" = None, k: int = 0, dtype: object = "float32") -> Node:
    """1 on and below diagonal `k`, 0 above it.  [n, m]; m is n for None."""
    rows, columns = _positions("tri", n, m)
    return cast(less_equal(columns, rows + a_size("tri", "k", k)), as_dtype(dtype))


def _positions(name: str, n: Size, m: "Size | None") -> tuple[Node, Node]:
    """The row and the column of each element."""
    shape = an_array_shape(name, (n, n if m is None else m))
    return spread(iota(shape[0]), shape, (1,)), spread(iota(shape[1]), shape, (0,))
