"""GPUs, over a driver that is emulated."""

import gc
import inspect
import sys
import weakref
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

import graphc as gx
from graphc.backends.cuda import driver
from graphc.backends.cuda import gpu as module
from graphc.backends.cuda.arrays import DeviceArray, DeviceSpace, allocated, told
from graphc.backends.cuda.dlpack import exported
from graphc.backends.cuda.emulation.emulator import Emulator
from graphc.backends.cuda.gpu import Gpu, _Functions
from tests.backends.cuda.emulated import NEEDS_COMPILER, made_at_once, near
from tests.backends.cuda.fake_driver import FakeDriver, install


class Models:
    """Some functions, on a GPU."""

    def __init__(self) -> None:
        rng = np.random.default_rng(0)
        self.x = gx.input("x", ("n", 6))
        self.w = gx.param("w", rng.standard_normal((6, 6)).astype(np.float32))
        y = gx.softmax(gx.tanh(self.x @ self.w), 1)
        sums, _ = gx.scan(lambda total, row: (total * 0.5 + row, total), gx.zeros((6,)), y)
        many = gx.while_loop(lambda a: gx.sum(a) < 100, lambda a: a * 2, gx.exp(sums))
        self.plain = [
            gx.compile([self.x], [y, sums], updates={self.w: self.w * 0.9}, backend="numpy"),
            gx.compile([self.x], many, backend="numpy"),
            gx.compile([self.x], gx.exp(self.x) * 3, backend="numpy"),
        ]
        self.emulator = Emulator(apart=False)
        self.driver = FakeDriver(self.emulator)
        self.device = Gpu(0)
        self.functions = made_at_once(self.plain, self.emulator, self.device)
        artifacts = [function.artifact for function in self.functions]
        self.driver.entries = {artifact.source: artifact.notes.entries for artifact in artifacts}


@pytest.fixture(scope="module")
def models() -> Iterator[Models]:
    with pytest.MonkeyPatch.context() as patch:
        made = Models()
        install(patch, made.driver)
        patch.setattr(module, "image_for", lambda source, capability: source.encode())
        yield made


@NEEDS_COMPILER
def test_functions_run_by_calls_of_the_driver(models: Models) -> None:
    rng = np.random.default_rng(1)
    for place in range(4):
        x = rng.standard_normal((5, 6)).astype(np.float32)
        start = models.w.value
        expected = models.plain[0](x)
        after = models.w.value
        models.w.value = start
        for found, exact in zip(models.functions[0](x), expected, strict=True):
            near(found, exact)
        near(models.w.value, after)
        near(models.functions[1](x), models.plain[1](x))
        assert ("cuGraphLaunch", 2) in models.driver.used or place == 0


@NEEDS_COMPILER
def test_arrays_on_the_gpu_go_through_without_a_copy_to_the_host(models: Models) -> None:
    x = np.ones((3, 6), np.float32)
    memory = models.emulator.allocate(x.nbytes)
    models.emulator.upload(memory.address, x)
    y, _ = models.functions[0](DeviceArray(x.shape, x.dtype, memory.address, models.device, memory))
    assert isinstance(y, DeviceArray)
    assert y.__dlpack_device__() == (2, 0)
    shown = y.__cuda_array_interface__
    assert (shown["shape"], shown["typestr"], shown["data"]) == ((3, 6), "<f4", (y.address, False))
    models.driver.streams.clear()
    for stream in (None, 1, -1, 4711):
        y.__dlpack__(stream=stream)
    assert models.driver.streams == [4711]
    with pytest.raises(BufferError):
        y.__dlpack__(copy=True)


@NEEDS_COMPILER
def test_memory_is_given_back_to_the_driver(models: Models) -> None:
    before = len(models.driver.memory)
    memory = allocated(models.device, 100, "a test")
    assert len(models.driver.memory) == before + 1
    del memory
    assert len(models.driver.memory) == before


@NEEDS_COMPILER
def test_memory_that_goes_leaves_a_thread_on_the_device_where_it_works(models: Models) -> None:
    memory = allocated(models.device, 100, "a test")
    models.driver.contexts[-1] = "another device"
    del memory
    assert models.driver.contexts == ["another device"]
    models.driver.contexts[-1] = "none"


@NEEDS_COMPILER
@pytest.mark.parametrize("others", ["none", "another device"])
def test_calls_leave_a_thread_on_the_device_where_it_works(models: Models, others: str) -> None:
    models.driver.contexts[-1] = others
    x = np.ones((4, 6), np.float32)
    for _ in range(3):
        models.functions[2](DeviceSpace(models.device).uploaded(x))
        models.functions[0](x)
    assert models.device.is_there
    models.driver.statuses["cuLaunchKernel"] = 700
    try:
        with pytest.raises(gx.DeviceError):
            models.functions[2](x)
    finally:
        models.driver.statuses.clear()
    assert models.driver.contexts == [others]
    models.driver.contexts[-1] = "none"


@NEEDS_COMPILER
def test_functions_go_from_the_gpu_when_nobody_holds_them(models: Models) -> None:
    gc.collect()
    gc.disable()
    try:
        before = len(models.driver.modules), models.driver.graphs, len(models.driver.memory)
        (f,) = made_at_once(models.plain[2:], models.emulator, models.device)
        (g,) = made_at_once(models.plain[:1], models.emulator, models.device)
        for _ in range(3):
            f(np.ones((7, 6), np.float32))
            g(np.ones((7, 6), np.float32))
        assert len(models.driver.modules) == before[0] + 2
        assert models.driver.graphs > before[1]
        del f, g
        assert (len(models.driver.modules), models.driver.graphs, len(models.driver.memory)) == before
    finally:
        gc.enable()


@NEEDS_COMPILER
def test_memory_of_the_host_that_the_device_reads_by_itself_may_change_after_a_call(models: Models) -> None:
    space, x = DeviceSpace(models.device), np.ones((4, 6), np.float32)
    before = models.driver.waits
    space.uploaded(x)
    assert models.driver.waits == before
    models.driver.pinned.add(x.ctypes.data)
    space.uploaded(x)
    assert models.driver.waits == before + 1
    models.driver.pinned.clear()


@NEEDS_COMPILER
def test_batches_in_new_places_ask_for_one_recording(models: Models) -> None:
    (f,) = made_at_once(models.plain[:1], models.emulator, models.device)
    space, rng = DeviceSpace(models.device), np.random.default_rng(2)
    batches = [rng.standard_normal((4, 6)).astype(np.float32) for _ in range(12)]
    there = [space.uploaded(batch) for batch in batches]
    start, before = models.w.value, models.driver.graphs
    expected = [[np.asarray(y) for y in models.plain[0](batch)] for batch in batches]
    models.w.value = start
    kept = [f(array) for array in there]
    for found, exact in zip(kept, expected, strict=True):
        for x, y in zip(found, exact, strict=True):
            near(x, y)
    assert models.driver.graphs == before + 1


@NEEDS_COMPILER
def test_where_a_recording_cannot_be_changed_it_is_made_anew(models: Models) -> None:
    (f,) = made_at_once(models.plain[:1], models.emulator, models.device)
    space, kept = DeviceSpace(models.device), []
    models.driver.statuses["cuGraphExecKernelNodeSetParams"] = 1
    try:
        for number in range(4):
            array, start = np.full((4, 6), number / 4, np.float32), models.w.value
            kept.append(f(space.uploaded(array)))
            models.w.value = start
            for found, exact in zip(kept[-1], models.plain[0](array), strict=True):
                near(found, exact)
    finally:
        models.driver.statuses.clear()


@NEEDS_COMPILER
def test_arrays_of_others_are_let_go_when_what_reads_them_is_done(models: Models) -> None:
    class Theirs:
        def __init__(self) -> None:
            self.array = models.emulator.allocate(96)

        def __dlpack_device__(self) -> tuple[int, int]:
            return 2, 0

        def __dlpack__(self, **given: object) -> object:
            return exported(self.array.address, (4, 6), np.dtype(np.float32), (2, 0), self)

    theirs = Theirs()
    seen = weakref.ref(theirs)
    y = models.functions[2](theirs)
    del theirs
    np.asarray(y)
    gc.collect()
    assert seen() is None


@NEEDS_COMPILER
def test_a_signal_that_comes_while_steps_are_recorded_may_read_a_variable(
    models: Models, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = gx.param("other", np.full(3, 5, np.float32))
    (reads,) = made_at_once([gx.compile([], other * 2, backend="numpy")], models.emulator, models.device)
    artifact = reads.artifact
    models.driver.entries = {**models.driver.entries, artifact.source: artifact.notes.entries}
    reads()
    assert other.op.stored.resident.is_away  # type: ignore[attr-defined]
    found: list[Any] = []
    launch = _Functions.launch

    def interrupted(*given: Any) -> None:
        if models.driver.captured is not None:
            found.append(other.value)
        launch(*given)

    monkeypatch.setattr(_Functions, "launch", interrupted)
    (f,) = made_at_once(models.plain[:1], models.emulator, models.device)
    for _ in range(3):
        f(np.ones((3, 6), np.float32))
    assert found
    assert all((value == 5).all() for value in found)


@NEEDS_COMPILER
def test_a_recording_that_is_interrupted_at_its_beginning_is_no_bar_to_the_next(
    models: Models, monkeypatch: pytest.MonkeyPatch
) -> None:
    begin = FakeDriver.custreambegincapture

    def interrupted(driver: FakeDriver, stream: int, mode: object) -> Any:
        begin(driver, stream, mode)
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(FakeDriver, "custreambegincapture", interrupted)
        with pytest.raises(KeyboardInterrupt):
            models.device.record(lambda: None)
    models.device.record(lambda: None).run()


@NEEDS_COMPILER
def test_a_fault_names_the_kernel_and_the_line(models: Models) -> None:
    f, array = models.functions[2], np.ones((4, 6), np.float32)
    f(array)
    for failing in ("cuLaunchKernel", "cuStreamSynchronize"):
        models.driver.statuses[failing] = 700
        with pytest.raises(gx.DeviceError, match=r"failed in kernel_0: CUDA_ERROR_SOME, number 700") as raised:
            f(array)
        assert "gx.exp(self.x) * 3" in str(raised.value)
        models.driver.statuses.clear()
    near(f(array), np.exp(array) * 3)


@NEEDS_COMPILER
def test_a_fault_that_the_next_call_hears_of_names_the_kernel_and_the_line(models: Models) -> None:
    f = models.functions[2]
    x = DeviceSpace(models.device).uploaded(np.ones((4, 6), np.float32))
    told(models.device, models.device.wait)
    f(x)
    models.driver.statuses["cuMemAllocFromPoolAsync"] = 700
    try:
        with pytest.raises(gx.DeviceError, match=r"failed in kernel_0: CUDA_ERROR_SOME, number 700") as raised:
            f(x)
    finally:
        models.driver.statuses.clear()
    assert "gx.exp(self.x) * 3" in str(raised.value)


@NEEDS_COMPILER
def test_a_fault_after_calls_of_several_functions_blames_none_of_them_alone(models: Models) -> None:
    x = gx.input("x", ("n", 6))
    plain = [gx.compile([x], y, backend="numpy") for y in (gx.exp(x) + 1, gx.tanh(x) + 2)]
    functions = made_at_once(plain, models.emulator, models.device)
    for function in functions:
        artifact = function.artifact
        models.driver.entries = {**models.driver.entries, artifact.source: artifact.notes.entries}
    array = DeviceSpace(models.device).uploaded(np.ones((4, 6), np.float32))
    told(models.device, models.device.wait)
    functions[0](array)
    y = functions[1](array)
    for _ in range(300):
        functions[1](array)
    models.driver.statuses["cuStreamSynchronize"] = 700
    try:
        with pytest.raises(gx.DeviceError, match=r"failed in one of the kernels kernel_0: ") as raised:
            np.asarray(y)
    finally:
        models.driver.statuses.clear()
    assert "gx.exp(x) + 1" in str(raised.value)


@NEEDS_COMPILER
@pytest.mark.parametrize(
    ("failing", "status", "error"),
    [
        ("cuModuleLoadData", 222, gx.DeviceError),
        ("cuModuleLoadData", 2, gx.DeviceMemoryError),
        ("cuGraphInstantiate", 2, gx.DeviceMemoryError),
        ("cuMemAllocFromPoolAsync", 801, gx.DeviceError),
    ],
)
def test_whatever_the_driver_refuses_is_an_error_of_graphc(
    models: Models, failing: str, status: int, error: type[gx.GraphError]
) -> None:
    (f,) = made_at_once(models.plain[:1], models.emulator, models.device)
    array = np.ones((3, 6), np.float32)
    if failing == "cuGraphInstantiate":
        f(array)  # the next call records
    models.driver.statuses[failing] = status
    try:
        with pytest.raises(error, match=f"number {status}"):
            f(array)
    finally:
        models.driver.statuses.clear()


@NEEDS_COMPILER
def test_debug_mode_says_which_of_several_kernels_failed(models: Models) -> None:
    f, array = models.functions[0], np.ones((4, 6), np.float32)
    models.driver.statuses["cuStreamSynchronize"] = 700
    try:
        with pytest.raises(gx.DeviceError, match=r"failed in one of the kernels kernel_0, kernel_1"):
            f(array)
        models.driver.statuses.clear()
        f.debug = True
        f(array)  # now variables are on the host
        models.driver.statuses["cuStreamSynchronize"] = 700
        with pytest.raises(gx.DeviceError, match=r"failed in kernel_0: ") as raised:
            f(array)
        assert "self.x @ self.w" in str(raised.value)
    finally:
        f.debug = False
        models.driver.statuses.clear()


@NEEDS_COMPILER
def test_no_memory_is_told_with_bytes(models: Models) -> None:
    trims = models.driver.trims
    models.driver.statuses["cuMemAllocFromPoolAsync"] = 2
    with pytest.raises(MemoryError, match=r"takes .* bytes, and of .* bytes of the device .* are free"):
        models.functions[0](np.ones((40, 6), np.float32))
    models.driver.statuses.clear()
    assert models.driver.trims > trims


@NEEDS_COMPILER
def test_more_blocks_than_the_device_runs_are_refused_at_the_call(models: Models) -> None:
    models.driver.attributes["CU_DEVICE_ATTRIBUTE_MAX_GRID_DIM_X"] = 3
    (f,) = made_at_once(models.plain[2:], models.emulator, Gpu(0))
    f(np.ones((8, 6), np.float32))
    with pytest.raises(
        gx.ShapeError, match=r"kernel_0 needs \d+ blocks of 256 threads, and the device runs 3 of 1024"
    ) as raised:
        f(np.ones((10_000, 6), np.float32))
    assert "gx.exp(self.x)" in str(raised.value)
    models.driver.attributes["CU_DEVICE_ATTRIBUTE_MAX_GRID_DIM_X"] = (1 << 31) - 1


@NEEDS_COMPILER
def test_what_is_called_is_in_the_package(models: Models) -> None:
    with pytest.MonkeyPatch.context() as patch:
        for name in ("cuda", "cuda.bindings"):
            patch.delitem(sys.modules, name)
        real = pytest.importorskip("cuda.bindings.driver", reason="cuda-bindings is not installed")
    for name, count in sorted(models.driver.used):
        head = (inspect.getdoc(getattr(real, name)) or "").splitlines()[0]
        inside = head[head.index("(") + 1 : head.rindex(")")]
        assert count == (inside.count(",") + 1 if inside else 0), head
    for name in sorted(models.driver.constants):
        found: Any = real
        for part in name.split("."):
            found = getattr(found, part)
    assert int(real.CUresult.CUDA_ERROR_OUT_OF_MEMORY) == driver.OUT_OF_MEMORY
    assert (int(real.CUresult.CUDA_ERROR_NO_DEVICE), int(real.CUresult.CUDA_ERROR_INVALID_DEVICE)) == driver.NO_DEVICES
