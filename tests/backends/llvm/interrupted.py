"""Run as a program: long native calls, each of which a signal interrupts; then the function is called again.

The arguments: what takes long, and the state that the pool of threads is in.
"""

import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

import graphc as gx
from graphc.backends.llvm.entry import supported
from graphc.backends.llvm.pool import pool
from graphc.function import CompiledFunction

__all__ = ["STATES", "WORK"]

DELAY = 0.15  # seconds until the signal
PROMISED = 1.0  # seconds from the signal until the call returns

Array = npt.NDArray[Any]


@dataclass(frozen=True)
class Work:
    """A result, and arrays for which it takes very long, and others for which it does not."""

    inputs: list[gx.Node]
    result: gx.Node
    long: Callable[[], list[Array]]
    short: list[Array]


def a_loop() -> Work:
    x, n = gx.input("x", (), "float64"), gx.input("n", (), "int64")
    result = gx.fori_loop(0, n, lambda i, c: gx.sin(c) + 1, x)
    return Work([x, n], result, lambda: [np.array(0.5), np.array(10**10)], [np.array(0.5), np.array(7)])


def a_loop_without_end() -> Work:
    x = gx.input("x", (3,))
    result = gx.while_loop(lambda c: gx.all(c > 0), lambda c: c * 0.5 + 1, x)
    return Work([x], result, lambda: [np.ones(3, np.float32)], [np.array([1, -1, 2], np.float32)])


def a_kernel() -> Work:
    x = gx.input("x", ("n",))
    result = gx.sum(gx.lgamma(gx.sin(x[:, None] + x[None, :]) + 3), 0)
    return Work([x], result, lambda: [np.linspace(0, 1, 200_000, dtype=np.float32)], [np.ones(5, np.float32)])


def a_row() -> Work:
    """One row, which is one chunk, and a sum in it that is done one by one."""
    x = gx.input("x", ("n",))
    y = gx.cumsum(x)
    for _ in range(20):
        y = gx.cumsum(gx.sin(y))
    return Work([x], y, lambda: [np.ones(1 << 24, np.float32)], [np.ones(5, np.float32)])


def a_product() -> Work:
    x, y = gx.input("x", ("m", "k"), "float64"), gx.input("y", ("k", "n"), "float64")
    short = [np.arange(6.0).reshape(2, 3), np.arange(12.0).reshape(3, 4)]
    return Work([x, y], x @ y, lambda: [np.ones((5000, 7000)), np.ones((7000, 5000))], short)


def a_complex_product() -> Work:
    """Which the library makes, in blocks of rows."""
    x, y = gx.input("x", ("m", 4000), "complex64"), gx.input("y", (4000, 4000), "complex64")
    right = np.ones((4000, 4000), "complex64")
    return Work([x, y], gx.real(x @ y), lambda: [np.ones((20_000, 4000), "complex64"), right], [right[:3] * 2, right])


def a_loop_in_chunks() -> Work:
    """Whose turns are made at the same time."""
    q, k, v = (gx.input(name, ("n", 2048, 4)) for name in "qkv")
    rng = np.random.default_rng(0)
    long, short = (list(rng.standard_normal((3, n, 2048, 4), dtype=np.float32)) for n in (400, 2))
    return Work([q, k, v], gx.softmax(q @ k.mT) @ v, lambda: long, short)


def a_sort() -> Work:
    """Of one row, whose keys differ in all digits."""
    x = gx.input("x", ("n",))
    long = np.random.default_rng(0).standard_normal(30_000_000, dtype=np.float32)
    return Work([x], gx.sort(x), lambda: [long], [long[:1000]])


ALL = (a_loop, a_loop_without_end, a_kernel, a_row, a_product, a_complex_product, a_loop_in_chunks, a_sort)
WORK = {work.__name__: work for work in ALL}


@contextmanager
def the_pool_at_work() -> Iterator[None]:
    """Another thread has the workers, over and over."""
    x = gx.input("x", (1 << 20,))
    busy, stop, array = gx.compile([x], gx.exp(x), backend="llvm"), threading.Event(), np.ones(1 << 20, np.float32)

    def work() -> None:
        while not stop.is_set():
            busy(array)

    other = threading.Thread(target=work)
    other.start()
    try:
        yield
    finally:
        stop.set()
        other.join()


@contextmanager
def threads(number: int) -> Iterator[None]:
    pool().resize(number)
    yield


STATES: dict[str, Callable[[], Any]] = {
    "alone": lambda: threads(1),
    "several": lambda: threads(4),
    "busy": the_pool_at_work,
}


def interrupted(call: Callable[[], object]) -> None:
    """A signal that comes meanwhile ends a call, soon: at the latest in the third attempt, as machines are busy."""
    late = [_late(call)]
    while late[-1] >= PROMISED:
        assert len(late) < 3, late
        late.append(_late(call))


def _late(call: Callable[[], object]) -> float:
    """How long after a signal a call ends, in seconds."""
    sent: list[float] = []

    def send() -> None:
        sent.append(time.monotonic())
        os.kill(os.getpid(), signal.SIGINT)

    timer = threading.Timer(DELAY, send)
    timer.start()
    try:
        call()
        timer.join()
    except KeyboardInterrupt:
        return time.monotonic() - sent[0]
    raise AssertionError("it was not interrupted")


def main(work: Work) -> None:
    """Each way to call a function is interrupted, after which all is as before."""
    expected = np.asarray(gx.compile(work.inputs, work.result)(*work.short))
    long = work.long()

    def require(found: object) -> None:
        np.testing.assert_allclose(np.asarray(found), expected, rtol=1e-5)

    plain = gx.compile(work.inputs, work.result, backend="llvm")
    interrupted(lambda: plain(*long))
    for _ in range(4):
        require(plain(*work.short))
    assert not supported() or type(plain) is not CompiledFunction, "a shortcut"
    interrupted(lambda: plain(*long))
    interrupted(lambda: plain(*long))  # natively, as the arena of these sizes was left there
    require(plain(*work.short))
    if all(isinstance(extent, int) for extent in work.result.shape):
        out = np.zeros(expected.shape, expected.dtype)
        interrupted(lambda: plain(*long, out=out))
        require(plain(*work.short, out=out))
    w, total = gx.state("w", np.zeros((), np.int64)), gx.state("total", np.zeros(()))
    change = (gx.sum(work.result) * 0 + 1).astype("float64")
    step = gx.compile(work.inputs, [work.result], updates={w: w + 1, total: total + change}, backend="llvm")
    calls = 0
    for more in (1, 4):
        interrupted(lambda: step(*long))
        assert (int(w.value), int(total.value)) == (calls, calls), (w.value, total.value)
        for _ in range(more):
            require(step(*work.short)[0])
        calls += more
        assert (int(w.value), int(total.value)) == (calls, calls), (w.value, total.value)
    interrupted(lambda: step(*long))


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.default_int_handler)
    with STATES[sys.argv[2]]():
        main(WORK[sys.argv[1]]())
