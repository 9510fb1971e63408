"""Products of matrices: layers, training steps, attention."""

from collections.abc import Sequence
from itertools import pairwise

import numpy as np

import graphc as gx
from benchmarks.peers import lenet, perceptron, recurrent
from benchmarks.workloads.workload import Declared, Workload, normal

__all__ = [
    "ADAM",
    "LENET",
    "LOGISTIC",
    "adam",
    "attention",
    "gemm",
    "gemm_bias_relu",
    "hessian_vector",
    "lenet_step",
    "logistic_step",
    "lstm",
    "mlp_step",
]

ADAM = perceptron.RATE  # rates of descent
LOGISTIC, LENET = 0.1, 0.01


def gemm(name: str, n: int, m: int, k: int, dtype: str = "float32") -> Workload:
    """x w   x [n, k]   w [k, m]"""
    arrays = [normal(n, k, dtype=dtype), normal(k, m, seed=1, dtype=dtype)]
    tolerance = 1e-4 if dtype == "float32" else 1e-2
    operations = 2 * n * m * k
    return Workload(
        name, "gemm", lambda xs, _: ([xs[0] @ xs[1]], None), arrays, operations=operations, tolerance=tolerance
    )


def adam(name: str, count: int) -> Workload:
    """The next values of so many parameters, for gradients that are given."""

    def graph(xs: Sequence[gx.Node], params: Sequence[gx.Node]) -> Declared:
        return [], gx.optim.Adam(params, ADAM)(xs)

    return Workload(name, "adam", graph, [normal(count, seed=1)], start=[normal(count)], moved=28 * count)


def gemm_bias_relu(name: str, n: int, m: int, k: int) -> Workload:
    """relu(x w + b)   x [n, k]   w [k, m]   b [m]"""

    def graph(xs: Sequence[gx.Node], _: Sequence[gx.Node]) -> Declared:
        x, w, b = xs
        return [gx.relu(x @ w + b)], None

    arrays = [normal(n, k), normal(k, m, seed=1), normal(m, seed=2)]
    return Workload(name, "gemm_bias_relu", graph, arrays, operations=2 * n * m * k)


def attention(name: str, batch: int, heads: int, time: int, width: int) -> Workload:
    """softmax(q k' / sqrt(d)) v   q, k, v [batch, heads, time, d]"""

    def graph(xs: Sequence[gx.Node], _: Sequence[gx.Node]) -> Declared:
        q, k, v = xs
        return [gx.softmax(q @ k.mT / width**0.5) @ v], None

    arrays = [normal(batch, heads, time, width, seed=seed) for seed in range(3)]
    return Workload(name, "attention", graph, arrays, operations=4 * batch * heads * time * time * width)


def _loss(x: gx.Node, labels: gx.Node, params: Sequence[gx.Node]) -> gx.Node:
    """Of a perceptron, its weights and biases one after the other."""
    h = x
    for number, (w, b) in enumerate(zip(params[::2], params[1::2], strict=True)):
        h = (gx.relu(h) if number else h) @ w + b
    return gx.nn.softmax_cross_entropy(h, labels)


def mlp_step(name: str, widths: Sequence[int], batch: int) -> Workload:
    """A step of Adam: x [batch, n]   labels [batch]   ->   loss"""

    def graph(xs: Sequence[gx.Node], params: Sequence[gx.Node]) -> Declared:
        x, labels = xs
        loss = _loss(x, labels, params)
        return [loss], gx.optim.Adam(params, ADAM)(gx.grad(loss, params))

    sizes = [n * m for n, m in pairwise(widths)]
    start = [array for pair in perceptron.start(widths) for array in pair]
    operations = 2 * batch * (3 * sum(sizes) - sizes[0])  # nobody asks for the gradient of x
    return Workload(name, "mlp_step", graph, _labelled(widths, batch), start, operations=operations, tolerance=1e-3)


def hessian_vector(name: str, widths: Sequence[int], batch: int) -> Workload:
    """The Hessian of the loss of a perceptron times a vector: x, labels, weights and biases, vectors -> products"""

    def graph(xs: Sequence[gx.Node], _: Sequence[gx.Node]) -> Declared:
        x, labels, *rest = xs
        params, vectors = rest[: len(rest) // 2], rest[len(rest) // 2 :]
        return gx.hvp(_loss(x, labels, params), params, vectors), None

    params = [array for pair in perceptron.start(widths) for array in pair]
    vectors = [normal(*p.shape, seed=seed) for seed, p in enumerate(params, 7)]
    (n, m, k) = widths
    operations = 2 * batch * (3 * n * m + 7 * m * k)  # products that no derivative can be without
    return Workload(
        name, "hessian_vector", graph, [*_labelled(widths, batch), *params, *vectors], operations=operations
    )


def _labelled(widths: Sequence[int], batch: int) -> Sequence[np.ndarray[tuple[int, ...], np.dtype[np.generic]]]:
    return [normal(batch, widths[0], seed=1), np.random.default_rng(1).integers(0, widths[-1], batch)]


def logistic_step(name: str, n: int, m: int) -> Workload:
    """Descent of logistic regression by the whole batch, in float64: x [n, m]   y [n]   ->   loss

    The loss is mean(log(1 + e^z) - y z) with z = x w + b.
    """

    def graph(xs: Sequence[gx.Node], params: Sequence[gx.Node]) -> Declared:
        (x, y), (w, b) = xs, params
        z = x @ w + b
        loss = gx.mean(gx.softplus(z) - y * z)
        return [loss], gx.optim.SGD(params, LOGISTIC)(gx.grad(loss, params))

    x = normal(n, m, dtype="float64")
    y = (x[:, 0] + normal(n, seed=1) > 0).astype("float64")
    start = [np.zeros(m), np.zeros(1)]
    return Workload(name, "logistic_step", graph, [x, y], start, moved=8 * n * m, tolerance=1e-9)


def lenet_step(name: str, batch: int) -> Workload:
    """A step of descent with momentum: x [batch, 1, 28, 28]   labels [batch]   ->   loss"""

    def graph(xs: Sequence[gx.Node], params: Sequence[gx.Node]) -> Declared:
        (x, labels), (k1, c1, k2, c2, w3, b3, w4, b4, w5, b5) = xs, params
        h = gx.relu(gx.max_pool(gx.conv2d(x, k1, padding="same") + gx.reshape(c1, (6, 1, 1)), 2))
        h = gx.relu(gx.max_pool(gx.conv2d(h, k2) + gx.reshape(c2, (16, 1, 1)), 2))
        h = gx.reshape(h, (batch, 400))
        loss = _loss(h, labels, [w3, b3, w4, b4, w5, b5])
        return [loss], gx.optim.Momentum(params, LENET)(gx.grad(loss, params))

    x, labels = normal(batch, *lenet.IMAGE, seed=1), np.random.default_rng(1).integers(0, 10, batch)
    start = list(lenet.start().values())
    first = 28 * 28 * 6 * 25
    rest = 10 * 10 * 16 * 150 + 400 * 120 + 120 * 84 + 84 * 10
    operations = 2 * batch * (2 * first + 3 * rest)
    return Workload(name, "lenet_step", graph, [x, labels], start, operations=operations, tolerance=1e-3)


def lstm(name: str, steps: int, batch: int, inputs: int, width: int) -> Workload:
    """xs [steps, batch, inputs], weights   ->   the mean square of the last state, and the gradients of the weights"""

    def graph(nodes: Sequence[gx.Node], _: Sequence[gx.Node]) -> Declared:
        xs, *weights = nodes
        return recurrent.declared(xs, weights, reads_states=False), None

    arrays = [normal(steps, batch, inputs), *recurrent.start(inputs, width)]
    operations = 2 * steps * batch * 4 * width * (2 * inputs + 3 * width)
    return Workload(name, "lstm", graph, arrays, operations=operations, tolerance=1e-3)
