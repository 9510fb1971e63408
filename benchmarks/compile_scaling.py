"""How compile time grows with the graph: `python -m benchmarks.compile_scaling [largest size] [graph ...] [backend]`.

Each size runs in a process of its own, one at a time, so that peak memory is its own and nothing is warm.
"""

import json
import math
import resource
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from time import perf_counter, thread_time
from typing import Any, Literal, TypeAlias

import numpy as np

import graphc as gx
from benchmarks.measure.race import machine
from graphc.backends.numpy.backend import NumpyBackend

Figures: TypeAlias = dict[str, float]
Backend: TypeAlias = Literal["llvm", "numpy"]
Grown: TypeAlias = tuple[list[gx.Node], gx.Node, list[gx.Node]]  # inputs, loss, what to differentiate by

SIZES = (1_000, 10_000, 100_000)
WIDTH = 8
LARGEST_SECONDS, MICROSECONDS_AT_10K, EXPONENT = 30.0, 80.0, 1.15


def chain(depth: int) -> Grown:
    """h <- tanh(h @ w), again and again: no two products share a kernel."""
    x, w = gx.input("x", (4, WIDTH)), _weight("w")
    h = x
    for _ in range(depth):
        h = gx.tanh(h @ w)
    return [x], gx.sum(h), [w]


def residual(depth: int) -> Grown:
    """h <- h + tanh(h @ w_i), with weights of their own for every 100th block."""
    x = gx.input("x", (4, WIDTH))
    weights = [_weight(f"w{number}") for number in range(1 + depth // 100)]
    h = x
    for number in range(depth):
        h = h + gx.tanh(h @ weights[number // 100])
    return [x], gx.sum(h), weights[: 1 + (depth - 1) // 100]


def recurrent(depth: int) -> Grown:
    """h <- tanh(x_t @ w + h @ u + b), unrolled over a sequence."""
    x = gx.input("x", (depth, 4, WIDTH))
    w, u, b = _weight("w"), _weight("u"), gx.param("b", np.zeros(WIDTH, "float32"))
    h = gx.constant(np.zeros((4, WIDTH), "float32"))
    for step in range(depth):
        h = gx.tanh(x[step] @ w + h @ u + b)
    return [x], gx.sum(gx.square(h)), [w, u, b]


def rows(depth: int) -> Grown:
    """h <- tanh(row of (x @ w) + h @ u), unrolled: the gradient of the rows is put together of parts."""
    x, w, u = gx.input("x", (depth, 4, WIDTH)), _weight("w"), _weight("u")
    made = x @ w
    h = gx.constant(np.zeros((4, WIDTH), "float32"))
    for step in range(depth):
        h = gx.tanh(made[step] + h @ u)
    return [x], gx.sum(gx.square(h)), [w, u]


def elementwise(depth: int) -> Grown:
    """h <- h + tanh(h) / 2: all of it fits into one kernel."""
    x = gx.input("x", (4, WIDTH))
    h = x
    for _ in range(depth):
        h = h + gx.tanh(h) * 0.5
    return [x], gx.sum(h), [x]


def shares(depth: int) -> Grown:
    """h <- h + e^h / sum(e^h): softmax as it is written by hand, which is to keep its digits."""
    x = gx.input("x", (4, WIDTH))
    h = x
    for _ in range(depth):
        power = gx.exp(h)
        h = h + power / gx.sum(power, 1, keepdims=True)
    return [x], gx.sum(h), [x]


GRAPHS: Mapping[str, Callable[[int], Grown]] = {
    "chain": chain,
    "residual": residual,
    "recurrent": recurrent,
    "rows": rows,
    "elementwise": elementwise,
    "shares": shares,
}


def main(words: Sequence[str]) -> None:
    """Print the figures of every graph up to the largest size."""
    largest = max([int(word) for word in words if word.isdigit()], default=SIZES[-1])
    backend: Backend = "llvm" if "llvm" in words else "numpy"
    wanted = [word for word in words if word in GRAPHS] or list(GRAPHS)
    goals = f"exponent {EXPONENT}, {MICROSECONDS_AT_10K} µs a node at 10,000, {LARGEST_SECONDS} s at 100,000"
    print(f"{machine()}; backend {backend}; goals: {goals}")
    for name in wanted:
        report(name, [size for size in SIZES if size <= largest], backend)


def report(name: str, sizes: Sequence[int], backend: Backend = "numpy") -> list[Figures]:
    """Measure one graph at all sizes, and print."""
    print(f"{name}: {(GRAPHS[name].__doc__ or '').splitlines()[0]}", flush=True)
    found: list[Figures] = []
    for size in sizes:
        figures = in_a_process(name, size, backend)
        found.append(figures)
        total, nodes = figures["total"], figures["nodes"]
        print(
            f"  {nodes:8,.0f} nodes  {total:7.2f} s ({figures['cpu']:.2f} s of a core)"
            f"  {1e6 * total / nodes:6.1f} µs a node, {1e6 * figures['compile'] / nodes:.1f} of them compiling"
            f"  {figures['peak'] / 2**20:6.0f} MiB"
            f"  first call {figures['first call']:.3f} s, next {1e6 * figures['next call'] / nodes:.2f} µs a node"
        )
        stages = (f"{key} {value:.3f}" for key, value in figures.items() if key not in _SUMMARY)
        print("    " + "  ".join(stages), flush=True)
    if len(found) > 1:
        nodes_of = [f["nodes"] for f in found]
        total, cpu, compiling = (exponent(nodes_of, [f[key] for f in found]) for key in ("total", "cpu", "compile"))
        print(f"  exponent {total:.2f}, of seconds of a core {cpu:.2f}, of compiling {compiling:.2f}", flush=True)
    return found


_SUMMARY = ("nodes", "total", "cpu", "peak", "first call", "next call")


def exponent(nodes: Sequence[float], seconds: Sequence[float]) -> float:
    """The slope of log time over log nodes."""
    x, y = [math.log(n) for n in nodes], [math.log(s) for s in seconds]
    return float(np.polyfit(x, y, 1)[0])


def in_a_process(name: str, size: int, backend: Backend = "numpy") -> Figures:
    """`measured`, in a fresh Python."""
    command = [sys.executable, "-m", "benchmarks.compile_scaling", "--one", name, str(size), backend]
    ran = subprocess.run(command, capture_output=True, text=True, check=False)
    if ran.returncode:
        raise RuntimeError(f"{name} at {size} nodes failed:\n{ran.stderr[-2000:]}")
    figures: Figures = json.loads(ran.stdout.splitlines()[-1])
    return figures


def measured(name: str, size: int, backend: Backend = "numpy") -> Figures:
    """Seconds of each stage, bytes at the peak, and the number of nodes, near `size`."""
    grow = GRAPHS[name]
    depth = depth_for(grow, size)
    few, value, _ = grow(1)
    gx.compile(few, value, backend=backend)  # what is imported at the first use is no part of the growth
    seconds: Figures = {}
    start = thread_time()
    with _timed(seconds, "declare"):
        inputs, loss, wrt = grow(depth)
    with _timed(seconds, "differentiate"):
        value, grads = gx.value_and_grad(loss, wrt)
    with _timed(seconds, "compile"):
        f = gx.compile(inputs, [value, grads], backend=backend)
    seconds["cpu"] = thread_time() - start
    for record in f.trace.records:
        seconds[record.name] = record.seconds
    if backend == "numpy":
        again = NumpyBackend()
        with _timed(seconds, "emit"):
            artifact = again.emit(f.program)
        with _timed(seconds, "python's compile"):
            again.load(artifact, "<again>")
    arrays = [np.full(tuple(int(str(n)) for n in x.shape), 0.1, "float32") for x in inputs]
    with _timed(seconds, "first call"):
        f(*arrays)
    with _timed(seconds, "next call"):
        f(*arrays)
    seconds["total"] = seconds["declare"] + seconds["differentiate"] + seconds["compile"]
    seconds["nodes"] = len(f.graph.nodes)
    seconds["steps"] = len(f.program.steps)
    seconds["peak"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    return seconds


def depth_for(grow: Callable[[int], Grown], size: int) -> int:
    """How deep a graph with gradients has about `size` nodes: they grow linearly."""
    few, more = (_count(grow, depth) for depth in (16, 32))  # gradients of fewer rows are added up
    return max(1, 16 + round((size - few) / ((more - few) / 16)))


def _count(grow: Callable[[int], Grown], depth: int) -> int:
    inputs, loss, wrt = grow(depth)
    grads: Any = gx.grad(loss, wrt)  # Any: a structure like that of `wrt`, here a list
    return len(gx.Graph(tuple(inputs), (loss, *grads)).nodes)


def _weight(name: str) -> gx.Node:
    return gx.param(name, np.full((WIDTH, WIDTH), 0.1, "float32"))


@contextmanager
def _timed(seconds: Figures, name: str) -> Iterator[None]:
    start = perf_counter()
    yield
    seconds[name] = perf_counter() - start


if __name__ == "__main__":
    if sys.argv[1:2] == ["--one"]:
        print(json.dumps(measured(sys.argv[2], int(sys.argv[3]), "llvm" if "llvm" in sys.argv else "numpy")))
    else:
        main(sys.argv[1:])
