"""The closed set of externs, by NumPy and LAPACK; leading axes are a batch."""

from collections.abc import Callable
from typing import Any, cast

import numpy as np
import numpy.typing as npt

__all__ = ["cholesky", "sort", "triangular_solve"]

Array = npt.NDArray[Any]


def sort(x: Array, values: Array, order: Array, descending: bool) -> None:
    """Along the last axis, and the permutation that does it.  Stable; a nan is larger than every number."""
    if descending:  # from the back, and back again, so that equal elements keep their order
        np.subtract(x.shape[-1] - 1, np.argsort(x[..., ::-1], axis=-1, kind="stable")[..., ::-1], out=order)
    else:
        np.copyto(order, np.argsort(x, axis=-1, kind="stable"))
    np.copyto(values, np.take_along_axis(x, order, axis=-1))


def cholesky(a: Array, factor: Array) -> None:
    """The lower factor of symmetric matrices, from their lower triangles; nan where there is none."""
    factorise = _lapack("potrf", a)
    for place in np.ndindex(*a.shape[:-2]):
        lower, status = factorise(a[place], lower=True, clean=True)
        factor[place] = lower if status == 0 else np.nan


def triangular_solve(a: Array, b: Array, x: Array, lower: bool, transposed: bool, unit_diagonal: bool) -> None:
    """x with a x = b, or with the transpose of a; only the named triangle of a is read."""
    solve = _lapack("trtrs", a, b)
    for place in np.ndindex(*a.shape[:-2]):
        found, status = solve(a[place], b[place], lower=lower, trans=int(transposed), unitdiag=unit_diagonal)
        x[place] = found if status == 0 else np.nan


def _lapack(name: str, *arrays: Array) -> Callable[..., Any]:  # Any: a routine of Fortran has results of every type
    """The routine of LAPACK for the dtype of some arrays."""
    from scipy import linalg

    (routine,) = cast("list[Callable[..., Any]]", linalg.lapack.get_lapack_funcs((name,), arrays))
    return routine
