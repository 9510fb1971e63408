"""Creation, padding, stacking: dtypes, open sizes, and what is refused."""

from collections.abc import Callable
from typing import Any, Literal

import numpy as np
import pytest

import graphc as gx

n = gx.size("n")
V = gx.input("v", (n,), "float64")


def value(node: gx.Node) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
    """The value of a node of which n is 5."""
    return np.asarray(gx.evaluate([node, V], {V: np.zeros(5)})[0])


@pytest.mark.parametrize(
    ("node", "expected"),
    [
        (gx.arange(n), np.arange(5)),
        (gx.arange(1, n, 2), np.arange(1, 5, 2)),
        (gx.arange(n, -2, -3), np.arange(5, -2, -3)),
        (gx.arange(n, 9), np.arange(5, 9)),
        (gx.arange(9, n), np.arange(0)),
        (gx.linspace(0, 1, n), np.linspace(0, 1, 5, dtype=np.float32)),
        (gx.linspace(2, 3, n // 5), np.array([2], np.float32)),
        (gx.zeros((n, 2)), np.zeros((5, 2), np.float32)),
        (gx.ones(n, "bool"), np.ones(5, bool)),
        (gx.full(n, 7), np.full(5, 7)),
        (gx.full_like(V, 2, "int8"), np.full(5, 2, np.int8)),
        (gx.eye(n, k=-1), np.eye(5, k=-1, dtype=np.float32)),
        (gx.tri(n, 3, dtype="int64"), np.tri(5, 3, dtype=np.int64)),
        (gx.indices((2, n)), np.indices((2, 5))),
    ],
    ids=range(14),
)
def test_shapes_may_be_sizes(node: gx.Node, expected: np.ndarray[tuple[int, ...], np.dtype[np.float64]]) -> None:
    found = value(node)
    assert found.dtype == expected.dtype
    np.testing.assert_array_equal(found, expected)


def test_the_ends_of_steps_are_exact() -> None:
    ends = [gx.linspace(0.1, 0.7, 7), gx.geomspace(0.1, 0.7, 7), gx.linspace(np.float64(0.1), 0.7, 7)]
    for found in gx.evaluate([*ends, V], {V: np.zeros(5)})[:3]:
        assert (found[0], found[-1]) == (found.dtype.type(0.1), found.dtype.type(0.7))


def test_steps_to_integers_are_rounded_down() -> None:
    assert value(gx.linspace(-1, 1, 5, dtype="int64")).tolist() == [-1, -1, 0, 0, 1]


X = gx.input("x", (2, 3))


@pytest.mark.parametrize(
    ("build", "error", "told"),
    [
        (lambda: gx.arange(0, n, 0.5), gx.ArgumentError, "sizes have a step that is an int"),
        (lambda: gx.arange(3, 9, 0), gx.ArgumentError, "from 3 to 9 by 0"),
        (lambda: gx.arange(X), gx.ArgumentError, "gx.iota(n) * step + start takes nodes"),  # type: ignore[arg-type]
        (lambda: gx.linspace(0, 1, -1), gx.ArgumentError, "linspace: -1 is no number of elements"),
        (lambda: gx.geomspace(-1, 1, 3), gx.ArgumentError, "no ratio leads from -1"),
        (lambda: gx.zeros((2, -1)), gx.ShapeError, "full: the extent -1 is negative"),
        (lambda: gx.full((2, 2), X), gx.ShapeError, "broadcast_to"),
        (lambda: gx.meshgrid(X), gx.ShapeError, "more than one axis"),
        (lambda: gx.meshgrid(X[0], indexing="yx"), gx.ArgumentError, "'xy' or 'ij', not 'yx'"),  # type: ignore[arg-type]
        (lambda: gx.pad(X, 1, mode="mean"), gx.ArgumentError, "'symmetric', 'wrap', not 'mean'"),  # type: ignore[arg-type]
        (lambda: gx.pad(X[:0], 1, mode="wrap"), gx.ShapeError, "axis 0 has no elements to repeat"),
        (lambda: gx.diag(gx.zeros((1, 2, 3))), gx.ShapeError, "gx.diagonal takes more axes"),
        (lambda: gx.diagonal(X, axis1=1), gx.ShapeError, "axis 1 is given twice"),
        (lambda: gx.rot90(X, 1, (1, -1)), gx.ShapeError, "axis 1 is given twice"),
        (lambda: gx.roll(X, (1, 2), 0), gx.ArgumentError, "2 shifts along 1 axes"),
        (lambda: gx.array_split(V, 2), gx.ShapeError, "gx.split makes equal parts"),
        (lambda: gx.array_split(X, 0), gx.ArgumentError, "0 is no number of parts"),
    ],
    ids=range(17),
)
def test_what_has_no_meaning_is_refused(build: Callable[[], object], error: type[Exception], told: str) -> None:
    with pytest.raises(error) as raised:
        build()
    assert told in str(raised.value)


@pytest.mark.parametrize(
    "widths", [2, (2, 1), (3,), ((2, 1),), ((2, 1), (0, 3)), ((2,), (1,)), [(2, 1), (0, 3)], np.array([[2, 1], [0, 3]])]
)
@pytest.mark.parametrize("mode", ["constant", "edge"])
def test_widths_of_padding_are_those_of_numpy(widths: Any, mode: Literal["constant", "edge"]) -> None:
    array = np.arange(6.0).reshape(2, 3)
    np.testing.assert_array_equal(gx.evaluate(gx.pad(array, widths, mode=mode)), np.pad(array, widths, mode=mode))


def test_two_numbers_pad_a_row_before_and_after() -> None:
    assert gx.evaluate(gx.pad(np.ones(2), (2, 1), 5.0)).tolist() == [5, 5, 1, 1, 5]


@pytest.mark.parametrize("widths", [(1, 2, 3), [1, (0, 2)], ((1, 2, 3), (1, 2, 3)), (), 0.5])
def test_widths_that_numpy_refuses_are_refused(widths: Any) -> None:
    with pytest.raises((gx.ArgumentError, gx.ShapeError), match="pad: "):
        gx.pad(np.ones((2, 3)), widths)


def test_padding_an_axis_that_turns_out_to_be_empty_fails_when_called() -> None:
    x = gx.input("x", ("m",))
    f = gx.compile([x], gx.pad(x, 2, mode="reflect"))
    assert f(np.array([1, 2], np.float32)).tolist() == [1, 2, 1, 2, 1, 2]
    with pytest.raises(gx.IndexRangeError):
        f(np.zeros(0, np.float32))
