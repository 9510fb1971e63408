"""References of the routines that factorise matrices, for one matrix each: plain, slow, and of the texts named."""

from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from graphc.types import DType

__all__ = [
    "PADE",
    "RADIUS",
    "complement",
    "eigh",
    "expm",
    "length",
    "lu",
    "orthonormal",
    "qr",
    "reduced",
    "svd",
    "unit",
]

Array: TypeAlias = npt.NDArray[Any]  # Any: the dtype is the program's
Options: TypeAlias = Mapping[str, int | bool | str]

SWEEPS = 60  # of Jacobi's methods, which take 5 to 10


def lu(operands: Sequence[Array], results: Sequence[Array], options: Options) -> None:
    """a [n, m], n >= m, with its rows in another order is l u: Doolittle's method with partial pivoting.

    The pivot of a column is the number of the largest size, which of complex ones is |re| + |im|, as in LAPACK.

    packed [n, m]   u at and above the diagonal, l below it; the diagonal of l is 1
    order [n]       row i of l u is row order[i] of a
    sign []         1 or -1: the determinant of that permutation
    """
    (a,), (packed, order, sign) = operands, results
    n, m = a.shape
    packed[...] = a
    order[...] = np.arange(n)
    sign[...] = 1
    for k in range(m):
        best = k
        for i in range(k + 1, n):
            if _size(packed[i, k]) > _size(packed[best, k]):
                best = i
        if best != k:
            packed[[k, best]] = packed[[best, k]]
            order[[k, best]] = order[[best, k]]
            sign[...] = -sign
        for i in range(k + 1, n):
            if packed[k, k] != 0:
                packed[i, k] = packed[i, k] / packed[k, k]
            for j in range(k + 1, m):
                packed[i, j] = packed[i, j] - packed[i, k] * packed[k, j]


def _size(x: Any) -> Any:  # Any: numbers of the dtype of the program
    return abs(x.real) + abs(x.imag)


def qr(operands: Sequence[Array], results: Sequence[Array], options: Options) -> None:
    """a [n, m], n >= m, is q [n, m] r [m, m], with orthonormal columns in q: Householder's method.

    The signs are those of LAPACK: a column with anything below the diagonal, or a complex number on it, gets a real
    number on the diagonal of r, of the other sign; one without is kept.
    """
    (a,), (q, r) = operands, results
    full, reflectors = reduced(a)
    m = a.shape[1]
    r[...] = np.triu(full[:m])
    q[...] = orthonormal(reflectors, len(a), m, a.dtype)


def complement(operands: Sequence[Array], results: Sequence[Array], options: Options) -> None:
    """The columns [n, n - k] with which the orthonormal ones of q [n, k] are a basis: Householder's method."""
    (q,), (rest,) = operands, results
    n, k = q.shape
    rest[...] = orthonormal(reduced(q)[1], n, n, q.dtype)[:, k:]


def reduced(a: Array) -> tuple[Array, list[tuple[Array, Any]]]:
    """`a` with zeros below the diagonal, and the reflections 1 - t v v^H of which the adjoints did it."""
    a = a.copy()
    reflectors = []
    for k in range(a.shape[1]):
        column = a[k:, k].copy()
        first = column[0]
        below = length(column[1:])
        if below == 0 and first.imag == 0:
            reflectors.append((np.zeros_like(column), a.dtype.type(0)))
            continue
        other = np.copysign(np.hypot(abs(first), below), first.real)
        factor = (other + first) / other
        v = column / (first + other)
        v[0] = 1
        for j in range(k, a.shape[1]):
            a[k:, j] -= factor.conjugate() * np.sum(v.conj() * a[k:, j]) * v
        a[k, k] = -other
        reflectors.append((v, factor))
    return a, reflectors


def length(x: Array) -> Any:  # Any: as above
    """The root of the sum of squares."""
    size = unit(x)
    return size * np.sqrt(np.sum(_squared(x / size)))


def unit(x: Array) -> Any:  # Any: as above
    """The largest size in `x`, or 1 where that is 0 or not finite: divided by it, no square of `x` is out of range."""
    largest = np.abs(x).max(initial=0)
    return largest if 0 < largest < np.inf else largest.dtype.type(1)


def _squared(x: Array) -> Array:
    """|x|²."""
    return np.asarray(x.real * x.real + x.imag * x.imag)


def orthonormal(reflectors: Sequence[tuple[Array, Any]], n: int, m: int, dtype: DType) -> Array:
    """The first m columns of the product of some reflections."""
    q: Array = np.eye(n, m, dtype=dtype)
    for k in reversed(range(len(reflectors))):
        v, factor = reflectors[k]
        for j in range(m):
            q[k:, j] -= factor * np.sum(v.conj() * q[k:, j]) * v
    return q


def eigh(operands: Sequence[Array], results: Sequence[Array], options: Options) -> None:
    """Hermitian a [n, n] is v diag(w) v^H: w [n] ascending, v [n, n] with orthonormal columns.

    Only the lower triangle is read, and of its diagonal the real part.  What is not finite gives nan.
    Jacobi's cyclic method.  Golub, Van Loan: Matrix Computations, 2013, algorithm 8.5.3.
    """
    (a,), (w, v) = operands, results
    below = np.tril(a, -1)
    a = below + below.conj().T + np.diag(np.diagonal(a).real)
    n = len(a)
    if not np.isfinite(a).all():
        w[...], v[...] = np.nan, np.nan
        return
    vectors: Array = np.eye(n, dtype=a.dtype)
    for _ in range(SWEEPS):
        turned = False
        for p in range(n):
            for q in range(p + 1, n):
                if abs(a[p, q]) + max(abs(a[p, p]), abs(a[q, q])) == max(abs(a[p, p]), abs(a[q, q])):
                    continue  # too small to change what is on the diagonal
                turned = True
                turn = _rotation(a[p, p].real, a[p, q], a[q, q].real)
                _rotate(a, p, q, *turn)
                _rotate(vectors, p, q, *turn)
                cosine, sine, phase = turn
                _rotate(a.T, p, q, cosine, sine, phase.conjugate())
                a[p, q] = a[q, p] = 0
        if not turned:
            break
    order = np.argsort(np.diagonal(a).real, kind="stable")
    w[...] = np.diagonal(a).real[order]
    v[...] = vectors[:, order]


def _rotation(x: Any, off: Any, y: Any) -> tuple[Any, Any, Any]:  # Any: numbers of the dtype of the program
    """Cosine, sine and phase of the rotation that makes the Hermitian matrix ((x, off), (conj off, y)) diagonal."""
    phase = off.dtype.type(complex(off.real / abs(off), off.imag / abs(off)) if off.dtype.kind == "c" else np.sign(off))
    slope = (y - x) / (2 * abs(off))
    tangent = np.copysign(1, slope) / (abs(slope) + np.hypot(slope, 1))
    cosine = 1 / np.hypot(tangent, 1)
    return cosine, tangent * cosine, phase


def _rotate(matrix: Array, p: int, q: int, cosine: Any, sine: Any, phase: Any) -> None:  # Any: as above
    """Rotate the columns p and q, of which the second is first turned back by its phase."""
    first, second = matrix[:, p].copy(), matrix[:, q] * phase.conjugate()
    matrix[:, p], matrix[:, q] = cosine * first - sine * second, sine * first + cosine * second


def svd(operands: Sequence[Array], results: Sequence[Array], options: Options) -> None:
    """a [n, m] is u [n, k] diag(s) v [k, m], k = min(n, m): s [k] descending, orthonormal columns of u, rows of v.

    What is not finite gives nan.  In float64, where columns that are small beside others have squares too.
    Jacobi's one-sided method.  Hestenes: Inversion of matrices by biorthogonalization, 1958.
    """
    (a,), (u, s, v) = operands, results
    if not np.isfinite(a).all():
        u[...], s[...], v[...] = np.nan, np.nan, np.nan
        return
    n, m = a.shape
    a = a.astype(np.result_type(a.dtype, np.float64))
    size = unit(a)
    work = (a if n >= m else a.conj().T) / size
    k = work.shape[1]
    turns: Array = np.eye(k, dtype=a.dtype)
    tiny = np.finfo(a.dtype).eps
    for _ in range(SWEEPS):
        turned = False
        for p in range(k):
            for q in range(p + 1, k):
                x, y = (np.sum(_squared(work[:, i])) for i in (p, q))
                off = np.sum(work[:, p].conj() * work[:, q])
                if abs(off) <= tiny * np.sqrt(x * y):
                    continue
                turned = True
                turn = _rotation(x, off, y)
                _rotate(work, p, q, *turn)
                _rotate(turns, p, q, *turn)
        if not turned:
            break
    lengths = np.array([np.sqrt(np.sum(_squared(work[:, i]))) for i in range(k)])
    order = np.argsort(-lengths, kind="stable")
    lengths, work, turns = lengths[order], work[:, order], turns[:, order]
    left = orthonormal(reduced(work)[1], len(work), k, a.dtype)  # columns for singular values of 0 too
    for i in range(k):
        if lengths[i] > 0:
            left[:, i] = work[:, i] / lengths[i]
    s[...] = lengths * size
    u[...], v[...] = (left, turns.conj().T) if n >= m else (turns, left.conj().T)


PADE = (64764752532480000, 32382376266240000, 7771770303897600, 1187353796428800, 129060195264000,
         10559470521600, 670442572800, 33522128640, 1323241920, 40840800, 960960, 16380, 182, 1)  # fmt: skip
RADIUS = 5.371920351148152  # up to this norm the approximant is exact to the last bit of float64


def expm(operands: Sequence[Array], results: Sequence[Array], options: Options) -> None:
    """e^a of a [n, n]; nan where `a` is not finite: Padé's approximant of degree 13, with scaling and squaring.

    Higham: The scaling and squaring method for the matrix exponential revisited, 2005, algorithm 2.3.
    """
    (a,), (result,) = operands, results
    norm = np.abs(a).sum(axis=0).max(initial=0)
    if not np.isfinite(norm):
        result[...] = np.nan
        return
    squarings = max(0, int(np.ceil(np.log2(norm / RADIUS)))) if norm > 0 else 0
    scaled = a / a.dtype.type(2**squarings)
    one: Array = np.eye(len(a), dtype=a.dtype)
    second = _product(scaled, scaled)
    even, odd, power = PADE[0] * one, PADE[1] * one, one
    for i in range(2, 14, 2):
        power = _product(power, second)
        even = even + PADE[i] * power
        odd = odd + PADE[i + 1] * power
    odd = _product(scaled, odd)
    y = _solved(even - odd, even + odd)
    for _ in range(squarings):
        y = _product(y, y)
    result[...] = y


def _product(left: Array, right: Array) -> Array:
    result: Array = np.einsum("ik,kj->ij", left, right)
    return result


def _solved(a: Array, b: Array) -> Array:
    """x with a x = b."""
    n = len(a)
    packed, order, sign = np.empty_like(a), np.empty(n, np.int64), np.empty((), a.dtype)
    lu([a], [packed, order, sign], {})
    x: Array = b[order]
    for i in range(n):
        for k in range(i):
            x[i] -= packed[i, k] * x[k]
    for i in reversed(range(n)):
        for k in range(i + 1, n):
            x[i] -= packed[i, k] * x[k]
        x[i] /= packed[i, i]
    return x
