"""Parts of models, and one whole: inference, or a loss with the gradients of weights and of the input."""

from collections.abc import Sequence
from itertools import pairwise
from typing import TypeAlias

import numpy as np

import graphc as gx
from benchmarks.workloads.products import ADAM
from benchmarks.workloads.rows import normalised
from benchmarks.workloads.workload import Array, Declared, Workload, normal

__all__ = ["VGG_A", "convolution", "resblock_step", "transformer_step", "transformer_training", "vgg_infer"]

Stages: TypeAlias = Sequence[Sequence[int]]

#: the widths of the convolutions between poolings, and of the dense layers: Simonyan, Zisserman: Very deep
#: convolutional networks for large-scale image recognition, 2015, table 1, column A
VGG_A: tuple[Stages, Sequence[int]] = (((64,), (128,), (256, 256), (512, 512), (512, 512)), (4096, 4096, 1000))


def vgg_infer(name: str, stages: Stages, dense: Sequence[int], size: int, batch: int) -> Workload:
    """x [batch, 3, size, size]   ->   logits.  Weights and biases of convolutions, then of dense layers, are fixed."""

    def graph(xs: Sequence[gx.Node], params: Sequence[gx.Node]) -> Declared:
        (h,), left = xs, iter(zip(params[::2], params[1::2], strict=True))
        for stage in stages:
            for width in stage:
                w, b = next(left)
                h = gx.relu(gx.conv2d(h, w, padding=1) + gx.reshape(b, (width, 1, 1)))
            h = gx.max_pool(h, 2)
        h = gx.reshape(h, (batch, -1))
        for number, (w, b) in enumerate(left):
            h = (gx.relu(h) if number else h) @ w + b
        return [h], None

    widths = [3, *(width for stage in stages for width in stage)]
    sides = [size >> number for number, stage in enumerate(stages) for _ in stage]
    fixed, operations = [], 0
    for (n, m), side in zip(pairwise(widths), sides, strict=True):
        fixed += [_scaled(m, n, 3, 3, fan_in=9 * n), _small(m)]
        operations += 2 * batch * side * side * 9 * n * m
    for n, m in pairwise([widths[-1] * (size >> len(stages)) ** 2, *dense]):
        fixed += [_scaled(n, m, fan_in=n), _small(m)]
        operations += 2 * batch * n * m
    arrays = [normal(batch, 3, size, size)]
    return Workload(name, "vgg", graph, arrays, fixed=fixed, operations=operations, structure=stages)


def convolution(name: str, batch: int, channels: int, size: int) -> Workload:
    """x [batch, c, size, size], kernels [c, c, 3, 3]   ->   of the same extents as x: as in a residual block."""

    def graph(xs: Sequence[gx.Node], _: Sequence[gx.Node]) -> Declared:
        return [gx.conv2d(*xs, padding=1)], None

    arrays = [normal(batch, channels, size, size), _scaled(channels, channels, 3, 3, fan_in=9 * channels)]
    return Workload(name, "convolution", graph, arrays, operations=2 * batch * size**2 * 9 * channels**2)


def resblock_step(name: str, batch: int, channels: int, size: int) -> Workload:
    """Two convolutions 3x3 with normalisation by the batch, and a skip: He, Zhang, Ren, Sun, 2015, figure 2.

    x and target [batch, c, size, size]   kernels [c, c, 3, 3]   gains and biases [c]   ->   the mean of (y - target)²,
    and the gradients of x and of the weights
    """

    def graph(nodes: Sequence[gx.Node], _: Sequence[gx.Node]) -> Declared:
        x, target, *weights = nodes
        h = x
        for number in (0, 3):
            k, gain, bias = weights[number : number + 3]
            gain, bias = (gx.reshape(part, (channels, 1, 1)) for part in (gain, bias))
            h = normalised(gx.conv2d(gx.relu(h) if number else h, k, padding=1), gain, bias, (0, 2, 3))
        d = gx.relu(h + x) - target
        loss = gx.mean(d * d)
        return [loss, *gx.grad(loss, [x, *weights])], None

    shape = batch, channels, size, size
    arrays = [normal(*shape), normal(*shape, seed=1)]
    for number in range(2):
        kernel = _scaled(channels, channels, 3, 3, fan_in=9 * channels, seed=number)
        arrays += [kernel, 1 + _small(channels), _small(channels)]
    operations = 3 * 2 * 2 * batch * size * size * 9 * channels * channels
    return Workload(name, "resblock", graph, arrays, operations=operations, tolerance=1e-3)


def transformer_step(name: str, batch: int, time: int, width: int, heads: int, inner: int) -> Workload:
    """The mean of (y - target)² of an encoder block, and the gradients of its input x and of the weights.

    x and target [batch, time, width], then the weights of `_block`
    """

    def graph(nodes: Sequence[gx.Node], _: Sequence[gx.Node]) -> Declared:
        x, target, *weights = nodes
        loss = gx.mean(gx.square(_block(x, weights, heads) - target))
        return [loss, *gx.grad(loss, [x, *weights])], None

    arrays = [normal(batch, time, width), normal(batch, time, width, seed=1), *_weights(width, inner)]
    operations = _operations(batch, time, width, inner)
    return Workload(name, "transformer", graph, arrays, operations=operations, structure=heads, tolerance=1e-3)


def transformer_training(name: str, batch: int, time: int, width: int, heads: int, inner: int) -> Workload:
    """A step of Adam of an encoder block: x and target [batch, time, width]   ->   the mean of (y - target)²"""

    def graph(nodes: Sequence[gx.Node], weights: Sequence[gx.Node]) -> Declared:
        x, target = nodes
        loss = gx.mean(gx.square(_block(x, weights, heads) - target))
        return [loss], gx.optim.Adam(weights, ADAM)(gx.grad(loss, weights))

    arrays = [normal(batch, time, width), normal(batch, time, width, seed=1)]
    operations = _operations(batch, time, width, inner) - 2 * batch * time * 3 * width * width  # that of x is not asked
    return Workload(
        name,
        "transformer_training",
        graph,
        arrays,
        _weights(width, inner),
        operations=operations,
        structure=heads,
        tolerance=1e-3,
    )


def _block(x: gx.Node, weights: Sequence[gx.Node], heads: int) -> gx.Node:
    """An encoder block that normalises before attention and before two dense layers with a gelu between them.

    x [batch, time, width]   gain and bias; joint weights of q, k and v [width, 3 width] and their bias; weights and
    bias after attention; gain and bias; weights and biases of the dense layers
    Xiong et al.: On layer normalization, 2020, figure 1.
    """
    batch, time, width = x.shape
    assert isinstance(width, int), x
    gain, bias, joint, joint_bias, out, out_bias, gain2, bias2, wide, wide_bias, back, back_bias = weights
    h = normalised(x, gain, bias, -1) @ joint + joint_bias
    parts = gx.transpose(gx.reshape(h, (batch, time, 3, heads, width // heads)), (2, 0, 3, 1, 4))
    q, k, v = (parts[number] for number in range(3))
    mixed = gx.softmax(q @ k.mT / (width // heads) ** 0.5) @ v
    x1 = x + gx.reshape(gx.transpose(mixed, (0, 2, 1, 3)), (batch, time, width)) @ out + out_bias
    h = gx.gelu(normalised(x1, gain2, bias2, -1) @ wide + wide_bias)
    return x1 + h @ back + back_bias


def _weights(width: int, inner: int) -> Sequence[Array]:
    """Of `_block`."""
    attention = [1 + _small(width), _small(width), _scaled(width, 3 * width, fan_in=width), _small(3 * width)]
    attention += [_scaled(width, width, fan_in=width, seed=1), _small(width)]
    dense = [1 + _small(width), _small(width), _scaled(width, inner, fan_in=width, seed=2), _small(inner)]
    return [*attention, *dense, _scaled(inner, width, fan_in=inner, seed=3), _small(width)]


def _operations(batch: int, time: int, width: int, inner: int) -> int:
    """Multiplications and additions of the products of `_block`, and of all their derivatives."""
    products = 2 * batch * time * (4 * width * width + 2 * width * inner)
    return 3 * (products + 4 * batch * time * time * width)


def _scaled(*shape: int, fan_in: int, seed: int = 0) -> Array:
    """Weights that keep the size of what they are multiplied with, as He et al. scale them."""
    return normal(*shape, seed=seed) * np.float32((2 / fan_in) ** 0.5)


def _small(count: int) -> Array:
    return normal(count, seed=count) * np.float32(0.1)
