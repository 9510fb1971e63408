"""GPUs, by the functions of NVIDIA's driver, as its package cuda-bindings has them.

All work goes to the default stream of the process, so that it is ordered with what torch and cupy do there.
"""

import weakref
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import field
from functools import cache, cached_property
from threading import RLock, local
from typing import Any, final

import numpy as np

from graphc.backends.cuda.cublaslt import CublasLt, library
from graphc.backends.cuda.device import Array, Code, Device, Extents, Idle, Limits, Memory, contiguous, with_room
from graphc.backends.cuda.dlpack import CUDA
from graphc.backends.cuda.driver import Opened, opened
from graphc.backends.cuda.graphs import Arguments, CopyNode, FixedNode, Graph, LaunchNode, Node, graph_of, last_node
from graphc.backends.cuda.host import Launch
from graphc.backends.cuda.module import Entry
from graphc.backends.cuda.multiplication import Multiplier
from graphc.backends.cuda.nvrtc import image_for
from graphc.dataclass import dataclass
from graphc.errors import UnsupportedError

__all__ = ["Gpu", "gpu"]

DEFAULT_STREAMS = (None, 0, 1)
REPEATED = 10  # calls of what is timed, one after the other
SAMPLES = 3
HELD = 64  # calls whose arrays are kept until they are done


@cache
def gpu(ordinal: int = 0) -> "Gpu":
    """A GPU of this machine.  Nothing is loaded and nothing raised before it is used."""
    return Gpu(ordinal)


@final
@dataclass(frozen=True)
class Gpu(Device):
    """One GPU."""

    ordinal: int
    pending: dict[Launch, None] = field(default_factory=dict, compare=False)
    idle: Idle = field(default_factory=Idle, compare=False)
    _held: deque[tuple[Any, tuple[object, ...]]] = field(default_factory=deque, compare=False)
    _turn: AbstractContextManager[bool] = field(default_factory=RLock, compare=False)  # a signal may come inside
    _thread: local = field(default_factory=local, compare=False)

    @cached_property
    def _opened(self) -> Opened:
        return opened(self.ordinal)

    @property
    def is_there(self) -> bool:
        try:
            self._opened  # noqa: B018  # it is opened
        except UnsupportedError:
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
    def name(self) -> str:
        """What its maker calls it."""
        return self._opened.name

    @cached_property
    def multiplier(self) -> Multiplier | None:
        functions = library()
        return None if functions is None else CublasLt.of(functions, lambda: int(self._stream), self._note_fixed)

    @property
    def current(self) -> Any:
        status, context = self._opened.api.cuCtxGetCurrent()
        return None if int(status) else context

    def enter(self) -> None:
        self._opened.done(self._opened.api.cuCtxSetCurrent(self._opened.context))

    def leave(self, before: Any) -> None:
        if before is not None and before != self._opened.context:
            self._opened.api.cuCtxSetCurrent(before)  # after a fault there is none to go back to

    def code(self, source: str, entries: Sequence[Entry]) -> "_Functions":
        opened = self._opened
        image = image_for(source, opened.architecture)
        module = with_room(self, lambda: opened.done(opened.api.cuModuleLoadData(image)))
        functions: dict[str, tuple[Any, tuple[bool, ...]]] = {}
        code = _Functions(self, functions)
        weakref.finalize(code, opened.unload, module).atexit = False
        for entry in entries:
            function = opened.done(opened.api.cuModuleGetFunction(module, entry.name.encode()))
            functions[entry.name] = function, entry.takes_addresses
        return code

    # Memory.

    def allocate(self, bytes: int) -> "_Memory":
        opened = self._opened
        asked = opened.api.cuMemAllocFromPoolAsync(max(bytes, 1), opened.pool, opened.default)
        address = int(opened.done(asked))
        memory = _Memory(address, bytes)
        weakref.finalize(memory, opened.free, address).atexit = False
        return memory

    def arena(self, bytes: int) -> "_Memory":
        return self.allocate(bytes)

    def trim(self) -> None:
        self.wait()
        self._opened.done(self._opened.api.cuMemPoolTrimTo(self._opened.pool, 0))

    def free_bytes(self) -> int:
        return int(self._opened.done(self._opened.api.cuMemGetInfo()))

    def upload(self, address: int, array: Array) -> None:
        if array.nbytes:
            whole = np.ascontiguousarray(array)
            opened = self._opened
            opened.done(opened.api.cuMemcpyHtoDAsync(address, whole.ctypes.data, whole.nbytes, opened.default))
            if self._is_read_later(whole.ctypes.data):
                self.wait()

    def _is_read_later(self, address: int) -> bool:
        """Whether the device reads memory of the host by itself: pages that somebody has pinned, and no others."""
        api = self._opened.api
        return not int(api.cuPointerGetAttribute(api.CUpointer_attribute.CU_POINTER_ATTRIBUTE_MEMORY_TYPE, address)[0])

    def download(self, array: Array, address: int) -> None:
        if array.nbytes:
            with contiguous(array) as whole:
                opened = self._opened
                opened.done(opened.api.cuMemcpyDtoHAsync(whole.ctypes.data, address, whole.nbytes, opened.default))
                self.wait()

    def copy(self, to: int, of: int, bytes: int) -> None:
        if bytes and to != of:
            self._opened.done(self._opened.api.cuMemcpyDtoDAsync(to, of, bytes, self._stream))
            self._note(lambda handle: CopyNode(handle, self._opened, to, of, bytes))

    def fill(self, address: int, value: int, bytes: int) -> None:
        api = self._opened.api
        assert self._nodes is None, "what is filled is not recorded"
        words = {1: api.cuMemsetD8Async, 2: api.cuMemsetD16Async}.get(bytes, api.cuMemsetD32Async)
        width = min(bytes, 4)
        for part in range(0, bytes, width):
            word = value >> 8 * part & (1 << 8 * width) - 1
            self._opened.done(words(address + part, word, 1, self._opened.default))

    # Order.

    def record(self, work: Callable[[], None]) -> Graph:
        opened = self._opened
        api = opened.api
        nodes: list[Node] = []
        with self._turn:
            try:
                relaxed = api.CUstreamCaptureMode.CU_STREAM_CAPTURE_MODE_RELAXED
                opened.done(api.cuStreamBeginCapture(opened.recorder, relaxed))
                self._thread.nodes = nodes
                work()
            finally:  # also where a Ctrl-C came before the nodes were noted
                vars(self._thread).pop("nodes", None)
                result = api.cuStreamEndCapture(opened.recorder)
            graph = opened.done(result)
        return graph_of(self, opened, graph, nodes)

    @property
    def _nodes(self) -> list[Node] | None:
        """What this thread has recorded, if it records."""
        found: list[Node] | None = getattr(self._thread, "nodes", None)
        return found

    @property
    def _stream(self) -> Any:
        """Where this thread puts what can be recorded: while it records, elsewhere."""
        return self._opened.default if self._nodes is None else self._opened.recorder

    def _note(self, node: Callable[[Any], Node]) -> None:
        """Note what was begun last, if it is recorded."""
        if self._nodes is not None:
            self._nodes.append(node(last_node(self._opened)))

    def _note_fixed(self, addresses: Sequence[int]) -> None:
        """Note what a library began last, if it is recorded."""
        if self._nodes is not None:
            self._nodes.append(FixedNode(addresses))

    def seconds(self, work: Callable[[], None]) -> float:
        def repeated() -> None:
            for _ in range(REPEATED):
                work()

        recording = self.record(repeated)  # what it runs does not wait for the host
        recording.run()
        opened, times = self._opened, []
        for _ in range(SAMPLES):
            start = self._event(opened.api.CUevent_flags.CU_EVENT_DEFAULT)
            recording.run()
            end = self._event(opened.api.CUevent_flags.CU_EVENT_DEFAULT)
            self.wait()
            times.append(float(opened.done(opened.api.cuEventElapsedTime(start, end))) / 1000 / REPEATED)
            for event in (start, end):
                opened.done(opened.api.cuEventDestroy(event))
        return min(times)

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

    def _event(self, flags: Any = None) -> Any:
        """One that comes when all that was begun is done; it has no time, unless it is asked for with others flags."""
        opened = self._opened
        timeless = opened.api.CUevent_flags.CU_EVENT_DISABLE_TIMING
        event = opened.done(opened.api.cuEventCreate(timeless if flags is None else flags))
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
    """Functions, each with which of its arguments are addresses.  They are unloaded when nobody holds this."""

    device: Gpu
    functions: dict[str, tuple[Any, tuple[bool, ...]]]

    def launch(
        self, name: str, blocks: int, threads: int, arguments: Sequence[int], extents: Extents | None = None
    ) -> None:
        device, (function, are_addresses) = self.device, self.functions[name]
        opened, given = device._opened, Arguments.of(arguments)
        where = (blocks, 1, 1, threads, 1, 1, 0, device._stream)
        opened.done(opened.api.cuLaunchKernel(function, *where, given.pointers, 0))
        device._note(lambda handle: LaunchNode(handle, opened, (function, blocks, threads), given, are_addresses))
