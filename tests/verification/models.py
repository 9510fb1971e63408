"""Models that passes have something to do on: loops, branches, constants, movements, updates."""

import numpy as np

import graphc as gx
from graphc.ir.node import Node
from tests.verification.mutants import Model

__all__ = [
    "averaged",
    "constants",
    "counted",
    "deciding",
    "demanding",
    "extremes",
    "keeping",
    "looping",
    "mixed",
    "recurrent",
    "swapping",
    "twice",
]


def looping() -> Model:
    """Two loops over rows, one the gradient of the other, and updates."""
    x = gx.input("x", ("n", 3))
    w = gx.param("w", np.linspace(-1, 1, 9).reshape(3, 3).astype(np.float32))
    b = gx.param("b", np.array([0.1, -0.2, 0.3], np.float32))

    def body(state: tuple[Node, Node], row: Node) -> tuple[tuple[Node, Node], Node]:
        h, total = state
        after = gx.tanh(row @ w + gx.sin(h * b))
        return (after, total + after * row), after * gx.exp(b)

    (last, total), rows = gx.scan(body, (b, gx.zeros((3,), "float32")), x)
    loss = gx.sum(gx.square(rows)) + gx.sum(total * last)
    slopes = gx.grad(loss, [w, b])
    updates = {w: w - 0.1 * slopes[0], b: b - 0.1 * slopes[1]}
    return Model([x], [loss, last, rows], updates)


def deciding() -> Model:
    """A branch of two results, and a loop that ends by itself."""
    x = gx.input("x", ("n", 3))
    first, second = gx.cond(gx.sum(x) > 0, lambda x: (gx.sin(x), gx.exp(-x)), lambda x: (gx.cos(x), gx.tanh(x)), x)
    _, power = gx.while_loop(lambda s: s[0] < 4, lambda s: (s[0] + 1, s[1] * 0.5 + first), (0, second), max_steps=9)
    return Model([x], [first - second, power])


def constants() -> Model:
    """Numbers and arrays that constants decide."""
    x = gx.input("x", ("n", 3))
    table = gx.sin(gx.constant(np.array([0.3, 1.1, 2.5], np.float32)))
    scale = gx.exp(gx.constant(np.float32(0.7))) - gx.constant(np.float32(0.2))
    return Model([x], [x * scale, x + table])


def twice() -> Model:
    """What is computed in several places, and what is only like it."""
    x, y = gx.input("x", (4, 4)), gx.input("y", (4, 4))
    alike = gx.sum(gx.exp(x), 0) + gx.sum(gx.exp(x), 1)
    key = gx.input("key", (), "uint64")
    one, other = gx.random.split(key)
    noise = gx.random.normal(one, (4,)) - gx.random.normal(other, (4,))
    return Model([x, y, key], [(x - y) * gx.tanh(y - x), alike, noise])


def demanding() -> Model:
    """An index that a call must find in range, though nothing needs the element."""
    x, at = gx.input("x", (4,)), gx.input("at", (3,), "int64")
    return Model([x, at], [gx.take(x, at) * 2])


def mixed() -> Model:
    """Movements, reductions over rows, a product, additions at indices, and updates that read each other."""
    x, y = gx.input("x", ("n", 4)), gx.input("y", (4, 4))
    at = gx.input("at", ("n",), "int64")
    w = gx.param("w", np.linspace(-1, 1, 16).reshape(4, 4).astype(np.float32))
    b = gx.param("b", np.array([0.1, -0.2, 0.3, 0.7], np.float32))
    table = gx.constant(np.array([0.5, -1.5, 2.5, 3.5], np.float32))
    hidden = gx.tanh(x @ w + b)
    shares = gx.softmax(hidden * table, 1)
    placed = gx.scatter_add(gx.sin(y), at, shares)
    padded = gx.pad(gx.cumsum(hidden, 1), [(0, 0), (1, 0)])
    turned = gx.exp(y.T) * y
    largest = gx.max(placed, 0) + gx.sum(turned, 1)
    updates = {b: largest + b, w: turned + gx.expand_dims(b, 0)}
    return Model([x, y, at], [placed, padded, shares, largest, gx.concat([y, turned], 0)], updates)


def swapping() -> Model:
    """A variable that changes where it lies, and another that reads what it was."""
    one = gx.param("one", np.array([1.0, 2.0, 3.0], np.float32))
    other = gx.param("other", np.array([[-1.0, 0.5, 4.0], [0.1, 0.2, 0.3]], np.float32))
    x = gx.input("x", (3,))
    return Model([x], [x * 2.0], {other: other + gx.flip(one), one: one * x})


def extremes() -> Model:
    """The largest of each row, less what is larger than that."""
    x = gx.input("x", ("n", 4))
    return Model([x], [gx.max(gx.sin(x), 1) * 2])


def recurrent() -> Model:
    """A loop whose carries read each other, one of them through a matrix, and the gradient by that matrix."""
    x, start = gx.input("x", ("n", 2, 3)), gx.input("start", (2, 3))
    w = gx.param("w", np.linspace(-1, 1, 9).reshape(3, 3).astype(np.float32))

    def body(state: tuple[Node, Node], row: Node) -> tuple[tuple[Node, Node], None]:
        one, other = state
        return (other, gx.sin(one @ w) + other * row), None

    (one, other), _ = gx.scan(body, (start, start * 0.5), x)
    loss = gx.sum(one * other)
    return Model([x, start], [loss, one], {w: w - gx.grad(loss, w)})


def counted() -> Model:
    """A loop that ends by a condition, whose rows its derivative reads."""
    x = gx.input("x", (3,))
    _, y = gx.while_loop(lambda s: s[0] < 3, lambda s: (s[0] + 1, gx.sin(s[1]) * x), (0, x), max_steps=6)
    return Model([x], [y, gx.grad(gx.sum(y), x)])


def keeping() -> Model:
    """Arrays of one shape that live together."""
    x = gx.input("x", (4, 4))
    one = x @ x
    other = one @ x
    third = other @ other
    return Model([x], [gx.sin(third @ one) + other @ one, gx.cos(third)])


def averaged() -> Model:
    """A number of a size, which elements are multiplied by."""
    x = gx.input("x", ("n", 3))
    return Model([x], [gx.grad(gx.mean(gx.exp(x)), x)])
