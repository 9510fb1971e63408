"""The workloads in NumPy: formulas as they are written, and the steps by hand.

In float64 these are what all sides are compared with.
"""

import math
from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

import numpy as np
from scipy.special import erf

from benchmarks.measure.race import Side
from benchmarks.peers import cross_entropy, perceptron, recurrent
from benchmarks.workloads.plain import Plain
from benchmarks.workloads.products import LOGISTIC
from benchmarks.workloads.rows import EPSILON
from benchmarks.workloads.workload import Array, Workload

__all__ = ["SIDES"]

Formula: TypeAlias = Callable[..., Any]  # of the arrays of a workload: an array or several

_PLAIN = Plain(np, erf, lambda x: 1 / (1 + np.exp(-x)))


def _softmax(x: Array) -> Any:
    e = np.exp(x - x.max(-1, keepdims=True))
    e /= e.sum(-1, keepdims=True)
    return e


def _logsumexp0(x: Array) -> Any:
    top = x.max(0)
    return np.log(np.exp(x - top).sum(0)) + top


def _layer_norm(x: Array, gain: Array, bias: Array) -> Any:
    d = x - x.mean(-1, keepdims=True)
    return d / np.sqrt((d * d).mean(-1, keepdims=True) + EPSILON) * gain + bias


def _layer_norm_gradient(x: Array, gain: Array, bias: Array, back: Array) -> Any:
    return _normalised_and_back(x, gain, bias, back, (1,), (0,))


def _batch_norm_training(x: Array, gain: Array, bias: Array, back: Array) -> Any:
    gain, bias = gain.reshape(-1, 1, 1), bias.reshape(-1, 1, 1)
    return _normalised_and_back(x, gain, bias, back, (0, 2, 3), (0, 2, 3))


def _normalised_and_back(
    x: Array, gain: Array, bias: Array, back: Array, axes: tuple[int, ...], shared: tuple[int, ...]
) -> Any:
    """Of rows along `axes`, with a gain and a bias that the elements along `shared` have in common."""
    d = x - x.mean(axes, keepdims=True)
    scale = 1 / np.sqrt((d * d).mean(axes, keepdims=True) + EPSILON)
    d *= scale
    inner = back * gain
    slope = scale * (inner - inner.mean(axes, keepdims=True) - d * (inner * d).mean(axes, keepdims=True))
    return d * gain + bias, slope, (back * d).sum(shared), back.sum(shared)


def _gemm_bias_relu(x: Array, w: Array, b: Array) -> Any:
    y = x @ w
    y += b
    return np.maximum(y, 0, out=y)


def _attention(q: Array, k: Array, v: Array) -> Any:
    scores = q @ k.swapaxes(-1, -2)
    scores /= math.sqrt(q.shape[-1])
    scores -= scores.max(-1, keepdims=True)
    np.exp(scores, out=scores)
    scores /= scores.sum(-1, keepdims=True)
    return scores @ v


def _of(formula: Formula) -> Callable[[Workload], Side]:
    return lambda work: lambda: formula(*work.arrays)


def _cross_entropy(work: Workload) -> Side:
    z, labels = work.arrays
    (n, m), back = z.shape, np.empty_like(z)
    hand = cross_entropy.ByHand(n, m, str(z.dtype), rows_at_once=8)
    return lambda: (hand.run(z, labels, back), back)


def _mlp_step(work: Workload) -> Side:
    x, labels = work.arrays
    layers = list(zip(work.start[::2], work.start[1::2], strict=True))
    hand = perceptron.ByHand(layers, len(x), str(x.dtype))
    return lambda: hand.step(x, labels)


def _logistic_step(work: Workload) -> Side:
    x, y = work.arrays
    w, b = (a.copy() for a in work.start)

    def step() -> Any:
        z = x @ w + b
        loss = np.mean(np.logaddexp(0, z) - y * z)
        delta = (1 / (1 + np.exp(-z)) - y) / len(z)
        np.subtract(w, LOGISTIC * (delta @ x), out=w)
        np.subtract(b, LOGISTIC * delta.sum(), out=b)
        return loss

    return step


def _lstm(work: Workload) -> Side:
    xs, *weights = work.arrays
    steps, batch, _inputs = xs.shape
    hand = recurrent.ByHand(weights, steps, batch, str(xs.dtype), reads_states=False)
    return lambda: hand.run(xs)


SIDES: Mapping[str, Callable[[Workload], Side]] = {
    "call": _of(_PLAIN.call),
    "gelu": _of(_PLAIN.gelu),
    "black_scholes": _of(_PLAIN.black_scholes),
    "chain": _of(_PLAIN.chain),
    "crosswise": _of(_PLAIN.crosswise),
    "pool": _of(_PLAIN.pool),
    "columns": _of(_PLAIN.columns),
    "softmax": _of(_softmax),
    "logsumexp0": _of(_logsumexp0),
    "layer_norm": _of(_layer_norm),
    "layer_norm_gradient": _of(_layer_norm_gradient),
    "batch_norm_training": _of(_batch_norm_training),
    "cross_entropy": _cross_entropy,
    "gemm_bias_relu": _of(_gemm_bias_relu),
    "attention": _of(_attention),
    "mlp_step": _mlp_step,
    "logistic_step": _logistic_step,
    "lstm": _lstm,
}
