"""What a call leaves behind: nothing when it fails, all or nothing when it is interrupted, no mix when many call."""

import gc
import signal
import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from types import FrameType
from typing import TypeVar

import numpy as np
import pytest

import graphc as gx
from graphc.ir.storage import Guard
from tests.case import Array

Result = TypeVar("Result")

THREADS = 16


def in_threads(work: Callable[[int], Result], callers: int = THREADS) -> list[Result]:
    """`work(0) .. work(callers - 1)`, each in a thread, all started together."""
    start = threading.Barrier(callers)

    def one(number: int) -> Result:
        start.wait()
        return work(number)

    with ThreadPoolExecutor(callers) as pool:
        return list(pool.map(one, range(callers)))


# Failure.


@pytest.mark.parametrize("level", [0, 2])
def test_a_call_that_fails_changes_no_variable(level: int) -> None:
    w, calls = gx.param("w", np.zeros((3, 2), np.float32)), gx.state("calls", 0)
    x, y, rows = gx.input("x", ("n",)), gx.input("y", ("m",)), gx.input("rows", ("k",), "int64")
    step = gx.sum(x + y) * gx.sum(gx.take(w + 1, rows, 0))
    f = gx.compile([x, y, rows], step, updates={w: w + step, calls: calls + 1}, level=level)
    one, two = np.ones(1, np.float32), np.ones(2, np.float32)
    bad: list[tuple[object, ...]] = [(one, two, [0]), (two, two, [3]), (two, two, [0, -4]), (two, two)]
    for arguments in bad:
        with pytest.raises(gx.GraphError):
            f(*arguments)
        assert (w.value.tolist(), int(calls.value)) == ([[0, 0]] * 3, 0)
    f(two, two, [0, -1])
    assert (float(w.value[0, 0]), int(calls.value)) == (16, 1)


# Interruption.


def step_function(size: int = 64) -> tuple[Callable[[], object], list[gx.Node]]:
    """A function that adds 1 to variables of several sizes, and does some work before."""
    variables = [gx.state(f"v{n}", np.zeros((n * size, size), np.float32)) for n in range(1, 6)]
    work = gx.sum(gx.exp(-(variables[-1] * 0)) - 1)
    updates = {v: gx.flip(gx.flip(v, 0), 0) + 1 + work for v in variables[::2]} | {v: v + 1 for v in variables[1::2]}
    return gx.compile([], work, updates=updates, backend="numpy"), variables


def values_of(variables: list[gx.Node]) -> set[float]:
    """Every number that the variables hold."""
    return {float(number) for v in variables for number in np.unique(v.value)}


@pytest.fixture
def ctrl_c() -> Iterator[None]:
    """A SIGINT raises KeyboardInterrupt, wherever it comes.

    A process that a shell started in the background ignores it.  CPython prints and drops what is raised in
    `gc.callbacks`, and Hypothesis leaves one there.
    """
    handler = signal.signal(signal.SIGINT, signal.default_int_handler)
    callbacks = gc.callbacks[:]
    gc.callbacks.clear()
    yield
    gc.callbacks.extend(callbacks)
    signal.signal(signal.SIGINT, handler)


@pytest.mark.usefixtures("ctrl_c")
def test_ctrl_c_leaves_variables_before_or_after_a_step(full_tier: bool) -> None:
    """A thread sends SIGINT at random moments; each time all variables hold one number, and the next call works."""
    f, variables = step_function()
    rng = np.random.default_rng(0)
    started = time.perf_counter()
    for _ in range(20):
        f()
    seconds = (time.perf_counter() - started) / 20
    rounds = 400 if full_tier else 60
    interrupted = 0
    for delay in rng.uniform(0, 4 * seconds, rounds):
        timer = threading.Timer(delay, signal.raise_signal, [signal.SIGINT])
        try:
            timer.start()
            while True:
                f()
        except KeyboardInterrupt as error:
            interrupted += 1
            assert len(values_of(variables)) == 1, "seen while the exception is alive"
            f()
            del error
        timer.join()
        assert len(values_of(variables)) == 1
    assert interrupted == rounds


class InterruptAt:
    """Sends SIGINT at event `number` where CPython looks for signals: a function begins, a built-in ends."""

    def __init__(self, number: int) -> None:
        self.left = number

    def __call__(self, frame: FrameType, event: str, argument: object) -> None:
        if event in ("call", "c_return"):
            self.left -= 1
            if self.left == 0:
                sys.setprofile(None)
                signal.raise_signal(signal.SIGINT)


@pytest.mark.usefixtures("ctrl_c")
def test_ctrl_c_at_every_moment_of_a_call_leaves_nothing_locked() -> None:
    f, variables = step_function(2)
    read = gx.compile([], [gx.sum(v) for v in variables])
    calls: list[Callable[[], object]] = [f, read, lambda: variables[0].value]
    for call in calls:
        call()
        for number in count(1):
            interrupt = InterruptAt(number)
            try:
                sys.setprofile(interrupt)
                call()
            except KeyboardInterrupt as error:
                other = threading.Thread(target=f, daemon=True)  # while the exception keeps all frames alive
                other.start()
                other.join(20)
                if other.is_alive():
                    pytest.fail("".join(traceback.format_tb(error.__traceback__)))
            finally:
                sys.setprofile(None)
            assert len(values_of(variables)) == 1
            if interrupt.left > 0:
                break
        assert number > 5


def test_the_handler_of_the_caller_is_back_after_a_call() -> None:
    f, _ = step_function(1)
    before = signal.getsignal(signal.SIGINT)
    f()
    assert signal.getsignal(signal.SIGINT) is before


# Many callers.


def test_threads_call_one_pure_function_with_different_sizes() -> None:
    x = gx.input("x", ("n", 8), "float64")
    f = gx.compile([x], gx.softmax(gx.tanh(x) @ x.T, 1))

    def work(number: int) -> list[tuple[Array, Array]]:
        rng = np.random.default_rng(number)
        arrays = [rng.standard_normal((1 + (number + turn) % 20, 8)) for turn in range(30)]
        return [(X, f(X)) for X in arrays]

    for X, found in (pair for pairs in in_threads(work) for pair in pairs):
        E = np.exp(np.tanh(X) @ X.T)
        np.testing.assert_allclose(found, E / E.sum(1, keepdims=True))
        assert found.tobytes() == f(X).tobytes()
    assert f.compile_count == 1


def test_a_counter_ends_exactly() -> None:
    total, x = gx.state("total", 0), gx.input("x", ("n",))
    f = gx.compile([x], total, updates={total: total + 1})
    seen = in_threads(lambda number: [int(f(np.zeros(number, np.float32))) for _ in range(50)])
    assert total.value == THREADS * 50
    assert sorted(n for part in seen for n in part) == list(range(THREADS * 50))


def test_readers_see_old_values_or_new_ones() -> None:
    a, b = gx.state("a", np.zeros(2000)), gx.state("b", np.zeros(3000))
    step = gx.compile([], None, updates={a: a + 1, b: gx.flip(b) + 1})
    read = gx.compile([], [gx.min(a), gx.max(a), gx.min(b), gx.max(b)])
    stop = threading.Event()

    def work(number: int) -> object:
        if number < 2:
            for _ in range(300):
                step()
            stop.set()
            return True
        last = 0.0
        while not stop.is_set():
            if number % 2:
                value = a.value
                found = [value.min(), value.max()]
            else:
                found = read()
            assert len(set(found)) == 1
            assert found[0] >= last
            last = found[0]
        return True

    assert all(in_threads(work))
    assert a.value[0] == b.value[-1] == 600


def test_functions_that_share_some_variables_take_turns() -> None:
    a, b, c = (gx.state(name, np.zeros(500)) for name in "abc")
    first = gx.compile([], None, updates={a: a + 1, b: b + 1})
    second = gx.compile([], None, updates={b: b + 1, c: c + 1})

    def work(number: int) -> object:
        for _ in range(60):
            (first, second)[number % 2]()
        return True

    in_threads(work)
    assert [set(v.value) for v in (a, b, c)] == [{480}, {960}, {480}]


def test_variables_may_be_joined_while_they_are_used() -> None:
    variables = [gx.state(f"v{n}", 0) for n in range(THREADS)]

    def work(number: int) -> object:
        mine, next_one = variables[number], variables[(number + 1) % THREADS]
        alone = gx.compile([], None, updates={mine: mine + 1})
        for _ in range(20):
            alone()
        both = gx.compile([], None, updates={mine: mine + 1, next_one: next_one + 1})
        for _ in range(20):
            both()
            alone()
        return mine.value

    in_threads(work)
    assert [int(v.value) for v in variables] == [80] * THREADS


def test_many_threads_compile() -> None:
    x, w = gx.input("x", ("n", 3), "float64"), gx.param("w", np.ones((3, 3)))
    y = gx.sum(gx.tanh(x @ w))
    dy = gx.grad(y, [x, w])

    def work(number: int) -> tuple[float, str]:
        f = gx.compile([x], {"y": y, "dy": dy}, level=number % 3)
        return f(np.ones((1 + number, 3)))["y"], f.source

    found = in_threads(work)
    values, sources = zip(*found, strict=True)
    assert values == pytest.approx([3 * np.tanh(3) * (1 + number) for number in range(THREADS)])
    alone = [gx.compile([x], {"y": y, "dy": dy}, level=level) for level in range(3)]
    assert list(values) == [alone[number % 3](np.ones((1 + number, 3)))["y"] for number in range(THREADS)]
    assert len(set(sources)) <= 3


def test_readers_run_side_by_side() -> None:
    guard = Guard()
    meeting = threading.Barrier(2)
    in_threads(lambda _: guard.shared(lambda: meeting.wait(20)), 2)


def test_a_writer_waits_for_readers_and_readers_for_a_writer() -> None:
    guard = Guard()
    inside: list[str] = []

    def slow(name: str) -> None:
        inside.append(name)
        time.sleep(0.02)
        assert name == "reader" or inside == ["writer"]
        inside.remove(name)

    def work(number: int) -> object:
        for _ in range(5):
            if number % 4:
                guard.shared(lambda: slow("reader"))
            else:
                guard.alone(lambda: slow("writer"))
        return True

    assert all(in_threads(work, 8))


def test_a_call_reports_no_overflow_and_leaves_how_the_caller_wants_it_reported() -> None:
    x = gx.input("x", (2,))
    f = gx.compile([x], gx.log(x - 1) / x)
    with np.errstate(all="raise"):
        found = f(np.array([0.0, 1.0], "float32"))
        assert np.geterr()["divide"] == "raise"
    np.testing.assert_array_equal(found, [np.nan, -np.inf])
