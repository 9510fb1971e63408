"""A compiled function: takes a caller's arrays, finds room, runs, and gives arrays back."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import numpy as np
import numpy.typing as npt

from graphc.arenas import Arenas
from graphc.arguments import Arguments, OutputRoom
from graphc.backends.backend import Artifact, Backend, Shortcut
from graphc.backends.space import HERE
from graphc.checked_sizes import CheckedSizes
from graphc.cost import CostReport, cost_of
from graphc.dataclass import dataclass
from graphc.display import Displayed
from graphc.errors import ArgumentError
from graphc.ir.graph import Graph
from graphc.ir.leaves import Variable
from graphc.ir.node import Node
from graphc.ir.storage import Guard
from graphc.kernel.failures import index_outside, too_many_steps
from graphc.kernel.outline import Limit, Outline
from graphc.kernel.plan import Plan
from graphc.kernel.program import Program
from graphc.kernel.steps import IndexInRange
from graphc.memory import ArenaUse, MemoryReport, drawn_plan, plan_of
from graphc.passes.memory import Layout, Placement
from graphc.passes.pipeline import Trace
from graphc.poison import Used, run_poisoned
from graphc.printable import printable
from graphc.runnable import Runnable
from graphc.running import Bound, run, run_and_commit
from graphc.shortcuts import declared, is_brief, work_of
from graphc.signatures import public
from graphc.sizes import compiled, product
from graphc.structure import Structure, builder

if TYPE_CHECKING:
    from graphc.compilation import Compilation

__all__ = ["CompiledFunction"]

Array = npt.NDArray[Any]
CALLS_BEFORE_A_SHORTCUT = 3
LOOKED_AT = 4096  # indices: those that are wrong are sought in pieces, which take no room to speak of


@dataclass(eq=False)
class CompiledFunction(Displayed):
    """What `gx.compile` gives.  Call it with arrays, by position or by name.

    graph      what was compiled
    runnable   what a call runs
    compilation  every stage; where an earlier process left the code on the disk, it is run when asked for
    arena_use   in debug mode, what the last call did to its arena

    Called with `out=`, an array or arrays of the form of the outputs, it computes into these and returns them.
    A call that raises has written to none of them, nor to a variable; only a Ctrl-C may leave `out` half written.
    """

    graph: Graph
    runnable: Runnable
    compilation: "Callable[[], Compilation]"
    backend: Backend
    arguments: Arguments
    form: Structure
    guard: Guard
    debug: bool = False
    seconds: float = 0.0  # from the graph to code that can be called
    compile_count: int = 1
    arena_use: ArenaUse | None = None

    def __post_init__(self) -> None:
        self._outline = outline = self.runnable.outline
        self._arenas = Arenas()
        self._calls = 0
        self._shortcut: Shortcut | None = None
        self._work = 0.0  # of a call with the hints of its sizes; both are known when there is a shortcut
        self._hints: tuple[int, ...] = ()
        self._has_numbers = any(not buffer.shape for buffer in outline.outputs)
        self._space = self.runnable.loaded.space
        self._space.note(self._arenas)
        self._residents = tuple(_storage(node).resident for node in self.stored)
        self._sizes = CheckedSizes(self.graph, outline, self.runnable.layout)
        self._rebuild = builder(self.form)
        self._room = OutputRoom(self.form, self._space)
        self._output_sizes = compiled(
            [extent for buffer in outline.outputs for extent in buffer.shape], outline.symbols
        )

    def __repr__(self) -> str:
        names = ", ".join(node.name or "" for node in self.graph.inputs[:4]) + (", …" if self.graph.inputs[4:] else "")
        return printable(f"<compiled function of {names or 'nothing'}: {self.program.contents}>", 200)

    def __reduce__(self) -> NoReturn:
        raise ArgumentError("a compiled function is neither copied nor pickled", hint="compile it where it is used")

    @property
    def program(self) -> Program:
        """The steps that are run."""
        return self.compilation().lowered.program

    @property
    def artifact(self) -> Artifact:
        """The steps as text."""
        return self.compilation().artifact

    @property
    def trace(self) -> Trace:
        """Every stage of the compilation.  Of a program that was kept on the disk they are made when asked for."""
        return self.compilation().trace

    @property
    def stored(self) -> tuple[Node, ...]:
        """The variables of the program, in its order."""
        return self.runnable.variables

    @property
    def constants(self) -> tuple[Array, ...]:
        """The arrays behind its constants."""
        return self.runnable.constants

    @property
    def layout(self) -> Layout:
        """Which buffers of the program need room, and when."""
        return self.compilation().layout

    @property
    def backend_name(self) -> str:
        """The backend that wrote the code."""
        return self.backend.name

    @property
    def source(self) -> str:
        """The generated text."""
        return self.backend.text(self.artifact, self._usual_plan)

    def _usual_plan(self) -> Plan | None:
        """Where temporaries lie where sizes have the values of their hints; None where these suit no call."""
        return plan_of(self.program, self.layout, self.arguments.hints)

    @public
    def save_source(self, path: "str | Path") -> None:
        """Write the generated text to a file.

        That of the CUDA backend comes with a program that launches it: `model.cu` with `model_main.cu`, which reads
        inputs from .npy files and prints outputs, with CMakeLists.txt, and with the present values of variables.
        """
        file = Path(path)
        if not file.stem.isidentifier():
            raise ArgumentError(f"save_source: {file.stem!r} cannot be the name of a program", hint="model.cu")
        file.write_text(self.source, encoding="utf-8")
        project = self.backend.project(self.artifact, file.stem)
        for name, text in project.items():
            (file.parent / name).write_text(text, encoding="utf-8")
        if project:
            values = [_storage(node).read() for node in self.stored]
            for letter, arrays in (("w", values), ("c", self.constants)):
                for number, array in enumerate(arrays):
                    np.save(file.parent / f"{file.stem}_{letter}{number}.npy", np.asarray(array, order="C"))

    @property
    def assembly(self) -> str:
        """The instructions of the machine.  Raises UnsupportedError where the backend makes none."""
        return self.backend.assembly(self.artifact)

    @property
    def updates(self) -> Mapping[Node, Node]:
        """Every variable that a call sets, and its next value."""
        return self.graph.updates

    @property
    def variables(self) -> tuple[Node, ...]:
        """The params and states that a call reads or sets."""
        return self.graph.variables

    @public
    def memory(self, **sizes: int) -> MemoryReport:
        """What a call takes, for these values of its size symbols: `f.memory(batch=64)`."""
        values = self.arguments.sizes_from(sizes)
        placement = self._sizes.placed(values)
        stacks, symbols = self._outline.stacks, self._outline.symbols
        rooms = self.runnable.rooms
        tables = [room.bytes for room in rooms if room.step is None]
        inputs, outputs = (
            sum(compiled([buffer.bytes for buffer in buffers], symbols)(values))
            for buffers in (self._outline.inputs, self._outline.outputs)
        )
        is_apart = self._space is not HERE  # then arrays of NumPy and variables are copied to a device
        return MemoryReport(
            placement.peak_bytes,
            placement.total_bytes,
            placement.bound_bytes,
            table_bytes=sum(compiled(tables, symbols)(values)),
            library_bytes=max(compiled(self.runnable.library, symbols)(values), default=0),
            kept_bytes=self.runnable.layout.kept_bytes(values),
            step_bytes=sum(
                compiled([product(stack.shape[1:]) * stack.dtype.itemsize for stack in stacks], symbols)(values)
            ),
            output_bytes=outputs,
            copied_bytes=inputs + outputs if is_apart else 0,
            variable_bytes=sum(one.array.nbytes for one in self._residents) if is_apart else 0,
            constant_bytes=sum(array.nbytes for array in self.constants) if is_apart else 0,
            _draw=lambda: drawn_plan(self.program, self.layout, placement, rooms),
        )

    @public
    def cost(self, **sizes: int) -> CostReport:
        """The bytes that each step moves and its operations, for these values of the sizes: `f.cost(batch=64)`."""
        return cost_of(self.program, self.arguments.sizes_from(sizes))

    def release(self) -> None:
        """Give back all arenas that wait for a call, and of a device all that the function has there.

        The next call makes one again.  Variables come home from the device.
        """
        if self._shortcut is not None:
            self._shortcut.release()
        self._arenas.release()
        if self._space is not HERE:
            self.guard.alone(self._space.release, self._residents)

    def __call__(self, /, *arrays: object, out: Structure = None, **named: object) -> Structure:
        """What it computes, of an array for each input: by position or by name, those of a dict by its keys or as one.

        Gives fresh arrays in the form of the outputs, 0-d ones as NumPy scalars, or fills those of `out`; then
        sets the variables of `updates`.  Python numbers adopt the dtype of their input, and safe casts are made.

        Raises ArgumentError for an array that is missing, unknown or given twice, ShapeError and DTypeError for one
        that does not fit, IndexRangeError for an index out of range.  Nothing is changed by a call that raises.
        """
        inputs, sizes = self.arguments.accept(arrays, named)
        if self.debug:
            outputs = self._debugged(inputs, sizes, out)
        else:
            bound = self._arenas.take(sizes) or self._bound(sizes)
            try:
                outputs = (
                    self._space.results(bound.rooms, inputs)
                    if out is None
                    else self._room.arrays(out, bound.rooms, inputs, afresh=self._outline.fails_late)
                )
                if bound.commit:
                    self.guard.alone(self._settled, bound, inputs, outputs)
                elif self._residents:
                    if not self.guard.shared(self._read, bound, inputs, outputs):
                        self.guard.alone(self._settled, bound, inputs, outputs)
                else:
                    run(bound, inputs, outputs)
            finally:
                self._give(sizes, bound)
        if out is not None:
            return self._room.filled(out, outputs)
        if self._has_numbers:
            return self._rebuild([y[()] if type(y) is np.ndarray and not y.shape else y for y in outputs])
        return self._rebuild(outputs)

    @property
    def _may_be_unsettled(self) -> bool:
        """Whether values of variables may be elsewhere than the code reads them."""
        return self._space is not HERE or bool(self.guard.root().away)

    def _settled(self, bound: Bound, inputs: Sequence[Array], outputs: Sequence[Array]) -> None:
        """Run all pieces, alone, when the values of variables are where the code reads them."""
        if self._may_be_unsettled:
            self._space.settle(self._residents)
        run_and_commit(bound, inputs, outputs)

    def _read(self, bound: Bound, inputs: Sequence[Array], outputs: Sequence[Array]) -> bool:
        """Run pieces that set nothing, if the values of variables are where the code reads them."""
        if self._may_be_unsettled and not self._space.is_settled(self._residents):
            return False
        run(bound, inputs, outputs)
        return True

    def _give(self, sizes: tuple[int, ...], bound: Bound) -> None:
        """Let an arena wait for the next call: that of the shortcut, which is made when it seems worth it."""
        self._calls += 1
        if self._calls == CALLS_BEFORE_A_SHORTCUT and not self.debug:
            self._shorten()
        if self._shortcut is not None and is_brief(self._outline, self._work, self._hints, sizes):
            is_taken, before = self._shortcut.exchange(sizes, bound.compute[0], bound)
            if is_taken:
                if before is not None:
                    self._arenas.give(*before)
                return
        self._arenas.give(sizes, bound)

    def _shorten(self) -> None:
        """From the next call on, let native code look at the arrays, where the backend has such code."""
        work = self.runnable.work
        if work is None:
            work = work_of(self.program, self.arguments.hints)
        self._work, self._hints = work, self.arguments.hints
        plain = declared(self._outline, work, self.arguments, self.form, self.guard)
        if plain is None:
            return
        self._shortcut = self.runnable.loaded.shortcut(plain, partial(CompiledFunction.__call__, self))
        if self._shortcut is not None:
            own = {"__call__": self._shortcut.call, "__doc__": CompiledFunction.__doc__, "__slots__": ()}
            self.__class__ = type(CompiledFunction.__name__, (CompiledFunction,), own)

    def _debugged(self, inputs: Sequence[Array], sizes: tuple[int, ...], out: Structure) -> list[Array]:
        """The outputs of a call whose arrays are watched."""
        placement = self._sizes.placed(sizes)
        if out is not None:
            self._room.arrays(out, self._output_rooms(sizes), inputs, afresh=True)
        here = [np.asarray(x) for x in inputs]
        outputs, self.arena_use = self.guard.alone(self._poisoned, here, sizes, placement.peak_bytes)
        if out is not None or self._space is HERE:
            return outputs
        found = self._space.results(self._output_rooms(sizes), inputs)
        for to, value in zip(found, outputs, strict=True):
            self._space.assign(to, value)
        return found

    def _poisoned(self, inputs: Sequence[Array], sizes: tuple[int, ...], size: int) -> tuple[list[Array], ArenaUse]:
        HERE.settle(self._residents)
        used = Used(inputs, HERE.bound(self._residents), self.constants)
        return run_poisoned(partial(self._bind, sizes), size, self.runnable.layout.alignment, used)

    # Rooms.

    def _output_rooms(self, sizes: Sequence[int]) -> tuple[tuple[tuple[int, ...], np.dtype[Any]], ...]:
        extents: Iterator[int] = iter(self._output_sizes(sizes))
        return tuple((tuple(next(extents) for _ in b.shape), b.dtype) for b in self._outline.outputs)

    def places(self, placement: Placement) -> list[int]:
        """The offset of each temporary, then of each room of the backend."""
        layout = self.runnable.layout
        at = [placement.offsets[layout.storage[buffer]] for buffer in self._outline.temporaries]
        return at + [placement.offsets[interval] for interval in layout.rooms]

    def _bound(self, sizes: tuple[int, ...]) -> Bound:
        """The program on an arena of its own."""
        arena = self._space.arena(self._sizes.placed(sizes).peak_bytes, self.runnable.layout.alignment)
        return self._bind(sizes, arena, self._space.bound(self._residents), self.constants)

    def _bind(
        self, sizes: tuple[int, ...], arena: Array, variables: Sequence[Any], constants: Sequence[Array]
    ) -> Bound:
        places = self.places(self._sizes.placed(sizes))
        fail = partial(_fail, self._outline)  # not a method: an arena that waits holds no function
        compute, commit = self.runnable.loaded.prepare(arena, places, variables, constants, sizes, fail)
        return Bound(compute, commit, self._output_rooms(sizes))


def _fail(outline: Outline, number: int, *values: Any) -> NoReturn:
    """Raise what check `number` has to say of the values that broke it."""
    failure = outline.failing[number]
    if isinstance(failure, Limit):
        raise too_many_steps(failure, *values)
    assert isinstance(failure.condition, IndexInRange), failure  # sizes were looked at before
    index, extent = values
    low = -extent if failure.condition.negative else 0
    raise index_outside(failure, _first_outside(index.reshape(-1), low, extent), extent)


def _storage(node: Node) -> Any:
    assert isinstance(node.op, Variable), node
    return node.op.stored


def _first_outside(index: Array, low: int, extent: int) -> int:
    """The first element that is not in low .. extent - 1."""
    for start in range(0, len(index), LOOKED_AT):
        part = index[start : start + LOOKED_AT]
        wrong = part[(part < low) | (part >= extent)]
        if wrong.size:
            return int(wrong[0])
    raise AssertionError(f"all indices lie in {low} .. {extent - 1}")
