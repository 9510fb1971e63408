"""Schedules against their formulas, step by step."""

import math

import numpy as np
import pytest

import graphc as gx
from graphc.optim import Schedule


def rates(schedule: Schedule, count: int) -> list[float]:
    step = gx.input("step", (), "int64")
    f = gx.compile([step], schedule(step))
    return [float(f(n)) for n in range(count)]


def test_cosine_decay_ends_at_the_floor_and_stays() -> None:
    found = rates(gx.optim.cosine_decay(0.8, 10, floor=0.2), 14)
    wanted = [0.2 + 0.3 * (1 + math.cos(math.pi * min(n, 10) / 10)) for n in range(14)]
    assert found == pytest.approx(wanted, rel=1e-12)


def test_exponential_decay() -> None:
    found = rates(gx.optim.exponential_decay(0.8, 4, 0.5), 9)
    assert found == pytest.approx([0.8 * 0.5 ** (n / 4) for n in range(9)], rel=1e-12)


def test_step_decay_jumps() -> None:
    found = rates(gx.optim.step_decay(0.8, 4, 0.5), 9)
    assert found == pytest.approx([0.8] * 4 + [0.4] * 4 + [0.2], rel=1e-12)


def test_warmup_rises_and_then_begins_what_follows() -> None:
    found = rates(gx.optim.linear_warmup(3, gx.optim.step_decay(0.8, 2, 0.5)), 8)
    assert found == pytest.approx([0.2, 0.4, 0.6, 0.8, 0.8, 0.4, 0.4, 0.2], rel=1e-12)


def test_schedule_drives_an_optimiser() -> None:
    w = gx.param("w", np.zeros(()))
    opt = gx.optim.SGD(w, gx.optim.step_decay(1.0, 2, 0.5))
    step = gx.compile([], None, updates=opt(gx.grad(w * 1.0, w)))
    seen = []
    for _ in range(5):
        before = float(w.value)
        step()
        seen.append(before - float(w.value))
    assert seen == pytest.approx([1, 1, 0.5, 0.5, 0.25], rel=1e-6)


def test_constant_is_the_same_at_every_step() -> None:
    assert rates(gx.optim.constant(0.5), 3) == [0.5, 0.5, 0.5]


def test_nonsense_is_refused() -> None:
    with pytest.raises(gx.ArgumentError, match="steps is an int of 1 or more"):
        gx.optim.cosine_decay(0.1, 0)
    with pytest.raises(gx.ArgumentError, match="factor is positive"):
        gx.optim.step_decay(0.1, 3, -1.0)
