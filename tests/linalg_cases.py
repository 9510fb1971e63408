"""Rows of the table: linear algebra.  Where the routine has a choice, of signs, the row does not depend on it."""

from typing import Literal

import numpy as np
import scipy.linalg

from graphc import linalg as la
from graphc.ir.node import Node
from graphc.ops.movement import expand_dims, matrix_transpose
from graphc.ops.powers import square
from tests.case import Array, Case, Draw, apart, normal, whole

__all__ = ["LINEAR_ALGEBRA"]


def _steep(*shape: int) -> Draw:
    """Matrices far from singular ones, and not symmetric."""
    return lambda rng: rng.uniform(-0.5, 0.5, shape) + 2 * np.eye(shape[-2], shape[-1])


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


def _lower(a: Array) -> Array:
    """The symmetric matrices that have the lower triangles of `a`."""
    return np.tril(a) + np.tril(a, -1).swapaxes(-1, -2)


def _projectors(a: Node) -> Node:
    """Σ w³ v v^T plus the projector on the first vector: free of signs."""
    w, v = la.eigh(a)
    return (v * expand_dims(w * w * w, -2)) @ matrix_transpose(v) + v[..., :1] @ matrix_transpose(v[..., :1])


def _projectors_of(a: Array) -> Array:
    w, v = np.linalg.eigh(a)
    first = v[..., :1]
    return np.asarray(v * w[..., None, :] ** 3 @ v.swapaxes(-1, -2) + first @ first.swapaxes(-1, -2))


def _singular(a: Node) -> tuple[Node, Node, Node]:
    """The matrix with squared singular values, and both projectors on the first vectors: free of signs."""
    u, s, v = la.svd(a)
    first, row = u[..., :1], v[..., :1, :]
    return (u * expand_dims(square(s), -2)) @ v, first @ matrix_transpose(first), matrix_transpose(row) @ row


def _singular_of(a: Array) -> tuple[Array, Array, Array]:
    u, s, v = np.linalg.svd(a, full_matrices=False)
    first, row = u[..., :1], v[..., :1, :]
    return (u * s[..., None, :] ** 2) @ v, first @ first.swapaxes(-1, -2), row.swapaxes(-1, -2) @ row


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
    Case("qr of a batch", la.qr, lambda x: tuple(np.linalg.qr(x)), (normal(2, 3, 3),), terms=64),
)

SPECTRA = (
    Case("eigh", _projectors, _projectors_of, (_symmetric(4, 4),), terms=256),
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

LINEAR_ALGEBRA = (*SYSTEMS, *FACTORS, *SPECTRA, *FUNCTIONS, *NORMS)
