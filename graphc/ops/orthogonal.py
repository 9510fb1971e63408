"""Orthogonal and triangular factors of matrices."""

from collections.abc import Sequence
from typing import ClassVar, Literal, final, overload

from graphc.ir.apply import apply
from graphc.ir.arithmetic import zeros_like
from graphc.ir.complex import complex, imag
from graphc.ir.given import a_choice
from graphc.ir.kinds import Routine, Tangential, require_field
from graphc.ir.leaves import full, items
from graphc.ir.node import Like, Node, Op
from graphc.ir.operands import add, cast, mul, neg, sub
from graphc.ops.cholesky import TriangularSolve
from graphc.ops.creation import tril
from graphc.ops.matrices import adjoint, identity_like, matrix, part
from graphc.ops.movement import concat, matrix_transpose
from graphc.ops.products import matmul
from graphc.sizes import Size, minimum
from graphc.types import TensorType, TupleType, is_complex

__all__ = ["Complement", "Qr", "completed", "qr"]


@final
class Qr(Routine, Tangential):
    """q with orthonormal columns and r, an upper triangle, with q r = a, for n >= m.

    a [..., n, m]   ->   q [..., n, m], r [..., m, m]

    The signs are those of LAPACK; the diagonal of r is real.  Where the columns of `a` are dependent, derivatives are
    inf or nan.

    With X = da r^-1 and C = q^H X, W = tril(C, -1) - tril(C, -1)^H + i Im diag(C) is q^H dq, so that
    dq = X - q C + q W and dr = (C - W) r.
    Walter, Lehmann: Algorithmic differentiation of linear algebra functions, 2010, section 3.
    """

    name: ClassVar[str] = "qr"
    routine: ClassVar[str] = "qr"

    def infer(self, *types: TensorType) -> TupleType:
        (a,) = types
        require_field(self.name, a.dtype)
        return TupleType((a, TensorType((*a.shape[:-2], a.shape[-1], a.shape[-1]), a.dtype)))

    def jvp(self, node: Node, tangents: Sequence[Node | None]) -> Sequence[Node | None]:
        (tangent,) = tangents
        if tangent is None:
            return None, None
        q, r = items(node)
        solve = TriangularSolve(lower=False, transposed=True)
        x = matrix_transpose(apply(solve, r, matrix_transpose(tangent)))
        c = matmul(adjoint(q), x)
        below = tril(c, -1)
        turn = sub(below, adjoint(below))
        if is_complex(c.dtype):  # the diagonal of r stays real
            phases = imag(mul(c, identity_like(c)))
            turn = add(turn, complex(zeros_like(phases), phases))
        return add(x, matmul(q, sub(turn, c))), matmul(sub(c, turn), r)

    def lifted(self, extent: Size) -> Op:
        return self


@final
class Complement(Routine, Tangential):
    """Orthonormal columns that are orthogonal to those of q, which with them are a basis.

    q [..., n, k]   ->   [..., n, n - k]

    Which basis of the complement it is, is the routine's choice: that of LAPACK for complete factors of the matrix that
    q was made of.  The derivative is right for what does not depend on the choice: the columns move along q alone,
    dz = -q dq^H z, as q^H z stays 0.
    """

    name: ClassVar[str] = "complement"
    routine: ClassVar[str] = "complement"
    is_unique: ClassVar[bool] = False

    def infer(self, *types: TensorType) -> TensorType:
        (q,) = types
        require_field(self.name, q.dtype)
        n, k = q.shape[-2:]
        return TensorType((*q.shape[:-1], n - k), q.dtype)

    def jvp(self, node: Node, tangents: Sequence[Node | None]) -> Sequence[Node | None]:
        (tangent,) = tangents
        return (None if tangent is None else neg(matmul(node.inputs[0], matmul(adjoint(tangent), node))),)

    def lifted(self, extent: Size) -> Op:
        return self


def completed(q: Node) -> Node:
    """Orthonormal columns, and behind them those of their complement.  [..., n, k]   ->   [..., n, n]"""
    n, k = q.shape[-2:]
    return q if n == k else concat((q, apply(Complement(), q)), -1)


@overload
def qr(a: Like, mode: Literal["reduced", "complete"] = "reduced") -> tuple[Node, Node]: ...
@overload
def qr(a: Like, mode: Literal["r"]) -> Node: ...


def qr(a: Like, mode: Literal["reduced", "complete", "r"] = "reduced") -> tuple[Node, Node] | Node:
    """Factors of a = q r: orthonormal columns, and an upper triangle.

    a [..., n, m]   ->   q [..., n, k], r [..., k, m], where k = min(n, m)

    mode   "reduced"; "complete": q [..., n, n] and r [..., n, m], with rows of 0; "r": r alone, reduced

    The signs are NumPy's; the diagonal of r is real.  Derivatives exist where the first k columns are independent;
    elsewhere they are inf or nan.  The columns that "complete" adds are any basis of what the others leave: derivatives
    are right for what does not depend on which.  float16 and bfloat16 are computed in float32.

    For n >= m, with X = da r^-1, C = q^H X and W = tril(C, -1) - tril(C, -1)^H + i Im diag(C): dq = X - q C + q W,
    dr = (C - W) r.  Walter, Lehmann: Algorithmic differentiation of linear algebra functions, 2010, section 3.
    """
    node, dtype = matrix("qr", a)
    chosen = a_choice("qr", "the mode", mode, ("reduced", "complete", "r"), node)
    n, m = node.shape[-2:]
    k = minimum(n, m)
    q, r = items(apply(Qr(), part(node, (0, n), (0, k))))
    if k != m:
        r = concat((r, matmul(adjoint(q), part(node, (0, n), (k, m - k)))), -1)
    if chosen == "r":
        return cast(r, dtype)
    if chosen == "complete" and n != k:
        q, r = completed(q), concat((r, full((*r.shape[:-2], n - k, m), 0, r.dtype)), -2)
    return cast(q, dtype), cast(r, dtype)
