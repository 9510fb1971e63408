"""Arrays made of sizes alone: counting, triangles."""

from typing import ClassVar, final

from graphc.errors import DTypeError, ShapeError
from graphc.ir.apply import apply, locate
from graphc.ir.arithmetic import spread, zeros_like
from graphc.ir.given import a_size, an_extent
from graphc.ir.kinds import Counting
from graphc.ir.node import Like, Node
from graphc.ir.operands import as_node, broadcast, where
from graphc.origin import here
from graphc.sizes import Size
from graphc.types import INT64, DType, Shape, TensorType, as_dtype, is_floating, is_integer

__all__ = ["Iota", "Positions", "iota", "tril", "triu"]


@final
class Positions(Counting):
    """0, 1 ... in row-major order: how many elements of an array come before each."""

    shape: Shape
    name: ClassVar[str] = "positions"

    def infer(self, *types: TensorType) -> TensorType:
        return TensorType(self.shape, INT64)


@final
class Iota(Counting):
    """0, 1 ... size - 1."""

    size: Size
    dtype: DType = INT64
    name: ClassVar[str] = "iota"

    def infer(self, *types: TensorType) -> TensorType:
        if not (is_floating(self.dtype) or is_integer(self.dtype)):
            raise DTypeError(f"iota has no meaning for {self.dtype}")
        return TensorType((self.size,), self.dtype)

    def text(self) -> str:
        return f"iota[{self.size}]"


def iota(size: Size, dtype: DType = INT64) -> Node:
    """0, 1 ... size - 1.  [size]"""
    return apply(Iota(an_extent("iota", "the size", size), as_dtype(dtype)))


def tril(x: Like, k: int = 0) -> Node:
    """The lower triangles of matrices, zero above diagonal `k`.  [..., n, m]   ->   [..., n, m]

    `k`: 0 is the main diagonal, 1 the one above it, -1 the one below.  A vector stands for a square matrix of which
    it is every row.

    Adjoint: the same.
    """
    rows, columns, node = _positions("tril", x)
    return where(columns <= rows + a_size("tril", "k", k), node, zeros_like(node))


def triu(x: Like, k: int = 0) -> Node:
    """The upper triangles of matrices, zero below diagonal `k`: see `tril`.  [..., n, m]   ->   [..., n, m]

    Adjoint: the same.
    """
    rows, columns, node = _positions("triu", x)
    return where(columns >= rows + a_size("triu", "k", k), node, zeros_like(node))


def _positions(name: str, x: Like) -> tuple[Node, Node, Node]:
    """The row and the column of each element, and the node itself."""
    node = as_node(x)
    if node.ndim == 0:
        raise locate(ShapeError(f"{name}: a matrix has 2 axes or more, and a vector one, not 0"), here(), (node,))
    if node.ndim == 1:
        node = broadcast(node, node.shape * 2)
    matrix = node.shape[-2:]
    return spread(iota(matrix[0]), matrix, (1,)), spread(iota(matrix[1]), matrix, (0,)), node
