"""Products of which chunks share copies, and images whose points are columns: the same sums, and the same bits."""

from collections.abc import Mapping

import numpy as np
import pytest

import graphc as gx
from graphc.backends.llvm import backend, chunks
from graphc.backends.llvm.blocking import Blocking
from graphc.backends.llvm.contractions import blocking_for
from graphc.backends.llvm.machine import NAMED, WIDTHS, restricted
from graphc.backends.llvm.pool import pool
from tests.backends.llvm.test_products import LAYOUTS, Case, check, contract_of

IMAGE = ("n c p+j q+k", "o c j k", "n o p q")
IMAGES = [
    {"n": 1, "o": 70, "p": 13, "q": 19, "c": 9, "j": 3, "k": 3},
    {"n": 2, "o": 37, "p": 7, "q": 7, "c": 12, "j": 3, "k": 3},
    {"n": 1, "o": 50, "p": 12, "q": 40, "c": 8, "j": 5, "k": 2},
    {"n": 1, "o": 64, "p": 6, "q": 3, "c": 40, "j": 1, "k": 3},
]


def blocking(case: Case) -> Blocking:
    found = blocking_for(contract_of(case, case.extents), NAMED["x86-64-v4"])
    assert found is not None
    return found


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Little work is cut as much is."""
    monkeypatch.setattr(chunks, "CHUNK", 1 << 14)
    monkeypatch.setattr(chunks, "SHARED", 1)


@pytest.mark.parametrize("bytes", WIDTHS)
@pytest.mark.parametrize("layout", LAYOUTS)
def test_matrices_that_are_copied_for_all_chunks(
    layout: tuple[str, str, str], bytes: int, small: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    machine = restricted(bytes)
    monkeypatch.setattr(backend, "host", lambda: machine)
    check(Case(*layout, {"i": 190, "j": 210, "k": 150}), is_open=True)
    check(Case(*layout, {"i": 97, "j": 83, "k": 700}), adds=True)
    check(Case(*layout, {"i": 64, "j": 520, "k": 131}))


def test_large_products_share_copies() -> None:
    both = blocking(Case("i k", "k j", "i j", {"i": 256, "j": 1024, "k": 1024}))
    assert both.shares_a
    assert both.shares_b
    columns = blocking(Case("i k", "j k", "i j", {"i": 32, "j": 256, "k": 1024}))  # a panel that many rows follow
    assert columns.shares_b


def test_columns_that_one_chunk_reads_are_copied_by_it() -> None:
    few_rows = blocking(Case("i k", "k j", "i j", {"i": 128, "j": 1024, "k": 784}))
    assert few_rows.shares_a
    assert few_rows.packs_b
    assert not few_rows.shares_b


@pytest.mark.parametrize(("rows", "columns"), [(1024, 1024), (256, 1024), (1024, 256), (256, 256), (128, 1024)])
def test_two_threads_have_as_much_to_do(rows: int, columns: int) -> None:
    """Each takes the next chunk when it is done."""
    found = blocking(Case("k i", "k j", "i j", {"i": rows, "j": columns, "k": 1024}))
    sizes = [1]
    for part in found.parts:
        extent, block = part.walk.count, int(str(part.block))
        sizes = [size * min(block, extent - first) for size in sizes for first in range(0, extent, block)]
    made = [0, 0]
    for size in sizes:
        made[made.index(min(made))] += size
    assert max(made) <= 1.1 * sum(sizes) / 2


@pytest.mark.parametrize("bytes", WIDTHS)
@pytest.mark.parametrize("extents", IMAGES, ids=str)
def test_points_of_an_image_are_columns(
    extents: Mapping[str, int], bytes: int, small: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    machine = restricted(bytes)
    monkeypatch.setattr(backend, "host", lambda: machine)
    check(Case(*IMAGE, extents))
    check(Case(*IMAGE, extents), "float64")


def test_images_are_laid_out_by_their_points() -> None:
    found = blocking(Case(*IMAGE, {"n": 1, "o": 256, "p": 56, "q": 56, "c": 128, "j": 3, "k": 3}))
    assert found.columns.pieces is not None
    assert found.is_direct


@pytest.mark.parametrize("extents", IMAGES, ids=str)
def test_chunks_of_an_image_have_the_same_bits_by_any_thread(extents: Mapping[str, int], small: None) -> None:
    before, results = pool().threads, []
    try:
        for threads in (1, 2, 7):
            pool().resize(threads)
            results.append(check(Case(*IMAGE, extents)))
            results.append(check(Case("i k", "j k", "i j", {"i": 150, "j": 170, "k": 90})))
    finally:
        pool().resize(before)
    for place, result in enumerate(results[2:], 2):
        np.testing.assert_array_equal(result, results[place % 2])


@pytest.mark.parametrize("side", [8, 14, 28])
def test_an_epilogue_follows_each_chunk_of_an_image(side: int) -> None:
    x, w, b = (
        np.random.default_rng(side).normal(size=n).astype("f") for n in ((1, 16, side, side), (32, 16, 3, 3), 32)
    )
    image = gx.input("x", x.shape)
    made = gx.relu(gx.conv2d(image, w, padding=1) + gx.reshape(gx.constant(b), (32, 1, 1)))
    native, plain = (gx.compile([image], made, backend=name)(x) for name in ("llvm", "numpy"))
    np.testing.assert_allclose(native, plain, rtol=0, atol=2e-4)
