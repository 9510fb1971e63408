"""gx.at(x)[index]: what wins where several values meet, who gets the gradient, and what is refused."""

from collections.abc import Callable

import numpy as np
import pytest

import graphc as gx
from graphc.testing import check_gradients
from tests.test_conventions import slopes

TWICE = np.array([0, 2, 0])


def test_the_last_of_several_values_is_set() -> None:
    x = gx.input("x", (3,), "float64")
    y = gx.at(x)[TWICE].set(np.array([1.0, 2.0, 3.0]))
    assert gx.evaluate(y, {x: np.zeros(3)}).tolist() == [3, 0, 2]


def test_only_the_value_that_stays_gets_the_gradient() -> None:
    by_x, by_values = slopes(lambda x, v: gx.at(x)[TWICE].set(v), [5.0, 6.0, 7.0], [1.0, 2.0, 3.0])
    assert by_x.tolist() == [0, 1, 0]
    assert by_values.tolist() == [0, 1, 1]


def test_a_value_that_is_not_finite_leaves_no_trace_where_another_is_set() -> None:
    by_x, _ = slopes(lambda x, v: gx.at(gx.log(x))[0].set(v), [0.0, 2.0], 1.0)  # type: ignore[arg-type]
    assert by_x.tolist() == [0, 0.5]


@pytest.mark.parametrize("method", ["max", "min"])
@pytest.mark.parametrize("index", [TWICE, slice(0, 3, 2)], ids=["an array", "a slice"])
def test_equal_ones_share_the_gradient_of_an_extreme(method: str, index: object) -> None:
    many = 3 if isinstance(index, np.ndarray) else 2

    def build(x: gx.Node, v: gx.Node) -> gx.Node:
        node: gx.Node = getattr(gx.at(x)[index], method)(v)
        return node

    by_x, by_values = slopes(build, [1.0, 1.0, 1.0], [1.0] * many)
    assert by_x.tolist() == ([1 / 3, 1, 1 / 2] if many == 3 else [1 / 2, 1, 1 / 2])
    assert by_values.tolist() == ([1 / 3, 1 / 2, 1 / 3] if many == 3 else [1 / 2, 1 / 2])


def test_nan_is_the_largest_and_the_smallest() -> None:
    x = gx.input("x", (2,), "float64")
    for place in (gx.at(x)[0], gx.at(x)[np.array([0])]):
        for y in (place.max(np.nan), place.min(np.nan)):
            np.testing.assert_array_equal(gx.evaluate(y, {x: np.zeros(2)}), [np.nan, 0])


def test_a_product_at_an_index_has_a_gradient_at_zeros() -> None:
    by_x, by_values = slopes(lambda x, v: gx.at(x)[TWICE].multiply(v), [5.0, 6.0, 7.0], [0.0, 0.0, 3.0])
    assert by_x.tolist() == [0, 1, 0]
    assert by_values.tolist() == [15, 7, 0]


def test_no_derivative_of_a_product_at_an_unknown_number_of_indices() -> None:
    x, i = gx.input("x", (3,)), gx.input("i", ("k",), "int64")
    y = gx.at(x)[i].multiply(2.0)
    assert gx.evaluate(y, {x: np.ones(3, np.float32), i: TWICE}).tolist() == [4, 1, 2]
    with pytest.raises(gx.UnsupportedError, match="no derivative for i64\\[k\\] indices"):
        gx.grad(gx.sum(y), x)


def test_no_indices_change_nothing() -> None:
    x, i = gx.input("x", (3,), "float64"), gx.input("i", ("k",), "int64")
    places = [gx.at(x)[i], gx.at(x)[[]]]
    outputs = [y for place in places for y in (place.set(7.0), place.add(7.0), place.max(7.0), place.multiply(7.0))]
    found = gx.evaluate(outputs, {x: np.arange(3.0), i: np.zeros(0, np.int64)})
    assert [y.tolist() for y in found] == [[0, 1, 2]] * 8


def test_values_take_the_dtype_of_the_array() -> None:
    x = gx.input("x", (3,), "float32")
    assert gx.at(x)[1].set(np.float64(2)).dtype == np.float32
    assert gx.at(gx.zeros(3, "int8"))[[0, 1]].add(np.int64(2)).dtype == np.int8


def test_an_index_outside_fails_when_called() -> None:
    x, i = gx.input("x", ("n", 4), "float64"), gx.input("i", ("k",), "int64")
    f = gx.compile([x, i], [gx.at(x)[:, i].set(1.0), gx.at(x)[2].set(0.0)])
    f(np.zeros((3, 4)), np.array([-4, 3]))
    with pytest.raises(gx.IndexRangeError, match=r"index out of range along axis 1, 4 is not in -4 [.][.] 3"):
        f(np.zeros((3, 4)), np.array([0, 4]))
    with pytest.raises(gx.ShapeError, match="index 2 is outside axis 0"):
        f(np.zeros((2, 4)), np.array([0]))


@pytest.mark.parametrize("index", [0, TWICE])
@pytest.mark.parametrize("method", ["max", "min"])
def test_complex_numbers_have_no_extreme_at_any_index(method: str, index: object) -> None:
    x = gx.input("x", 3, "complex64")
    with pytest.raises(gx.DTypeError, match="complex64"):
        getattr(gx.at(x)[index], method)(1.0)


X = gx.input("x", (3, 4))


@pytest.mark.parametrize(
    ("change", "error", "told"),
    [
        (lambda: gx.at(X)[0].set(np.zeros(3)), gx.ShapeError, "broadcast"),
        (lambda: gx.at(X)[0].set(np.zeros((1, 4))), gx.ShapeError, "set: values of rank 2"),
        (lambda: gx.at(gx.zeros(3, "int64"))[0].add(0.5), gx.DTypeError, 'values.astype("int64")'),
        (lambda: gx.at(X)[X > 0].set(np.zeros(5, np.float32)), gx.UnsupportedError, "gx.where(mask, values, x)"),
        (lambda: gx.at(X)[np.array([True, False, True])].set(0.0), gx.UnsupportedError, "the shape of the array"),
        (lambda: gx.at(X)[5].set(0.0), gx.IndexRangeError, "index 5 is outside axis 0"),
        (lambda: gx.at(X)["a"].set(0.0), gx.ArgumentError, "'a' is no index"),
    ],
    ids=range(7),
)
def test_what_does_not_fit_is_refused(change: Callable[[], object], error: type[Exception], told: str) -> None:
    with pytest.raises(error) as raised:
        change()
    assert told in str(raised.value)


@pytest.mark.parametrize("index", [np.array([0, 2, 0]), np.array([[0, 1], [2, 0]]), 1, slice(None, None, -1)])
@pytest.mark.parametrize("name", ["set", "add", "multiply", "max", "min"])
def test_values_may_be_made_of_the_array_that_they_change(name: str, index: object) -> None:
    def changed(x: gx.Node) -> gx.Node:
        return gx.sum(gx.sin(getattr(gx.at(x)[index], name)(gx.tanh(x[index]) * 1.3)))

    check_gradients(changed, [np.array([0.9, 0.4, 0.6])])


@pytest.mark.parametrize("level", [0, 1, 2])
def test_a_count_is_written_before_what_is_set_in_it(level: int) -> None:
    x = gx.input("x", 3)
    changed = [gx.at(gx.arange(3))[0].set(2), gx.at(gx.arange(3, dtype="float32"))[1:].set(x[1:] * 2)]
    one, other = gx.compile(x, changed, level=level)(np.array([1, 2, 3], "float32"))
    assert (one.tolist(), other.tolist()) == ([2, 1, 2], [0, 4, 6])
