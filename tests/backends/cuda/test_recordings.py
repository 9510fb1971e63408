"""What is recorded on a device, which is emulated, and how it follows arrays that lie elsewhere."""

from typing import Any

import numpy as np
import pytest

import graphc as gx
from graphc.backends.cuda.emulation.emulator import Recorded
from tests.backends.cuda.calls import Foreign, aligned, on_device
from tests.backends.cuda.emulated import NEEDS_COMPILER, near

pytestmark = NEEDS_COMPILER


def test_loops_of_known_length_are_recorded_with_what_is_around_them() -> None:
    x = gx.input("x", ("time", 4))
    last, rows = gx.scan(lambda total, row: (gx.tanh(total + row), total * 2), gx.zeros((4,)), x)
    plain = gx.compile([x], [last, rows], backend="numpy")
    f, emulator = on_device([x], [last, rows])
    rng = np.random.default_rng(0)
    for n in (6, 6, 6, 2, 2):
        array = rng.standard_normal((n, 4)).astype(np.float32)
        for found, exact in zip(f(array), plain(array), strict=True):
            near(found, exact)
    assert emulator.recorded == {"made": 2, "run": 3}


def test_batches_in_new_places_are_told_to_one_recording() -> None:
    x, h = gx.input("x", ("time", 4)), gx.input("h", (4,))
    last, rows = gx.scan(lambda total, row: (gx.tanh(total + row), total * 2), h, x)
    plain = gx.compile([x, h], [last, rows], backend="numpy")
    f, emulator = on_device([x, h], [last, rows])
    rng, kept = np.random.default_rng(0), []
    for _ in range(20):
        arrays = [aligned(rng.standard_normal(shape).astype(np.float32)) for shape in ((5, 4), (4,))]
        found = f(*map(Foreign, arrays))
        kept.append((arrays, found))  # nothing that comes later lies where this does
    for arrays, found in kept:
        for y, exact in zip(found, plain(*arrays), strict=True):
            near(np.asarray(y), exact)
    assert (emulator.recorded["made"], emulator.recorded["run"]) == (1, 19)
    before = emulator.recorded["changed"]
    f(*map(Foreign, kept[-1][0]), out=kept[-1][1])  # all lies where it lay
    assert emulator.recorded["changed"] == before


def test_arrays_that_are_one_at_first_may_part_later() -> None:
    x, y = gx.input("x", (8, 8)), gx.input("y", (8, 8))
    f, emulator = on_device([x, y], gx.softmax(x @ y.mT, 1) @ y)
    rng = np.random.default_rng(0)
    one, other = (aligned(rng.standard_normal((8, 8)).astype(np.float32)) for _ in range(2))
    for a, b in ((one, one), (one, one), (one, other), (other, one), (one, one), (other, other)):
        found, terms = f(Foreign(a), Foreign(b)), np.exp(a @ b.T)
        near(np.asarray(found), terms / terms.sum(1, keepdims=True) @ b)
    assert (emulator.recorded["made"], emulator.recorded["run"]) == (2, 5)  # the one made anew is where they part


def test_a_change_of_a_recording_that_is_cut_short_is_made_by_the_next_call(monkeypatch: pytest.MonkeyPatch) -> None:
    x = gx.input("x", (64, 8))
    f, _ = on_device([x], [gx.exp(x @ x.mT), gx.tanh(x)])
    one, other = (aligned(np.full((64, 8), value, np.float32)) for value in (0.1, 0.2))
    for array in (one, one):
        f(Foreign(array))
    change, left = Recorded.change, [1]

    def interrupted(recording: Recorded, number: int, addresses: Any) -> None:
        change(recording, number, addresses)
        left[0] -= 1
        if left[0] == 0:
            raise KeyboardInterrupt

    monkeypatch.setattr(Recorded, "change", interrupted)
    with pytest.raises(KeyboardInterrupt):
        f(Foreign(other))
    for array in (one, other):
        for found, exact in zip(f(Foreign(array)), (np.exp(array @ array.T), np.tanh(array)), strict=True):
            near(np.asarray(found), exact)


def test_what_the_host_has_to_read_is_not_recorded() -> None:
    x = gx.input("x", ())
    y = gx.while_loop(lambda a: a < 100, lambda a: a * 2, x)
    f, emulator = on_device([x], y)
    for start, end in ((3.0, 192.0), (200.0, 200.0), (50.0, 100.0)):
        assert f(np.float32(start)) == end
    assert not emulator.recorded
