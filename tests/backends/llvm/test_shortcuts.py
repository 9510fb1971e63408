"""Calls that go from the caller to native code: what they give, what goes to Python instead, and many at once."""

import os
import time
from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Thread
from typing import Any, NamedTuple

import numpy as np
import pytest

import graphc as gx
from graphc.backends.llvm.entry import supported
from graphc.backends.llvm.quick import PLACES
from graphc.function import CALLS_BEFORE_A_SHORTCUT, CompiledFunction
from tests.backends.llvm.children import finished

pytestmark = [
    pytest.mark.skipif(not supported(), reason="the layout of objects is not known here"),
    pytest.mark.unguarded,
]

F32 = np.float32


def warm(function: CompiledFunction, *arrays: Any) -> CompiledFunction:
    """The function after enough calls to have a shortcut."""
    for _ in range(CALLS_BEFORE_A_SHORTCUT + 1):
        function(*arrays)
    assert type(function) is not CompiledFunction
    return function


def affine() -> CompiledFunction:
    x, y = gx.input("x", ("n",)), gx.input("y", ("n",))
    return gx.compile([x, y], 2 * x + y, backend="llvm")


def test_results_are_those_of_the_first_calls() -> None:
    a, b = np.arange(5, dtype=F32), np.ones(5, F32)
    np.testing.assert_array_equal(warm(affine(), a, b)(a, b), 2 * a + b)


def test_sizes_may_alternate() -> None:
    function = warm(affine(), np.zeros(5, F32), np.zeros(5, F32))
    for n in (5, 3, 3, 5, 0, 1, 1000, 5, 5):
        a, b = np.arange(n, dtype=F32), np.ones(n, F32)
        np.testing.assert_array_equal(function(a, b), 2 * a + b)


@pytest.fixture
def natively(monkeypatch: pytest.MonkeyPatch) -> Callable[[CompiledFunction], CompiledFunction]:
    """The function, which from now on fails where a call goes to Python."""

    def refuse(arrays: object, named: object) -> None:
        raise AssertionError("a call went to Python")

    def watched(function: CompiledFunction) -> CompiledFunction:
        monkeypatch.setattr(function.arguments, "accept", refuse)
        return function

    return watched


Watch = Callable[[CompiledFunction], CompiledFunction]


def test_some_sizes_in_turn_are_called_natively(natively: Watch) -> None:
    function, b = warm(affine(), np.zeros(5, F32), np.zeros(5, F32)), np.ones(100, F32)
    sizes = [*range(1, PLACES + 1)]
    for n in sizes:
        function(b[:n], b[:n])
    natively(function)
    for n in (*sizes, *reversed(sizes), 3, 7, 3, 7):
        np.testing.assert_array_equal(function(np.arange(n, dtype=F32), b[:n]), 2 * np.arange(n) + 1)


def test_more_sizes_in_turn_than_there_are_arenas() -> None:
    function, b = warm(affine(), np.zeros(5, F32), np.zeros(5, F32)), np.ones(100, F32)
    for n in [*range(3 * PLACES), *range(2 * PLACES), 5, 5, *range(PLACES)]:
        np.testing.assert_array_equal(function(np.arange(n, dtype=F32), b[:n]), 2 * np.arange(n) + 1)


def test_what_goes_to_python_leaves_the_arenas_of_other_sizes(natively: Watch) -> None:
    function, b = warm(affine(), np.zeros(5, F32), np.zeros(5, F32)), np.ones(9, F32)
    function(b, b)
    for _ in range(2 * PLACES):
        function([1.0] * 5, b[:5])
    natively(function)
    assert function(b, b).tolist() == [3] * 9
    assert function(b[:5], b[:5]).tolist() == [3] * 5


def test_arrays_by_name_and_numbers_are_taken_natively(natively: Watch) -> None:
    x, y, s = gx.input("x", ("n",)), gx.input("y", ("n",)), gx.input("s", ())
    function, a = gx.compile([x, y, s], {"sum": s * x + y, "total": gx.sum(x)}, backend="llvm"), np.ones(3, F32)
    natively(warm(function, a, a, np.array(2, F32)))
    for found in (function(s=3, x=a, y=a), function(a, y=a, s=3.0), function(a, a, F32(3))):
        assert list(found) == ["sum", "total"]
        assert found["sum"].tolist() == [4, 4, 4]
        assert (type(found["total"]), found["total"]) == (F32, 3)
    natively(function := warm(gx.compile({"here": x}, x + 1, backend="llvm"), a))
    assert function(here=a).tolist() == [2, 2, 2]
    room = np.empty(3, F32)
    assert function(out=room, here=a) is room
    assert room.tolist() == [2, 2, 2]


def test_containers_of_results_are_made_natively(natively: Watch) -> None:
    x, w = gx.input("x", (2,)), gx.param("w", np.zeros(2, F32))
    grown = w + x
    step = gx.compile([x], (gx.sum(grown), {"w": [grown, (x, None)]}), updates={w: grown}, backend="llvm")
    nothing = gx.compile([x], [], updates={w: w * 0 + x}, backend="llvm")
    a = np.ones(2, F32)
    natively(warm(step, a))
    natively(warm(nothing, a))
    assert nothing(x=a) == []
    total, others = step(a)
    assert (total, type(total), list(others), others["w"][1][1]) == (4, F32, ["w"], None)
    assert (others["w"][0].tolist(), others["w"][1][0].tolist()) == ([2, 2], [1, 1])
    assert w.value.tolist() == [2, 2]


def test_containers_of_other_classes_are_made_as_ever() -> None:
    class Pair(NamedTuple):
        first: Any
        second: Any

    x, a = gx.input("x", (2,)), np.ones(2, F32)
    function = gx.compile([x], (Pair(x + 1, x), OrderedDict(a=x * 3), {1: x}), backend="llvm")
    for _ in range(CALLS_BEFORE_A_SHORTCUT + 2):
        pair, keyed, numbered = function(a)
        assert (type(pair), pair.first.tolist()) == (Pair, [2, 2])
        assert (type(keyed), keyed["a"].tolist(), numbered[1].tolist()) == (dict, [3, 3], [1, 1])


WRONG: list[tuple[int, tuple[str, ...], str]] = [
    (2, ("z",), "no input is named 'z'"),
    (1, ("z",), "no input is named 'z'"),
    (2, ("x",), "'x' is given twice"),
    (1, ("x",), "'x' is given twice"),
    (1, (), "'y' is missing"),
    (0, ("y",), "'x' is missing"),
    (3, (), "3 arguments by position"),
    (0, ("x", "y", "z"), "no input is named 'z'"),
]


@pytest.mark.parametrize(("given", "named", "problem"), WRONG)
def test_wrong_names_are_refused_as_ever(given: int, named: tuple[str, ...], problem: str) -> None:
    a = np.ones(3, F32)
    cold, hot = affine(), warm(affine(), a, a)
    said = []
    for function in (cold, hot):
        with pytest.raises(gx.ArgumentError, match=problem) as caught:
            function(*[a] * given, **dict.fromkeys(named, a))
        said.append(str(caught.value))
    assert said[0].splitlines()[0] == said[1].splitlines()[0]
    assert hot(y=a, x=a).tolist() == [3, 3, 3]


def test_numbers_that_do_not_fit_are_refused_as_ever() -> None:
    x, s, i = gx.input("x", ("n",)), gx.input("s", ()), gx.input("i", (), "int8")
    function, a = gx.compile([x, s, i], x * s + i, backend="llvm"), np.ones(3, F32)
    warm(function, a, np.array(2, F32), np.array(1, np.int8))
    assert function(a, 1.5, 2).tolist() == [3.5] * 3
    assert function(a, True, 2).tolist() == [3] * 3
    assert np.isinf(function(a, float("inf"), 2)).all()
    for s_given, i_given in ((1e39, 1), (1.0, 128), (1.0, 1.0), (np.array(1.0), 1), ("1", 1)):
        with pytest.raises(gx.DTypeError):
            function(a, s_given, i_given)


def test_other_arguments_are_converted_or_refused_as_ever() -> None:
    a, b = np.arange(6, dtype=F32), np.ones(6, F32)
    function = warm(affine(), a, b)
    np.testing.assert_array_equal(function(a[::2], b[:3]), 2 * a[::2] + b[:3])
    np.testing.assert_array_equal(function(y=b, x=a), 2 * a + b)
    np.testing.assert_array_equal(function([1, 2], [3, 4]), [5, 8])
    room = np.empty(6, F32)
    assert function(a, b, out=room) is room
    with pytest.raises(gx.ShapeError):
        function(a, b[:3])
    with pytest.raises(gx.ArgumentError):
        function(a)


def test_results_go_where_the_caller_wants_them() -> None:
    a, b = np.arange(6, dtype=F32), np.ones(6, F32)
    function = warm(affine(), a, b)
    before = [function(a, b), function(a, b)]
    room = np.empty(6, F32)
    for k in range(3):
        assert function(k * a, b, out=room) is room
        np.testing.assert_array_equal(room, 2 * k * a + b)
    assert function(a, b, out=a) is a
    np.testing.assert_array_equal(a, 2 * np.arange(6) + 1)
    np.testing.assert_array_equal(before, [2 * np.arange(6) + 1] * 2)
    with pytest.raises(gx.ShapeError, match=r"\(5,\)"):
        function(b, b, out=np.empty(5, F32))
    room.flags.writeable = False
    with pytest.raises(gx.ArgumentError, match="read-only"):
        function(b, b, out=room)


def test_a_call_that_fails_late_leaves_rooms_alone() -> None:
    x, k = gx.input("x", (3,)), gx.input("k", (), "int64")
    places = gx.cumsum(gx.astype(x, "int64"))  # is a result, and looked at then
    function = gx.compile([x, k], [places, gx.take(x, places + k)])
    a, rooms = np.zeros(3, F32), [np.full(3, 7), np.full(3, 7, F32)]
    warm(function, a, np.array(0))
    assert function(a, np.array(0), out=rooms) is rooms
    assert (rooms[0] == 0).all()
    with pytest.raises(gx.IndexRangeError):
        function(a + 9, np.array(0), out=rooms)
    assert (rooms[0] == 0).all()
    assert (rooms[1] == 0).all()


def test_results_that_are_kept_do_not_change() -> None:
    a, b = np.arange(6, dtype=F32), np.ones(6, F32)
    function = warm(affine(), a, b)
    kept = [function(a * k, b) for k in range(8)]
    for k, result in enumerate(kept):
        np.testing.assert_array_equal(result, 2 * k * a + b)


def test_forms_of_results() -> None:
    x = gx.input("x", (3,))
    a = np.array([1, 2, 3], F32)
    pair = warm(gx.compile([x], (x + 1, gx.sum(x)), backend="llvm"), a)(a)
    assert isinstance(pair, tuple)
    assert pair[1].dtype == F32
    assert pair[1] == 6
    several = warm(gx.compile([x], [x * 2], backend="llvm"), a)(a)
    assert isinstance(several, list)
    np.testing.assert_array_equal(several[0], 2 * a)


def test_checks_still_raise() -> None:
    x, i = gx.input("x", ("n",)), gx.input("i", ("m",), "int64")
    a, at = np.arange(4, dtype=F32), np.array([1, 3])
    function = warm(gx.compile([x, i], gx.take(x, i, 0), backend="llvm"), a, at)
    np.testing.assert_array_equal(function(a, at), a[at])
    with pytest.raises(gx.IndexRangeError):
        function(a, np.array([1, 4]))
    np.testing.assert_array_equal(function(a, at), a[at])


def test_many_threads_call_one_function() -> None:
    function = warm(affine(), np.zeros(5, F32), np.zeros(5, F32))

    def many(seed: int) -> bool:
        rng = np.random.default_rng(seed)
        for _ in range(40):
            n = int(rng.choice([5, 900, 50_000]))
            a, b = rng.standard_normal((2, n)).astype(F32)
            if not np.array_equal(function(a, b), 2 * a + b):  # 2 * a is exact
                return False
        return True

    with ThreadPoolExecutor(64) as threads:
        assert all(threads.map(many, range(64)))


def test_many_threads_call_one_function_with_many_sizes() -> None:
    function = warm(affine(), np.zeros(5, F32), np.zeros(5, F32))

    def many(seed: int) -> bool:
        rng = np.random.default_rng(seed)
        for _ in range(100):
            n = int(rng.integers(1, 2 * PLACES)) * 300
            a, b = rng.standard_normal((2, n)).astype(F32)
            if not np.array_equal(function(y=b, x=a), 2 * a + b):
                return False
        return True

    with ThreadPoolExecutor(16) as threads:
        assert all(threads.map(many, range(16)))


@pytest.mark.skipif(not hasattr(os, "fork"), reason="forks of POSIX")
@pytest.mark.filterwarnings("ignore")  # newer Pythons warn of forks where there are threads
def test_a_child_of_a_fork_calls_natively_where_another_thread_was_in_a_call(natively: Watch) -> None:
    x = gx.input("x", ("n",))
    function = gx.compile([x], gx.sum(gx.sin(gx.sin(x[:, None] + x)), 0), backend="llvm")
    a = np.linspace(0, 1, 5000, dtype=F32)
    expected = warm(function, a)(a)
    other = Thread(target=function, args=(a,))
    other.start()
    time.sleep(0.01)
    child = os.fork()
    if child == 0:
        try:
            function(a)  # by Python, where the arena was that the other thread is in
            found = natively(function)(a)
            os._exit(0 if np.array_equal(found, expected) else 2)
        finally:
            os._exit(1)
    other.join()
    assert finished(child, 100) == 0


def test_variables_are_read_and_set() -> None:
    w, x = gx.param("w", np.zeros(4, F32)), gx.input("x", (4,))
    step = gx.compile([x], w * 2, updates={w: w + x}, backend="llvm")
    a = np.arange(4, dtype=F32)
    warm(step, a)
    before = w.value
    np.testing.assert_array_equal(step(a), 2 * before)
    np.testing.assert_array_equal(w.value, before + a)
    w.value = a
    np.testing.assert_array_equal(step(a), 2 * a)


def test_many_threads_set_variables_that_functions_share() -> None:
    w, v = gx.param("w", np.zeros(3, F32)), gx.param("v", np.zeros(3, F32))
    one = warm(gx.compile([], w, updates={w: w + 1}, backend="llvm"))
    both = warm(gx.compile([], (w, v), updates={w: w + 1, v: v + 1}, backend="llvm"))  # from here on under one guard
    w.value, v.value = np.zeros(3, F32), np.zeros(3, F32)

    def many(seed: int) -> None:
        for _ in range(50):
            one() if seed % 2 else both()
            assert len(set(np.asarray(w.value).tolist())) == 1

    with ThreadPoolExecutor(16) as threads:
        list(threads.map(many, range(16)))
    np.testing.assert_array_equal(w.value, np.full(3, 16 * 50, F32))
    np.testing.assert_array_equal(v.value, np.full(3, 8 * 50, F32))


def test_memory_is_given_back() -> None:
    a, b = np.arange(6, dtype=F32), np.ones(6, F32)
    function = warm(affine(), a, b)
    function.release()
    np.testing.assert_array_equal(function(a, b), 2 * a + b)
    assert "define" in function.source
