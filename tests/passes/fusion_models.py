"""Models whose kernels are counted, each beside the fewest that there can be."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np
import numpy.typing as npt

import graphc as gx

__all__ = ["MODELS", "Model", "Parts"]


@dataclass(frozen=True)
class Parts:
    """What a model is made of."""

    inputs: Sequence[gx.Node]
    outputs: Sequence[gx.Node]
    updates: Mapping[gx.Node, gx.Node] = field(default_factory=dict)


@dataclass(frozen=True)
class Model:
    """A model, and how many steps it takes.

    build         the model, with extents that grow with a number
    kernels       how many kernels the compiled program has
    contractions  how many products it has
    fewest        the least number of kernels that there can be
    because       why no fewer
    """

    name: str
    build: Callable[[int], Parts]
    kernels: int
    contractions: int
    fewest: int
    because: str


def _weights(name: str, *shape: int) -> gx.Node:
    rng = np.random.default_rng([*name.encode(), *shape])
    start: npt.NDArray[np.float64] = rng.standard_normal(shape) / np.sqrt(shape[0])
    return gx.param(name, start.astype("float32"))


def _layers(*widths: int) -> list[gx.Node]:
    """A weight and a bias for each pair of widths."""
    found = []
    for number, (n, m) in enumerate(pairwise(widths)):
        found += [_weights(f"w{number}", n, m), _weights(f"b{number}", m)]
    return found


def _grads(loss: gx.Node, wanted: Sequence[gx.Node]) -> list[gx.Node]:
    grads = gx.grad(loss, list(wanted))
    assert isinstance(grads, list)
    return grads


def _backward(y: gx.Node, wanted: Sequence[gx.Node]) -> tuple[gx.Node, list[gx.Node]]:
    """The cotangent of `y`, as an input, and those of what is wanted."""
    g = gx.input("g", y.shape, str(y.dtype))
    found = gx.vjp(y, list(wanted), g)
    assert isinstance(found, list)
    return g, found


# Training steps.


def xor(n: int) -> Parts:
    x, t = gx.input("x", (4, 2)), gx.input("t", (4,))
    model = gx.nn.mlp((2, n, 1), rng=np.random.default_rng(0))
    loss = gx.nn.mean_squared_error(model(x)[:, 0], t)
    opt = gx.optim.SGD(model, 0.03)
    return Parts([x, t], [loss], opt(gx.grad(loss, opt.params)))


def logistic_regression(n: int) -> Parts:
    x, y = gx.input("x", (4 * n, n)), gx.input("y", (4 * n,))
    w = _weights("w", n)
    z = x @ w
    loss = gx.mean(gx.softplus(z) - y * z)
    return Parts([x, y], [loss, *_grads(loss, [w])])


def mlp_with_adam(n: int) -> Parts:
    x, labels = gx.input("x", (2 * n, 2 * n)), gx.input("labels", (2 * n,), "int64")
    w, b, v, c = layers = _layers(2 * n, n, 5)
    loss = gx.nn.softmax_cross_entropy(gx.relu(x @ w + b) @ v + c, labels)
    opt = gx.optim.Adam(layers, 1e-3)
    return Parts([x, labels], [loss], opt(gx.grad(loss, opt.params)))


def adam_step(n: int) -> Parts:
    w, m, v = _weights("w", n, n), gx.state("m", np.zeros((n, n), "float32")), gx.state("v", np.ones((n, n), "float32"))
    g, rate = gx.input("g", (n, n)), gx.input("rate", ())
    mean, square = 0.9 * m + 0.1 * g, 0.999 * v + 0.001 * gx.square(g)
    return Parts([g, rate], [], {w: w - rate * mean / (gx.sqrt(square) + 1e-8), m: mean, v: square})


# Rows.


def softmax(n: int) -> Parts:
    x = gx.input("x", (2 * n, n))
    return Parts([x], [gx.softmax(x)])


def softmax_gradient(n: int) -> Parts:
    x = gx.input("x", (2 * n, n))
    g, (back,) = _backward(gx.softmax(x), [x])
    return Parts([x, g], [back])


def log_softmax(n: int) -> Parts:
    x = gx.input("x", (2 * n, n))
    return Parts([x], [gx.log_softmax(x)])


def log_softmax_gradient(n: int) -> Parts:
    x = gx.input("x", (2 * n, n))
    g, (back,) = _backward(gx.log_softmax(x), [x])
    return Parts([x, g], [back])


def cross_entropy(n: int) -> Parts:
    z, labels = gx.input("z", (2 * n, n)), gx.input("labels", (2 * n,), "int64")
    return Parts([z, labels], [gx.nn.softmax_cross_entropy(z, labels)])


def cross_entropy_with_gradient(n: int) -> Parts:
    z, labels = gx.input("z", (2 * n, n)), gx.input("labels", (2 * n,), "int64")
    loss = gx.nn.softmax_cross_entropy(z, labels)
    return Parts([z, labels], [loss, *_grads(loss, [z])])


def _layer_norm(x: gx.Node, gain: gx.Node, bias: gx.Node) -> gx.Node:
    centred = x - gx.mean(x, -1, keepdims=True)
    return centred * gx.rsqrt(gx.mean(gx.square(centred), -1, keepdims=True) + 1e-5) * gain + bias


def layer_norm(n: int) -> Parts:
    x = gx.input("x", (2 * n, n))
    return Parts([x], [_layer_norm(x, _weights("gain", n), _weights("bias", n))])


def layer_norm_gradient(n: int) -> Parts:
    x, gain, bias = gx.input("x", (2 * n, n)), _weights("gain", n), _weights("bias", n)
    g, grads = _backward(_layer_norm(x, gain, bias), [x, gain, bias])
    return Parts([x, g], grads)


CHANNELS = (0, 2, 3)


def _batch_norm(x: gx.Node, gain: gx.Node, bias: gx.Node) -> tuple[gx.Node, gx.Node, gx.Node]:
    """The normalised images, and the mean and the variance of each channel."""
    mean, variance = gx.mean(x, CHANNELS, keepdims=True), gx.var(x, CHANNELS, keepdims=True)
    scale, shift = (gx.reshape(p, (1, p.shape[0], 1, 1)) for p in (gain, bias))
    return (x - mean) * gx.rsqrt(variance + 1e-5) * scale + shift, mean[0, :, 0, 0], variance[0, :, 0, 0]


def batch_norm(n: int) -> Parts:
    x, gain, bias = gx.input("x", (n, 4, n, n)), _weights("gain", 4), _weights("bias", 4)
    y, mean, variance = _batch_norm(x, gain, bias)
    means, variances = gx.state("means", np.zeros(4, "float32")), gx.state("variances", np.ones(4, "float32"))
    return Parts([x], [y], {means: 0.9 * means + 0.1 * mean, variances: 0.9 * variances + 0.1 * variance})


def batch_norm_gradient(n: int) -> Parts:
    x, gain, bias = gx.input("x", (n, 4, n, n)), _weights("gain", 4), _weights("bias", 4)
    g, grads = _backward(_batch_norm(x, gain, bias)[0], [x, gain, bias])
    return Parts([x, g], grads)


# Movement.


def elementwise_chain_with_movement(n: int) -> Parts:
    x, y = gx.input("x", (n, 2 * n)), gx.input("y", (2 * n, n))
    z = gx.tanh(x).T * gx.exp(-y)
    halves = z[:n] + gx.flip(z[n:], 0)
    return Parts([x, y], [gx.sigmoid(gx.reshape(halves, (n * n,))) * 2.0])


def concat_of_three(n: int) -> Parts:
    xs = [gx.input(f"x{i}", (2 * n, n)) for i in range(3)]
    return Parts(xs, [gx.concat([gx.tanh(xs[0]), gx.relu(xs[1]), gx.exp(xs[2])], 1)])


def pad_and_convolution(n: int) -> Parts:
    x, kernel, bias = gx.input("x", (2, 3, n, n)), _weights("kernel", 4, 3, 3, 3), _weights("bias", 4)
    padded = gx.pad(gx.relu(x), ((0, 0), (0, 0), (1, 1), (1, 1)))
    return Parts([x], [gx.relu(gx.conv2d(padded, kernel) + gx.reshape(bias, (4, 1, 1)))])


# Blocks.


def lenet(n: int) -> Parts:
    side = 28
    x, labels = gx.input("x", (n, 1, side, side)), gx.input("labels", (n,), "int64")
    k1, c1, k2, c2 = _weights("k1", 6, 1, 5, 5), _weights("c1", 6), _weights("k2", 16, 6, 5, 5), _weights("c2", 16)
    w3, b3, w4, b4, w5, b5 = _layers(400, 120, 84, 10)
    h = gx.relu(gx.max_pool(gx.conv2d(x, k1, padding="same") + gx.reshape(c1, (6, 1, 1)), 2))
    h = gx.relu(gx.max_pool(gx.conv2d(h, k2) + gx.reshape(c2, (16, 1, 1)), 2))
    h = gx.relu(gx.reshape(h, (n, 400)) @ w3 + b3)
    loss = gx.nn.softmax_cross_entropy(gx.relu(h @ w4 + b4) @ w5 + b5, labels)
    params = [k1, c1, k2, c2, w3, b3, w4, b4, w5, b5]
    return Parts([x, labels], [loss], gx.optim.SGD(params, 0.1)(_grads(loss, params)))


def gelu_block(n: int) -> Parts:
    x = gx.input("x", (2 * n, n))
    w, b, v, c = _layers(n, 4 * n, n)
    return Parts([x], [x + gx.gelu(x @ w + b) @ v + c])


def attention(n: int) -> Parts:
    q, k, v = (gx.input(name, (2, 2, n, 8)) for name in "qkv")
    scores = gx.einsum("bhqd,bhkd->bhqk", q, k) / np.sqrt(8).item()
    scores = gx.where(gx.tril(gx.ones((n, n))) > 0, scores, -1e9)
    return Parts([q, k, v], [gx.einsum("bhqk,bhkd->bhqd", gx.softmax(scores), v)])


def lstm_step(n: int) -> Parts:
    x, h, c = gx.input("x", (4, n)), gx.input("h", (4, n)), gx.input("c", (4, n))
    w, u, b = _weights("w", n, 4 * n), _weights("u", n, 4 * n), _weights("b", 4 * n)
    gates = x @ w + h @ u + b
    i, f, o, g = (gates[:, k * n : (k + 1) * n] for k in range(4))
    cell = gx.sigmoid(f) * c + gx.sigmoid(i) * gx.tanh(g)
    return Parts([x, h, c], [gx.sigmoid(o) * gx.tanh(cell), cell])


def residual_block(n: int) -> Parts:
    x = gx.input("x", (2 * n, n))
    w, b, v, c = _layers(n, n, n)
    gain, bias = _weights("gain", n), _weights("bias", n)
    h = gx.relu(_layer_norm(x, gain, bias) @ w + b)
    y = x + h @ v + c
    g, grads = _backward(y, [x, w, b, v, c, gain, bias])
    return Parts([x, g], [y, *grads])


def vae_loss(n: int) -> Parts:
    x, mean, log_variance, y = (gx.input(name, (2 * n, n)) for name in ("x", "mean", "log_variance", "y"))
    likely = gx.sum(gx.softplus(y) - x * y, 1)
    divergence = -0.5 * gx.sum(1 + log_variance - gx.square(mean) - gx.exp(log_variance), 1)
    loss = gx.mean(likely + divergence)
    return Parts([x, mean, log_variance, y], [loss, *_grads(loss, [mean, log_variance, y])])


def _counted(build: Callable[[int], Parts], kernels: int, contractions: int, fewest: int, because: str) -> Model:
    return Model(build.__name__, build, kernels, contractions, fewest, because)


SET = "a variable is set when all else is done"

MODELS = (
    _counted(xor, 7, 4, 6, f"{SET}: four of them, the counter of steps, and the loss"),
    _counted(logistic_regression, 1, 2, 1, "loss and slope go over the same rows"),
    _counted(mlp_with_adam, 8, 5, 6, f"{SET}: four with their slots, the counter of steps, and the loss"),
    _counted(adam_step, 1, 0, 1, "three variables over the same axes"),
    _counted(softmax, 1, 0, 1, "a row stays in cache"),
    _counted(softmax_gradient, 1, 0, 1, "a row stays in cache"),
    _counted(log_softmax, 1, 0, 1, "a row stays in cache"),
    _counted(log_softmax_gradient, 1, 0, 1, "a row stays in cache"),
    _counted(cross_entropy, 1, 0, 1, "a row stays in cache, and the loss is a total over rows"),
    _counted(cross_entropy_with_gradient, 1, 0, 1, "a row stays in cache, and the loss is a total over rows"),
    _counted(layer_norm, 1, 0, 1, "a row stays in cache"),
    _counted(layer_norm_gradient, 1, 0, 1, "a row stays in cache; those of gain and bias are totals over rows"),
    _counted(batch_norm, 1, 0, 1, "rows are channels, and so are those of the running mean and variance"),
    _counted(batch_norm_gradient, 1, 0, 1, "rows are channels, and so are those of gain and bias"),
    _counted(elementwise_chain_with_movement, 1, 0, 1, "an element of the result is made of one or two of each input"),
    _counted(concat_of_three, 1, 0, 1, "each part is computed where it belongs"),
    _counted(pad_and_convolution, 1, 1, 1, "the padded image is one pass; bias and relu belong to the product"),
    _counted(
        lenet, 24, 14, 17, f"padding, two poolings, their gradients, the loss; {SET}: ten and the counter of steps"
    ),
    _counted(gelu_block, 0, 2, 0, "bias, gelu and residual belong to the products"),
    _counted(attention, 2, 2, 1, "the softmax of a row needs all of its products"),
    _counted(lstm_step, 1, 2, 1, "the gates need both products"),
    _counted(residual_block, 3, 6, 3, "the norm, its gradient, and the gradient of the inner bias"),
    _counted(vae_loss, 1, 0, 1, "both parts of the loss, and all slopes, go over the same rows"),
)
