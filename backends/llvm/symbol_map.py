"""The names of native functions, for profilers and debuggers; `f.source` shows them under the user's lines.

Where GRAPHC_PERF is set, `perf` finds in perf-<process>.map, in the folder of temporary files, where each begins, how
many bytes it has, and its name.  Where GRAPHC_GDB is set, the objects themselves are written there, and with them
gdb-<process>.gdb, commands by which gdb learns where each was loaded.
"""

import os
import struct
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from tempfile import gettempdir
from typing import NamedTuple

__all__ = ["functions_in", "note_functions", "sections_of"]

HEADER = struct.Struct("<16xHHIQQQIHHHHHH")  # of an ELF file of 64 bits
SECTION = struct.Struct("<IIQQQQIIQQ")
SYMBOL = struct.Struct("<IBBHQQ")
SYMBOLS, FUNCTION = 2, 2  # kinds of a section and of a symbol


class Place(NamedTuple):
    """Bytes of the code of an object: the section that they lie in, where they begin there, how many there are."""

    section: int
    start: int
    size: int


def note_functions(code: bytes, library: str, addresses: Mapping[str, int]) -> None:
    """Say where the functions of an object lie that was loaded, some of them at known addresses."""
    for_perf, for_gdb = os.environ.get("GRAPHC_PERF"), os.environ.get("GRAPHC_GDB")
    if not (for_perf or for_gdb) or not code.startswith(b"\x7fELF\x02"):
        return
    places = dict(functions_in(code))
    known = {places[name]: address for name, address in addresses.items() if name in places}
    bases = {place.section: address - place.start for place, address in known.items()}
    with suppress(OSError):
        if for_perf:
            _append(
                f"perf-{os.getpid()}.map",
                "".join(
                    f"{bases[place.section] + place.start:x} {place.size:x} {library}.{name}\n"
                    for name, place in places.items()
                    if place.section in bases
                ),
            )
        if for_gdb:
            file = Path(gettempdir(), f"gdb-{os.getpid()}-{library}.o")
            file.write_bytes(code)
            names = sections_of(code)
            sections = "".join(f" -s {names[section]} {base:#x}" for section, base in bases.items())
            _append(f"gdb-{os.getpid()}.gdb", f"add-symbol-file {file}{sections}\n")


def _append(name: str, text: str) -> None:
    with Path(gettempdir(), name).open("a", encoding="utf-8") as file:
        file.write(text)


def sections_of(code: bytes) -> Sequence[str]:
    """The names of the sections of an object of ELF."""
    _, _, _, _, _, at, _, _, _, _, size, count, names = HEADER.unpack_from(code)
    headers = [SECTION.unpack_from(code, at + number * size) for number in range(count)]
    return [_text_at(code, headers[names][4] + header[0]) for header in headers]


def _text_at(code: bytes, start: int) -> str:
    return code[start : code.index(0, start)].decode("ascii")


def functions_in(code: bytes) -> Iterator[tuple[str, Place]]:
    """The functions that an object of ELF defines."""
    _, _, _, _, _, at, _, _, _, _, size, count, _ = HEADER.unpack_from(code)
    sections = [SECTION.unpack_from(code, at + number * size) for number in range(count)]
    for _, kind, _, _, start, length, names, _, _, _ in sections:
        if kind != SYMBOLS:
            continue
        texts = sections[names][4]
        for place in range(start, start + length, SYMBOL.size):
            name, info, _, section, value, bytes = SYMBOL.unpack_from(code, place)
            if info & 15 == FUNCTION and bytes:
                yield _text_at(code, texts + name), Place(section, value, bytes)
