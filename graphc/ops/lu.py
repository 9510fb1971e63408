"""Triangular factors of matrices."""

from collections.abc import Sequence
from typing import ClassVar, final

from graphc.ir.apply import apply
from graphc.ir.arithmetic import spread
from graphc.ir.kinds import Routine, Tangential, require_field
from graphc.ir.leaves import items
from graphc.ir.node import Like, Node, Op
from graphc.ir.operands import add, cast, sub
from graphc.ops.cholesky import TriangularSolve
from graphc.ops.creation import iota, tril, triu
from graphc.ops.logic import equal
from graphc.ops.matrices import identity_like, matrix, part, rows
from graphc.ops.movement import concat, matrix_transpose
from graphc.ops.products import matmul
from graphc.sizes import Size, minimum
from graphc.types import INT64, TensorType, TupleType

__all__ = ["Lu", "factors", "lu"]


@final
class Lu(Routine, Tangential):
    """l and u with l u = a[order]: elimination with partial pivoting, for n >= m.

    a [..., n, m]   ->   packed [..., n, m], order [..., n] int64, sign [...]

    `packed` has u [m, m] at and above the diagonal, l [n, m] below it; the diagonal of l is 1.  `sign` is the
    determinant of the permutation, 1 or -1.  A singular matrix has a zero on the diagonal of u, and
    derivatives that are inf or nan; what is not finite gives nan.

    With da in that order and M = l1^-1 da1 u^-1, of the first m rows: du = triu(M) u, dl1 = l1 tril(M, -1), and
    for the other rows dl2 = (da2 - l2 du) u^-1.
    de Hoog, Anderssen, Lukas: Differentiation of matrix functionals using triangular factorization, 2011.
    """

    name: ClassVar[str] = "lu"
    routine: ClassVar[str] = "lu"

    def infer(self, *types: TensorType) -> TupleType:
        (a,) = types
        require_field(self.name, a.dtype)
        return TupleType((a, TensorType(a.shape[:-1], INT64), TensorType(a.shape[:-2], a.dtype)))

    def jvp(self, node: Node, tangents: Sequence[Node | None]) -> Sequence[Node | None]:
        (tangent,) = tangents
        if tangent is None:
            return None, None, None
        packed, order, _ = items(node)
        n, m = packed.shape[-2:]
        moved = rows(tangent, order)
        square = part(packed, (0, m), (0, m))
        inner = apply(TriangularSolve(unit_diagonal=True), square, part(moved, (0, m), (0, m)))
        both = _right_solve(inner, square)
        of_upper = matmul(triu(both), triu(square))
        of_lower = add(tril(both, -1), matmul(tril(square, -1), tril(both, -1)))
        top = add(of_upper, of_lower)
        if n == m:
            return top, None, None
        below = sub(part(moved, (m, n - m), (0, m)), matmul(part(packed, (m, n - m), (0, m)), of_upper))
        return concat((top, _right_solve(below, square)), -2), None, None

    def lifted(self, extent: Size) -> Op:
        return self


def _right_solve(x: Node, upper: Node) -> Node:
    """x u^-1, for the upper triangle of a matrix."""
    solved = apply(TriangularSolve(lower=False, transposed=True), upper, matrix_transpose(x))
    return matrix_transpose(solved)


def factors(a: Node) -> tuple[Node, Node, Node]:
    """The results of Lu."""
    packed, order, sign = items(apply(Lu(), a))
    return packed, order, sign


def lu(a: Like) -> tuple[Node, Node, Node]:
    """Factors of a = p l u, by elimination with partial pivoting.

    a [..., n, m]   ->   p [..., n, n], l [..., n, k], u [..., k, m], where k = min(n, m)

    p is a permutation, l has ones on its diagonal and zeros above it, u zeros below it; that is what
    scipy.linalg.lu gives.  Derivatives exist where the first k columns are of full rank; elsewhere they are
    inf or nan.  float16 and bfloat16 are computed in float32.

    For n = m, with M = l^-1 p^T da u^-1: dl = l tril(M, -1), du = triu(M) u; p has no slope.
    de Hoog, Anderssen, Lukas: Differentiation of matrix functionals using triangular factorization, 2011.
    """
    node, dtype = matrix("lu", a)
    n, m = node.shape[-2:]
    k = minimum(n, m)
    packed, order, _ = factors(part(node, (0, n), (0, k)))
    lower = add(tril(packed, -1), identity_like(packed))
    upper = triu(part(packed, (0, k), (0, k)))
    if k != m:
        rest = part(rows(part(node, (0, n), (k, m - k)), order), (0, k), (0, m - k))
        first = part(packed, (0, k), (0, k))
        upper = concat((upper, apply(TriangularSolve(unit_diagonal=True), first, rest)), -1)
    shape = (*node.shape[:-2], n, n)
    place = spread(iota(n), shape, tuple(axis for axis in range(node.ndim) if axis != node.ndim - 2))
    permutation = equal(place, spread(order, shape, (node.ndim - 2,)))
    return cast(permutation, dtype), cast(lower, dtype), cast(upper, dtype)
