"""The formulas of the workloads in PyTensor.  Imported only where it is installed."""

import math
from collections.abc import Callable, Sequence
from importlib import import_module
from typing import Any, TypeAlias

from benchmarks.workloads.plain import Plain
from benchmarks.workloads.rows import EPSILON

__all__ = [
    "attention",
    "batch_norm",
    "black_scholes",
    "call",
    "chain",
    "columns",
    "cross_entropy",
    "crosswise",
    "gelu",
    "gemm_bias_relu",
    "layer_norm",
    "logistic",
    "logsumexp0",
    "lstm",
    "perceptron",
    "pool",
    "softmax",
    "transformer",
]

pytensor: Any = import_module("pytensor")  # Any: it need not be installed where types are checked
pt: Any = import_module("pytensor.tensor")

Value: TypeAlias = Any

_PLAIN = Plain(pt, pt.erf, pt.sigmoid)
call, gelu, black_scholes, chain = _PLAIN.call, _PLAIN.gelu, _PLAIN.black_scholes, _PLAIN.chain
crosswise, pool, columns = _PLAIN.crosswise, _PLAIN.pool, _PLAIN.columns


def softmax(x: Value) -> Any:
    return pt.special.softmax(x, axis=-1)


def logsumexp0(x: Value) -> Any:
    return pt.logsumexp(x, axis=0)


def _normalised(x: Value, gain: Value, bias: Value, axes: int | tuple[int, ...]) -> Any:
    d = x - pt.mean(x, axes, keepdims=True)
    return d / pt.sqrt(pt.mean(d * d, axes, keepdims=True) + EPSILON) * gain + bias


def layer_norm(x: Value, gain: Value, bias: Value) -> Any:
    return _normalised(x, gain, bias, -1)


def batch_norm(x: Value, gain: Value, bias: Value) -> Any:
    return _normalised(x, gain[:, None, None], bias[:, None, None], (0, 2, 3))


def gemm_bias_relu(x: Value, w: Value, b: Value) -> Any:
    return relu(x @ w + b)


def relu(x: Value) -> Any:
    return pt.maximum(x, 0)


def attention(q: Value, k: Value, v: Value) -> Any:
    return softmax(q @ k.swapaxes(-1, -2) / math.sqrt(q.type.shape[-1])) @ v


def cross_entropy(z: Value, labels: Value) -> Any:
    return pt.mean(pt.logsumexp(z, axis=-1) - z[pt.arange(z.shape[0]), labels])


def perceptron(params: Sequence[Value], x: Value, labels: Value) -> Any:
    h = x
    for number, (w, b) in enumerate(zip(params[::2], params[1::2], strict=True)):
        h = (relu(h) if number else h) @ w + b
    return cross_entropy(h, labels)


def logistic(params: Sequence[Value], x: Value, y: Value) -> Any:
    w, b = params
    z = x @ w + b
    return pt.mean(pt.softplus(z) - y * z)


def lstm(xs: Value, u: Value, w: Value, b: Value) -> Any:
    """The mean square of the last state."""

    def step(x: Value, h: Value, c: Value) -> Any:
        i, f, g, o = pt.split(x + h @ w, [width] * 4, axis=-1)
        c = pt.sigmoid(f) * c + pt.sigmoid(i) * pt.tanh(g)
        return pt.sigmoid(o) * pt.tanh(c), c

    width, batch = w.type.shape[0], xs.type.shape[1]
    zeros = pt.zeros((batch, width), dtype=xs.dtype)
    hs, _ = pytensor.scan(step, sequences=[xs @ u + b], outputs_info=[zeros, zeros], return_updates=False)
    return pt.mean(pt.square(hs[-1]))


def transformer(heads: int) -> Callable[..., Any]:
    """The loss of a block: of its input, a target and the weights."""

    def loss(x: Value, target: Value, *weights: Value) -> Any:
        gain, bias, joint, joint_bias, out, out_bias, gain2, bias2, wide, wide_bias, back, back_bias = weights
        batch, time, width = x.type.shape
        h = layer_norm(x, gain, bias) @ joint + joint_bias
        parts = h.reshape((batch, time, 3, heads, width // heads)).transpose(2, 0, 3, 1, 4)
        mixed = attention(parts[0], parts[1], parts[2])
        x1 = x + mixed.transpose(0, 2, 1, 3).reshape((batch, time, width)) @ out + out_bias
        h = layer_norm(x1, gain2, bias2) @ wide + wide_bias
        h = 0.5 * h * (1 + pt.erf(h * math.sqrt(0.5)))
        return pt.mean(pt.square(x1 + h @ back + back_bias - target))

    return loss
