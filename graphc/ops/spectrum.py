"""Eigenvalues and singular values, with their vectors, and what is made of them."""

from collections.abc import Sequence
from typing import ClassVar, Literal, TypeAlias, final, overload

import ml_dtypes

from graphc.errors import ArgumentError
from graphc.ir.apply import apply, locate
from graphc.ir.arithmetic import ones_like, spread, sum_over, zeros_like
from graphc.ir.complex import complex, conj, imag, real
from graphc.ir.given import a_choice, a_flag
from graphc.ir.kinds import Routine, Tangential, require_field
from graphc.ir.leaves import items
from graphc.ir.node import Like, Node, Op
from graphc.ir.operands import add, as_node, broadcast, cast, div, mul, neg, one_number, sub, where
from graphc.ops.custom import CustomDerivative
from graphc.ops.diagonal import Diagonal
from graphc.ops.elementwise import floating
from graphc.ops.extremes import max
from graphc.ops.logic import greater, not_equal
from graphc.ops.matrices import OfSquares, adjoint, hermitian, identity_like, matrix, scaled, square_matrix
from graphc.ops.movement import expand_dims, matrix_transpose, squeeze
from graphc.ops.orthogonal import completed
from graphc.ops.padding import pad
from graphc.ops.products import matmul
from graphc.ops.reduction import any
from graphc.origin import here
from graphc.sizes import Size, maximum, minimum
from graphc.types import INT64, TensorType, TupleType, accumulator, is_complex, real_of

__all__ = ["Eigh", "Svd", "eigh", "eigvalsh", "inverse_gaps", "lstsq", "matrix_rank", "pinv", "svd", "svdvals"]

Triangle: TypeAlias = Literal["L", "U"]


@final
class Eigh(OfSquares, Tangential):
    """Eigenvalues, ascending, and orthonormal eigenvectors of Hermitian matrices.

    a [..., n, n]   ->   w [..., n], real, v [..., n, n]

    Only the lower triangle is read, of the diagonal the real part, so only that has a derivative.  What is not finite
    gives nan.  Where eigenvalues are equal, the vectors, and what depends on their derivatives, have none: inf or nan.

    With P = v^H da v, dw is the diagonal of P, and dv = v (F ∘ P) with F[i, j] = 1 / (w[j] - w[i]), 0 on the
    diagonal: of the phases that a complex vector may take it keeps the one it has, so that dv is right for what
    depends on no phase.  Giles: Collected matrix derivative results, 2008, section 3.1.
    """

    name: ClassVar[str] = "eigh"
    routine: ClassVar[str] = "eigh"
    is_unique: ClassVar[bool] = False

    def infer(self, *types: TensorType) -> TupleType:
        (a,) = types
        require_field(self.name, a.dtype)
        return TupleType((TensorType(a.shape[:-1], real_of(a.dtype)), a))

    def jvp(self, node: Node, tangents: Sequence[Node | None]) -> Sequence[Node | None]:
        (tangent,) = tangents
        if tangent is None:
            return None, None
        w, v = items(node)
        inner = matmul(adjoint(v), matmul(hermitian(tangent), v))
        return real(_diagonal(inner)), matmul(v, mul(inverse_gaps(w), inner))


@final
class Svd(Routine, Tangential):
    """Orthonormal vectors and singular values, descending: u diag(s) v = a.

    a [..., n, m]   ->   u [..., n, k], s [..., k], real, v [..., k, m], where k = min(n, m)

    What is not finite gives nan.  Where singular values are equal, or zero, the vectors, and what depends on
    their derivatives, have none: inf or nan.

    With P = u^H da v^H, ds is the real diagonal of P, and with F[i, j] = 1 / (s[j]² - s[i]²), 0 on the diagonal,
    du = u (F ∘ (P S + S P^H) + i Im diag(P) S^-1) + (1 - u u^H) da v^H S^-1,
    dv^H = v^H (F ∘ (S P + P^H S)) + (1 - v^H v) da^H u S^-1.
    A row of v and its column of u may turn by one phase: v keeps it, so that both are right for what depends on none.
    Townsend: Differentiating the singular value decomposition, 2016.
    Wan, Zhang: Automatic differentiation for complex valued SVD, 2019, equation 10, has the phases.
    """

    name: ClassVar[str] = "svd"
    routine: ClassVar[str] = "svd"
    is_unique: ClassVar[bool] = False

    def infer(self, *types: TensorType) -> TupleType:
        (a,) = types
        require_field(self.name, a.dtype)
        *lead, n, m = a.shape
        k = minimum(n, m)
        values = TensorType((*lead, k), real_of(a.dtype))
        return TupleType((TensorType((*lead, n, k), a.dtype), values, TensorType((*lead, k, m), a.dtype)))

    def jvp(self, node: Node, tangents: Sequence[Node | None]) -> Sequence[Node | None]:
        (tangent,) = tangents
        if tangent is None:
            return None, None, None
        u, s, vt = items(node)
        v = adjoint(vt)
        right, left = matmul(tangent, v), matmul(adjoint(tangent), u)
        inner = matmul(adjoint(u), right)
        back = adjoint(inner)
        gaps = div(inverse_gaps(s), _sums(s))
        above, below = scaled(inner, s), scaled(back, s)
        du = matmul(u, mul(gaps, add(above, adjoint(above))))
        dv = matmul(v, mul(gaps, add(adjoint(below), below)))
        if is_complex(u.dtype):
            phases = div(imag(_diagonal(inner)), s)
            du = add(du, scaled(u, complex(zeros_like(phases), phases)))
        if u.shape[-2] != s.shape[-1]:
            du = add(du, scaled(sub(right, matmul(u, inner)), div(ones_like(s), s)))
        if v.shape[-2] != s.shape[-1]:
            dv = add(dv, scaled(sub(left, matmul(v, back)), div(ones_like(s), s)))
        return du, real(_diagonal(inner)), adjoint(dv)

    def lifted(self, extent: Size) -> Op:
        return self


def _diagonal(x: Node) -> Node:
    return apply(Diagonal(x.ndim - 2, x.ndim - 1), x)


def inverse_gaps(w: Node) -> Node:
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


def eigh(a: Like, UPLO: Triangle = "L") -> tuple[Node, Node]:
    """Eigenvalues, ascending, and eigenvectors of Hermitian matrices, which real ones are if they are symmetric.

    a [..., n, n]   ->   w [..., n], real, v [..., n, n], whose columns are orthonormal: a v = v diag(w)

    UPLO   the triangle that is read, "L" or "U", of its diagonal the real part: only that gets a gradient

    A matrix that is not finite gives nan.  The sign of each vector, or of a complex one the phase, is the routine's
    choice: derivatives are right for what does not depend on it, such as the projector v v^H.  So is the basis where
    eigenvalues are equal: there the derivative of what depends on the choice is inf or nan, and all orders above the
    first.  float16 and bfloat16 are computed in float32.

    With P = v^H da v and F[i, j] = 1 / (w[j] - w[i]), 0 on the diagonal: dw = diag(P), dv = v (F ∘ P).
    Giles: Collected matrix derivative results, 2008, section 3.1.
    """
    node, dtype = square_matrix("eigh", a)
    triangle = a_choice("eigh", "UPLO", UPLO, ("L", "U", "l", "u"), node)
    w, v = items(apply(Eigh(), node if triangle in "Ll" else adjoint(node)))
    return cast(w, real_of(dtype)), cast(v, dtype)


def eigvalsh(a: Like, UPLO: Triangle = "L") -> Node:
    """The eigenvalues of Hermitian matrices, ascending (see eigh).  [..., n, n]   ->   [..., n]

    dw = diag(v^H da v).
    """
    return eigh(a, UPLO)[0]


@overload
def svd(a: Like, full_matrices: bool = False, compute_uv: Literal[True] = True) -> tuple[Node, Node, Node]: ...
@overload
def svd(a: Like, full_matrices: bool = False, *, compute_uv: Literal[False]) -> Node: ...


def svd(a: Like, full_matrices: bool = False, compute_uv: bool = True) -> tuple[Node, Node, Node] | Node:
    """Singular values, descending, and their vectors: a = u diag(s) v.

    a [..., n, m]   ->   u [..., n, k], s [..., k], real, v [..., k, m], where k = min(n, m)

    full_matrices   u [..., n, n] and v [..., m, m], as NumPy has them where it is not told otherwise
    compute_uv      False: s alone, as `svdvals` gives it

    A matrix that is not finite gives nan.  The sign of a row of v with its column of u, or of complex ones the phase,
    is the routine's choice, and so are the further columns and rows of full matrices: derivatives are right for what
    does not depend on these.  Where singular values are equal or zero, derivatives of the vectors are inf or nan.
    float16 and bfloat16 are computed in float32.

    With P = u^H da v^H, S = diag(s) and F[i, j] = 1 / (s[j]² - s[i]²), 0 on the diagonal: ds = Re diag(P),
    du = u (F ∘ (P S + S P^H) + i Im diag(P) S^-1) + (1 - u u^H) da v^H S^-1, and so for v.
    Townsend: Differentiating the singular value decomposition, 2016.
    """
    node, dtype = matrix("svd", a)
    full = a_flag("svd", "full_matrices", full_matrices, node)
    u, s, v = items(apply(Svd(), node))
    if not a_flag("svd", "compute_uv", compute_uv, node):
        return cast(s, real_of(dtype))
    if full:
        u, v = completed(u), adjoint(completed(adjoint(v)))
    return cast(u, dtype), cast(s, real_of(dtype)), cast(v, dtype)


def svdvals(a: Like) -> Node:
    """The singular values, descending (see svd).  [..., n, m]   ->   [..., min(n, m)]

    ds = Re diag(u^H da v^H).
    """
    return svd(a)[1]


def matrix_rank(a: Like, tol: float | None = None, *, rtol: float | None = None) -> Node:
    """How many singular values of matrices are above a bound, int64.  [..., n, m]   ->   [...]

    tol    the bound itself
    rtol   the bound over the largest singular value; max(n, m) epsilon if neither is given

    The rank of a vector, or of a number, is 1 unless all is 0, as NumPy has it.  No slope.
    """
    node = floating(a)
    _either("matrix_rank", node, tol=tol, rtol=rtol)
    if node.ndim < 2:
        return cast(any(not_equal(node, 0)), INT64)
    s = svdvals(cast(node, accumulator(node.dtype)))
    bound = (
        _bound("matrix_rank", s, node, rtol) if tol is None else cast(one_number("matrix_rank", "tol", tol), s.dtype)
    )
    return sum_over(cast(greater(s, broadcast(bound, s.shape)), INT64), (s.ndim - 1,))


def _either(name: str, a: Node, **given: float | None) -> float | None:
    """The one of two arguments that is given, if any."""
    found = [value for value in given.values() if value is not None]
    if len(found) > 1:
        raise locate(ArgumentError(f"{name}: {' and '.join(given)} say one thing; both are given"), here(), (a,))
    return found[0] if found else None


def _bound(name: str, s: Node, a: Node, rtol: float | None) -> Node:
    """Up to where singular values count as 0.  s [..., k]   ->   [..., 1]"""
    largest = max(pad(s, ((0, 0),) * (s.ndim - 1) + ((0, 1),)), -1, keepdims=True)
    if rtol is not None:
        return largest * one_number(name, "rtol", rtol)
    epsilon = float(ml_dtypes.finfo(s.dtype).eps)  # type: ignore[no-untyped-call]
    return largest * (cast(as_node(maximum(*a.shape[-2:])), s.dtype) * epsilon)


def pinv(a: Like, rcond: float | None = None, *, rtol: float | None = None) -> Node:
    """The pseudo-inverse of matrices, by their singular values.  [..., n, m]   ->   [..., m, n]

    rtol    singular values at or below rtol times the largest count as zero; max(n, m) epsilon if not given
    rcond   the same by an older name

    dy = -y da y + y y^H da^H (1 - a y) + (1 - y a) da^H y^H y, which holds at constant rank; no difference of
    singular values is divided by.
    Golub, Pereyra: The differentiation of pseudo-inverses and nonlinear least squares problems, 1973, eq. 4.12.
    """
    node, dtype = matrix("pinv", a)
    u, s, v = items(apply(Svd(), node))
    counts = greater(s, _bound("pinv", s, node, _either("pinv", node, rcond=rcond, rtol=rtol)))
    inverted = where(counts, div(ones_like(s), where(counts, s, 1.0)), zeros_like(s) * s)  # nan stays nan
    inverse = matmul(scaled(adjoint(v), inverted), adjoint(u))
    return cast(apply(CustomDerivative(_pinv_rule), inverse, node), dtype)


def _pinv_rule(y: Node, cotangent: Node, a: Node) -> tuple[Node]:
    """-y^T g y^T + conj((1 - a y) g^T y y^H + y^H y g^T (1 - y a))."""
    yt, gt, yh = matrix_transpose(y), matrix_transpose(cotangent), adjoint(y)
    turned = matmul(matmul(yt, cotangent), yt)
    outside = matmul(sub(gt, matmul(a, matmul(y, gt))), matmul(y, yh))
    inside = matmul(yh, matmul(y, sub(gt, matmul(matmul(gt, y), a))))
    return (add(neg(turned), conj(add(outside, inside))),)


def lstsq(a: Like, b: Like, rcond: float | None = None, *, rtol: float | None = None) -> Node:
    """The shortest x for which the length of a x - b is least: pinv(a) b.

    a [..., n, m]   b [..., n, k] or [n]   ->   [..., m, k] or [m]; leading axes broadcast

    `rcond` and `rtol` as for pinv.  Of NumPy's four results this is the first; gx.linalg.svdvals(a) is the last.

    dx = dpinv(a) b + pinv(a) db: see `pinv`.
    """
    inverse, right = pinv(a, rcond, rtol=rtol), as_node(b)
    return squeeze(matmul(inverse, expand_dims(right, 1)), -1) if right.ndim == 1 else matmul(inverse, right)
