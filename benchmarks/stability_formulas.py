"""Formulas as users write them, without a thought about rounding, and the same in mpmath, of a row or of numbers."""

from collections.abc import Sequence
from typing import Any, TypeAlias

import mpmath as m
import numpy as np

import graphc as gx
from graphc import Node

__all__ = [
    "Row",
    "binary",
    "covariance",
    "cross_entropy",
    "divergence",
    "entropy",
    "exact_binary",
    "exact_covariance",
    "exact_cross_entropy",
    "exact_divergence",
    "exact_entropy",
    "exact_log_softmax",
    "exact_logsumexp",
    "exact_norm",
    "exact_softmax",
    "exact_unit",
    "exact_variance",
    "indexed",
    "labelled",
    "normalised",
    "picked",
    "shifted_softmax",
    "sigmoid",
    "softmax",
    "softplus",
    "spelt_binary",
    "spelt_log_softmax",
    "spelt_loss",
    "summed_variance",
    "turned_softmax",
    "variance",
    "variance_slopes",
]

Row: TypeAlias = Sequence[Any]  # Any: numbers of mpmath, which has no types


# Formulas, as users write them.


def softmax(x: Node) -> Node:
    e = gx.exp(x)
    return e / gx.sum(e, axis=-1, keepdims=True)


def shifted_softmax(x: Node) -> Node:
    e = gx.exp(x - gx.max(x, axis=-1, keepdims=True))
    return e / gx.sum(e, axis=-1, keepdims=True)


def variance(x: Node) -> Node:
    return gx.mean(x * x, axis=-1) - gx.mean(x, axis=-1) ** 2


def summed_variance(x: Node) -> Node:
    n = x.shape[-1]
    return gx.sum(x**2, axis=-1, keepdims=True) / n - (gx.sum(x, axis=-1, keepdims=True) / n) ** 2


def normalised(x: Node) -> Node:
    return x / gx.sqrt(gx.sum(x * x, axis=-1, keepdims=True))


def cross_entropy(x: Node, t: Node) -> Node:
    return -gx.sum(t * gx.log(softmax(x)), axis=-1)


def labelled(x: Node) -> Node:
    return -gx.log(gx.softmax(x))[:, 1]


def indexed(x: Node) -> Node:
    n = int(x.shape[0])
    return -gx.log(gx.softmax(x))[np.arange(n), np.full(n, 1)]


def turned_softmax(x: Node) -> Node:
    return (gx.exp(x).T / gx.sum(gx.exp(x), axis=1)).T


def picked(x: Node) -> Node:
    return -gx.log(gx.take_along_axis(softmax(x), gx.constant([[1]] * int(x.shape[0])), axis=-1))


def spelt_loss(x: Node) -> Node:
    chosen = gx.take_along_axis(x, gx.constant([[1]] * int(x.shape[0])), axis=-1)
    return gx.log(gx.sum(gx.exp(x), axis=-1, keepdims=True)) - chosen


def spelt_log_softmax(x: Node) -> Node:
    return x - gx.log(gx.sum(gx.exp(x), axis=-1, keepdims=True))


def entropy(x: Node) -> Node:
    p = softmax(x)
    return -gx.sum(p * gx.log(p), axis=-1)


def divergence(x: Node, y: Node) -> Node:
    p, q = softmax(x), softmax(y)
    return gx.sum(p * gx.log(p / q), axis=-1)


def covariance(x: Node, y: Node) -> Node:
    return gx.mean(x * y, axis=-1) - gx.mean(x, axis=-1) * gx.mean(y, axis=-1)


def binary(x: Node, t: Node) -> Node:
    p = gx.sigmoid(x)
    return -(t * gx.log(p) + (1 - t) * gx.log(1 - p))


def spelt_binary(x: Node, t: Node) -> Node:
    p = 1 / (1 + gx.exp(-x))
    return -(t * gx.log(p) + (1 - t) * gx.log(1 - p))


# The same, exactly.


def exact_softmax(row: Row) -> Row:
    total = m.fsum(m.exp(x) for x in row)
    return [m.exp(x) / total for x in row]


def exact_log_softmax(row: Row) -> Row:
    return [m.log(p) for p in exact_softmax(row)]


def exact_entropy(row: Row) -> Row:
    return [-m.fsum(p * m.log(p) for p in exact_softmax(row))]


def exact_divergence(x: Row, y: Row) -> Row:
    return [m.fsum(p * m.log(p / q) for p, q in zip(exact_softmax(x), exact_softmax(y), strict=True))]


def exact_covariance(x: Row, y: Row) -> Row:
    n = len(x)
    return [m.fsum((a - m.fsum(x) / n) * (b - m.fsum(y) / n) for a, b in zip(x, y, strict=True)) / n]


def exact_logsumexp(row: Row) -> Row:
    return [m.log(m.fsum(m.exp(x) for x in row))]


def exact_variance(row: Row) -> Row:
    mean = m.fsum(row) / len(row)
    return [m.fsum((x - mean) ** 2 for x in row) / len(row)]


def variance_slopes(row: Row) -> Row:
    mean = m.fsum(row) / len(row)
    return [2 * (x - mean) / len(row) for x in row]


def exact_norm(row: Row) -> Row:
    return [m.sqrt(m.fsum(x * x for x in row))]


def exact_unit(row: Row) -> Row:
    (norm,) = exact_norm(row)
    return [x / norm for x in row]


def exact_cross_entropy(row: Row, targets: Row) -> Row:
    return [-m.fsum(t * y for t, y in zip(targets, exact_log_softmax(row), strict=True))]


def exact_binary(x: Any, t: Any) -> Any:
    return t * softplus(-x) + (1 - t) * softplus(x)


def sigmoid(x: Any) -> Any:
    return 1 / (1 + m.exp(-x))


def softplus(x: Any) -> Any:
    return m.log1p(m.exp(x))
