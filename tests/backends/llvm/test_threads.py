"""`compile(threads=)`: how many threads take part, what is refused, and the same bits at any number."""

import os
import subprocess
import sys

import numpy as np
import pytest

import graphc as gx
from graphc.backends.llvm.cores import threads_wanted
from graphc.backends.llvm.pool import pool

COUNTED = """
import numpy as np
import graphc as gx
from graphc.backends.llvm.pool import pool
x = gx.input("x", (1 << 22,))
array = np.ones(1 << 22, np.float32)
for threads, started in ((1, 0), (2, 1), (3, 2), (None, 3), (100, 3)):
    function = gx.compile([x], gx.exp(x), backend="llvm", threads=threads)
    for _ in range(5):
        function(array)
    assert pool().started == started, (threads, pool().started)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX threads")
def test_no_more_threads_take_part_than_a_function_may_use() -> None:
    subprocess.run([sys.executable, "-c", COUNTED], env={**os.environ, "GRAPHC_THREADS": "4"}, timeout=60, check=True)


def test_the_same_bits_whatever_a_function_may_use() -> None:
    x, w = gx.input("x", (301, 1031)), gx.input("w", (1031, 257))
    outputs = [gx.softmax(x, 1), gx.sum(x, 0), gx.mean(gx.exp(x)), gx.tanh(x @ w)]
    rng = np.random.default_rng(0)
    arrays = [rng.standard_normal(shape, dtype=np.float32) for shape in ((301, 1031), (1031, 257))]
    before = pool().threads
    found = []
    try:
        pool().resize(7)
        for threads in (1, 2, 4, 7, None):
            function = gx.compile([x, w], outputs, backend="llvm", threads=threads)
            found += [[np.asarray(y).tobytes() for y in function(*arrays)] for _ in range(5)]
    finally:
        pool().resize(before)
    assert all(bits == found[0] for bits in found)


@pytest.mark.parametrize("backend", ["numpy", "llvm"])
@pytest.mark.parametrize("threads", [0, -1, 1.0, True, "2", 2**64])
def test_what_is_no_number_of_threads_is_refused(backend: str, threads: object) -> None:
    x = gx.input("x", (3,))
    with pytest.raises(gx.ArgumentError, match="compile: threads is an int of 1 or more, not") as caught:
        gx.compile([x], x + 1, backend=backend, threads=threads)  # type: ignore[arg-type]
    assert "test_threads.py" in str(caught.value)


def test_numpy_takes_a_number_of_threads_and_has_one() -> None:
    x = gx.input("x", (3,))
    assert gx.compile([x], x + 1, threads=4)(np.zeros(3, np.float32)).tolist() == [1, 1, 1]


def test_each_thread_that_may_take_part_has_room_of_its_own() -> None:
    x = gx.input("x", (64, 1 << 18))
    one, all = (
        gx.compile([x], gx.softmax(gx.exp(x), 1), backend="llvm", threads=threads).memory().library_bytes
        for threads in (1, None)
    )
    assert 0 < one * threads_wanted() == all
