"""Sizes and places of memory in which random programs are called, and what is found by them."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

import graphc as gx
from graphc.function import CompiledFunction
from graphc.testing.agreement import DisagreementError, check_program
from graphc.testing.layouts import LAYOUTS, OVERLAPS, laid_out, memory_of
from graphc.testing.program import RandomProgram, Recipe, random_program
from graphc.testing.settings import ODD, SMALL, settings_of
from graphc.types import DTYPES

Array = npt.NDArray[Any]  # Any: of every dtype
SHAPES: Sequence[tuple[int, ...]] = ((), (0,), (1,), (5,), (3, 4), (0, 3), (2, 3, 2))
IS_LAID_OUT: Mapping[str, Callable[[Array], bool]] = {
    "every second": lambda x: not x.flags.c_contiguous and x.strides[-1] == 2 * x.itemsize,
    "inside": lambda x: not x.flags.c_contiguous and x.strides[-1] == x.itemsize,
    "reversed": lambda x: x.strides[-1] == -x.itemsize,
    "transposed": lambda x: x.flags.f_contiguous and not x.flags.c_contiguous,
    "repeated": lambda x: x.strides[0] == 0,
    "unaligned": lambda x: not x.flags.aligned,
    "read-only": lambda x: not x.flags.writeable,
    "byte-swapped": lambda x: not x.dtype.isnative,
}


def numbers(shape: tuple[int, ...], dtype: str) -> Array:
    array: Array = np.random.default_rng(len(shape)).integers(0, 2, shape).astype(DTYPES[dtype])
    return array


@pytest.mark.parametrize("layout", [name for name in LAYOUTS if name != "repeated" and name not in OVERLAPS])
@pytest.mark.parametrize("dtype", DTYPES)
def test_an_array_that_is_laid_out_has_the_same_elements(layout: str, dtype: str) -> None:
    for shape in SHAPES:
        array = numbers(shape, dtype)
        (laid,) = laid_out([array], [layout])
        assert (laid.shape, laid.astype(array.dtype).tobytes()) == (array.shape, array.tobytes()), shape


@pytest.mark.parametrize("layout", LAYOUTS)
def test_a_number_is_an_array_without_axes(layout: str) -> None:
    (laid,) = laid_out([np.int64(3)], [layout])  # type: ignore[list-item]  # what generators of NumPy give
    assert isinstance(laid, np.ndarray)
    assert (laid.shape, int(laid)) == ((), 3)


@pytest.mark.parametrize("layout", IS_LAID_OUT)
def test_an_array_is_laid_out_as_it_is_called(layout: str) -> None:
    (laid,) = laid_out([numbers((3, 4), "float32")], [layout])
    assert IS_LAID_OUT[layout](laid)
    assert memory_of(laid).size >= (laid.shape[1] if layout == "repeated" else laid.size)


@pytest.mark.parametrize("layout", ["repeated", *OVERLAPS])
def test_laid_out_again_nothing_changes(layout: str) -> None:
    for shape in SHAPES:
        first = laid_out([numbers(shape, "int32"), numbers((4, 2), "int32") + 7], ["contiguous", layout])
        again = laid_out([np.array(x) for x in first], ["contiguous", layout])
        assert all(np.array_equal(x, y) for x, y in zip(first, again, strict=True)), shape
        assert layout == "repeated" or not first[0].size or np.shares_memory(first[0], first[1]) or first[0].size == 1


def test_sizes_are_around_those_of_vectors_and_primes() -> None:
    assert {15, 16, 17, 33, 7, 8, 9, 3, 1, 5, 37} <= set(ODD)
    program = RandomProgram(Recipe.of(0, 0), "", "", (gx.input("x", ("n",)),), (), {}, {}, (), {})
    drawn: set[int] = set()
    for seed in range(300):
        program = RandomProgram(Recipe.of(seed, 0), "", "", program.inputs, (), {}, {}, (), {})
        drawn.update(setting.sizes["n"] for setting in settings_of(program, lambda sizes: sizes["n"] < 60))
    assert drawn == {*SMALL, *ODD} - {61}


def check_programs() -> None:
    for seed in range(12):
        check_program(random_program(Recipe.of(seed, 4)), 1)


def said_of(results: Any, patch: pytest.MonkeyPatch) -> str:
    """What is found where calls give other results."""
    patch.setattr(RandomProgram, "results", results)
    with pytest.raises(DisagreementError) as caught:
        check_programs()
    assert "laid_out(arrays, [" in caught.value.program
    return caught.value.said


def test_a_call_that_depends_on_where_arrays_lie_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    results = RandomProgram.results

    def wrong(program: RandomProgram, f: CompiledFunction, arrays: Sequence[Array]) -> list[Array]:
        return results(program, f, [x if x.flags.carray else np.zeros_like(x) for x in arrays])

    said = said_of(wrong, monkeypatch)
    assert "a call on arrays that are" in said
    assert "gives other bits" in said


def test_a_call_that_writes_beside_an_input_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    results = RandomProgram.results

    def wrong(program: RandomProgram, f: CompiledFunction, arrays: Sequence[Array]) -> list[Array]:
        found = results(program, f, arrays)
        for array in arrays:
            if memory_of(array).nbytes > array.nbytes:
                memory_of(array).view(np.uint8).reshape(-1)[-1:] = 3
        return found

    assert "changes memory of input" in said_of(wrong, monkeypatch)


def test_the_program_that_is_printed_shows_both_calls(capsys: pytest.CaptureFixture[str]) -> None:
    program = random_program(Recipe.of(1, 6))
    arrays = program.arrays({"n": 2, "m": 3})
    exec(program.program_text(arrays, 1, ["every second"] * len(arrays)), {"__name__": "printed"})
    lines = capsys.readouterr().out.splitlines()
    assert lines[: len(lines) // 2] == lines[len(lines) // 2 :]
