"""Nets whose gradients take much memory, of any size."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from math import prod
from typing import Any

import numpy as np

import graphc as gx

__all__ = ["Net", "attention", "convolutions", "lstm", "residual"]


@dataclass(frozen=True, eq=False)
class Net:
    """A loss, its gradient by weights, and what it is called with, where sizes have the values of their hints.

    optimiser   of some weights, which a call then sets; without one it gives all slopes
    """

    inputs: Sequence[gx.Node]
    loss: gx.Node
    weights: Sequence[gx.Node]
    arrays: Sequence[Any]
    sizes: Mapping[str, int] = field(default_factory=dict)
    optimiser: Callable[[Sequence[gx.Node]], Any] | None = None
    slopes: Sequence[gx.Node] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "slopes", gx.grad(self.loss, list(self.weights)))

    def compile(self, **options: Any) -> gx.CompiledFunction:
        """The loss, and all slopes or what the optimiser makes of them."""
        if self.optimiser is not None:
            updates = self.optimiser(self.weights)(self.slopes)
            return gx.compile(self.inputs, self.loss, updates=updates, **options)
        return gx.compile(self.inputs, [self.loss, self.slopes], **options)


def _weights(rng: np.random.Generator, name: str, *shape: int) -> gx.Node:
    start = rng.standard_normal(shape) / prod(shape[:-1]) ** 0.5
    return gx.param(name, start.astype("float32"))


def _normal(*shape: int) -> Any:
    return np.random.default_rng(1).standard_normal(shape).astype("float32")


def residual(layers: int, width: int, batch: int | str, wrap: Callable[[Any], Any] = lambda f: f) -> Net:
    """h + relu(h w + b), again and again."""
    rng = np.random.default_rng(0)
    rows = batch if isinstance(batch, int) else gx.size(batch, hint=24)
    x, target = gx.input("x", (rows, width)), gx.input("target", (rows, width))
    weights: list[gx.Node] = []
    h = x
    for k in range(layers):
        w, b = _weights(rng, f"w{k}", width, width), _weights(rng, f"b{k}", width)
        weights += [w, b]
        h = wrap(lambda h, w=w, b=b: h + gx.relu(h @ w + b))(h)
    count = batch if isinstance(batch, int) else 24
    arrays = [_normal(count, width), _normal(count, width)[::-1].copy()]
    return Net([x, target], gx.mean((h - target) ** 2), weights, arrays, {} if isinstance(batch, int) else {batch: 24})


def lstm(steps: int, batch: int, width: int) -> Net:
    """An LSTM whose steps are written out."""
    rng = np.random.default_rng(0)
    xs = gx.input("xs", (steps, batch, width))
    u, w, b = (_weights(rng, n, *s, 4 * width) for n, s in (("u", (width,)), ("w", (width,)), ("b", ())))
    h = c = gx.zeros((batch, width))
    for t in range(steps):
        i, f, g, o = gx.split(h @ w + xs[t] @ u + b, 4, -1)
        c = gx.sigmoid(f) * c + gx.sigmoid(i) * gx.tanh(g)
        h = gx.sigmoid(o) * gx.tanh(c)
    return Net([xs], gx.mean(h * h), [u, w, b], [_normal(steps, batch, width)])


def convolutions(layers: int, batch: int, channels: int, size: int) -> Net:
    """Residual layers of convolutions."""
    rng = np.random.default_rng(0)
    x = gx.input("x", (batch, channels, size, size))
    weights: list[gx.Node] = []
    h = x
    for k in range(layers):
        w, b = _weights(rng, f"w{k}", channels, channels, 3, 3), _weights(rng, f"b{k}", channels, 1, 1)
        weights += [w, b]
        h = h + gx.relu(gx.conv2d(h, w, padding="same") + b)
    return Net([x], gx.mean(h * h), weights, [_normal(batch, channels, size, size)])


def attention(layers: int, batch: int, time: int, width: int) -> Net:
    """A transformer of one head, normalised before each part."""
    rng = np.random.default_rng(0)
    x = gx.input("x", (batch, time, width))
    weights: list[gx.Node] = []

    def product(h: gx.Node, name: str, n: int, m: int) -> gx.Node:
        weights.append(_weights(rng, name, n, m))
        return h @ weights[-1]

    def normalised(h: gx.Node) -> gx.Node:
        d = h - gx.mean(h, -1, keepdims=True)
        return d / gx.sqrt(gx.mean(d * d, -1, keepdims=True) + 1e-5)

    h = x
    for k in range(layers):
        q, key, v = (product(normalised(h), f"{name}{k}", width, width) for name in "qkv")
        h = h + product(gx.softmax(q @ key.mT / width**0.5) @ v, f"o{k}", width, width)
        h = h + product(gx.relu(product(normalised(h), f"f{k}", width, 2 * width)), f"g{k}", 2 * width, width)
    return Net([x], gx.mean(h * h), weights, [_normal(batch, time, width)])
