"""Sums, maxima and what is made of them: normalisations, losses, and their gradients."""

from collections.abc import Sequence

import numpy as np

import graphc as gx
from benchmarks.workloads.workload import Declared, Workload, normal

__all__ = [
    "EPSILON",
    "batch_norm_training",
    "cross_entropy",
    "layer_norm",
    "layer_norm_gradient",
    "logsumexp_of_columns",
    "normalised",
    "softmax",
]

EPSILON = 1e-5


def softmax(name: str, n: int, m: int) -> Workload:
    """Of n rows."""
    return Workload(name, "softmax", lambda xs, _: ([gx.softmax(xs[0])], None), [normal(n, m)], moved=8 * n * m)


def logsumexp_of_columns(name: str, n: int, m: int) -> Workload:
    """Along the first axis: [n, m] -> [m]"""
    return Workload(name, "logsumexp0", lambda xs, _: ([gx.logsumexp(xs[0], 0)], None), [normal(n, m)], moved=4 * n * m)


def sums_of_columns(name: str, n: int, m: int) -> Workload:
    """Along the first axis: [n, m] -> [m]"""
    return Workload(name, "columns", lambda xs, _: ([gx.sum(xs[0], 0)], None), [normal(n, m)], moved=4 * n * m)


def normalised(x: gx.Node, gain: gx.Node, bias: gx.Node, axis: int | tuple[int, ...]) -> gx.Node:
    d = x - gx.mean(x, axis, keepdims=True)
    return d * gx.rsqrt(gx.mean(d * d, axis, keepdims=True) + EPSILON) * gain + bias


def layer_norm(name: str, n: int, m: int) -> Workload:
    """x [n, m]   gain [m]   bias [m]   ->   [n, m]"""

    def graph(xs: Sequence[gx.Node], _: Sequence[gx.Node]) -> Declared:
        x, gain, bias = xs
        return [normalised(x, gain, bias, -1)], None

    return Workload(name, "layer_norm", graph, [normal(n, m), *_affine(m)], moved=8 * n * m)


def layer_norm_gradient(name: str, n: int, m: int) -> Workload:
    """x [n, m]   gain [m]   bias [m]   cotangent [n, m]   ->   y, and the cotangents of x, gain and bias"""

    def graph(xs: Sequence[gx.Node], _: Sequence[gx.Node]) -> Declared:
        x, gain, bias, back = xs
        y = normalised(x, gain, bias, -1)
        return [y, *gx.vjp(y, [x, gain, bias], back)], None

    arrays = [normal(n, m), *_affine(m), normal(n, m, seed=3)]
    return Workload(name, "layer_norm_gradient", graph, arrays, moved=16 * n * m)


def batch_norm_training(name: str, n: int, c: int, h: int) -> Workload:
    """x [n, c, h, h]   gain [c]   bias [c]   cotangent [n, c, h, h]   ->   y, and the cotangents

    Statistics are those of the batch.
    """

    def graph(xs: Sequence[gx.Node], _: Sequence[gx.Node]) -> Declared:
        x, gain, bias, back = xs
        y = normalised(x, gx.reshape(gain, (c, 1, 1)), gx.reshape(bias, (c, 1, 1)), (0, 2, 3))
        return [y, *gx.vjp(y, [x, gain, bias], back)], None

    arrays = [normal(n, c, h, h), *_affine(c), normal(n, c, h, h, seed=3)]
    return Workload(name, "batch_norm_training", graph, arrays, moved=16 * n * c * h * h)


def softmax_gradient(name: str, n: int, m: int) -> Workload:
    """x [n, m]   cotangent [n, m]   ->   y, and the cotangent of x"""

    def graph(xs: Sequence[gx.Node], _: Sequence[gx.Node]) -> Declared:
        x, back = xs
        y = gx.softmax(x)
        return [y, *gx.vjp(y, [x], back)], None

    return Workload(name, "softmax_gradient", graph, [normal(n, m), normal(n, m, seed=3)], moved=16 * n * m)


def cross_entropy(name: str, n: int, m: int) -> Workload:
    """logits [n, m]   labels [n]   ->   mean loss, and its gradient by logits"""

    def graph(xs: Sequence[gx.Node], _: Sequence[gx.Node]) -> Declared:
        z, labels = xs
        loss = gx.nn.softmax_cross_entropy(z, labels)
        return [loss, gx.grad(loss, z)], None

    labels = np.random.default_rng(1).integers(0, m, n)
    return Workload(name, "cross_entropy", graph, [normal(n, m), labels], moved=8 * n * m)


def _affine(m: int) -> Sequence[np.ndarray[tuple[int], np.dtype[np.float32]]]:
    rng = np.random.default_rng(2)
    return [1 + 0.1 * rng.standard_normal(m, np.float32), 0.1 * rng.standard_normal(m, np.float32)]
