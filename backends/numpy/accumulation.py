"""Products that are added to what is there, by BLAS: in one pass over the sum, without an array for the product."""

from collections.abc import Callable
from functools import cache
from typing import Any

import numpy.typing as npt

__all__ = ["add_product"]

Array = npt.NDArray[Any]
Routine = Callable[..., Any]


@cache
def _routines(dtype: str) -> tuple[Routine, Routine]:
    """The product of two matrices, and of two vectors, for a dtype given by its letter."""
    from scipy.linalg import blas

    return {
        "f": (blas.sgemm, blas.sger),
        "d": (blas.dgemm, blas.dger),
        "F": (blas.cgemm, blas.cgeru),
        "D": (blas.zgemm, blas.zgeru),
    }[dtype]


def add_product(total: Array, a: Array, b: Array) -> None:
    """total += a @ b, of matrices.  BLAS goes by columns, and so takes the transpose of each."""
    terms = a.shape[1]
    if not terms or not total.size:
        return
    of_matrices, of_vectors = _routines(total.dtype.char)
    if terms == 1:
        of_vectors(1.0, b[0], a[:, 0], a=total.T, overwrite_a=1)
    else:
        first, is_first_turned = (b.T, 0) if b.flags.c_contiguous else (b, 1)
        second, is_second_turned = (a.T, 0) if a.flags.c_contiguous else (a, 1)
        of_matrices(1.0, first, second, 1.0, total.T, is_first_turned, is_second_turned, 1)
