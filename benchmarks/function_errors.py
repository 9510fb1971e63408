"""The worst errors of functions of floats, against mpmath: `python -m benchmarks.function_errors [--write]`.

One table is of the NumPy backend, another of the formulas that other backends have for them.  With `--write` both go
into docs/accuracy.md.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import mpmath
import numpy as np
import numpy.typing as npt

import graphc as gx
from benchmarks.measure.formulas import evaluated, formula_of
from benchmarks.measure.pages import print_or_write
from graphc.kernel.elementary.expansion import EXPANSIONS
from graphc.kernel.scalar import Call, Fn, Let

__all__ = [
    "END",
    "END_OF_FORMULAS",
    "FUNCTIONS",
    "PAGE",
    "START",
    "START_OF_FORMULAS",
    "Function",
    "Worst",
    "common_operations",
    "exact_at",
    "formula_measured",
    "formula_table",
    "measured",
    "points",
    "table",
    "worst_of",
]

PAGE = Path(__file__).parents[1] / "docs" / "accuracy.md"
START, END = "<!-- table -->\n", "<!-- end of table -->"
START_OF_FORMULAS, END_OF_FORMULAS = "<!-- formulas -->\n", "<!-- end of formulas -->"
DTYPES = ("float32", "float64")
COUNT = 2000  # points for each function and dtype
PRECISION = 300  # bits: what nearly cancels keeps more than the 53 that are compared

Array: TypeAlias = npt.NDArray[Any]  # Any: float32 or float64
Range: TypeAlias = tuple[float, float]
Exact: TypeAlias = Callable[..., Any]  # Any: mpmath has no types
m = mpmath


@dataclass(frozen=True)
class Function:
    """A public function, the same in mpmath, and the range of each operand that points are drawn from."""

    name: str
    exact: Exact
    ranges: tuple[Range, ...]
    order: int | None = None  # of polygamma

    @property
    def label(self) -> str:
        return self.name if self.order is None else f"{self.name}({self.order}, x)"

    def build(self, *xs: gx.Node) -> gx.Node:
        function: Callable[..., gx.Node] = getattr(gx, self.name)
        return function(*xs) if self.order is None else function(self.order, *xs)


@dataclass(frozen=True)
class Worst:
    """The largest error, in units of the last place of the exact value, and the point where it was found."""

    ulps: float
    at: tuple[float, ...]


EVERY = (-50.0, 50.0)
FUNCTIONS = (
    Function("exp", m.exp, ((-87.0, 88.0),)),
    Function("exp2", lambda x: m.mpf(2) ** x, ((-125.0, 127.0),)),
    Function("expm1", m.expm1, ((-50.0, 88.0),)),
    Function("log", m.log, ((1e-30, 1e30),)),
    Function("log2", lambda x: m.log(x) / m.log(2), ((1e-30, 1e30),)),
    Function("log10", lambda x: m.log(x) / m.log(10), ((1e-30, 1e30),)),
    Function("log1p", m.log1p, ((-0.999, 1e30),)),
    Function("sqrt", m.sqrt, ((0.0, 1e30),)),
    Function("rsqrt", lambda x: 1 / m.sqrt(x), ((1e-30, 1e30),)),
    Function("cbrt", lambda x: m.sign(x) * m.cbrt(abs(x)), ((-1e30, 1e30),)),
    Function("power", m.power, ((0.01, 100.0), (-8.0, 8.0))),
    Function("sin", m.sin, ((-1e4, 1e4),)),
    Function("cos", m.cos, ((-1e4, 1e4),)),
    Function("tan", m.tan, ((-1e4, 1e4),)),
    Function("asin", m.asin, ((-1.0, 1.0),)),
    Function("acos", m.acos, ((-1.0, 1.0),)),
    Function("atan", m.atan, ((-1e6, 1e6),)),
    Function("atan2", m.atan2, (EVERY, EVERY)),
    Function("hypot", m.hypot, ((-1e30, 1e30), (-1e30, 1e30))),
    Function("degrees", m.degrees, (EVERY,)),
    Function("radians", m.radians, (EVERY,)),
    Function("sinc", m.sincpi, (EVERY,)),
    Function("sinh", m.sinh, ((-87.0, 87.0),)),
    Function("cosh", m.cosh, ((-87.0, 87.0),)),
    Function("tanh", m.tanh, (EVERY,)),
    Function("asinh", m.asinh, ((-1e6, 1e6),)),
    Function("acosh", m.acosh, ((1.0, 1e6),)),
    Function("atanh", m.atanh, ((-0.9999, 0.9999),)),
    Function("sigmoid", lambda x: 1 / (1 + m.exp(-x)), ((-85.0, 85.0),)),
    Function("log_sigmoid", lambda x: -m.log1p(m.exp(-x)), ((-85.0, 85.0),)),
    Function("softplus", lambda x: m.log1p(m.exp(x)), ((-85.0, 85.0),)),
    Function("silu", lambda x: x / (1 + m.exp(-x)), ((-80.0, 80.0),)),
    Function("gelu", lambda x: x * m.erfc(-x / m.sqrt(2)) / 2, ((-12.0, 12.0),)),
    Function("erf", m.erf, ((-6.0, 6.0),)),
    Function("erfc", m.erfc, ((-6.0, 9.0),)),
    Function("erfinv", m.erfinv, ((-0.9999, 0.9999),)),
    Function("lgamma", m.loggamma, ((0.01, 1e6),)),
    Function("digamma", m.digamma, ((0.01, 1e6),)),
    Function("polygamma", lambda x: m.polygamma(1, x), ((0.01, 1e4),), 1),
    Function("polygamma", lambda x: m.polygamma(2, x), ((0.01, 1e4),), 2),
    Function("logaddexp", lambda x, y: m.log(m.exp(x) + m.exp(y)), (EVERY, EVERY)),
    Function("logaddexp2", lambda x, y: m.log(m.mpf(2) ** x + m.mpf(2) ** y) / m.log(2), (EVERY, EVERY)),
    Function("xlogy", lambda x, y: x * m.log(y), (EVERY, (1e-6, 1e6))),
    Function("xlog1py", lambda x, y: x * m.log1p(y), (EVERY, (-0.999, 1e6))),
    Function("lerp", lambda x, y, w: x + w * (y - x), ((1.0, 2.0), (3.0, 4.0), (0.0, 1.0))),
)


def drawn(low: float, high: float, count: int, rng: np.random.Generator) -> Array:
    """Points of a range: a half even, a half even in the logarithm of their distance from 0, or from `low`."""
    even = rng.uniform(low, high, count // 2)
    start = 0.0 if low < 0 else low
    rest = count - count // 2
    near = start + (high - start) * 10.0 ** -rng.uniform(0, 12, rest)
    return np.concatenate([even, np.where(rng.random(rest) < 0.5, -near if low < 0 else near, near).clip(low, high)])


def points(function: Function, dtype: str, count: int) -> list[Array]:
    """Random operands, the same at each run."""
    rng = np.random.default_rng(0)
    return [drawn(low, high, count, rng).astype(dtype) for low, high in function.ranges]


def exact_at(function: Function, arrays: Sequence[Array]) -> Sequence[Any]:
    """The values of a function at some points, in mpmath."""
    with mpmath.workprec(PRECISION):
        return [function.exact(*(mpmath.mpf(float(x)) for x in point)) for point in zip(*arrays, strict=True)]


def worst_of(exact: Sequence[Any], arrays: Sequence[Array], found: Array) -> Worst:
    """The worst error of what was found at some points, where these are the exact values."""
    worst = Worst(0.0, tuple(float(array[0]) for array in arrays))
    with mpmath.workprec(PRECISION):
        for point, value, right in zip(zip(*arrays, strict=True), found, exact, strict=True):
            unit = float(np.spacing(np.abs(found.dtype.type(right))))
            error = float(abs(mpmath.mpf(float(value)) - right) / unit)
            if not error <= worst.ulps:  # so that nan counts
                worst = Worst(error, tuple(map(float, point)))
    return worst


def measured(function: Function, dtype: str, count: int = COUNT) -> Worst:
    """The worst error of a function at random points."""
    arrays = points(function, dtype, count)
    nodes = [gx.input(f"x{n}", count, dtype) for n in range(len(arrays))]
    found = np.asarray(gx.compile(nodes, function.build(*nodes), backend="numpy")(*arrays))
    return worst_of(exact_at(function, arrays), arrays, found)


def formula_measured(function: Function, dtype: str, count: int = COUNT) -> tuple[Worst, int]:
    """The worst error of the formula for a function, and how many operations it has outside of rare branches."""
    arrays = points(function, dtype, count)
    orders = [] if function.order is None else [np.full(count, function.order, dtype)]
    operands = [*orders, *arrays]
    lets, number = formula_of(EXPANSIONS[_BY_NAME[function.name]], *(operand.dtype for operand in operands))
    found = evaluated(lets, number, operands)
    return worst_of(exact_at(function, arrays), arrays, found), common_operations(lets, number)


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


def row(function: Function, count: int = COUNT) -> str:
    """One line of the table."""
    ranges = " and ".join(f"{low:g} .. {high:g}" for low, high in function.ranges)
    cells = []
    for dtype in DTYPES:
        worst = measured(function, dtype, count)
        cells += [f"{worst.ulps:.1f}", ", ".join(f"{x:.6g}" for x in worst.at)]
    return f"| `{function.label}` | {ranges} | {' | '.join(cells)} |"


def table(count: int = COUNT) -> str:
    """The table of the page."""
    lines = ["| function | range | float32 | at | float64 | at |", "|---|---|---|---|---|---|"]
    lines += [row(function, count) for function in FUNCTIONS]
    return "\n".join(lines) + "\n"


#: the functions that have a formula, by their public names
_BY_NAME = {{"pow": "power"}.get(fn.value, fn.value): fn for fn in EXPANSIONS}


def formula_row(function: Function, count: int = COUNT) -> str:
    """One line of the table of formulas."""
    cells = []
    for dtype in DTYPES:
        worst, operations = formula_measured(function, dtype, count)
        cells += [f"{worst.ulps:.1f}", ", ".join(f"{x:.6g}" for x in worst.at), str(operations)]
    return f"| `{function.label}` | {' | '.join(cells)} |"


def formula_table(count: int = COUNT) -> str:
    """The table of formulas."""
    lines = ["| function | float32 | at | operations | float64 | at | operations |", "|---|---|---|---|---|---|---|"]
    lines += [formula_row(function, count) for function in FUNCTIONS if function.name in _BY_NAME]
    return "\n".join(lines) + "\n"


def main() -> None:
    """Print the tables, or write them into the page."""
    print_or_write(table(), PAGE, START, END)
    print_or_write(formula_table(), PAGE, START_OF_FORMULAS, END_OF_FORMULAS)


if __name__ == "__main__":
    main()
