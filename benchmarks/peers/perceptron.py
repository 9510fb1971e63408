"""One training step of a perceptron with relu layers, softmax cross-entropy and Adam."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

import graphc as gx

__all__ = ["ByHand", "compiled_step", "start"]

Array: TypeAlias = npt.NDArray[Any]

RATE, BETA, GAMMA, EPSILON = 1e-3, 0.9, 0.999, 1e-8


def start(widths: Sequence[int], seed: int = 0) -> list[tuple[Array, Array]]:
    """Weights [n, m] and biases [m] of each layer."""
    rng = np.random.default_rng(seed)
    return [
        ((rng.standard_normal((n, m)) * np.sqrt(2 / n)).astype("float32"), np.zeros(m, "float32"))
        for n, m in pairwise(widths)
    ]


def compiled_step(layers: Sequence[tuple[Array, Array]], batch: int | str) -> gx.CompiledFunction:
    """x [batch, n], labels [batch]   ->   loss; a call sets all weights."""
    x = gx.input("x", (batch, layers[0][0].shape[0]))
    labels = gx.input("labels", (batch,), "int64")
    params: list[gx.Node] = []
    h = x
    for number, (weight, bias) in enumerate(layers):
        w, b = gx.param(f"w{number}", weight), gx.param(f"b{number}", bias)
        params += [w, b]
        h = (gx.relu(h) if number else h) @ w + b
    picked = gx.take_along_axis(h, gx.expand_dims(labels, 1), 1)[:, 0]
    loss = gx.mean(gx.logsumexp(h, 1) - picked)
    grads = gx.grad(loss, params)
    assert isinstance(grads, list)
    return gx.compile([x, labels], loss, updates=_adam(params, grads), backend="numpy")


def _adam(params: Sequence[gx.Node], grads: Sequence[Any]) -> dict[gx.Node, gx.Node]:
    """Kingma, Ba: Adam, 2015, algorithm 1, with the step size of its section 2."""
    time = gx.state("time", np.float32(0))
    now = time + 1.0
    rate = RATE * gx.sqrt(1.0 - GAMMA**now) / (1.0 - BETA**now)
    updates = {time: now}
    for number, (param, grad) in enumerate(zip(params, grads, strict=True)):
        m = gx.state(f"m{number}", np.zeros(param.shape, "float32"))
        v = gx.state(f"v{number}", np.zeros(param.shape, "float32"))
        updates[m] = BETA * m + (1 - BETA) * grad
        updates[v] = GAMMA * v + (1 - GAMMA) * gx.square(grad)
        updates[param] = param - rate * updates[m] / (gx.sqrt(updates[v]) + EPSILON)
    return updates


@dataclass
class _Layer:
    """The room of one layer: its values, their gradients, and what Adam keeps."""

    w: Array
    b: Array
    out: Array
    back: Array
    mask: Array
    slots: list[tuple[Array, Array, Array, Array, Array]]  # parameter, gradient, m, v, scratch


class ByHand:
    """The step with every array allocated once, every result written in place, labels as indices."""

    def __init__(self, layers: Sequence[tuple[Array, Array]], batch: int, dtype: str = "float32") -> None:
        self.layers = []
        for weight, bias in layers:
            w, b = weight.astype(dtype), bias.astype(dtype)
            slots = [(p, np.zeros_like(p), np.zeros_like(p), np.zeros_like(p), np.zeros_like(p)) for p in (w, b)]
            shape = (batch, w.shape[1])
            self.layers.append(
                _Layer(w, b, np.empty(shape, dtype), np.empty(shape, dtype), np.empty(shape, bool), slots)
            )
        self.rows = np.arange(batch)
        self.top, self.total = np.empty((batch, 1), dtype), np.empty((batch, 1), dtype)
        self.time = 0

    def step(self, x: Array, labels: Array) -> Array:
        """The loss; sets all weights."""
        last = len(self.layers) - 1
        h = x
        for number, layer in enumerate(self.layers):
            np.matmul(h, layer.w, out=layer.out)
            np.add(layer.out, layer.b, out=layer.out)
            if number < last:
                np.maximum(layer.out, 0, out=layer.out)
            h = layer.out
        loss = self._cross_entropy(h, labels, self.layers[-1].back)
        for number in range(last, -1, -1):
            layer = self.layers[number]
            before = self.layers[number - 1].out if number else x
            (_, gw, *_), (_, gb, *_) = layer.slots
            np.matmul(before.T, layer.back, out=gw)
            np.add.reduce(layer.back, axis=0, out=gb)
            if number:
                under = self.layers[number - 1]
                np.matmul(layer.back, layer.w.T, out=under.back)
                np.greater(under.out, 0, out=under.mask)
                np.multiply(under.back, under.mask, out=under.back)
        self._adam()
        return loss

    def _cross_entropy(self, z: Array, labels: Array, back: Array) -> Array:
        """The mean loss; its gradient goes to `back`, and `z` is spoilt."""
        n = len(z)
        np.maximum.reduce(z, axis=1, keepdims=True, out=self.top)
        np.subtract(z, self.top, out=z)
        picked = z[self.rows, labels]
        np.exp(z, out=back)
        np.add.reduce(back, axis=1, keepdims=True, out=self.total)
        loss: Array = np.add.reduce(np.log(self.total[:, 0]) - picked) / n
        np.multiply(self.total, n, out=self.total)
        np.divide(back, self.total, out=back)
        back[self.rows, labels] -= 1 / n
        return loss

    def _adam(self) -> None:
        self.time += 1
        rate = RATE * (1 - GAMMA**self.time) ** 0.5 / (1 - BETA**self.time)
        for layer in self.layers:
            for p, g, m, v, s in layer.slots:
                np.multiply(m, BETA, out=m)
                np.multiply(g, 1 - BETA, out=s)
                np.add(m, s, out=m)
                np.multiply(v, GAMMA, out=v)
                np.square(g, out=s)
                np.multiply(s, 1 - GAMMA, out=s)
                np.add(v, s, out=v)
                np.sqrt(v, out=s)
                np.add(s, EPSILON, out=s)
                np.divide(m, s, out=s)
                np.multiply(s, rate, out=s)
                np.subtract(p, s, out=p)
