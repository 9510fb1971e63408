"""vmap over loops and branches beside a loop in Python, with derivatives inside and around."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

import graphc as gx
from graphc.structure import leaves
from graphc.types import is_differentiable
from tests.constructs import CONSTRUCTS, Array, Construct, H, W, X
from tests.derivative_modes import Sample, score
from tests.tolerance import assert_close

PLACES = 3

#: constructs looked at with each operand walked alone as well, in the default tier
QUICK = ("cond, then", "switch to 1", "while of values", "numbers")


def moved(array: Array, place: int) -> Array:
    """What stands at a place: other floats, rolled or other integers."""
    if is_differentiable(array.dtype):
        return (array * (1 + 0.3 * place) + 0.2 * place).astype(array.dtype)
    return (array + place) % 3 if array.ndim == 0 else np.roll(array, place)


def results_of(construct: Construct, sample: Sample, nodes: Sequence[gx.Node]) -> list[Any]:
    """Values, and where there are derivatives the gradient of their score and its tangent."""
    results = construct.build(gx, *nodes)
    number, wrt = score(results), [x for x in nodes if is_differentiable(x.dtype)]
    if construct.is_forward:
        return [results, [], [], gx.jvp(number, wrt, sample.along[0])]
    slopes = gx.grad(number, wrt, unconnected="zero")
    return [results, slopes, gx.jvp(slopes, wrt, sample.along[0]), gx.jvp(number, wrt, sample.along[0])]


def assert_mapped(construct: Construct, walked: Sequence[int], *, verify: bool) -> None:
    """`vmap` along some operands gives what calls for each place give; so do derivatives in it and around it."""
    sample = Sample.of(construct.arrays, orders=1)
    single = gx.compile(sample.inputs, results_of(construct, sample, sample.nodes), level=1)
    at = [[moved(a, k) if n in walked else a for n, a in enumerate(construct.arrays)] for k in range(PLACES)]
    expected = [single(*arrays, *sample.directions[0]) for arrays in at]
    wide = [np.stack([at[k][n] for k in range(PLACES)]) if n in walked else a for n, a in enumerate(construct.arrays)]
    nodes = [gx.input(f"w{n}", array.shape, array.dtype) for n, array in enumerate(wide)]
    axes = tuple(0 if n in walked else None for n in range(len(nodes)))
    inside = gx.vmap(lambda *xs: results_of(construct, sample, xs), axes)(*nodes)
    total = gx.sum(gx.vmap(lambda *xs: score(construct.build(gx, *xs)), axes)(*nodes))
    moving = [n for n, x in enumerate(nodes) if is_differentiable(x.dtype)]
    wrt = [nodes[n] for n in moving]
    along = [
        gx.broadcast_to(v, x.shape) if n in walked else v for n, v, x in zip(moving, sample.along[0], wrt, strict=True)
    ]
    around = [[], []] if construct.is_forward else [gx.grad(total, wrt, unconnected="zero")]
    if not construct.is_forward:
        around.append(gx.jvp(around[0], wrt, along))
    f = gx.compile([*nodes, *sample.along[0]], [inside, around, gx.jvp(total, wrt, along)], verify=verify, debug=True)
    found, whole, tangent = f(*wide, *sample.directions[0])
    for n, each in enumerate(leaves(found)):
        for k in range(PLACES):
            assert_close(np.asarray(each[k]), leaves(expected[k])[n], terms=5000)
    for n, slopes in zip((1, 2), whole, strict=True):
        for number, slope in enumerate(slopes):
            parts = np.stack([result[n][number] for result in expected])
            assert_close(slope, parts if moving[number] in walked else parts.sum(0), terms=20_000)
    assert_close(np.asarray(tangent), np.sum([result[3] for result in expected]), terms=20_000)


@pytest.mark.parametrize("construct", [c for c in CONSTRUCTS if c.name in QUICK], ids=str)
def test_each_operand_may_be_walked(construct: Construct, full_tier: bool) -> None:
    for n in range(len(construct.arrays)):
        assert_mapped(construct, [n], verify=full_tier)


HEAVY = (
    "library",
    "gradient of a loop inside",
    "segments in segments",
    "scan in cond in scan",
    "cond in scan in while",
    "scan in scan",
    "while in scan",
    "a region in a scan",
    "a size, in segments",
    "nested carries of several dtypes",
)


@pytest.mark.parametrize(
    "construct",
    [pytest.param(c, marks=pytest.mark.full if c.name in HEAVY else ()) for c in CONSTRUCTS],
    ids=str,
)
def test_all_operands_walked(construct: Construct, full_tier: bool) -> None:
    assert_mapped(construct, range(len(construct.arrays)), verify=full_tier or construct.name in QUICK)


@pytest.mark.full
@pytest.mark.parametrize("construct", [c for c in CONSTRUCTS if len(c.arrays) > 1], ids=str)
def test_each_operand_of_every_construct_may_be_walked(construct: Construct) -> None:
    test_each_operand_may_be_walked(construct, full_tier=True)


def test_nested() -> None:
    """A loop for every pair: the starts of one axis with the rows of another."""
    xs, hs = gx.input("xs", (2, 4, 3), "float64"), gx.input("hs", (5, 3), "float64")

    def last(x: gx.Node, h: gx.Node) -> gx.Node:
        result: gx.Node = gx.scan(lambda h, row: (gx.tanh(h * row), None), h, x)[0]
        return result

    y = gx.vmap(lambda x: gx.vmap(lambda h: last(x, h))(hs))(xs)
    arrays = np.stack([X, X[::-1]]), np.stack([H * k for k in range(5)])
    found, slopes = gx.compile([xs, hs], [y, gx.grad(gx.sum(y), xs)])(*arrays)
    exact = np.zeros((2, 5, 3)) + arrays[1]
    for t in range(4):
        exact = np.tanh(exact * arrays[0][:, None, t])
    np.testing.assert_allclose(found, exact, rtol=1e-13)
    gx.testing.check_gradients(
        lambda x: gx.vmap(lambda x: gx.vmap(lambda h: last(x, h))(gx.constant(arrays[1])))(x), [arrays[0]], order=1
    )
    assert slopes.shape == (2, 4, 3)


def test_gradients_of_single_examples() -> None:
    w, xs = gx.param("w", W), gx.input("xs", ("batch", "steps", 3), "float64")

    def loss(x: gx.Node) -> gx.Node:
        last, _ = gx.scan(lambda h, row: (gx.tanh(h @ w + row), None), gx.zeros(3, "float64"), x)
        return gx.sum(gx.square(last))

    x = gx.input("x", ("steps", 3), "float64")
    arrays = np.random.default_rng(0).normal(size=(5, 4, 3))
    found = gx.compile([xs], gx.vmap(lambda x: gx.grad(loss(x), w))(xs))(arrays)
    single = gx.compile([x], gx.grad(loss(x), w))
    np.testing.assert_allclose(found, np.stack([single(array) for array in arrays]), rtol=1e-12, atol=1e-13)


def test_no_place_at_all() -> None:
    xs = gx.input("xs", ("batch", 2), "float64")

    def one(x: gx.Node) -> gx.Node:
        result = gx.while_loop(lambda s: gx.sum(s) < 3.0, lambda s: s + gx.sum(s * s), x, max_steps=9)
        return gx.sum(result)

    f = gx.compile([xs], [gx.vmap(lambda x: gx.grad(one(x), x))(xs), gx.grad(gx.sum(gx.vmap(one)(xs)), xs)])
    assert [y.shape for y in f(np.ones((0, 2)))] == [(0, 2)] * 2
    np.testing.assert_array_equal(f(np.ones((2, 2))), np.full((2, 2, 2), 5.0))


def test_jacobians_of_a_loop() -> None:
    x = gx.input("x", (3,), "float64")
    y = gx.while_loop(lambda s: gx.sum(s * s) < 50.0, lambda s: s * s + s, x, max_steps=9)
    eye = gx.eye(3, dtype="float64")
    ways = [gx.jacobian(y, x), gx.vmap(lambda c: gx.vjp(y, x, c))(eye), gx.vmap(lambda t: gx.jvp(y, x, t), 0, 1)(eye)]
    first, *others = gx.evaluate(ways, {x: np.array([0.5, 1.0, 2.0])})
    assert first.any()
    for other in others:
        np.testing.assert_allclose(other, first, rtol=1e-14)


def test_newton_on_many_problems_until_each_is_solved() -> None:
    c = gx.input("c", (5, 3), "float64")

    def minimum(c: gx.Node) -> gx.Node:
        def step(state: tuple[gx.Node, gx.Node]) -> tuple[gx.Node, gx.Node]:
            x, _ = state
            height = gx.sum(gx.exp(x) - c * x) + gx.sum(x) ** 2
            slope = gx.grad(height, x)
            return x - gx.linalg.solve(gx.hessian(height, x), slope), gx.max(gx.abs(slope))

        found, _ = gx.while_loop(lambda s: s[1] > 1e-9, step, (gx.ones_like(c), np.float64(np.inf)), max_steps=30)
        result: gx.Node = found
        return result

    y = gx.vmap(minimum)(c)
    targets = np.random.default_rng(0).uniform(0.5, 2.0, (5, 3))
    x, slopes = gx.compile([c], [y, gx.grad(gx.sum(y), c)])(targets)
    np.testing.assert_allclose(np.exp(x) + 2 * x.sum(1, keepdims=True), targets, rtol=1e-12)
    exact = np.linalg.inv(np.stack([np.diag(np.exp(row)) + 2 for row in x])).sum(1)
    np.testing.assert_allclose(slopes, exact, rtol=1e-8)
