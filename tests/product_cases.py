"""Rows of the table: products, diagonals, convolutions, windows, pooling."""

from collections.abc import Sequence
from functools import partial
from types import EllipsisType

import numpy as np

from graphc.ir.apply import apply
from graphc.ops import convolution, pooling, products
from graphc.ops.diagonal import OnDiagonal, diag, diagonal, trace
from graphc.ops.einsum import einsum
from graphc.ops.window import Windows, WindowSum, windows
from tests.case import Array, Case, apart, normal, whole

__all__ = ["CONVOLUTIONS", "PRODUCTS", "WINDOWS"]


def _matmul(name: str, left: tuple[int, ...], right: tuple[int, ...], *, symbolic: bool = True) -> Case:
    draws = (normal(*left), normal(*right))
    return Case(f"matmul, {name}", products.matmul, np.matmul, draws, terms=left[-1], symbolic=symbolic)


def _einsum(subscripts: str, *shapes: tuple[int, ...], terms: int = 4, symbolic: bool = True) -> Case:
    build, reference = partial(einsum, subscripts), partial(np.einsum, subscripts)
    return Case(f"einsum {subscripts}", build, reference, tuple(normal(*s) for s in shapes), 3, terms, symbolic)


PRODUCTS = (
    _matmul("matrices", (3, 4), (4, 5)),
    _matmul("row and matrix", (4,), (4, 5)),
    _matmul("matrix and column", (3, 4), (4,)),
    _matmul("vectors", (4,), (4,)),
    _matmul("batch and matrix", (2, 3, 4), (4, 5)),
    _matmul("matrix and batch", (3, 4), (2, 4, 5)),
    _matmul("batches", (2, 3, 4), (2, 4, 5)),
    _matmul("repeated batches", (2, 1, 3, 4), (3, 4, 5), symbolic=False),
    _matmul("batch and column", (2, 3, 4), (4,)),
    Case(
        "matmul of integers",
        products.matmul,
        np.matmul,
        (whole(-9, 9, 3, 4), whole(-9, 9, 4, 5)),
        order=0,
    ),
    Case(
        "matmul of integers with floats",
        products.matmul,
        np.matmul,
        (whole(-9, 9, 3, 4), normal(4, 5)),
        terms=4,
    ),
    Case(
        "matmul with itself",
        lambda x: x @ x.T,
        lambda x: x @ x.T,
        (normal(3, 4),),
        terms=4,
    ),
    Case(
        "tensordot",
        lambda x, y: products.tensordot(x, y, ((0, 2), (1, 0))),
        lambda x, y: np.tensordot(x, y, ((0, 2), (1, 0))),
        (normal(2, 3, 4), normal(4, 2, 5)),
        terms=8,
    ),
    Case(
        "tensordot of all pairs",
        lambda x, y: products.tensordot(x, y, 0),
        lambda x, y: np.tensordot(x, y, 0),
        (normal(2, 3), normal(4)),
    ),
    Case("inner", products.inner, np.inner, (normal(2, 4), normal(3, 4)), terms=4),
    Case("outer", products.outer, np.outer, (normal(3), normal(4))),
    Case("dot", products.dot, np.dot, (normal(2, 4), normal(3, 4, 2)), terms=4),
    Case("kron", products.kron, np.kron, (normal(2, 3), normal(3, 2))),
    Case("kron of a vector and a matrix", products.kron, np.kron, (normal(2), normal(3, 2))),
    Case("vdot", products.vdot, np.vdot, (normal(3, 4), normal(3, 4)), terms=12),
    Case(
        "vecdot along the first axes",
        lambda x, y: products.vecdot(x, y, 0),
        lambda x, y: np.vecdot(x.T, y),
        (normal(3, 2), normal(3)),
        terms=3,
    ),
    Case(
        "vecdot",
        products.vecdot,
        np.vecdot,
        (normal(2, 3, 4), normal(3, 4)),
        terms=4,
    ),
    _einsum("ij,jk->ik", (3, 4), (4, 5)),
    _einsum("bhqd,bhkd->bhqk", (2, 2, 3, 4), (2, 2, 5, 4)),
    _einsum("ij,kj", (3, 4), (5, 4)),
    _einsum("i,j->ji", (3,), (4,)),
    _einsum("ij,ij->ij", (3, 4), (3, 4)),
    _einsum("ijk->ki", (2, 3, 4)),
    _einsum("...ij->...ji", (2, 3, 4)),
    _einsum("...i,...i->...", (3, 2, 4), (1, 4), symbolic=False),
    _einsum("ij,jk", (3, 1), (4, 5), symbolic=False),
    _einsum("ij,jk,kl->il", (3, 1), (4, 1), (5, 2), terms=20, symbolic=False),
    _einsum("ij,ij->i", (3, 4), (3, 1), symbolic=False),
    _einsum("ii->i", (3, 3)),
    _einsum("iji,jj->ij", (2, 3, 2), (3, 3)),
    _einsum("ij,jk,kl->il", (2, 3), (3, 4), (4, 5), terms=12),
    _einsum("ijk,k,jl->il", (2, 3, 4), (4,), (3, 2), terms=12),
    _einsum("ij,k->j", (2, 3), (4,)),
    _einsum("ab,bc,cd,de->ae", (2, 3), (3, 2), (2, 4), (4, 2), terms=24),
    _einsum(" i j , j K -> K i ", (3, 4), (4, 5)),
    _einsum("bA,Ac", (3, 4), (4, 5)),
    _einsum("...i,ij", (2, 3, 4), (4, 5)),
    _einsum("i...,j...->...", (3, 2, 1), (4, 5), terms=12, symbolic=False),
    Case(
        "einsum, optimised",
        lambda x, y, z: einsum("ij,jk,kl", x, y, z, optimize="greedy"),
        lambda x, y, z: np.einsum("ij,jk,kl", x, y, z, optimize="greedy"),
        (normal(2, 3), normal(3, 4), normal(4, 2)),
        terms=12,
    ),
    Case(
        "einsum of numbered axes, without a result",
        lambda x, y: einsum(x, [30, 5], y, [5, 2]),
        lambda x, y: np.einsum(x, [30, 5], y, [5, 2]),
        (normal(3, 4), normal(4, 2)),
        terms=4,
    ),
    Case(
        "einsum of numbered axes",
        lambda x, y: einsum(x, [..., 2], y, [2, 7], [..., 7]),
        lambda x, y: np.einsum(x, [..., 2], y, [2, 7], [..., 7]),
        (normal(2, 3, 4), normal(4, 2)),
        terms=4,
    ),
    Case("diagonal", diagonal, lambda x: np.diagonal(x, 0, -2, -1), (normal(2, 3, 3),)),
    Case(
        "diagonal of axes",
        lambda x: diagonal(x, axis1=0, axis2=2),
        lambda x: np.diagonal(x, 0, 0, 2),
        (normal(3, 2, 3),),
    ),
    Case("diagonal above", lambda x: diagonal(x, 1), lambda x: np.diagonal(x, 1, -2, -1), (normal(2, 3, 5),)),
    Case("diagonal below", lambda x: diagonal(x, -2), lambda x: np.diagonal(x, -2, -2, -1), (normal(4, 3),)),
    Case("diag of a vector", lambda x: diag(x, -2), lambda x: np.diag(x, -2), (normal(3),)),
    Case("on_diagonal", lambda x: apply(OnDiagonal(0, 1), x), np.diag, (normal(3),)),
    Case(
        "trace above the diagonal",
        lambda x: trace(x, offset=1),
        lambda x: np.trace(x, 1, -2, -1),
        (normal(2, 3, 4),),
        terms=3,
    ),
    Case("trace", trace, lambda x: np.trace(x, axis1=-2, axis2=-1), (normal(2, 3, 3),), terms=3),
    Case(
        "trace along two axes",
        lambda x: trace(x, -1, axis1=2, axis2=0),
        lambda x: np.trace(x, -1, 2, 0),
        (normal(3, 2, 4),),
        terms=3,
    ),
)


def _windows(x: Array, window: Sequence[int], stride: Sequence[int], dilation: Sequence[int]) -> Array:
    """[..., n...]   ->   [..., p..., k...]"""
    reach = tuple((k - 1) * d + 1 for k, d in zip(window, dilation, strict=True))
    every = np.lib.stride_tricks.sliding_window_view(x, reach, tuple(range(-len(reach), 0)))
    steps: tuple[EllipsisType | slice, ...] = (..., *(slice(None, None, step) for step in (*stride, *dilation)))
    return every[steps]


def _laid_back(parts: Array, extents: Sequence[int], stride: Sequence[int]) -> Array:
    """[..., p..., k...]   ->   [..., n...], one element at a time."""
    rank = len(extents)
    lead = parts.ndim - 2 * rank
    result = np.zeros((*parts.shape[:lead], *extents), parts.dtype)
    for place in np.ndindex(*parts.shape[lead:]):
        source: tuple[EllipsisType | int, ...] = (..., *place)
        met = (p * s + k for p, s, k in zip(place[:rank], stride, place[rank:], strict=True))
        target: tuple[EllipsisType | int, ...] = (..., *met)
        result[target] += parts[source]
    return result


WINDOWS = (
    Case(
        "windows",
        lambda x: windows(x, (2, 3), stride=(1, 2), dilation=(2, 1)),
        lambda x: _windows(x, (2, 3), (1, 2), (2, 1)),
        (normal(2, 5, 6),),
    ),
    Case(
        "windows that tile",
        lambda x: apply(Windows((2,), (2,), (1,)), x),
        lambda x: _windows(x, (2,), (2,), (1,)),
        (normal(3, 7),),
    ),
    Case(
        "window_sum",
        lambda x: apply(WindowSum((4, 7), (1, 2), (1, 1)), x),
        lambda x: _laid_back(x, (4, 7), (1, 2)),
        (normal(2, 3, 3, 2, 3),),
        terms=4,
        symbolic=False,
    ),
    Case(
        "max_pool",
        lambda x: pooling.max_pool(x, 2),
        lambda x: _windows(x, (2, 2), (2, 2), (1, 1)).max((-1, -2)),
        (apart(2, 4, 6),),
    ),
    Case(
        "max_pool, overlapping",
        lambda x: pooling.max_pool(x, (3,), stride=2, padding=1),
        lambda x: _windows(np.pad(x, ((0, 0), (1, 1)), constant_values=-9), (3,), (2,), (1,)).max(-1),
        (apart(2, 7),),
    ),
    Case(
        "avg_pool",
        lambda x: pooling.avg_pool(x, 2),
        lambda x: _windows(x, (2, 2), (2, 2), (1, 1)).mean((-1, -2)),
        (normal(2, 4, 6),),
        terms=4,
    ),
    Case(
        "avg_pool, overlapping",
        lambda x: pooling.avg_pool(x, 3, stride=2, padding=((1, 0), (0, 1))),
        lambda x: _windows(np.pad(x, ((1, 0), (0, 1))), (3, 3), (2, 2), (1, 1)).mean((-1, -2)),
        (normal(4, 6),),
        terms=9,
    ),
    Case(
        "avg_pool of what is there",
        lambda x: pooling.avg_pool(x, 3, stride=2, padding=1, count_include_pad=False),
        lambda x: (
            _windows(np.pad(x, 1), (3, 3), (2, 2), (1, 1)).sum((-1, -2))
            / _windows(np.pad(np.ones_like(x), 1), (3, 3), (2, 2), (1, 1)).sum((-1, -2))
        ),
        (normal(5, 6),),
        terms=9,
    ),
)


def _convolved(x: Array, w: Array, sides: Sequence[tuple[int, int]], steps: Sequence[int], groups: int) -> Array:
    """The sum over channels and windows; the strides come first in `steps`, then the dilations."""
    rank = len(sides)
    padded = np.pad(x, [(0, 0), (0, 0), *sides])
    parts = _windows(padded, w.shape[2:], steps[:rank], steps[rank:])
    n, c, *rest = parts.shape
    parts = parts.reshape(n, groups, c // groups, *rest)
    split = w.reshape(groups, w.shape[0] // groups, *w.shape[1:])
    letters, window = "pqr"[:rank], "ijk"[:rank]
    y: Array = np.einsum(f"ngc{letters}{window},goc{window}->ngo{letters}", parts, split)
    return np.reshape(y, (n, w.shape[0], *y.shape[3:]))


CONVOLUTIONS = (
    Case(
        "conv2d",
        convolution.conv2d,
        lambda x, w: _convolved(x, w, ((0, 0), (0, 0)), (1, 1, 1, 1), 1),
        (normal(2, 3, 5, 6), normal(4, 3, 3, 2)),
        terms=18,
    ),
    Case(
        "conv2d, padded, strided and dilated",
        lambda x, w: convolution.conv2d(x, w, stride=(2, 1), padding=((1, 0), (2, 1)), dilation=(1, 2)),
        lambda x, w: _convolved(x, w, ((1, 0), (2, 1)), (2, 1, 1, 2), 1),
        (normal(2, 2, 6, 5), normal(3, 2, 3, 2)),
        terms=12,
    ),
    Case(
        "conv2d in groups",
        lambda x, w: convolution.conv2d(x, w, padding=1, groups=2),
        lambda x, w: _convolved(x, w, ((1, 1), (1, 1)), (1, 1, 1, 1), 2),
        (normal(2, 4, 4, 3), normal(6, 2, 3, 3)),
        terms=18,
        symbolic=False,
    ),
    Case(
        "conv2d of each channel",
        lambda x, w: convolution.conv2d(x, w, stride=3, groups=3),
        lambda x, w: _convolved(x, w, ((0, 0), (0, 0)), (3, 3, 1, 1), 3),
        (normal(1, 3, 7, 8), normal(3, 1, 2, 2)),
        terms=4,
        symbolic=False,
    ),
    Case(
        "conv1d, same",
        lambda x, w: convolution.conv1d(x, w, padding="same"),
        lambda x, w: _convolved(x, w, ((1, 2),), (1, 1), 1),
        (normal(2, 3, 5), normal(4, 3, 4)),
        terms=12,
    ),
    Case(
        "conv1d, same and strided",
        lambda x, w: convolution.conv1d(x, w, stride=2, padding="same"),
        lambda x, w: _convolved(x, w, ((0, 1),), (2, 1), 1),
        (normal(2, 3, 6), normal(4, 3, 3)),
        terms=9,
    ),
    Case(
        "conv3d",
        convolution.conv3d,
        lambda x, w: _convolved(x, w, ((0, 0),) * 3, (1,) * 6, 1),
        (normal(1, 2, 3, 4, 3), normal(2, 2, 2, 2, 3)),
        terms=24,
    ),
)
