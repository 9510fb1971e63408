"""Products that are added to what is there, by BLAS: in one pass over the sum, without an array for the product."""

from typing import Any

import numpy.typing as npt
from scipy.linalg import blas

__all__ = ["add_product"]

Array = npt.NDArray[Any]

_OF_MATRICES = {"f": blas.sgemm, "d": blas.dgemm, "F": blas.cgemm, "D": blas.zgemm}
_OF_VECTORS = {"f": blas.sger, "d": blas.dger, "F": blas.cgeru, "D": blas.zgeru}


def add_product(total: Array, a: Array, b: Array) -> None:
    """total += a @ b, of matrices.  BLAS goes by columns, and so takes the transpose of each."""
    if a.shape[1] == 1:
        _OF_VECTORS[total.dtype.char](1.0, b[0], a[:, 0], a=total.T, overwrite_x=0, overwrite_y=0, overwrite_a=1)
        return
    if not total.size or not a.shape[1]:
        return
    first, is_first_turned = (b.T, 0) if b.flags.c_contiguous else (b, 1)
    second, is_second_turned = (a.T, 0) if a.flags.c_contiguous else (a, 1)
    _OF_MATRICES[total.dtype.char](1.0, first, second, 1.0, total.T, is_first_turned, is_second_turned, 1)
