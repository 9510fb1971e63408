"""Compiled programs that an earlier process left on the disk: none of the passes runs for them.

What is kept is code with what a call needs to know.  What people ask for, as the text of a program and the stages on
the way to it, is made when it is asked for.
"""

import json
import struct
from collections.abc import Sequence
from dataclasses import replace
from math import prod
from typing import Any, Self, TypeAlias, final

import numpy as np
import numpy.typing as npt

from graphc.backends.backend import Backend, Code, KeepingBackend
from graphc.cache import Cache, standard
from graphc.dataclass import dataclass
from graphc.errors import ShapeError
from graphc.ir.graph import Graph
from graphc.kernel.outline import Outline
from graphc.kernel.provenance import origins_behind
from graphc.origin import Origin
from graphc.passes.memory import Layout
from graphc.records import Unrecordable, Writer, read
from graphc.runnable import Options, Runnable
from graphc.types import DTYPES

__all__ = ["Kept"]

LENGTHS = struct.Struct("<QQ")  # bytes of the records, bytes of the code; arrays follow
MOST_CONSTANTS = 16 << 20  # bytes: a program with more is compiled anew

Array: TypeAlias = npt.NDArray[Any]  # Any: of any dtype


@final
@dataclass(frozen=True, eq=False)
class Kept:
    """The place of one program on the disk."""

    graph: Graph
    backend: KeepingBackend
    options: Options
    store: Cache
    key: bytes

    @classmethod
    def of(cls, graph: Graph, backend: Backend, options: Options) -> Self | None:
        """That of a graph; None where nothing is kept of it."""
        store = standard()
        if store.folder is None or not isinstance(backend, KeepingBackend):
            return None
        from graphc.keys import key_of, sources

        key = key_of(graph, "program", sources(), backend.version, options)
        return None if key is None else cls(graph, backend, options, store, key)

    def get(self) -> Runnable | None:
        """The program, if it is there."""
        found = self.store.get(self.key)
        if found is None:
            return None
        try:
            return self._read(memoryview(found))
        except (ValueError, TypeError, AttributeError, LookupError, struct.error):  # of another version, somehow
            return None

    def put(self, runnable: Runnable, work: float) -> None:
        """Keep a program for the next process."""
        code = runnable.loaded.code
        if code is None or sum(array.nbytes for array in runnable.constants) > MOST_CONSTANTS:
            return
        numbers = {node: number for number, node in enumerate(self.graph.variables)}
        parts = (
            _plain(runnable.outline),
            tuple([numbers[node] for node in runnable.variables]),
            [(array.dtype.name, array.shape) for array in runnable.constants],
            _placed(runnable.layout),
            runnable.rooms,
            runnable.library,
            work,
            code.notes,
        )
        writer = Writer()
        try:
            roots = [writer.part(part) for part in parts]
        except (Unrecordable, RecursionError):
            return
        text = json.dumps([writer.records, roots], separators=(",", ":")).encode()
        arrays = b"".join(array.tobytes() for array in runnable.constants)
        self.store.put(self.key, LENGTHS.pack(len(text), len(code.content)) + text + code.content + arrays)

    def _read(self, content: memoryview) -> Runnable:
        written, coded = LENGTHS.unpack_from(content)
        start = LENGTHS.size + written
        parts: Any = read(*json.loads(bytes(content[LENGTHS.size : start])))
        outline, variables, constants, layout, rooms, library, work, notes = parts
        arrays = content[start + coded :]
        loaded = self.backend.revive(Code(notes, bytes(content[start : start + coded])), outline)
        nodes = tuple([self.graph.variables[number] for number in variables])
        return Runnable(outline, nodes, tuple(_arrays(constants, arrays)), layout, rooms, library, loaded, work)


def _placed(layout: Layout) -> Layout:
    """The layout, with its plan where all sizes are numbers: to find a good one takes longer than all else here."""
    if layout.symbols:
        return layout
    try:
        return replace(layout, known=layout.place(()))
    except ShapeError:  # a call says so
        return layout


def _arrays(forms: Sequence[tuple[str, tuple[int, ...]]], content: memoryview) -> list[Array]:
    """The constants of a program, one after the other."""
    found, start = [], 0
    for name, shape in forms:
        dtype = DTYPES[name]
        count = prod(shape)
        found.append(np.frombuffer(content, dtype, count, start).reshape(shape).copy())
        start += count * dtype.itemsize
    return found


def _plain(outline: Outline) -> Outline:
    """The outline with nothing but places in origins: what errors say of them."""
    return replace(
        outline,
        sizes=tuple([replace(check, origins=_places(check.origins)) for check in outline.sizes]),
        failing={n: replace(failure, origins=_places(failure.origins)) for n, failure in outline.failing.items()},
    )


def _places(origins: tuple[Origin, ...]) -> tuple[Origin, ...]:
    return tuple([Origin(x.file, x.line, x.function, x.scope) for x in origins_behind(origins)])
