"""Loops whose turns are made at the same time: the same bits by any number of threads, each with memory of its own."""

from collections.abc import Callable, Iterator, Sequence

import numpy as np
import pytest

import graphc as gx
from graphc.backends.llvm.pool import pool

THREADS = 5


@pytest.fixture(autouse=True)
def _several_threads(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("GRAPHC_THREADS", str(THREADS))
    before = pool().threads
    pool().resize(THREADS)
    yield
    pool().resize(before)


def attention() -> tuple[Sequence[gx.Node], Sequence[gx.Node]]:
    """Of more weights than caches hold, with its gradient."""
    q, k, v = (gx.input(name, (3, 8, 192, 24)) for name in "qkv")
    y = gx.softmax(q @ k.mT / 8.0) @ v
    return [q, k, v], [y, *gx.grad(gx.sum(y * y), [q, k, v])]


def mapped() -> tuple[Sequence[gx.Node], Sequence[gx.Node]]:
    """A loop that a user wrote."""
    x, w = gx.input("x", (20, 64, 96)), gx.input("w", (96, 64))
    _, ys = gx.scan(lambda carry, row: (carry, gx.softmax(row @ w) @ row), [], x)
    return [x, w], [ys]


def arrays_of(inputs: Sequence[gx.Node]) -> list[np.ndarray]:
    rng = np.random.default_rng(0)
    return [rng.standard_normal(x.shape, dtype=np.float32) for x in inputs]


@pytest.mark.parametrize("model", [attention, mapped])
def test_the_same_bits_by_any_number_of_threads(
    model: Callable[[], tuple[Sequence[gx.Node], Sequence[gx.Node]]],
) -> None:
    inputs, outputs = model()
    arrays = arrays_of(inputs)
    plain = [y.tobytes() for y in gx.compile(inputs, outputs, backend="llvm", level=0)(*arrays)]
    for threads in (1, 2, None):
        f = gx.compile(inputs, outputs, backend="llvm", threads=threads, level=1)
        assert "@graphc_parallel" in f.source
        assert "cmpxchg" in f.source
        for _ in range(6):
            assert [y.tobytes() for y in f(*arrays)] == plain


def test_each_thread_has_the_arrays_of_a_turn_and_none_has_more_than_all_turns() -> None:
    inputs, outputs = attention()
    one, two, all, many = (
        gx.compile(inputs, outputs[:1], backend="llvm", threads=n).memory().peak_bytes for n in (1, 2, None, 64)
    )
    weights = 192 * 192 * 4
    assert weights < one < 4 * weights
    assert all - one == (THREADS - 1) * (two - one)
    assert many == all


def test_memory_between_fences() -> None:
    inputs, outputs = attention()
    f = gx.compile(inputs, outputs, backend="llvm", debug=True)
    assert np.isfinite(f(*arrays_of(inputs))[0]).all()


def test_few_turns_of_many_threads_have_no_more_places_than_turns() -> None:
    q, k, v = (gx.input(name, ("n", 192, 24)) for name in "qkv")
    f = gx.compile([q, k, v], gx.softmax(q @ k.mT) @ v, backend="llvm")
    assert "cmpxchg" in f.source
    few, more = (f.memory(n=n).peak_bytes for n in (1, 4))
    assert few < more < f.memory(n=100).peak_bytes == f.memory(n=1000).peak_bytes
    for n in (0, 1, 3, 30):
        arrays = [np.ones((n, 192, 24), np.float32)] * 3
        np.testing.assert_allclose(f(*arrays), arrays[2], rtol=1e-5)


@pytest.mark.parametrize("model", [attention, mapped])
def test_a_budget_that_one_thread_keeps_all_keep(
    model: Callable[[], tuple[Sequence[gx.Node], Sequence[gx.Node]]],
) -> None:
    inputs, outputs = model()
    least = gx.compile(inputs, outputs, backend="llvm", threads=1).memory().peak_bytes
    arrays = arrays_of(inputs)
    plain = [y.tobytes() for y in gx.compile(inputs, outputs, backend="llvm")(*arrays)]
    f = gx.compile(inputs, outputs, backend="llvm", memory=least)
    assert f.memory().peak_bytes <= least
    assert [y.tobytes() for y in f(*arrays)] == plain
