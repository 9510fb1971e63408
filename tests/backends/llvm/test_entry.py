"""A native function that Python calls with arrays: what it takes, what it hands on, what it gives."""

import gc
import sys
import threading
import weakref
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from graphc.backends.llvm.code import link, object_code
from graphc.backends.llvm.entry import Arrays, Entry, Form, Symbol, callable_of, supported
from graphc.backends.llvm.entry_text import entry_text
from graphc.backends.llvm.machine import host

pytestmark = pytest.mark.skipif(not supported(), reason="the layout of objects is not known here")

F4, F8 = np.dtype(np.float32), np.dtype(np.float64)
n, m = Symbol(0), Symbol(1)

# y[n] = x[n] + z[n]; number = n; -1 if x[0] is negative.  Table: x, z, y, number, n, extent of y.
ADD = """
define i64 @run(ptr %table) {
  %x = load ptr, ptr %table
  %z.at = getelementptr i8, ptr %table, i64 8
  %z = load ptr, ptr %z.at
  %y.at = getelementptr i8, ptr %table, i64 16
  %y = load ptr, ptr %y.at
  %number.at = getelementptr i8, ptr %table, i64 24
  %number = load ptr, ptr %number.at
  %n.at = getelementptr i8, ptr %table, i64 32
  %n = load i64, ptr %n.at
  %real = sitofp i64 %n to double
  store double %real, ptr %number
  br label %look
look:
  %i = phi i64 [ 0, %0 ], [ %next, %add ]
  %more = icmp slt i64 %i, %n
  br i1 %more, label %add, label %done
add:
  %next = add i64 %i, 1
  %xi.at = getelementptr float, ptr %x, i64 %i
  %xi = load float, ptr %xi.at
  %zi.at = getelementptr float, ptr %z, i64 %i
  %zi = load float, ptr %zi.at
  %yi = fadd float %xi, %zi
  %yi.at = getelementptr float, ptr %y, i64 %i
  store float %yi, ptr %yi.at
  %is_wrong = fcmp olt float %xi, 0.0
  br i1 %is_wrong, label %fail, label %look
fail:
  ret i64 -1
done:
  ret i64 0
}
"""
ADDED = Entry((Arrays(F4, (n,)), Arrays(F4, (n,))), (Arrays(F4, (n,)), Arrays(F8, ())), 1, Form.TUPLE, "run")

Call = Callable[..., Any]


def made(entry: Entry, native: str, fallback: Call) -> tuple[Call, Callable[[], None]]:
    code = link([object_code(native + entry_text(entry, "entry"), host())], entry.symbols_used, ["entry"])
    return callable_of(entry, code, "entry", fallback)


def refused(*given: object, **named: object) -> tuple[str, tuple[object, ...], dict[str, object]]:
    return "handed on", given, named


@pytest.fixture
def add() -> Call:
    return made(ADDED, ADD, refused)[0]


def array(*numbers: float) -> npt.NDArray[np.float32]:
    return np.array(numbers, np.float32)


def test_arrays_as_declared_are_computed_with(add: Call) -> None:
    y, number = add(array(1, 2, 3), array(10, 20, 30))
    np.testing.assert_array_equal(y, array(11, 22, 33))
    assert (y.dtype, y.shape, type(number), number) == (F4, (3,), np.float64, 3.0)
    y, number = add(array(), array())
    assert (y.shape, number) == ((0,), 0.0)


class Sub(np.ndarray[Any, Any]):
    """An array that is more than an array."""


@pytest.mark.parametrize(
    "given",
    [
        (),
        (array(1),),
        (array(1), array(1), array(1)),
        (array(1), array(1, 2)),
        (array(1), 1.0),
        (array(1), None),
        (array(1), [1.0]),
        (array(1), np.float32(1)),
        (array(1), np.ones(1)),
        (array(1), np.ones(1, np.int32)),
        (array(1), np.ones((1, 1), np.float32)),
        (array(1), np.ones((), np.float32)),
        (array(1, 2), np.ones(4, np.float32)[::2]),
        (array(1, 2), array(1, 2)[::-1]),
        (array(1), np.ones(1, ">f4")),
        (array(1), np.frombuffer(b"12345", np.uint8)[1:].view(np.float32)),
        (array(1), array(1).view(Sub)),
        (array(-1), array(1)),
    ],
)
def test_all_else_is_handed_on_as_it_came(add: Call, given: tuple[object, ...]) -> None:
    said, got, named = add(*given)
    assert said == "handed on"
    assert all(a is b for a, b in zip(got, given, strict=True))
    assert named == {}


@pytest.fixture
def fill() -> Call:
    return made(replace(ADDED, fills=True), ADD, refused)[0]


def test_results_are_written_where_the_caller_wants_them(fill: Call) -> None:
    x, rooms = array(1, 2, 3), (array(0, 0, 0), np.zeros(()))
    before = [sys.getrefcount(thing) for thing in (rooms, *rooms, x)]
    for _ in range(10):
        assert fill(x, array(10, 20, 30), out=rooms) is rooms
    np.testing.assert_array_equal(rooms[0], array(11, 22, 33))
    assert rooms[1] == 3
    assert before == [sys.getrefcount(thing) for thing in (rooms, *rooms, x)]
    y, number = fill(x, x)  # without `out`, as ever
    np.testing.assert_array_equal(y, array(2, 4, 6))
    assert number == 3


@pytest.mark.parametrize("form", [Form.ONE, Form.LIST])
def test_rooms_have_the_form_of_the_results(form: Form) -> None:
    native = ADD.replace("%number.at = getelementptr i8, ptr %table, i64 24", "%number.at = alloca i64")
    native = native.replace("%number = load ptr, ptr %number.at", "%number = alloca double").replace("i64 32", "i64 24")
    entry = Entry((Arrays(F4, (n,)), Arrays(F4, (n,))), (Arrays(F4, (n,)),), 1, form, "run", fills=True)
    fill, _ = made(entry, native, refused)
    room = array(0, 0)
    out = room if form is Form.ONE else [room]
    assert fill(array(1, 2), array(3, 4), out=out) is out
    np.testing.assert_array_equal(room, array(4, 6))
    other: Any = [room] if form is Form.ONE else (room,)
    assert fill(array(1, 2), array(3, 4), out=other)[0] == "handed on"


def frozen(*numbers: float) -> npt.NDArray[np.float32]:
    found = array(*numbers)
    found.flags.writeable = False
    return found


BOTH = np.zeros(4, np.float32)


@pytest.mark.parametrize(
    "out",
    [
        None,
        array(0, 0),
        [array(0, 0), np.zeros(())],
        (array(0, 0),),
        (array(0, 0), np.zeros(()), np.zeros(())),
        (array(0, 0, 0), np.zeros(())),
        (np.zeros((1, 2), np.float32), np.zeros(())),
        (np.zeros(2), np.zeros(())),
        (array(0, 0), np.zeros((), np.float32)),
        (array(0, 0), 0.0),
        (np.zeros(4, np.float32)[::2], np.zeros(())),
        (frozen(0, 0), np.zeros(())),
        (array(0, 0).view(Sub), np.zeros(())),
        (BOTH[2:], BOTH[2:].view(np.float64).reshape(())),
    ],
)
def test_other_rooms_are_handed_on(fill: Call, out: object) -> None:
    x = array(1, 2)
    said, got, named = fill(x, x, out=out)
    assert (said, got) == ("handed on", (x, x))
    assert list(named) == ["out"]
    assert named["out"] is out


def test_rooms_that_share_memory_with_an_argument_are_handed_on(fill: Call) -> None:
    x, number = np.zeros(6, np.float32), np.zeros(())
    assert fill(x[:3], array(1, 2, 3), out=(x[3:], number))[1] == 3
    for room in (x[:3], x[1:4], x[2:5]):
        assert fill(x[2:5], array(1, 2, 3), out=(room, number))[0] == "handed on"
    assert fill(array(-1), array(1), out=(array(0), number))[0] == "handed on"


def test_names_are_handed_on(add: Call) -> None:
    x = array(1)
    assert add(x, z=x)[1:] == ((x,), {"z": x})


def test_what_the_fallback_raises_is_raised() -> None:
    def fail(*given: object) -> None:
        raise KeyError("mine")

    with pytest.raises(KeyError, match="mine"):
        made(ADDED, ADD, fail)[0](1)


def test_arrays_that_may_not_be_written_are_read(add: Call) -> None:
    x = array(1, 2)
    x.flags.writeable = False
    np.testing.assert_array_equal(add(x, x)[0], array(2, 4))


def test_results_that_somebody_has_stay_as_they_are(add: Call) -> None:
    kept = [add(array(i, i), array(i, 1))[0] for i in range(20)]
    np.testing.assert_array_equal(kept, [array(2 * i, i + 1) for i in range(20)])


def test_memory_of_dropped_results_is_used_again(add: Call) -> None:
    x, seen = array(1, 2), set()
    for _ in range(20):
        y, _ = add(x, x)
        seen.add(id(y))
    assert len(seen) <= 2


def test_results_may_be_arguments(add: Call) -> None:
    x = array(1, 1)
    for _ in range(10):
        x, _ = add(x, x)
    np.testing.assert_array_equal(x, array(1024, 1024))


HOLDERS: dict[str, Call] = {
    "a view": lambda y: y[1:],
    "a buffer": memoryview,
    "a weak reference": weakref.ref,
    "an iterator": iter,
}


@pytest.mark.parametrize("holder", HOLDERS)
def test_results_that_something_leads_to_are_not_used_again(add: Call, holder: str) -> None:
    kept = []
    for number in range(8):
        y, _ = add(array(number, number), array(0, 0))
        kept.append(HOLDERS[holder](y))
        del y
    if holder == "a view":
        assert [view[0] for view in kept] == list(range(8))
    if holder == "a buffer":
        assert [buffer[0] for buffer in kept] == list(range(8))


CHANGES: dict[str, Call] = {
    "shape": lambda y: y.resize((2, 2), refcheck=False),
    "dtype": lambda y: setattr(y, "dtype", np.int32),
    "flags": lambda y: setattr(y.flags, "writeable", False),
}


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("change", CHANGES)
def test_results_that_were_changed_are_not_given_again(add: Call, change: str) -> None:
    for _ in range(8):
        y, _ = add(array(1, 2, 3, 4), array(0, 0, 0, 0))
        assert (y.dtype, y.shape, y.flags.writeable, y.tolist()) == (F4, (4,), True, [1, 2, 3, 4])
        CHANGES[change](y)
        del y


def test_nothing_leaks(add: Call) -> None:
    x, z = array(1, 2), array(3, 4)

    def use() -> None:
        for size in (1, 2, 3, 2):
            add(x, z)
            add(x[:size], z[:1])
            add(-x, z)
            add(x, 1, y=2)

    use()
    before = (sys.getrefcount(x), sys.getrefcount(F4), sys.getrefcount(add))
    for _ in range(100):
        use()
    after = (sys.getrefcount(x), sys.getrefcount(F4), sys.getrefcount(add))
    assert max(abs(a - b) for a, b in zip(before, after, strict=True)) <= 4  # F4: those of results that wait


def test_dropping_the_function_frees_all() -> None:
    def fallback(*given: object) -> None:
        pass

    entry, release = made(ADDED, ADD, fallback)
    entry(array(1), array(1))
    release()
    seen = weakref.ref(fallback)
    del entry, release, fallback
    gc.collect()
    assert seen() is None


def test_results_that_wait_are_let_go() -> None:
    add, release = made(ADDED, ADD, refused)
    y = add(array(1), array(1))[0]
    assert sys.getrefcount(y) == 3
    release()
    assert sys.getrefcount(y) == 2
    assert add(array(1), array(1))[0].tolist() == [2]


def test_results_are_new_each_time_if_asked_for() -> None:
    add, _ = made(replace(ADDED, reuses=False), ADD, refused)
    y = add(array(1), array(1))[0]
    assert sys.getrefcount(y) == 2


@pytest.mark.parametrize(("form", "kind"), [(Form.TUPLE, tuple), (Form.LIST, list)])
def test_results_have_their_form(form: Form, kind: type) -> None:
    y, number = found = made(replace(ADDED, form=form), ADD, refused)[0](array(1), array(2))
    assert type(found) is kind
    assert (y.tolist(), number) == ([3], 1)


# y[n + 1, 3] of 7; the extent n + 1 is computed.  Table: x, y, n, extents of y.
GROWN = """
define void @shape(ptr %table) {
  %n.at = getelementptr i64, ptr %table, i64 2
  %n = load i64, ptr %n.at
  %m = add i64 %n, 1
  %m.at = getelementptr i64, ptr %table, i64 3
  store i64 %m, ptr %m.at
  ret void
}
define i64 @run(ptr %table) {
  %y.at = getelementptr i64, ptr %table, i64 1
  %y = load ptr, ptr %y.at
  store double 7.0, ptr %y
  ret i64 0
}
"""


def test_extents_are_computed_and_fixed_ones_are_looked_at() -> None:
    entry = Entry((Arrays(F8, (2, n)),), (Arrays(F8, (None, 3)),), 1, Form.ONE, "run", "shape")
    grow, _ = made(entry, GROWN, refused)
    y = grow(np.ones((2, 4)))
    assert (y.shape, y[0, 0]) == ((5, 3), 7.0)
    assert grow(np.ones((2, 0))).shape == (1, 3)
    assert grow(np.ones((3, 4)))[0] == "handed on"


def test_no_argument_and_no_result() -> None:
    nothing, _ = made(Entry((), (), 0, Form.TUPLE, "run"), "define i64 @run(ptr %t) { ret i64 0 }", refused)
    assert nothing() == ()
    assert nothing(1)[0] == "handed on"


@pytest.mark.parametrize("releases", [False, True])
def test_threads_call_at_once(releases: bool) -> None:
    add, _ = made(replace(ADDED, releases=releases), ADD, refused)
    wrong: list[int] = []

    def work(value: int) -> None:
        x = np.full(20_000, value, np.float32)
        for _ in range(200):
            y, number = add(x, x)
            if not (y == 2 * value).all() or number != 20_000:
                wrong.append(value)

    threads = [threading.Thread(target=work, args=(value,)) for value in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []
