"""An LSTM over a sequence: the mean square of its states, or of the last one, and the gradients of its weights."""

from collections.abc import Callable, Sequence
from importlib import import_module
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

import graphc as gx
from graphc.ops.checkpointing import Checkpoint

__all__ = ["ByHand", "Run", "compiled", "declared", "elsewhere", "in_jax", "in_torch", "start"]

Array: TypeAlias = npt.NDArray[Any]
Run: TypeAlias = Callable[[Array], Sequence[Any]]  # xs -> loss, gradients of input weights, recurrent weights, bias


def start(inputs: int, width: int) -> list[Array]:
    """Input weights [inputs, 4 width], recurrent weights [width, 4 width] and bias [4 width]; gates i, f, g, o."""
    rng = np.random.default_rng(0)
    shapes = [(inputs, 4 * width), (width, 4 * width), (4 * width,)]
    return [(rng.standard_normal(shape) / width**0.5).astype("float32") for shape in shapes]


def compiled(
    weights: Sequence[Array],
    steps: int | str,
    batch: int,
    checkpoint: Checkpoint = None,
    *,
    reads_states: bool = True,
) -> gx.CompiledFunction:
    """xs [steps, batch, inputs]   ->   what is declared"""
    u, w, b = (gx.param(name, weight) for name, weight in zip("uwb", weights, strict=True))
    xs = gx.input("xs", (steps, batch, len(weights[0])))
    return gx.compile(xs, declared(xs, (u, w, b), checkpoint, reads_states=reads_states))


def declared(
    xs: gx.Node, weights: Sequence[gx.Node], checkpoint: Checkpoint = None, *, reads_states: bool = True
) -> Sequence[gx.Node]:
    """The loss, of all states or of the last one alone, and its gradients."""
    u, w, b = weights

    def step(state: tuple[gx.Node, gx.Node], x: gx.Node) -> tuple[tuple[gx.Node, gx.Node], gx.Node]:
        h, c = state
        i, f, g, o = gx.split(x @ u + h @ w + b, 4, -1)
        c = gx.sigmoid(f) * c + gx.sigmoid(i) * gx.tanh(g)
        h = gx.sigmoid(o) * gx.tanh(c)
        return (h, c), h

    zeros = gx.zeros((xs.shape[1], w.shape[0]), xs.dtype)
    (last, _), states = gx.scan(step, (zeros, zeros), xs, checkpoint=checkpoint)
    read = states if reads_states else last
    loss = gx.mean(read * read)
    return [loss, *gx.grad(loss, [u, w, b])]


class ByHand:
    """Input weights in one product, every array allocated once, gradients of weights in one product at the end."""

    def __init__(
        self, weights: Sequence[Array], steps: int, batch: int, dtype: str = "float32", *, reads_states: bool = True
    ) -> None:
        self.u, self.w, self.b = (weight.astype(dtype) for weight in weights)
        n, width = self.u.shape[0], self.w.shape[0]
        self.gates = np.empty((steps, batch, 4 * width), dtype)
        self.deltas = np.empty_like(self.gates)
        self.h = np.zeros((steps + 1, batch, width), dtype)
        self.c = np.zeros((steps + 1, batch, width), dtype)
        self.squashed = np.empty((steps, batch, width), dtype)
        self.z = np.empty((batch, 4 * width), dtype)
        self.flat = steps * batch, n, width
        self.read = self.h[1:] if reads_states else self.h[-1:]

    def run(self, xs: Array) -> Sequence[Any]:
        """The loss and its gradients."""
        rows, n, width = self.flat
        gates, h, c = self.gates, self.h, self.c
        np.matmul(xs.reshape(rows, n), self.u, out=gates.reshape(rows, 4 * width))
        gates += self.b
        parts = [slice(k * width, (k + 1) * width) for k in range(4)]
        i, f, g, o = parts
        for t, z in enumerate(gates):
            np.matmul(h[t], self.w, out=self.z)
            z += self.z
            for part in (i, f, o):
                gate = z[:, part]
                np.negative(gate, out=gate)
                np.exp(gate, out=gate)
                gate += 1
                np.divide(1, gate, out=gate)
            np.tanh(z[:, g], out=z[:, g])
            np.multiply(z[:, f], c[t], out=c[t + 1])
            c[t + 1] += z[:, i] * z[:, g]
            np.tanh(c[t + 1], out=self.squashed[t])
            np.multiply(z[:, o], self.squashed[t], out=h[t + 1])
        loss = np.mean(self.read * self.read)
        self._back(parts)
        deltas = self.deltas.reshape(rows, 4 * width)
        return loss, xs.reshape(rows, n).T @ deltas, h[:-1].reshape(rows, width).T @ deltas, deltas.sum(0)

    def _back(self, parts: Sequence[slice]) -> None:
        h, c, squashed = self.h, self.c, self.squashed
        i, f, g, o = parts
        back_h, back_c = np.zeros_like(h[0]), np.zeros_like(c[0])
        scale, steps = 2 / self.read.size, len(self.gates)
        for t in reversed(range(steps)):
            z, delta = self.gates[t], self.deltas[t]
            if t >= steps - len(self.read):
                back_h += scale * h[t + 1]
            back_c += back_h * z[:, o] * (1 - squashed[t] * squashed[t])
            np.multiply(back_h * squashed[t], z[:, o] * (1 - z[:, o]), out=delta[:, o])
            np.multiply(back_c * z[:, i], 1 - z[:, g] * z[:, g], out=delta[:, g])
            np.multiply(back_c * z[:, g], z[:, i] * (1 - z[:, i]), out=delta[:, i])
            np.multiply(back_c * c[t], z[:, f] * (1 - z[:, f]), out=delta[:, f])
            back_c *= z[:, f]
            np.matmul(delta, self.w.T, out=back_h)


def elsewhere(weights: Sequence[Array]) -> dict[str, Run]:
    """The same in the other frameworks that are installed."""
    found: dict[str, Run] = {}
    for name, build in (("torch", in_torch), ("jax", in_jax)):
        try:
            found[name] = build(weights)
        except ImportError:
            continue
    return found


def in_torch(weights: Sequence[Array], *, reads_states: bool = True) -> Run:
    """By the LSTM of PyTorch."""
    torch: Any = import_module("torch")
    u, w, b = weights
    net = torch.nn.LSTM(len(u), len(w))
    with torch.no_grad():
        for param, value in zip(net.parameters(), (u.T, w.T, b, 0 * b), strict=True):
            param.copy_(torch.tensor(value))

    def run(xs: Array) -> Sequence[Any]:
        net.zero_grad()
        states, (last, _) = net(torch.as_tensor(xs))
        read = states if reads_states else last
        loss = (read * read).mean()
        loss.backward()
        back_u, back_w, back_b, _ = (param.grad.numpy() for param in net.parameters())
        return loss.item(), back_u.T, back_w.T, back_b

    return run


def in_jax(weights: Sequence[Array], *, reads_states: bool = True) -> Run:
    """By a scan of JAX."""
    jax: Any = import_module("jax")

    def loss(params: Sequence[Any], xs: Any) -> Any:
        u, w, b = params

        def step(state: tuple[Any, Any], x: Any) -> tuple[tuple[Any, Any], Any]:
            h, c = state
            i, f, g, o = jax.numpy.split(x @ u + h @ w + b, 4, -1)
            c = jax.nn.sigmoid(f) * c + jax.nn.sigmoid(i) * jax.numpy.tanh(g)
            h = jax.nn.sigmoid(o) * jax.numpy.tanh(c)
            return (h, c), h

        zeros = jax.numpy.zeros((xs.shape[1], len(w)), xs.dtype)
        (last, _), states = jax.lax.scan(step, (zeros, zeros), xs)
        read = states if reads_states else last
        return jax.numpy.mean(read * read)

    both = jax.jit(jax.value_and_grad(loss))
    given = tuple(weights)

    def run(xs: Array) -> Sequence[Any]:
        value, grads = jax.block_until_ready(both(given, xs))
        return value, *grads

    return run
