"""Compiling leaves Python's collector of cycles as it was."""

import gc
import subprocess
import sys
import weakref
from threading import Barrier, Thread

import pytest

import graphc as gx
from graphc import collector
from graphc.collector import waiting


def test_the_collector_waits_inside_and_runs_after() -> None:
    assert gc.isenabled()
    with waiting():
        assert not gc.isenabled()
        with waiting():
            pass
        assert not gc.isenabled()
    assert gc.isenabled()


def test_a_collector_that_was_off_stays_off() -> None:
    gc.disable()
    try:
        with waiting():
            pass
        assert not gc.isenabled()
    finally:
        gc.enable()


def test_an_error_while_compiling_leaves_the_collector_on() -> None:
    x = gx.input("x", (3,))
    with pytest.raises(gx.GraphError):
        gx.compile([], x + 1)
    with pytest.raises(KeyError), waiting():
        raise KeyError
    assert gc.isenabled()


def test_the_last_of_many_threads_turns_the_collector_on() -> None:
    inside, leave = Barrier(3), Barrier(3)

    def compile_for_a_while(ends_late: bool) -> None:
        with waiting():
            inside.wait()
            if ends_late:
                leave.wait()
        if not ends_late:
            leave.wait()

    threads = [Thread(target=compile_for_a_while, args=(late,)) for late in (True, False)]
    for thread in threads:
        thread.start()
    inside.wait()
    assert not gc.isenabled()
    leave.wait()
    for thread in threads:
        thread.join()
    assert gc.isenabled()


class Link:
    """One of a cycle."""

    def __init__(self) -> None:
        self.itself = self
        self.others: list[list[int]] = [[] for _ in range(20_000)]


def test_cycles_that_compilations_leave_are_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(collector, "MANY", 100_000)
    left: list[weakref.ref[Link]] = []
    for _ in range(12):
        with waiting():
            left.append(weakref.ref(Link()))
    assert left[0]() is None


def test_what_a_program_has_frozen_stays_so() -> None:
    gc.freeze()
    try:
        count = gc.get_freeze_count()
        with waiting():
            kept: list[list[int]] = [[] for _ in range(20_000)]
        assert gc.get_freeze_count() >= 0.99 * count, kept  # some die meanwhile
    finally:
        gc.unfreeze()


def test_what_the_first_compilation_loads_counts_as_old() -> None:
    program = """
import gc
import graphc as gx
x = gx.input("x", (3,))
gx.compile([x], x + 1, backend="numpy")
print(gc.get_count()[1:], gc.isenabled())
"""
    ran = subprocess.run([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True, check=True)
    assert ran.stdout == "(0, 0) True\n"
