"""The closed set of routines that an Extern may call, each with a plain and slow reference."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from graphc.dataclass import dataclass
from graphc.kernel import eigenvalues, factorisations, fourier
from graphc.kernel.meaning import Value

__all__ = ["EXTERNS", "TRIANGLE", "Option", "Routine"]

Array: TypeAlias = npt.NDArray[Any]  # Any: the dtype is the program's
Option: TypeAlias = int | bool | str
Options: TypeAlias = Mapping[str, Option]
Reference: TypeAlias = Callable[[Sequence[Array], Sequence[Array], Options], None]


@dataclass(frozen=True)
class Routine:
    """What a routine takes and gives, and how it is computed for one member of the batch.

    `operands`   for each operand, how many axes at its end the routine works on
    `results`    the same for each result
    `options`    what it may be told, with what holds where it is not told; `axis` is that of operands and results
                 which it works on, counted from the end
    `reference`  reads the operands and sets the results, all without the axes of the batch
    """

    name: str
    operands: tuple[int, ...]
    results: tuple[int, ...]
    options: Options
    reference: Reference

    def run(self, operands: Sequence[Array], results: Sequence[Array], options: Options) -> None:
        """Set `results` from `operands`, for every member of the batch."""
        told = {**self.options, **options}
        if "axis" in told:
            operands, results = ([np.moveaxis(x, int(told["axis"]), -1) for x in part] for part in (operands, results))
        batch = results[0].shape[: results[0].ndim - self.results[0]]
        for member in np.ndindex(batch):
            self.reference([x[member] for x in operands], [y[(*member, ...)] for y in results], told)


def _sort(operands: Sequence[Array], results: Sequence[Array], options: Options) -> None:
    """Insertion sort of x [n] into values [n] and the places [n] they came from.

    Equal elements keep their order.  A nan counts as larger than every number.
    """
    (x,), (values, places) = operands, results
    for new in range(len(x)):
        at = new
        while at > 0 and _comes_before(x[new], values[at - 1], options):
            values[at], places[at] = values[at - 1], places[at - 1]
            at -= 1
        values[at], places[at] = x[new], new


def _comes_before(x: Value, y: Value, options: Options) -> bool:
    if options["descending"]:
        x, y = y, x
    return bool(x < y or (y != y and x == x))


def _cholesky(operands: Sequence[Array], results: Sequence[Array], options: Options) -> None:
    """L [n, n], zero above the diagonal, with L L^H = a [n, n]; nan throughout where there is none.

    Only the lower triangle of a is read, and of its diagonal the real part.
    """
    (a,), (lower,) = operands, results
    lower[...] = 0
    for i in range(len(a)):
        for j in range(i + 1):
            rest = a[i, j]
            for k in range(j):
                rest = rest - lower[i, k] * lower[j, k].conjugate()
            if i > j:
                lower[i, j] = rest / lower[j, j]
            elif rest.real > 0:
                lower[i, i] = np.sqrt(rest.real)
            else:  # not positive, or nan
                lower[...] = np.nan
                return


def _triangular_solve(operands: Sequence[Array], results: Sequence[Array], options: Options) -> None:
    """x [n, k] with t x = b [n, k], where t [n, n] is a triangle of a [n, n], or that transposed.

    lower          the triangle at and below the diagonal, or that at and above; the other one is not read
    transposed     solve t^T x = b
    unit_diagonal  take the diagonal to be 1, and do not read it
    """
    (a, b), (x,) = operands, results
    triangle = a.T if options["transposed"] else a
    forward = options["lower"] != options["transposed"]
    order = range(len(a)) if forward else range(len(a) - 1, -1, -1)
    for column in range(b.shape[1]):
        for i in order:
            rest = b[i, column]
            for k in range(i) if forward else range(len(a) - 1, i, -1):
                rest = rest - triangle[i, k] * x[k, column]
            x[i, column] = rest if options["unit_diagonal"] else rest / triangle[i, i]


TRIANGLE: Options = {"lower": True, "transposed": False, "unit_diagonal": False}

EXTERNS: Mapping[str, Routine] = {
    routine.name: routine
    for routine in (
        Routine("sort", (1,), (1, 1), {"descending": False}, _sort),
        Routine("cholesky", (2,), (2,), {}, _cholesky),
        Routine("triangular_solve", (2, 2), (2,), TRIANGLE, _triangular_solve),
        Routine("lu", (2,), (2, 1, 0), {}, factorisations.lu),
        Routine("qr", (2,), (2, 2), {}, factorisations.qr),
        Routine("complement", (2,), (2,), {}, factorisations.complement),
        Routine("eigh", (2,), (1, 2), {}, factorisations.eigh),
        Routine("eig", (2,), (1, 2), {}, eigenvalues.eig),
        Routine("svd", (2,), (2, 1, 2), {}, factorisations.svd),
        Routine("expm", (2,), (2,), {}, factorisations.expm),
        Routine("fft", (1,), (1,), {"axis": -1, "inverse": False, "roots": 0}, fourier.fft),
        Routine("rfft", (1,), (1,), {"axis": -1, "roots": 0}, fourier.rfft),
        Routine("irfft", (1,), (1,), {"axis": -1, "roots": 0}, fourier.irfft),
    )
}
