"""The diagonal of matrices, and its adjoint."""

from collections.abc import Sequence
from typing import ClassVar, final

from graphc.errors import ShapeError
from graphc.ir.apply import apply, locate
from graphc.ir.arithmetic import sum_over
from graphc.ir.given import a_whole_number
from graphc.ir.kinds import Deposit, IndexMap, Movement
from graphc.ir.node import IndexBound, Like, Node, Op, SameSize
from graphc.ir.operands import as_node
from graphc.kernel.affine import AffineIndex
from graphc.ops.axes import one_axis
from graphc.ops.padding import pad
from graphc.ops.placement import Slice, moved
from graphc.origin import here
from graphc.sizes import Size, maximum, minimum
from graphc.types import Shape, TensorType

__all__ = ["Diagonal", "OnDiagonal", "diag", "diagonal", "trace"]


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


def diagonal(x: Like, offset: int = 0, *, axis1: int = -2, axis2: int = -1) -> Node:
    """The elements x[i, i + offset] along two axes, as a new last axis.  [..., n, m]   ->   [..., d]

    `offset`: 0 is the main diagonal, 1 the one above it, -1 the one below.

    Adjoint: the cotangent on that diagonal of zeros.
    """
    node = as_node(x)
    rows, columns = (one_axis("diagonal", axis, node.ndim, node) for axis in (axis1, axis2))
    if rows == columns:
        raise locate(ShapeError(f"diagonal: axis {rows} is given twice"), here(), (node,))
    offset = a_whole_number("diagonal", "the offset", offset, node)
    skipped = {rows: max(-offset, 0), columns: max(offset, 0)}
    left = [maximum(node.shape[axis] - start, 0) for axis, start in skipped.items()]
    length = left[0] if left[0] == left[1] else minimum(*left)
    starts = tuple(skipped.get(axis, 0) for axis in range(node.ndim))
    lengths = tuple(length if axis in skipped else n for axis, n in enumerate(node.shape))
    square = moved(Slice(starts, (1,) * node.ndim, lengths), node)
    return apply(Diagonal(min(rows, columns), max(rows, columns)), square)


def diag(x: Like, k: int = 0) -> Node:
    """A matrix with a vector on its diagonal `k`, or the diagonal `k` of a matrix: see `diagonal`.

    [n]   ->   [n + |k|, n + |k|]; [n, m]   ->   [d]

    Adjoint: the diagonal of the cotangent, or the cotangent on that diagonal of zeros.
    """
    node, k = as_node(x), a_whole_number("diag", "k", k)
    if node.ndim == 2:
        return diagonal(node, k)
    if node.ndim != 1:
        hint = "gx.diagonal takes more axes"
        raise locate(ShapeError(f"diag: a vector or a matrix, not rank {node.ndim}", hint=hint), here(), (node,))
    return pad(apply(OnDiagonal(0, 1), node), ((max(-k, 0), max(k, 0)), (max(k, 0), max(-k, 0))))


def trace(x: Like, offset: int = 0, *, axis1: int = -2, axis2: int = -1) -> Node:
    """The sum of the diagonal of matrices, or of the one `offset` above it, along two axes.  [..., n, m]   ->   [...]

    Adjoint: the cotangent on that diagonal of zeros.
    """
    node = diagonal(x, offset, axis1=axis1, axis2=axis2)
    return sum_over(node, (node.ndim - 1,))
