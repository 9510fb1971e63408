"""The driver of NVIDIA as `cuda.bindings.driver` has it, for a GPU that is emulated.

Each call is noted with its number of arguments, so that a test can hold it against the real package.
"""

import ctypes
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import ModuleType, SimpleNamespace
from typing import Any, TypeAlias, final

import pytest

from graphc.backends.cuda.device import FullError, Memory
from graphc.backends.cuda.emulation.emulator import EmulatedCode, Emulator
from graphc.backends.cuda.module import Entry

__all__ = ["ATTRIBUTES", "FakeDriver", "install"]

OK, INVALID_VALUE, OUT_OF_MEMORY = 0, 1, 2
DEFAULT, RECORDER = 1, 77  # streams
ATTRIBUTES = {
    "CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR": 9,
    "CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR": 0,
    "CU_DEVICE_ATTRIBUTE_MAX_GRID_DIM_X": (1 << 31) - 1,
    "CU_DEVICE_ATTRIBUTE_MAX_THREADS_PER_BLOCK": 1024,
}
STRUCTURES = ("CUDA_KERNEL_NODE_PARAMS", "CUDA_MEMCPY3D")
Status: TypeAlias = tuple[Any, ...]  # Any: as the real one, a status and what was asked for


@final
@dataclass
class FakeDriver:
    """Functions that do to an emulator what those of the driver do to a GPU; their names are in lower case here.

    entries    of each source that is loaded
    statuses   of functions that fail: by name
    version    of the driver
    used       functions that were called, with how many arguments
    streams    what others were made to wait for
    """

    emulator: Emulator
    entries: Mapping[str, Sequence[Entry]] = field(default_factory=dict)
    statuses: dict[str, int] = field(default_factory=dict)
    version: int = 13000
    attributes: dict[str, int] = field(default_factory=lambda: dict(ATTRIBUTES))
    used: set[tuple[str, int]] = field(default_factory=set)
    streams: list[int] = field(default_factory=list)
    constants: set[str] = field(default_factory=set)
    memory: dict[int, Memory] = field(default_factory=dict)
    captured: "list[Step] | None" = None
    graphs: int = 0  # that are made and not destroyed
    contexts: list[object] = field(default_factory=lambda: ["none"])  # the last one is current
    modules: list[object] = field(default_factory=list)
    pinned: set[int] = field(default_factory=set)  # addresses of the host
    waits: int = 0
    clock: float = 0.0  # milliseconds: each launch takes one
    trims: int = 0

    def __getattr__(self, name: str) -> Any:
        """A function or a table of constants, by the name that it has in the package."""
        if name in STRUCTURES:
            self.constants.add(name)
            return SimpleNamespace
        if name.startswith("CU") and name != "CUstream":
            self.constants.add(name)
            return _Names(self.constants, name)
        made = getattr(type(self), name.lower(), None)
        if made is None:
            raise AttributeError(name)

        def called(*given: Any) -> Status:
            self.used.add((name, len(given)))
            if name in self.statuses:
                return (self.statuses[name], None)
            found: Status = made(self, *given)
            return found

        return called

    @staticmethod
    def CUmemPoolProps() -> SimpleNamespace:  # noqa: N802
        """What a pool is asked for with."""
        return SimpleNamespace(location=SimpleNamespace())

    CUstream = staticmethod(int)
    cuuint64_t = staticmethod(int)

    # What is there.

    def cuinit(self, flags: int) -> Status:
        return (OK,)

    def cudrivergetversion(self) -> Status:
        return OK, self.version

    def cudevicegetcount(self) -> Status:
        return OK, 1

    def cudeviceget(self, ordinal: int) -> Status:
        return OK, ordinal

    def cudevicegetattribute(self, attribute: str, device: int) -> Status:
        return OK, self.attributes[attribute]

    def cudevicegetname(self, length: int, device: int) -> Status:
        return OK, b"a GPU".ljust(length, b"\0")

    def cudevicetotalmem(self, device: int) -> Status:
        return OK, self.emulator.most

    def cumemgetinfo(self) -> Status:
        return OK, self.emulator.free_bytes(), self.emulator.most

    def cugeterrorname(self, status: int) -> Status:
        return OK, b"CUDA_ERROR_SOME"

    def cugeterrorstring(self, status: int) -> Status:
        return OK, b"number %d" % status

    def cudeviceprimaryctxretain(self, device: int) -> Status:
        return OK, "context"

    def cuctxgetcurrent(self) -> Status:
        return OK, self.contexts[-1]

    def cuctxsetcurrent(self, context: object) -> Status:
        self.contexts[-1] = context
        return (OK,)

    def cuctxpushcurrent(self, context: object) -> Status:
        self.contexts.append(context)
        return (OK,)

    def cuctxpopcurrent(self) -> Status:
        return OK, self.contexts.pop()

    def cumempoolcreate(self, wanted: SimpleNamespace) -> Status:
        assert set(vars(wanted)) == {"allocType", "handleTypes", "location"}
        assert (wanted.location.type, wanted.location.id) == ("CU_MEM_LOCATION_TYPE_DEVICE", 0)
        return OK, "pool"

    def cumempooltrimto(self, pool: object, bytes: int) -> Status:
        assert (self.contexts[-1], pool, bytes) == ("context", "pool", 0)
        self.trims += 1
        return (OK,)

    def cumempoolsetattribute(self, pool: object, attribute: object, value: object) -> Status:
        return (OK,)

    # Memory.

    def cupointergetattribute(self, attribute: str, address: int) -> Status:
        assert attribute == "CU_POINTER_ATTRIBUTE_MEMORY_TYPE"
        return (OK, 1) if address in self.pinned else (INVALID_VALUE, None)

    def cumemallocfrompoolasync(self, bytes: int, pool: object, stream: int) -> Status:
        assert (self.contexts[-1], pool, stream) == ("context", "pool", DEFAULT)
        try:
            memory = self.emulator.allocate(bytes)
        except FullError:
            return OUT_OF_MEMORY, None
        self.memory[memory.address] = memory
        return OK, memory.address

    def cumemfreeasync(self, address: int, stream: int) -> Status:
        assert (self.contexts[-1], stream) == ("context", DEFAULT)
        del self.memory[address]
        return (OK,)

    def cumemcpyhtodasync(self, to: int, of: int, bytes: int, stream: int) -> Status:
        return self.begin(stream, lambda: ctypes.memmove(to, of, bytes))

    def cumemcpydtohasync(self, to: int, of: int, bytes: int, stream: int) -> Status:
        return self.begin(stream, lambda: ctypes.memmove(to, of, bytes))

    def cumemcpydtodasync(self, to: int, of: int, bytes: int, stream: int) -> Status:
        return self.begin(stream, Step(_copied, bytes, [to, of]))

    def cumemsetd8async(self, to: int, value: int, count: int, stream: int) -> Status:
        return self.begin(stream, lambda: ctypes.memmove(to, value.to_bytes(1, "little") * count, count))

    def cumemsetd32async(self, to: int, value: int, count: int, stream: int) -> Status:
        return self.begin(stream, lambda: ctypes.memmove(to, value.to_bytes(4, "little") * count, 4 * count))

    cumemsetd16async = cumemsetd8async

    # Functions.

    def cumoduleloaddata(self, image: bytes) -> Status:
        source = image.decode()
        module = (self.emulator.code(source, self.entries[source]), self.entries[source])
        self.modules.append(module)
        return OK, module

    def cumoduleunload(self, module: object) -> Status:
        assert self.contexts[-1] == "context"
        self.modules.remove(module)
        return (OK,)

    def cumodulegetfunction(self, module: tuple[EmulatedCode, Sequence[Entry]], name: bytes) -> Status:
        code, entries = module
        entry = next(entry for entry in entries if entry.name == name.decode())
        return OK, (code, entry)

    def culaunchkernel(self, function: tuple[EmulatedCode, Entry], *given: Any) -> Status:
        x, y, z, threads, other, third, shared, stream, pointers, extra = given
        assert (y, z, other, third, shared, extra) == (1, 1, 1, 1, 0, 0)
        return self.begin(stream, Step(_launched, (function, x, threads), _arguments(function, pointers)))

    # Order.

    def custreamcreate(self, flags: object) -> Status:
        return OK, RECORDER

    def custreamsynchronize(self, stream: int) -> Status:
        assert (self.contexts[-1], stream) == ("context", DEFAULT)
        self.waits += 1
        return (OK,)

    def custreambegincapture(self, stream: int, mode: object) -> Status:
        assert (stream, self.captured) == (RECORDER, None)
        self.captured = []
        return (OK,)

    def custreamendcapture(self, stream: int) -> Status:
        made, self.captured = self.captured, None
        return OK, made

    def custreamgetcaptureinfo(self, stream: int) -> Status:
        assert stream == RECORDER
        assert self.captured
        return OK, 1, 0, self.captured, [self.captured[-1]], [None], 1

    def cugraphinstantiate(self, graph: "list[Step]", flags: int) -> Status:
        self.graphs += 1
        return OK, {id(step): replace(step, given=[*step.given]) for step in graph}

    def cugraphexeckernelnodesetparams(self, made: "dict[int, Step]", node: "Step", wanted: SimpleNamespace) -> Status:
        assert node.work is _launched
        assert wanted.gridDimY == wanted.gridDimZ == wanted.blockDimY == wanted.blockDimZ == 1
        what = (wanted.func, wanted.gridDimX, wanted.blockDimX)
        made[id(node)] = Step(_launched, what, _arguments(wanted.func, wanted.kernelParams))
        return (OK,)

    def cugraphexecmemcpynodesetparams(
        self, made: "dict[int, Step]", node: "Step", wanted: SimpleNamespace, context: object
    ) -> Status:
        assert (node.work, context, wanted.Height, wanted.Depth) == (_copied, "context", 1, 1)
        assert wanted.srcMemoryType == wanted.dstMemoryType == "CU_MEMORYTYPE_DEVICE"
        made[id(node)] = Step(_copied, wanted.WidthInBytes, [wanted.dstDevice, wanted.srcDevice])
        return (OK,)

    def cugraphdestroy(self, graph: object) -> Status:
        return (OK,)

    def cugraphexecdestroy(self, made: object) -> Status:
        self.graphs -= 1
        return (OK,)

    def cugraphlaunch(self, made: "dict[int, Step]", stream: int) -> Status:
        assert stream == DEFAULT
        for step in made.values():
            self.clock += step.time
            step()
        return (OK,)

    def cueventcreate(self, flags: object) -> Status:
        return OK, SimpleNamespace(flags=flags)

    def cueventrecord(self, event: SimpleNamespace, stream: int) -> Status:
        event.time = self.clock
        return (OK,)

    def cueventelapsedtime(self, start: SimpleNamespace, end: SimpleNamespace) -> Status:
        assert (start.flags, end.flags) == ("CU_EVENT_DEFAULT", "CU_EVENT_DEFAULT")
        return OK, end.time - start.time

    def cueventquery(self, event: object) -> Status:
        return (OK,)

    def cueventsynchronize(self, event: object) -> Status:
        return (OK,)

    def cueventdestroy(self, event: object) -> Status:
        return (OK,)

    def custreamwaitevent(self, stream: int, event: object, flags: int) -> Status:
        self.streams.append(stream)
        return (OK,)

    def begin(self, stream: int, work: Callable[[], object]) -> Status:
        """What is begun in the default stream is done at once, also while another one is recorded."""
        if stream == DEFAULT:
            work()
        else:
            assert stream == RECORDER
            assert self.captured is not None
            assert isinstance(work, Step), "what is recorded has addresses that may change"
            self.captured.append(work)
        return (OK,)


@final
@dataclass(frozen=True, eq=False)
class Step:
    """Something to do with addresses and integers that are given."""

    work: Callable[[Any, list[int]], object]
    what: Any
    given: list[int]
    time: float = 1.0

    def __call__(self) -> None:
        self.work(self.what, self.given)


def _copied(bytes: int, given: list[int]) -> None:
    to, of = given
    assert abs(to - of) >= bytes, "copies do not overlap"
    ctypes.memmove(to, of, bytes)


def _launched(what: tuple[tuple[EmulatedCode, Entry], int, int], given: list[int]) -> None:
    (code, entry), blocks, threads = what
    code.launch(entry.name, blocks, threads, given)


def _arguments(function: tuple[EmulatedCode, Entry], pointers: int) -> list[int]:
    at = (ctypes.c_void_p * len(function[1].types)).from_address(pointers)
    return [ctypes.c_int64.from_address(pointer or 0).value for pointer in at]


@final
@dataclass(frozen=True)
class _Names:
    """Constants of one table: each is its name."""

    noted: set[str]
    table: str

    def __getattr__(self, name: str) -> str:
        self.noted.add(f"{self.table}.{name}")
        return name


def install(patch: pytest.MonkeyPatch, other: Any) -> None:
    """Let `cuda.bindings.driver` be something else; None: not installed."""
    package = None if other is None else ModuleType("cuda.bindings")
    if package is not None:
        package.driver = other  # type: ignore[attr-defined]
    patch.setitem(sys.modules, "cuda", ModuleType("cuda"))
    patch.setitem(sys.modules, "cuda.bindings", package)
