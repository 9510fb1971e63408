"""Norms of vectors and matrices, and the condition of matrices.  At zero every norm has a derivative of 0."""

import math
from typing import TypeAlias

from graphc.errors import ArgumentError
from graphc.ir.apply import locate
from graphc.ir.arithmetic import sum_over, zeros_like
from graphc.ir.given import a_choice, a_number
from graphc.ir.node import Like, Node
from graphc.ir.operands import cast, div, where
from graphc.ops.axes import Axes, several_axes, some_axes, with_axes
from graphc.ops.elementwise import floating
from graphc.ops.extremes import max, min
from graphc.ops.logic import not_equal
from graphc.ops.matrices import matrix
from graphc.ops.movement import moveaxis
from graphc.ops.piecewise import abs
from graphc.ops.powers import power, sqrt, square
from graphc.ops.reduction import all
from graphc.ops.spectrum import svdvals
from graphc.ops.systems import inv
from graphc.origin import here
from graphc.sizes import lower_bound
from graphc.types import accumulator, is_complex, real_of

__all__ = ["Order", "cond", "matrix_norm", "norm", "vector_norm"]

Order: TypeAlias = int | float | str | None


def norm(x: Like, ord: Order = None, axis: Axes = None, *, keepdims: bool = False) -> Node:
    """The norm of vectors along one axis, or of matrices along two.

    Without `axis`: of all elements in a row where `ord` is not given, else of `x`, which has one or two axes.
    Orders of vectors and of matrices are those of `vector_norm` and `matrix_norm`; not given: the root of the
    sum of squares.

    x [..., n, ...]   ->   [..., ...], or [..., n, m]   ->   [...]; with `keepdims` the axes stay, of extent 1

    Slopes: conj(x) / y for the sum of squares; for others see `vector_norm` and `matrix_norm`.
    """
    node = floating(x)
    if axis is None and ord is None:
        return vector_norm(node, 2, keepdims=keepdims)
    axes = tuple(range(node.ndim)) if axis is None else several_axes("norm", axis, node.ndim, node)
    match len(axes):
        case 1:
            return vector_norm(node, 2 if ord is None else ord, axes[0], keepdims=keepdims)
        case 2:
            rows, columns = axes
            found = matrix_norm(moveaxis(node, (rows, columns), (-2, -1)), "fro" if ord is None else ord)
            return with_axes(found, node, some_axes("norm", axes, node.ndim, node), keepdims)
    problem = f"norm: {len(axes)} axes are neither of a vector nor of a matrix"
    raise locate(ArgumentError(problem, hint="axis=, or ord=None for all elements"), here(), (node,))


def vector_norm(x: Like, ord: Order = 2, axis: Axes = None, *, keepdims: bool = False) -> Node:
    """(Σ |x|^p)^(1/p) over `axis`, or over all elements.

    ord   p; inf: the largest |x|, of nothing 0; -inf: the smallest; 0: how many are not 0

    Elements that are 0 have a derivative of 0, and where the norm is 0 all have.  float16 and bfloat16 are
    computed in float32.

    x [..., n, ...]   ->   [..., ...].  Slopes: conj(sign(x)) (|x| / y)^(p - 1), where y is the norm.
    Golub, Van Loan: Matrix computations, 2013, section 2.2.
    """
    node = floating(x)
    p = a_number("vector_norm", "the order", ord, node)
    if math.isnan(p):
        raise locate(ArgumentError("vector_norm: the order is nan"), here(), (node,))
    axes = some_axes("vector_norm", axis, node.ndim, node)
    wide = _real(cast(node, accumulator(node.dtype)))
    return with_axes(cast(_vector_norm(wide, p, axes), real_of(node.dtype)), node, axes, keepdims)


def _real(x: Node) -> Node:
    """`x` for a norm that looks at absolute values alone: of complex numbers these."""
    return abs(x) if is_complex(x.dtype) else x


def _vector_norm(x: Node, p: float, axes: tuple[int, ...]) -> Node:
    if p == math.inf:
        return _largest(abs(x), axes)
    if p == -math.inf:
        return min(abs(x), axes)
    if p == 0:
        return sum_over(cast(not_equal(x, 0), x.dtype), axes)
    if p == 1:
        return sum_over(abs(x), axes)
    if p == 2:
        return _unless_zero(sum_over(square(x), axes), 0.5)
    if p > 0:
        return _unless_zero(sum_over(_unless_zero(abs(x), p), axes), 1 / p)
    some = not_equal(x, 0)
    inside = where(some, abs(x), 1.0)
    found = power(sum_over(power(inside, p), axes), 1 / p)
    return where(all(some, axes), found, zeros_like(found))  # a 0 among the elements makes it 0


def _largest(x: Node, axes: tuple[int, ...]) -> Node:
    """The largest of numbers that are not negative; of nothing: 0."""
    may_be_none = {axis for axis in axes if (lower_bound(x.shape[axis]) or 0) < 1}
    return max(x, axes, initial=0.0 if may_be_none else None)


def _unless_zero(x: Node, p: float) -> Node:
    """x^p for p > 0, with derivatives of 0 where x is 0."""
    some = not_equal(x, 0)
    inside = where(some, x, 1.0)
    return where(some, sqrt(inside) if p == 0.5 else power(inside, p), zeros_like(x))


def matrix_norm(x: Like, ord: Order = "fro", *, keepdims: bool = False) -> Node:
    """The norm of matrices.  [..., n, m]   ->   [...]

    ord   "fro": the root of the sum of squares; "nuc": the sum of the singular values; 2, -2: the largest, the
          smallest of them; 1, -1: the largest, the smallest sum of absolute values of a column; inf, -inf: of a
          row

    Where some reach an extreme together, they share the derivative; singular values of 0 have none.
    float16 and bfloat16 are computed in float32.

    Slopes: conj(x) / y for "fro", conj(u v) for "nuc", conj(u[:, i] v[i]) for singular value i; for 1 and inf
    those of the absolute values that are summed.
    Golub, Van Loan: Matrix computations, 2013, section 2.3.
    """
    node, dtype = matrix("matrix_norm", x)
    axes = (node.ndim - 2, node.ndim - 1)
    return with_axes(cast(_matrix_norm(node, _order("matrix_norm", ord, node)), real_of(dtype)), node, axes, keepdims)


def _order(name: str, order: object, x: Node) -> Order:
    """A number or a word, of which `_matrix_norm` knows some."""
    if isinstance(order, str):
        return a_choice(name, "the order", order, ("fro", "nuc"), x)
    return a_number(name, "the order", order, x)


def _matrix_norm(x: Node, order: Order) -> Node:
    rows, columns = x.ndim - 2, x.ndim - 1
    match order:
        case "fro":
            return _unless_zero(sum_over(square(_real(x)), (rows, columns)), 0.5)
        case "nuc":
            return sum_over(_singular_values(x), (rows,))
        case 2:
            return _largest(_singular_values(x), (rows,))
        case -2:
            return min(_singular_values(x), rows)
        case 1:
            return _largest(sum_over(abs(x), (rows,)), (rows,))
        case -1:
            return min(sum_over(abs(x), (rows,)), rows)
        case math.inf:
            return _largest(sum_over(abs(x), (columns,)), (rows,))
    if order == -math.inf:
        return min(sum_over(abs(x), (columns,)), rows)
    hint = "1, -1, 2, -2, inf, -inf, 'fro' or 'nuc'"
    raise locate(ArgumentError(f"matrix_norm: {order!r} is no order of a matrix", hint=hint), here(), (x,))


def _singular_values(x: Node) -> Node:
    """Singular values; those of 0 have a derivative of 0."""
    s = svdvals(x)
    return where(not_equal(s, 0), s, 0.0)


def cond(a: Like, p: Order = None) -> Node:
    """How much solving with `a` may magnify errors: norm(a) norm(a^-1).  [..., n, m]   ->   [...]

    p   an order of `matrix_norm`; not given, or 2: the largest singular value over the smallest, for matrices that
        are not square too; -2: the other way round

    A singular matrix gives inf or nan.

    Slopes: those of the norms and of `inv`.  Golub, Van Loan: Matrix computations, 2013, section 2.6.
    """
    node, dtype = matrix("cond", a)
    p = None if p is None else _order("cond", p, node)
    if p is None or p in (2, -2):
        s = svdvals(node)
        last = s.ndim - 1
        largest, smallest = max(s, last), min(s, last)
        return cast(div(smallest, largest) if p == -2 else div(largest, smallest), real_of(dtype))
    return cast(_matrix_norm(node, p) * _matrix_norm(inv(node), p), real_of(dtype))
