"""The closed set of externs, by NumPy, LAPACK and BLAS; leading axes are a batch."""

from collections.abc import Callable, Mapping
from math import prod
from typing import Any, cast

import numpy as np
import numpy.typing as npt

from graphc.backends.numpy import factorisations, fourier
from graphc.backends.numpy.factorisations import (
    AT_ONCE,
    are_many,
    complement,
    eig,
    eigh,
    expm,
    flat,
    groups,
    lu,
    qr,
    svd,
)
from graphc.backends.numpy.fourier import fft, irfft, rfft
from graphc.kernel.buffer import Buffer
from graphc.sizes import Size, maximum, minimum, product
from graphc.types import BFLOAT16

__all__ = [
    "WORKSPACES",
    "cholesky",
    "complement",
    "eig",
    "eigh",
    "expm",
    "fft",
    "irfft",
    "lu",
    "qr",
    "rfft",
    "sort",
    "svd",
    "triangular_solve",
]

Array = npt.NDArray[Any]

SORTED_AT_ONCE = 1 << 15  # elements: rows are sorted in groups of about so many, as argsort makes a fresh array


def sort(x: Array, values: Array, order: Array, descending: bool) -> None:
    """Along the last axis, and the permutation that does it.  Stable; a nan is larger than every number."""
    extent = x.shape[-1]
    if x.size == 0:
        return
    rows, ranked, places = (array.reshape(-1, extent) for array in (x, values, order))
    group = max(SORTED_AT_ONCE // extent, 1)
    for first in range(0, len(rows), group):
        part, place = rows[first : first + group], places[first : first + group]
        keys = part.astype(np.float32) if part.dtype == BFLOAT16 else part  # which has no order for nan
        if descending:  # from the back, and back again, so that equal elements keep their order
            np.subtract(extent - 1, np.argsort(keys[:, ::-1], axis=-1, kind="stable")[:, ::-1], out=place)
        else:
            np.copyto(place, np.argsort(keys, axis=-1, kind="stable"))
        starts = np.arange(0, part.size, extent)[:, None]
        np.add(place, starts, out=place)
        np.take(part, place, out=ranked[first : first + group], mode="clip")
        np.subtract(place, starts, out=place)


def _sort_bytes(x: Buffer, descending: bool) -> Size:
    """The fresh places of a group and where its rows start; for one row a copy of it, and scratch of the sort.

    And the buffers of a ufunc of three operands.
    """
    extent, itemsize = x.shape[-1], x.dtype.itemsize
    group = maximum(extent, minimum(x.size, SORTED_AT_ONCE))
    keys = 4 * group + 2 * extent if x.dtype == BFLOAT16 else 0
    return 2 * 8 * group + keys + (16 + itemsize) * extent + 3 * 8 * minimum(group, 8192)


def cholesky(a: Array, factor: Array) -> None:
    """The lower factor of Hermitian matrices, from their lower triangles; nan where there is none.

    The factor is computed where it goes: read by columns, as Fortran does, it is an upper one.
    """
    if a.dtype.itemsize < 4:
        wide = np.empty(a.shape[-2:])
        for matrix, lower in zip(_matrices(a), _matrices(factor), strict=True):
            cholesky(matrix.astype(float), wide)
            np.copyto(lower, wide, casting="unsafe")
        return
    factorise = _routine("lapack", "potrf", factor)
    np.copyto(factor, a)
    for lower in _matrices(factor):
        _, status = factorise(lower.T, lower=False, clean=True, overwrite_a=True)
        if status != 0:
            lower.fill(np.nan)


def _cholesky_bytes(a: Buffer) -> Size:
    """One matrix and its factor in float64, for dtypes that LAPACK does not know."""
    return 2 * 8 * product(a.shape[-2:]) if a.dtype.itemsize < 4 else 0


def triangular_solve(a: Array, b: Array, x: Array, lower: bool, transposed: bool, unit_diagonal: bool) -> None:
    """x with a x = b, or with the transpose of a; only the named triangle of a is read.

    Nan where a number on the diagonal is zero.  Solved where x is: read by columns that is x^T a^T = b^T.
    """
    if x.dtype.itemsize < 4:
        wide = np.empty(x.shape[-2:])
        for matrix, right, solution in zip(_matrices(a), _matrices(b), _matrices(x), strict=True):
            triangular_solve(matrix.astype(float), right.astype(float), wide, lower, transposed, unit_diagonal)
            np.copyto(solution, wide, casting="unsafe")
        return
    if x.size == 0:
        return
    np.copyto(x, b)
    if are_many(a):
        matrices = flat(a.swapaxes(-1, -2) if transposed else a)
        for some in groups(x):
            _substitute(matrices[some], flat(x)[some], lower != transposed, unit_diagonal)
        return
    solve = _routine("blas", "trsm", x)
    for matrix, solution in zip(_matrices(a), _matrices(x), strict=True):
        if not unit_diagonal and not matrix.diagonal().all():
            solution.fill(np.nan)
            continue
        solve(
            1.0, matrix.T, solution.T, side=True, lower=not lower, trans_a=transposed, diag=unit_diagonal,
            overwrite_b=True,
        )  # fmt: skip


def _substitute(a: Array, x: Array, forward: bool, unit_diagonal: bool) -> None:
    """The right sides in place, a row of all at a time."""
    n = a.shape[-1]
    for i in range(n) if forward else reversed(range(n)):
        if not unit_diagonal:
            x[:, i] /= a[:, i, i, None]
        rest = slice(i + 1, n) if forward else slice(0, i)
        x[:, rest] -= a[:, rest, i, None] * x[:, None, i]
    if not unit_diagonal:
        x[~np.diagonal(a, 0, 1, 2).all(1)] = np.nan


def _triangular_solve_bytes(a: Buffer, b: Buffer, **options: bool) -> Size:
    """What is subtracted at once, or one matrix, right side and solution in float64 where BLAS knows no dtype."""
    wide = 8 * (product(a.shape[-2:]) + 2 * product(b.shape[-2:]))
    if b.dtype.itemsize < 4:
        return wide
    item = max(8, b.dtype.itemsize)
    return item * (2 * maximum(product(b.shape[-2:]), minimum(b.size, AT_ONCE)) + 3 * 8192)


def _matrices(x: Array) -> Array:
    """The last two axes, and the batch as one axis."""
    return x.reshape(prod(x.shape[:-2]), *x.shape[-2:])


#: for each routine the bytes that it allocates beside its operands, which are given with its options
WORKSPACES: Mapping[str, Callable[..., Size]] = {
    "sort": _sort_bytes,
    "cholesky": _cholesky_bytes,
    "triangular_solve": _triangular_solve_bytes,
    **factorisations.WORKSPACES,
    **fourier.WORKSPACES,
}


def _routine(library: str, name: str, array: Array) -> Callable[..., Any]:  # Any: Fortran has results of every type
    """The routine of BLAS or LAPACK for the dtype of an array."""
    from scipy import linalg

    get = linalg.blas.get_blas_funcs if library == "blas" else linalg.lapack.get_lapack_funcs
    (routine,) = cast("list[Callable[..., Any]]", get((name,), (array,)))
    return routine
