"""Debug mode: a call runs twice on poisoned arrays between fences, and both runs must agree on every bit."""

from collections.abc import Callable, Sequence
from typing import Any, TypeAlias, final

import numpy as np
import numpy.typing as npt

from graphc.dataclass import dataclass
from graphc.fences import POISONS, Fenced, fenced
from graphc.memory import ArenaUse
from graphc.running import Bound, run_and_commit, undisturbed

__all__ = ["Used", "run_poisoned"]

Array = npt.NDArray[Any]
#: (arena, variables, constants) -> the program on them
Binder: TypeAlias = Callable[[Array, Sequence[Array], Sequence[Array]], Bound]


@final
@dataclass(frozen=True)
class Used:
    """The arrays that a call uses; `variables` are what it sets."""

    inputs: Sequence[Array]
    variables: Sequence[Array]
    constants: Sequence[Array]


def run_poisoned(bind: Binder, size: int, alignment: int, used: Used) -> tuple[list[Array], ArenaUse]:
    """The outputs of a call, and what it did to an arena of `size` bytes, which `bind` binds a program to.

    The arena, the outputs, and copies of all arrays that are used lie between fences.  Raises AssertionError where a
    byte of those was written, or one of an input or constant, or where a result depends on what memory held before,
    that beside the arrays included.  Then variables are what they were.
    """
    touched = np.zeros(size, bool)
    found: list[Sequence[Array]] = []
    for turn, poison in enumerate(POISONS):
        arena = fenced("the arena", size, alignment, turn)
        inputs, variables, constants = (
            [_copied(f"{kind} {number}", array, turn) for number, array in enumerate(arrays)]
            for kind, arrays in (("input", used.inputs), ("variable", used.variables), ("constant", used.constants))
        )
        bound = bind(arena.bytes, _arrays(variables, used.variables), _arrays(constants, used.constants))
        outputs = [
            fenced(f"output {number}", _bytes(shape, dtype), dtype.itemsize, turn)
            for number, (shape, dtype) in enumerate(bound.rooms)
        ]
        made = [output.array(*room) for output, room in zip(outputs, bound.rooms, strict=True)]
        run_and_commit(bound, _arrays(inputs, used.inputs), made)
        for fence in (arena, *inputs, *variables, *constants, *outputs):
            fence.require_fences()
        _require_unchanged([*inputs, *constants], [*used.inputs, *used.constants])
        touched |= arena.bytes != poison
        found.append([array.copy() for array in (*made, *_arrays(variables, used.variables))])
    count = len(found[1]) - len(used.variables)
    _require_same(found[0], found[1], count)
    results, values = list(found[1][:count]), found[1][count:]
    undisturbed(_set, used.variables, values)
    last = int(np.flatnonzero(touched)[-1]) + 1 if touched.any() else 0
    return results, ArenaUse(size, last)


def _set(variables: Sequence[Array], values: Sequence[Array]) -> None:
    for variable, value in zip(variables, values, strict=True):
        np.copyto(variable, value)


def _bytes(shape: Sequence[int], dtype: np.dtype[Any]) -> int:
    return int(np.prod(shape, dtype=np.int64)) * dtype.itemsize


def _copied(owner: str, array: Array, turn: int) -> Fenced:
    fence = fenced(owner, array.nbytes, array.itemsize, turn)
    np.copyto(fence.array(array.shape, array.dtype), array)
    return fence


def _arrays(fenced: Sequence[Fenced], like: Sequence[Array]) -> list[Array]:
    return [fence.array(array.shape, array.dtype) for fence, array in zip(fenced, like, strict=True)]


def _require_unchanged(copies: Sequence[Fenced], arrays: Sequence[Array]) -> None:
    """Raise where what is only read was written to."""
    for copy, array in zip(copies, arrays, strict=True):
        assert copy.bytes.tobytes() == array.tobytes(), f"{copy.owner} was written to"


def _require_same(first: Sequence[Array], second: Sequence[Array], count: int) -> None:
    """Raise unless both runs found the same bits; the first `count` arrays are outputs."""
    for number, (one, other) in enumerate(zip(first, second, strict=True)):
        what = f"output {number}" if number < count else f"variable {number - count}"
        assert one.tobytes() == other.tobytes(), f"{what} depends on memory that nothing was written to"
