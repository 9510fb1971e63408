"""Indices mean what they mean in NumPy, for extents that are numbers and for sizes."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from graphc import sizes
from graphc.autodiff.reverse import placeholder
from graphc.errors import ArgumentError, IndexRangeError, UnsupportedError
from graphc.ir.node import Node, SameSize
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
        (([0, 1], [0, 1]), UnsupportedError, "take_along_axis"),
        ((slice(np.array(1), None),), UnsupportedError, "gx.take"),
        (np.array([0.5]), ArgumentError, "astype"),
    ],
    ids=str,
)
def test_what_is_no_index_raises(index: Any, error: type[Exception], hint: str | None) -> None:
    with pytest.raises(error) as raised:
        array(2, 3)[index]
    assert hint is None or hint in str(raised.value)


def test_an_array_and_a_number_with_a_slice_between_raise() -> None:
    with pytest.raises(UnsupportedError):
        array(2, 3, 4)[0, :, [1, 2]]


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
