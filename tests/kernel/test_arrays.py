"""Where buffers lie in the reference interpreter, and who may touch what."""

import numpy as np
import pytest

from graphc.kernel.arrays import Array, Arrays
from graphc.kernel.buffer import Buffer, Role
from graphc.types import INT64
from tests.kernel.building import F32, N, floats, given, local, output, program_of, temporary, variable

ONE, TWO = np.float32(1), np.float32(2)


def arrays(*pairs: tuple[Buffer, Buffer], n: int = 3) -> Arrays:
    return Arrays(program_of([], aliases=dict(pairs)), {"n": n})


def test_shape_is_evaluated() -> None:
    assert arrays(n=5).whole(temporary(2 * N, N + 1)).shape == (10, 6)


def test_unset_floats_are_nan_and_unset_indices_are_in_no_range() -> None:
    memory = arrays()
    assert np.isnan(memory.whole(temporary(N))).all()
    assert (memory.whole(temporary(N, dtype=INT64)) < -(2**62)).all()


def test_view_has_the_bytes_of_its_base() -> None:
    memory, base = arrays(), temporary(2, N)
    memory.store(Buffer(Role.TEMPORARY, F32, (2 * N,), base=base), (4,), ONE)
    assert memory.load(base, (1, 1)) == 1


def test_temporary_written_over_another_has_its_bytes() -> None:
    over, under = temporary(N), temporary(N, 1)
    memory = arrays((over, under))
    memory.store(over, (2,), ONE)
    assert memory.load(under, (2, 0)) == 1


def test_given_array_is_copied() -> None:
    memory, w, value = arrays(), variable(0, 3), floats([1, 2, 3])
    memory.put(w, value)
    memory.store(w, (0,), TWO)
    assert value[0] == 1


def test_input_is_not_written() -> None:
    memory, x = arrays(), given(0, 3)
    memory.put(x, floats([1, 2, 3]))
    with pytest.raises(ValueError, match="read-only"):
        memory.store(x, (0,), TWO)


@pytest.mark.parametrize("value", [np.zeros(3), np.zeros(4, np.float32), np.zeros((3, 1), np.float32)])
def test_given_array_of_another_form_is_a_mistake_of_the_caller(value: Array) -> None:
    with pytest.raises(AssertionError, match=r"an array of .* is given for"):
        arrays().put(given(0, N), value)


@pytest.mark.parametrize("index", [(3,), (-1,), (0, 0), ()])
def test_index_outside_is_found(index: tuple[int, ...]) -> None:
    with pytest.raises(AssertionError, match="of an array of shape"):
        arrays().load(temporary(3), index)


def test_points_may_read_one_element() -> None:
    memory, x = arrays(), temporary(3)
    for point in ((0,), (1,), (2,)):
        memory.start_point(point, [])
        memory.load(x, (0,))


def test_point_may_read_what_it_wrote() -> None:
    memory, x = arrays(), temporary(3)
    memory.start_point((1,), [])
    memory.store(x, (0,), ONE)
    assert memory.load(x, (0,)) == 1


def test_point_may_not_read_what_another_wrote() -> None:
    memory, x = arrays(), temporary(3)
    memory.start_point((0,), [])
    memory.store(x, (1,), ONE)
    memory.start_point((1,), [])
    with pytest.raises(AssertionError, match=r"points \(0,\) and \(1,\) meet at index \(1,\)"):
        memory.load(x, (1,))


def test_point_may_not_write_what_others_read() -> None:
    memory, x = arrays(), temporary(3)
    for point in ((0,), (1,), (0,)):
        memory.start_point(point, [])
        memory.load(x, (1,))
    with pytest.raises(AssertionError, match="meet"):
        memory.store(x, (1,), ONE)


def test_points_meet_through_views_and_shared_bytes() -> None:
    over, under = temporary(3), temporary(3)
    memory = arrays((over, under))
    memory.start_point((0,), [])
    memory.store(over, (1,), ONE)
    memory.start_point((1,), [])
    with pytest.raises(AssertionError, match="meet"):
        memory.load(under, (1,))


def test_kernel_may_read_what_an_earlier_one_wrote() -> None:
    memory, y = arrays(), output(0, 3)
    memory.start_point((0,), [])
    memory.store(y, (1,), ONE)
    memory.start_kernel()
    memory.start_point((1,), [])
    assert memory.load(y, (1,)) == 1


def test_local_is_new_at_every_point() -> None:
    memory, kept = arrays(), local()
    memory.start_point((0,), [kept])
    memory.store(kept, (), ONE)
    memory.start_point((1,), [kept])
    assert np.isnan(memory.load(kept, ()))
