"""Many threads compile at once, the same graphs and others."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

import numpy as np
import pytest

import graphc as gx
from graphc.driver import compile


@pytest.mark.parametrize("kept", [False, True])
def test_threads_compile_the_same_graph_and_different_ones(
    kept: bool, full_tier: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    count = 64 if full_tier else 16
    monkeypatch.setenv("GRAPHC_CACHE", str(tmp_path) if kept else "off")
    w = gx.param("w", np.linspace(-1, 1, 12, dtype="float32").reshape(4, 3))
    x = gx.input("x", ("n", 4))
    shared = gx.softmax(gx.tanh(x @ w), 1)
    rows = np.random.default_rng(0).standard_normal((5, 4)).astype("float32")
    expected = compile([x], shared, backend="numpy")(rows)
    start = Barrier(count)

    def work(number: int) -> tuple[float, float]:
        own = gx.sum(gx.exp(-gx.square(x)) * float(number % 8))
        start.wait()
        same, other = compile([x], shared, backend="llvm"), compile([x], own, backend="llvm")
        error = max(float(abs(same(rows) - expected).max()) for _ in range(5))
        return error, float(other(rows))

    with ThreadPoolExecutor(count) as threads:
        found = list(threads.map(work, range(count)))
    total = float(np.exp(-np.square(rows)).sum())
    assert max(error for error, _ in found) < 1e-6
    assert [value for _, value in found] == pytest.approx([total * (number % 8) for number in range(count)], rel=1e-5)
