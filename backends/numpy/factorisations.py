"""The externs that factorise matrices, by LAPACK; leading axes are a batch.  What is not finite gives nan."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from math import prod
from typing import Any, cast

import numpy as np
import numpy.typing as npt

from graphc.kernel.buffer import Buffer
from graphc.sizes import Size, maximum, minimum, product
from graphc.types import is_complex

__all__ = ["WORKSPACES", "are_many", "complement", "eig", "eigh", "expm", "flat", "groups", "lu", "qr", "svd"]

Array = npt.NDArray[Any]

PADE = (
    64764752532480000.0, 32382376266240000.0, 7771770303897600.0, 1187353796428800.0, 129060195264000.0,
    10559470521600.0, 670442572800.0, 33522128640.0, 1323241920.0, 40840800.0, 960960.0, 16380.0, 182.0, 1.0,
)  # fmt: skip
RADIUS = 5.371920351148152  # up to this norm the approximant of degree 13 is exact to the last bit of float64

AT_ONCE = 1 << 13  # elements: matrices are given to NumPy in groups of about so many, as it makes fresh arrays


def lu(a: Array, packed: Array, order: Array, sign: Array) -> None:
    """Rows of `a` in `order` are l u, with u and what is below the diagonal of l in `packed`; n >= m."""
    from scipy import linalg

    order[...] = np.arange(a.shape[-2])
    sign.fill(1)
    if a.size == 0:
        return
    if are_many(a):
        np.copyto(packed, a)
        for some in groups(a):
            _eliminate(flat(packed)[some], flat(order, 1)[some], sign.reshape(-1)[some])
        return
    (factorise,) = cast("list[Callable[..., Any]]", linalg.lapack.get_lapack_funcs(("getrf",), (a,)))
    signs = sign.reshape(-1)
    for number, (matrix, factors, places) in enumerate(zip(flat(a), flat(packed), flat(order, 1), strict=True)):
        factors[...], exchanged, _ = factorise(matrix)
        for i, j in enumerate(exchanged):
            if i != j:
                places[i], places[j] = places[j], places[i]
                signs[number] = -signs[number]


def _eliminate(x: Array, order: Array, sign: Array) -> None:
    """The same in place, a column of all matrices at a time."""
    every = np.arange(len(x))
    for k in range(x.shape[-1]):
        best = _size(x[:, k:, k]).argmax(1) + k
        for array in (x, order):
            kept = array[:, k].copy()
            array[:, k] = array[every, best]
            array[every, best] = kept
        np.negative(sign, where=best != k, out=sign)
        pivot = x[:, k, k, None]
        np.divide(x[:, k + 1 :, k], pivot, out=x[:, k + 1 :, k], where=pivot != 0)
        x[:, k + 1 :, k + 1 :] -= x[:, k + 1 :, k, None] * x[:, k, None, k + 1 :]


def _size(x: Array) -> Array:
    """By what LAPACK compares pivots: of complex numbers |re| + |im|."""
    return np.asarray(np.abs(x.real) + np.abs(x.imag)) if np.iscomplexobj(x) else np.abs(x)


def qr(a: Array, q: Array, r: Array) -> None:
    """a = q r, with orthonormal columns in q; n >= m."""
    for some in groups(a):
        flat(q)[some], flat(r)[some] = np.linalg.qr(flat(a)[some])


def complement(q: Array, rest: Array) -> None:
    """The columns with which the orthonormal ones of q are a basis."""
    if q.shape[-1] == 0:
        rest[...] = np.eye(q.shape[-2])
    for some in groups(q):
        flat(rest)[some] = np.linalg.qr(flat(q)[some], mode="complete")[0][..., q.shape[-1] :]


def eigh(a: Array, w: Array, v: Array) -> None:
    """a = v diag(w) v^H, of the lower triangle; w ascends."""
    for some in groups(a):
        _of_finite(np.tril(flat(a)[some]), np.linalg.eigh, (flat(w, 1)[some], flat(v)[some]))


def eig(a: Array, w: Array, v: Array) -> None:
    """a v = v diag(w), in complex numbers; w is in the order that LAPACK finds it in."""
    for some in groups(a):
        _of_finite(flat(a)[some], np.linalg.eig, (flat(w, 1)[some], flat(v)[some]))


def svd(a: Array, u: Array, s: Array, v: Array) -> None:
    """a = u diag(s) v, with as many columns of u and rows of v as s has elements; s descends."""

    def factors(x: Array) -> tuple[Array, ...]:
        return np.linalg.svd(x, full_matrices=False)

    for some in groups(a):
        _of_finite(flat(a)[some], factors, (flat(u)[some], flat(s, 1)[some], flat(v)[some]))


def expm(a: Array, result: Array) -> None:
    """e^a, by Padé's approximant of degree 13, with scaling and squaring as each matrix needs it."""
    for some in groups(a):
        x = flat(a)[some].astype(np.result_type(a, np.float64))  # dividing costs float32 some digits
        norm = np.abs(x).sum(-2).max(-1)
        finite = np.isfinite(norm)
        x = np.where(finite[:, None, None], x, 0)
        large = finite & (norm > RADIUS)
        squarings = np.ceil(np.log2(norm / RADIUS, where=large, out=np.zeros_like(norm)))
        y = _approximant(x * np.exp2(-squarings)[:, None, None])
        for done in range(int(squarings.max())):
            rest = squarings > done
            y[rest] = y[rest] @ y[rest]
        y[~finite] = np.nan
        flat(result)[some] = y


def _approximant(x: Array) -> Array:
    """Higham: The scaling and squaring method for the matrix exponential revisited, 2005, equation 2.2."""
    b = PADE
    one = np.eye(x.shape[-1], dtype=x.dtype)
    x2 = x @ x
    x4 = x2 @ x2
    x6 = x4 @ x2
    odd = x6 @ (b[13] * x6 + b[11] * x4 + b[9] * x2) + b[7] * x6 + b[5] * x4 + b[3] * x2 + b[1] * one
    even = x6 @ (b[12] * x6 + b[10] * x4 + b[8] * x2) + b[6] * x6 + b[4] * x4 + b[2] * x2 + b[0] * one
    odd = x @ odd
    solved: Array = np.linalg.solve(even - odd, even + odd)
    return solved


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


def groups(a: Array) -> Iterator[slice]:
    """The matrices of a batch, some at a time; none where they have no elements."""
    if a.size:
        count, each = prod(a.shape[:-2]), prod(a.shape[-2:])
        step = max(AT_ONCE // each, 1)
        for first in range(0, count, step):
            yield slice(first, first + step)


def are_many(a: Array) -> bool:
    """Whether there are so many and so small matrices that a column of all at a time is quicker."""
    return bool(a.shape[-1] <= 32 and prod(a.shape[:-2]) >= 8 * a.shape[-1])


def flat(x: Array, trailing: int = 2) -> Array:
    """The batch as one axis, before the last `trailing` ones."""
    lead = x.ndim - trailing
    return x.reshape(prod(x.shape[:lead]), *x.shape[lead:])


def _copies(count: int) -> Callable[[Buffer], Size]:
    """Bytes of `count` fresh arrays of the matrices that are worked on at once, and of some rows and columns."""

    def workspace(a: Buffer) -> Size:
        n, m = a.shape[-2:]
        elements = maximum(n * m, minimum(a.size, AT_ONCE))
        return (16 if is_complex(a.dtype) else 8) * (count * elements + 64 * (n + m))

    return workspace


def _complement_bytes(q: Buffer) -> Size:
    """Of the complete factors, and of what NumPy copies for them, at most so many square matrices at once."""
    n, k = q.shape[-2:]
    square = n * n * maximum(1, minimum(product(q.shape[:-2]), AT_ONCE // maximum(1, n * k)))
    return (16 if is_complex(q.dtype) else 8) * (6 * square + 64 * (n + k))


def _lu_bytes(a: Buffer) -> Size:
    """Of all at once what is subtracted and some columns; of one a copy by columns, and its exchanges."""
    return _copies(4)(a) + max(8, a.dtype.itemsize) * product(a.shape[-2:])


#: for each routine the bytes that it allocates at most beside its operands, which are given
WORKSPACES: Mapping[str, Callable[..., Size]] = {
    "lu": _lu_bytes,
    "qr": _copies(6),
    "complement": _complement_bytes,
    "eigh": _copies(8),
    "eig": _copies(16),
    "svd": _copies(8),
    "expm": _copies(14),
}
