"""Functions of floats by the LLVM backend beside others: `python -m benchmarks.function_times [--write]`.

Times of each, of NumPy's or SciPy's, and of those of glibc's libmvec, on one thread.  With `--write` the table goes
into docs/accuracy.md.
"""

from collections.abc import Sequence
from functools import partial

import numpy as np

from benchmarks.function_errors import DTYPES, PAGE
from benchmarks.measure.floats import FUNCTIONS, Function, ordinary_points
from benchmarks.measure.pages import print_or_write
from benchmarks.measure.race import Side, race
from benchmarks.measure.ways import WAYS, ways
from graphc.backends.llvm.pool import pool

__all__ = ["END", "START", "cells", "row", "table"]

START, END = "<!-- times -->\n", "<!-- end of times -->"
TIMED = 1 << 15  # points: they stay in caches
ROUNDS, SAMPLE_NS = 9, 2_000_000


def main() -> None:
    """Print the table, or write it into the page."""
    before = pool().threads
    pool().resize(1)
    try:
        print_or_write(table(), PAGE, START, END)
    finally:
        pool().resize(before)


def table(timed: int = TIMED) -> str:
    """A row for each function: of either dtype, ns an element of each way."""
    titles = [f"{dtype}: {' | '.join(WAYS)}" for dtype in DTYPES]
    lines = [
        f"| function | {' | '.join(titles)} |",
        "|---" * (1 + len(WAYS) * len(DTYPES)) + "|",
        *(row(function, timed) for function in FUNCTIONS),
    ]
    return "\n".join(lines) + "\n"


def row(function: Function, timed: int = TIMED) -> str:
    """One line of the table."""
    found = [cell for dtype in DTYPES for cell in cells(function, dtype, timed)]
    return f"| `{function.label}` | {' | '.join(found)} |"


def cells(function: Function, dtype: str, timed: int) -> Sequence[str]:
    """ns an element of each way; nothing for one that there is not."""
    arrays = ordinary_points(function, dtype, timed)
    room = np.empty(timed, dtype)
    sides: dict[str, Side] = {name: partial(way, *arrays, room) for name, way in ways(function, dtype, timed).items()}
    least = race(sides, rounds=ROUNDS, sample_ns=SAMPLE_NS).least
    return [f"{least[name] / timed:.2f}" if name in least else "" for name in WAYS]


if __name__ == "__main__":
    main()
