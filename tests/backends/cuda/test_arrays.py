"""Arrays on a device, which is emulated: into calls, out of them, and what they do by themselves."""

from typing import Any

import numpy as np
import pytest

import graphc as gx
from graphc.backends.cuda.arrays import DeviceArray, DeviceSpace
from graphc.backends.cuda.emulation.emulator import Emulator
from tests.backends.cuda.calls import Foreign, aligned, on_device
from tests.backends.cuda.emulated import NEEDS_COMPILER, near
from tests.case import Array

pytestmark = NEEDS_COMPILER


def test_arrays_on_the_device_go_in_and_out_without_a_copy() -> None:
    x = gx.input("x", ("n", 8))
    f, _ = on_device([x], [gx.exp(x), gx.sum(x)])
    given = aligned(np.arange(24, dtype=np.float32).reshape(3, 8) / 8)
    y, total = f(Foreign(given))
    assert isinstance(y, DeviceArray)
    shared: Array = np.from_dlpack(y)  # type: ignore[arg-type]
    assert shared.ctypes.data == y.address
    near(shared, np.exp(given))
    assert float(total) == given.sum()
    near(np.asarray(f(y)[0]), np.exp(np.exp(given)))  # what a call gave, another takes
    del y
    near(shared, np.exp(given))  # who shares memory keeps it


def there(array: Array) -> DeviceArray:
    """An array on an emulated device."""
    return DeviceSpace(Emulator()).uploaded(array)


def test_an_array_of_one_element_is_a_number() -> None:
    number, count = there(np.array(2.5, np.float32)), there(np.array(3))
    assert (float(number), int(number), bool(number), complex(number), number.item()) == (2.5, 2, True, 2.5, 2.5)
    assert (f"{number:.2f}", f"{number}", str(count)) == ("2.50", "2.5", "3")
    assert float(there(np.array([[2.5]], np.float32))) == 2.5
    assert [10, 11, 12, 13][count] == 13
    assert number < 3
    assert number >= there(np.array(2.5, np.float32))
    assert number == 2.5
    assert number != count
    assert number > 2
    assert len({number, count, number}) == 2


def test_what_an_array_does_not_do_by_itself_is_said() -> None:
    x = there(np.arange(6, dtype=np.float32).reshape(3, 2))
    for attempt in (
        lambda: x < 1,
        lambda: x == np.ones((3, 2)),
        lambda: there(np.array(1, np.float32)) == x,
        lambda: x[:, 0],
    ):
        with pytest.raises(gx.ArgumentError, match=r"no x\[|element by element") as raised:
            attempt()
        assert "np.asarray(x) copies it" in str(raised.value)
    for convert in (float, int, bool, complex, DeviceArray.item):
        with pytest.raises(gx.ArgumentError, match=r"an array of shape \(3, 2\) is no number"):
            convert(x)
    for array in (x, there(np.array(1, np.float32)), there(np.array(True))):
        with pytest.raises(TypeError, match="is no index"):
            range(array)
    with pytest.raises(TypeError, match="without axes has no length"):
        len(there(np.array(1, np.float32)))


def test_rows_of_an_array_share_its_memory() -> None:
    given = np.arange(24, dtype=np.float32).reshape(3, 2, 4)
    x = there(given)
    assert len(x) == 3
    for row, exact in zip(x, given, strict=True):
        np.testing.assert_array_equal(np.asarray(row), exact)
    assert x[-1].address == x.address + 2 * 8 * 4
    with pytest.raises(IndexError, match="row 3 of an array on a device that has 3"):
        x[3]
    last = x[2][1]
    del x
    np.testing.assert_array_equal(np.asarray(last), given[2, 1])
    assert not list(there(np.ones((0, 3), np.float32)))


def test_a_capsule_that_was_used_is_refused() -> None:
    x = gx.input("x", ("n",))
    f, _ = on_device([x], gx.exp(x))
    array = aligned(np.ones(32, np.float32))
    capsules: list[object] = [array.__dlpack__()] * 2 + [3]

    class Same(Foreign):
        def __dlpack__(self, **given: object) -> object:
            return capsules.pop(0)

    given = Same(array)
    near(np.asarray(f(given)), np.exp(array))
    with pytest.raises(gx.ArgumentError, match="a capsule of DLPack that was used before"):
        f(given)
    with pytest.raises(gx.ArgumentError, match="an int, no capsule of DLPack"):
        f(given)


def test_memory_is_given_back_when_nobody_holds_it() -> None:
    x = gx.input("x", (1000,))
    f, emulator = on_device([x], gx.exp(x))
    y = f(Foreign(aligned(np.ones(1000, np.float32))))
    free = emulator.free_bytes()
    shared: Array = np.from_dlpack(y)
    capsule = y.__dlpack__()
    del y, shared
    assert emulator.free_bytes() == free
    del capsule
    assert emulator.free_bytes() == free + 4000


def test_what_does_not_begin_at_16_bytes_is_copied_first() -> None:
    x = gx.input("x", ("n",))
    f, _ = on_device([x], gx.exp(x))
    given = aligned(np.arange(33, dtype=np.float32) / 8)[1:]
    near(np.asarray(f(Foreign(given))), np.exp(given))


def test_debug_mode_gives_arrays_of_the_same_kind() -> None:
    x = gx.input("x", ("n", 8))
    f, _ = on_device([x], [gx.exp(x), gx.sum(x)])
    given = aligned(np.arange(24, dtype=np.float32).reshape(3, 8) / 8)
    for array in (given, Foreign(given)):
        f.debug = False
        plain = f(array)
        f.debug = True
        for found, exact in zip(f(array), plain, strict=True):
            assert type(found) is type(exact)
            np.testing.assert_array_equal(np.asarray(found), np.asarray(exact))


@pytest.mark.parametrize("is_there", [False, True])
def test_results_are_written_to_arrays_that_are_given(is_there: bool) -> None:
    x = gx.input("x", ("n",))
    f, _ = on_device([x], gx.exp(x))
    given, room = aligned(np.arange(32, dtype=np.float32) / 8), aligned(np.zeros(32, np.float32))
    out: Any = Foreign(room) if is_there else room
    for _ in range(3):
        room.fill(0)
        assert f(given, out=out) is out
        near(room, np.exp(given))
    f(Foreign(given), out=Foreign(given) if is_there else given)  # over what it reads
    near(given, room)


def test_arrays_that_do_not_fit_are_refused() -> None:
    x = gx.input("x", ("n", 4))
    f, _ = on_device([x], gx.exp(x))
    with pytest.raises(gx.DTypeError, match=r"input 'x' is float32; an array of float64 on the device"):
        f(Foreign(np.zeros((2, 4))))
    with pytest.raises(gx.ArgumentError, match="has strides"):
        f(Foreign(np.zeros((4, 2), np.float32).T))
    with pytest.raises(gx.ShapeError, match="axis 1 has 3, not 4"):
        f(Foreign(np.zeros((2, 3), np.float32)))
    with pytest.raises(gx.ShapeError, match="out has shape"):
        f(np.zeros((2, 4), np.float32), out=Foreign(np.zeros((2, 3), np.float32)))


@pytest.mark.parametrize("backend", ["numpy", "llvm"])
def test_functions_of_the_host_write_into_no_array_of_a_device(backend: Any) -> None:
    x = gx.input("x", ("n",))
    f, _ = on_device([x], gx.exp(x))
    y = f(Foreign(aligned(np.zeros(32, np.float32))))
    host = gx.compile([x], x + 1, backend=backend)
    near(host(y), np.full(32, 2, np.float32))  # it reads one, in a copy
    with pytest.raises(gx.ArgumentError, match=r"out holds .*, which lies where the function does not run"):
        host(np.zeros(32, np.float32), out=y)
