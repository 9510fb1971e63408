"""Debug mode finds what it is for, and leaves results and variables as they are."""

from collections.abc import Callable, Sequence

import numpy as np
import pytest

import graphc as gx
from graphc.poison import run_poisoned
from graphc.running import Bound
from graphc.types import FLOAT32
from tests.case import Array

Piece = Callable[[Array, Array], None]


def watched(piece: Piece, variables: Sequence[Array] = ()) -> int:
    """The highest byte that a piece touches, which is given its arena of 64 bytes and one output of two floats."""

    def bind(arena: Array) -> Bound:
        return Bound((lambda inputs, outputs: piece(arena, outputs[0]),), (), (((2,), FLOAT32),))

    return run_poisoned(bind, 64, 64, [], variables)[1].touched_bytes


def test_the_highest_byte_that_is_written_is_told() -> None:
    def piece(arena: Array, output: Array) -> None:
        arena[7:11] = 0xFF  # also the value of a poison
        output.fill(0)

    assert watched(piece) == 11


def test_a_result_that_nobody_wrote_is_found() -> None:
    with pytest.raises(AssertionError, match="output 0 depends on memory that nothing was written to"):
        watched(lambda arena, output: None)
    with pytest.raises(AssertionError, match="output 0"):
        watched(lambda arena, output: np.copyto(output, arena[:8].view(np.float32)))


@pytest.mark.parametrize("offset", [64, -1])
def test_a_byte_beside_the_arena_is_found(offset: int) -> None:
    def piece(arena: Array, output: Array) -> None:
        output.fill(0)
        memory = arena.base
        assert isinstance(memory, np.ndarray)
        start = arena.ctypes.data - memory.ctypes.data
        memory[start + offset] = 1

    with pytest.raises(AssertionError, match=f"byte {offset} was written, the arena has 64"):
        watched(piece)


def test_variables_are_what_they_were_when_debug_mode_raises() -> None:
    variable = np.zeros(2)

    def piece(arena: Array, output: Array) -> None:
        variable[...] += 1

    with pytest.raises(AssertionError):
        watched(piece, [variable])
    assert variable.tolist() == [0, 0]


def test_a_call_in_debug_mode_updates_once() -> None:
    x, w = gx.input("x", ("n",)), gx.param("w", np.zeros(3))
    f = gx.compile([x], gx.sum(x), updates={w: w + 1}, debug=True)
    assert f.arena_use is None
    assert f(np.ones(5, np.float32)) == 5
    assert w.value.tolist() == [1, 1, 1]
    assert str(f.arena_use) == f"arena written up to byte 0 of {f.memory(n=5).peak_bytes:,}"


def test_debug_mode_writes_into_what_it_is_given() -> None:
    x = gx.input("x", ("n",))
    f = gx.compile([x], gx.cumsum(gx.exp(x), 0), debug=True)
    out = np.empty(4, np.float32)
    assert f(np.zeros(4, np.float32), out=out) is out
    assert out.tolist() == [1, 2, 3, 4]
    with pytest.raises(gx.ShapeError):
        f(np.zeros(4, np.float32), out=np.empty(5, np.float32))
