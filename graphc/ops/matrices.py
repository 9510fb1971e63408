"""What functions of matrices have in common: operands in a dtype that LAPACK knows, parts, identities, rows."""

from collections.abc import Sequence

from graphc.errors import ShapeError
from graphc.ir.apply import apply, locate
from graphc.ir.arithmetic import spread
from graphc.ir.complex import conj
from graphc.ir.kinds import Routine
from graphc.ir.leaves import full
from graphc.ir.node import IndexBound, Like, Node, Op, SameSize
from graphc.ir.operands import add, broadcast, cast, mul
from graphc.ops.creation import iota, tril
from graphc.ops.elementwise import floating
from graphc.ops.indexing import ScatterAdd, Take
from graphc.ops.logic import equal
from graphc.ops.movement import matrix_transpose
from graphc.ops.placement import Slice, moved
from graphc.origin import here
from graphc.sizes import Size
from graphc.sizes import equal as same_size
from graphc.types import DType, Shape, TensorType, accumulator

__all__ = [
    "OfSquares",
    "adjoint",
    "as_square",
    "broadcast_lead",
    "half_lower",
    "hermitian",
    "identity_like",
    "matrix",
    "part",
    "rows",
    "rows_back",
    "scaled",
    "square_matrix",
]


def matrix(name: str, x: Like) -> tuple[Node, DType]:
    """`x` as matrices of floats of 4 bytes or more or of complex numbers, and the dtype the result is rounded to."""
    node = floating(x)
    if node.ndim < 2:
        raise locate(ShapeError(f"{name}: a matrix has 2 axes or more, not {node.ndim}"), here(), (node,))
    return cast(node, accumulator(node.dtype)), node.dtype


def square_matrix(name: str, x: Like) -> tuple[Node, DType]:
    """The same, of matrices with as many rows as columns."""
    node, dtype = matrix(name, x)
    n, m = node.shape[-2:]
    if same_size(n, m) is False:
        hint = "gx.linalg.lstsq and gx.linalg.pinv take any" if name in ("solve", "inv") else None
        error = ShapeError(f"{name}: the matrix is not square, {n} by {m}", hint=hint)
        raise locate(error, here(), (node,))
    return node, dtype


def as_square(a: TensorType) -> tuple[SameSize, ...]:
    """What an op demands whose matrices have as many rows as columns."""
    n, m = a.shape[-2:]
    return () if n == m else (SameSize(n, m, "the matrix is not square"),)


class OfSquares(Routine):
    """A routine of square matrices.  Leading axes are a batch, so it is the same for one more."""

    def requirements(self, *types: TensorType) -> Sequence[SameSize | IndexBound]:
        return as_square(types[0])

    def lifted(self, extent: Size) -> Op:
        return self


def adjoint(x: Node) -> Node:
    """The conjugates of the transposed matrices: x^H."""
    return conj(matrix_transpose(x))


def half_lower(x: Node) -> Node:
    """The lower triangles of matrices, with half the diagonal."""
    return mul(full((), 0.5, x.dtype), add(tril(x), tril(x, -1)))


def hermitian(x: Node) -> Node:
    """The Hermitian matrices that have the lower triangles of `x`, and of their diagonals the real part."""
    half = half_lower(x)
    return add(half, adjoint(half))


def identity_like(x: Node) -> Node:
    """1 where row and column are equal, else 0, in shape and dtype of the matrices `x`."""
    n, m = x.shape[-2:]
    ones = equal(spread(iota(n), (n, m), (1,)), spread(iota(m), (n, m), (0,)))
    return broadcast(cast(ones, x.dtype), x.shape)


def part(x: Node, row: tuple[Size, Size], column: tuple[Size, Size]) -> Node:
    """The rows and the columns from a first one on, so many of them: `(first, count)` each."""
    lead = x.shape[:-2]
    if row == (0, x.shape[-2]) and column == (0, x.shape[-1]):
        return x
    starts = (*(0 for _ in lead), row[0], column[0])
    return moved(Slice(starts, (1,) * x.ndim, (*lead, row[1], column[1])), x)


def rows(x: Node, order: Node) -> Node:
    """The rows of matrices in another order.  x [..., n, m]   order [..., n]   ->   [..., n, m]"""
    axis = x.ndim - 2
    return apply(Take(axis, axis, checked=False), x, order)


def rows_back(x: Node, order: Node) -> Node:
    """The rows of matrices back where `rows` took them from."""
    axis = x.ndim - 2
    return apply(ScatterAdd(axis, axis, checked=False), full(x.shape, 0, x.dtype), order, x)


def scaled(x: Node, factors: Node) -> Node:
    """x diag(factors).  x [..., n, m]   factors [..., m]   ->   [..., n, m]"""
    return mul(x, spread(factors, x.shape, (x.ndim - 2,)))


def broadcast_lead(x: Node, lead: Shape, trailing: int = 2) -> Node:
    """`x` with its axes before the `trailing` last ones repeated to `lead`."""
    return broadcast(x, (*lead, *x.shape[x.ndim - trailing :]))
