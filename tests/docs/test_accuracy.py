"""docs/accuracy.md has a row for every function of floats that is more than arithmetic; the figures are measured."""

import re

import pytest

from benchmarks import function_times
from benchmarks.function_errors import (
    END,
    END_OF_FORMULAS,
    FUNCTIONS,
    PAGE,
    START,
    START_OF_FORMULAS,
    Function,
    formula_measured,
    measured,
)
from benchmarks.measure.libmvec import loop
from graphc.ir.declare import input
from graphc.ir.graph import topological
from graphc.ir.kinds import Elementwise
from graphc.kernel.elementary.expansion import EXPANSIONS
from graphc.kernel.scalar import Fn
from graphc.ops import elementwise, powers, special, trigonometry

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
    ours, numpys, _ = function_times.cells(function, "float32", 32, 64)
    assert float(ours.split()[0]) < 2
    assert numpys.endswith(" ns")


def test_what_libmvec_lacks_is_left_out() -> None:
    assert loop("no_such_function", 1, "float32") is None


def test_errors_of_a_formula_are_measured() -> None:
    (exp,) = [function for function in FUNCTIONS if function.name == "exp"]
    worst, operations = formula_measured(exp, "float32", count=20)
    assert worst.ulps < 1
    assert operations < 25


def test_every_op_of_floats_is_measured() -> None:
    nodes = [function.build(*(input(f"x{n}") for n in range(len(function.ranges)))) for function in FUNCTIONS]
    seen = {type(node.op) for node in topological(nodes)}
    modules = {module.__name__ for module in (elementwise, powers, special, trigonometry)}
    ours = {op for op in Elementwise.__subclasses__() if op.__module__ in modules}
    assert {op.__name__ for op in ours - seen} == EXACT


@pytest.mark.parametrize("function", FUNCTIONS, ids=lambda function: function.label)
def test_errors_are_measured(function: Function) -> None:
    assert measured(function, "float64", count=20).ulps < 200
