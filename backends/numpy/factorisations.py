"""The externs that factorise matrices, by LAPACK; leading axes are a batch.  What is not finite gives nan."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from math import prod
from typing import Any, cast

import numpy as np
import numpy.typing as npt

from graphc.kernel.buffer import Buffer
from graphc.sizes import Size, maximum, minimum, product

__all__ = ["WORKSPACES", "eigh", "expm", "lu", "qr", "svd"]

Array = npt.NDArray[Any]

AT_ONCE = 1 << 13  # elements: matrices are given to NumPy in groups of about so many, as it makes fresh arrays


def lu(a: Array, packed: Array, order: Array, sign: Array) -> None:
    """Rows of `a` in `order` are l u, with u and what is below the diagonal of l in `packed`; n >= m."""
    from scipy import linalg

    order[...] = np.arange(a.shape[-2])
    sign.fill(1)
    if a.size == 0:
        return
    (factorise,) = cast("list[Callable[..., Any]]", linalg.lapack.get_lapack_funcs(("getrf",), (a,)))
    signs = sign.reshape(-1)
    for number, (matrix, factors, places) in enumerate(zip(_flat(a), _flat(packed), _flat(order, 1), strict=True)):
        factors[...], exchanged, _ = factorise(matrix)
        for i, j in enumerate(exchanged):
            if i != j:
                places[i], places[j] = places[j], places[i]
                signs[number] = -signs[number]


def qr(a: Array, q: Array, r: Array) -> None:
    """a = q r, with orthonormal columns in q; n >= m."""
    for some in _groups(a):
        _flat(q)[some], _flat(r)[some] = np.linalg.qr(_flat(a)[some])


def eigh(a: Array, w: Array, v: Array) -> None:
    """a = v diag(w) v^T, of the lower triangle; w ascends."""
    for some in _groups(a):
        _of_finite(np.tril(_flat(a)[some]), np.linalg.eigh, (_flat(w, 1)[some], _flat(v)[some]))


def svd(a: Array, u: Array, s: Array, v: Array) -> None:
    """a = u diag(s) v, with as many columns of u and rows of v as s has elements; s descends."""

    def factors(x: Array) -> tuple[Array, ...]:
        return np.linalg.svd(x, full_matrices=False)

    for some in _groups(a):
        _of_finite(_flat(a)[some], factors, (_flat(u)[some], _flat(s, 1)[some], _flat(v)[some]))


def expm(a: Array, result: Array) -> None:
    """e^a."""
    from scipy import linalg

    for some in _groups(a):
        _flat(result)[some] = linalg.expm(_flat(a)[some])


def _of_finite(a: Array, function: Callable[[Array], tuple[Array, ...]], results: tuple[Array, ...]) -> None:
    """`results` of `function`; nan for each matrix that is not finite, or for which LAPACK does not converge."""
    finite = np.asarray(np.isfinite(a).all((-2, -1)))
    if finite.all():
        with suppress(np.linalg.LinAlgError):  # of one of them; which, is found by trying each
            for result, found in zip(results, function(a), strict=True):
                np.copyto(result, found)
            return
    for number, matrix in enumerate(a):
        parts: tuple[Array | float, ...] = (np.nan,) * len(results)
        if finite[number]:
            with suppress(np.linalg.LinAlgError):
                parts = function(matrix)
        for result, part in zip(results, parts, strict=True):
            result[number] = part


def _groups(a: Array) -> Iterator[slice]:
    """The matrices of a batch, some at a time; none where they have no elements."""
    if a.size:
        count, each = prod(a.shape[:-2]), prod(a.shape[-2:])
        step = max(AT_ONCE // each, 1)
        for first in range(0, count, step):
            yield slice(first, first + step)


def _flat(x: Array, trailing: int = 2) -> Array:
    """The batch as one axis, before the last `trailing` ones."""
    lead = x.ndim - trailing
    return x.reshape(prod(x.shape[:lead]), *x.shape[lead:])


def _copies(count: int) -> Callable[[Buffer], Size]:
    """Bytes of `count` fresh arrays of the matrices that are worked on at once, and of some rows and columns."""

    def workspace(a: Buffer) -> Size:
        n, m = a.shape[-2:]
        elements = maximum(n * m, minimum(a.size, AT_ONCE))
        return 8 * (count * elements + 64 * (n + m))

    return workspace


def _lu_bytes(a: Buffer) -> Size:
    """One matrix by columns, its exchanges, and how rows are counted."""
    n, m = a.shape[-2:]
    return a.dtype.itemsize * n * m + 64 * (n + m)


#: for each routine the bytes that it allocates at most beside its operands, which are given
WORKSPACES: Mapping[str, Callable[..., Size]] = {
    "lu": _lu_bytes,
    "qr": _copies(6),
    "eigh": _copies(8),
    "svd": _copies(8),
    "expm": _copies(12),
}
