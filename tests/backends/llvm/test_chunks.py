"""Chunks of a kernel: as many as keep threads at work, with rows enough that those asked for ahead are their own."""

import pytest

import graphc as gx
from graphc.backends.llvm.kernels import ASKED_ROWS, MOST_CHUNKS, MOST_PARTS, Native
from graphc.kernel.steps import Kernel


def native(x: gx.Node, *results: gx.Node) -> Native:
    """The first kernel of a function, as native code."""
    kernel = gx.compile(x, results, backend="llvm").program.steps[0]
    assert isinstance(kernel, Kernel)
    return Native(kernel, 64, lambda buffer: buffer.root)


@pytest.mark.parametrize("shape", [(4096, 1024), (512, 10_000), (200, 100_000)])
def test_what_is_asked_for_ahead_is_in_the_same_chunk(shape: tuple[int, int]) -> None:
    x = gx.input("x", shape)
    found = native(x, gx.softmax(x))
    assert found.plan.following
    assert found.rows_per_chunk == max(ASKED_ROWS, shape[0] // MOST_CHUNKS)


def test_few_rows_are_a_chunk_each() -> None:
    x = gx.input("x", (12, 1_000_000))
    assert native(x, gx.softmax(x)).chunks == 12


def test_there_are_no_more_chunks_than_keep_threads_at_work() -> None:
    x = gx.input("x", (4096, 1024))
    assert native(x, gx.gelu(x)).chunks == MOST_CHUNKS
    assert native(x, gx.sum(gx.lgamma(x))).chunks == MOST_PARTS
    small = gx.input("x", (8, 1024))
    assert native(small, gx.exp(small)).chunks == 1
