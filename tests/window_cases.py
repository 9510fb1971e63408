"""Rows of the table: transposed convolution, pooling, unfolding, interpolation; the references are plain loops."""

from collections.abc import Callable, Sequence
from itertools import product
from types import EllipsisType

import numpy as np

from graphc.ops import convolution, pooling
from graphc.ops import transposed_convolution as t
from graphc.ops.interpolation import interpolate
from graphc.ops.unfolding import fold, unfold
from tests.case import Array, Case, apart, between, normal

__all__ = ["INTERPOLATION", "LAID", "POOLING", "UNFOLDING"]


def _laid(
    x: Array,
    w: Array,
    stride: Sequence[int],
    cut: Sequence[int],
    more: Sequence[int],
    dilation: Sequence[int],
    groups: int = 1,
) -> Array:
    """Every element laid down as a kernel, then the sides cut away."""
    rank = len(stride)
    whole = [
        (p - 1) * s + (k - 1) * d + 1 + extra
        for p, s, k, d, extra in zip(x.shape[2:], stride, w.shape[2:], dilation, more, strict=True)
    ]
    inputs, outputs = x.shape[1] // groups, w.shape[1]
    y = np.zeros((x.shape[0], outputs * groups, *whole), x.dtype)
    for c, o in product(range(x.shape[1]), range(outputs)):
        for p, k in product(np.ndindex(*x.shape[2:]), np.ndindex(*w.shape[2:])):
            place = tuple(p[i] * stride[i] + k[i] * dilation[i] for i in range(rank))
            y[(slice(None), c // inputs * outputs + o, *place)] += x[(slice(None), c, *p)] * w[(c, o, *k)]
    inside: tuple[EllipsisType | slice, ...] = (..., *(slice(s, n - s) for s, n in zip(cut, whole, strict=True)))
    return y[inside]


def _full(x: Array, w: Array) -> Array:
    """All windows that meet an element: what is laid down by the reversed kernel."""
    return _laid(x, w.swapaxes(0, 1)[..., ::-1], (1,), (0,), (0,), (1,))


LAID = (
    Case(
        "conv_transpose2d",
        t.conv_transpose2d,
        lambda x, w: _laid(x, w, (1, 1), (0, 0), (0, 0), (1, 1)),
        (normal(2, 3, 3, 2), normal(3, 2, 2, 3)),
        terms=18,
    ),
    Case(
        "conv_transpose2d with all options",
        lambda x, w: t.conv_transpose2d(
            x, w, stride=(2, 1), padding=(1, 0), output_padding=(1, 0), groups=2, dilation=(1, 2)
        ),
        lambda x, w: _laid(x, w, (2, 1), (1, 0), (1, 0), (1, 2), 2),
        (normal(1, 4, 3, 2), normal(4, 2, 3, 2)),
        terms=12,
        symbolic=False,
    ),
    Case(
        "conv_transpose1d",
        lambda x, w: t.conv_transpose1d(x, w, stride=3, padding=2),
        lambda x, w: _laid(x, w, (3,), (2,), (0,), (1,)),
        (normal(2, 2, 4), normal(2, 3, 5)),
        terms=10,
    ),
    Case(
        "conv_transpose3d",
        lambda x, w: t.conv_transpose3d(x, w, stride=2, output_padding=1),
        lambda x, w: _laid(x, w, (2,) * 3, (0,) * 3, (1,) * 3, (1,) * 3),
        (normal(1, 2, 2, 1, 2), normal(2, 1, 1, 2, 2)),
        terms=8,
    ),
    Case(
        "conv1d, full",
        lambda x, w: convolution.conv1d(x, w, padding="full"),
        _full,
        (normal(2, 3, 5), normal(4, 3, 3)),
        terms=9,
    ),
)


def _pooled(
    reduce: Callable[[Array], float], x: Array, window: int, stride: int, dilation: int, side: int, around: float
) -> Array:
    """A function of each window over the last two axes, one at a time."""
    padded = np.pad(x, [(0, 0)] * (x.ndim - 2) + [(side, side)] * 2, constant_values=around)
    reach = (window - 1) * dilation + 1
    counts = [(n - reach) // stride + 1 for n in padded.shape[-2:]]
    y = np.zeros((*x.shape[:-2], *counts), x.dtype)
    for index in np.ndindex(*y.shape):
        *lead, i, j = index
        rows, columns = (slice(p * stride, p * stride + reach, dilation) for p in (i, j))
        y[index] = reduce(padded[(*lead, rows, columns)])
    return y


def _parts(reduce: Callable[[Array], float], x: Array, p: int, q: int) -> Array:
    """A function of each of p x q equal parts."""
    n, m = x.shape[-2] // p, x.shape[-1] // q
    return np.stack([[reduce(x[i * n : i * n + n, j * m : j * m + m]) for j in range(q)] for i in range(p)])


def _norm(x: Array) -> float:
    return float((np.abs(x) ** 3).sum() ** (1 / 3))


POOLING = (
    Case(
        "max_pool, dilated",
        lambda x: pooling.max_pool(x, 2, stride=1, padding=1, dilation=2),
        lambda x: _pooled(np.max, x, 2, 1, 2, 1, -np.inf),
        (apart(4, 5),),
    ),
    Case(
        "avg_pool, dilated",
        lambda x: pooling.avg_pool(x, 2, stride=2, dilation=2),
        lambda x: _pooled(np.mean, x, 2, 2, 2, 0, 0),
        (normal(2, 5, 6),),
        terms=4,
    ),
    Case(
        "lp_pool",
        lambda x: pooling.lp_pool(x, 3, 2, stride=1),
        lambda x: _pooled(_norm, x, 2, 1, 1, 0, 0),
        (between(0.5, 1.5, 3, 4),),
        terms=4,
    ),
    Case(
        "lp_pool of an infinite order",
        lambda x: pooling.lp_pool(x, np.inf, 2),
        lambda x: _pooled(lambda part: float(np.abs(part).max()), x, 2, 2, 1, 0, 0),
        (apart(4, 4),),
    ),
    Case(
        "adaptive_avg_pool",
        lambda x: pooling.adaptive_avg_pool(x, (2, 3)),
        lambda x: _parts(np.mean, x, 2, 3),
        (normal(4, 9),),
        terms=6,
    ),
    Case(
        "adaptive_max_pool",
        lambda x: pooling.adaptive_max_pool(x, 2),
        lambda x: _parts(np.max, x, 2, 2),
        (apart(4, 6),),
    ),
    Case(
        "global_avg_pool",
        pooling.global_avg_pool,
        lambda x: x.mean((-1, -2), keepdims=True),
        (normal(2, 3, 4),),
        terms=12,
    ),
    Case(
        "global_max_pool", lambda x: pooling.global_max_pool(x, 1), lambda x: x.max(-1, keepdims=True), (apart(2, 5),)
    ),
)


def _columns(x: Array, window: Sequence[int], stride: int, dilation: int, side: int) -> Array:
    """Windows as columns, one element at a time."""
    padded = np.pad(x, ((0, 0), (0, 0), (side, side), (side, side)))
    p, q = ((n - (k - 1) * dilation - 1) // stride + 1 for n, k in zip(padded.shape[2:], window, strict=True))
    j, k = window
    y = np.zeros((*x.shape[:2], j, k, p, q), x.dtype)
    for a, b, c, d in np.ndindex(j, k, p, q):
        y[:, :, a, b, c, d] = padded[:, :, c * stride + a * dilation, d * stride + b * dilation]
    return y.reshape(x.shape[0], -1, p * q)


def _folded(x: Array, shape: Sequence[int], window: Sequence[int], stride: int, side: int) -> Array:
    """Columns laid back, one element at a time."""
    n, m = (extent + 2 * side for extent in shape)
    p, q = ((extent - k) // stride + 1 for extent, k in zip((n, m), window, strict=True))
    j, k = window
    parts = x.reshape(x.shape[0], -1, j, k, p, q)
    y = np.zeros((*parts.shape[:2], n, m), parts.dtype)
    for a, b, c, d in np.ndindex(j, k, p, q):
        y[:, :, c * stride + a, d * stride + b] += parts[:, :, a, b, c, d]
    return y[:, :, side : n - side, side : m - side]


UNFOLDING = (
    Case(
        "unfold",
        lambda x: unfold(x, (2, 3), stride=2, dilation=1, padding=1),
        lambda x: _columns(x, (2, 3), 2, 1, 1),
        (normal(2, 2, 3, 4),),
    ),
    Case(
        "unfold, dilated",
        lambda x: unfold(x, 2, dilation=2),
        lambda x: _columns(x, (2, 2), 1, 2, 0),
        (normal(1, 2, 4, 3),),
    ),
    Case(
        "fold",
        lambda x: fold(x, (4, 3), (2, 3), padding=1, stride=2),
        lambda x: _folded(x, (4, 3), (2, 3), 2, 1),
        (normal(2, 12, 6),),
        terms=4,
        symbolic=False,
    ),
)


def _nearest(x: Array, p: int, q: int) -> Array:
    n, m = x.shape[2:]
    return x[:, :, [i * n // p for i in range(p)]][..., [i * m // q for i in range(q)]]


def _between(x: Array, p: int, axis: int, align_corners: bool) -> Array:
    """Linear along one axis, one element at a time."""
    n = x.shape[axis]
    rows = []
    for i in range(p):
        aligned = i * (n - 1) / (p - 1) if p > 1 else 0.0
        place = aligned if align_corners else max((i + 0.5) * n / p - 0.5, 0.0)
        low = min(int(place), n - 1)
        high, weight = min(low + 1, n - 1), place - low
        rows.append((1 - weight) * x.take(low, axis) + weight * x.take(high, axis))
    return np.stack(rows, axis)


INTERPOLATION = (
    Case("interpolate, nearest", lambda x: interpolate(x, (5, 2)), lambda x: _nearest(x, 5, 2), (normal(1, 2, 3, 4),)),
    Case("interpolate, twice", lambda x: interpolate(x, scale=2), lambda x: _nearest(x, 6, 8), (normal(1, 2, 3, 4),)),
    *(
        Case(
            f"interpolate, bilinear, {align_corners=}",
            lambda x, align=align_corners: interpolate(x, (5, 3), mode="bilinear", align_corners=align),
            lambda x, align=align_corners: _between(_between(x, 5, 2, align), 3, 3, align),
            (normal(1, 2, 3, 4),),
            terms=4,
        )
        for align_corners in (False, True)
    ),
    Case(
        "interpolate to one, linear",
        lambda x: interpolate(x, 1, mode="linear", align_corners=True),
        lambda x: x[..., :1],
        (normal(2, 1, 4),),
    ),
)
