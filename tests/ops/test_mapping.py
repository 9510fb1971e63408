"""vmap beside a loop in Python: axes, structures, nesting, and derivatives in either order."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

import graphc as gx

Array = npt.NDArray[Any]
RNG = np.random.default_rng(0)
X, T, W = RNG.normal(size=(4, 3)), RNG.normal(size=(4, 2)), RNG.normal(size=(3, 2))


def run(outputs: Any, nodes: Sequence[gx.Node], arrays: Sequence[Array]) -> Any:
    return gx.compile(list(nodes), outputs)(*arrays)


def inputs(*arrays: Array) -> list[gx.Node]:
    return [gx.input(f"x{place}", array.shape, array.dtype) for place, array in enumerate(arrays)]


def loss(x: gx.Node, t: gx.Node, w: gx.Node) -> gx.Node:
    return gx.sum(gx.square(gx.tanh(x @ w) - t))


def test_gradients_of_single_examples() -> None:
    x, t, w = inputs(X, T, W)
    found = run(gx.vmap(lambda x, t: gx.grad(loss(x, t, w), w))(x, t), [x, t, w], [X, T, W])
    one_x, one_t = inputs(X[0], T[0])
    one = gx.compile([one_x, one_t, w], gx.grad(loss(one_x, one_t, w), w))
    np.testing.assert_allclose(found, [one(*each, W) for each in zip(X, T, strict=True)], rtol=1e-13)


def test_a_number_of_examples_that_is_left_open() -> None:
    x, t = gx.input("x", ("n", 3), "float64"), gx.input("t", ("n", 2), "float64")
    w = gx.param("w", W)
    f = gx.compile([x, t], gx.vmap(lambda x, t: gx.grad(loss(x, t, w), w))(x, t))
    assert f(X, T).shape == (4, 3, 2)
    np.testing.assert_allclose(f(X[:2], T[:2]), f(X, T)[:2], rtol=1e-13)
    with pytest.raises(gx.ShapeError, match="axis 0 has 2, but n is 4"):
        f(X, T[:2])


@pytest.mark.parametrize("axis", [0, 1, -1])
@pytest.mark.parametrize("out", [0, 1, -1])
def test_axes_of_arguments_and_results(axis: int, out: int) -> None:
    (x,) = inputs(X)
    found = run(gx.vmap(gx.cumsum, axis, out)(x), [x], [X])
    expected = np.stack([np.cumsum(row) for row in np.moveaxis(X, axis, 0)], axis=out)
    np.testing.assert_allclose(found, expected, rtol=1e-13)


def test_arguments_that_all_places_share() -> None:
    x, w = inputs(X, W)
    found = run(gx.vmap(lambda x, w: x @ w, (0, None))(x, w), [x, w], [X, W])
    np.testing.assert_allclose(found, X @ W, rtol=1e-13)


def test_structures_of_arguments_axes_and_results() -> None:
    x, t, w = inputs(X, T, W)

    def step(layer: dict[str, gx.Node], data: tuple[gx.Node, gx.Node]) -> dict[str, Any]:
        x, t = data
        return {"y": x @ layer["w"], "parts": [t * 2, layer["w"]]}

    mapped = gx.vmap(step, ({"w": None}, 0), {"y": 1, "parts": [0, None]})
    found = run(mapped({"w": w}, (x, t)), [x, t, w], [X, T, W])
    np.testing.assert_allclose(found["y"], (X @ W).T, rtol=1e-13)
    np.testing.assert_array_equal(found["parts"][0], 2 * T)
    np.testing.assert_array_equal(found["parts"][1], W)


def test_keywords_are_walked_along_their_first_axis() -> None:
    x, t = inputs(X, T)
    found = run(gx.vmap(lambda x, scale: x * gx.sum(scale))(x, scale=t), [x, t], [X, T])
    np.testing.assert_allclose(found, X * T.sum(1, keepdims=True), rtol=1e-13)


def test_a_result_that_does_not_differ_is_repeated() -> None:
    x, w = inputs(X, W)
    found = run(gx.vmap(lambda x: gx.sum(w, 0))(x), [x, w], [X, W])
    np.testing.assert_allclose(found, np.broadcast_to(W.sum(0), (4, 2)))


def test_nested() -> None:
    x, w = inputs(X, W)
    products = gx.vmap(lambda row: gx.vmap(lambda column: row @ column, 1)(w))(x)
    np.testing.assert_allclose(run(products, [x, w], [X, W]), X @ W, rtol=1e-13)


def test_jacobian_is_vmap_of_vjp() -> None:
    (x,) = inputs(X[0])
    y = gx.tanh(x @ W) ** 2
    by_rows = gx.vmap(lambda row: gx.vjp(y, x, row))(gx.eye(2, dtype="float64"))
    ours, theirs = run([by_rows, gx.jacobian(y, x)], [x], [X[0]])
    np.testing.assert_allclose(ours, theirs, rtol=1e-13)


def test_jacobian_is_vmap_of_jvp() -> None:
    (x,) = inputs(X[0])
    y = gx.tanh(x @ W) ** 2
    by_columns = gx.vmap(lambda column: gx.jvp(y, x, column), 0, 1)(gx.eye(3, dtype="float64"))
    ours, theirs = run([by_columns, gx.jacobian(y, x)], [x], [X[0]])
    np.testing.assert_allclose(ours, theirs, rtol=1e-13)


def energy(x: gx.Node) -> gx.Node:
    return gx.sum(gx.exp(x)) + gx.prod(gx.sin(x))


def test_hessians_of_single_examples_are_blocks_of_the_whole() -> None:
    (x,) = inputs(X)
    each = gx.vmap(lambda row: gx.hessian(energy(row), row))(x)
    whole = gx.hessian(gx.sum(gx.vmap(energy)(x)), x)
    ours, theirs = run([each, whole], [x], [X])
    for place in range(4):
        np.testing.assert_allclose(ours[place], theirs[place, :, place], rtol=1e-12, atol=1e-13)


@pytest.mark.parametrize("derivative", [lambda y, x: gx.jvp(y, x, gx.cos(x)), lambda y, x: gx.grad(gx.sum(y), x)])
def test_a_derivative_of_a_mapped_function_is_the_mapped_derivative(
    derivative: Callable[[gx.Node, gx.Node], gx.Node],
) -> None:
    (x,) = inputs(X)
    inside = gx.vmap(lambda row: derivative(energy(row), row))(x)
    outside = derivative(gx.vmap(energy)(x), x)
    ours, theirs = run([inside, outside], [x], [X])
    np.testing.assert_allclose(ours, theirs, rtol=1e-12)


def test_newton_on_many_problems_at_once() -> None:
    targets = RNG.uniform(0.5, 2.0, (5, 3))
    (c,) = inputs(targets)

    def minimum(c: gx.Node) -> gx.Node:
        x = gx.ones_like(c)
        for _ in range(8):
            height = gx.sum(gx.exp(x) - c * x) + gx.sum(x) ** 2
            x = x - gx.linalg.solve(gx.hessian(height, x), gx.grad(height, x))
        return x

    found = run(gx.vmap(minimum)(c), [c], [targets])
    np.testing.assert_allclose(np.exp(found) + 2 * found.sum(1, keepdims=True), targets, rtol=1e-10)


def test_a_derivative_that_a_user_gave() -> None:
    (x,) = inputs(X)
    doubled = gx.custom_vjp(gx.sin, lambda y, c, x: (2 * c * gx.cos(x),))
    found = run(gx.grad(gx.sum(gx.vmap(doubled)(x)), x), [x], [X])
    np.testing.assert_allclose(found, 2 * np.cos(X), rtol=1e-13)


def test_a_counter_inside_counts_once_for_all_places() -> None:
    calls = gx.state("calls", np.int64(0))
    (x,) = inputs(X)
    f = gx.compile([x], gx.vmap(lambda row: gx.with_update(row * 2, calls, lambda old: old + 1))(x))
    f(X)
    assert calls.value == 1


def test_an_update_that_differs_from_place_to_place_is_refused() -> None:
    mean = gx.state("mean", np.zeros(3))
    (x,) = inputs(X)
    with pytest.raises(gx.ArgumentError, match="what sets 'mean' differs from place to place"):
        gx.vmap(lambda row: gx.with_update(row, mean, lambda old: old * 0.9 + row))(x)


def test_what_stands_for_one_place_does_not_leave_the_function() -> None:
    kept: list[gx.Node] = []
    (x,) = inputs(X)

    def keep(row: gx.Node) -> gx.Node:
        kept.append(row)
        return row

    gx.vmap(keep)(x)
    with pytest.raises(gx.GraphError, match="one place of x0"):
        gx.compile([x], kept[0])


@pytest.mark.parametrize(
    ("mistake", "message"),
    [
        (lambda x, w: gx.vmap(gx.add)(x, w), "the axes to walk have extents 4 and 3"),
        (lambda x, w: gx.vmap(gx.add, (0,))(x, w), "in_axes are 1, and the arguments 2"),
        (lambda x, w: gx.vmap(gx.add, (None, None))(x, w), "no argument has an axis to walk"),
        (lambda x, w: gx.vmap(gx.exp, 2)(x), "axis 2"),
        (lambda x, w: gx.vmap(gx.exp, "rows"), "in_axes is an int, not 'rows'"),
        (lambda x, w: gx.vmap(gx.exp, (0.5,)), "in_axes.0 is an int, not 0.5"),
        (lambda x, w: gx.vmap(gx.exp, out_axes=np), "out_axes is an int"),
        (lambda x, w: gx.vmap(gx.exp, {"x": 0})(x), "in_axes is an int, None, or a tuple of these, not a dict"),
        (lambda x, w: gx.vmap(lambda a: a["w"], ({"v": 0},))({"w": w}), r"in_axes\[0\] is a dict of 'v'"),
        (lambda x, w: gx.vmap(gx.exp, 0, None)(x), "out_axes is None for a result that differs"),
        (lambda x, w: gx.vmap(gx.exp, 0, (0, 0))(x), "out_axes"),
        (lambda x, w: gx.vmap(gx.sum, 0, 1)(x), "axis 1"),
        (lambda x, w: gx.vmap(3), "the function"),  # type: ignore[arg-type]
    ],
)
def test_mistakes_are_explained(mistake: Callable[[gx.Node, gx.Node], object], message: str) -> None:
    with pytest.raises(gx.GraphError, match=message) as caught:
        mistake(*inputs(X, W))
    assert "test_mapping.py" in str(caught.value)
