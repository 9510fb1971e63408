"""GPUs, by the functions of NVIDIA's driver, as its package cuda-bindings has them.

All work goes to the default stream of the process, so that it is ordered with what torch and cupy do there.
"""

import ctypes
import weakref
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from functools import cache, cached_property
from threading import RLock, local
from typing import Any, NoReturn, final

import numpy as np

from graphc.backends.cuda.device import (
    WITHOUT,
    Array,
    Code,
    Device,
    DriverError,
    FullError,
    Limits,
    Memory,
    Recording,
    contiguous,
)
from graphc.backends.cuda.dlpack import CUDA
from graphc.backends.cuda.host import Launch
from graphc.backends.cuda.module import Entry
from graphc.backends.cuda.nvrtc import image_for
from graphc.errors import UnsupportedError

__all__ = ["Gpu", "gpu"]

LEAST_DRIVER = 13000  # what code of NVRTC 13.0 needs
LEAST_CAPABILITY = (8, 0)
OUT_OF_MEMORY = 2
NO_DEVICES = (100, 101)  # none there, or none of this number
DEFAULT_STREAMS = (None, 0, 1)
HELD = 64  # calls whose arrays are kept until they are done


@cache
def gpu(ordinal: int = 0) -> "Gpu":
    """A GPU of this machine.  Nothing is loaded and nothing raised before it is used."""
    return Gpu(ordinal)


@final
@dataclass(frozen=True)
class _Opened:
    """The driver, with the context of one device."""

    api: Any
    context: Any
    default: Any
    recorder: Any
    limits: Limits
    architecture: int
    name: str

    def done(self, result: tuple[Any, ...]) -> Any:
        """What a function of the driver gave, without its status.  Raises DriverError."""
        status, *values = result
        if int(status):
            raise (FullError if int(status) == OUT_OF_MEMORY else DriverError)(_said(self.api, status))
        return values[0] if values else None

    def enter(self) -> None:
        """Let the thread that calls use the device."""
        self.done(self.api.cuCtxSetCurrent(self.context))

    def free(self, address: int) -> None:
        """Give memory back, when all that was begun before is done.  After a fault there is nothing to give back.

        It may come at any moment, as finalisers do, in a thread that is at work on another device.
        """
        if not int(self.api.cuCtxPushCurrent(self.context)[0]):
            self.api.cuMemFreeAsync(address, self.default)
            self.api.cuCtxPopCurrent()


@final
@dataclass(frozen=True)
class Gpu(Device):
    """One GPU."""

    ordinal: int
    pending: dict[Launch, None] = field(default_factory=dict, compare=False)
    _held: deque[tuple[Any, tuple[object, ...]]] = field(default_factory=deque, compare=False)
    _turn: AbstractContextManager[bool] = field(default_factory=RLock, compare=False)  # a signal may come inside
    _thread: local = field(default_factory=local, compare=False)

    @cached_property
    def _opened(self) -> _Opened:
        return _opened(self.ordinal)

    @property
    def is_there(self) -> bool:
        try:
            self.enter()
        except (UnsupportedError, DriverError):
            return False
        return True

    @property
    def limits(self) -> Limits:
        return self._opened.limits

    @property
    def place(self) -> tuple[int, int]:
        return CUDA, self.ordinal

    @property
    def stream(self) -> int:
        return 1  # the default one

    @property
    def _stream(self) -> Any:
        """Where this thread puts what can be recorded: while it records, elsewhere."""
        return getattr(self._thread, "stream", self._opened.default)

    @property
    def name(self) -> str:
        """What its maker calls it."""
        return self._opened.name

    def enter(self) -> None:
        self._opened.enter()

    def code(self, source: str, entries: Sequence[Entry]) -> "_Functions":
        opened = self._opened
        opened.enter()
        module = opened.done(opened.api.cuModuleLoadData(image_for(source, opened.architecture)))
        functions = {
            entry.name: opened.done(opened.api.cuModuleGetFunction(module, entry.name.encode())) for entry in entries
        }
        return _Functions(self, functions)

    # Memory.

    def allocate(self, bytes: int) -> "_Memory":
        opened = self._opened
        opened.enter()
        address = int(opened.done(opened.api.cuMemAllocAsync(max(bytes, 1), opened.default)))
        memory = _Memory(address, bytes)
        weakref.finalize(memory, opened.free, address).atexit = False
        return memory

    def arena(self, bytes: int) -> "_Memory":
        return self.allocate(bytes)

    def free_bytes(self) -> int:
        return int(self._opened.done(self._opened.api.cuMemGetInfo()))

    def upload(self, address: int, array: Array) -> None:
        if array.nbytes:
            whole = np.ascontiguousarray(array)
            opened = self._opened
            opened.done(opened.api.cuMemcpyHtoDAsync(address, whole.ctypes.data, whole.nbytes, opened.default))

    def download(self, array: Array, address: int) -> None:
        if array.nbytes:
            with contiguous(array) as whole:
                opened = self._opened
                opened.done(opened.api.cuMemcpyDtoHAsync(whole.ctypes.data, address, whole.nbytes, opened.default))
                self.wait()

    def copy(self, to: int, of: int, bytes: int) -> None:
        if bytes and to != of:
            self._opened.done(self._opened.api.cuMemcpyDtoDAsync(to, of, bytes, self._stream))

    def fill(self, address: int, value: int, bytes: int) -> None:
        api = self._opened.api
        words = {1: api.cuMemsetD8Async, 2: api.cuMemsetD16Async}.get(bytes, api.cuMemsetD32Async)
        width = min(bytes, 4)
        for part in range(0, bytes, width):
            word = value >> 8 * part & (1 << 8 * width) - 1
            self._opened.done(words(address + part, word, 1, self._stream))

    # Order.

    def record(self, work: Callable[[], None]) -> "_Graph":
        opened = self._opened
        api = opened.api
        with self._turn:
            try:
                relaxed = api.CUstreamCaptureMode.CU_STREAM_CAPTURE_MODE_RELAXED
                opened.done(api.cuStreamBeginCapture(opened.recorder, relaxed))
                self._thread.stream = opened.recorder
                work()
            finally:  # also where a Ctrl-C came before the stream was noted
                vars(self._thread).pop("stream", None)
                result = api.cuStreamEndCapture(opened.recorder)
            graph = opened.done(result)
            made = opened.done(api.cuGraphInstantiate(graph, 0))
            opened.done(api.cuGraphDestroy(graph))
        recording = _Graph(opened, made)
        weakref.finalize(recording, api.cuGraphExecDestroy, made).atexit = False
        return recording

    def follow(self, stream: int | None) -> None:
        if stream in DEFAULT_STREAMS or stream == -1:  # its own, or of somebody who needs no order
            return
        opened = self._opened
        event = self._event()
        opened.done(opened.api.cuStreamWaitEvent(opened.api.CUstream(stream), event, 0))
        opened.done(opened.api.cuEventDestroy(event))

    def hold(self, *things: object) -> None:
        opened, done = self._opened, []  # what is let go may call others: not while the turn is held
        with self._turn:
            while self._held:
                try:
                    held = self._held.popleft()
                except IndexError:  # a call of a signal, which came in between, let the last ones go
                    break
                event, _ = held
                if len(self._held) < HELD - 1 and int(opened.api.cuEventQuery(event)[0]):
                    self._held.appendleft(held)
                    break
                opened.done(opened.api.cuEventSynchronize(event))
                done.append(held)
                opened.done(opened.api.cuEventDestroy(event))
            if things:
                self._held.append((self._event(), things))
        done.clear()

    def _event(self) -> Any:
        """One that comes when all that was begun is done."""
        opened = self._opened
        flags = opened.api.CUevent_flags.CU_EVENT_DISABLE_TIMING
        event = opened.done(opened.api.cuEventCreate(flags))
        opened.done(opened.api.cuEventRecord(event, opened.default))
        return event

    def wait(self) -> None:
        self._opened.done(self._opened.api.cuStreamSynchronize(self._opened.default))
        self.pending.clear()
        self.hold()  # what was kept for what is done now goes


@final
@dataclass(frozen=True, eq=False)
class _Memory(Memory):
    address: int
    bytes: int


@final
@dataclass(frozen=True, eq=False)
class _Functions(Code):
    """Functions, which stay loaded as long as the process."""

    device: Gpu
    functions: dict[str, Any]

    def launch(self, name: str, blocks: int, threads: int, arguments: Sequence[int]) -> None:
        opened, stream = self.device._opened, self.device._stream
        values = (ctypes.c_int64 * max(len(arguments), 1))(*arguments)  # addresses and integers: 8 bytes each
        first = ctypes.addressof(values)
        pointers = (ctypes.c_void_p * max(len(arguments), 1))(*[first + 8 * n for n in range(len(arguments))])
        where = (blocks, 1, 1, threads, 1, 1, 0, stream)
        opened.done(opened.api.cuLaunchKernel(self.functions[name], *where, ctypes.addressof(pointers), 0))


@final
@dataclass(frozen=True, eq=False)
class _Graph(Recording):
    opened: _Opened
    made: Any

    def run(self) -> None:
        self.opened.done(self.opened.api.cuGraphLaunch(self.made, self.opened.default))


def _opened(ordinal: int) -> _Opened:
    """The driver.  Raises UnsupportedError that says what is missing."""
    try:
        from cuda.bindings import driver as api
    except ImportError:
        _refuse("NVIDIA's package cuda-bindings is not installed: pip install 'graphc[cuda]'")
    try:
        status = api.cuInit(0)[0]
    except RuntimeError:  # of cuda-pathfinder, which found no libcuda
        _refuse("this machine has no NVIDIA driver")
    if int(status) in NO_DEVICES:
        _refuse("the NVIDIA driver finds no GPU")
    if int(status):
        _refuse(f"the NVIDIA driver does not start: {_said(api, status)}")
    version, count = (int(api.cuDriverGetVersion()[1]), int(api.cuDeviceGetCount()[1]))
    if version < LEAST_DRIVER:
        _refuse(f"the NVIDIA driver is of CUDA {_version(version)}, and {_version(LEAST_DRIVER)} is needed")
    if ordinal >= count:
        _refuse(f"there is no GPU {ordinal}: the NVIDIA driver finds {count}")
    device = api.cuDeviceGet(ordinal)[1]
    attributes = api.CUdevice_attribute

    def attribute(name: str) -> int:
        return int(api.cuDeviceGetAttribute(getattr(attributes, f"CU_DEVICE_ATTRIBUTE_{name}"), device)[1])

    capability = (attribute("COMPUTE_CAPABILITY_MAJOR"), attribute("COMPUTE_CAPABILITY_MINOR"))
    if capability < LEAST_CAPABILITY:
        least = ".".join(map(str, LEAST_CAPABILITY))
        _refuse(f"the GPU is of compute capability {capability[0]}.{capability[1]}, and {least} is needed")
    status, context = api.cuDevicePrimaryCtxRetain(device)
    if int(status):
        _refuse(f"the GPU does not start: {_said(api, status)}")
    api.cuCtxSetCurrent(context)
    _keep_freed(api, device)
    recorder = api.cuStreamCreate(api.CUstream_flags.CU_STREAM_NON_BLOCKING)[1]
    limits = Limits(
        attribute("MAX_GRID_DIM_X"), attribute("MAX_THREADS_PER_BLOCK"), int(api.cuDeviceTotalMem(device)[1])
    )
    name = _text(api.cuDeviceGetName(256, device)[1]).rstrip("\0")
    return _Opened(api, context, api.CUstream(1), recorder, limits, 10 * capability[0] + capability[1], name)


def _keep_freed(api: Any, device: Any) -> None:
    """Let memory that is given back wait for the next that asks, and not go back to the driver at each pause."""
    pool = api.cuDeviceGetDefaultMemPool(device)[1]
    every = api.cuuint64_t((1 << 64) - 1)
    api.cuMemPoolSetAttribute(pool, api.CUmemPool_attribute.CU_MEMPOOL_ATTR_RELEASE_THRESHOLD, every)


def _refuse(why: str) -> NoReturn:
    raise UnsupportedError(f"the cuda backend runs nothing here: {why}", hint=WITHOUT)


def _said(api: Any, status: Any) -> str:
    """A status in words."""
    name, text = (function(status)[1] for function in (api.cuGetErrorName, api.cuGetErrorString))
    return f"{_text(name)}, {_text(text)}"


def _text(given: object) -> str:
    return given.decode() if isinstance(given, bytes) else str(given)


def _version(number: int) -> str:
    return f"{number // 1000}.{number % 1000 // 10}"
