"""What `f.cost` says of loops, branches and sizes, and how it reads."""

import pytest

import graphc as gx
from graphc.driver import compile
from tests.golden_text import Golden
from tests.inspection.models import DECISIONS, model


def test_cost_is_asked_by_size() -> None:
    x = gx.input("x", ("batch", 10))
    f = gx.compile([x], gx.softmax(x, 1))
    assert f.cost(batch=3).bytes == 2 * 3 * 10 * 4
    assert f.cost(batch=0).bytes == 0
    assert f.cost(batch=3).transcendental == 30
    with pytest.raises(gx.ArgumentError, match="the size 'batch' is missing"):
        f.cost()


def test_a_loop_costs_its_steps_as_often_as_they_are_run() -> None:
    xs, start = gx.input("xs", ("time", 7)), gx.input("start", (7,))
    last, _ = gx.scan(lambda state, x: (state * x, gx.sum(x)), start, xs)
    f = gx.compile([xs, start], last)
    never, often = f.cost(time=0), f.cost(time=100)
    assert never.flops == 0
    assert often.flops == 100 * 7
    assert often.read_bytes - never.read_bytes == 100 * 2 * 7 * 4
    assert often.steps[0].times == 100


def test_a_loop_without_limit_counts_once() -> None:
    x = gx.input("x", (7,))
    endless = gx.while_loop(lambda r: r[0] > 2.0, lambda r: 0.5 * r, x)
    limited = gx.while_loop(lambda r: r[0] > 2.0, lambda r: 0.5 * r, x, max_steps=20)
    assert gx.compile([x], endless).cost().steps[0].times is None
    assert gx.compile([x], endless).cost().flops == 8
    assert gx.compile([x], limited).cost().flops == 20 * 8


def test_a_branch_costs_the_part_that_moves_most() -> None:
    x, chosen = gx.input("x", (7,)), gx.input("chosen", (), "bool")
    f = gx.compile([x, chosen], gx.cond(chosen, lambda: gx.exp(x), lambda: x * x + x))
    (branch, *_) = f.cost().steps
    assert branch.flops == 14
    assert branch.bytes == 1 + 2 * 7 * 4


def test_a_report_names_the_lines_of_each_step(golden: Golden) -> None:
    nodes = model(DECISIONS)
    f = compile([nodes["h"], nodes["xs"]], [nodes["y"], nodes["sums"], nodes["root"]])
    report = f.cost(time=50)
    golden("cost/decisions", f"{report}\n{report!r}\n")
