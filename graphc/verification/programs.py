"""Programs, run for their results: by the reference interpreter, or by a backend in an arena of its own."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from math import prod
from typing import Any, NoReturn

import numpy as np
import numpy.typing as npt

from graphc.backends.backend import Artifact, Backend, Loaded
from graphc.backends.space import empty_arena
from graphc.dataclass import dataclass
from graphc.errors import GraphError, IndexRangeError
from graphc.kernel.framing import framed
from graphc.kernel.nesting import all_steps
from graphc.kernel.program import Program
from graphc.kernel.reference import Observer, interpret
from graphc.kernel.steps import Branch, Contract, Extern, Kernel, Loop, SizesAgree
from graphc.kernel.steps import Check as CheckStep
from graphc.kernel.text import program_text
from graphc.origin import Origin
from graphc.passes.lower import Lowered
from graphc.passes.memory import Layout, layout
from graphc.running import Bound, run, run_and_commit
from graphc.sizes import Size, compiled, evaluate

__all__ = ["Array", "Executable", "RefusedError", "Results", "Sizes", "interpreted", "is_same", "is_unchanged", "work"]

Array = npt.NDArray[Any]  # Any: the dtype is the node's
Sizes = Mapping[str, int]

POISON = 0xFF  # bytes of an arena before anything is written: nan, and -1


class RefusedError(Exception):
    """A call that fails: a size or an index is not what is demanded at `origin`, where that is known."""

    def __init__(self, because: str, origin: Origin | None = None) -> None:
        super().__init__(because)
        self.origin = origin


@dataclass(frozen=True)
class Results:
    """What a call gives: outputs, and what variables hold after it, in the order of the program."""

    outputs: Sequence[Array]
    variables: Sequence[Array]


def interpreted(
    lowered: Lowered,
    inputs: Sequence[Array],
    variables: Sequence[Array],
    sizes: Sizes,
    observer: Observer | None = None,
) -> Results:
    """What a program means.  Raises RefusedError where a check of it fails."""
    try:
        return Results(*interpret(lowered.program, inputs, variables, sizes, lowered.constants, observer))
    except GraphError as error:
        raise RefusedError(str(error)) from None


def work(program: Program, sizes: Sizes) -> float:
    """How many lets the interpreter computes, about: loops without a known length make a few steps."""
    total, times = 0.0, dict.fromkeys(program.steps, 1.0)

    def count(extents: Sequence[Size]) -> int:
        return prod(max(evaluate(extent, sizes), 0) for extent in extents)

    for step in all_steps(program.steps):
        here = times[step]
        match step:
            case Kernel():
                for stage in step.stages:
                    points = count([axis.extent for axis in (*step.outer, *stage.inner)])
                    total += here * points * (len(stage.lets) + len(stage.effects))
            case Contract():
                total += here * 4 * count(step.extents)
            case Extern():
                total += here * 20 * sum(count(buffer.shape) for buffer in step.reads)
            case Loop():
                length = _FEW if step.length is None else max(evaluate(step.length, sizes), 0)
                times |= dict.fromkeys((*step.condition, *step.steps), here * length)
            case Branch():
                times |= {part: here for parts in step.parts for part in parts}
            case CheckStep():
                total += here
    return total


_FEW = 5


@dataclass(frozen=True, eq=False)
class Executable:
    """An artifact that is loaded, and what it needs of a call."""

    lowered: Lowered
    artifact: Artifact
    layout: Layout
    loaded: Loaded
    alignment: int

    @staticmethod
    def of(lowered: Lowered, backend: Backend, artifact: Artifact | None = None) -> "Executable":
        """A program as a backend runs it, by an artifact that is given or a new one."""
        if not backend.target.reads_outside:
            lowered = replace(lowered, program=framed(lowered.program))
        made = backend.emit(lowered.program) if artifact is None else artifact
        alignment = backend.target.alignment
        return Executable(
            lowered,
            made,
            layout(lowered.program, made.rooms, alignment),
            backend.load(made, "graphc-verified.py"),
            alignment,
        )

    def run(self, inputs: Sequence[Array], variables: Sequence[Array], sizes: Sizes) -> Results:
        """The results of a call.  What is given stays as it is.  Raises RefusedError where a check fails."""
        try:
            kept = [np.array(variable, order="C") for variable in variables]
            outputs = self.call(self.bind(kept, sizes), [np.array(x, order="C") for x in inputs])
        except GraphError as error:
            raise RefusedError(str(error)) from None
        return Results(outputs, kept)

    def bind(self, variables: Sequence[Array], sizes: Sizes) -> Bound:
        """The code on an arena of its own, for these sizes."""
        program = self.lowered.program
        values = [sizes[name] for name in program.symbols]
        self._require_sizes(sizes)
        placement = self.layout.place(values)
        arena = empty_arena(placement.peak_bytes, self.alignment)
        arena.fill(POISON)
        places = [placement.offsets[self.layout.storage[buffer]] for buffer in program.temporaries]
        places += [placement.offsets[interval] for interval in self.layout.rooms]
        compute, commit = self.loaded.prepare(arena, places, variables, self.lowered.constants, values, _refuse)
        rooms = tuple(
            (tuple(compiled(buffer.shape, program.symbols)(values)), buffer.dtype) for buffer in program.outputs
        )
        return Bound(compute, commit, rooms)

    def call(self, bound: Bound, inputs: Sequence[Array]) -> list[Array]:
        """Fresh outputs, of contiguous inputs."""
        outputs = [np.empty(shape, dtype) for shape, dtype in bound.rooms]
        (run_and_commit if bound.commit else run)(bound, inputs, outputs)
        return outputs

    def _require_sizes(self, sizes: Sizes) -> None:
        """Sizes are looked at before a program runs: its text has no checks of them."""
        for step in self.lowered.program.timeline:
            if isinstance(step, CheckStep) and isinstance(step.condition, SizesAgree):
                left, right = evaluate(step.condition.left, sizes), evaluate(step.condition.right, sizes)
                if left != right:
                    raise RefusedError(step.because, step.origins[0])


def _refuse(number: int, *values: object) -> NoReturn:
    raise IndexRangeError(f"check {number} fails")


def is_unchanged(before: Lowered, after: Lowered) -> bool:
    """Whether a pass left every step of a program as it was."""
    one, other = before.program, after.program
    return one is other or (
        one.commit == other.commit
        and one.aliases == other.aliases
        and len(one.steps) == len(other.steps)
        and all(x is y for x, y in zip(one.steps, other.steps, strict=True))
        and all(x is y for x, y in zip(before.constants, after.constants, strict=True))
    )


def is_same(one: Lowered, other: Lowered) -> bool:
    """Whether two programs are written in the same words, on the same constants and variables."""
    return (
        len(one.variables) == len(other.variables)
        and len(one.constants) == len(other.constants)
        and all(x is y for x, y in zip(one.variables, other.variables, strict=True))
        and all(x is y for x, y in zip(one.constants, other.constants, strict=True))
        and program_text(one.program) == program_text(other.program)
    )
