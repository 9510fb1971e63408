"""The externs that transform between signals and spectra, by SciPy.

NumPy would write to where the result goes, but computes complex64 in float64, on copies of all of it.
"""

from collections.abc import Callable, Iterator, Mapping
from math import prod
from typing import Any, Literal, TypeAlias

import numpy as np
import numpy.typing as npt

from graphc.kernel.buffer import Buffer
from graphc.sizes import Size, minimum, product
from graphc.types import complex_of

__all__ = ["WORKSPACES", "fft", "irfft", "rfft"]

Array = npt.NDArray[Any]
Norm: TypeAlias = Literal["backward", "ortho", "forward"]

#: the names of a division by √n, 0, 1 or 2 times
FORWARD: tuple[Norm, ...] = ("backward", "ortho", "forward")
INVERSE: tuple[Norm, ...] = ("forward", "ortho", "backward")

AT_ONCE = 1 << 15  # elements: real numbers are transformed in groups of about so many, as SciPy makes fresh arrays


def fft(x: Array, y: Array, axis: int, inverse: bool, roots: int) -> None:
    """Of complex numbers, as many as there were; in place, of a copy."""
    from scipy import fft

    np.copyto(y, x)
    if y.size == 0:
        return
    if inverse:
        found = fft.ifft(y, axis=axis, norm=INVERSE[roots], overwrite_x=True)
    else:
        found = fft.fft(y, axis=axis, norm=FORWARD[roots], overwrite_x=True)
    if not np.may_share_memory(found, y):  # SciPy may overwrite, and need not
        np.copyto(y, found)


def rfft(x: Array, y: Array, axis: int, roots: int) -> None:
    """Of n real numbers, n // 2 + 1 complex ones."""
    from scipy import fft

    for part, place in _groups(x, y, axis):
        np.copyto(place, fft.rfft(part, axis=1, norm=FORWARD[roots]))


def irfft(z: Array, x: Array, axis: int, roots: int) -> None:
    """Of n // 2 + 1 complex numbers, n real ones."""
    from scipy import fft

    for part, place in _groups(z, x, axis):
        np.copyto(place, fft.irfft(part, place.shape[1], axis=1, norm=INVERSE[roots]))


def _groups(x: Array, y: Array, axis: int) -> Iterator[tuple[Array, Array]]:
    """Parts of operand and result with all that is along `axis`, which is the second of their three axes."""
    if y.size == 0:
        return
    i = y.ndim + axis
    lead, trail = prod(y.shape[:i]), prod(y.shape[i + 1 :])
    columns = min(trail, max(AT_ONCE // y.shape[i], 1))
    rows = max(AT_ONCE // (y.shape[i] * columns), 1)
    operand, result = (array.reshape(lead, array.shape[i], trail) for array in (x, y))
    for row in range(0, lead, rows):
        for column in range(0, trail, columns):
            group = slice(row, row + rows), slice(None), slice(column, column + columns)
            yield operand[group], result[group]


def _bytes(n: Size, others: Size, itemsize: int) -> Size:
    """Of factors and scratch of transforms of `n`, for a large prime, which takes a convolution twice as long.

    Several are done at once where there are several.  Small tables and objects are added.
    """
    return itemsize * (6 + 4 * minimum(others, 5)) * (n + 64) + 16384


def _complex_bytes(x: Buffer, axis: int, **options: int) -> Size:
    return _bytes(x.shape[axis], _others(x, axis), x.dtype.itemsize)


def _half_bytes(doubled: int) -> Callable[..., Size]:
    """Those, and the fresh array of a group; an operand has n elements where `doubled` is 1, about n / 2 where 2."""

    def workspace(x: Buffer, axis: int, **options: int) -> Size:
        n, itemsize = doubled * x.shape[axis], complex_of(x.dtype).itemsize
        fresh = itemsize * (n + minimum(doubled * x.size, AT_ONCE))
        return _bytes(n, _others(x, axis), itemsize) + fresh

    return workspace


def _others(x: Buffer, axis: int) -> Size:
    """How many transforms there are."""
    return product(n for i, n in enumerate(x.shape) if i - len(x.shape) != axis)


#: beside the factors of the last extents, which SciPy keeps
WORKSPACES: Mapping[str, Callable[..., Size]] = {
    "fft": _complex_bytes,
    "rfft": _half_bytes(1),
    "irfft": _half_bytes(2),
}
