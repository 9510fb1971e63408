"""Memory of a device, which is emulated: what takes it, and when it is given back."""

import gc

import numpy as np
import pytest

import graphc as gx
from graphc.backends.cuda.emulation.emulator import Emulator
from tests.backends.cuda.calls import Trained, on_device
from tests.backends.cuda.emulated import NEEDS_COMPILER, made_at_once, near

pytestmark = NEEDS_COMPILER


@pytest.fixture(scope="module")
def once() -> Trained:
    return Trained()


@pytest.fixture
def trained(once: Trained) -> Trained:
    once.reset()
    return once


def test_no_room_for_the_arena_is_told_with_its_bytes() -> None:
    x = gx.input("x", ("n", 64))
    y = gx.softmax(gx.matmul(x.mT, gx.softmax(gx.matmul(x, x.mT), 1)), 0)
    f, _ = on_device([x], y, emulator=Emulator(apart=False, most=30_000))
    planned = f.memory(n=100).peak_bytes
    with pytest.raises(MemoryError, match=f"the arena of this call takes {planned:,} bytes") as told:
        f(np.zeros((100, 64), np.float32))
    assert isinstance(told.value, gx.DeviceMemoryError)
    f(np.zeros((2, 64), np.float32))


def test_arenas_that_wait_go_before_a_call_finds_no_memory() -> None:
    x = gx.input("x", ("n",))
    emulator = Emulator(apart=False, most=100_000)
    functions = [on_device([x], gx.cumsum(gx.exp(x) * n, 0), emulator=emulator)[0] for n in range(4)]
    array = np.ones(6_000, np.float32)
    for _ in range(2):
        for f in functions:
            f(array)
            f(array[:500])
    with pytest.raises(gx.DeviceMemoryError, match="takes 120,000 bytes"):
        functions[0](np.ones(30_000, np.float32))


def test_a_function_that_nobody_holds_leaves_the_device_at_once(trained: Trained) -> None:
    ((x, t),) = trained.model.batches([4])
    made = trained.step(x, t)
    free = trained.emulator.free_bytes()
    gc.collect()
    gc.disable()
    try:
        plain = [gx.compile([trained.model.x], trained.model.y + n, backend="numpy") for n in range(2)]
        functions = made_at_once(plain, trained.emulator)
        for function in functions:
            for _ in range(4):
                function(x)
        assert trained.emulator.free_bytes() < free
        del function, functions
        assert trained.emulator.free_bytes() == free
    finally:
        gc.enable()
    assert np.isfinite(made)


def test_release_leaves_nothing_on_the_device(trained: Trained) -> None:
    model, step, looks = trained.model, trained.step, trained.looks
    ((x, t),) = model.batches([4])
    _, after = trained.expected([(x, t)] * 3)
    for place in range(3):
        step(x, t)
        near(looks(x), np.tanh(x @ model.w.value) @ model.v.value)
        if place == 1:
            step.release()
            assert all(variable.op.stored.resident.copy is None for variable in step.variables)  # type: ignore[attr-defined]
    for variable, value in zip(step.variables, after, strict=True):
        near(variable.value, value)


def test_memory_says_what_a_device_holds_beside_the_arena() -> None:
    x = gx.input("x", ("n", 64))
    w = gx.param("w", np.ones((64, 32), np.float32))
    table = np.arange(640, dtype=np.float32).reshape(10, 64) / 640
    inputs, outputs = [x], [gx.softmax(x @ gx.constant(table).mT, 1) @ gx.constant(table), gx.cumsum(x @ w, 0)]
    f, emulator = on_device(inputs, outputs, {w: w * 0.9})
    report, free = f.memory(n=100), emulator.free_bytes()
    array = np.ones((100, 64), np.float32)
    f(array)
    assert report.copied_bytes == array.nbytes + report.output_bytes
    assert (report.variable_bytes, report.constant_bytes) == (64 * 32 * 4, table.nbytes)
    beside = report.copied_bytes + report.variable_bytes + report.constant_bytes
    assert free - emulator.free_bytes() == report.peak_bytes + beside
    assert report.call_bytes == report.peak_bytes + report.library_bytes + report.output_bytes + beside
    assert f"variables {report.variable_bytes:,} bytes" in " ".join(str(report).split())
    host = gx.compile(inputs, outputs, updates={w: w * 0.9}, backend="numpy").memory(n=100)
    assert host.copied_bytes == host.variable_bytes == host.constant_bytes == 0
