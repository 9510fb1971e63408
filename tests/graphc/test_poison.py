"""Debug mode finds what it is for, and leaves results and variables as they are."""

import ctypes
from collections.abc import Callable, Sequence

import numpy as np
import pytest

import graphc as gx
from graphc.poison import Used, run_poisoned
from graphc.running import Bound
from graphc.types import FLOAT32
from tests.case import Array

Piece = Callable[[Array, Array], None]
Arrays = Sequence[Array]


def watched(piece: Piece) -> int:
    """The highest byte that a piece touches, which is given its arena of 64 bytes and one output of two floats."""

    def bind(arena: Array, variables: Arrays, constants: Arrays) -> Bound:
        return Bound((lambda inputs, outputs: piece(arena, outputs[0]),), (), (((2,), FLOAT32),))

    return run_poisoned(bind, 64, 64, Used([], [], []))[1].touched_bytes


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


def beside(array: Array, offset: int) -> Array:
    """The byte so far from the first one of an array."""
    return np.ctypeslib.as_array((ctypes.c_uint8 * 1).from_address(array.ctypes.data + offset))


KINDS = ("input", "variable", "constant", "output")


def run_on(piece: Callable[[Array], None], kind: str) -> Array:
    """What a variable is after a piece ran, which is given one array of two floats."""
    array, variable = np.array([3, 4], np.float32), np.array([1, 2], np.float32)

    def bind(arena: Array, variables: Arrays, constants: Arrays) -> Bound:
        def compute(inputs: Arrays, outputs: Arrays) -> None:
            outputs[0].fill(0)
            found = {"input": inputs, "variable": variables, "constant": constants, "output": outputs}[kind][0]
            piece(found)

        return Bound((compute,), (), (((2,), FLOAT32),))

    try:
        run_poisoned(bind, 0, 64, Used([array], [variable], [array]))
    finally:
        assert array.tolist() == [3, 4]
    return variable


@pytest.mark.parametrize("offset", [-1, 8])
@pytest.mark.parametrize("kind", KINDS)
def test_a_byte_beside_an_array_is_found(kind: str, offset: int) -> None:
    with pytest.raises(AssertionError, match=f"byte {offset} was written, {kind} 0 has 8"):
        run_on(lambda array: beside(array, offset).fill(1), kind)


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_read_behind_an_array_is_found(kind: str) -> None:
    def behind(arrays: dict[str, Arrays]) -> None:
        arrays["output"][0][...] = beside(arrays[kind][0], 8)[0]

    def bind(arena: Array, variables: Arrays, constants: Arrays) -> Bound:
        def compute(inputs: Arrays, outputs: Arrays) -> None:
            behind({"input": inputs, "variable": variables, "constant": constants, "output": outputs})

        return Bound((compute,), (), (((2,), FLOAT32),))

    array = np.ones(2, np.float32)
    with pytest.raises(AssertionError, match="output 0 depends on memory that nothing was written to"):
        run_poisoned(bind, 0, 64, Used([array], [array.copy()], [array]))


@pytest.mark.parametrize("kind", ["input", "constant"])
def test_what_is_only_read_stays_as_it_is(kind: str) -> None:
    with pytest.raises(AssertionError, match=f"{kind} 0 was written to"):
        run_on(lambda array: array.fill(7), kind)


def test_variables_are_set_when_both_runs_agree_and_else_stay() -> None:
    def next_value(array: Array) -> None:
        array += 1

    assert run_on(next_value, "variable").tolist() == [2, 3]
    variable = np.zeros(2)

    def bind(arena: Array, variables: Arrays, constants: Arrays) -> Bound:
        def compute(inputs: Arrays, outputs: Arrays) -> None:
            variables[0][...] += arena[0]

        return Bound((compute,), (), ())

    with pytest.raises(AssertionError, match="variable 0 depends"):
        run_poisoned(bind, 64, 64, Used([], [variable], []))
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
