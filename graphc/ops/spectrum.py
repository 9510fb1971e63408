"""Eigenvalues and singular values, with their vectors, and what is made of them."""

from collections.abc import Sequence
from typing import ClassVar, final

import ml_dtypes

from graphc.ir.apply import apply
from graphc.ir.arithmetic import ones_like, spread, zeros_like
from graphc.ir.kinds import Routine, Tangential, require_floating
from graphc.ir.leaves import items
from graphc.ir.node import IndexBound, Like, Node, Op, SameSize
from graphc.ir.operands import add, as_node, cast, div, mul, neg, one_number, sub, where
from graphc.ops.creation import tril
from graphc.ops.custom import CustomDerivative
from graphc.ops.diagonal import Diagonal
from graphc.ops.extremes import max
from graphc.ops.logic import greater
from graphc.ops.matrices import as_square, identity_like, matrix, scaled, square_matrix
from graphc.ops.movement import expand_dims, matrix_transpose, squeeze
from graphc.ops.padding import pad
from graphc.ops.products import matmul
from graphc.sizes import Size, maximum, minimum
from graphc.types import TensorType, TupleType

__all__ = ["Eigh", "Svd", "eigh", "eigvalsh", "lstsq", "pinv", "svd", "svdvals"]


@final
class Eigh(Routine, Tangential):
    """Eigenvalues, ascending, and orthonormal eigenvectors of symmetric matrices.

    a [..., n, n]   ->   w [..., n], v [..., n, n]

    Only the lower triangle is read, so only it has a derivative.  What is not finite gives nan.  Where
    eigenvalues are equal, the vectors, and what depends on their derivatives, have none: inf or nan.

    With P = v^T da v, dw is the diagonal of P, and dv = v (F ∘ P) with F[i, j] = 1 / (w[j] - w[i]), 0 on the
    diagonal.  Giles: Collected matrix derivative results, 2008, section 3.1.
    """

    name: ClassVar[str] = "eigh"
    routine: ClassVar[str] = "eigh"

    def infer(self, *types: TensorType) -> TupleType:
        (a,) = types
        require_floating(self.name, a.dtype)
        return TupleType((TensorType(a.shape[:-1], a.dtype), a))

    def requirements(self, *types: TensorType) -> Sequence[SameSize | IndexBound]:
        return as_square(types[0])

    def jvp(self, node: Node, tangents: Sequence[Node | None]) -> Sequence[Node | None]:
        (tangent,) = tangents
        if tangent is None:
            return None, None
        w, v = items(node)
        symmetric = add(tril(tangent), matrix_transpose(tril(tangent, -1)))
        inner = matmul(matrix_transpose(v), matmul(symmetric, v))
        return _diagonal(inner), matmul(v, mul(_inverse_gaps(w), inner))

    def lifted(self, extent: Size) -> Op:
        return self


@final
class Svd(Routine, Tangential):
    """Orthonormal vectors and singular values, descending: u diag(s) v = a.

    a [..., n, m]   ->   u [..., n, k], s [..., k], v [..., k, m], where k = min(n, m)

    What is not finite gives nan.  Where singular values are equal, or zero, the vectors, and what depends on
    their derivatives, have none: inf or nan.

    With P = u^T da v^T, ds is the diagonal of P, and with F[i, j] = 1 / (s[j]² - s[i]²), 0 on the diagonal,
    du = u (F ∘ (P S + S P^T)) + (1 - u u^T) da v^T S^-1,
    dv^T = v^T (F ∘ (S P + P^T S)) + (1 - v^T v) da^T u S^-1.
    Townsend: Differentiating the singular value decomposition, 2016.
    """

    name: ClassVar[str] = "svd"
    routine: ClassVar[str] = "svd"

    def infer(self, *types: TensorType) -> TupleType:
        (a,) = types
        require_floating(self.name, a.dtype)
        *lead, n, m = a.shape
        k = minimum(n, m)
        shapes = (*lead, n, k), (*lead, k), (*lead, k, m)
        return TupleType(tuple(TensorType(shape, a.dtype) for shape in shapes))

    def jvp(self, node: Node, tangents: Sequence[Node | None]) -> Sequence[Node | None]:
        (tangent,) = tangents
        if tangent is None:
            return None, None, None
        u, s, vt = items(node)
        v = matrix_transpose(vt)
        right, left = matmul(tangent, v), matmul(matrix_transpose(tangent), u)
        inner = matmul(matrix_transpose(u), right)
        back = matrix_transpose(inner)
        gaps = div(_inverse_gaps(s), _sums(s))
        above, below = scaled(inner, s), scaled(back, s)
        du = matmul(u, mul(gaps, add(above, matrix_transpose(above))))
        dv = matmul(v, mul(gaps, add(matrix_transpose(below), below)))
        if u.shape[-2] != s.shape[-1]:
            du = add(du, scaled(sub(right, matmul(u, inner)), div(ones_like(s), s)))
        if v.shape[-2] != s.shape[-1]:
            dv = add(dv, scaled(sub(left, matmul(v, back)), div(ones_like(s), s)))
        return du, _diagonal(inner), matrix_transpose(dv)

    def lifted(self, extent: Size) -> Op:
        return self


def _diagonal(x: Node) -> Node:
    return apply(Diagonal(x.ndim - 2, x.ndim - 1), x)


def _inverse_gaps(w: Node) -> Node:
    """1 / (w[j] - w[i]) at row i, column j, and 0 on the diagonal.  [..., n]   ->   [..., n, n]"""
    shape = (*w.shape, w.shape[-1])
    gaps = sub(spread(w, shape, (w.ndim - 1,)), spread(w, shape, (w.ndim,)))
    one = identity_like(gaps)  # keeps 1 / 0 off the diagonal
    return sub(div(ones_like(gaps), add(gaps, one)), one)


def _sums(s: Node) -> Node:
    """s[i] + s[j], and 1 on the diagonal.  [..., n]   ->   [..., n, n]"""
    shape = (*s.shape, s.shape[-1])
    sums = add(spread(s, shape, (s.ndim - 1,)), spread(s, shape, (s.ndim,)))
    return where(greater(identity_like(sums), 0), ones_like(sums), sums)


def eigh(a: Like) -> tuple[Node, Node]:
    """Eigenvalues, ascending, and eigenvectors of symmetric matrices.

    a [..., n, n]   ->   w [..., n], v [..., n, n], whose columns are orthonormal: a v = v diag(w)

    Only the lower triangle is read, and only that gets a gradient.  A matrix that is not finite gives nan.
    The sign of each vector is the routine's choice, and so is the basis where eigenvalues are equal: there the
    derivative of what depends on the choice is inf or nan, and all orders above the first.
    float16 and bfloat16 are computed in float32.
    """
    node, dtype = square_matrix("eigh", a)
    w, v = items(apply(Eigh(), node))
    return cast(w, dtype), cast(v, dtype)


def eigvalsh(a: Like) -> Node:
    """The eigenvalues of symmetric matrices, ascending (see eigh).  [..., n, n]   ->   [..., n]"""
    return eigh(a)[0]


def svd(a: Like) -> tuple[Node, Node, Node]:
    """Singular values, descending, and their vectors: a = u diag(s) v.

    a [..., n, m]   ->   u [..., n, k], s [..., k], v [..., k, m], where k = min(n, m)

    That is NumPy's svd with full_matrices=False.  A matrix that is not finite gives nan.  The signs of a row
    of v with a column of u are the routine's choice; where singular values are equal or zero, derivatives of
    the vectors are inf or nan.  float16 and bfloat16 are computed in float32.
    """
    node, dtype = matrix("svd", a)
    u, s, v = items(apply(Svd(), node))
    return cast(u, dtype), cast(s, dtype), cast(v, dtype)


def svdvals(a: Like) -> Node:
    """The singular values, descending (see svd).  [..., n, m]   ->   [..., min(n, m)]"""
    return svd(a)[1]


def pinv(a: Like, *, rtol: float | None = None) -> Node:
    """The pseudo-inverse of matrices, by their singular values.  [..., n, m]   ->   [..., m, n]

    rtol   singular values at or below rtol times the largest count as zero; max(n, m) epsilon if not given

    The derivative is that at constant rank, in which no difference of singular values is divided by.
    Golub, Pereyra: The differentiation of pseudo-inverses and nonlinear least squares problems, 1973, eq. 4.12.
    """
    node, dtype = matrix("pinv", a)
    u, s, v = items(apply(Svd(), node))
    largest = max(pad(s, ((0, 0),) * (s.ndim - 1) + ((0, 1),)), -1, keepdims=True)
    epsilon = float(ml_dtypes.finfo(node.dtype).eps)  # type: ignore[no-untyped-call]
    relative = (
        mul(cast(as_node(maximum(*node.shape[-2:])), s.dtype), epsilon)
        if rtol is None
        else one_number("pinv", "rtol", rtol)
    )
    counts = greater(s, mul(largest, relative))
    inverted = where(counts, div(ones_like(s), where(counts, s, 1.0)), zeros_like(s) * s)  # nan stays nan
    inverse = matmul(scaled(matrix_transpose(v), inverted), matrix_transpose(u))
    return cast(apply(CustomDerivative(_pinv_rule), inverse, node), dtype)


def _pinv_rule(y: Node, cotangent: Node, a: Node) -> tuple[Node]:
    """-y^T g y^T + (1 - a y) g^T y y^T + y^T y g^T (1 - y a)."""
    yt, gt = matrix_transpose(y), matrix_transpose(cotangent)
    turned = matmul(matmul(yt, cotangent), yt)
    outside = matmul(sub(gt, matmul(a, matmul(y, gt))), matmul(y, yt))
    inside = matmul(yt, matmul(y, sub(gt, matmul(matmul(gt, y), a))))
    return (add(add(neg(turned), outside), inside),)


def lstsq(a: Like, b: Like, *, rtol: float | None = None) -> Node:
    """The shortest x for which the length of a x - b is least: pinv(a) b.

    a [..., n, m]   b [..., n, k] or [n]   ->   [..., m, k] or [m]; leading axes broadcast

    `rtol` as for pinv.  Of NumPy's four results this is the first; gx.linalg.svdvals(a) is the last.
    """
    inverse, right = pinv(a, rtol=rtol), as_node(b)
    return squeeze(matmul(inverse, expand_dims(right, 1)), -1) if right.ndim == 1 else matmul(inverse, right)
