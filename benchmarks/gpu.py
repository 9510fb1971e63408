"""The CUDA backend beside PyTorch and JAX on a GPU: `python -m benchmarks.gpu [--minutes 9] [part of a name ...]`.

Where there is no GPU it says so, and measures nothing.
"""

import argparse
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from importlib import import_module
from time import perf_counter
from typing import Any, TypeAlias, final

import numpy as np

import graphc as gx
from benchmarks.measure.race import Side
from benchmarks.workloads import elementwise, models, products, rows
from benchmarks.workloads.workload import Declared, Workload, declared, normal
from graphc.backends.cuda.arrays import DeviceSpace, allocated, told
from graphc.backends.cuda.device import Device
from graphc.backends.cuda.gpu import gpu
from graphc.structure import leaves

__all__ = ["NAMES", "main", "measured", "tables"]

Make: TypeAlias = Callable[[str], Workload]
Wait: TypeAlias = Callable[[object], object]

OURS = "graphc"
SAMPLE = 0.1  # seconds of calls between two looks at the clock
SAMPLES = 5
COPIED = 1 << 30  # bytes
PEERS = {
    "torch": ("torch_side", "EAGER"),
    "torch.compile": ("torch_side", "COMPILED"),
    "jax.jit": ("jax_side", "QUEUED"),
}
HEAD = "| workload | graphc | best peer | its time | ratio | graphc reaches |\n|---|---|---|---|---|---|"
ADAM = 1e-3

NAMES: Mapping[str, Make] = {
    "gelu of 10^8": partial(elementwise.gelu, n=100_000_000),
    "softmax 65536x1024": partial(rows.softmax, n=65_536, m=1024),
    "layer norm 65536x1024": partial(rows.layer_norm, n=65_536, m=1024),
    "layer norm and gradients 32768x1024": partial(rows.layer_norm_gradient, n=32_768, m=1024),
    "cross-entropy and gradient 4096x32000": partial(rows.cross_entropy, n=4096, m=32_000),
    "Adam of 10^8 parameters": lambda name: adam(name, 100_000_000),
    "matrix product, bias, relu 1024": partial(products.gemm_bias_relu, n=1024, m=1024, k=1024),
    "matrix product, bias, relu 4096": partial(products.gemm_bias_relu, n=4096, m=4096, k=4096),
    "attention 8x16x1024x64": partial(products.attention, batch=8, heads=16, time=1024, width=64),
    "training step of a small mlp": partial(products.mlp_step, widths=(64, 128, 10), batch=32),
    "training step of an mlp": partial(products.mlp_step, widths=(784, 1024, 1024, 10), batch=128),
    "gradients of a transformer block": partial(
        models.transformer_step, batch=8, time=128, width=256, heads=4, inner=1024
    ),
}


@final
@dataclass(frozen=True)
class Row:
    """What one call takes, in seconds, of each side; `notes` say why others are left out."""

    work: Workload
    seconds: Mapping[str, float]
    notes: Sequence[str] = field(default=())


def main(given: Sequence[str]) -> None:
    """Measure all workloads whose name contains one of the words."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=9.0, help="no workload begins later")
    parser.add_argument("words", nargs="*")
    asked = parser.parse_args(given)
    device = gpu()
    try:
        told(device, device.wait)
    except gx.UnsupportedError as error:
        print(f"No figures: {error.problem}")
        return
    end = perf_counter() + 60 * asked.minutes
    peers, missing = tables()
    print(device.name)
    bandwidth = copied(device)
    print(f"a copy on the device moves {bandwidth / 1e9:,.0f} GB/s")
    for line in missing:
        print(line)
    print(HEAD)
    for name, make in NAMES.items():
        if asked.words and not any(word in name for word in asked.words):
            continue
        if perf_counter() > end:
            print(f"| {name} | left out: the time is over |")
            continue
        row = measured(make(name), device, peers)
        print(line_of(row, bandwidth), *(f"  {note}" for note in row.notes), sep="\n", flush=True)


def tables() -> tuple[Mapping[str, Mapping[str, Any]], Sequence[str]]:
    """The sides of others that have a GPU, and a line on each that is missing."""
    os.environ.setdefault("XLA_PYTHON_CLIENT_PREALLOCATE", "false")  # the others need memory too
    found: dict[str, Mapping[str, Any]] = {}
    missing = []
    for name, (module, table) in PEERS.items():
        try:
            side = import_module(f"benchmarks.peers.{module}")
            if module == "torch_side":
                side.torch.zeros(1, device="cuda")
                side.torch.set_default_device("cuda")
            elif side.jax.default_backend() == "gpu":
                side.jax.config.update("jax_default_matmul_precision", "highest")  # float32, as the others
            else:
                raise RuntimeError("JAX finds no GPU")
        except (ImportError, RuntimeError, AssertionError) as error:
            missing.append(f"{name} is left out: {error}")
        else:
            found[name] = getattr(side, table)
    return found, missing


def measured(work: Workload, device: Device, peers: Mapping[str, Mapping[str, Any]]) -> Row:
    """The times of all sides, whose results are near those of graphc."""
    seconds, notes = {}, []
    builds: dict[str, Callable[[], Side]] = {OURS: partial(ours, work, device)}
    for name, table in peers.items():
        kind = table.get(work.kind, _torch_adam if work.kind == "adam" and name == "torch" else None)
        if kind is not None:
            builds[name] = partial(kind, work)
    expected: list[Any] = []
    for name, build in builds.items():
        try:
            side = build()
            found = [_here(x) for x in leaves(side())]
            expected = expected or found
            for x, y in zip(found, expected, strict=True):
                _require_near(x, y, work.tolerance)
            seconds[name] = timed(side, waiting(name, device))
        except Exception as error:  # whatever another library raises, the others are measured
            if name == OURS:
                raise
            notes.append(f"{name}: {type(error).__name__}: {str(error).splitlines()[0][:200]}")
    return Row(work, seconds, notes)


def ours(work: Workload, device: Device) -> Side:
    """A call of graphc on arrays that are on the device; indices come from the host."""
    inputs, outputs, updates = declared(work)
    f = gx.compile(list(inputs), list(outputs), updates=updates, backend="cuda")
    space = DeviceSpace(device)
    arrays = [a if a.dtype.kind == "i" else space.uploaded(a) for a in work.arrays]
    return lambda: f(*arrays)


def adam(name: str, count: int) -> Workload:
    """The next values of so many parameters, for gradients that are given."""

    def graph(xs: Sequence[gx.Node], ws: Sequence[gx.Node]) -> Declared:
        return [], gx.optim.Adam(list(ws), ADAM)(list(xs))

    start = [normal(count)]
    return Workload(name, "adam", graph, [normal(count, seed=1)], start=start, moved=28 * count)


def _torch_adam(work: Workload) -> Side:
    torch: Any = import_module("torch")
    p, g = (torch.as_tensor(array) for array in (work.start[0], work.arrays[0]))
    p.grad = g
    steps = torch.optim.Adam([p], ADAM, fused=True)
    return lambda: (steps.step(), ())[1]


def waiting(name: str, device: Device) -> Wait:
    """What waits for the last call of a side, given what it gave: calls of no side wait by themselves."""
    if name.startswith("torch"):
        torch: Any = import_module("torch")
        return lambda _: torch.cuda.synchronize()
    if name.startswith("jax"):
        ready: Wait = import_module("jax").block_until_ready
        return ready
    return lambda _: told(device, device.wait)


def timed(side: Side, wait: Wait) -> float:
    """Seconds of one call: the median of several samples of many calls, each of which ends when the last is done."""
    last: object = None
    for _ in range(3):
        last = side()
    wait(last)
    start = perf_counter()
    wait(side())
    count = max(1, min(10_000, int(SAMPLE / max(perf_counter() - start, 1e-6))))
    samples = []
    for _ in range(SAMPLES):
        start = perf_counter()
        for _ in range(count):
            last = side()
        wait(last)
        samples.append((perf_counter() - start) / count)
    return float(np.median(samples))


def copied(device: Device) -> float:
    """Bytes a second that a copy reads and writes."""
    one, other = (allocated(device, COPIED, "a copy") for _ in range(2))
    side = partial(told, device, device.copy, one.address, other.address, COPIED)
    return 2 * COPIED / timed(side, waiting(OURS, device))


def line_of(row: Row, bandwidth: float) -> str:
    """A row of the table."""
    own = row.seconds[OURS]
    others = sorted((seconds, name) for name, seconds in row.seconds.items() if name != OURS)
    seconds, best = others[0] if others else (float("nan"), "none")
    reached = ""
    if row.work.moved:
        reached = f"{row.work.moved / own / 1e9:,.0f} GB/s, {row.work.moved / own / bandwidth:.0%} of a copy"
    elif row.work.operations:
        reached = f"{row.work.operations / own / 1e12:.1f} TFLOP/s"
    cells = (row.work.name, _shown(own), best, _shown(seconds), f"{seconds / own:.2f}", reached)
    return f"| {' | '.join(cells)} |"


def _shown(seconds: float) -> str:
    return f"{seconds * 1e6:,.1f} µs"


def _here(x: Any) -> Any:
    """A result as an array of NumPy."""
    return np.asarray(x.detach().cpu() if hasattr(x, "detach") else x)


def _require_near(x: Any, y: Any, tolerance: float) -> None:
    largest = float(np.abs(y).max(initial=1e-30))
    np.testing.assert_allclose(x, y, rtol=0, atol=10 * tolerance * largest)


if __name__ == "__main__":
    main(sys.argv[1:])
