"""Eigenvalues and eigenvectors of any square matrices, which are complex."""

from collections.abc import Sequence
from typing import ClassVar, final

from graphc.ir.apply import apply
from graphc.ir.arithmetic import spread, sum_over
from graphc.ir.complex import complex, conj, imag, real
from graphc.ir.kinds import Tangential, require_field
from graphc.ir.leaves import items
from graphc.ir.node import Like, Node
from graphc.ir.operands import cast, div, mul, sub, where
from graphc.ops.creation import iota
from graphc.ops.diagonal import diagonal
from graphc.ops.extremes import argmax
from graphc.ops.logic import equal
from graphc.ops.matrices import OfSquares, scaled, square_matrix
from graphc.ops.padding import pad
from graphc.ops.piecewise import abs
from graphc.ops.products import matmul
from graphc.ops.spectrum import inverse_gaps
from graphc.ops.systems import solve
from graphc.types import TensorType, TupleType, complex_of

__all__ = ["Eig", "eig", "eigvals"]


@final
class Eig(OfSquares, Tangential):
    """Eigenvalues and eigenvectors of square matrices, complex: a v = v diag(w).

    a [..., n, n]   ->   w [..., n], v [..., n, n], whose columns have length 1 and a real largest element

    What is not finite gives nan.  Where eigenvalues are equal, the vectors, and what depends on their derivatives, have
    none: inf or nan; the eigenvalues themselves have a first one where there are n independent vectors.

    With P = v^-1 da v, dw is the diagonal of P, and dv = d - v c with d = v (F ∘ P), F[i, j] = 1 / (w[j] - w[i]), 0 on
    the diagonal, where c[j] keeps the length by its real part and the phase by its imaginary one:
    c[j] = Re(v[:, j]^H d[:, j]) + i Im d[k, j] / v[k, j] with v[k, j] the largest element.
    Giles: Collected matrix derivative results, 2008, section 3.1.
    """

    name: ClassVar[str] = "eig"
    routine: ClassVar[str] = "eig"
    is_unique: ClassVar[bool] = False

    def infer(self, *types: TensorType) -> TupleType:
        (a,) = types
        require_field(self.name, a.dtype)
        dtype = complex_of(a.dtype)
        return TupleType((TensorType(a.shape[:-1], dtype), TensorType(a.shape, dtype)))

    def jvp(self, node: Node, tangents: Sequence[Node | None]) -> Sequence[Node | None]:
        (tangent,) = tangents
        if tangent is None:
            return None, None
        w, v = items(node)
        inner = solve(v, matmul(cast(tangent, v.dtype), v))
        moved = matmul(v, mul(inverse_gaps(w), inner))
        rows = (v.ndim - 2,)
        largest = _is_largest(v)
        turned = div(sum_over(where(largest, imag(moved), 0.0), rows), sum_over(where(largest, real(v), 0.0), rows))
        grown = sum_over(real(mul(conj(v), moved)), rows)
        return diagonal(inner), sub(moved, scaled(v, complex(grown, turned)))


def _is_largest(v: Node) -> Node:
    """Where the largest element of each column stands, which is real; of several real ones the first."""
    row = spread(iota(v.shape[-2]), v.shape, tuple(axis for axis in range(v.ndim) if axis != v.ndim - 2))
    lengths = pad(abs(real(v)), ((0, 0),) * (v.ndim - 2) + ((0, 1), (0, 0)))  # of no rows there is no largest
    return equal(row, spread(argmax(lengths, -2), v.shape, (v.ndim - 2,)))


def eig(a: Like) -> tuple[Node, Node]:
    """Eigenvalues and eigenvectors of square matrices; both are complex, also where all eigenvalues are real.

    a [..., n, n]   ->   w [..., n], v [..., n, n]: a v = v diag(w)

    The order is that of LAPACK, and as there the columns of v have length 1 and their largest element is real; its sign
    may be either.  Derivatives exist where no eigenvalues are equal; elsewhere they are inf or nan, except the first
    ones of eigenvalues.  For symmetric and Hermitian matrices take eigh.  A matrix that is not finite gives nan.
    float16 and bfloat16 are computed in float32, and give complex64.

    With P = v^-1 da v and F[i, j] = 1 / (w[j] - w[i]), 0 on the diagonal: dw = diag(P), dv = v (F ∘ P) - v c, where c
    is diagonal and keeps the length and the phase.  Giles: Collected matrix derivative results, 2008, section 3.1.
    """
    node, _ = square_matrix("eig", a)
    w, v = items(apply(Eig(), node))
    return w, v


def eigvals(a: Like) -> Node:
    """The eigenvalues of square matrices, complex (see eig).  [..., n, n]   ->   [..., n]

    dw = diag(v^-1 da v).
    """
    return eig(a)[0]
