"""Functions of floats by the LLVM backend beside others: `python -m benchmarks.function_times [--write]`.

Errors and times of each, of NumPy's or SciPy's, and of those of glibc's libmvec, on one thread.  With `--write` the
table goes into docs/accuracy.md.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
import scipy.special as sp

import graphc as gx
from benchmarks.function_errors import COUNT, DTYPES, FUNCTIONS, PAGE, Function, exact_at, points, worst_of
from benchmarks.measure.libmvec import loop
from benchmarks.measure.pages import print_or_write
from benchmarks.measure.race import Side, race
from graphc.backends.llvm.pool import pool

__all__ = ["END", "START", "cells", "row", "table"]

START, END = "<!-- times -->\n", "<!-- end of times -->"
TIMED = 1 << 15  # points: they stay in caches
ROUNDS, SAMPLE_NS = 9, 2_000_000

Array: TypeAlias = npt.NDArray[Any]  # Any: float32 or float64
Way: TypeAlias = Callable[..., Any]  # of the operands and room for the result, which it gives; Any: an array

#: names in libmvec that are not ours
IN_C = {"power": "pow"}
IN_NUMPY: Mapping[str, Way] = {
    "exp": np.exp, "exp2": np.exp2, "expm1": np.expm1, "log": np.log, "log2": np.log2, "log10": np.log10,
    "log1p": np.log1p, "sqrt": np.sqrt, "cbrt": np.cbrt, "power": np.power, "sin": np.sin, "cos": np.cos, "tan": np.tan,
    "asin": np.arcsin, "acos": np.arccos, "atan": np.arctan, "atan2": np.arctan2, "hypot": np.hypot,
    "degrees": np.degrees, "radians": np.radians, "sinh": np.sinh, "cosh": np.cosh, "tanh": np.tanh,
    "asinh": np.arcsinh, "acosh": np.arccosh, "atanh": np.arctanh, "logaddexp": np.logaddexp,
    "logaddexp2": np.logaddexp2, "sigmoid": sp.expit, "log_sigmoid": sp.log_expit, "erf": sp.erf, "erfc": sp.erfc,
    "erfinv": sp.erfinv, "lgamma": sp.gammaln, "digamma": sp.psi, "xlogy": sp.xlogy, "xlog1py": sp.xlog1py,
}  # fmt: skip


def main() -> None:
    """Print the table, or write it into the page."""
    before = pool().threads
    pool().resize(1)
    try:
        print_or_write(table(), PAGE, START, END)
    finally:
        pool().resize(before)


def table(count: int = COUNT, timed: int = TIMED) -> str:
    """A row for each function: of either dtype, ulp and ns an element of each way."""
    ways = "graphc | NumPy, SciPy | libmvec"
    lines = [
        f"| function | {' | '.join(f'{dtype}: {ways}' for dtype in DTYPES)} |",
        "|---" * (1 + 3 * len(DTYPES)) + "|",
        *(row(function, count, timed) for function in FUNCTIONS),
    ]
    return "\n".join(lines) + "\n"


def row(function: Function, count: int = COUNT, timed: int = TIMED) -> str:
    """One line of the table."""
    found = [cell for dtype in DTYPES for cell in cells(function, dtype, count, timed)]
    return f"| `{function.label}` | {' | '.join(found)} |"


def cells(function: Function, dtype: str, count: int, timed: int) -> Sequence[str]:
    """The largest error in ulp, and ns an element, of each way; nothing for one that there is not."""
    arrays = points(function, dtype, count)
    exact = exact_at(function, arrays)
    errors = {
        name: worst_of(exact, arrays, way(*arrays, np.empty_like(arrays[0]))).ulps
        for name, way in _ways(function, dtype, count)
    }
    arrays = points(function, dtype, timed)
    room = np.empty(timed, dtype)
    sides: dict[str, Side] = {name: partial(way, *arrays, room) for name, way in _ways(function, dtype, timed)}
    least = race(sides, rounds=ROUNDS, sample_ns=SAMPLE_NS).least
    return [
        f"{errors[name]:.1f} ulp, {least[name] / timed:.2f} ns" if name in least else ""
        for name in ("graphc", "numpy", "libmvec")
    ]


def _ways(function: Function, dtype: str, count: int) -> Sequence[tuple[str, Way]]:
    nodes = [gx.input(f"x{n}", count, dtype) for n in range(len(function.ranges))]
    f = gx.compile(nodes, function.build(*nodes), backend="llvm")
    found: list[tuple[str, Way]] = [("graphc", lambda *arrays: f(*arrays[:-1]))]  # what is dropped is its room again
    if function.name in IN_NUMPY:
        found.append(("numpy", IN_NUMPY[function.name]))
    in_c = loop(IN_C.get(function.name, function.name), len(nodes), dtype) if len(nodes) <= 2 else None
    if in_c is not None:
        found.append(("libmvec", in_c))
    return found


if __name__ == "__main__":
    main()
