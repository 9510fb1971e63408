"""LeNet, forward: two convolutions with pooling, three dense layers.

LeCun, Bottou, Bengio, Haffner: Gradient-based learning applied to document recognition, 1998; with relu and max.
"""

from collections.abc import Mapping
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

import graphc as gx

__all__ = ["ByHand", "compiled_forward", "start"]

Array: TypeAlias = npt.NDArray[Any]

IMAGE = (1, 28, 28)
SHAPES = {
    "k1": (6, 1, 5, 5), "c1": (6,), "k2": (16, 6, 5, 5), "c2": (16,),
    "w3": (400, 120), "b3": (120,), "w4": (120, 84), "b4": (84,), "w5": (84, 10), "b5": (10,),
}  # fmt: skip


def start(seed: int = 0) -> dict[str, Array]:
    """Weights and biases, by name."""
    rng = np.random.default_rng(seed)
    return {name: (rng.standard_normal(shape) * 0.1).astype("float32") for name, shape in SHAPES.items()}


def compiled_forward(weights: Mapping[str, Array], batch: int | str) -> gx.CompiledFunction:
    """x [batch, 1, 28, 28]   ->   logits [batch, 10]"""
    x = gx.input("x", (batch, *IMAGE))
    p = {name: gx.param(name, value) for name, value in weights.items()}
    h = gx.relu(gx.max_pool(gx.conv2d(x, p["k1"], padding="same") + gx.reshape(p["c1"], (6, 1, 1)), 2))
    h = gx.relu(gx.max_pool(gx.conv2d(h, p["k2"]) + gx.reshape(p["c2"], (16, 1, 1)), 2))
    h = gx.reshape(h, (x.shape[0], 400))
    h = gx.relu(h @ p["w3"] + p["b3"])
    h = gx.relu(h @ p["w4"] + p["b4"])
    return gx.compile([x], h @ p["w5"] + p["b5"], backend="numpy")


class _Convolution:
    """Windows copied into columns, so that each image is one product of matrices; then bias, pooling and relu.

    x [n, c, h, w]   k [o, c, 5, 5]   b [o]   ->   [n, o, (h - 4) / 2, (w - 4) / 2]
    """

    def __init__(self, x: Array, k: Array, b: Array) -> None:
        n, c, h, w = x.shape
        o, p, q = len(k), h - 4, w - 4
        view = np.lib.stride_tricks.sliding_window_view(x, (5, 5), axis=(2, 3))
        self.windows = view.transpose(0, 1, 4, 5, 2, 3)  # rows of an image stay side by side: the copy is quick
        self.columns = np.empty((n, c, 5, 5, p, q), x.dtype)
        self.matrices = self.columns.reshape(n, c * 25, p * q)
        self.kernel, self.bias = k.reshape(o, c * 25), b.reshape(o, 1)
        self.product = np.empty((n, o, p * q), x.dtype)
        image = self.product.reshape(n, o, p, q)
        self.even, self.odd = image[:, :, ::2], image[:, :, 1::2]
        self.halves = np.empty((n, o, p // 2, q), x.dtype)
        self.left, self.right = self.halves[..., ::2], self.halves[..., 1::2]

    def run(self, out: Array) -> None:
        """Set `out` from what the array of images holds now."""
        np.copyto(self.columns, self.windows)
        np.matmul(self.kernel, self.matrices, out=self.product)
        np.add(self.product, self.bias, out=self.product)
        np.maximum(self.even, self.odd, out=self.halves)
        np.maximum(self.left, self.right, out=out)
        np.maximum(out, 0, out=out)


class ByHand:
    """The network with every array and view made once."""

    def __init__(self, weights: Mapping[str, Array], batch: int, dtype: str = "float32") -> None:
        p = {name: value.astype(dtype) for name, value in weights.items()}
        self.padded = np.zeros((batch, 1, 32, 32), dtype)
        self.inside = self.padded[:, :, 2:-2, 2:-2]
        self.first = _Convolution(self.padded, p["k1"], p["c1"])
        self.middle = np.empty((batch, 6, 14, 14), dtype)
        self.second = _Convolution(self.middle, p["k2"], p["c2"])
        self.pooled = np.empty((batch, 16, 5, 5), dtype)
        self.flat = self.pooled.reshape(batch, 400)
        self.dense = [(p[f"w{i}"], p[f"b{i}"], np.empty((batch, len(p[f"b{i}"])), dtype)) for i in (3, 4, 5)]

    def forward(self, x: Array) -> Array:
        """The logits, in an array that the next call overwrites."""
        np.copyto(self.inside, x)
        self.first.run(self.middle)
        self.second.run(self.pooled)
        h = self.flat
        for number, (w, b, out) in enumerate(self.dense):
            np.matmul(h, w, out=out)
            np.add(out, b, out=out)
            if number < 2:
                np.maximum(out, 0, out=out)
            h = out
        return h
