"""Systems of linear equations, inverses and determinants."""

from collections.abc import Sequence

from graphc.autodiff.reverse import pull_back_of
from graphc.errors import ShapeError
from graphc.ir.apply import apply, locate
from graphc.ir.arithmetic import spread, sum_over, zeros_like
from graphc.ir.complex import complex, imag
from graphc.ir.given import a_whole_number, several
from graphc.ir.leaves import full
from graphc.ir.node import Like, Node
from graphc.ir.operands import as_node, broadcast_shapes, cast, mul, neg, where
from graphc.ops.axes import one_axis
from graphc.ops.cholesky import TriangularSolve
from graphc.ops.custom import CustomDerivative
from graphc.ops.diagonal import diagonal
from graphc.ops.elementwise import exp, floating, log, stop_gradient
from graphc.ops.logic import equal, isfinite, logical_and, not_equal
from graphc.ops.lu import factors
from graphc.ops.matrices import adjoint, broadcast_lead, identity_like, part, rows, rows_back, square_matrix
from graphc.ops.movement import concat, expand_dims, matrix_transpose, moveaxis, reshape, squeeze
from graphc.ops.piecewise import abs, sign
from graphc.ops.products import matmul
from graphc.ops.reduction import prod
from graphc.ops.spectrum import svd
from graphc.origin import here
from graphc.sizes import equal as same_size
from graphc.sizes import product
from graphc.types import accumulator, is_complex, promote, real_of

__all__ = ["det", "inv", "slogdet", "solve", "tensorinv", "tensorsolve"]

_CORNER = 3  # derivatives of the determinant hold up to this order where the matrix is singular


def solve(a: Like, b: Like) -> Node:
    """x with a x = b.

    a [..., n, n]   b [..., n, m] or [n]   ->   the shape of b; leading axes broadcast

    By triangular factors with partial pivoting.  A singular matrix, for which NumPy raises, gives inf or nan; so
    does one that is not finite.  float16 and bfloat16 are computed in float32.
    dx = a^-1 (db - da x); the cotangents are b' = a^-T x' and a' = -b' x^T, with the factors that x had.
    Giles: Collected matrix derivative results, 2008, section 2.3.
    """
    node, _ = square_matrix("solve", a)
    right = floating(b)
    if right.ndim == 1:
        return squeeze(solve(a, expand_dims(right, 1)), -1)
    if right.ndim == 0 or same_size(node.shape[-1], right.shape[-2]) is False:
        raise locate(ShapeError("solve: extents of matrix and right side differ"), here(), (node, right))
    dtype = promote(floating(a).tensor, right.tensor)
    wide = accumulator(dtype)
    node, right = cast(node, wide), cast(right, wide)
    lead = broadcast_shapes(node.shape[:-2], right.shape[:-2])
    packed, order, _ = factors(node)
    factored = broadcast_lead(node, lead), broadcast_lead(packed, lead), broadcast_lead(order, lead, 1)
    return cast(_solved(*factored, broadcast_lead(right, lead)), dtype)


def inv(a: Like) -> Node:
    """The inverse of matrices: solve(a, 1), which holds for its derivative too.  [..., n, n]   ->   [..., n, n]

    dy = -a^-1 da a^-1.  Giles: Collected matrix derivative results, 2008, section 2.2.
    """
    node, dtype = square_matrix("inv", a)
    packed, order, _ = factors(node)
    return cast(_solved(node, packed, order, identity_like(node)), dtype)


def tensorsolve(a: Like, b: Like, axes: Sequence[int] | None = None) -> Node:
    """x with tensordot(a, x, x.ndim) = b: a system whose unknowns and right side are tensors.

    a [p..., q...]   b [p...]   ->   [q...]; there are as many p as q, all told

    axes   those of `a` that are moved behind all others first

    dx = a^-1 (db - da x), of the system as a matrix: see `solve`.
    """
    node, right = as_node(a), as_node(b)
    if axes is not None:
        some = [one_axis("tensorsolve", axis, node.ndim, node) for axis in several("tensorsolve", "axes", axes)]
        node = moveaxis(node, some, range(node.ndim - len(some), node.ndim))
    rows, unknown = node.shape[: right.ndim], node.shape[right.ndim :]
    if len(rows) < right.ndim or any(same_size(n, m) is False for n, m in zip(rows, right.shape, strict=True)):
        problem = f"tensorsolve: the first extents of {node.tensor} are not those of {right.tensor}"
        raise locate(ShapeError(problem), here(), (node, right))
    square = _as_one_matrix("tensorsolve", node, right.ndim)
    return reshape(solve(square, reshape(right, (product(rows),))), unknown)


def tensorinv(a: Like, ind: int = 2) -> Node:
    """The tensor with tensordot(tensorinv(a, ind), a, ind) the identity.

    a [p..., q...]   ->   [q..., p...]; there are as many p as q, all told

    ind   how many axes p are

    dy = -a^-1 da a^-1, of `a` as a matrix: see `inv`.
    """
    node = as_node(a)
    ind = a_whole_number("tensorinv", "ind", ind, node, least=1)
    square = _as_one_matrix("tensorinv", node, ind)
    return reshape(inv(square), (*node.shape[ind:], *node.shape[:ind]))


def _as_one_matrix(name: str, x: Node, leading: int) -> Node:
    """The `leading` first axes as one, and all others as one, of as many elements."""
    n, m = product(x.shape[:leading]), product(x.shape[leading:])
    if same_size(n, m) is False:
        problem = f"{name}: {n} elements along the first {leading} axes, and {m} along the others"
        raise locate(ShapeError(problem), here(), (x,))
    return reshape(x, (n, m))


def _solved(a: Node, packed: Node, order: Node, b: Node) -> Node:
    """x with a x = b, from the factors of a."""
    lower = apply(TriangularSolve(unit_diagonal=True), packed, rows(b, order))
    x = apply(TriangularSolve(lower=False), packed, lower)
    return apply(CustomDerivative(_solve_rule), x, a, packed, order, b)


def _solved_transposed(a: Node, packed: Node, order: Node, b: Node) -> Node:
    """x with a^T x = b, from the factors of a."""
    upper = apply(TriangularSolve(lower=False, transposed=True), packed, b)
    x = rows_back(apply(TriangularSolve(transposed=True, unit_diagonal=True), packed, upper), order)
    return apply(CustomDerivative(_transposed_rule), x, a, packed, order, b)


# The factors are functions of the matrix too, but what they pass on is said by its own cotangent.


def _solve_rule(y: Node, cotangent: Node, a: Node, packed: Node, order: Node, b: Node) -> tuple[Node | None, ...]:
    back = _solved_transposed(a, packed, order, cotangent)
    return neg(matmul(back, matrix_transpose(y))), None, None, back


def _transposed_rule(y: Node, cotangent: Node, a: Node, packed: Node, order: Node, b: Node) -> tuple[Node | None, ...]:
    back = _solved(a, packed, order, cotangent)
    return neg(matmul(y, matrix_transpose(back))), None, None, back


# Determinants.


def det(a: Like) -> Node:
    """The determinant of matrices.  [..., n, n]   ->   [...]

    The product of the pivots of elimination.  The derivatives, the matrix of cofactors and those of it, hold at
    singular matrices too, up to the third order.  float16 and bfloat16 are computed in float32.

    dy = det(a) tr(a^-1 da), by cofactors.  Giles: Collected matrix derivative results, 2008, section 2.2.
    """
    node, dtype = square_matrix("det", a)
    packed, _, permuted = factors(node)
    pivots = diagonal(packed)
    last = (pivots.ndim - 1,)
    value = prod(pivots, -1)
    by_logarithms = prod(sign(pivots), -1) * exp(sum_over(log(abs(pivots)), last))
    usual = logical_and(isfinite(value), not_equal(value, 0))  # not where the product over- or underflows midway
    value = mul(permuted, where(usual, value, by_logarithms))
    return cast(apply(CustomDerivative(_det_rule), stop_gradient(value), node), dtype)


def _det_rule(y: Node, cotangent: Node, a: Node) -> tuple[Node | None]:
    (found,) = pull_back_of(_polynomial, [a], cotangent)
    return (found,)


def _polynomial(a: Node) -> Node:
    """The determinant as a function whose derivatives of three orders exist at singular matrices too.

    Up to 3 by 3 it is written out.  Above, m = u^H a v^H has the determinant of `a` up to that of u v, with any
    orthonormal u and v, which may thus be held: those of the singular values at hand.  All that is singular
    is then in the last corner s of m, 3 by 3, which eliminating the others turns into its Schur complement:
    det m = det m11 det(m22 - m21 m11^-1 m12).  Where m11 is singular too, all three derivatives are 0.
    """
    n = a.shape[-1]
    if isinstance(n, int) and n <= _CORNER:
        return _written_out(a, n)
    if not isinstance(n, int):  # there may be fewer than 3: with 3 further rows and columns, of the identity
        k, lead = _CORNER, a.shape[:-2]
        one = identity_like(full((*lead, k, k), 0, a.dtype))
        beside, below = full((*lead, n, k), 0, a.dtype), full((*lead, k, n), 0, a.dtype)
        a = concat((concat((a, beside), -1), concat((below, one), -1)), -2)
        n = a.shape[-1]
    u, _, v = svd(stop_gradient(a))
    turned = matmul(adjoint(u), matmul(a, adjoint(v)))
    first, corner = (0, n - _CORNER), (n - _CORNER, _CORNER)
    m11, m12 = part(turned, first, first), part(turned, first, corner)
    m21, m22 = part(turned, corner, first), part(turned, corner, corner)
    singular = equal(stop_gradient(_pivots(m11)), 0)
    m11 = where(spread(singular, m11.shape, _last_two(m11)), identity_like(m11), m11)
    packed, order, _ = factors(m11)
    schur = m22 - matmul(m21, _solved(m11, packed, order, m12))
    value = _pivots(m11) * _written_out(schur, _CORNER) * sign(stop_gradient(_pivots(matmul(u, v))))
    return where(singular, 0.0, value)


def _pivots(a: Node) -> Node:
    """The determinant, with a derivative where it is not 0."""
    packed, _, permuted = factors(a)
    return mul(permuted, prod(diagonal(packed), -1))


def _written_out(a: Node, n: int) -> Node:
    """The determinant of matrices of up to 3 rows, as the sum of products that it is."""
    x = [[a[..., i, j] for j in range(n)] for i in range(n)]
    match n:
        case 0:
            return sum_over(a, _last_two(a)) + 1.0
        case 1:
            return x[0][0]
        case 2:
            return x[0][0] * x[1][1] - x[0][1] * x[1][0]
        case _:
            minors = [x[1][i] * x[2][j] - x[1][j] * x[2][i] for i, j in ((1, 2), (2, 0), (0, 1))]
            return x[0][0] * minors[0] + x[0][1] * minors[1] + x[0][2] * minors[2]


def slogdet(a: Like) -> tuple[Node, Node]:
    """The sign of the determinant of matrices, and the logarithm of its absolute value.  [..., n, n]   ->   [...]

    Of complex matrices the sign is a complex number of length 1, and the logarithm is real.  A singular matrix gives 0
    and -inf, as NumPy has it.  With t = tr(a^-1 da): dlogarithm = Re t, so that its derivative is a^-T, and
    dsign = i sign Im t, 0 of real matrices.  float16 and bfloat16 are computed in float32.
    Giles: Collected matrix derivative results, 2008, section 2.2.
    """
    node, dtype = square_matrix("slogdet", a)
    packed, order, permuted = factors(node)
    pivots = stop_gradient(diagonal(packed))
    logarithm = sum_over(log(abs(pivots)), (pivots.ndim - 1,))
    result = apply(CustomDerivative(_slogdet_rule), logarithm, node, packed, order)
    signs = mul(permuted, prod(sign(pivots), -1))
    if is_complex(dtype):
        signs = apply(CustomDerivative(_phase_rule), signs, node, packed, order)
    return cast(signs, dtype), cast(result, real_of(dtype))


def _slogdet_rule(y: Node, cotangent: Node, a: Node, packed: Node, order: Node) -> tuple[Node | None, ...]:
    inverse = _solved_transposed(a, packed, order, identity_like(a))
    return mul(spread(cotangent, a.shape, _last_two(a)), inverse), None, None


def _phase_rule(y: Node, cotangent: Node, a: Node, packed: Node, order: Node) -> tuple[Node | None, ...]:
    """Re(c i y Im t) is Re(i Im(c y) t) for a cotangent c."""
    turned = imag(mul(cotangent, y))
    return _slogdet_rule(y, complex(zeros_like(turned), turned), a, packed, order)


def _last_two(a: Node) -> tuple[int, int]:
    return a.ndim - 2, a.ndim - 1
