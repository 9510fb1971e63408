"""Indexing, sorting and triangular systems: what fails when declared, what when called."""

import numpy as np
import pytest

import graphc as gx
from graphc.autodiff.reverse import placeholder
from graphc.driver import evaluate
from graphc.errors import ArgumentError, DTypeError, GraphError, ShapeError
from graphc.ir.node import Node
from graphc.ops import indexing
from graphc.ops.cholesky import cholesky, triangular_solve
from graphc.ops.pooling import avg_pool, max_pool
from graphc.ops.sorting import argsort, sort, topk
from graphc.ops.window import windows
from graphc.sizes import Size, symbol
from graphc.types import TensorType
from tests.test_cases import nodes_for, run

n = symbol("n")


def array(*shape: Size, dtype: str = "float32") -> Node:
    """An input."""
    return placeholder(TensorType(shape, np.dtype(dtype)))


@pytest.mark.parametrize("index", [[0, 4], [-5]], ids=str)
def test_an_index_out_of_range_fails_when_called(index: list[int]) -> None:
    x, i = np.arange(4.0), np.array(index)
    nodes = nodes_for([x, i])
    with pytest.raises(GraphError, match="index out of range along axis 0"):
        run([indexing.take(nodes[0], nodes[1], 0)], nodes, [x, i])


@pytest.mark.parametrize("mode", ["clip", "wrap"])
def test_an_empty_axis_has_nothing_to_take(mode: indexing.Mode) -> None:
    x, i = np.zeros((0,)), np.array([0])
    nodes = nodes_for([x, i])
    with pytest.raises(GraphError, match="index out of range along axis 0"):
        run([indexing.take(nodes[0], nodes[1], 0, mode=mode)], nodes, [x, i])


def test_no_indices_may_be_taken_from_an_empty_axis() -> None:
    x, i = np.zeros((0, 3)), np.zeros((0,), dtype=np.int64)
    nodes = nodes_for([x, i])
    (found,) = run([indexing.take(nodes[0], nodes[1], 0)], nodes, [x, i])
    assert found.shape == (0, 3)


@pytest.mark.parametrize("dtype", ["int8", "uint16", "int32", "uint64"])
def test_indices_may_be_any_integers(dtype: str) -> None:
    x, i = np.arange(4.0), np.array([3, 0], dtype=dtype)
    nodes = nodes_for([x, i])
    assert run([indexing.take(nodes[0], nodes[1])], nodes, [x, i])[0].tolist() == [3.0, 0.0]


@pytest.mark.parametrize(("dtype", "hint"), [("float32", "astype"), ("bool", "where")])
def test_an_index_is_an_integer(dtype: str, hint: str) -> None:
    with pytest.raises(DTypeError, match=f"take: an index is an integer, not {dtype}") as caught:
        indexing.take(array(4), array(2, dtype=dtype), 0)
    assert caught.value.hint is not None
    assert hint in caught.value.hint


def test_a_mode_is_one_of_three() -> None:
    with pytest.raises(ArgumentError, match="'raise', 'clip' or 'wrap', not 'fill'"):
        indexing.take(array(4), array(2, dtype="int64"), 0, mode="fill")  # type: ignore[arg-type]


def test_take_along_axis_walks_together() -> None:
    with pytest.raises(ShapeError, match="differ along axis 0, 3 and 2"):
        indexing.take_along_axis(array(3, 4), array(2, 5, dtype="int64"), 1)
    with pytest.raises(ShapeError, match="the index has rank 1, the array 2"):
        indexing.take_along_axis(array(3, 4), array(3, dtype="int64"), 1)


def test_scatter_add_wants_updates_that_fit() -> None:
    index = array(5, dtype="int64")
    with pytest.raises(ShapeError, match="extents of the updates differ along axis 1, 4 and 3"):
        indexing.scatter_add(array(3, 4), index, array(5, 3))
    with pytest.raises(ShapeError, match="the updates have rank 3, not 2"):
        indexing.scatter_add(array(3, 4), index, array(1, 5, 4))


@pytest.mark.parametrize("level", [0, 1, 2])
def test_every_update_is_added_where_one_place_is_given_for_all(level: int) -> None:
    x = gx.input("x", ("n", 2))
    counted = gx.bincount(gx.zeros((4,), "int64"), 2)
    f = gx.compile([x], [gx.segment_sum(x, gx.zeros((x.shape[0],), "int64"), 2), counted], level=level)
    total, counts = f(np.ones((3, 2), np.float32))
    np.testing.assert_array_equal(total, [[3, 3], [0, 0]])
    np.testing.assert_array_equal(counts, [4, 0])


def test_embedding_of_tokens_adds_no_movement_when_batched() -> None:
    node = indexing.embedding(array(100, 8), array(n, 5, dtype="int64"))
    assert (node.op.text(), node.shape) == ("take[0]", (n, 5, 8))


def test_nan_is_sorted_as_the_largest() -> None:
    x = np.array([1.0, np.nan, 3.0, 3.0, -np.inf])
    nodes = nodes_for([x])
    up, down, places = run([sort(nodes[0]), sort(nodes[0], descending=True), argsort(nodes[0])], nodes, [x])
    np.testing.assert_array_equal(up, [-np.inf, 1.0, 3.0, 3.0, np.nan])
    np.testing.assert_array_equal(down, [np.nan, 3.0, 3.0, 1.0, -np.inf])
    assert places.tolist() == [4, 0, 2, 3, 1]


def test_topk_keeps_the_order_of_equal_elements() -> None:
    x = np.array([2.0, 3.0, 3.0, 1.0])
    nodes = nodes_for([x])
    values, places = run(topk(nodes[0], 3), nodes, [x])
    assert (values.tolist(), places.tolist()) == ([3.0, 3.0, 2.0], [1, 2, 0])


def test_topk_of_more_than_there_are_fails() -> None:
    with pytest.raises(ShapeError, match="topk: 5 elements of an axis with 4"):
        topk(array(3, 4), 5)
    with pytest.raises(ArgumentError, match="topk: k is a number of elements, not -1"):
        topk(array(3, 4), -1)


def test_topk_of_more_than_there_turn_out_to_be_fails_when_called() -> None:
    x = placeholder(TensorType((n,), np.dtype(np.float64)))
    with pytest.raises(ShapeError):
        evaluate(list(topk(x, 3)), {x: np.zeros(2)})


def test_a_matrix_that_is_not_positive_definite_has_a_factor_of_nan() -> None:
    a = np.stack([np.eye(2), -np.eye(2), np.eye(2)])
    nodes = nodes_for([a])
    (factor,) = run([cholesky(nodes[0])], nodes, [a])
    assert np.isnan(factor).any((1, 2)).tolist() == [False, True, False]


def test_cholesky_reads_the_lower_triangle_only() -> None:
    a = np.array([[4.0, np.nan], [2.0, 5.0]])
    nodes = nodes_for([a])
    np.testing.assert_allclose(run([cholesky(nodes[0])], nodes, [a])[0], [[2.0, 0.0], [1.0, 2.0]])


def test_matrices_are_square() -> None:
    with pytest.raises(ShapeError, match="cholesky: the matrix is not square, 3 and 4"):
        cholesky(array(3, 4))
    with pytest.raises(ShapeError, match="triangular_solve: extents of matrix and right side differ, 3 and 4"):
        triangular_solve(array(3, 3), array(4, 2))
    with pytest.raises(ShapeError, match="a matrix has 2 axes or more, not 1"):
        cholesky(array(3))


def test_a_window_larger_than_the_array_fails() -> None:
    with pytest.raises(ShapeError, match="the window is larger than the array"):
        windows(array(3), (5,))
    x = placeholder(TensorType((n,), np.dtype(np.float64)))
    with pytest.raises(ShapeError, match="the window is larger than the array"):
        evaluate([windows(x, (5,))], {x: np.zeros(2)})


def test_padding_is_less_than_every_element_for_the_maximum() -> None:
    x = np.full((1, 1), -7.0)
    nodes = nodes_for([x])
    largest, mean = run([max_pool(nodes[0], 3, padding=1), avg_pool(nodes[0], 3, padding=1)], nodes, [x])
    assert (largest.item(), mean.item()) == (-7.0, pytest.approx(-7 / 9))


def test_pooling_knows_the_axes_it_needs() -> None:
    with pytest.raises(ShapeError, match="max_pool"):
        max_pool(array(3), 2)
    assert max_pool(array(n, 3, 8, 9), 2).shape == (n, 3, 4, 4)
    assert avg_pool(array(n, 9), (3,)).shape == (n, 3)
