"""What tells one graph from another: a text that two graphs share only if they compile to the same program."""

import json
import os
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from importlib.util import find_spec
from typing import Any, final

import numpy as np
import numpy.typing as npt

from graphc.ir.graph import Graph
from graphc.ir.node import Node, Op
from graphc.ir.storage import Storage
from graphc.origin import Derivation, Origin
from graphc.records import Unrecordable, Writer
from graphc.regions import Region

__all__ = ["key_of", "sources"]

PACKAGES = ("graphc", "graphc.passes", "graphc.backends")  # the others lie in folders of these


def key_of(graph: Graph, *options: object) -> bytes | None:
    """The text of a graph and of what it is compiled with; None where something in it cannot be written.

    The lines of the user's program are a part of it, as errors name them.  Of arrays there are digests.
    """
    writer = _GraphWriter()
    try:
        roots = [writer.part(options), writer.part(graph)]
    except (Unrecordable, RecursionError):
        return None
    return json.dumps([writer.records, roots], separators=(",", ":")).encode()


@cache
def sources() -> str:
    """A digest of the names, sizes and times of graphc's own sources: another version writes other programs."""
    found = sorted(line for package in PACKAGES for folder in _folders(package) for line in _files(folder))
    return _digest("\n".join(found).encode())


def _folders(package: str) -> list[str]:
    spec = find_spec(package)
    return list(spec.submodule_search_locations or ()) if spec else []


def _files(folder: str) -> Iterator[str]:
    waiting = [folder]
    while waiting:
        with os.scandir(waiting.pop()) as entries:
            for entry in entries:
                if entry.is_dir():
                    waiting.append(entry.path)
                elif entry.name.endswith(".py"):
                    state = entry.stat()
                    yield f"{entry.path} {state.st_size} {state.st_mtime_ns}"


@final
class _GraphWriter(Writer):
    """Records of graphs, nodes and what ops have as options.  They are not read again."""

    def written(self, value: Any) -> tuple[int]:  # Any: as in Writer
        write = _KINDS.get(value.__class__)
        if write is not None:
            return write(self, value)
        told = value.told_by() if isinstance(value, Op) else None
        return (
            super().written(value) if told is None else self.value(value.__class__.__qualname__, map(self.part, told))
        )

    def graph(self, graph: Graph) -> tuple[int]:
        """Its nodes first, operands before users: no record needs one that is not there."""
        for node in graph.nodes:
            self.part(node)
        return super().written(graph)

    def node(self, node: Node) -> tuple[int]:
        parts = (node.op, node.type, node.origin, *node.inputs)
        return self.thing("node", [self.part(part) for part in parts])

    def origin(self, origin: Origin) -> tuple[int]:
        rest = (origin.derived_from, origin.merged, origin.members)
        places = (origin.file, origin.line, origin.function, origin.scope, origin.called)
        return self.value("origin", (*places, *[self.part(part) for part in rest]))

    def derivation(self, derivation: Derivation) -> tuple[int]:
        """Of the node that it began with only where that was made."""
        return self.value("derivation", (derivation.rule, self.part(derivation.forward.origin)))

    def storage(self, storage: Storage) -> tuple[int]:
        """Each is another one, whatever it holds."""
        return self.thing("storage", (storage.array.dtype.name, self.part(storage.array.shape)))

    def region(self, region: Region) -> tuple[int]:
        return self.thing("region", ())

    def array(self, array: npt.NDArray[Any]) -> tuple[int]:
        return self.value("array", (array.dtype.name, self.part(array.shape), _digest(array.tobytes())))

    def bytes(self, content: bytes) -> tuple[int]:
        return self.value("bytes", (_digest(content),))


_KINDS: Mapping[type, Callable[..., tuple[int]]] = {
    Graph: _GraphWriter.graph,
    Node: _GraphWriter.node,
    Origin: _GraphWriter.origin,
    Derivation: _GraphWriter.derivation,
    Storage: _GraphWriter.storage,
    Region: _GraphWriter.region,
    np.ndarray: _GraphWriter.array,
    bytes: _GraphWriter.bytes,
}


def _digest(content: bytes) -> str:
    from hashlib import sha256

    return sha256(content).hexdigest()
