"""Cholesky factors and triangular systems."""

from collections.abc import Sequence
from typing import ClassVar, final

from graphc.errors import DTypeError, ShapeError
from graphc.ir.apply import apply, locate
from graphc.ir.given import a_flag
from graphc.ir.kinds import Differentiable, Routine, Tangential, require_field
from graphc.ir.node import IndexBound, Like, Node, Op, SameSize
from graphc.ir.operands import broadcast, broadcast_shapes, cast, neg, sub
from graphc.ops.creation import tril, triu
from graphc.ops.elementwise import floating
from graphc.ops.matrices import OfSquares, adjoint, as_square, half_lower, hermitian
from graphc.ops.movement import expand_dims, matrix_transpose, moveaxis, reshape, squeeze
from graphc.ops.products import matmul
from graphc.origin import here
from graphc.sizes import Size
from graphc.types import TensorType, accumulator, is_differentiable, promote

__all__ = ["Cholesky", "TriangularSolve", "cholesky", "triangular_solve"]


@final
class TriangularSolve(Routine, Differentiable):
    """x such that a x = b, or a^T x = b, where one triangle of `a` is read and the other taken as zero.

    a [..., n, n]   b [..., n, m]   ->   [..., n, m]

    lower           the triangle that is read
    transposed      a^T x = b
    unit_diagonal   the diagonal is taken as ones, and not read

    A zero on the diagonal gives inf or nan.  dx = a^-1 (db - da x); the cotangents are b' = a^-T x' and
    a' = -b' x^T, in the triangle that is read.
    Giles: Collected matrix derivative results, 2008, section 2.3.
    """

    lower: bool = True
    transposed: bool = False
    unit_diagonal: bool = False
    name: ClassVar[str] = "triangular_solve"
    routine: ClassVar[str] = "triangular_solve"

    def options(self) -> tuple[tuple[str, int | bool | str], ...]:
        return (("lower", self.lower), ("transposed", self.transposed), ("unit_diagonal", self.unit_diagonal))

    def infer(self, *types: TensorType) -> TensorType:
        a, b = types
        if not (is_differentiable(a.dtype) and a.dtype == b.dtype):
            raise DTypeError(f"triangular_solve has no meaning for {a.dtype} with {b.dtype}")
        return TensorType(b.shape, b.dtype)

    def requirements(self, *types: TensorType) -> Sequence[SameSize | IndexBound]:
        a, b = types
        batch = zip(a.shape[:-2], b.shape[:-2], strict=True)
        needed = [
            *as_square(a),
            SameSize(a.shape[-1], b.shape[-2], "extents of matrix and right side differ"),
            *(SameSize(n, m, "batch extents differ") for n, m in batch),
        ]
        return [need for need in needed if need.left != need.right]

    def vjp(self, node: Node, cotangents: Sequence[Node | None]) -> Sequence[Node | None]:
        (cotangent,) = cotangents
        if cotangent is None:
            return None, None
        adjoint = TriangularSolve(self.lower, not self.transposed, self.unit_diagonal)
        of_b = apply(adjoint, node.inputs[0], cotangent)
        left, right = (node, of_b) if self.transposed else (of_b, node)
        return neg(self._triangle(matmul(left, matrix_transpose(right)))), of_b

    def jvp(self, node: Node, tangents: Sequence[Node | None]) -> Sequence[Node | None]:
        of_a, of_b = tangents
        if of_a is not None:
            triangle = self._triangle(of_a)
            moved = matmul(matrix_transpose(triangle) if self.transposed else triangle, node)
            of_b = neg(moved) if of_b is None else sub(of_b, moved)
        return (None if of_b is None else apply(self, node.inputs[0], of_b),)

    def _triangle(self, a: Node) -> Node:
        """The part of `a` that is read, zero elsewhere."""
        skipped = int(self.unit_diagonal)
        return tril(a, -skipped) if self.lower else triu(a, skipped)

    def lifted(self, extent: Size) -> Op:
        return self

    def batch(self, inputs: Sequence[Node], batched: Sequence[bool], extent: Size) -> Node | None:
        """Right sides that share a matrix are columns of one system."""
        if batched[0]:
            return None
        a, b = inputs
        *lead, n, m = b.shape[1:]
        columns = reshape(moveaxis(b, 0, -1), (*lead, n, m * extent))
        return moveaxis(reshape(apply(self, a, columns), (*lead, n, m, extent)), -1, 0)

    def text(self) -> str:
        flags = [
            "lower" if self.lower else "upper",
            *["transposed"] * self.transposed,
            *["unit"] * self.unit_diagonal,
        ]
        return f"triangular_solve[{','.join(flags)}]"


@final
class Cholesky(OfSquares, Tangential):
    """The lower triangular L with positive diagonal and L L^H = a.  [..., n, n]   ->   [..., n, n]

    Only the lower triangle of `a` is read, of its diagonal the real part, so only that has a derivative; above the
    diagonal L is zero.  A matrix that is not positive definite gives a matrix of nan.  dL = L P(L^-1 da L^-H),
    where da is made Hermitian and P takes the lower triangle with half the diagonal.
    Murray: Differentiation of the Cholesky decomposition, 2016, equation 8.
    """

    name: ClassVar[str] = "cholesky"
    routine: ClassVar[str] = "cholesky"

    def infer(self, *types: TensorType) -> TensorType:
        (a,) = types
        require_field(self.name, a.dtype)
        return TensorType(a.shape, a.dtype)

    def jvp(self, node: Node, tangents: Sequence[Node | None]) -> Sequence[Node | None]:
        (tangent,) = tangents
        if tangent is None:
            return (None,)
        half = apply(TriangularSolve(), node, hermitian(tangent))
        inner = apply(TriangularSolve(), node, adjoint(half))
        return (matmul(node, half_lower(inner)),)


def cholesky(a: Like, *, upper: bool = False) -> Node:
    """The lower triangular L with positive diagonal and L L^H = a.  [..., n, n]   ->   [..., n, n]

    upper   the upper triangular U = L^H with U^H U = a instead, from the upper triangle of `a`

    `a` is Hermitian, which real matrices are if they are symmetric, and positive definite; only its lower triangle is
    read, of the diagonal the real part, and only that gets a gradient.  A matrix that is not positive definite gives
    a matrix of nan.

    dL = L P(L^-1 da L^-H), where da is Hermitian and P takes the lower triangle with half the diagonal.
    Murray: Differentiation of the Cholesky decomposition, 2016, equation 8.
    """
    node = floating(a)
    upper = a_flag("cholesky", "upper", upper)
    _is_matrix("cholesky", node)
    wide = cast(node, accumulator(node.dtype))
    factor = adjoint(apply(Cholesky(), adjoint(wide))) if upper else apply(Cholesky(), wide)
    return cast(factor, node.dtype)


def triangular_solve(
    a: Like, b: Like, *, lower: bool = True, transposed: bool = False, unit_diagonal: bool = False
) -> Node:
    """x such that a x = b, for a triangular matrix.

    a [..., n, n]   b [..., n, m] or [n]   ->   the shape of b; leading axes broadcast

    Only the triangle that `lower` names is read, without the diagonal if that is `unit_diagonal`.
    `transposed`: a^T x = b, without a conjugate.  A zero on the diagonal gives inf or nan.

    dx = a^-1 (db - da x), of the triangle that is read.  Giles: Collected matrix derivative results, 2008, section 2.3.
    """
    left, right = floating(a), floating(b)
    lower, transposed, unit_diagonal = (
        a_flag("triangular_solve", what, flag)
        for what, flag in (("lower", lower), ("transposed", transposed), ("unit_diagonal", unit_diagonal))
    )
    _is_matrix("triangular_solve", left)
    if right.ndim == 1:
        x = triangular_solve(
            left, expand_dims(right, 1), lower=lower, transposed=transposed, unit_diagonal=unit_diagonal
        )
        return squeeze(x, -1)
    _is_matrix("triangular_solve", right)
    dtype = promote(left.tensor, right.tensor)
    lead = broadcast_shapes(left.shape[:-2], right.shape[:-2])
    left, right = (broadcast(cast(node, accumulator(dtype)), (*lead, *node.shape[-2:])) for node in (left, right))
    return cast(apply(TriangularSolve(lower, transposed, unit_diagonal), left, right), dtype)


def _is_matrix(name: str, x: Node) -> None:
    """Raise where `x` has fewer than two axes."""
    if x.ndim < 2:
        raise locate(ShapeError(f"{name}: a matrix has 2 axes or more, not {x.ndim}"), here(), (x,))
