"""Searching, segments and points: special values, sizes that are open, and what is refused."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import graphc as gx

NAN = np.nan


@pytest.mark.parametrize("extent", [6, "n"], ids=["by bisection", "by sorting"])
def test_searchsorted_puts_nan_last(extent: int | str) -> None:
    row, wanted = np.array([-np.inf, 1, 1, 2, NAN, NAN]), np.array([NAN, 1, -np.inf, np.inf, 0, 3])
    x, v = gx.input("x", (extent,), "float64"), gx.input("v", ("m",), "float64")
    found = gx.evaluate([gx.searchsorted(x, v), gx.searchsorted(x, v, "right")], {x: row, v: wanted})
    assert found[0].tolist() == np.searchsorted(row, wanted).tolist()
    assert found[1].tolist() == np.searchsorted(row, wanted, "right").tolist()


@pytest.mark.parametrize("extent", [0, "n"], ids=str)
def test_searchsorted_of_nothing_is_0(extent: int | str) -> None:
    x, v = gx.input("x", (extent,), "float64"), gx.input("v", (3,), "float64")
    assert gx.evaluate(gx.searchsorted(x, v), {x: np.zeros(0), v: np.arange(3.0)}).tolist() == [0, 0, 0]


def test_unique_takes_all_nan_for_one_and_fills_with_the_first() -> None:
    x = gx.input("x", ("n",), "float64")
    values = np.array([NAN, 2, 1, 2, NAN, 0.0, -0.0])
    found, counts = gx.evaluate(list(gx.unique_counts(x, size=6)), {x: values})
    np.testing.assert_array_equal(found, [0, 1, 2, NAN, 0, 0])
    assert counts.tolist() == [2, 1, 2, 2, 0, 0]


def test_unique_keeps_no_more_than_size() -> None:
    x = gx.input("x", (2, 3), "int64")
    (found, places), value = gx.unique_inverse(x, size=2), np.array([[5, 3, 5], [9, 3, 7]])
    assert [y.tolist() for y in gx.evaluate([found, places], {x: value})] == [[3, 5], [[1, 0, 1], [2, 0, 2]]]


def test_nonzero_gives_the_first_ones() -> None:
    x = gx.input("x", ("n", "m"))
    value = np.array([[0, 1, 0], [2, 0, NAN]], np.float32)
    rows, columns = gx.evaluate(list(gx.nonzero(x, size=2)), {x: value})
    assert (rows.tolist(), columns.tolist()) == ([0, 1], [1, 0])


def test_segments_without_elements() -> None:
    x, s = gx.input("x", ("n",), "float64"), gx.input("s", ("n",), "int64")
    functions = (gx.segment_sum, gx.segment_mean, gx.segment_max, gx.segment_min)
    found = gx.evaluate([f(x, s, 2) for f in functions], {x: np.array([3.0, 4]), s: np.array([1, 1])})
    np.testing.assert_array_equal(found, [[0, 7], [NAN, 3.5], [-np.inf, 4], [np.inf, 3]])


def test_segments_of_integers() -> None:
    x, s = np.array([3, 4, -1], np.int8), gx.input("s", (3,), "int64")
    total, largest = gx.segment_sum(x, s, 2), gx.segment_max(x, s, 3)
    assert (total.dtype.name, largest.dtype.name) == ("int64", "int8")
    found = gx.evaluate([total, largest], {s: np.array([1, 1, 0])})
    assert [y.tolist() for y in found] == [[-1, 7], [-1, 4, -128]]


def test_a_segment_outside_fails_when_called() -> None:
    s = gx.input("s", (3,), "int64")
    with pytest.raises(gx.IndexRangeError, match=r"index out of range along axis 0, 2 is not in -2 [.][.] 1"):
        gx.evaluate(gx.segment_sum(s, s, 2), {s: np.array([0, 1, 2])})


@pytest.mark.parametrize("weights", [None, np.ones(3)], ids=["counted", "weighed"])
@pytest.mark.parametrize("wrong", [-1, 2])
def test_bincount_refuses_what_is_not_in_its_bins(weights: np.ndarray[Any, Any] | None, wrong: int) -> None:
    s = gx.input("s", (3,), "int64")
    y = gx.bincount(s, 2, weights=weights)
    assert gx.evaluate(y, {s: np.array([0, 1, 1])}).tolist() == [1, 2]
    with pytest.raises(
        gx.IndexRangeError, match=rf"bincount: an element is out of range, {wrong} is not in 0 [.][.] 1"
    ):
        gx.evaluate(y, {s: np.array([0, 1, wrong])})


@pytest.mark.parametrize("function", [gx.partition, gx.argpartition])
@pytest.mark.parametrize(("kth", "least"), [(2, 3), (-3, 3), (0, 1)])
def test_a_partition_of_an_open_size_has_the_place_or_fails(
    function: Callable[..., gx.Node], kth: int, least: int
) -> None:
    x = gx.input("x", ("n",))
    f = gx.compile([x], function(x, kth))
    assert f(np.zeros(least, np.float32)).shape == (least,)
    with pytest.raises(gx.ShapeError, match=f"{function.__name__}: place {kth} takes {least} elements or more"):
        f(np.zeros(least - 1, np.float32))


def test_the_place_of_a_partition_may_be_a_size() -> None:
    x = gx.input("x", ("n",))
    assert gx.evaluate(gx.partition(x, x.shape[0] // 2), {x: np.array([3, 1, 2], np.float32)}).tolist() == [1, 2, 3]
    with pytest.raises(gx.ShapeError, match="partition: place n takes"):
        gx.partition(x, x.shape[0])


X = gx.input("x", ("n", 4))
I = gx.input("i", ("n", 3), "int64")


@pytest.mark.parametrize(
    ("build", "error", "told"),
    [
        (lambda: gx.nonzero(X), gx.UnsupportedError, "size=n gives n of them; gx.where(x != 0, a, b)"),
        (lambda: gx.unique(X), gx.UnsupportedError, "size=n gives n of them; gx.sort"),
        (lambda: gx.unique(X, size=-1), gx.ArgumentError, "unique: -1 is no number of results"),
        (lambda: gx.nonzero(1.0, size=1), gx.ShapeError, "nonzero: a number has no places"),
        (lambda: gx.searchsorted(X, 1.0), gx.ShapeError, "the sorted array has rank 2, not 1"),
        (lambda: gx.searchsorted(X[0], 1.0, "both"), gx.ArgumentError, "'left' or 'right', not 'both'"),  # type: ignore[arg-type]
        (lambda: gx.segment_sum(X, X, 3), gx.DTypeError, "segment_sum: an index is an integer, not float32"),
        (lambda: gx.segment_max(X[0], I, 3), gx.ShapeError, "the segments have rank 2, the array 1"),
        (lambda: gx.segment_sum(X, I[:, 0], -1), gx.ArgumentError, "-1 is no number of segments"),
        (lambda: gx.bincount(I, 3, weights=X[0]), gx.ShapeError, "the weights have rank 1, the array 2"),
        (lambda: gx.gather_nd(X, I), gx.ShapeError, "the index has 3 coordinates, for 2 axes"),
        (lambda: gx.partition(X, 4), gx.ShapeError, "an axis with 4 elements has no place 4"),
    ],
    ids=range(12),
)
def test_what_has_no_meaning_is_refused(build: Callable[[], object], error: type[Exception], told: str) -> None:
    with pytest.raises(error) as raised:
        build()
    assert told in str(raised.value)


def test_unique_rows_are_refused_with_what_to_do() -> None:
    with pytest.raises(gx.UnsupportedError, match="tells rows apart"):
        gx.unique(gx.input("x", (3, 2)), axis=0, size=2)
