"""The errors of formulas, as written and as compiled: `python -m benchmarks.stability_errors [--write]`.

With `--write` the table goes into docs/stability.md.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import mpmath
import numpy as np
import numpy.typing as npt

import graphc as gx
from benchmarks.measure.pages import print_or_write
from benchmarks.stability_cases import CASES, Case
from benchmarks.stability_formulas import Row

__all__ = ["END", "PAGE", "START", "Compared", "compared", "table"]

PAGE = Path(__file__).parents[1] / "docs" / "stability.md"
START, END = "<!-- table -->\n", "<!-- end of table -->"
PRECISION = 1600  # bits: differences of formulas at 1e-200 keep more than the 53 that are compared

Array: TypeAlias = npt.NDArray[Any]  # Any: float32 or float64


@dataclass(frozen=True)
class Compared:
    """The errors of a case at one level: of the value, and of the gradient by all operands.

    In units of the last place; inf where something that is finite came out as nan or inf.  What is below the
    smallest normal number counts as right if it comes out below it.
    """

    value: float
    gradient: float
    relative_value: float
    relative_gradient: float


def compared(case: Case, level: int) -> Compared:
    """The worst errors of a case; of the gradient, beside many cotangents and where all are 1 in the graph."""
    arrays = [np.array(rows, case.dtype) for rows in case.points]
    nodes = [gx.input(f"x{n}", array.shape, case.dtype) for n, array in enumerate(arrays)]
    y = case.build(*nodes)
    weight = gx.input("weight", y.shape, case.dtype)
    numbers = np.resize(np.array([1.0, -0.5, 2.0, 0.25], case.dtype), [int(n) for n in y.shape])
    weighed = gx.compile([*nodes, weight], [y, *gx.grad(gx.sum(y * weight), nodes)], level=level, backend="numpy")
    plain = gx.compile(nodes, [y, *gx.grad(gx.sum(y), nodes)], level=level, backend="numpy")
    with np.errstate(all="ignore"):
        found, *slopes = weighed(*arrays, numbers)
        cotangents = [(numbers, slopes), (np.ones_like(numbers), plain(*arrays)[1:])]
    with mpmath.workprec(PRECISION):
        value, relative_value, slope, relative_slope = 0.0, 0.0, 0.0, 0.0
        for number, rows in enumerate(zip(*arrays, strict=True)):
            point = [[mpmath.mpf(float(x)) for x in row] for row in rows]
            worst, relative = _worst(case, found[number].ravel(), case.exact(*point))
            value, relative_value = max(value, worst), max(relative_value, relative)
            for factors, by_operands in cotangents:
                weights = [mpmath.mpf(float(w)) for w in factors[number].ravel()]
                for operand, by_operand in enumerate(by_operands):
                    exact = _slopes(case, point, operand, weights)
                    worst, relative = _worst(case, by_operand[number].ravel(), exact)
                    slope, relative_slope = max(slope, worst), max(relative_slope, relative)
    return Compared(value, slope, relative_value, relative_slope)


def _slopes(case: Case, point: Sequence[Row], operand: int, weights: Row) -> Row:
    """The derivatives of the weighted sum of a row of results by each element of an operand."""

    if case.slopes is not None:
        (weight,) = weights
        return [weight * slope for slope in case.slopes(*point)]

    def total(place: int, x: Any) -> Any:  # Any: a number of mpmath
        moved = [list(row) for row in point]
        moved[operand][place] = x
        return mpmath.fsum(w * y for w, y in zip(weights, case.exact(*moved), strict=True))

    return [mpmath.diff(lambda x, i=i: total(i, x), at) for i, at in enumerate(point[operand])]


def _worst(case: Case, found: Array, exact: Row) -> tuple[float, float]:
    """The worst error of a row, in units of the last place, and relative."""
    kind = np.dtype(case.dtype).type
    largest = max((abs(x) for x in exact), default=mpmath.mpf(0))
    worst, worst_relative = 0.0, 0.0
    for here, right in zip(found, exact, strict=True):
        with np.errstate(all="ignore"):
            rounded = kind(float(right))
            unit = float(np.spacing(np.abs(kind(float(largest)) if case.scaled else rounded)))
        if abs(right) < np.finfo(kind).tiny and abs(here) < np.finfo(kind).tiny:
            error = relative = 0.0
        elif not math.isfinite(rounded):
            error = relative = 0.0 if here == rounded else math.inf
        elif not math.isfinite(here):
            error = relative = math.inf
        else:
            distance = abs(mpmath.mpf(float(here)) - right)
            error = float(distance / unit)
            scale = max(largest if case.scaled else abs(right), mpmath.mpf(float(np.finfo(kind).tiny)))
            relative = float(distance / scale)
        worst, worst_relative = max(worst, error), max(worst_relative, relative)
    return worst, worst_relative


def row(case: Case) -> str:
    """One line of the table."""
    naive, stable = compared(case, 0), compared(case, 2)
    cells = [
        _said(naive.relative_value),
        _said(naive.relative_gradient),
        f"{stable.value:.1f}",
        f"{stable.gradient:.1f}",
    ]
    label, runs = (text.replace("|", r"\|") for text in (case.label, case.runs))  # a bar ends a cell
    return f"| `{label}` | `{runs}` | {case.dtype} | {' | '.join(cells)} |"


def _said(relative: float) -> str:
    return "nan or inf" if math.isinf(relative) else f"{relative:.0e}"


def table() -> str:
    """The table of the page."""
    lines = [
        "| what is written | what runs | dtype | error as written | of its gradient | ulp | of its gradient |",
        "|---|---|---|---|---|---|---|",
    ]
    lines += [row(case) for case in CASES]
    return "\n".join(lines) + "\n"


def main() -> None:
    """Print the table, or write it into the page."""
    print_or_write(table(), PAGE, START, END)


if __name__ == "__main__":
    main()
