"""Every benchmark runs, and its sides agree, at sizes that take no time."""

import numpy as np
import pytest

from benchmarks import (
    budgets,
    call_overhead,
    compile_scaling,
    memory_plans,
    native,
    native_calls,
    numpy_peers,
    random_numbers,
    recurrent,
    threads,
    unrolled_chain,
)
from benchmarks.measure import report
from benchmarks.measure.alone import Alone, alone
from benchmarks.measure.entrants import entrant, expected
from benchmarks.measure.multiplying import multiplying
from benchmarks.measure.nets import residual
from benchmarks.measure.race import Side, race, report_of
from benchmarks.peers import numpy_side
from benchmarks.peers.sides import available, builders
from benchmarks.workloads import elementwise, products
from benchmarks.workloads.workload import Workload
from tests.small_workloads import SMALL


def test_a_race_gives_the_ratio_to_the_peer() -> None:
    contest = race({"few": lambda: sum(range(1_000)), "many": lambda: sum(range(10_000))}, rounds=5, sample_ns=10_000)
    assert contest.peer == "few"
    assert contest.ratios["many"].middle > 3
    assert "limit 1.50 MISSED" in report_of("sums", contest, 1.5)


def test_training_steps_agree_with_float64() -> None:
    assert len(numpy_peers.training((6, 5, 4), 3)) == 3


def test_lenet_agrees_with_float64() -> None:
    assert len(numpy_peers.forward(2)) == 3


def test_cross_entropy_agrees_with_float64() -> None:
    assert len(numpy_peers.loss_and_gradient(5, 7)) == 4


def test_lstms_agree_with_float64() -> None:
    assert len(recurrent.sides(5, 2, 3, 4)) >= 4


def test_what_an_lstm_keeps_is_told() -> None:
    assert "17 steps of the program" in recurrent.kept(10, None)


def test_budgets_shrink_until_one_is_too_small() -> None:
    *found, last = budgets.budgets(residual(8, 16, 16), rounds=1)
    assert found
    assert "no way is found" in str(last)


def test_random_numbers_are_drawn_by_both_sides() -> None:
    for contest in random_numbers.sides(1_000).values():
        assert [np.asarray(side()).shape for side in contest.values()] == [(1_000,), (1_000,)]


@pytest.mark.full
def test_plans_of_models_are_near_the_bound() -> None:
    found = [one for f in memory_plans.models() if (one := memory_plans.figures_of(f)).bound]
    assert len(found) >= 30
    assert sum(one.peak <= 1.05 * one.bound for one in found) >= 0.95 * len(found)


def test_plans_of_an_example_are_reported() -> None:
    found = [memory_plans.figures_of(f) for f in memory_plans.compiled_by("chain_rule")]
    assert all(one.bound <= one.peak <= min(one.greedy, one.fitted) for one in found)
    assert "more in 0.0 %" in memory_plans.report("models", found)


def test_call_overhead_is_measured() -> None:
    found = call_overhead.measured(rounds=3, sample_ns=1_000).nanoseconds
    assert min(found["numpy"], found["llvm, with an update"]) > 0


def test_native_calls_are_measured() -> None:
    assert min(native_calls.measured(rounds=3, sample_ns=1_000).nanoseconds.values()) > 0


@pytest.mark.parametrize("work", SMALL, ids=lambda work: work.name)
def test_native_workloads_agree_with_float64(work: Workload) -> None:
    exact = expected(work)
    found = [entrant(build, work, exact).problem for build in builders(work.kind, {"numpy": numpy_side.SIDES}).values()]
    assert found in ([""] * 2, [""] * 3)


@pytest.mark.full
@pytest.mark.parametrize("name", ["torch", "jax.jit", "onnxruntime"])
def test_other_frameworks_agree_with_float64(name: str) -> None:
    tables, missing = available()
    if name not in tables:
        pytest.skip(", ".join(missing))
    found = {
        work.name: entrant(tables[name][work.kind], work, expected(work)).problem
        for work in SMALL
        if work.kind in tables[name]
    }
    assert not any(found.values()), found


def test_native_sides_race_and_those_that_are_wrong_are_reported() -> None:
    def raises(work: Workload) -> Side:
        raise ValueError("no such operation")

    def zeros(work: Workload) -> Side:
        return lambda: np.zeros_like(work.arrays[0])

    sides = {"numpy": numpy_side.SIDES, "raises": {"gelu": raises}, "zeros": {"gelu": zeros}}
    found = native.measured(elementwise.gelu("gelu", 101), sides, rounds=2, seconds=0.01)
    text = report.lines(found)
    assert "raised ValueError: no such operation" in text
    assert "is off by 1.0e+00" in text
    assert "ratio to numpy, the best peer" in text
    assert report.row(found).startswith("| gelu | ")


def test_a_process_that_fails_says_why() -> None:
    found = alone("graphc llvm", "no_such_workload")
    assert isinstance(found, str)
    assert "KeyError: 'no_such_workload'" in found


@pytest.mark.full
def test_a_side_alone_tells_its_first_results_and_its_memory() -> None:
    found = alone("graphc llvm", "ew_gelu_small")
    assert isinstance(found, Alone)
    assert found.again < found.first
    assert found.resident is None or found.resident > 0


def test_operations_on_registers_are_counted() -> None:
    assert multiplying(2).operations == 2 * multiplying(1).operations
    multiplying(2).call()


def test_a_product_is_told_beside_the_peak() -> None:
    found = native.measured(products.gemm_bias_relu("gemm_bias_relu", 128, 128, 128), {}, rounds=2, seconds=0.01)
    assert "of peak" in report.lines(found)


def test_forks_and_joins_are_timed() -> None:
    found = threads.measured(2, calls=10, rounds=2, pauses=(0.001,))
    assert all(seconds > 0 for times in found.values() for seconds in times)


@pytest.mark.full
@pytest.mark.parametrize("name", compile_scaling.GRAPHS)
def test_compiling_grows_with_the_graph(name: str) -> None:
    """By seconds of a core, each the least of three: other programs take those of the clock."""
    sizes = (1_000, 5_000, 20_000)
    found = [
        min((compile_scaling.in_a_process(name, size) for _ in range(3)), key=lambda f: f["cpu"]) for size in sizes
    ]
    exponent = compile_scaling.exponent([f["nodes"] for f in found], [f["cpu"] for f in found])
    assert exponent <= compile_scaling.EXPONENT


@pytest.mark.parametrize("name", compile_scaling.GRAPHS)
def test_graphs_grow_to_the_size_asked_for(name: str) -> None:
    figures = compile_scaling.measured(name, 300)
    assert abs(figures["nodes"] - 300) <= 12
    assert figures["total"] > 0


@pytest.mark.full
def test_a_chain_of_400_steps_and_its_gradient_take_no_time() -> None:
    _, core = min(unrolled_chain.seconds_of("graphc", 400) for _ in range(3))
    assert core < 2 * unrolled_chain.LIMIT  # a machine that does other work too is slower


def test_exponent_of_a_line_is_one() -> None:
    assert compile_scaling.exponent([1e3, 1e4, 1e5], [0.1, 1.0, 10.0]) == pytest.approx(1)
