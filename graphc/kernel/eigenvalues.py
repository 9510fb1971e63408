"""Reference of the routine for eigenvalues of any square matrix: plain, slow, and of the text named."""

from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from graphc.kernel.factorisations import length, orthonormal, reduced, unit

__all__ = ["eig"]

Array: TypeAlias = npt.NDArray[Any]  # Any: the dtype is the program's
Options: TypeAlias = Mapping[str, int | bool | str]

STEPS = 200  # of the QR method for one eigenvalue, which takes 2 to 5


def eig(operands: Sequence[Array], results: Sequence[Array], options: Options) -> None:
    """a [n, n] v = v diag(w): complex w [n] in no order, and v [n, n], whose columns have length 1.

    The largest element of a column is real.  What is not finite gives nan.
    The QR method with shifts.  Golub, Van Loan: Matrix Computations, 2013, sections 7.3 to 7.5.
    """
    (a,), (w, v) = operands, results
    if not np.isfinite(a).all():
        w[...], v[...] = np.nan, np.nan
        return
    size = unit(a)
    triangle, basis = _triangular((a / size).astype(w.dtype))
    w[...] = np.diagonal(triangle) * size
    tiny = np.finfo(w.dtype).eps * (length(triangle) or 1)
    for i in range(len(a)):
        x = np.zeros(len(a), w.dtype)
        x[i] = 1
        for j in reversed(range(i)):
            gap = triangle[j, j] - triangle[i, i]
            x[j] = -np.sum(triangle[j, j + 1 : i + 1] * x[j + 1 : i + 1]) / (gap if abs(gap) > tiny else tiny)
        column = np.sum(basis * x, axis=1)
        column = column / length(column)
        largest = column[np.argmax(np.abs(column))]
        v[:, i] = column * (largest.conjugate() / abs(largest))


def _triangular(a: Array) -> tuple[Array, Array]:
    """An upper triangle t and orthonormal q with q t q^H = a."""
    t, q = a, np.eye(len(a), dtype=a.dtype)
    tiny = np.finfo(a.dtype).eps * length(a)
    for last in reversed(range(1, len(a))):
        here = slice(0, last + 1)
        for step in range(STEPS):
            if length(t[last, :last]) <= tiny:
                break
            _, reflectors = reduced(t[here, here] - _shift(t, last, step) * np.eye(last + 1, dtype=a.dtype))
            turn = orthonormal(reflectors, last + 1, last + 1, a.dtype)
            t[here] = np.einsum("ki,kj->ij", turn.conj(), t[here])
            t[:, here] = np.einsum("ik,kj->ij", t[:, here], turn)
            q[:, here] = np.einsum("ik,kj->ij", q[:, here], turn)
        t[last, :last] = 0
    return t, q


def _shift(t: Array, last: int, step: int) -> Any:  # Any: a number of the dtype of the program
    """That eigenvalue of the last two rows and columns which is nearer to the last number; now and then another."""
    x, y, z, corner = t[last - 1, last - 1], t[last - 1, last], t[last, last - 1], t[last, last]
    if step % 10 == 9:  # the method may walk in a circle
        return corner + length(t[last, :last])
    half = (x - corner) / 2
    root = np.sqrt(half * half + y * z)
    return corner + half + (root if abs(half + root) < abs(half - root) else -root)
