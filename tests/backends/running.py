"""Programs built by hand, run by a backend as a compiled function runs them: that of NumPy if no other is named."""

from collections.abc import Mapping, Sequence
from typing import NoReturn

import numpy as np

from graphc.backends.backend import Backend
from graphc.backends.numpy.backend import NumpyBackend
from graphc.backends.space import empty_arena
from graphc.kernel.arrays import Array
from graphc.kernel.program import Program
from graphc.kernel.verify import verify
from graphc.passes.memory import layout
from graphc.sizes import evaluate

__all__ = ["Runner", "run", "source_of"]


class CheckFailedError(Exception):
    """The number of a check that failed, and what it found."""


def source_of(program: Program) -> str:
    """The text of a program."""
    return NumpyBackend().emit(program).source


class Runner:
    """A program by a backend: its text, made and loaded once."""

    def __init__(self, program: Program, backend: Backend) -> None:
        verify(program)
        self.program, self.alignment = program, backend.target.alignment
        self.artifact = backend.emit(program)
        self.loaded = backend.load(self.artifact, "<test>")

    def __call__(
        self,
        inputs: Sequence[Array] = (),
        variables: Sequence[Array] = (),
        sizes: Mapping[str, int] | None = None,
        constants: Sequence[Array] = (),
    ) -> tuple[list[Array], list[Array]]:
        """The outputs of one call, and what the variables hold after it.  What is given stays as it is."""
        program, known = self.program, sizes or {}
        values = [known[name] for name in program.symbols]
        plan = layout(program, self.artifact.rooms, self.alignment)
        placement = plan.place(values)
        places = [placement.offsets[plan.storage[buffer]] for buffer in program.temporaries]
        places += [placement.offsets[interval] for interval in plan.rooms]
        arena = empty_arena(placement.peak_bytes, plan.alignment)
        arena.fill(0xA5)  # what is read before it is written shows
        after = [array.copy() for array in variables]
        outputs = [np.empty([evaluate(n, known) for n in buffer.shape], buffer.dtype) for buffer in program.outputs]

        def fail(number: int, *found: object) -> NoReturn:
            raise CheckFailedError(number, *found)

        compute, commit = self.loaded.prepare(arena, places, after, constants, values, fail)
        with np.errstate(all="ignore"):
            for piece in (*compute, *commit):
                piece(inputs, outputs)
        return outputs, after


def run(
    program: Program,
    inputs: Sequence[Array] = (),
    variables: Sequence[Array] = (),
    sizes: Mapping[str, int] | None = None,
    constants: Sequence[Array] = (),
    backend: Backend | None = None,
) -> tuple[list[Array], list[Array]]:
    """One call of a program."""
    return Runner(program, backend or NumpyBackend())(inputs, variables, sizes, constants)
