"""A device that is emulated: the same source, compiled by g++ with a shim, in memory between guard zones."""

import ctypes
import re
import shutil
import subprocess
import tempfile
import weakref
from bisect import bisect_right, insort
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
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
from graphc.errors import UnsupportedError

__all__ = ["SCHEDULES", "Emulator", "FaultError", "has_compiler", "text_for_host"]

SHIM = Path(__file__).with_name("shim.h")
SCHEDULES = ("forward", "reverse", "random", "warps", "warps in reverse")  # the orders in which threads go on
GUARD = 256  # bytes before and behind each piece of memory
ALIGNMENT = 64
POISON = 0xFF  # nan and -1
FLAGS = ("-std=c++17", "-O1", "-shared", "-fPIC", "-ffp-contract=off", "-fno-strict-aliasing", "-fwrapv", "-w")

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
    apart     whether each array has memory of its own between guard zones, and not a place in the arena
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

    def behind(self, addresses: Sequence[int]) -> Iterator["EmulatedMemory"]:
        """The pieces that addresses point into: those that begin last before them."""
        for address in addresses:
            place = bisect_right(self._addresses, address)
            memory = self._pieces.get(self._addresses[place - 1]) if place else None
            if memory is not None and address <= memory.address + memory.bytes:
                yield memory

    def upload(self, address: int, array: Array) -> None:
        assert self._thread.begun is None, "an upload is not recorded"
        whole = np.ascontiguousarray(array)
        ctypes.memmove(address, whole.ctypes.data, whole.nbytes)

    def download(self, array: Array, address: int) -> None:
        assert self._thread.begun is None, "a download is not recorded"
        self.wait()
        with contiguous(array) as whole:
            ctypes.memmove(whole.ctypes.data, address, whole.nbytes)

    def copy(self, to: int, of: int, bytes: int) -> None:
        assert to == of or abs(to - of) >= bytes, "what is copied does not overlap"
        self.begin(Begun(lambda given: ctypes.memmove(given[0], given[1], bytes), [to, of], (True, True)))

    def fill(self, address: int, value: int, bytes: int) -> None:
        assert self._thread.begun is None, "what is filled is not recorded"
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
        text = [f'#include "{SHIM}"\n']
        for number, (source, entries) in enumerate(missing.items()):
            text.append(_wrapped(source, entries, number))
        library = _library("".join(text))
        for number, (source, entries) in enumerate(missing.items()):
            functions = {}
            for entry in entries:
                function = functions[entry.name] = library[f"launch_{number}_{entry.name}"]
                function.restype = ctypes.c_char_p
                function.argtypes = [ctypes.c_void_p, ctypes.c_uint, ctypes.c_uint, ctypes.c_uint]
            self._made[source] = functions


def _library(text: str) -> ctypes.PyDLL:
    """A library that is loaded; its files are not kept.  Calls keep other threads out: there is one block at a time."""
    with tempfile.TemporaryDirectory(prefix="graphc-emulated-") as folder:
        source = Path(folder) / "kernels.cpp"
        source.write_text(text, encoding="utf-8")
        command = ["g++", *FLAGS, "-o", "kernels.so", source.name]
        made = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
        assert made.returncode == 0, f"g++ refuses the source\n{made.stderr[:4000]}"
        return ctypes.PyDLL(str(Path(folder) / "kernels.so"))


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
        given = ", ".join(f"({kind.replace(' __restrict__', '')})a[{n}]" for n, kind in enumerate(entry.types))
        parts.append(f"static void body_{entry.name}(const i64* a) {{ {entry.name}({given}); }}\n")
        parts.append(
            f'extern "C" const char* launch_{number}_{entry.name}(const i64* a, u32 blocks, u32 threads, u32 schedule)'
            f" {{ return emulated::run(body_{entry.name}, a, blocks, threads, schedule); }}\n"
        )
    return "".join((*parts, "}\n"))


def _declared(found: re.Match[str]) -> str:
    extents = ", ".join(re.findall(r"\d+", found[3]))
    return f'static emulated::Shared<{found[1]}, {extents}> {found[2]}("{found[2]}");'


@final
@dataclass(eq=False)
class EmulatedMemory(Memory):
    """Bytes between guard zones, which are poisoned before anything is written."""

    bytes: int
    array: Array = field(init=False)

    def __post_init__(self) -> None:
        self.array = np.full(self.bytes + 2 * GUARD + ALIGNMENT, POISON, np.uint8)
        self.start = -self.array.ctypes.data % ALIGNMENT
        self.address = self.array.ctypes.data + self.start + GUARD

    @property
    def is_intact(self) -> bool:
        """Whether nothing was written beside it."""
        first = self.start + GUARD
        zones = (self.array[:first], self.array[first + self.bytes :])
        return all((zone == POISON).all() for zone in zones)


@final
@dataclass(frozen=True, eq=False)
class EmulatedCode(Code):
    """Functions; the guard zones of what they were given are looked at after every launch."""

    emulator: Emulator
    functions: dict[str, Any]
    takes_addresses: Mapping[str, tuple[bool, ...]]

    def launch(self, name: str, blocks: int, threads: int, arguments: Sequence[int]) -> None:
        work = partial(self._run, name, blocks, threads)
        self.emulator.begin(Begun(work, [*arguments], self.takes_addresses[name]))

    def _run(self, name: str, blocks: int, threads: int, arguments: Sequence[int]) -> None:
        given = (ctypes.c_int64 * max(len(arguments), 1))(*arguments)
        problem = self.functions[name](given, blocks, threads, self.emulator.schedule)
        if problem:
            raise FaultError(f"{name}: {problem.decode()}")
        for memory in self.emulator.behind(arguments):
            if not memory.is_intact:
                raise FaultError(f"{name} wrote beside piece at {memory.address:#x}, of {memory.bytes} bytes")


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
