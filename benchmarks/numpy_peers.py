"""The NumPy backend beside NumPy written by hand: `python -m benchmarks.numpy_peers [part of a name ...]`."""

import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from benchmarks.measure.race import Side, machine, race, report_of
from benchmarks.peers import cross_entropy, lenet, perceptron

Array: TypeAlias = npt.NDArray[Any]


@dataclass(frozen=True)
class Case:
    """One computation.  `sides` checks all sides against float64 and gives them; the peer comes first."""

    title: str
    limit: float
    sides: Callable[[], dict[str, Side]]


def main(wanted: Sequence[str]) -> None:
    """Race every case whose title contains one of `wanted`."""
    print(machine())
    for case in cases():
        if not wanted or any(word in case.title for word in wanted):
            print(report_of(case.title, race(case.sides()), case.limit), flush=True)


def cases() -> Iterator[Case]:
    """All cases at the sizes that have limits."""
    yield Case("mlp 784-1024-1024-10, batch 128, Adam", 1.10, lambda: training((784, 1024, 1024, 10), 128))
    yield Case("lenet forward, batch 64", 1.10, lambda: forward(64))
    yield Case("softmax cross-entropy 512x10000 and gradient", 1.10, lambda: loss_and_gradient(512, 10_000))
    yield Case("small mlp 64-128-10, batch 32, Adam", 1.25, lambda: training((64, 128, 10), 32))


def training(widths: Sequence[int], batch: int) -> dict[str, Side]:
    """A training step of a perceptron."""
    rng = np.random.default_rng(1)
    x = rng.standard_normal((batch, widths[0])).astype("float32")
    labels = rng.integers(0, widths[-1], batch)
    layers = perceptron.start(widths)
    exact = perceptron.ByHand(layers, batch, "float64")
    hand = perceptron.ByHand(layers, batch)
    fixed = perceptron.compiled_step(layers, batch)
    symbolic = perceptron.compiled_step(layers, "batch")
    sides: dict[str, Side] = {
        "numpy by hand": lambda: hand.step(x, labels),
        "graphc": lambda: fixed(x, labels),
        "graphc, symbolic batch": lambda: symbolic(x, labels),
    }
    for _ in range(5):
        loss = exact.step(x.astype("float64"), labels)
        for side in sides.values():
            _agree(side(), loss)
    return sides


def forward(batch: int) -> dict[str, Side]:
    """LeNet from images to logits."""
    x = np.random.default_rng(1).standard_normal((batch, *lenet.IMAGE)).astype("float32")
    weights = lenet.start()
    hand = lenet.ByHand(weights, batch)
    fixed, symbolic = lenet.compiled_forward(weights, batch), lenet.compiled_forward(weights, "batch")
    y = np.empty((batch, 10), "float32")
    sides: dict[str, Side] = {
        "numpy by hand": lambda: hand.forward(x),
        "graphc": lambda: fixed(x, out=y),
        "graphc, symbolic batch": lambda: symbolic(x, out=y),
    }
    exact = lenet.ByHand(weights, batch, "float64").forward(x.astype("float64"))
    for side in sides.values():
        _agree(side(), exact)
    return sides


def loss_and_gradient(batch: int, classes: int) -> dict[str, Side]:
    """Cross-entropy and its gradient."""
    rng = np.random.default_rng(1)
    z = (rng.standard_normal((batch, classes)) * 3).astype("float32")
    labels = rng.integers(0, classes, batch)
    fixed, symbolic = cross_entropy.compiled(batch, classes), cross_entropy.compiled("batch", classes)
    loss, back = np.empty((), "float32"), np.empty_like(z)
    hand = cross_entropy.ByHand(batch, classes)
    in_blocks = cross_entropy.ByHand(batch, classes, rows_at_once=max(1, (1 << 16) // classes))
    sides: dict[str, Side] = {
        "numpy by hand": lambda: hand.run(z, labels, back),
        "numpy by hand, in blocks": lambda: in_blocks.run(z, labels, back),
        "graphc": lambda: fixed(z, labels, out=[loss, back]),
        "graphc, symbolic batch": lambda: symbolic(z, labels, out=[loss, back]),
    }
    exact = np.empty_like(z, "float64")
    value = cross_entropy.ByHand(batch, classes, "float64").run(z.astype("float64"), labels, exact)
    for side in sides.values():
        back[...] = np.nan
        found: Any = side()  # Any: a loss by hand, a list of both from graphc
        _agree(found[0] if isinstance(found, list) else found, value)
        _agree(back, exact)
    return sides


def _agree(found: object, exact: Array) -> None:
    """Raise unless `found` is `exact` within what float32 allows."""
    scale = np.abs(exact).max()
    np.testing.assert_allclose(np.asarray(found), exact, rtol=1e-3, atol=1e-4 * scale)


if __name__ == "__main__":
    main(sys.argv[1:])
