"""Many threads compile at once, the same graphs and others, and call one function: bits are those of one alone."""

from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

import numpy as np
import pytest

import graphc as gx
from graphc.driver import compile
from graphc.function import CompiledFunction

THREADS = 64
W = gx.param("w", np.linspace(-1, 1, 12, dtype="float32").reshape(4, 3))


def _standard(x: gx.Node) -> gx.Node:
    return (x - gx.mean(x, 1, keepdims=True)) / gx.sqrt(gx.var(x, 1, keepdims=True) + 1e-5)


BUILDS: Mapping[str, Callable[[gx.Node], gx.Node]] = {
    "layer": lambda x: gx.softmax(gx.tanh(x @ W), 1),
    "sum": lambda x: gx.sum(gx.exp(-gx.square(x)) * 3.0),
    "running": lambda x: gx.cumsum(x, 0),
    "columns": lambda x: gx.logsumexp(x, 0),
    "sorted": lambda x: gx.sort(x, 1),
    "gradient": lambda x: gx.grad(gx.sum(gx.sin(x) * x), x),
    "standard": _standard,
    "loop": lambda x: gx.scan(lambda h, row: (gx.tanh(h + row), h), gx.zeros((4,)), x)[1],
    "product": lambda x: gx.relu(x @ x.mT),
    "places": lambda x: gx.argmax(x, 1),
    "slopes of weights": lambda x: gx.grad(gx.sum(gx.square(x @ W)), W),
    "powers": lambda x: gx.abs(x) ** 1.3,
}


def compiled(name: str) -> CompiledFunction:
    x = gx.input("x", ("n", 4))
    return compile([x], BUILDS[name](x), backend="llvm")


@pytest.mark.parametrize("kept", [False, True])
def test_threads_compile_the_same_graph_and_different_ones(
    kept: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = np.random.default_rng(0).standard_normal((37, 4)).astype("float32")
    monkeypatch.setenv("GRAPHC_CACHE", "off")
    alone = {name: compiled(name)(rows).tobytes() for name in BUILDS}
    monkeypatch.setenv("GRAPHC_CACHE", str(tmp_path) if kept else "off")
    start, names = Barrier(THREADS), [*BUILDS]

    def differing(number: int) -> list[str]:
        own = names[number % len(names)]
        start.wait()
        functions = {name: compiled(name) for name in (own, *names[: number % 4 == 0])}
        return [name for name, f in functions.items() for _ in range(5) if f(rows).tobytes() != alone[name]]

    with ThreadPoolExecutor(THREADS) as threads:
        assert not any(threads.map(differing, range(THREADS)))


def test_threads_call_one_function_with_different_inputs() -> None:
    """Of sizes that one thread computes alone, and of those that it shares with the pool."""
    x = gx.input("x", ("n", 4))
    function = compile([x], [build(x) for name, build in BUILDS.items() if name != "product"], backend="llvm")
    rng = np.random.default_rng(1)
    arrays = [rng.standard_normal((1 + 23 * number, 4), np.float32) for number in range(THREADS)]
    arrays[::8] = [rng.standard_normal((20_000 + number, 4), np.float32) for number in range(len(arrays[::8]))]

    def bits(array: np.ndarray[tuple[int, int], np.dtype[np.float32]]) -> list[bytes]:
        return [np.asarray(y).tobytes() for y in function(array)]

    alone = [bits(array) for array in arrays]
    start = Barrier(THREADS)

    def is_exact(number: int) -> bool:
        start.wait()
        return all(bits(arrays[place % THREADS]) == alone[place % THREADS] for place in range(number, number + 8))

    with ThreadPoolExecutor(THREADS) as threads:
        assert all(threads.map(is_exact, range(THREADS)))
