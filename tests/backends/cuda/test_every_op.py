"""Every row of the table of ops, as CUDA C++ that is emulated: values, dtypes, open sizes, derivatives."""

from collections.abc import Callable, Iterable, Sequence

import numpy as np
import pytest

from graphc.backends.cuda.emulation.emulator import SCHEDULES, Emulator
from graphc.driver import compile
from graphc.ir.node import Node
from tests.backends.cuda.emulated import NEEDS_COMPILER, in_groups, made_at_once, meant
from tests.case import Array, Case
from tests.cases import CASES
from tests.test_cases import BOTH, COMPLEX, nodes_for, results, sized_nodes_for, slopes_of
from tests.tolerance import assert_close

pytestmark = NEEDS_COMPILER

BOTH_ROUND = 16  # more roundings, where both sides have them
SAMPLE = 16  # one row of so many is in the default tier
SLOPES = [pair for pair in BOTH if pair[0].order]

FULL = [pytest.param(dtype, marks=pytest.mark.full) for dtype in ("float64", "float16", "bfloat16")]


def groups(rows: Sequence[object], step: int = SAMPLE) -> list[object]:
    """A sample of the rows for the default tier, then all of them in groups."""
    sample = pytest.param(range(0, len(rows), step), id="sample")
    return [sample, *(pytest.param(part, marks=pytest.mark.full, id=str(part.start)) for part in in_groups(len(rows)))]


def require_values(rows: Iterable[Case], dtype: str, nodes_of: Callable[[Sequence[Array]], list[Node]]) -> None:
    """Raise where a row has another value or type than NumPy and the interpreter find."""
    cases = list(rows)
    functions = []
    for case in cases:
        nodes = nodes_of(case.arrays(dtype))
        functions.append(compile(list(nodes), results(case, nodes), backend="numpy"))
    for case, plain, function in zip(cases, functions, made_at_once(functions, Emulator()), strict=True):
        arrays = case.arrays(dtype)
        rounded, _ = meant(plain, arrays)
        for y, exact, other in zip(function(*arrays), case.expected(arrays), rounded, strict=True):
            actual = np.asarray(y)
            assert (actual.shape, actual.dtype) == (exact.shape, other.dtype), case
            assert_close(actual, exact, case.terms)
            assert_close(actual, other, BOTH_ROUND + 2 * case.terms)


@pytest.mark.parametrize("places", groups(CASES))
@pytest.mark.parametrize("dtype", ["float32", *FULL])
def test_values_are_those_of_numpy_and_the_interpreter(dtype: str, places: range) -> None:
    require_values([CASES[place] for place in places], dtype, nodes_for)


@pytest.mark.parametrize("places", groups(COMPLEX, 40))
def test_values_of_complex_operands(places: range) -> None:
    require_values([COMPLEX[place] for place in places], "complex64", nodes_for)


@pytest.mark.full
@pytest.mark.parametrize("places", groups([c for c in CASES if c.symbolic]))
def test_extents_may_be_sizes(places: range) -> None:
    symbolic = [case for case in CASES if case.symbolic]
    require_values([symbolic[place] for place in places], "float64", sized_nodes_for)


@pytest.mark.full
@pytest.mark.parametrize("schedule", range(1, len(SCHEDULES)))
def test_the_order_of_threads_changes_no_bit(schedule: int) -> None:
    emulator = Emulator()
    cases, functions = CASES[::4], []
    for case in cases:
        nodes = nodes_for(case.arrays("float32"))
        functions.append(compile(list(nodes), results(case, nodes), backend="numpy"))
    for case, function in zip(cases, made_at_once(functions, emulator), strict=True):
        arrays = case.arrays("float32")
        emulator.schedule = 0
        expected = function(*arrays)
        emulator.schedule = schedule
        for x, y in zip(function(*arrays), expected, strict=True):
            np.testing.assert_array_equal(x, y)


@pytest.mark.parametrize("places", groups(SLOPES, 60))
def test_derivatives_are_those_of_the_interpreter(places: range) -> None:
    rows, functions = [], []
    for place in places:
        case, dtype = SLOPES[place]
        made = slopes_of(case, case.arrays(dtype))
        function = compile(list(made.nodes), list(made.derivatives), backend="numpy", level=1)
        rows.append((case, dtype, function))
        functions.append(function)
    for (case, dtype, plain), function in zip(rows, made_at_once(functions, Emulator()), strict=True):
        arrays = case.arrays(dtype)
        for found, exact in zip(function(*arrays), meant(plain, arrays)[0], strict=True):
            assert float(found) == pytest.approx(float(exact), rel=1e-8, abs=1e-8), case
