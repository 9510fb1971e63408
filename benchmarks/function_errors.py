"""The worst errors of functions of floats, against mpmath: `python -m benchmarks.function_errors [--write]`.

One table is of native kernels, of NumPy or SciPy, and of glibc's libmvec; another has how many operations the formulas
of native kernels have.  With `--write` both go into docs/accuracy.md.
"""

from collections.abc import Mapping, Sequence
from math import inf
from pathlib import Path

import numpy as np

from benchmarks.measure.floats import FUNCTIONS, Function, Worst, exact_at, points, worst_of
from benchmarks.measure.formulas import formula_of
from benchmarks.measure.pages import print_or_write
from benchmarks.measure.ways import WAYS, ways
from graphc.kernel.elementary.expansion import EXPANSIONS
from graphc.kernel.scalar import Call, Fn, Let

__all__ = [
    "COUNT",
    "DTYPES",
    "END",
    "END_OF_FORMULAS",
    "HEAD",
    "PAGE",
    "START",
    "START_OF_FORMULAS",
    "common_operations",
    "formula_table",
    "measured",
    "operations_of",
    "row",
    "table",
]

PAGE = Path(__file__).parents[1] / "docs" / "accuracy.md"
START, END = "<!-- table -->\n", "<!-- end of table -->"
START_OF_FORMULAS, END_OF_FORMULAS = "<!-- formulas -->\n", "<!-- end of formulas -->"
DTYPES = ("float32", "float64")
COUNT = 102_400  # points for each function and dtype: of libmvec, whole vectors

HEAD = "".join(["| function ", *(f"| {dtype}: {WAYS[0]} | at | {' | '.join(WAYS[1:])} " for dtype in DTYPES), "|"])
LARGE = 1e6  # ulp: more than this is not told apart


@np.errstate(all="ignore")
def measured(function: Function, dtype: str, count: int = COUNT) -> Mapping[str, Worst]:
    """The worst error of each way to compute a function."""
    count //= function.share
    arrays = points(function, dtype, count)
    exact = exact_at(function, arrays)
    found = {name: way(*arrays, np.empty_like(arrays[0])) for name, way in ways(function, dtype, count).items()}
    return {name: worst_of(function, exact, arrays, values) for name, values in found.items()}


def row(function: Function, count: int = COUNT) -> str:
    """One line of the table."""
    cells = []
    for dtype in DTYPES:
        worst = measured(function, dtype, count)
        ours, *others = [_text(worst[name].ulps) if name in worst else "" for name in WAYS]
        cells += [ours, ", ".join(f"{x:.6g}" for x in worst["graphc"].at), *others]
    return f"| `{function.label}` | {' | '.join(cells)} |"


def _text(ulps: float) -> str:
    return "wrong" if ulps == inf else f"> {LARGE:.0e}" if ulps > LARGE else f"{ulps:.1f}"


def table(count: int = COUNT) -> str:
    """The table of the page."""
    lines = [HEAD, "|---" * (HEAD.count("|") - 1) + "|"]
    lines += [row(function, count) for function in FUNCTIONS]
    return "\n".join(lines) + "\n"


#: the functions that have a formula, by their public names
_BY_NAME = {{"pow": "power"}.get(fn.value, fn.value): fn for fn in EXPANSIONS}


def operations_of(function: Function, dtype: str) -> int:
    """How many operations the formula for a function has outside of rare branches."""
    operands = [dtype] * (function.arity + (function.order is not None))
    return common_operations(*formula_of(EXPANSIONS[_BY_NAME[function.name]], *operands))


def common_operations(lets: Sequence[Let], number: int) -> int:
    """How many functions a value calls, but for those on bits as they are and those that it seldom needs."""
    seen: set[int] = set()
    waiting = [number]
    while waiting:
        let = lets[waiting.pop()]
        if isinstance(let, Call):
            args = let.args[::2] if let.fn is Fn.RARELY else let.args
            waiting += set(args) - seen
            seen |= {*args}
    calls = [lets[one] for one in {*seen, number}]
    return sum(isinstance(let, Call) and let.fn is not Fn.BITS for let in calls)


def formula_table() -> str:
    """The table of formulas."""
    lines = [f"| function | {' | '.join(DTYPES)} |", "|---" * (1 + len(DTYPES)) + "|"]
    for function in FUNCTIONS:
        if function.name in _BY_NAME:
            counts = " | ".join(str(operations_of(function, dtype)) for dtype in DTYPES)
            lines.append(f"| `{function.label}` | {counts} |")
    return "\n".join(lines) + "\n"


def main() -> None:
    """Print the tables, or write them into the page."""
    print_or_write(formula_table(), PAGE, START_OF_FORMULAS, END_OF_FORMULAS)
    print_or_write(table(), PAGE, START, END)


if __name__ == "__main__":
    main()
