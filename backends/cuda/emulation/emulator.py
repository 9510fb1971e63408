"""A device that is emulated: the same source, compiled by g++ so that a runtime is told of each load and store."""

import ctypes
import mmap
import re
import shutil
import subprocess
import tempfile
import weakref
from bisect import bisect_right, insort
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import field
from functools import cache, partial
from pathlib import Path
from threading import local
from typing import Any, ClassVar, final
from weakref import WeakValueDictionary

import numpy as np

from graphc.backends.cuda.device import (
    Array,
    Code,
    Device,
    Extents,
    FullError,
    Idle,
    Limits,
    Memory,
    Passed,
    Recording,
    contiguous,
)
from graphc.backends.cuda.emulation.twins import TWINS
from graphc.backends.cuda.host import Launch
from graphc.backends.cuda.module import Entry
from graphc.dataclass import dataclass
from graphc.errors import UnsupportedError

__all__ = ["FOLDER", "SCHEDULES", "Emulator", "FaultError", "compile_watched", "has_compiler", "text_for_host"]

FOLDER = Path(__file__).parent
RUNTIME = ("fibers", "memory")
SCHEDULES = ("forward", "reverse", "random", "warps", "warps in reverse")  # the orders in which threads go on
GAP = 1 << 30  # bytes of addresses before each array, and so between any two, where nothing is
FOREIGN = 1 << 28  # bytes of an array of somebody else, as far as is known
POISON = 0xFF  # nan and -1
FLAGS = ("-std=c++17", "-O1", "-fPIC", "-ffp-contract=off", "-fno-strict-aliasing", "-fwrapv", "-w")
#: loads and stores are told, to the runtime and to no library of the compiler, and loads are where the source has them
TOLD = ("-fsanitize=thread", "-fsanitize=bounds-strict", "-fno-tree-sink", "-nodefaultlibs")
LIBRARIES = ("-lstdc++", "-lm", "-lgcc_s", "-lgcc", "-lc")

_SHARED = re.compile(r"__shared__ (?:alignas\(16\) )?([\w<>]+) (\w+)((?:\[\d+\])+);")


class FaultError(Exception):
    """What a kernel did that no kernel may do."""


@cache
def has_compiler() -> bool:
    """Whether there is a g++."""
    return shutil.which("g++") is not None


@final
class _Thread(local):
    """What a thread begins while it records."""

    begun: "list[Begun] | None" = None


@final
@dataclass(eq=False)
class Emulator(Device):
    """Runs kernels on this CPU, thread by thread.

    schedule  the order in which threads go on: a place in SCHEDULES
    apart     whether each array has memory of its own, and not a place in the arena
    most      bytes that all memory together may have
    recorded  how often something was recorded, and how often one was run
    """

    schedule: int = 0
    apart: bool = True
    most: int = 1 << 34
    recorded: Counter[str] = field(default_factory=Counter)
    pending: dict[Launch, None] = field(default_factory=dict)
    idle: Idle = field(default_factory=Idle)
    _made: dict[str, dict[str, Any]] = field(default_factory=dict)  # source -> functions
    _pieces: "WeakValueDictionary[int, EmulatedMemory]" = field(default_factory=WeakValueDictionary)
    _addresses: list[int] = field(default_factory=list)  # of pieces, in order
    _thread: _Thread = field(default_factory=_Thread)

    name: ClassVar[str] = "an emulation"
    multiplier: ClassVar[None] = None
    is_there: ClassVar[bool] = True
    limits: ClassVar[Limits] = Limits(blocks=(1 << 31) - 1, threads=1024, bytes=1 << 34)
    place: ClassVar[tuple[int, int]] = (1, 0)  # for DLPack it is the memory of the CPU that it is
    stream: ClassVar[None] = None
    current: ClassVar[None] = None

    def enter(self) -> None:
        """Every thread may work with it."""

    def leave(self, before: object) -> None:
        """It may work with others too."""

    def code(self, source: str, entries: Sequence[Entry]) -> "EmulatedCode":
        self.make([(source, entries)])
        return EmulatedCode(self, self._made[source], {entry.name: entry.takes_addresses for entry in entries})

    # Memory.

    def allocate(self, bytes: int) -> "EmulatedMemory":
        if bytes > self.free_bytes():
            raise FullError("no memory is left")
        memory = EmulatedMemory(bytes)
        self._pieces[memory.address] = memory
        insort(self._addresses, memory.address)
        weakref.finalize(memory, self._addresses.remove, memory.address)
        return memory

    def arena(self, bytes: int) -> "EmulatedMemory | None":
        return None if self.apart else self.allocate(bytes)

    def trim(self) -> None:
        """Nothing is kept."""

    def free_bytes(self) -> int:
        return self.most - sum(memory.bytes for memory in self._pieces.values())

    def bytes_at(self, address: int) -> int:
        """How much of the piece that an address points into lies behind it."""
        place = bisect_right(self._addresses, address)
        memory = self._pieces.get(self._addresses[place - 1]) if place else None
        left = -1 if memory is None else memory.address + memory.bytes - address
        return left if left >= 0 else FOREIGN

    def _require_room(self, address: int, bytes: int) -> None:
        assert bytes <= self.bytes_at(address), f"{bytes} bytes where an array has {self.bytes_at(address)}"

    def upload(self, address: int, array: Array) -> None:
        assert self._thread.begun is None, "an upload is not recorded"
        whole = np.ascontiguousarray(array)
        self._require_room(address, whole.nbytes)
        ctypes.memmove(address, whole.ctypes.data, whole.nbytes)

    def download(self, array: Array, address: int) -> None:
        assert self._thread.begun is None, "a download is not recorded"
        self.wait()
        self._require_room(address, array.nbytes)
        with contiguous(array) as whole:
            ctypes.memmove(whole.ctypes.data, address, whole.nbytes)

    def copy(self, to: int, of: int, bytes: int) -> None:
        assert to == of or abs(to - of) >= bytes, "what is copied does not overlap"
        self._require_room(to, bytes)
        self._require_room(of, bytes)
        self.begin(Begun(lambda given: ctypes.memmove(given[0], given[1], bytes), [to, of], (True, True)))

    def fill(self, address: int, value: int, bytes: int) -> None:
        assert self._thread.begun is None, "what is filled is not recorded"
        self._require_room(address, bytes)
        ctypes.memmove(address, value.to_bytes(bytes, "little", signed=True), bytes)

    # Order: what is begun is done at once.

    def begin(self, begun: "Begun") -> None:
        """Do something, or note it for later."""
        if self._thread.begun is None:
            begun.work(begun.given)
        else:
            self._thread.begun.append(begun)

    def record(self, work: Callable[[], None]) -> "Recorded":
        self.recorded["made"] += 1
        self._thread.begun = []
        try:
            work()
            return Recorded(self, tuple(self._thread.begun))
        finally:
            self._thread.begun = None

    def seconds(self, work: Callable[[], None]) -> float:
        work()
        return 0.0

    def follow(self, stream: int | None) -> None:
        """Nothing is left to wait for."""

    def hold(self, *things: object) -> None:
        """All is done."""

    def wait(self) -> None:
        self.pending.clear()

    def make(self, wanted: Iterable[tuple[str, Sequence[Entry]]]) -> None:
        """Compile several sources at once, for calls that come later."""
        missing = {source: entries for source, entries in wanted if source not in self._made}
        if not missing:
            return
        if not has_compiler():
            raise UnsupportedError("the emulation of CUDA needs g++, which is not installed")
        text = ['#include "shim.h"\n']
        for number, (source, entries) in enumerate(missing.items()):
            text.append(_wrapped(source, entries, number))
        library = _library("".join(text))
        for number, (source, entries) in enumerate(missing.items()):
            functions = {}
            for entry in entries:
                function = functions[entry.name] = library[f"launch_{number}_{entry.name}"]
                function.restype = ctypes.c_char_p
                function.argtypes = [ctypes.c_void_p, ctypes.c_void_p, ctypes.c_uint, ctypes.c_uint, ctypes.c_uint]
            self._made[source] = functions


def _library(text: str) -> ctypes.PyDLL:
    """A library that is loaded; its files are not kept.  Calls keep other threads out: there is one block at a time."""
    with tempfile.TemporaryDirectory(prefix="graphc-emulated-") as folder:
        source = Path(folder) / "kernels.cpp"
        source.write_text(text, encoding="utf-8")
        compile_watched(Path(folder), "-shared", "-o", "kernels.so", source.name)
        return ctypes.PyDLL(str(Path(folder) / "kernels.so"))


def compile_watched(folder: Path, *given: str) -> None:
    """Compile a source with kernels, the loads and stores of which are watched, and link it with what watches them."""
    for name, compiled in _runtime().items():
        (folder / name).write_bytes(compiled)
    _compile(folder, *TOLD, *given, *_runtime(), *LIBRARIES)


@cache
def _runtime() -> Mapping[str, bytes]:
    """The runtime, compiled: files by name."""
    with tempfile.TemporaryDirectory(prefix="graphc-emulated-") as folder:
        _compile(Path(folder), "-O2", "-c", *(str(FOLDER / f"{name}.cpp") for name in RUNTIME))
        return {path.name: path.read_bytes() for path in sorted(Path(folder).iterdir())}


def _compile(folder: Path, *given: str) -> None:
    """Call the compiler in a folder."""
    command = ["g++", *FLAGS, "-I", str(FOLDER), *given]
    made = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert made.returncode == 0, f"g++ refuses the source\n{made.stderr[:4000]}"


def text_for_host(source: str) -> str:
    """The source with what a CPU has in place of instructions that it has not, and shared memory that is watched."""
    for text, twin in (*TWINS, ('extern "C" ', "")):
        source = source.replace(text, twin)
    return _SHARED.sub(_declared, source)


def _wrapped(source: str, entries: Sequence[Entry], number: int) -> str:
    """A source in a namespace of its own, with a function for each kernel that runs a grid of it."""
    source = text_for_host(source)
    parts = [f"namespace program_{number} {{\n", source]
    for entry in entries:
        given = ", ".join(
            f"({kind.replace(' __restrict__', '')})emulated::argument({n})" for n, kind in enumerate(entry.types)
        )
        parts.append(f"static void body_{entry.name}() {{ {entry.name}({given}); }}\n")
        arrays = _arrays(source, entry)
        parts.append(
            f'extern "C" const char* launch_{number}_{entry.name}'
            "(const i64* a, const i64* bytes, u32 blocks, u32 threads, u32 schedule) {\n"
            f"    const emulated::Array arrays[] = {{{', '.join((*arrays, '{}'))}}};\n"
            f"    return emulated::run(body_{entry.name}, a, arrays, {len(arrays)}, blocks, threads, schedule);\n}}\n"
        )
    return "".join((*parts, "}\n"))


def _arrays(source: str, entry: Entry) -> Sequence[str]:
    """The arrays that a kernel is given, with the names that they have in the source."""
    declared = re.search(rf"\b{entry.name}\(([^)]*)\) {{", source)
    assert declared is not None, entry
    names = [parameter.split()[-1] for parameter in declared[1].split(",")]
    listed = []
    for n, (name, kind) in enumerate(zip(names, entry.types, strict=True)):
        if entry.takes_addresses[n]:
            element = kind.removeprefix("const ").split("*")[0]
            listed.append(
                f'{{"{name}", (const void*)a[{n}], size_t(bytes[{n}]), emulated::bytes_of_element<{element}>()}}'
            )
    return listed


def _declared(found: re.Match[str]) -> str:
    extents = ", ".join(re.findall(r"\d+", found[3]))
    return f'const auto {found[2]} = emulated::shared_array<{found[1]}, {extents}>("{found[2]}");'


@final
@dataclass(eq=False)
class EmulatedMemory(Memory):
    """Bytes, poisoned before anything is written, far from all others."""

    bytes: int
    array: Array = field(init=False)

    def __post_init__(self) -> None:
        room = mmap.mmap(-1, GAP + self.bytes, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
        self.array = np.frombuffer(room, np.uint8, self.bytes, GAP)
        self.array[:] = POISON
        self.address = self.array.ctypes.data


@final
@dataclass(frozen=True, eq=False)
class EmulatedCode(Code):
    """Functions that look at every access."""

    emulator: Emulator
    functions: dict[str, Any]
    takes_addresses: Mapping[str, tuple[bool, ...]]

    def launch(
        self, name: str, blocks: int, threads: int, arguments: Sequence[int], extents: Extents | None = None
    ) -> None:
        most = [None] * len(arguments) if extents is None else extents()
        work = partial(self._run, name, blocks, threads, most)
        self.emulator.begin(Begun(work, [*arguments], self.takes_addresses[name]))

    def _run(self, name: str, blocks: int, threads: int, most: Sequence[int | None], arguments: Sequence[int]) -> None:
        bytes = [0] * len(arguments)
        for place, is_address in enumerate(self.takes_addresses[name]):
            if is_address:
                there, wanted = self.emulator.bytes_at(arguments[place]), most[place]
                bytes[place] = there if wanted is None else min(there, wanted)
        given, extents = ((ctypes.c_int64 * max(len(x), 1))(*x) for x in (arguments, bytes))
        problem = self.functions[name](given, extents, blocks, threads, self.emulator.schedule)
        if problem:
            raise FaultError(f"{name}: {problem.decode()}")


@final
@dataclass(frozen=True, eq=False)
class Begun:
    """Something to do with addresses and integers, which may change before it is done again."""

    work: Callable[[Sequence[int]], object]
    given: list[int]
    are_addresses: tuple[bool, ...]


@final
@dataclass(frozen=True, eq=False)
class Recorded(Recording):
    """What was begun while an emulator recorded."""

    emulator: Emulator
    begun: tuple[Begun, ...]

    @property
    def passed(self) -> Sequence[Passed]:
        return [
            [value if is_one else None for value, is_one in zip(each.given, each.are_addresses, strict=True)]
            for each in self.begun
        ]

    @property
    def fixed(self) -> Sequence[int]:
        return ()

    def change(self, number: int, addresses: Mapping[int, int]) -> None:
        self.emulator.recorded["changed"] += 1
        for place, address in addresses.items():
            self.begun[number].given[place] = address

    def run(self) -> None:
        self.emulator.recorded["run"] += 1
        for each in self.begun:
            self.emulator.begin(each)
