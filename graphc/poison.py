"""Debug mode: a call runs twice in poisoned arenas between guard zones, and both runs must agree on every bit."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from graphc.backends.backend import empty_arena
from graphc.memory import ArenaUse
from graphc.running import Bound, run_and_commit

__all__ = ["run_poisoned"]

Array = npt.NDArray[Any]

GUARD = 4096  # bytes before and behind the arena: one page
POISONS = (0xFF, 0xA5)  # bytes: nan and -1, and some other number


def run_poisoned(
    bind: Callable[[Array], Bound], size: int, alignment: int, inputs: Sequence[Array], variables: Sequence[Array]
) -> tuple[list[Array], ArenaUse]:
    """The outputs of a call, and what it did to an arena of `size` bytes, which `bind` binds a program to.

    Raises AssertionError where a byte beside the arena was written, or where a result depends on what memory
    held before; variables then are what they were.
    """
    before = [variable.copy() for variable in variables]
    touched = np.zeros(size, bool)
    found: list[list[Array]] = []
    try:
        for poison in POISONS:
            _restore(variables, before)
            memory = empty_arena(size + 2 * GUARD, alignment)
            memory.fill(poison)
            bound = bind(memory[GUARD : GUARD + size])
            outputs = [_poisoned(shape, dtype, poison) for shape, dtype in bound.rooms]
            run_and_commit(bound, inputs, outputs)
            _require_guards(memory, size, poison)
            touched |= memory[GUARD : GUARD + size] != poison
            found.append([*outputs, *(variable.copy() for variable in variables)])
        outputs_only = len(found[0]) - len(variables)
        _require_same(found[0], found[1], outputs_only)
    except BaseException:
        _restore(variables, before)
        raise
    last = int(np.flatnonzero(touched)[-1]) + 1 if touched.any() else 0
    return found[-1][:outputs_only], ArenaUse(size, last)


def _restore(variables: Sequence[Array], values: Sequence[Array]) -> None:
    for variable, value in zip(variables, values, strict=True):
        np.copyto(variable, value)


def _poisoned(shape: tuple[int, ...], dtype: np.dtype[Any], poison: int) -> Array:
    array = np.empty(shape, dtype)
    array.reshape(-1).view(np.uint8).fill(poison)
    return array


def _require_guards(memory: Array, size: int, poison: int) -> None:
    for start, zone in ((-GUARD, memory[:GUARD]), (size, memory[GUARD + size :])):
        wrong = np.flatnonzero(zone != poison)
        assert not wrong.size, f"byte {start + int(wrong[0])} was written, the arena has {size}"


def _require_same(first: Sequence[Array], second: Sequence[Array], count: int) -> None:
    """Raise unless both runs found the same bits; the first `count` arrays are outputs."""
    for number, (one, other) in enumerate(zip(first, second, strict=True)):
        what = f"output {number}" if number < count else f"variable {number - count}"
        assert one.tobytes() == other.tobytes(), f"{what} depends on memory that nothing was written to"
