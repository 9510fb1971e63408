"""Signals that come while native code runs: Ctrl-C ends it soon and changes nothing, and handlers run meanwhile."""

import subprocess
import sys

import pytest

from tests.backends.llvm.interrupted import STATES, WORK

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")

QUICK = {
    ("a_loop", "several"),
    ("a_row", "alone"),
    ("a_kernel", "busy"),
    ("a_product", "several"),
    ("a_loop_in_chunks", "several"),
    ("a_sort", "alone"),
}


@pytest.mark.parametrize(
    ("work", "state"),
    [
        pytest.param(work, state, marks=() if (work, state) in QUICK else pytest.mark.full)
        for work in WORK
        for state in STATES
    ],
)
def test_ctrl_c_ends_a_call_and_the_next_one_is_right(work: str, state: str) -> None:
    command = [sys.executable, "-m", "tests.backends.llvm.interrupted", work, state]
    ran = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert ran.returncode == 0, ran.stderr


def run(program: str) -> None:
    """Run a program in a process of its own; Ctrl-C is not ignored there."""
    before = "import os, signal, sys, threading, time\nimport numpy as np\nimport graphc as gx\n"
    before += "signal.signal(signal.SIGINT, signal.default_int_handler)\n"
    ran = subprocess.run(
        [sys.executable, "-c", before + program], capture_output=True, text=True, timeout=60, check=False
    )
    assert (ran.returncode, ran.stderr) == (0, "")


LOOP = """
n, x = gx.input("n", (), "int64"), gx.input("x", (), "float64")
f = gx.compile([n, x], gx.fori_loop(0, n, lambda i, c: gx.sin(c) + 1, x), backend="llvm")
one = f(1, 0.0)
for _ in range(4):
    f(np.array(1), np.array(0.0))
"""


def test_next_values_that_take_long_are_given_up_and_no_variable_is_half_set() -> None:
    run(
        """
from tests.backends.llvm.interrupted import interrupted
start = np.arange(20_000, dtype=np.float32)
w, steps = gx.state("w", start), gx.state("steps", np.zeros((), np.int64))
x = gx.input("x", (300_000,))
updates = {w: w + gx.sum(gx.sin(w[:, None] * x), 1), steps: steps + 1}
step = gx.compile([x], gx.sum(w), updates=updates, backend="llvm")
many = np.linspace(0, 1, 300_000, dtype=np.float32)
for _ in range(2):
    interrupted(lambda: step(many))
    assert steps.value == 0
    assert np.array_equal(w.value, start)
"""
    )


def test_other_handlers_run_during_a_call_and_may_call_the_same_function() -> None:
    run(
        LOOP
        + """
seen, big = [], np.array(40_000_000)
def handler(number, frame):
    seen.append(f(np.array(1), np.array(0.0)))
    if len(seen) == 3:
        raise ValueError("enough")
signal.signal(signal.SIGUSR1, handler)
def send():
    for _ in range(3):
        time.sleep(0.2)
        os.kill(os.getpid(), signal.SIGUSR1)
threading.Thread(target=send, daemon=True).start()
try:
    while True:
        before = len(seen)
        f(np.array(10**10), np.array(0.5))
except ValueError as error:
    assert str(error) == "enough"
assert seen == [one] * 3, seen
assert f(np.array(1), np.array(0.0)) == one
"""
    )


def test_a_call_of_another_thread_goes_on() -> None:
    run(
        LOOP
        + """
found = []
many = np.array(12_000_000)
other = threading.Thread(target=lambda: found.append(f(many, np.array(0.5))))
other.start()
threading.Timer(0.1, lambda: os.kill(os.getpid(), signal.SIGINT)).start()
try:
    time.sleep(20)
except KeyboardInterrupt:
    pass
assert not found
other.join()
assert found == [f(many, np.array(0.5))]
"""
    )


def test_a_child_of_a_fork_is_interrupted_too() -> None:
    run(
        LOOP
        + """
import warnings
warnings.simplefilter("ignore")
def work():
    child = os.fork()
    if child:
        status.append(os.waitpid(child, 0)[1])
        return
    threading.Timer(0.2, lambda: os.kill(os.getpid(), signal.SIGINT)).start()
    try:
        f(np.array(10**10), np.array(0.5))
    except KeyboardInterrupt:
        os._exit(0 if f(np.array(1), np.array(0.0)) == one else 2)
    os._exit(1)
status = []
work()
thread = threading.Thread(target=work)  # whose child has it as its main thread
thread.start()
thread.join()
assert status == [0, 0], status
"""
    )
