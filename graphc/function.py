"""A compiled function: takes a caller's arrays, finds room, runs, and gives arrays back."""

import _signal  # type: ignore[import-not-found]  # what `signal` is made of, without enums: a twelfth of the time
from collections import OrderedDict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from threading import Lock, get_ident, main_thread
from typing import Any, NoReturn

import numpy as np
import numpy.typing as npt

from graphc.arguments import Arguments, OutputRoom
from graphc.backends.backend import Artifact, Backend, Loaded, Prepared, empty_arena
from graphc.ir.graph import Graph
from graphc.ir.leaves import Variable
from graphc.ir.node import Node
from graphc.ir.storage import Guard
from graphc.kernel.failures import index_outside, sizes_differ
from graphc.kernel.program import Check, IndexInRange, Program
from graphc.passes.memory import Layout, Placement
from graphc.passes.pipeline import Trace
from graphc.sizes import compiled
from graphc.structure import Structure, builder

__all__ = ["CompiledFunction", "MemoryReport"]

KEPT_SIZES = 16  # sets of sizes whose plan and views are kept

Array = npt.NDArray[Any]
_SIGINT = 2


@dataclass(frozen=True)
class MemoryReport:
    """What one call needs, in bytes, known before it runs.

    peak_bytes    the arena: every temporary and every scratch, by the plan
    total_bytes   all temporaries side by side, without a plan
    bound_bytes   the largest set alive together: no plan can be smaller
    output_bytes  fresh arrays that the caller gets
    """

    peak_bytes: int
    total_bytes: int
    bound_bytes: int
    output_bytes: int

    def __str__(self) -> str:
        return (
            f"arena {self.peak_bytes:,} bytes (lower bound {self.bound_bytes:,}, side by side {self.total_bytes:,}), "
            f"outputs {self.output_bytes:,}"
        )


@dataclass(eq=False, slots=True)
class _Bound:
    """Views into one arena for one set of sizes: one caller at a time."""

    arena: Array
    compute: tuple[Prepared, ...]
    commit: tuple[Prepared, ...]
    rooms: tuple[tuple[tuple[int, ...], np.dtype[Any]], ...]


@dataclass(eq=False)
class CompiledFunction:
    """What `gx.compile` gives.  Call it with arrays, by position or by name.

    source   the generated text        trace   every stage of the compilation        graph   what was compiled
    """

    graph: Graph
    program: Program
    constants: tuple[Array, ...]
    layout: Layout
    artifact: Artifact
    backend: Backend
    arguments: Arguments
    form: Structure
    trace: Trace
    guard: Guard
    name: str
    compile_count: int = 1
    _loaded: Loaded = field(init=False)
    _pools: OrderedDict[tuple[int, ...], list[_Bound]] = field(default_factory=OrderedDict)
    _lock: Lock = field(default_factory=Lock)

    def __post_init__(self) -> None:
        self._loaded = self.backend.load(self.artifact, self.name)
        self._variables = tuple(_storage(node).array for node in self.graph.variables)
        self._rebuild = builder(self.form)
        self._room = OutputRoom(self.form)
        self._output_sizes = compiled(
            [extent for buffer in self.program.outputs for extent in buffer.shape], self.program.symbols
        )

    @property
    def source(self) -> str:
        """The generated text."""
        return self.artifact.source

    @property
    def updates(self) -> Mapping[Node, Node]:
        """Every variable that a call sets, and its next value."""
        return self.graph.updates

    @property
    def variables(self) -> tuple[Node, ...]:
        """The params and states that a call reads or sets."""
        return self.graph.variables

    def memory(self, **sizes: int) -> MemoryReport:
        """What a call needs, for these values of its size symbols: `f.memory(batch=64)`."""
        values = self.arguments.sizes_from(sizes)
        placement = self.layout.place(values)
        given = sum(int(np.prod(shape, dtype=np.int64)) * dtype.itemsize for shape, dtype in self._output_rooms(values))
        return MemoryReport(placement.peak_bytes, placement.total_bytes, placement.bound_bytes, given)

    def release(self) -> None:
        """Give all arenas back.  The next call finds room again."""
        with self._lock:
            self._pools.clear()

    def __call__(self, /, *arrays: object, out: Structure = None, **named: object) -> Structure:
        inputs, sizes = self.arguments.accept(arrays, named)
        bound = self._take(sizes)
        try:
            outputs = (
                [np.empty(shape, dtype) for shape, dtype in bound.rooms]
                if out is None
                else self._room.arrays(out, bound.rooms, inputs)
            )
            if bound.commit:
                self.guard.alone(partial(_run_and_commit, bound, inputs, outputs))
            elif self._variables:
                self.guard.shared(partial(_run, bound, inputs, outputs))
            else:
                _run(bound, inputs, outputs)
        finally:
            self._give(sizes, bound)
        if out is not None:
            return self._room.filled(out, outputs)
        return self._rebuild([y if y.shape else y[()] for y in outputs])

    # Rooms.

    def _take(self, sizes: tuple[int, ...]) -> _Bound:
        pool = self._pools.get(sizes)
        if pool:
            try:
                return pool.pop()
            except IndexError:  # another caller took the last one in between
                pass
        return self._bind(sizes)

    def _give(self, sizes: tuple[int, ...], bound: _Bound) -> None:
        pool = self._pools.get(sizes)
        if pool is not None:
            pool.append(bound)
            return
        with self._lock:
            self._pools.setdefault(sizes, []).append(bound)
            while len(self._pools) > KEPT_SIZES:
                self._pools.popitem(last=False)

    def _output_rooms(self, sizes: Sequence[int]) -> tuple[tuple[tuple[int, ...], np.dtype[Any]], ...]:
        extents: Iterator[int] = iter(self._output_sizes(sizes))
        return tuple((tuple(next(extents) for _ in b.shape), b.dtype) for b in self.program.outputs)

    def places(self, placement: Placement) -> list[int]:
        """The offset of each temporary, then of each workspace."""
        layout = self.layout
        at = [placement.offsets[layout.storage[buffer]] for buffer in self.program.temporaries]
        return at + [placement.offsets[layout.workspaces[step]] for step in sorted(layout.workspaces)]

    def _bind(self, sizes: tuple[int, ...], arena: Array | None = None) -> _Bound:
        placement = self.layout.place(sizes)
        if arena is None:
            arena = empty_arena(placement.peak_bytes, self.layout.alignment)
        compute, commit = self._loaded.prepare(
            arena, self.places(placement), self._variables, self.constants, sizes, self._fail
        )
        return _Bound(arena, compute, commit, self._output_rooms(sizes))

    def _fail(self, number: int, *values: Any) -> NoReturn:
        """Raise what check `number` has to say of the values that broke it."""
        step = self.program.steps[number]
        assert isinstance(step, Check), step
        if isinstance(step.condition, IndexInRange):
            index, extent = values
            low = -extent if step.condition.negative else 0
            raise index_outside(step, int(index[(index < low) | (index >= extent)].flat[0]), extent)
        raise sizes_differ(step, *values)


def _storage(node: Node) -> Any:
    assert isinstance(node.op, Variable), node
    return node.op.stored


def _run(bound: _Bound, inputs: Sequence[Array], outputs: Sequence[Array]) -> None:
    """Run the pieces that set no variable."""
    with np.errstate(all="ignore"):
        for run in bound.compute:
            run(inputs, outputs)


def _run_and_commit(bound: _Bound, inputs: Sequence[Array], outputs: Sequence[Array]) -> None:
    """Run all pieces.  A Ctrl-C that comes while variables are set is delivered when all are."""
    with np.errstate(all="ignore"):
        for run in bound.compute:
            run(inputs, outputs)
        _commit(bound, inputs, outputs)


def _commit(bound: _Bound, inputs: Sequence[Array], outputs: Sequence[Array]) -> None:
    """Set all variables.  Nothing here may raise; a Ctrl-C waits until they are set."""
    handler = _signal.getsignal(_SIGINT) if get_ident() == main_thread().ident else None
    if not callable(handler):  # another thread, or a handler that raises nothing in Python
        for run in bound.commit:
            run(inputs, outputs)
        return
    arrived: list[Any] = []
    _signal.signal(_SIGINT, lambda *given: arrived.append(given))
    try:
        for run in bound.commit:
            run(inputs, outputs)
    finally:
        _signal.signal(_SIGINT, handler)
    if arrived:
        handler(*arrived[0])
