"""Rows of the table: linear algebra.  Where the routine has a choice, of signs, the row does not depend on it."""

from typing import Literal

import numpy as np
import scipy.linalg

from graphc import linalg as la
from graphc.ir.node import Node
from graphc.ops.matrices import adjoint
from graphc.ops.movement import expand_dims, matrix_transpose
from graphc.ops.powers import square
from graphc.ops.reduction import sum
from graphc.sizes import minimum
from tests.case import Array, Case, Draw, apart, normal, waves, whole, with_complex

__all__ = ["LINEAR_ALGEBRA"]


def _steep(*shape: int) -> Draw:
    """Matrices far from singular ones, and not symmetric."""
    return lambda rng: rng.uniform(-0.5, 0.5, shape) + 2 * np.eye(shape[-2], shape[-1])


def _steep_tensor(*shape: int) -> Draw:
    """Tensors that are, with their axes in two halves of as many elements, matrices far from singular ones."""

    def draw(rng: np.random.Generator) -> Array:
        n = round(float(np.prod(shape)) ** 0.5)
        return np.asarray((rng.uniform(-0.5, 0.5, (n, n)) + 2 * rng.permutation(np.eye(n))).reshape(shape))

    return draw


def _spectral(*shape: int) -> Draw:
    """Matrices with singular values of 1, 2, 3 ..."""

    def draw(rng: np.random.Generator) -> Array:
        u, s, v = np.linalg.svd(rng.standard_normal(shape), full_matrices=False)
        return np.asarray(u * (1.0 + np.arange(s.shape[-1])) @ v)

    return draw


def _symmetric(*shape: int) -> Draw:
    """Symmetric matrices with eigenvalues of 1, -2, 3, -4 ..."""

    def draw(rng: np.random.Generator) -> Array:
        q, _ = np.linalg.qr(rng.standard_normal(shape))
        count = 1.0 + np.arange(shape[-1])
        return np.asarray(q * np.where(count % 2, count, -count) @ q.swapaxes(-1, -2))

    return draw


def _flat(*shape: int) -> Draw:
    """Square matrices with one singular value of 0."""

    def draw(rng: np.random.Generator) -> Array:
        u, s, v = np.linalg.svd(rng.standard_normal(shape))
        return np.asarray(u * np.arange(1.0, 1 + s.shape[-1])[::-1] @ (v - v * (np.arange(shape[-1]) == 0)[:, None]))

    return draw


def _turning(*shape: int) -> Draw:
    """Matrices with eigenvalues of 1 ± 2i, 3, 4 ... and vectors that have one largest element each."""

    def draw(rng: np.random.Generator) -> Array:
        n = shape[-1]
        a = np.diag(1.0 + np.arange(n))
        a[:2, :2] = [[1, 4], [-1, 1]]
        basis = np.eye(n) + np.triu(np.full((n, n), 0.3), 1) + rng.uniform(-0.1, 0.1, shape)
        return np.asarray(basis @ a @ np.linalg.inv(basis))

    return draw


def _of_rank_2(*shape: int) -> Draw:
    """Matrices of small whole numbers with two columns that are not combinations of others."""
    *lead, n, m = shape
    return lambda rng: (rng.integers(-3, 4, (*lead, n, 2)) @ rng.integers(-3, 4, (*lead, 2, m))).astype(np.float64)


def _adjoint(a: Array) -> Array:
    return a.swapaxes(-1, -2).conj()


def _projectors(a: Node, triangle: Literal["L", "U"] = "L") -> Node:
    """Σ w³ v v^H plus the projector on the first vector: free of signs and phases."""
    w, v = la.eigh(a, triangle)
    return (v * expand_dims(w * w * w, -2)) @ adjoint(v) + v[..., :1] @ adjoint(v[..., :1])


def _projectors_of(a: Array, triangle: Literal["L", "U"] = "L") -> Array:
    w, v = np.linalg.eigh(a, triangle)
    first = v[..., :1]
    return np.asarray(v * w[..., None, :] ** 3 @ _adjoint(v) + first @ _adjoint(first))


def _singular(a: Node) -> tuple[Node, Node, Node]:
    """The matrix with squared singular values, and both projectors on the first vectors: free of signs and phases."""
    u, s, v = la.svd(a)
    first, row = u[..., :1], v[..., :1, :]
    return (u * expand_dims(square(s), -2)) @ v, first @ adjoint(first), adjoint(row) @ row


def _singular_of(a: Array) -> tuple[Array, Array, Array]:
    u, s, v = np.linalg.svd(a, full_matrices=False)
    first, row = u[..., :1], v[..., :1, :]
    return (u * s[..., None, :] ** 2) @ v, first @ _adjoint(first), _adjoint(row) @ row


def _powers(w: Node) -> tuple[Node, Node]:
    """Σ w and Σ w^3 - 2i w², which depend on no order."""
    return sum(w, -1), sum(w * w * (w - 2j), -1)


def _powers_of(w: Array) -> tuple[Array, Array]:
    return w.sum(-1).astype(complex), (w * w * (w - 2j)).sum(-1)


def _full(a: Node) -> tuple[Node, Node]:
    """Projectors on the vectors that only full matrices have."""
    n, m = a.shape[-2:]
    u, _, v = la.svd(a, full_matrices=True)
    left, right = u[..., minimum(n, m) :], v[..., minimum(n, m) :, :]
    return left @ adjoint(left), adjoint(right) @ right


def _full_of(a: Array) -> tuple[Array, Array]:
    u, s, v = np.linalg.svd(a)
    left, right = u[..., s.shape[-1] :], v[..., s.shape[-1] :, :]
    return left @ _adjoint(left), _adjoint(right) @ right


def _complete(a: Node) -> tuple[Node, Node, Node]:
    """The factors that NumPy has too, and the projector on what the further columns span."""
    n, m = a.shape[-2:]
    q, r = la.qr(a, "complete")
    further = q[..., minimum(n, m) :]
    return q[..., : minimum(n, m)], r, further @ adjoint(further)


def _complete_of(a: Array) -> tuple[Array, Array, Array]:
    q, r = np.linalg.qr(a, "complete")
    further = q[..., min(a.shape[-2:]) :]
    return q[..., : min(a.shape[-2:])], r, further @ _adjoint(further)


def _invariants(a: Node) -> tuple[Node, Node]:
    """Σ w² v v^H, and Σ w³ v v^T, which depends on the phases but on no sign, nor on the order."""
    w, v = la.eig(a)
    return (v * expand_dims(w * w, -2)) @ adjoint(v), (v * expand_dims(w * w * w, -2)) @ matrix_transpose(v)


def _invariants_of(a: Array) -> tuple[Array, Array]:
    w, v = np.linalg.eig(a)
    squared = v * w[..., None, :] ** 2 @ _adjoint(v)
    return squared.astype(complex), (v * w[..., None, :] ** 3 @ v.swapaxes(-1, -2)).astype(complex)


def _norm(ord: float | Literal["fro", "nuc"], *shape: int) -> Case:
    draw = _spectral(*shape) if ord in (2, -2, "nuc") else normal(*shape)
    return Case(
        f"matrix norm {ord}",
        lambda x: la.matrix_norm(x, ord),
        lambda x: np.linalg.matrix_norm(x, ord=ord),
        (draw,),
        terms=64,
    )


SYSTEMS = (
    Case("solve", la.solve, np.linalg.solve, (_steep(2, 3, 3), normal(2, 3, 2)), terms=27),
    Case(
        "solve, one matrix for all",
        la.solve,
        np.linalg.solve,
        (_steep(3, 3), normal(2, 3, 2)),
        terms=27,
    ),
    Case("solve of a vector", la.solve, np.linalg.solve, (_steep(3, 3), normal(3)), terms=27),
    Case(
        "solve of a vector for several matrices",
        la.solve,
        lambda a, b: np.linalg.solve(a, b[:, None])[..., 0],
        (_steep(2, 3, 3), normal(3)),
        terms=27,
    ),
    Case("inv", la.inv, np.linalg.inv, (_steep(2, 3, 3),), terms=27),
    *(
        Case(f"det, {n} by {n}", la.det, np.linalg.det, (_steep(n, n),), terms=n**3, symbolic=n > 2)
        for n in (1, 2, 3, 5)
    ),
    Case("det of a batch", la.det, np.linalg.det, (normal(2, 3, 3),), terms=27),
    Case("det of singular matrices", lambda x: la.det(x) + 1, lambda x: np.ones(len(x)), (_flat(2, 4, 4),), terms=256),
    Case("slogdet", la.slogdet, np.linalg.slogdet, (normal(2, 3, 3),), terms=27),
    Case("tensorsolve", la.tensorsolve, np.linalg.tensorsolve, (_steep_tensor(2, 3, 6), normal(2, 3)), terms=216),
    Case(
        "tensorsolve along other axes",
        lambda a, b: la.tensorsolve(a, b, (0, 2)),
        lambda a, b: np.linalg.tensorsolve(a, b, (0, 2)),
        (_steep_tensor(2, 2, 2, 2), normal(2, 2)),
        terms=64,
    ),
    Case("tensorinv", la.tensorinv, np.linalg.tensorinv, (_steep_tensor(2, 3, 6),), terms=216),
    Case(
        "tensorinv, 1",
        lambda a: la.tensorinv(a, 1),
        lambda a: np.linalg.tensorinv(a, 1),
        (_steep_tensor(4, 2, 2),),
        terms=64,
    ),
    Case("pinv, tall", la.pinv, np.linalg.pinv, (_spectral(4, 2),), terms=64),
    Case("pinv, wide", la.pinv, np.linalg.pinv, (_spectral(2, 2, 3),), terms=64),
    Case("pinv, square", la.pinv, np.linalg.pinv, (_spectral(3, 3),), terms=64),
    Case(
        "lstsq",
        la.lstsq,
        lambda a, b: np.linalg.lstsq(a, b)[0],
        (_spectral(4, 2), normal(4, 3)),
        terms=64,
    ),
    Case(
        "lstsq of a vector, wide",
        la.lstsq,
        lambda a, b: np.linalg.lstsq(a, b)[0],
        (_spectral(2, 3), normal(2)),
        terms=64,
    ),
)

FACTORS = (
    *(Case(f"lu, {n} by {m}", la.lu, scipy.linalg.lu, (_steep(n, m),), terms=27) for n, m in ((3, 3), (4, 2), (2, 4))),
    Case("lu of a batch", la.lu, scipy.linalg.lu, (normal(2, 3, 3),), terms=64),
    *(
        Case(f"qr, {n} by {m}", la.qr, lambda x: tuple(np.linalg.qr(x)), (_steep(n, m),), terms=27)
        for n, m in ((3, 3), (4, 2), (2, 4))
    ),
    *(
        Case(f"qr complete, {n} by {m}", _complete, _complete_of, (_steep(n, m),), terms=27)
        for n, m in ((3, 3), (4, 2), (2, 4))
    ),
    *(
        Case(f"qr r, {n} by {m}", lambda x: la.qr(x, "r"), lambda x: np.linalg.qr(x, "r"), (_steep(n, m),), terms=27)
        for n, m in ((4, 2), (2, 4))
    ),
    Case("qr of a batch", la.qr, lambda x: tuple(np.linalg.qr(x)), (normal(2, 3, 3),), terms=64),
)

SPECTRA = (
    Case("eigh", _projectors, _projectors_of, (_symmetric(4, 4),), terms=256),
    Case(
        "eigh of the upper triangle",
        lambda x: _projectors(x, "U"),
        lambda x: _projectors_of(x, "U"),
        (_symmetric(3, 3),),
        terms=256,
    ),
    Case("eigh of a batch", _projectors, _projectors_of, (_symmetric(2, 3, 3),), terms=256),
    Case(
        "eigvalsh",
        la.eigvalsh,
        np.linalg.eigvalsh,
        (_symmetric(2, 3, 3),),
        terms=27,
    ),
    Case(
        "eigvalsh of symmetric matrices",
        lambda x: la.eigvalsh(x + matrix_transpose(x)),
        lambda x: np.linalg.eigvalsh(x + x.swapaxes(-1, -2)),
        (_symmetric(3, 3),),
        terms=27,
    ),
    *(
        Case(f"svd, {n} by {m}", _singular, _singular_of, (_spectral(n, m),), terms=256)
        for n, m in ((3, 3), (4, 2), (2, 4))
    ),
    *(
        Case(f"svd of full matrices, {n} by {m}", _full, _full_of, (_spectral(n, m),), terms=256)
        for n, m in ((4, 2), (2, 3))
    ),
    Case("eig", _invariants, _invariants_of, (_turning(3, 3),), terms=512),
    Case("eig of a batch", _invariants, _invariants_of, (_turning(2, 4, 4),), terms=512),
    Case(
        "eigvals",
        lambda x: _powers(la.eigvals(x)),
        lambda x: _powers_of(np.linalg.eigvals(x)),
        (_turning(2, 3, 3),),
        terms=256,
    ),
    Case("matrix_rank", la.matrix_rank, np.linalg.matrix_rank, (_of_rank_2(2, 4, 5),), order=0),
    Case(
        "matrix_rank, 2.5",
        lambda x: la.matrix_rank(x, 2.5),
        lambda x: np.linalg.matrix_rank(x, 2.5),
        (_spectral(2, 3, 4),),
        order=0,
    ),
    Case("matrix_rank of a vector", la.matrix_rank, np.linalg.matrix_rank, (normal(3),), order=0),
    Case(
        "svd without vectors",
        lambda x: la.svd(x, compute_uv=False),
        lambda x: np.linalg.svd(x, compute_uv=False),
        (_spectral(2, 3),),
        terms=27,
    ),
    Case("svdvals", la.svdvals, np.linalg.svdvals, (_spectral(2, 3, 2),), terms=27),
    *(
        Case(
            f"cond {p}",
            lambda x, p=p: la.cond(x, p),
            lambda x, p=p: np.linalg.cond(x, p),
            (_spectral(2, 3, 3),),
            terms=64,
        )
        for p in (None, -2, 1, "fro")
    ),
)

FUNCTIONS = (
    *(
        Case(
            f"matrix_power {n}",
            lambda x, n=n: la.matrix_power(x, n),
            lambda x, n=n: np.linalg.matrix_power(x, n),
            (_steep(2, 3, 3),),
            terms=64,
        )
        for n in (0, 1, 5, -2)
    ),
    Case("expm", la.expm, scipy.linalg.expm, (normal(2, 2),), terms=64),
    Case("expm of a batch", la.expm, scipy.linalg.expm, (normal(2, 2, 2),), terms=64),
    Case(
        "multi_dot",
        lambda *xs: la.multi_dot(xs),
        lambda *xs: np.linalg.multi_dot(xs),
        (normal(2), normal(2, 3), normal(3, 4), normal(4)),
        terms=24,
    ),
    Case("cross", la.cross, np.cross, (normal(4, 3), normal(3)), terms=2, symbolic=False),
    Case(
        "cross along the first axis",
        lambda x, y: la.cross(x, y, axis=0),
        lambda x, y: np.cross(x, y, axis=0),
        (normal(3, 2), normal(3, 2)),
        terms=2,
    ),
    Case("cross of integers", la.cross, np.cross, (whole(-9, 9, 3), whole(-9, 9, 3)), order=0),
)

NORMS = (
    *(
        Case(
            f"vector norm {p}",
            lambda x, p=p: la.vector_norm(x, p, -1),
            lambda x, p=p: np.linalg.norm(x, p, -1),
            (apart(3, 4),),
            terms=8,
        )
        for p in (0, 0.5, 1, 2, 3, -1, np.inf, -np.inf)
    ),
    Case("vector norm inf of complex", lambda x: la.vector_norm(x, np.inf), lambda x: np.abs(x).max(), (waves(5),)),
    Case("norm of all", la.norm, lambda x: np.linalg.norm(x), (normal(2, 3, 4),), terms=24),
    Case(
        "norm along two axes",
        lambda x: la.norm(x, 1, (2, 0), keepdims=True),
        lambda x: np.linalg.norm(x, 1, (2, 0), keepdims=True),
        (apart(2, 3, 4),),
        terms=4,
    ),
    *(_norm(ord, 2, 3, 3) for ord in ("fro", "nuc", 1, -1, 2, -2, np.inf, -np.inf)),
    _norm("nuc", 2, 4),
)

#: rows whose operands are what they are as floats alone, or have to be ordered
REAL = frozenset({"det of singular matrices", "matrix_rank", "cross of integers", "vector norm inf"})
EVERY = (*SYSTEMS, *FACTORS, *SPECTRA, *FUNCTIONS, *NORMS)
LINEAR_ALGEBRA = with_complex(EVERY, {case.name for case in EVERY} - REAL)
