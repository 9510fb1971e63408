"""Rows of the table: indexing, sorting, Cholesky factors, triangular systems, triangles, formulas."""

from collections.abc import Callable

import numpy as np
import sympy
from scipy import special

from graphc.ir.node import Like, Node
from graphc.ops import indexing
from graphc.ops.cholesky import cholesky, triangular_solve
from graphc.ops.creation import tril, triu
from graphc.ops.formula import op
from graphc.ops.matrices import adjoint
from graphc.ops.products import matmul
from graphc.ops.sorting import argsort, sort, topk
from tests.case import Array, Case, Draw, apart, between, normal, whole

__all__ = ["FORMULAS", "LOOKUPS", "ROUTINES"]


def _added(x: Array, index: Array, updates: Array) -> Array:
    result = x.copy()
    np.add.at(result, index, updates)
    return result


LOOKUPS = (
    Case("take", indexing.take, np.take, (normal(3, 4), whole(-12, 12, 2, 5))),
    Case(
        "take along the first axis",
        lambda x, i: indexing.take(x, i, 0),
        lambda x, i: np.take(x, i, 0),
        (normal(3, 4), whole(-3, 3, 5)),
    ),
    Case(
        "take along an inner axis",
        lambda x, i: indexing.take(x, i, 1),
        lambda x, i: np.take(x, i, 1),
        (normal(2, 3, 4), whole(-3, 3, 2, 2)),
    ),
    Case(
        "take, clipped",
        lambda x, i: indexing.take(x, i, -1, mode="clip"),
        lambda x, i: np.take(x, i, -1, mode="clip"),
        (normal(2, 3), whole(-9, 9, 8)),
    ),
    Case(
        "take, wrapped",
        lambda x, i: indexing.take(x, i, 0, mode="wrap"),
        lambda x, i: np.take(x, i, 0, mode="wrap"),
        (normal(3, 2), whole(-9, 9, 8)),
    ),
    Case("embedding", indexing.embedding, lambda t, i: t[i], (normal(5, 3), whole(0, 5, 2, 4))),
    Case(
        "take_along_axis",
        lambda x, i: indexing.take_along_axis(x, i, 1),
        lambda x, i: np.take_along_axis(x, i, 1),
        (normal(2, 3, 4), whole(-3, 3, 2, 5, 4)),
    ),
    Case(
        "take_along_axis, repeated",
        lambda x, i: indexing.take_along_axis(x, i, 0),
        lambda x, i: np.take_along_axis(x, i, 0),
        (normal(3, 4), whole(0, 3, 2, 1)),
        symbolic=False,
    ),
    Case(
        "scatter_add",
        indexing.scatter_add,
        _added,
        (normal(4, 3), whole(-4, 4, 6), normal(6, 3)),
        terms=6,
    ),
    Case(
        "scatter_add along the last axis",
        lambda x, i, u: indexing.scatter_add(x, i, u, axis=1),
        lambda x, i, u: _added(x.T, i, u.T).T,
        (normal(2, 4), whole(-4, 4, 6), normal(2, 6)),
        terms=6,
    ),
    Case(
        "one_hot",
        lambda i: indexing.one_hot(i, 4),
        lambda i: (i[..., None] == np.arange(4)) * 1.0,
        (whole(-1, 5, 2, 6),),
        order=0,
    ),
    Case("tril", tril, np.tril, (normal(2, 3, 4),)),
    Case("tril of a vector", lambda x: (tril(x, 1), triu(x)), lambda x: (np.tril(x, 1), np.triu(x)), (normal(3),)),
    Case("triu", lambda x: triu(x, 1), lambda x: np.triu(x, 1), (normal(4, 3),)),
)


def _definite(*shape: int) -> Draw:
    """Symmetric matrices with eigenvalues of 1 and more."""

    def draw(rng: np.random.Generator) -> Array:
        root = rng.uniform(-1, 1, shape)
        return root @ root.swapaxes(-1, -2) + np.eye(shape[-1])

    return draw


def _steep(*shape: int) -> Draw:
    """Matrices with a diagonal far from 0."""
    return lambda rng: rng.uniform(-0.5, 0.5, shape) + 2 * np.eye(shape[-1])


def _solve(lower: bool, transposed: bool, unit_diagonal: bool) -> Case:
    def reference(a: Array, b: Array) -> Array:
        triangle = np.tril(a, -unit_diagonal) if lower else np.triu(a, unit_diagonal)
        matrix = triangle + np.eye(a.shape[-1]) if unit_diagonal else triangle
        return np.linalg.solve(matrix.swapaxes(1, 2) if transposed else matrix, b)

    return Case(
        f"triangular_solve, {lower=}, {transposed=}, {unit_diagonal=}",
        lambda a, b: triangular_solve(a, b, lower=lower, transposed=transposed, unit_diagonal=unit_diagonal),
        reference,
        (_steep(2, 3, 3), normal(2, 3, 2)),
        terms=9,
        complex=True,
    )


ROUTINES = (
    Case("sort", sort, np.sort, (apart(3, 5),)),
    Case(
        "sort, descending",
        lambda x: sort(x, 0, descending=True),
        lambda x: np.sort(x, 0)[::-1],
        (apart(4, 3),),
    ),
    Case(
        "argsort",
        argsort,
        lambda x: np.argsort(x, kind="stable"),
        (whole(0, 3, 2, 9),),
        order=0,
    ),
    Case(
        "argsort, descending",
        lambda x: argsort(x, descending=True),
        lambda x: np.argsort(-x, kind="stable"),
        (whole(0, 3, 2, 9),),
        order=0,
    ),
    Case(
        "topk",
        lambda x: topk(x, 2, 0),
        lambda x: (np.sort(x, 0)[:-3:-1], np.argsort(x, 0)[:-3:-1]),
        (apart(5, 3),),
    ),
    Case("cholesky", cholesky, np.linalg.cholesky, (_definite(2, 3, 3),), terms=9, complex=True),
    Case(
        "cholesky of the upper triangle",
        lambda x: cholesky(x, upper=True),
        lambda x: np.linalg.cholesky(x, upper=True),
        (_definite(2, 3, 3),),
        terms=9,
        complex=True,
    ),
    Case(
        "cholesky of a product",
        lambda x: cholesky(matmul(x, adjoint(x))),
        lambda x: np.linalg.cholesky(x @ x.conj().T),
        (_steep(3, 3),),
        terms=27,
        complex=True,
    ),
    _solve(lower=True, transposed=False, unit_diagonal=False),
    _solve(lower=True, transposed=True, unit_diagonal=False),
    _solve(lower=False, transposed=False, unit_diagonal=False),
    _solve(lower=False, transposed=True, unit_diagonal=True),
    Case(
        "triangular_solve of a vector",
        triangular_solve,
        lambda a, b: np.linalg.solve(np.tril(a), b),
        (_steep(3, 3), normal(3)),
        terms=9,
        complex=True,
    ),
)


def _formula(name: str, formula: Callable[..., object], reference: Callable[..., Array], *draws: Draw) -> Case:
    function = op(name, formula)

    def build(*xs: Like) -> Node:
        return function(*xs)

    return Case(f"formula {name}", build, reference, draws, terms=16)


FORMULAS = (
    _formula("swish", lambda x: x / (1 + sympy.exp(-x)), lambda x: x * special.expit(x), normal(3, 4)),
    _formula(
        "bell",
        lambda x, m, s: sympy.exp(-(((x - m) / s) ** 2) / 2) / (s * sympy.sqrt(2 * sympy.pi)),
        lambda x, m, s: np.exp(-(((x - m) / s) ** 2) / 2) / (s * np.sqrt(2 * np.pi)),
        normal(3, 4),
        normal(3, 4),
        between(0.5, 2, 3, 4),
    ),
    _formula(
        "pieces",
        lambda x: sympy.Piecewise((x**2, x < 0), (sympy.sin(x), x < 0.5), (x**3, True)),
        lambda x: np.where(x < 0, x**2, np.where(x < 0.5, np.sin(x), x**3)),
        apart(3, 4),
    ),
    _formula("power", lambda x, y: x**y, np.power, between(0.5, 2, 5), normal(5)),
    _formula(
        "extremes",
        lambda x, y, z: sympy.Max(x, y, z) * sympy.Min(x, y),
        lambda x, y, z: np.maximum(np.maximum(x, y), z) * np.minimum(x, y),
        apart(9),
        lambda rng: apart(9)(rng) + 0.01,
        lambda rng: apart(9)(rng) + 0.02,
    ),
    _formula(
        "rational",
        lambda x: -x / (1 + x**2) ** sympy.Rational(3, 2) - 1 / x - sympy.Rational(2, 3) * x,
        lambda x: -x / (1 + x**2) ** 1.5 - 1 / x - 2 / 3 * x,
        between(0.5, 2, 5),
    ),
    _formula(
        "special",
        lambda x: sympy.erf(x) * sympy.erfc(x) + sympy.erfinv(x / 4) + sympy.loggamma(x) + sympy.digamma(x),
        lambda x: special.erf(x) * special.erfc(x) + special.erfinv(x / 4) + special.gammaln(x) + special.digamma(x),
        between(0.5, 2, 5),
    ),
    _formula("gamma", sympy.gamma, special.gamma, between(-0.8, -0.2, 5)),
    _formula(
        "hyperbolic",
        lambda x: sympy.asinh(x) * sympy.cosh(x) - sympy.sech(x) + sympy.atanh(x / 4),
        lambda x: np.arcsinh(x) * np.cosh(x) - 1 / np.cosh(x) + np.arctanh(x / 4),
        between(-2, 2, 5),
    ),
    _formula(
        "trigonometric",
        lambda x: sympy.atan2(sympy.sin(x), 2) + sympy.cot(x) * sympy.asin(x / 4) + sympy.Mod(x, 2),
        lambda x: np.arctan2(np.sin(x), 2) + np.arcsin(x / 4) / np.tan(x) + np.mod(x, 2),
        between(0.5, 1.5, 5),
    ),
)
