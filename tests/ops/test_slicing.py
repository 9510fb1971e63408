"""Indices mean what they mean in NumPy, for extents that are numbers and for sizes."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import graphc as gx
from graphc import sizes
from graphc.autodiff.reverse import placeholder
from graphc.errors import ArgumentError, IndexRangeError, ShapeError, UnsupportedError
from graphc.ir.node import Node, SameSize
from graphc.ops.indexing import Take
from graphc.ops.operators import NodeOperators
from graphc.ops.placement import Pick, Slice
from graphc.sizes import Size
from graphc.types import INT64, TensorType

assert isinstance(Node.operators, NodeOperators)

FLOAT = np.dtype(np.float32)
BOUND = st.none() | st.integers(-7, 7)
STEP = st.none() | st.integers(-3, 3).filter(bool)


def array(*shape: Size) -> Node:
    """An input."""
    return placeholder(TensorType(shape, FLOAT))


def taken(node: Node, n: int) -> list[int]:
    """Which elements of an axis of extent n a slice takes."""
    if not isinstance(node.op, Slice):
        return list(range(n))
    (start,), (step,), (length,) = node.op.starts, node.op.steps, node.op.lengths
    first = sizes.evaluate(start, {"n": n})
    return [first + i * step for i in range(sizes.evaluate(length, {"n": n}))]


@given(BOUND, BOUND, STEP, st.integers(0, 6))
def test_slice_of_a_size_takes_what_python_takes(start: int | None, stop: int | None, step: int | None, n: int) -> None:
    part = slice(start, stop, step)
    assert taken(array(sizes.symbol("n"))[part], n) == list(range(n))[part]


@given(BOUND, BOUND, STEP, st.integers(0, 6))
def test_slice_of_a_number_takes_what_python_takes(
    start: int | None, stop: int | None, step: int | None, n: int
) -> None:
    part = slice(start, stop, step)
    assert taken(array(n)[part], n) == list(range(n))[part]


@given(st.integers(0, 8), st.integers(0, 8), st.integers(0, 6))
def test_bounds_may_be_sizes(a: int, b: int, n: int) -> None:
    x = array(sizes.symbol("n"))[sizes.symbol("a") : sizes.symbol("b")]
    assert isinstance(x.op, Slice)
    (length,) = x.op.lengths
    assert sizes.evaluate(length, {"a": a, "b": b, "n": n}) == len(range(n)[a:b])


def test_a_negative_size_counts_from_the_end() -> None:
    last = array(10)[-sizes.symbol("k") :]
    assert [sizes.evaluate(last.shape[0], {"k": k}) for k in range(15)] == [min(k, 10) for k in range(15)]


def test_a_simple_slice_has_a_simple_extent() -> None:
    n = sizes.symbol("n")
    assert str(array(n)[1:].shape[0]) == str(sizes.maximum(n - 1, 0))
    assert array(n)[:].shape == (n,)
    assert array(n)[::-1].shape == (n,)


@pytest.mark.parametrize("place", [3, -4])
def test_a_number_outside_raises(place: int) -> None:
    with pytest.raises(IndexRangeError, match=f"index {place} is outside axis 1 of extent 3"):
        array(2, 3)[:, place]


@pytest.mark.parametrize(("place", "least"), [(0, 1), (2, 3), (-1, 1), (-3, 3)])
def test_a_number_is_checked_against_a_size(place: int, least: int) -> None:
    x = array(sizes.symbol("n"))
    node = x[place]
    assert isinstance(node.op, Pick)
    needs = [need for need in node.op.requirements(x.tensor) if isinstance(need, SameSize)]

    def holds(n: int) -> bool:
        return all(sizes.evaluate(i.left, {"n": n}) == sizes.evaluate(i.right, {"n": n}) for i in needs)

    assert [holds(n) for n in range(6)] == [n >= least for n in range(6)]


@pytest.mark.parametrize(
    ("index", "error", "hint"),
    [
        ((0, 0, 0), IndexRangeError, None),
        ((..., ...), ArgumentError, None),
        ("a", ArgumentError, None),
        (1.5, ArgumentError, None),
        (slice(0, 2, 0), ArgumentError, None),
        (True, UnsupportedError, "gx.where"),
        (np.array([True, False]), UnsupportedError, "gx.where"),
        (([0, 1], [0, 1, 2]), ShapeError, "pairs"),
        (([True, False], [0, 1]), UnsupportedError, "gx.where"),
        ((slice(np.array(1), None),), UnsupportedError, "gx.take"),
        (np.array([0.5]), ArgumentError, "astype"),
    ],
    ids=str,
)
def test_what_is_no_index_raises(index: Any, error: type[Exception], hint: str | None) -> None:
    with pytest.raises(error) as raised:
        array(2, 3)[index]
    assert hint is None or hint in str(raised.value)


def test_an_array_takes_the_place_of_its_axis() -> None:
    index = placeholder(TensorType((5, 6), INT64))
    assert array(2, 3, 4)[:, index].shape == (2, 5, 6, 4)
    assert array(2, 3, 4)[1, index, None].shape == (5, 6, 1, 4)


def test_new_axes_and_dots() -> None:
    assert array(2, 3)[None, ..., None, 0].shape == (1, 2, 1)
    assert array()[None].shape == (1,)


def test_a_whole_slice_makes_no_node() -> None:
    x = array(2, sizes.symbol("n"))
    assert x[:] is x
    assert x[..., 0:] is x


def test_arrays_stand_first_where_something_stands_between_them() -> None:
    i, j = placeholder(TensorType((5, 1), INT64)), placeholder(TensorType((6,), INT64))
    x = array(2, 3, 4)
    assert x[i, j].shape == (5, 6, 4)
    assert x[:, i, j].shape == (2, 5, 6)
    assert x[i, :, j].shape == (5, 6, 3)
    assert x[1, :, j].shape == (6, 3)
    assert x[:, i, None, j].shape == (5, 6, 2, 1)
    assert x[:, i, ..., j].shape == (5, 6, 2)


@pytest.mark.parametrize("rows", [np.arange(3), np.arange(3, dtype="int8"), [0, 1, 2]])
@pytest.mark.parametrize("is_turned", [False, True])
def test_one_element_of_each_row_is_read_along_the_rows(rows: Any, *, is_turned: bool) -> None:
    x, i = array(3, 3), placeholder(TensorType((3,), INT64))
    row = (x[i, rows] if is_turned else x[rows, i]).inputs[0]
    assert isinstance(row.op, Take)
    assert row.op.paired
    assert row.op.axis == int(not is_turned)


@pytest.mark.parametrize("rows", [[0, 2, 1], [0, 0, 0], [1, 2, 3], [0, 1]])
def test_other_known_rows_are_read_as_they_are_given(rows: list[int]) -> None:
    x, at = np.arange(16.0).reshape(4, 4), np.arange(len(rows)) % 2
    y, i = gx.input("y", (4, 4), "float64"), gx.input("i", len(rows), "int64")
    np.testing.assert_array_equal(gx.compile([y, i], y[np.array(rows), i])(x, at), x[rows, at])


def test_an_index_of_several_arrays_names_the_axis_that_it_is_outside() -> None:
    x, i = gx.input("x", (2, 3, 4)), gx.input("i", ("k",), "int64")
    f = gx.compile([x, i], x[0, i, i])
    assert f(np.zeros((2, 3, 4), np.float32), np.array([-3, 2])).shape == (2,)
    with pytest.raises(IndexRangeError, match=r"index out of range along axis 1, 3 is not in -3 [.][.] 2"):
        f(np.zeros((2, 3, 4), np.float32), np.array([0, 3]))


def _random_part(rng: np.random.Generator, n: int, wide: tuple[int, ...]) -> Any:
    """A number, a slice or an array of integers for an axis of extent n."""
    kind = rng.integers(4)
    if kind == 0 and n:
        return int(rng.integers(-n, n))
    if kind == 1 and n:
        shape = tuple(1 if rng.random() < 0.3 else m for m in wide[rng.integers(len(wide) + 1) :])
        return rng.integers(-n, n, shape)
    start, stop = (None if rng.random() < 0.3 else int(rng.integers(-n - 2, n + 3)) for _ in range(2))
    return slice(start, stop, int(rng.choice([-3, -2, -1, 1, 2, 3])))


def random_index(rng: np.random.Generator, shape: tuple[int, ...]) -> tuple[Any, ...]:
    """An index of every form that has a meaning."""
    wide = tuple(rng.integers(1, 4, rng.integers(0, 3)).tolist())
    parts = [_random_part(rng, n, wide) for n in shape]
    if rng.random() < 0.5:
        cut = sorted(rng.integers(0, len(parts) + 1, 2))
        parts[cut[0] : cut[1]] = [...]
    for _ in range(rng.integers(0, 3)):
        parts.insert(rng.integers(0, len(parts) + 1), None)
    return tuple(parts)


@pytest.mark.parametrize("seed", range(30))
def test_random_indices_take_and_set_what_numpy_does(seed: int) -> None:
    rng = np.random.default_rng(seed)
    shape = tuple(rng.integers(1 if seed % 5 else 0, 6, rng.integers(1, 5)).tolist())
    extents = tuple(f"n{axis}" for axis in range(len(shape))) if seed % 2 else shape
    x = rng.standard_normal(shape)
    node = gx.input("x", extents, "float64")
    indices = [random_index(rng, shape) for _ in range(10)]
    values = [np.asarray(rng.standard_normal(x[index].shape)) for index in indices]
    expected = [x.copy() for _ in indices]
    for result, index, value in zip(expected, indices, values, strict=True):
        result[index] = value
    outputs = [node[index] for index in indices]
    outputs += [gx.at(node)[index].set(value) for index, value in zip(indices, values, strict=True)]
    found = gx.compile([node], outputs)(x)
    for actual, exact, index in zip(found, [*(x[index] for index in indices), *expected], indices * 2, strict=True):
        assert actual.shape == exact.shape, index
        np.testing.assert_array_equal(actual, exact, str(index))


def test_gradients_of_many_slices_are_put_together_once() -> None:
    rows = 40
    x = gx.input("x", (rows, 3))
    loss = gx.sum(gx.concat([gx.exp(x[row]) * row for row in range(rows - 2)], 0))
    grad = gx.grad(loss, x)
    ops = [node.op.name for node in gx.Graph((x,), (grad,)).nodes]
    assert (ops.count("concat"), ops.count("pad")) == (1, 0)
    value = np.random.default_rng(0).standard_normal((rows, 3)).astype("float32")
    weights = np.arange(rows, dtype="float32")[:, None] * (np.arange(rows) < rows - 2)[:, None]
    for backend in ("numpy", "llvm"):
        np.testing.assert_allclose(gx.compile(x, grad, backend=backend)(value), np.exp(value) * weights, rtol=1e-6)


def test_gradients_of_many_rows_of_any_number_are_put_together_once() -> None:
    rows = 40
    x = gx.input("x", ("n", 3))
    loss = gx.sum(gx.concat([gx.exp(x[row]) * row for row in reversed(range(rows))], 0))
    grad = gx.grad(loss, x)
    ops = [node.op.name for node in gx.Graph((x,), (grad,)).nodes]
    assert (ops.count("concat"), ops.count("pad")) == (1, 0)
    for backend in ("numpy", "llvm"):
        f = gx.compile(x, grad, backend=backend)
        for n in (rows, rows + 2):
            value = np.random.default_rng(n).standard_normal((n, 3)).astype("float32")
            weights = np.arange(n, dtype="float32")[:, None] * (np.arange(n) < rows)[:, None]
            np.testing.assert_allclose(f(value), np.exp(value) * weights, rtol=1e-6)


@pytest.mark.parametrize("last", [20, 19])
def test_gradients_of_many_blocks_of_any_length_are_added(last: int) -> None:
    n = gx.size("n")
    x = gx.input("x", (20 * n,), "float64")
    order = sorted(range(last), key=lambda i: 7 * i % 20)
    loss = gx.sum(gx.concat([x[n * i : n * (i + 1)] ** 2 * i for i in order], 0))
    grad = gx.grad(loss, x)
    ops = [node.op.name for node in gx.Graph((x,), (grad,)).nodes]
    assert ops.count("pad") == (0 if last == 20 else last)
    value, block = np.random.default_rng(0).standard_normal(60), np.arange(60) // 3
    np.testing.assert_allclose(gx.compile([n, x], grad)(3, value), 2 * value * block * (block < last), rtol=1e-12)


def test_gradients_of_windows_that_meet_lie_in_as_many_layers() -> None:
    x, w = gx.input("x", (30,), "float64"), gx.input("w", (3,), "float64")
    loss = gx.sum(gx.stack([gx.sum(x[at : at + 3] * w) ** 2 for at in range(28)], 0))
    grad = gx.grad(loss, x)
    ops = [node.op.name for node in gx.Graph((x, w), (grad,)).nodes]
    assert (ops.count("concat"), ops.count("pad")) == (3, 0)
    a, b = (np.random.default_rng(seed).standard_normal(n) for seed, n in ((0, 30), (1, 3)))
    np.testing.assert_allclose(
        gx.compile([x, w], grad)(a, b), 2 * np.convolve(np.convolve(a, b[::-1], "valid"), b), rtol=1e-12
    )


def test_gradients_of_many_slices_with_steps_and_of_the_whole_are_added() -> None:
    x = gx.input("x", (40,), "float64")
    loss = gx.sum(x**2) + sum(gx.sum(x[row::7]) * row for row in range(7)) + sum(x[row] * row for row in range(20))
    value = np.random.default_rng(0).standard_normal(40)
    places = np.arange(40)
    wanted = 2 * value + places * (places < 20)
    for row in range(7):
        wanted[row::7] += row
    np.testing.assert_allclose(gx.compile(x, gx.grad(loss, x))(value), wanted, rtol=1e-12)
