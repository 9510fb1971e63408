"""Calls on a device, which is emulated: arrays in and out, variables that stay there, recordings, errors."""

import gc
from collections.abc import Sequence
from threading import Thread
from typing import Any

import numpy as np
import pytest

import graphc as gx
from graphc.backends.cuda.arrays import DeviceArray
from graphc.backends.cuda.emulation.emulator import Emulator, Recorded
from tests.backends.cuda.emulated import NEEDS_COMPILER, made_at_once, near
from tests.case import Array

pytestmark = NEEDS_COMPILER


class Foreign:
    """An array of another library on the device: all that is known of it is DLPack."""

    def __init__(self, array: Array) -> None:
        self.array = array

    def __dlpack_device__(self) -> tuple[int, int]:
        return 1, 0

    def __dlpack__(self, **given: object) -> object:
        return self.array.__dlpack__()


def aligned(array: Array) -> Array:
    """The same where vectors of 16 bytes may begin."""
    room = np.empty(array.nbytes + 64, np.uint8)
    start = -room.ctypes.data % 64
    found = room[start : start + array.nbytes].view(array.dtype).reshape(array.shape)
    found[...] = array
    return found


def on_device(
    inputs: Any, outputs: Any, updates: Any = None, emulator: Emulator | None = None
) -> tuple[gx.CompiledFunction, Emulator]:
    """A function that an emulated device runs in an arena."""
    device = emulator or Emulator(apart=False)
    plain = gx.compile(inputs, outputs, updates=updates, backend="numpy")
    return made_at_once([plain], device)[0], device


class Model:
    """Two layers, and what trains them."""

    def __init__(self) -> None:
        rng = np.random.default_rng(0)
        self.x, self.t = gx.input("x", ("batch", 12)), gx.input("t", ("batch",), "int64")
        self.w = gx.param("w", rng.standard_normal((12, 20)).astype(np.float32) * 0.3)
        self.v = gx.param("v", rng.standard_normal((20, 5)).astype(np.float32) * 0.3)
        self.y = gx.tanh(self.x @ self.w) @ self.v
        self.loss = gx.mean(gx.square(gx.logsumexp(self.y, 1) - gx.astype(self.t, "float32")))
        self.updates = gx.optim.Adam([self.w, self.v], 0.01)(gx.grad(self.loss, [self.w, self.v]))

    def batches(self, sizes: Sequence[int]) -> list[tuple[Array, Array]]:
        rng = np.random.default_rng(1)
        return [(rng.standard_normal((n, 12)).astype(np.float32), rng.integers(0, 5, n)) for n in sizes]


class Trained:
    """A model, what trains it on a device, what looks at it there, and what it was at first."""

    def __init__(self) -> None:
        self.model, self.emulator = Model(), Emulator(apart=False)
        plain = [
            gx.compile([self.model.x, self.model.t], self.model.loss, updates=self.model.updates, backend="numpy"),
            gx.compile([self.model.x], self.model.y, backend="numpy"),
        ]
        self.plain = plain[0]
        self.step, self.looks = made_at_once(plain, self.emulator)
        self.start = {variable: variable.value for variable in self.step.variables}

    def reset(self) -> None:
        """Let all be as at first."""
        for variable, value in self.start.items():
            variable.value = value
        self.step.release()
        self.looks.release()
        self.emulator.recorded.clear()

    def expected(self, batches: Sequence[tuple[Array, Array]]) -> tuple[list[Any], list[Array]]:
        """The losses and last values that NumPy finds.  Variables are then what they were at first."""
        losses, after = (
            [self.plain(*batch) for batch in batches],
            [variable.value for variable in self.step.variables],
        )
        self.reset()
        return losses, after


@pytest.fixture(scope="module")
def once() -> Trained:
    return Trained()


@pytest.fixture
def trained(once: Trained) -> Trained:
    once.reset()
    return once


def test_training_steps_stay_on_the_device_and_are_recorded_for_each_set_of_sizes(trained: Trained) -> None:
    model, step, emulator = trained.model, trained.step, trained.emulator
    batches = model.batches([8, 8, 8, 5, 5, 5, 8])
    expected, after = trained.expected(batches)
    near(np.array([step(*batch) for batch in batches]), np.array(expected))
    assert emulator.recorded == {"made": 2, "run": 5}
    for variable, value in zip(step.variables, after, strict=True):
        near(variable.value, value)
    assert (model.w.op.stored.array != model.w.value).any()  # type: ignore[attr-defined]


def test_variables_come_back_for_functions_of_other_backends(trained: Trained) -> None:
    model, step = trained.model, trained.step
    batches = model.batches([8] * 6)
    expected, _ = trained.expected(batches)
    host = gx.compile([model.x, model.t], model.loss, updates=model.updates)
    looks = gx.compile([model.x], model.y)
    found = []
    for place, batch in enumerate(batches):
        found.append((host if place in (2, 4) else step)(*batch))
        near(looks(batch[0]), np.tanh(batch[0] @ model.w.value) @ model.v.value)
    near(np.array(found), np.array(expected))


def test_native_calls_see_variables_that_were_away(trained: Trained) -> None:
    model, step = trained.model, trained.step
    looks = gx.compile([model.x], model.y)
    ((x, t),) = model.batches([4])
    for _ in range(5):  # its shortcut is made
        looks(x)
    step(x, t)
    near(looks(x), np.tanh(x @ model.w.value) @ model.v.value)
    for _ in range(3):
        looks(x)
    step(x, t)
    near(looks(x), np.tanh(x @ model.w.value) @ model.v.value)


def test_guards_that_are_joined_know_what_is_away(trained: Trained) -> None:
    model, step = trained.model, trained.step
    ((x, t),) = model.batches([4])
    other = gx.param("other", np.ones(5, np.float32))
    gx.compile([model.x], model.x[:, :5] + other)
    step(x, t)
    looks = gx.compile([model.x], gx.tanh(model.x @ model.w) @ model.v * other)  # `other` is asked for first, or last
    for _ in range(5):
        near(looks(x), np.tanh(x @ model.w.value) @ model.v.value)
        step(x, t)
    near(looks(x), np.tanh(x @ model.w.value) @ model.v.value)
    guard = model.w.op.stored.guard.root()  # type: ignore[attr-defined]
    assert len(guard.away) == len(guard.inside) == len(step.variables) - 2  # the slots of Adam
    trained.reset()
    assert not guard.away
    assert not guard.inside


def test_a_variable_that_nobody_holds_is_away_no_more() -> None:
    x, w, kept = gx.input("x", (3,)), gx.param("w", np.ones(3, np.float32)), gx.param("kept", np.ones(3, np.float32))
    f, _ = on_device([x], x + w + kept)
    f(np.ones(3, np.float32))
    guard = kept.op.stored.guard  # type: ignore[attr-defined]
    assert len(guard.root().away) == 2
    del f, w
    gc.collect()
    assert len(guard.root().away) == 1


def test_a_value_that_is_assigned_is_the_one_that_the_next_call_reads(trained: Trained) -> None:
    model, step = trained.model, trained.step
    ((x, t),) = model.batches([4])
    step(x, t)
    model.v.value = np.zeros((20, 5), np.float32)
    assert (model.v.value == 0).all()
    near(step(x, t), np.mean((np.log(np.float32(5)) - t.astype(np.float32)) ** 2, dtype=np.float32))


def test_saved_source_has_the_values_of_now(trained: Trained, tmp_path: Any) -> None:
    model, step = trained.model, trained.step
    ((x, t),) = model.batches([4])
    step(x, t)
    written = gx.compile([model.x], model.y, backend="cuda")
    written.save_source(tmp_path / "model.cu")
    saved = [np.load(tmp_path / f"model_w{place}.npy") for place, _ in enumerate(written.stored)]
    for variable, array in zip(written.stored, saved, strict=True):
        np.testing.assert_array_equal(variable.value, array)


def test_functions_that_share_a_device_share_variables_there(trained: Trained) -> None:
    model, step, looks = trained.model, trained.step, trained.looks
    ((x, t),) = model.batches([4])
    step(x, t)
    copies = [variable.op.stored.resident for variable in (model.w, model.v)]  # type: ignore[attr-defined]
    near(looks(x), np.tanh(x @ model.w.value) @ model.v.value)
    assert all(copy.is_away for copy in copies)


def test_arrays_on_the_device_go_in_and_out_without_a_copy() -> None:
    x = gx.input("x", ("n", 8))
    f, _ = on_device([x], [gx.exp(x), gx.sum(x)])
    given = aligned(np.arange(24, dtype=np.float32).reshape(3, 8) / 8)
    y, total = f(Foreign(given))
    assert isinstance(y, DeviceArray)
    shared: Array = np.from_dlpack(y)  # type: ignore[arg-type]
    assert shared.ctypes.data == y.address
    near(shared, np.exp(given))
    assert float(total) == given.sum()
    near(np.asarray(f(y)[0]), np.exp(np.exp(given)))  # what a call gave, another takes
    del y
    near(shared, np.exp(given))  # who shares memory keeps it


def test_memory_is_given_back_when_nobody_holds_it() -> None:
    x = gx.input("x", (1000,))
    f, emulator = on_device([x], gx.exp(x))
    y = f(Foreign(aligned(np.ones(1000, np.float32))))
    free = emulator.free_bytes()
    shared: Array = np.from_dlpack(y)
    capsule = y.__dlpack__()
    del y, shared
    assert emulator.free_bytes() == free
    del capsule
    assert emulator.free_bytes() == free + 4000


def test_what_does_not_begin_at_16_bytes_is_copied_first() -> None:
    x = gx.input("x", ("n",))
    f, _ = on_device([x], gx.exp(x))
    given = aligned(np.arange(33, dtype=np.float32) / 8)[1:]
    near(np.asarray(f(Foreign(given))), np.exp(given))


def test_debug_mode_gives_arrays_of_the_same_kind() -> None:
    x = gx.input("x", ("n", 8))
    f, _ = on_device([x], [gx.exp(x), gx.sum(x)])
    given = aligned(np.arange(24, dtype=np.float32).reshape(3, 8) / 8)
    for array in (given, Foreign(given)):
        f.debug = False
        plain = f(array)
        f.debug = True
        for found, exact in zip(f(array), plain, strict=True):
            assert type(found) is type(exact)
            np.testing.assert_array_equal(np.asarray(found), np.asarray(exact))


def test_debug_mode_watches_calls_on_a_device(trained: Trained) -> None:
    model, step = trained.model, trained.step
    ((x, t),) = model.batches([4])
    step.debug = True
    try:
        expected, after = trained.expected([(x, t)] * 2)
        room = aligned(np.zeros((), np.float32))
        near(np.array([step(Foreign(aligned(x)), t), step(x, t, out=Foreign(room)) and room]), np.array(expected))
    finally:
        step.debug = False
    for variable, value in zip(step.variables, after, strict=True):
        near(variable.value, value)


@pytest.mark.parametrize("is_there", [False, True])
def test_an_index_out_of_range_changes_nothing(is_there: bool) -> None:
    table, i = gx.param("table", np.ones((5, 2), np.float32)), gx.input("i", ("n",), "int64")
    f, emulator = on_device([i], gx.sum(gx.take(table, i, axis=0)), {table: table * 2})
    give: Any = Foreign if is_there else lambda array: array
    with pytest.raises(gx.IndexRangeError, match=r"7 is not in -5 \.\. 4"):
        f(give(np.array([1, 7])))
    assert (table.value == 1).all()
    assert [float(f(give(aligned(np.array([1, 2]))))) for _ in range(4)] == [4, 8, 16, 32]
    assert (table.value == 16).all()
    if not is_there:  # it has looked itself: the whole step is one recording
        assert emulator.recorded == {"made": 1, "run": 3}


@pytest.mark.parametrize("is_there", [False, True])
def test_results_are_written_to_arrays_that_are_given(is_there: bool) -> None:
    x = gx.input("x", ("n",))
    f, _ = on_device([x], gx.exp(x))
    given, room = aligned(np.arange(32, dtype=np.float32) / 8), aligned(np.zeros(32, np.float32))
    out: Any = Foreign(room) if is_there else room
    for _ in range(3):
        room.fill(0)
        assert f(given, out=out) is out
        near(room, np.exp(given))
    f(Foreign(given), out=Foreign(given) if is_there else given)  # over what it reads
    near(given, room)


def test_arrays_that_do_not_fit_are_refused() -> None:
    x = gx.input("x", ("n", 4))
    f, _ = on_device([x], gx.exp(x))
    with pytest.raises(gx.DTypeError, match=r"input 'x' is float32; an array of float64 on the device"):
        f(Foreign(np.zeros((2, 4))))
    with pytest.raises(gx.ArgumentError, match="has strides"):
        f(Foreign(np.zeros((4, 2), np.float32).T))
    with pytest.raises(gx.ShapeError, match="axis 1 has 3, not 4"):
        f(Foreign(np.zeros((2, 3), np.float32)))
    with pytest.raises(gx.ShapeError, match="out has shape"):
        f(np.zeros((2, 4), np.float32), out=Foreign(np.zeros((2, 3), np.float32)))


@pytest.mark.parametrize("backend", ["numpy", "llvm"])
def test_functions_of_the_host_write_into_no_array_of_a_device(backend: Any) -> None:
    x = gx.input("x", ("n",))
    f, _ = on_device([x], gx.exp(x))
    y = f(Foreign(aligned(np.zeros(32, np.float32))))
    host = gx.compile([x], x + 1, backend=backend)
    near(host(y), np.full(32, 2, np.float32))  # it reads one, in a copy
    with pytest.raises(gx.ArgumentError, match=r"out holds .*, which lies where the function does not run"):
        host(np.zeros(32, np.float32), out=y)


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


def test_threads_call_one_function_side_by_side(trained: Trained) -> None:
    model, step, looks = trained.model, trained.step, trained.looks
    ((x, t),) = model.batches([4])
    _, after = trained.expected([(x, t)] * 32)
    wrong: list[BaseException] = []

    def work() -> None:
        try:
            for _ in range(8):
                looks(x)
                step(x, t)
        except BaseException as error:
            wrong.append(error)

    threads = [Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong
    for variable, value in zip(step.variables, after, strict=True):
        near(variable.value, value)
