"""Every benchmark runs, and its sides agree, at sizes that take no time."""

import numpy as np
import pytest

from benchmarks import (
    budgets,
    call_overhead,
    compile_scaling,
    memory_plans,
    native_calls,
    numpy_peers,
    random_numbers,
    recurrent,
    threads,
    unrolled_chain,
)
from benchmarks.measure.nets import residual
from benchmarks.measure.race import race, report_of


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
    assert "20 steps of the program" in recurrent.kept(10, None)


def test_budgets_shrink_until_one_is_too_small() -> None:
    *found, last = budgets.budgets(residual(16, 16, 16), rounds=1)
    assert found
    assert "no way is found" in str(last)


def test_random_numbers_are_drawn_by_both_sides() -> None:
    for contest in random_numbers.sides(1_000).values():
        assert [np.asarray(side()).shape for side in contest.values()] == [(1_000,), (1_000,)]


def test_plans_of_an_example_are_reported() -> None:
    found = [memory_plans.figures_of(f) for f in memory_plans.compiled_by("chain_rule")]
    assert all(one.bound <= one.peak <= min(one.greedy, one.fitted) for one in found)
    assert "more in 0.0 %" in memory_plans.report("models", found)


def test_call_overhead_is_measured() -> None:
    assert call_overhead.measured(rounds=3, sample_ns=1_000).nanoseconds["graphc"] > 0


def test_native_calls_are_measured() -> None:
    assert min(native_calls.measured(rounds=3, sample_ns=1_000).nanoseconds.values()) > 0


def test_forks_and_joins_are_timed() -> None:
    found = threads.measured(2, calls=10, rounds=2, pauses=(0.001,))
    assert all(seconds > 0 for times in found.values() for seconds in times)


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
