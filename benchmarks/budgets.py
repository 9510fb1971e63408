"""What a memory budget costs: `python -m benchmarks.budgets [word ...]`, of nets whose names have a word in them.

Each net is compiled with its loss and its gradients, or what an optimiser makes of them, without a budget and in
smaller and smaller ones.  Printed are the arena that a call takes, and the operations and the time of a call over
those without a budget.
"""

import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any, NamedTuple

import numpy as np

import graphc as gx
from benchmarks.measure.nets import Net, attention, convolutions, lstm, residual
from benchmarks.measure.race import race
from graphc.structure import leaves

__all__ = ["NETS", "Budgeted", "budgets"]

NETS: Mapping[str, Callable[[], Net]] = {
    "64 residual layers, width 256, batch 256": lambda: residual(64, 256, 256),
    "64 residual layers, width 128, batch 1024, updated by Adam": lambda: replace(
        residual(64, 128, 1024), optimiser=lambda weights: gx.optim.Adam(weights, 0.001)
    ),
    "LSTM of 128, 64 steps written out, batch 64": lambda: lstm(64, 64, 128),
    "24 residual convolutions 3x3, 16 channels of 32x32, batch 8": lambda: convolutions(24, 8, 16, 32),
    "12 layers of attention, width 64, 64 steps, batch 4": lambda: attention(12, 4, 64, 64),
}
PARTS = (0.75, 0.5, 0.35, 0.25, 0.18, 0.12, 0.08)


class Budgeted(NamedTuple):
    """A net in a budget: bytes, and operations and time over those without one."""

    budget: int
    peak_bytes: int
    operations: float
    time: float
    seconds: float


def budgets(net: Net, rounds: int = 9) -> Iterator[Budgeted | str]:
    """Smaller and smaller ones, up to the first that is too small, of which the error is given."""
    weights = [np.array(w.value) for w in net.weights]
    plain = net.compile()
    expected, start = _called(plain, net, weights), plain.memory().peak_bytes
    for part in PARTS:
        budget = int(part * start)
        try:
            f = net.compile(memory=budget)
        except gx.MemoryBudgetError as error:
            yield f"{error.problem}; {error.hint}"
            return
        for one, other in zip(_called(f, net, weights), expected, strict=True):
            np.testing.assert_array_equal(one, other)
        sides = {"plain": partial(plain, *net.arrays), "budget": partial(f, *net.arrays)}
        ratio = race(sides, rounds=rounds, sample_ns=1_000_000).ratios["budget"].middle
        yield Budgeted(budget, f.memory().peak_bytes, f.cost().flops / plain.cost().flops, ratio, f.seconds)


def _called(f: gx.CompiledFunction, net: Net, weights: Sequence[Any]) -> list[Any]:  # Any: arrays
    """What a call gives from these weights, and what they are then."""
    for node, value in zip(net.weights, weights, strict=True):
        node.value = value
    return [*map(np.asarray, leaves(f(*net.arrays))), *(np.array(w.value) for w in net.weights)]


def main(words: list[str]) -> None:
    """Print all."""
    for name, make in NETS.items():
        if words and not any(word in name for word in words):
            continue
        print(name)
        for found in budgets(make()):
            if isinstance(found, str):
                print(f"  {found}")
                continue
            print(
                f"  budget {found.budget / 1e6:8.2f} MB   peak {found.peak_bytes / 1e6:8.2f} MB   "
                f"operations {found.operations:5.2f}   time {found.time:5.2f}   compiled in {found.seconds:5.2f} s"
            )


if __name__ == "__main__":
    main(sys.argv[1:])
