"""The CUDA backend beside PyTorch, JAX and cuBLASLt on a GPU: `python -m benchmarks.gpu [part of a name ...]`.

Where there is no GPU it says so, and measures nothing.  The measuring is done by a process that is ended in time.
"""

import argparse
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from importlib import import_module
from math import inf
from time import perf_counter
from typing import Any, TypeAlias, final

import numpy as np

import graphc as gx
from benchmarks.measure.gpu_peaks import attribute, peak
from benchmarks.measure.limited import ends_within
from benchmarks.measure.race import Side
from benchmarks.workloads import elementwise, models, products, rows
from benchmarks.workloads.workload import Workload, declared
from graphc.backends.cuda.arrays import DeviceSpace, allocated, told
from graphc.backends.cuda.device import Device
from graphc.backends.cuda.gpu import gpu
from graphc.backends.cuda.multiplication import Matrices
from graphc.structure import leaves

__all__ = ["NAMES", "Limits", "asked_for", "line_of", "main", "measured", "tables"]

Make: TypeAlias = Callable[[str], Workload]
Wait: TypeAlias = Callable[[object], object]

OURS, LIBRARY = "graphc", "cuBLASLt"
MINUTES = 9.0
GRACE = 30.0  # seconds, for the side that was begun last
SAMPLE = 0.1  # seconds of calls between two looks at the clock
SAMPLES = 5
COPIED = 1 << 30  # bytes
PEERS = {
    "torch": ("torch_side", "EAGER"),
    "torch.compile": ("torch_side", "COMPILED"),
    "jax.jit": ("jax_side", "QUEUED"),
}
HEAD = "| workload | graphc | best peer | its time | ratio | graphc reaches |\n|---|---|---|---|---|---|"

NAMES: Mapping[str, Make] = {
    "gelu of 10^8": partial(elementwise.gelu, n=100_000_000),
    "softmax 65536x1024": partial(rows.softmax, n=65_536, m=1024),
    "softmax and gradient 32768x1024": partial(rows.softmax_gradient, n=32_768, m=1024),
    "layer norm 65536x1024": partial(rows.layer_norm, n=65_536, m=1024),
    "layer norm and gradients 32768x1024": partial(rows.layer_norm_gradient, n=32_768, m=1024),
    "cross-entropy and gradient 4096x32000": partial(rows.cross_entropy, n=4096, m=32_000),
    "Adam of 10^8 parameters": partial(products.adam, count=100_000_000),
    "matrix product 1024": partial(products.gemm, n=1024, m=1024, k=1024),
    "matrix product 4096": partial(products.gemm, n=4096, m=4096, k=4096),
    "matrix product 8192 of bfloat16": partial(products.gemm, n=8192, m=8192, k=8192, dtype="bfloat16"),
    "matrix product, bias, relu 1024": partial(products.gemm_bias_relu, n=1024, m=1024, k=1024),
    "matrix product, bias, relu 4096": partial(products.gemm_bias_relu, n=4096, m=4096, k=4096),
    "attention 8x16x1024x64": partial(products.attention, batch=8, heads=16, time=1024, width=64),
    "training step of a small mlp": partial(products.mlp_step, widths=(64, 128, 10), batch=32),
    "training step of an mlp": partial(products.mlp_step, widths=(784, 1024, 1024, 10), batch=128),
    "training step of a transformer block": partial(
        models.transformer_training, batch=8, time=128, width=256, heads=4, inner=1024
    ),
}


@final
@dataclass(frozen=True)
class Row:
    """What one call takes, in seconds, of each side; `notes` say why others are left out."""

    work: Workload
    seconds: Mapping[str, float]
    notes: Sequence[str] = field(default=())


@final
@dataclass(frozen=True)
class Limits:
    """What a device does at most: bytes a second of a copy, and operations a second on numbers of a dtype."""

    bandwidth: float
    operations: Callable[[str], float | None]


def main(given: Sequence[str]) -> None:
    """Measure all workloads whose name contains one of the words, in another process, which is ended in time."""
    parser = argparse.ArgumentParser(prog="benchmarks.gpu", description=__doc__)
    help = f"no side begins later, and {GRACE:.0f} seconds after that all is ended; {MINUTES:g} unless told"
    parser.add_argument("--minutes", type=float, default=MINUTES, help=help)
    parser.add_argument("--list", action="store_true", help="print the names, and measure nothing")
    parser.add_argument("--here", action="store_true", help="measure in this process, which nobody ends")
    parser.add_argument("words", nargs="*", help="parts of names")
    asked = parser.parse_args(given)
    names = asked_for(asked.words)
    seconds = 60 * asked.minutes
    if asked.list:
        print(*names, sep="\n")
    elif asked.here:
        figures(names, perf_counter() + seconds)
    elif not ends_within(seconds + GRACE, [sys.executable, "-m", "benchmarks.gpu", "--here", *given]):
        print("ended: the time is over")


def asked_for(words: Sequence[str]) -> Sequence[str]:
    """The workloads whose name contains one of the words; all of them, where there are none."""
    return [name for name in NAMES if not words or any(word in name for word in words)]


def figures(names: Sequence[str], end: float) -> None:
    """Print what is measured until then."""
    device = gpu()
    try:
        told(device, device.wait)
    except gx.UnsupportedError as error:
        print(f"No figures: {error.problem}")
        return
    peers, missing = tables(device)
    print(device.name)
    limits = Limits(copied(device), lambda dtype: peak(dtype, attribute))
    print(f"a copy on the device moves {limits.bandwidth / 1e9:,.0f} GB/s")
    for dtype in ("float32", "bfloat16"):
        most = limits.operations(dtype)
        print(f"peak of {dtype}: {'not known' if most is None else f'{most / 1e12:,.1f} TFLOP/s'}")
    for line in missing:
        print(line)
    print(HEAD, flush=True)
    for name in names:
        if perf_counter() > end:
            print(f"| {name} | left out: the time is over |")
            continue
        row = measured(NAMES[name](name), device, peers, end)
        print(line_of(row, limits), *(f"  {note}" for note in row.notes), sep="\n", flush=True)


def tables(device: Device) -> tuple[Mapping[str, Mapping[str, Any]], Sequence[str]]:
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
    if device.multiplier is None:
        missing.append(f"{LIBRARY} is left out: it is not installed")
    else:
        found[LIBRARY] = {"gemm": partial(by_library, device=device)}
    return found, missing


def measured(work: Workload, device: Device, peers: Mapping[str, Mapping[str, Any]], end: float = inf) -> Row:
    """The times of all sides, whose results are near those of graphc.  None but graphc begins after the end."""
    seconds, notes = {}, []
    builds: dict[str, Callable[[], Side]] = {OURS: partial(ours, work, device)}
    for name, table in peers.items():
        if work.kind in table:
            builds[name] = partial(table[work.kind], work)
    expected: list[Any] = []
    for name, build in builds.items():
        if name != OURS and perf_counter() > end:
            notes.append(f"{name}: left out: the time is over")
            continue
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


def by_library(work: Workload, device: Device) -> Side:
    """The product of two matrices by cuBLASLt alone, in the way that it thinks best."""
    space = DeviceSpace(device)
    x, w = (space.uploaded(array) for array in work.arrays)
    (rows, sums), columns = x.shape, w.shape[1]
    out = space.empty((rows, columns), x.dtype)
    # The library counts elements down columns: what lies in rows is the transpose of all to it.
    matrices = Matrices(
        x.dtype.name, x.dtype.name, columns, rows, sums, 1, (columns, sums, columns), (0, 0, 0), (False, False)
    )
    assert device.multiplier is not None, device
    way = device.multiplier.planned(matrices)
    if way is None:
        raise ValueError("it has no way")
    return lambda: (way.run(w.address, x.address, out.address), out)[1]


def waiting(name: str, device: Device) -> Wait:
    """What waits for the last call of a side, given what it gave: calls of no side wait by themselves."""
    if name.startswith("torch"):
        torch: Any = import_module("torch")
        return lambda _: torch.cuda.synchronize()
    if name.startswith("jax"):
        jax: Any = import_module("jax")
        one = jax.numpy.ones(())
        return lambda last: jax.block_until_ready((last, one + one))  # also for who gives nothing: all is done in order
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


def line_of(row: Row, limits: Limits) -> str:
    """A row of the table."""
    work, own = row.work, row.seconds[OURS]
    others = sorted((seconds, name) for name, seconds in row.seconds.items() if name != OURS)
    seconds, best = others[0] if others else (float("nan"), "none")
    reached = []
    if work.moved:
        rate = work.moved / own
        reached += [f"{rate / 1e9:,.0f} GB/s", f"{rate / limits.bandwidth:.0%} of a copy"]
    elif work.operations:
        rate, most = work.operations / own, limits.operations(work.arrays[0].dtype.name)
        reached += [f"{rate / 1e12:.1f} TFLOP/s", *([] if most is None else [f"{rate / most:.0%} of the peak"])]
    if LIBRARY in row.seconds:
        reached.append(f"{row.seconds[LIBRARY] / own:.0%} of {LIBRARY}")
    cells = (work.name, _shown(own), best, _shown(seconds), f"{seconds / own:.2f}", ", ".join(reached))
    return f"| {' | '.join(cells)} |"


def _shown(seconds: float) -> str:
    return f"{seconds * 1e6:,.1f} µs"


def _here(x: Any) -> Any:
    """A result as an array of NumPy."""
    if hasattr(x, "detach"):
        x = x.detach().cpu()
        x = x.float() if str(x.dtype) == "torch.bfloat16" else x
    return np.asarray(x)


def _require_near(x: Any, y: Any, tolerance: float) -> None:
    found, exact = (np.asarray(each, np.float64) for each in (x, y))
    np.testing.assert_allclose(found, exact, rtol=0, atol=10 * tolerance * float(np.abs(exact).max(initial=1e-30)))


if __name__ == "__main__":
    main(sys.argv[1:])
