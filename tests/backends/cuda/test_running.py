"""Calls on a device, which is emulated: variables that stay there, errors, threads."""

import gc
from threading import Thread
from typing import Any

import numpy as np
import pytest

import graphc as gx
from graphc.backends.cuda.emulation.emulator import EmulatedCode
from tests.backends.cuda.calls import Foreign, Trained, aligned, on_device
from tests.backends.cuda.emulated import NEEDS_COMPILER, near

pytestmark = NEEDS_COMPILER


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


def test_a_launch_tells_how_large_its_arrays_are(monkeypatch: pytest.MonkeyPatch) -> None:
    found: list[tuple[int | None, ...]] = []
    launch = EmulatedCode.launch

    def noted(code: EmulatedCode, *given: Any) -> None:
        found.append(tuple(given[-1]()))
        launch(code, *given)

    monkeypatch.setattr(EmulatedCode, "launch", noted)
    x = gx.input("x", ("n", 3))
    sums, _ = gx.scan(lambda total, row: (total + row, total), gx.zeros((3,)), gx.exp(x))
    f, _ = on_device([x], [sums, x.mT @ x])
    f(Foreign(aligned(np.ones((5, 3), np.float32))))
    rows = 5 * 3 * 4
    assert {bytes for extents in found for bytes in extents} == {rows, 3 * 4, 3 * 3 * 4, None}
    assert (12, 12) in found  # the step of the loop sees a row


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
