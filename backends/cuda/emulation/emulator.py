"""A device that is emulated: the same source, compiled by g++ with a shim, in memory between guard zones."""

import ctypes
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, final

import numpy as np

from graphc.backends.cuda.device import Array, Code, Device
from graphc.backends.cuda.module import Entry
from graphc.backends.cuda.prelude import NARROW_FLOATS
from graphc.errors import UnsupportedError

__all__ = ["SCHEDULES", "Emulator", "FaultError", "has_compiler", "text_for_host"]

SHIM = Path(__file__).with_name("shim.h")
SCHEDULES = ("forward", "reverse", "random", "warps", "warps in reverse")  # the orders in which threads go on
GUARD = 256  # bytes before and behind each piece of memory
POISON = 0xFF  # nan and -1
FLAGS = ("-std=c++17", "-O1", "-shared", "-fPIC", "-ffp-contract=off", "-fno-strict-aliasing", "-fwrapv", "-w")

#: for the instructions that a CPU has not
NARROW_TWIN = """\
struct f16 { u16 bits; };
struct bf16 { u16 bits; };
inline float wide(f16 x) { _Float16 y; memcpy(&y, &x, 2); return float(y); }
inline float wide(bf16 x) { return __uint_as_float(u32(x.bits) << 16); }
template <class T> f16 to_f16(T x) { const _Float16 y = _Float16(x); f16 z; memcpy(&z, &y, 2); return z; }
inline bf16 to_bf16(float x) {
    u32 bits;
    memcpy(&bits, &x, 4);
    if (x != x) return {u16(bits >> 16 | 0x40)};
    return {u16((bits + 0x7fff + (bits >> 16 & 1)) >> 16)};
}
"""

_SHARED = re.compile(r"__shared__ ([\w<>]+) (\w+)((?:\[\d+\])+);")


class FaultError(Exception):
    """What a kernel did that no kernel may do."""


@cache
def has_compiler() -> bool:
    """Whether there is a g++."""
    return shutil.which("g++") is not None


@final
@dataclass(eq=False)
class Emulator(Device):
    """Runs kernels on this CPU, thread by thread.

    schedule  the order in which threads go on: a place in SCHEDULES
    """

    schedule: int = 0
    _made: dict[str, dict[str, Any]] = field(default_factory=dict)  # source -> functions

    def code(self, source: str, entries: Sequence[Entry]) -> "EmulatedCode":
        self.make([(source, entries)])
        return EmulatedCode(self, self._made[source])

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
    source = source.replace(NARROW_FLOATS, NARROW_TWIN).replace('extern "C" ', "")
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
class EmulatedCode(Code):
    """Functions, and memory whose guard zones are looked at after every launch."""

    emulator: Emulator
    functions: dict[str, Any]
    pieces: list[Array] = field(default_factory=list)

    def allocate(self, bytes: int) -> int:
        memory = np.full(bytes + 2 * GUARD, POISON, np.uint8)
        self.pieces.append(memory)
        return memory.ctypes.data + GUARD

    def upload(self, address: int, array: Array) -> None:
        whole = np.ascontiguousarray(array)
        ctypes.memmove(address, whole.ctypes.data, whole.nbytes)

    def download(self, array: Array, address: int) -> None:
        whole = array if array.flags.c_contiguous else np.empty(array.shape, array.dtype)
        ctypes.memmove(whole.ctypes.data, address, whole.nbytes)
        if whole is not array:
            array[...] = whole

    def copy(self, to: int, of: int, bytes: int) -> None:
        ctypes.memmove(to, of, bytes)

    def launch(self, name: str, blocks: int, threads: int, arguments: Sequence[int]) -> None:
        given = (ctypes.c_int64 * max(len(arguments), 1))(*arguments)
        problem = self.functions[name](given, blocks, threads, self.emulator.schedule)
        if problem:
            raise FaultError(f"{name}: {problem.decode()}")
        for place, memory in enumerate(self.pieces):
            zones = (memory[:GUARD], memory[-GUARD:])
            if any((zone != POISON).any() for zone in zones):
                raise FaultError(f"{name} wrote beside piece {place}, of {memory.size - 2 * GUARD} bytes")
