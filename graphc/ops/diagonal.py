"""The diagonal of matrices, and its adjoint."""

from collections.abc import Sequence
from typing import ClassVar, final

from graphc.ir.apply import apply
from graphc.ir.arithmetic import sum_over
from graphc.ir.kinds import Deposit, IndexMap, Movement
from graphc.ir.node import IndexBound, Like, Node, Op, SameSize
from graphc.ir.operands import as_node
from graphc.kernel.affine import AffineIndex
from graphc.ops.axes import some_axes
from graphc.sizes import Size
from graphc.types import Shape, TensorType

__all__ = ["Diagonal", "OnDiagonal", "diagonal", "trace"]


@final
class Diagonal(Movement):
    """The elements whose indices along two axes are equal.  Adjoint: OnDiagonal.

    [p..., n, q..., n, r...]   ->   [p..., q..., r..., n]; `first` < `second` are the two axes.
    """

    first: int
    second: int
    name: ClassVar[str] = "diagonal"

    def infer(self, *types: TensorType) -> TensorType:
        (x,) = types
        kept = tuple(n for axis, n in enumerate(x.shape) if axis not in (self.first, self.second))
        return TensorType((*kept, x.shape[self.first]), x.dtype)

    def requirements(self, *types: TensorType) -> Sequence[SameSize | IndexBound]:
        n, m = types[0].shape[self.first], types[0].shape[self.second]
        return () if n == m else (SameSize(n, m, "the extents of the two axes differ"),)

    def source(self, operand: Shape) -> IndexMap:
        return _places(self.first, self.second, len(operand))

    def transpose(self, node: Node, cotangent: Node) -> Sequence[Node | None]:
        return (apply(OnDiagonal(self.first, self.second), cotangent),)

    def lifted(self, extent: Size) -> Op:
        return Diagonal(self.first + 1, self.second + 1)


@final
class OnDiagonal(Deposit):
    """The last axis written to the diagonal of two new ones, with zeros elsewhere.  Adjoint: Diagonal.

    [p..., q..., r..., n]   ->   [p..., n, q..., n, r...]
    """

    first: int
    second: int
    name: ClassVar[str] = "on_diagonal"

    def infer(self, *types: TensorType) -> TensorType:
        (x,) = types
        shape = list(x.shape[:-1])
        shape.insert(self.first, x.shape[-1])
        shape.insert(self.second, x.shape[-1])
        return TensorType(tuple(shape), x.dtype)

    def places(self, *operands: Shape) -> Sequence[IndexMap]:
        return (_places(self.first, self.second, len(operands[0]) + 1),)

    def covers(self) -> bool:
        return False

    def transpose(self, node: Node, cotangent: Node) -> Sequence[Node | None]:
        return (apply(Diagonal(self.first, self.second), cotangent),)

    def lifted(self, extent: Size) -> Op:
        return OnDiagonal(self.first + 1, self.second + 1)


def _places(first: int, second: int, rank: int) -> IndexMap:
    """Where elements of the diagonal lie in the array of `rank` axes."""
    others = iter(range(rank - 2))
    axes = [rank - 2 if axis in (first, second) else next(others) for axis in range(rank)]
    return IndexMap(tuple(AffineIndex(((axis, 1),)) for axis in axes))


def diagonal(x: Like, axis1: int = -2, axis2: int = -1) -> Node:
    """The elements with equal indices along two axes, as a new last axis.  [..., n, n]   ->   [..., n]"""
    node = as_node(x)
    first, second = sorted(some_axes("diagonal", (axis1, axis2), node.ndim, node))
    return apply(Diagonal(first, second), node)


def trace(x: Like) -> Node:
    """The sum of the diagonal of matrices.  [..., n, n]   ->   [...]"""
    node = diagonal(x)
    return sum_over(node, (node.ndim - 1,))
