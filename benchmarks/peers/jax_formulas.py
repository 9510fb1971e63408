"""The formulas of the workloads in JAX.  Imported only where it is installed."""

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
    "convolution",
    "cross_entropy",
    "crosswise",
    "gelu",
    "gemm_bias_relu",
    "layer_norm",
    "lenet",
    "logistic",
    "logsumexp0",
    "perceptron",
    "pool",
    "resblock",
    "softmax",
    "transformer",
    "vgg",
]

jax: Any = import_module("jax")  # Any: it need not be installed where types are checked
jnp: Any = jax.numpy

Value: TypeAlias = Any

_PLAIN = Plain(jnp, jax.scipy.special.erf, jax.nn.sigmoid)
call, black_scholes, chain = _PLAIN.call, _PLAIN.black_scholes, _PLAIN.chain
crosswise, pool, columns = _PLAIN.crosswise, _PLAIN.pool, _PLAIN.columns


def gelu(x: Value) -> Any:
    return jax.nn.gelu(x, approximate=True)


def softmax(x: Value) -> Any:
    return jax.nn.softmax(x, -1)


def logsumexp0(x: Value) -> Any:
    return jax.nn.logsumexp(x, 0)


def _normalised(x: Value, gain: Value, bias: Value, axes: int | tuple[int, ...]) -> Any:
    d = x - jnp.mean(x, axes, keepdims=True)
    return d * jax.lax.rsqrt(jnp.mean(d * d, axes, keepdims=True) + EPSILON) * gain + bias


def layer_norm(x: Value, gain: Value, bias: Value) -> Any:
    return _normalised(x, gain, bias, -1)


def batch_norm(x: Value, gain: Value, bias: Value) -> Any:
    return _normalised(x, gain.reshape(-1, 1, 1), bias.reshape(-1, 1, 1), (0, 2, 3))


def gemm_bias_relu(x: Value, w: Value, b: Value) -> Any:
    return jax.nn.relu(x @ w + b)


def attention(q: Value, k: Value, v: Value) -> Any:
    return jax.nn.softmax(q @ k.swapaxes(-1, -2) / math.sqrt(q.shape[-1])) @ v


def cross_entropy(z: Value, labels: Value) -> Any:
    return jnp.mean(jax.nn.logsumexp(z, -1) - jnp.take_along_axis(z, labels[:, None], 1)[:, 0])


def perceptron(params: Sequence[Value], x: Value, labels: Value) -> Any:
    h = x
    for number, (w, b) in enumerate(zip(params[::2], params[1::2], strict=True)):
        h = (jax.nn.relu(h) if number else h) @ w + b
    return cross_entropy(h, labels)


def logistic(params: Sequence[Value], x: Value, y: Value) -> Any:
    w, b = params
    z = x @ w + b
    return jnp.mean(jax.nn.softplus(z) - y * z)


def _convolution(x: Value, k: Value, padding: str) -> Any:
    return jax.lax.conv_general_dilated(x, k, (1, 1), padding, dimension_numbers=("NHWC", "OIHW", "NHWC"))


def convolution(x: Value, k: Value) -> Any:
    """Channels last, which is what it is faster at."""
    return _convolution(x.transpose(0, 2, 3, 1), k, "SAME").transpose(0, 3, 1, 2)


def _max_pool(x: Value) -> Any:
    return jax.lax.reduce_window(x, -jnp.inf, jax.lax.max, (1, 2, 2, 1), (1, 2, 2, 1), "VALID")


def lenet(params: Sequence[Value], x: Value, labels: Value) -> Any:
    """Channels last, which is what its convolutions are faster at."""
    k1, c1, k2, c2, *dense = params

    def layer(h: Value, k: Value, c: Value, padding: str) -> Any:
        return jax.nn.relu(_max_pool(_convolution(h, k, padding) + c))

    h = layer(x.transpose(0, 2, 3, 1), k1, c1, "SAME")
    h = layer(h, k2, c2, "VALID").transpose(0, 3, 1, 2)
    return perceptron(dense, h.reshape(len(x), 400), labels)


def vgg(stages: Sequence[Sequence[int]]) -> Callable[..., Any]:
    """Inference: of an image, weights and biases."""

    def logits(x: Value, *params: Value) -> Any:
        h, left = x.transpose(0, 2, 3, 1), iter(zip(params[::2], params[1::2], strict=True))
        for stage in stages:
            for _ in stage:
                w, b = next(left)
                h = jax.nn.relu(_convolution(h, w, "SAME") + b)
            h = _max_pool(h)
        h = h.transpose(0, 3, 1, 2).reshape(len(x), -1)
        for number, (w, b) in enumerate(left):
            h = (jax.nn.relu(h) if number else h) @ w + b
        return h

    return logits


def resblock(
    x: Value, target: Value, k1: Value, gain1: Value, bias1: Value, k2: Value, gain2: Value, bias2: Value
) -> Any:
    """Channels last inside."""
    x, target = (image.transpose(0, 2, 3, 1) for image in (x, target))
    h = jax.nn.relu(_normalised(_convolution(x, k1, "SAME"), gain1, bias1, (0, 1, 2)))
    h = _normalised(_convolution(h, k2, "SAME"), gain2, bias2, (0, 1, 2))
    return jnp.mean(jnp.square(jax.nn.relu(h + x) - target))


def transformer(heads: int) -> Callable[..., Any]:
    """The loss of a block: of its input, a target and the weights."""

    def loss(x: Value, target: Value, *weights: Value) -> Any:
        gain, bias, joint, joint_bias, out, out_bias, gain2, bias2, wide, wide_bias, back, back_bias = weights
        batch, time, width = x.shape
        h = layer_norm(x, gain, bias) @ joint + joint_bias
        q, k, v = h.reshape(batch, time, 3, heads, width // heads).transpose(2, 0, 3, 1, 4)
        x1 = x + attention(q, k, v).transpose(0, 2, 1, 3).reshape(batch, time, width) @ out + out_bias
        h = jax.nn.gelu(layer_norm(x1, gain2, bias2) @ wide + wide_bias, approximate=False)
        return jnp.mean(jnp.square(x1 + h @ back + back_bias - target))

    return loss
