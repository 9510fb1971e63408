"""docs/accuracy.md has a row for every function of floats that is more than arithmetic; the figures are measured."""

import re

import pytest

from benchmarks import function_times
from benchmarks.function_errors import (
    END,
    END_OF_FORMULAS,
    HEAD,
    PAGE,
    START,
    START_OF_FORMULAS,
    measured,
    operations_of,
    row,
)
from benchmarks.measure.floats import BOUNDS, FUNCTIONS
from benchmarks.measure.libmvec import loop
from benchmarks.measure.ways import WAYS
from graphc.ir.declare import input
from graphc.ir.graph import topological
from graphc.ir.kinds import Elementwise
from graphc.kernel.elementary.expansion import EXPANSIONS
from graphc.kernel.scalar import Fn
from graphc.ops import elementwise, interpolation, powers, special, trigonometry

EXACT = {"OneMinusSquare", "Square", "StopGradient"}  # a few operations of IEEE arithmetic, or none


def test_every_function_has_a_row_in_the_order_of_the_list() -> None:
    rows = PAGE.read_text(encoding="utf-8").partition(START)[2].partition(END)[0]
    assert re.findall(r"^\| `(.*?)` \|", rows, re.MULTILINE) == [function.label for function in FUNCTIONS]


def test_every_formula_has_a_row() -> None:
    rows = PAGE.read_text(encoding="utf-8").partition(START_OF_FORMULAS)[2].partition(END_OF_FORMULAS)[0]
    names = {name.partition("(")[0] for name in re.findall(r"^\| `(.*?)` \|", rows, re.MULTILINE)}
    assert names == {"power" if fn is Fn.POW else fn.value for fn in EXPANSIONS}


def test_every_function_is_timed() -> None:
    text = PAGE.read_text(encoding="utf-8")
    rows = text.partition(function_times.START)[2].partition(function_times.END)[0]
    assert re.findall(r"^\| `(.*?)` \|", rows, re.MULTILINE) == [function.label for function in FUNCTIONS]


@pytest.mark.parametrize("name", ["exp", "power"])
def test_ways_of_a_function_are_timed(name: str) -> None:
    (function,) = [function for function in FUNCTIONS if function.name == name]
    ours, numpys, _ = function_times.cells(function, "float32", 64)
    assert float(ours) > 0
    assert float(numpys) > 0


def test_what_libmvec_lacks_is_left_out() -> None:
    assert loop("no_such_function", 1, "float32") is None


def test_operations_of_a_formula_are_counted() -> None:
    (exp,) = [function for function in FUNCTIONS if function.name == "exp"]
    assert operations_of(exp, "float32") < operations_of(exp, "float64") < 30


def test_every_op_of_floats_is_measured() -> None:
    nodes = [function.build(*(input(f"x{n}") for n in range(function.arity))) for function in FUNCTIONS]
    seen = {type(node.op) for node in topological(nodes)}
    modules = {module.__name__ for module in (elementwise, interpolation, powers, special, trigonometry)}
    ours = {op for op in Elementwise.__subclasses__() if op.__module__ in modules}
    assert {op.__name__ for op in ours - seen} == EXACT


@pytest.mark.parametrize("name", ["exp", "hypot", "silu"])
def test_errors_of_each_way_are_measured(name: str) -> None:
    (function,) = [function for function in FUNCTIONS if function.name == name]
    worst = measured(function, "float64", 256)
    assert {"graphc"} <= worst.keys() <= {*WAYS}
    assert worst["graphc"].ulps < 2


def test_no_published_error_exceeds_its_bound() -> None:
    rows = PAGE.read_text(encoding="utf-8").partition(START)[2].partition(END)[0].splitlines()[2:]
    for function, line in zip(FUNCTIONS, rows, strict=True):
        cells = [cell.strip() for cell in line.split("|")]
        for dtype, place in (("float32", 2), ("float64", 6)):
            assert float(cells[place]) <= BOUNDS[dtype] + function.more, line


def test_a_table_has_a_cell_for_each_column() -> None:
    (sqrt,) = [function for function in FUNCTIONS if function.name == "sqrt"]
    assert row(sqrt, 256).startswith("| `sqrt` | 0.5 |")
    assert row(sqrt, 256).count("|") == HEAD.count("|")
