"""What generated source calls, each function by itself."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from graphc.backends.numpy.support import SMALL, blocks, in_range, later_taps, positions, select, span, taps, windows
from graphc.kernel.arrays import Array
from graphc.types import DTYPES, DType

SIZES = (0, 1, SMALL, SMALL + 1, 3 * SMALL)


@given(st.integers(0, 9), st.sampled_from([-3, -2, -1, 1, 2, 3]), st.integers(0, 9))
def test_span_is_the_elements_one_step_apart(start: int, step: int, count: int) -> None:
    wanted = [start + step * k for k in range(count)]
    if count == 0 or all(0 <= place < 10 for place in wanted):
        assert np.arange(10)[span(start, step, count)].tolist() == wanted


def test_span_of_nothing_backwards_is_empty() -> None:
    assert np.arange(5)[span(-1, -1, 0)].size == 0
    assert np.arange(5)[span(0, -1, 0)].size == 0


def test_blocks_cover_every_row_once() -> None:
    for extent in (0, 1, 7, 8, 9):
        rows = [row for block in blocks(lambda first, last: (*range(first, last),), extent, 4) for row in block]
        assert rows == list(range(extent))


def test_taps_are_all_places_of_a_box() -> None:
    assert [*taps(2, 3)] == [(0, 0), (0, 1), (0, 2), (1, 0), (1, 1), (1, 2)]
    assert [*taps(0, 3)] == []
    assert [*later_taps(2, 2)] == [(0, 1), (1, 0), (1, 1)]


def test_positions_count_by_steps_in_the_arena() -> None:
    memory = np.full(64, 0xA5, np.uint8)
    for extent, step in ((3, 1), (4, -2), (1, 5), (0, 1)):
        found = positions(memory, 16, extent, step)
        assert found.tolist() == [step * k for k in range(extent)]
    assert (memory[:16] == 0xA5).all()


def test_windows_move_along_several_axes_at_once() -> None:
    x = np.arange(24).reshape(4, 6)
    diagonal = windows(x, (0, 1), (3,), ((1, 2),))
    assert diagonal.tolist() == [x[k, 1 + 2 * k] for k in range(3)]
    assert windows(x, (9, 9), (0, 2), ((1, 0), (0, 1))).shape == (0, 2)
    assert windows(x[:0], (0, 0), (1, 5), ((0, 0), (0, 1))).shape == (1, 5)


def test_in_range_looks_at_the_least_and_the_largest() -> None:
    assert in_range(np.array([-3, 2]), 3, -3)
    assert not in_range(np.array([-4, 2]), 3, -3)
    assert not in_range(np.array([0, 3]), 3, -3)
    assert not in_range(np.array([-1]), 3, 0)
    assert in_range(np.array([], np.int64), 0, 0)


def drawn(size: int, dtype: DType) -> tuple[Array, Array, Array]:
    rng = np.random.default_rng(size)
    words = [rng.integers(0, 256, size * dtype.itemsize, dtype=np.uint8) for _ in range(2)]
    x, y = (word % 2 if dtype.kind == "b" else word for word in words)
    return rng.random(size) < 0.5, x.view(dtype), y.view(dtype)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("dtype", DTYPES.values(), ids=str)
@pytest.mark.parametrize("over", ["neither", "taken", "other"])
def test_select_is_where_bit_for_bit(dtype: DType, over: str, size: int) -> None:
    condition, taken, other = drawn(size, dtype)
    wanted = np.where(condition, taken, other).tobytes()
    out = {"neither": np.empty(size, dtype), "taken": taken, "other": other}[over]
    select(condition, taken, other, out=out, mask=np.empty(size, dtype))
    assert out.tobytes() == wanted


@pytest.mark.parametrize("size", SIZES)
def test_select_between_one_value_written_over_itself(size: int) -> None:
    condition, x, _ = drawn(size, np.dtype(np.float32))
    wanted = x.tobytes()
    select(condition, x, x, out=x, mask=np.empty(size, np.float32))
    assert x.tobytes() == wanted


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("number", [0.0, -0.0, np.nan, 2.5])
def test_select_of_a_number(number: float, size: int) -> None:
    condition, x, _ = drawn(size, np.dtype(np.float64))
    constant = np.array(number)
    for taken, other in ((x, constant), (constant, x)):
        wanted = np.where(condition, taken, other).tobytes()
        out = np.empty(size)
        select(condition, taken, other, out=out, mask=np.empty(size))
        assert out.tobytes() == wanted
        over = x.copy()
        operands = [over if operand is x else operand for operand in (taken, other)]
        select(condition, *operands, out=over, mask=np.empty(size))
        assert over.tobytes() == wanted


@pytest.mark.parametrize("size", SIZES)
def test_select_between_conditions_written_over_the_condition(size: int) -> None:
    condition, x, y = drawn(size, np.dtype(bool))
    wanted = np.where(condition, x, y)
    select(condition, x, y, out=condition, mask=np.empty(size, bool))
    np.testing.assert_array_equal(condition, wanted)
