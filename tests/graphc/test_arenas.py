"""Arenas are used again, bounded in number, and given back."""

import threading

import numpy as np

import graphc as gx
from graphc.arenas import KEPT_CALLERS, KEPT_SIZES, Arenas
from graphc.running import Bound
from tests.allocation import allocated, slack


def fresh(sizes: tuple[int, ...]) -> Bound:
    return Bound((), (), ())


def test_an_arena_is_used_again_for_the_same_sizes_only() -> None:
    arenas = Arenas()
    first = fresh((3,))
    arenas.give((3,), first)
    assert arenas.take((4,)) is None
    assert arenas.take((3,)) is first
    assert arenas.take((3,)) is None


def test_so_many_arenas_are_kept_and_no_more() -> None:
    arenas = Arenas()
    for _ in range(2 * KEPT_CALLERS):
        arenas.give((0,), fresh((0,)))
    assert len(arenas) == KEPT_CALLERS
    for n in range(2 * KEPT_SIZES):
        arenas.give((n,), fresh((n,)))
    assert len(arenas) == KEPT_SIZES


def test_release_gives_the_memory_back() -> None:
    x = gx.input("x", ("n",))
    f = gx.compile([x], gx.sum(gx.cumsum(gx.exp(x), 0)))
    array = np.ones(1_000_000, np.float32)
    f(array)
    peak = f.memory(n=len(array)).peak_bytes
    assert peak >= array.nbytes
    assert allocated(f, [array]) < peak
    f.release()
    assert allocated(f, [array]) >= peak
    assert allocated(f, [array]) <= f.memory(n=len(array)).library_bytes + slack(f)


def test_threads_leave_a_bounded_number_of_arenas() -> None:
    arenas = Arenas()
    start = threading.Barrier(8)

    def work(number: int) -> None:
        start.wait(20)
        for turn in range(200):
            sizes = ((number + turn) % (3 * KEPT_SIZES),)
            arenas.give(sizes, arenas.take(sizes) or fresh(sizes))
            if turn == 100:
                arenas.release()

    threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(arenas) <= KEPT_SIZES * KEPT_CALLERS
