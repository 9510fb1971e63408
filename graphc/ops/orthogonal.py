"""Orthogonal and triangular factors of matrices."""

from collections.abc import Sequence
from typing import ClassVar, final

from graphc.ir.apply import apply
from graphc.ir.kinds import Routine, Tangential, require_floating
from graphc.ir.leaves import items
from graphc.ir.node import Like, Node, Op
from graphc.ir.operands import add, cast, sub
from graphc.ops.cholesky import TriangularSolve
from graphc.ops.creation import tril
from graphc.ops.matrices import matrix, part
from graphc.ops.movement import concat, matrix_transpose
from graphc.ops.products import matmul
from graphc.sizes import Size, minimum
from graphc.types import TensorType, TupleType

__all__ = ["Qr", "qr"]


@final
class Qr(Routine, Tangential):
    """q with orthonormal columns and r, an upper triangle, with q r = a, for n >= m.

    a [..., n, m]   ->   q [..., n, m], r [..., m, m]

    The signs are those of LAPACK.  Where the columns of `a` are dependent, derivatives are inf or nan.

    With X = da r^-1 and C = q^T X, W = tril(C, -1) - tril(C, -1)^T is q^T dq, so that dq = X - q C + q W and
    dr = (C - W) r.  Walter, Lehmann: Algorithmic differentiation of linear algebra functions, 2010, section 3.
    """

    name: ClassVar[str] = "qr"
    routine: ClassVar[str] = "qr"

    def infer(self, *types: TensorType) -> TupleType:
        (a,) = types
        require_floating(self.name, a.dtype)
        return TupleType((a, TensorType((*a.shape[:-2], a.shape[-1], a.shape[-1]), a.dtype)))

    def jvp(self, node: Node, tangents: Sequence[Node | None]) -> Sequence[Node | None]:
        (tangent,) = tangents
        if tangent is None:
            return None, None
        q, r = items(node)
        solve = TriangularSolve(lower=False, transposed=True)
        x = matrix_transpose(apply(solve, r, matrix_transpose(tangent)))
        c = matmul(matrix_transpose(q), x)
        below = tril(c, -1)
        turn = sub(below, matrix_transpose(below))
        return add(x, matmul(q, sub(turn, c))), matmul(sub(c, turn), r)

    def lifted(self, extent: Size) -> Op:
        return self


def qr(a: Like) -> tuple[Node, Node]:
    """Factors of a = q r: orthonormal columns, and an upper triangle.

    a [..., n, m]   ->   q [..., n, k], r [..., k, m], where k = min(n, m)

    That is NumPy's mode "reduced", with its signs.  Derivatives exist where the first k columns are
    independent; elsewhere they are inf or nan.  float16 and bfloat16 are computed in float32.
    """
    node, dtype = matrix("qr", a)
    n, m = node.shape[-2:]
    k = minimum(n, m)
    q, r = items(apply(Qr(), part(node, (0, n), (0, k))))
    if k != m:
        r = concat((r, matmul(matrix_transpose(q), part(node, (0, n), (k, m - k)))), -1)
    return cast(q, dtype), cast(r, dtype)
