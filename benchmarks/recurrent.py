"""Loops beside other frameworks: `python -m benchmarks.recurrent [part of a name ...]`.

An LSTM over 100 steps, its loss and the gradients of its weights: by `gx.scan`, by NumPy by hand, and by PyTorch and
JAX where they are installed.
"""

import sys
from collections.abc import Sequence
from statistics import median
from time import perf_counter

import numpy as np

import graphc as gx
from benchmarks.measure.race import Side, machine, race, report_of
from benchmarks.peers import recurrent
from graphc.ops.checkpointing import Checkpoint

__all__ = ["kept", "main", "sides"]

CHECKPOINTS: Sequence[Checkpoint] = (None, "sqrt")

CASES = {
    "lstm 128-256, 100 steps, batch 32": (100, 32, 128, 256),
    "lstm 128-256, 100 steps, batch 1": (100, 1, 128, 256),
}


def main(wanted: Sequence[str]) -> None:
    """Race every case whose title contains one of `wanted`."""
    print(machine())
    for title, sizes in CASES.items():
        if not wanted or any(word in title for word in wanted):
            print(report_of(title, race(sides(*sizes), rounds=11), None), flush=True)
    for steps in (10, 10_000):
        for checkpoint in CHECKPOINTS:
            print(kept(steps, checkpoint), flush=True)


def kept(steps: int, checkpoint: Checkpoint) -> str:
    """What it takes to compile the gradient of a long sequence, and what that keeps of its steps."""
    weights = recurrent.start(128, 256)

    def build() -> gx.CompiledFunction:
        return recurrent.compiled(weights, steps, 2, checkpoint, reads_states=False)

    f, seconds = build(), []
    for _ in range(5):
        begin = perf_counter()
        build()
        seconds.append(perf_counter() - begin)
    memory, count = f.memory(), len(f.program.timeline)
    name = f"lstm 128-256, {steps:,} steps, batch 2, checkpoint {checkpoint}"
    return (
        f"{name}: compiled in {median(seconds):.3f} s, {count} steps of the program, {memory.kept_bytes:,} bytes kept"
    )


def sides(steps: int, batch: int, inputs: int, width: int) -> dict[str, Side]:
    """All sides, checked against float64; NumPy by hand is the peer."""
    xs = np.random.default_rng(1).standard_normal((steps, batch, inputs)).astype("float32")
    weights = recurrent.start(inputs, width)
    runs: dict[str, recurrent.Run] = {
        "numpy by hand": recurrent.ByHand(weights, steps, batch).run,
        "graphc": recurrent.compiled(weights, steps, batch),
        "graphc, symbolic steps": recurrent.compiled(weights, "steps", batch),
        "graphc, checkpoint": recurrent.compiled(weights, steps, batch, "sqrt"),
        **recurrent.elsewhere(weights),
    }
    exact = recurrent.ByHand(weights, steps, batch, "float64").run(xs.astype("float64"))
    for run in runs.values():
        for found, wanted in zip(run(xs), exact, strict=True):
            np.testing.assert_allclose(np.asarray(found), wanted, rtol=1e-3, atol=1e-4 * np.abs(wanted).max())
    return {name: lambda run=run: run(xs) for name, run in runs.items()}  # type: ignore[misc]


if __name__ == "__main__":
    main(sys.argv[1:])
