"""Every chunk runs once, whoever asks, however many threads there are, and whatever happens in between."""

import ctypes
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator

import numpy as np
import pytest

from graphc.backends.llvm import pool_text
from graphc.backends.llvm.code import assembly, link, object_code
from graphc.backends.llvm.machine import NAMED, Machine, host
from graphc.backends.llvm.pool import Pool, pool
from tests.backends.llvm.children import finished
from tests.backends.llvm.chunks import Chunks

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="POSIX threads")


@pytest.fixture
def chunks() -> Iterator[Chunks]:
    """Bodies, and a pool of 8 threads, which is given back as it was."""
    threads = pool().threads
    pool().resize(8)
    yield Chunks()
    pool().resize(threads)


@pytest.mark.parametrize("threads", range(1, 9))
def test_every_chunk_runs_once(chunks: Chunks, threads: int) -> None:
    for number in (0, 1, 2, 3, threads, 8, 100):
        assert chunks.counted("count", number, threads=threads, calls=500) == [500] * number


def test_a_hundred_thousand_small_calls(chunks: Chunks) -> None:
    assert chunks.counted("count", 3, threads=3, calls=100_000) == [100_000] * 3


@pytest.mark.parametrize("patience", [0, 1_000, 50_000])
def test_nobody_sleeps_for_good(chunks: Chunks, patience: int) -> None:
    pool().resize(4, patience)
    assert chunks.counted("count", 4, threads=4, calls=5_000) == [5_000] * 4
    assert chunks.counted("linger", 4, threads=4, calls=2_000) == [2_000] * 4


@pytest.mark.full
@pytest.mark.parametrize("patience", [0, 300, 3_000, 30_000, 300_000])
@pytest.mark.parametrize("threads", [2, 3, 8])
def test_nobody_sleeps_for_good_in_a_long_time(chunks: Chunks, patience: int, threads: int) -> None:
    pool().resize(threads, patience)
    for body in ("count", "linger"):
        assert chunks.counted(body, threads, threads=threads, calls=100_000) == [100_000] * threads


def test_many_ask_at_once(chunks: Chunks) -> None:
    found: list[list[int]] = []

    def ask() -> None:
        found.append(chunks.counted("count", 5, threads=8, calls=20_000))

    askers = [threading.Thread(target=ask) for _ in range(6)]
    for asker in askers:
        asker.start()
    for asker in askers:
        asker.join()
    assert found == [[20_000] * 5] * 6


def test_chunks_that_ask_for_chunks(chunks: Chunks) -> None:
    counts = np.zeros(8, np.int64)
    chunks.run("nest", counts, threads=8, calls=500)
    assert counts.tolist() == [8 * 500] * 8


@pytest.mark.parametrize("threads", [1, 2, 3])
def test_no_more_threads_take_part_than_were_asked_for(chunks: Chunks, threads: int) -> None:
    seen: set[int] = set()
    for _ in range(200):
        counts = np.zeros(64, np.int64)
        chunks.run("sign", counts, threads=threads)
        seen.update(counts.tolist())
    assert threading.get_ident() in seen
    assert len(seen) <= threads


@pytest.mark.skipif(not host().is_x86, reason="the modes of x86")
def test_all_chunks_round_as_the_caller_does(chunks: Chunks) -> None:
    modes = """
    declare void @llvm.x86.sse.ldmxcsr(ptr)
    define void @set(i32 %modes) {
      %place = alloca i32
      store i32 %modes, ptr %place
      call void @llvm.x86.sse.ldmxcsr(ptr %place)
      ret void
    }
    """
    code = link([object_code(modes, host())], {}, ["set"])
    change = ctypes.CFUNCTYPE(None, ctypes.c_int32)(code["set"])
    for flushed, word in ((True, 0x9FC0), (False, 0x1F80)) * 20:
        numbers = np.full(64, 1e-320)
        change(word)
        try:
            chunks.run("shrink", numbers.view(np.int64), threads=8)
        finally:
            change(0x1F80)
        assert np.all((numbers == 0) == flushed)


def test_threads_without_work_take_no_time(chunks: Chunks) -> None:
    chunks.counted("count", 8, threads=8, calls=10)
    time.sleep(0.1)
    before = time.process_time()
    time.sleep(0.3)
    assert time.process_time() - before < 0.03


SCARCE = """
import resource
import numpy as np
from graphc.backends.llvm.pool import pool
from tests.backends.llvm.chunks import Chunks
chunks = Chunks()
pool().resize(64)
(used,) = [int(line.split()[1]) for line in open("/proc/self/status") if line.startswith("VmSize")]
resource.setrlimit(resource.RLIMIT_STACK, (8 << 20, 8 << 20))
resource.setrlimit(resource.RLIMIT_AS, (used * 1024 + (40 << 20), resource.RLIM_INFINITY))
assert chunks.counted("count", 64, threads=64, calls=100) == [100] * 64
assert 0 < pool().started < 8 and pool().threads == pool().started + 1, (pool().started, pool().threads)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="limits of Linux")
def test_fewer_threads_do_where_the_system_gives_no_more() -> None:
    subprocess.run([sys.executable, "-c", SCARCE], timeout=60, check=True)


def test_the_pool_is_one(chunks: Chunks) -> None:
    assert pool() is pool()
    assert isinstance(pool(), Pool)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="systems that fork")
def test_children_start_threads_of_their_own(chunks: Chunks) -> None:
    stop = threading.Event()

    def ask() -> None:
        while not stop.is_set():
            chunks.counted("count", 4, threads=4, calls=50)

    askers = [threading.Thread(target=ask) for _ in range(2)]
    for asker in askers:
        asker.start()
    try:
        for _ in range(20):
            child = os.fork()
            if not child:
                fine = pool().started == 0 and chunks.counted("count", 4, threads=4, calls=300) == [300] * 4
                os._exit(0 if fine and pool().started == 3 else 1)
            assert finished(child, seconds=20) == 0
    finally:
        stop.set()
        for asker in askers:
            asker.join()


PROGRAM = """
import os, sys, threading, time
from graphc.backends.llvm.pool import pool
import numpy as np
from tests.backends.llvm.chunks import Chunks
chunks, BUSY, FOREVER = Chunks(), np.zeros(4, np.int64), {"threads": 4, "calls": 10**12}
assert chunks.counted("count", 4, threads=4, calls=100) == [100] * 4
"""

AT_THE_END = {
    "hot": "",
    "asleep": "time.sleep(0.1)",
    "at work": "threading.Thread(target=chunks.run, args=('count', BUSY), kwargs=FOREVER, daemon=True).start()",
    "forked": "os.fork()",
    "failed": "sys.exit(0) if pool().started == 3 else sys.exit(5)",
}


@pytest.mark.parametrize("end", AT_THE_END)
def test_a_process_ends_whatever_the_threads_do(end: str) -> None:
    for _ in range(3):
        ran = subprocess.run(
            [sys.executable, "-W", "ignore::DeprecationWarning", "-c", PROGRAM + AT_THE_END[end]],
            env={**os.environ, "GRAPHC_THREADS": "4"},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert (ran.returncode, ran.stderr) == (0, "")


AWAY = """
import os, threading
before = set(os.listdir("/proc/self/task"))
from tests.backends.llvm.chunks import Chunks
chunks, allowed = Chunks(), os.sched_getaffinity(0)
chunks.counted("count", 2, threads=2, calls=10)
(worker,) = [int(task) for task in set(os.listdir("/proc/self/task")) - before
             if open(f"/proc/self/task/{task}/status").read().split("SigBlk:")[1].split()[0] != "0" * 16]
for cpu in sorted(allowed):
    os.sched_setaffinity(0, {cpu})
    chunks.counted("count", 2, threads=2, calls=10)
    assert os.sched_getaffinity(worker) == allowed - {cpu}, (cpu, os.sched_getaffinity(worker))
"""


@pytest.mark.skipif(
    not hasattr(os, "sched_getaffinity") or len(os.sched_getaffinity(0)) < 2, reason="Linux with two CPUs"
)
def test_workers_keep_away_from_the_cpu_of_the_caller() -> None:
    subprocess.run([sys.executable, "-c", AWAY], env={**os.environ, "GRAPHC_THREADS": "2"}, timeout=60, check=True)


@pytest.mark.parametrize("name", NAMED)
def test_the_text_is_valid_on_other_machines(name: str) -> None:
    machine: Machine = NAMED[name]
    assert "graphc_parallel" in assembly(pool_text.text(machine), machine)
    used = pool_text.imports(machine)
    assert all(f"@{function}(" in pool_text.text(machine) for function in used)
