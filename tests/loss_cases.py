"""Rows of the table: losses."""

import numpy as np
from scipy import special

from graphc.nn import losses
from tests.case import Array, Case, between, normal, whole

__all__ = ["LOSSES"]


def _cross_entropy(logits: Array, labels: Array) -> Array:
    chances = special.log_softmax(logits * 1.0, -1)
    return np.asarray(-np.mean(np.take_along_axis(chances, labels[:, None], -1)))


def _binary_cross_entropy(z: Array, t: Array) -> Array:
    return np.asarray(-np.mean(t * special.log_expit(z) + (1 - t) * special.log_expit(-z)))


LOSSES = (
    Case(
        "softmax_cross_entropy",
        losses.softmax_cross_entropy,
        _cross_entropy,
        (normal(3, 4), whole(0, 4, 3)),
        terms=3,
    ),
    Case(
        "binary_cross_entropy",
        losses.binary_cross_entropy,
        _binary_cross_entropy,
        (normal(3, 4), between(0, 1, 3, 4)),
        terms=12,
    ),
    Case(
        "mean_squared_error",
        losses.mean_squared_error,
        lambda x, y: np.mean((x - y) ** 2),
        (normal(3, 4), normal(3, 4)),
        terms=12,
    ),
)
