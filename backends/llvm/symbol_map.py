"""The names of native functions, for profilers: `perf` reads which function lies where from a file of the process.

It is written where GRAPHC_PERF is set, as perf-<process>.map in the folder of temporary files: where a function begins,
how many bytes it has, and its name, which `f.source` shows under the lines of the user's program.
"""

import os
import struct
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from tempfile import gettempdir
from typing import NamedTuple

__all__ = ["functions_in", "note_functions"]

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
    if not os.environ.get("GRAPHC_PERF") or not code.startswith(b"\x7fELF\x02"):
        return
    places = dict(functions_in(code))
    known = {places[name]: address for name, address in addresses.items() if name in places}
    bases = {place.section: address - place.start for place, address in known.items()}
    lines = [
        f"{bases[place.section] + place.start:x} {place.size:x} {library}.{name}\n"
        for name, place in places.items()
        if place.section in bases
    ]
    with suppress(OSError), Path(gettempdir(), f"perf-{os.getpid()}.map").open("a", encoding="ascii") as file:
        file.write("".join(lines))


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
                first = texts + name
                yield code[first : code.index(0, first)].decode("ascii"), Place(section, value, bytes)
