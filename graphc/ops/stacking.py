"""Arrays of more axes, side by side, and in uneven parts."""

from collections.abc import Sequence

from graphc.errors import ShapeError
from graphc.ir.apply import locate
from graphc.ir.given import several
from graphc.ir.node import Like, Node
from graphc.ir.operands import as_node
from graphc.ops.axes import one_axis
from graphc.ops.movement import concat, expand_dims, number_of_parts, split
from graphc.origin import here

__all__ = ["array_split", "atleast_1d", "atleast_2d", "atleast_3d", "dstack", "hstack", "vstack"]


def atleast_1d(x: Like) -> Node:
    """`x` with one axis or more.  []   ->   [1]  Adjoint: the reshape back."""
    node = as_node(x)
    return node if node.ndim else expand_dims(node, 0)


def atleast_2d(x: Like) -> Node:
    """`x` with two axes or more: a row.  [n]   ->   [1, n]  Adjoint: the reshape back."""
    node = atleast_1d(x)
    return expand_dims(node, 0) if node.ndim == 1 else node


def atleast_3d(x: Like) -> Node:
    """`x` with three axes or more.  [n]   ->   [1, n, 1]; [n, m]   ->   [n, m, 1]

    Adjoint: the reshape back.
    """
    node = atleast_2d(x)
    return expand_dims(node, -1) if node.ndim == 2 else node


def hstack(xs: Sequence[Like]) -> Node:
    """The arrays side by side: along axis 1, rows along axis 0.  See `concat`.

    [n, m], [n, k]   ->   [n, m + k]
    """
    nodes = [atleast_1d(x) for x in several("hstack", "what is put together", xs)]
    return concat(nodes, 0 if nodes and nodes[0].ndim == 1 else 1)


def vstack(xs: Sequence[Like]) -> Node:
    """The arrays below each other: along axis 0, rows as matrices of one row.  See `concat`.

    [n, m], [k, m]   ->   [n + k, m]
    """
    return concat([atleast_2d(x) for x in several("vstack", "what is put together", xs)], 0)


def dstack(xs: Sequence[Like]) -> Node:
    """The arrays behind each other: along axis 2, matrices as [n, m, 1] and rows as [1, n, 1].  See `concat`.

    [n, m], [n, m]   ->   [n, m, 2]
    """
    return concat([atleast_3d(x) for x in several("dstack", "what is put together", xs)], 2)


def array_split(x: Like, sections: int, axis: int = 0) -> list[Node]:
    """So many parts along `axis`, of extents that differ by 1 at most, the longer ones first.  See `split`."""
    node = as_node(x)
    i = one_axis("array_split", axis, node.ndim, node)
    n = node.shape[i]
    sections = number_of_parts("array_split", sections)
    if not isinstance(n, int):
        problem = f"array_split: an extent of {n} has no parts of a known length"
        raise locate(ShapeError(problem, hint="gx.split makes equal parts"), here(), (node,))
    short, longer = divmod(n, sections)
    return split(node, [number * short + min(number, longer) for number in range(1, sections)], i)
