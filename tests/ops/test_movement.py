"""Shapes of moved arrays, and what does not fit."""

from collections.abc import Callable
from typing import Any, Literal

import numpy as np
import pytest

import graphc as gx
from graphc import sizes
from graphc.autodiff.reverse import placeholder
from graphc.errors import ArgumentError, DTypeError, GraphError, ShapeError
from graphc.ir.arithmetic import Spread, Squeeze
from graphc.ir.declare import input
from graphc.ir.graph import topological
from graphc.ir.leaves import full, uniform
from graphc.ir.node import Node
from graphc.ops import movement as m
from graphc.ops.axes import one_axis, some_axes
from graphc.ops.padding import pad
from graphc.ops.placement import Declare, Reshape, Transpose
from graphc.ops.reduction import sum as sum_over
from graphc.sizes import Size
from graphc.types import TensorType

FLOAT = np.dtype(np.float32)
n, k = sizes.symbol("n"), sizes.symbol("k")


def array(*shape: Size, dtype: str = "float32") -> Node:
    """An input."""
    return placeholder(TensorType(shape, np.dtype(dtype)))


def ops(node: Node) -> list[type]:
    """The ops from the input to the node."""
    return [type(step.op) for step in topological([node])][1:]


@pytest.mark.parametrize(
    ("shape", "wanted", "found"),
    [
        ((n, 4, 3), (n, -1), (n, 12)),
        ((n, 4, 3), (-1, 3), (4 * n, 3)),
        ((n, 12), (-1, 4, 3), (n, 4, 3)),
        ((n, k), (-1,), (n * k,)),
        ((6,), (2, 3), (2, 3)),
        ((0, 3), (3, 0), (3, 0)),
    ],
    ids=str,
)
def test_reshape_fills_in_what_is_left(
    shape: tuple[Size, ...], wanted: tuple[Size, ...], found: tuple[Size, ...]
) -> None:
    assert m.reshape(array(*shape), wanted).shape == found


def test_reshape_by_extents_of_1_only_drops_and_adds_axes() -> None:
    node = m.reshape(array(1, n, 3, 1), (n, 1, 3))
    assert node.shape == (n, 1, 3)
    assert ops(node) == [Squeeze, Spread]


def test_reshape_to_the_same_shape_makes_no_node() -> None:
    x = array(n, 3)
    assert m.reshape(x, (n, 3)) is x


def test_two_reshapes_are_one() -> None:
    assert ops(m.reshape(m.reshape(array(n, 4), (-1,)), (n, 2, 2))) == [Reshape]


@pytest.mark.parametrize(
    ("shape", "wanted", "error"),
    [
        ((6,), (4, -1), ShapeError),
        ((6,), (4, 2), ShapeError),
        ((6,), (-1, -1), ShapeError),
        ((6,), (-2, 3), ShapeError),
        ((6,), (0, -1), ShapeError),
        ((6,), (2.0, 3), ArgumentError),
        ((2 * n,), (2 * n + 1,), ShapeError),
    ],
    ids=str,
)
def test_reshape_that_does_not_fit_raises(
    shape: tuple[Size, ...], wanted: tuple[Size, ...], error: type[Exception]
) -> None:
    with pytest.raises(error, match="reshape"):
        m.reshape(array(*shape), wanted)


def test_two_transposes_are_one_or_none() -> None:
    x = array(2, 3, 4)
    assert ops(m.transpose(m.transpose(x, (1, 2, 0)), (1, 2, 0))) == [Transpose]
    assert m.transpose(m.transpose(x, (1, 2, 0)), (2, 0, 1)) is x
    assert x.T.T is x


@pytest.mark.parametrize(
    "build",
    [
        lambda x: m.transpose(x, (0, 0, 1)),
        lambda x: m.transpose(x, (0, 1)),
        lambda x: m.swapaxes(x, 0, 3),
        lambda x: m.moveaxis(x, (0, 0), (1, 2)),
        lambda x: m.flip(x, -4),
        lambda x: m.concat((x, x), 3),
        lambda x: m.concat((x, x[0])),
        lambda x: m.concat((x, x[:1]), 1),
        lambda x: m.stack((x, x[:1])),
        lambda x: m.split(x, 4),
        lambda x: m.split(x, (3, 1)),
        lambda x: m.squeeze(x, 0),
        lambda x: m.expand_dims(x, 4),
        lambda x: pad(x, ((1, 1), (0, 0))),
        lambda x: pad(x, -1),
        lambda x: m.broadcast_to(x, (2, 3, 5)),
        lambda x: m.broadcast_to(x, (3, 4)),
    ],
    ids=range(17),
)
def test_what_does_not_fit_raises(build: Callable[[Node], object]) -> None:
    with pytest.raises(ShapeError):
        build(array(2, 3, 4))


def test_sizes_that_may_agree_are_declared_equal() -> None:
    assert ops(m.broadcast_to(array(n, 3), (k, 3))) == [Declare]
    assert m.broadcast_to(array(n, 3), (k, 3)).shape == (k, 3)


def test_split_of_a_size_declares_that_it_divides() -> None:
    first, second = m.split(array(n), 2)
    assert first.shape == second.shape == (n // 2,)
    assert Declare in ops(first)


def test_unstack_needs_a_number() -> None:
    assert [x.shape for x in m.unstack(array(n, 2), 1)] == [(n,), (n,)]
    with pytest.raises(ShapeError, match="no number of nodes"):
        m.unstack(array(n, 2))


def test_what_moves_a_constant_is_a_constant() -> None:
    ones = full((2, 3), 1, FLOAT)
    assert uniform(m.transpose(ones)[0, ::-1]) == 1


def test_concat_promotes() -> None:
    assert m.concat((array(2), np.zeros(3))).dtype == np.float64
    with pytest.raises(ArgumentError):
        m.concat(())


def test_axes_count_from_either_end() -> None:
    assert one_axis("sum", -1, 3) == 2
    assert some_axes("sum", None, 2) == (0, 1)
    assert some_axes("sum", (-1, 0), 3) == (0, 2)


@pytest.mark.parametrize("axes", [2, -3, (0, 0), (1, -1)])
def test_axes_outside_or_twice_raise(axes: int | tuple[int, ...]) -> None:
    with pytest.raises(ShapeError, match="sum: a"):
        sum_over(input("x", (3, 4)), axes)


def test_each_element_is_repeated_as_often_as_its_count_says() -> None:
    x = np.arange(6.0).reshape(3, 2)
    for counts in ([2, 0, 3], (0, 0, 0), np.array([1, 2, 1], np.uint8), [4]):
        np.testing.assert_array_equal(gx.evaluate(gx.repeat(x, counts, 0)), np.repeat(x, counts, 0))
    assert gx.repeat(np.zeros(0), []).shape == (0,)


@pytest.mark.parametrize("counts", [[1, 2], [], [1, -1, 1], [1, 2.5, 1], [True, False, True], [[1, 2, 3]], [2**62] * 3])
def test_counts_of_repeat_are_whole_numbers_for_each_element(counts: Any) -> None:
    with pytest.raises(GraphError, match="repeat: "):
        gx.repeat(np.zeros(3), counts)


def test_counts_of_repeat_are_known_before_the_call() -> None:
    with pytest.raises(ArgumentError, match="the count is a node"):
        gx.repeat(np.zeros(3), gx.input("i", 3, "int64"))  # type: ignore[arg-type]


def test_counts_of_repeat_say_an_open_extent() -> None:
    x = gx.input("x", ("n",))
    call = gx.compile([x], gx.repeat(x, [3, 0, 1]))
    np.testing.assert_array_equal(call(np.array([1, 2, 3], np.float32)), [1, 1, 1, 3])
    with pytest.raises(ShapeError, match="4 and 3"):
        call(np.array([1, 2, 3, 4], np.float32))


@pytest.mark.parametrize("backend", ["numpy", "llvm"])
@pytest.mark.parametrize("build", [lambda y: y[:1], lambda y: gx.sum(y[:1], axis=1), lambda y: y[:1] @ y.T])
def test_the_first_of_what_is_repeated_may_be_none(
    build: Callable[[Node], Node], backend: Literal["numpy", "llvm"]
) -> None:
    x = gx.input("x", ("n", 4))
    call = gx.compile([x], gx.tanh(build(gx.repeat(gx.cumsum(x, 0), 3, axis=0))), backend=backend)
    assert call(np.zeros((0, 4), np.float32)).shape[0] == 0
    assert call(np.zeros((2, 4), np.float32)).shape[0] == 1


def test_parts_of_an_open_extent_end_where_it_does() -> None:
    x, cut = gx.input("x", ("n",), "float64"), gx.size("cut")
    fixed = gx.compile([x], [*gx.split(x, [1, 3]), gx.grad(gx.sum(gx.split(x, [1, 3])[2] ** 2), x)])
    first, middle, last, slopes = fixed(np.arange(5.0))
    assert [first.tolist(), middle.tolist(), last.tolist()] == [[0], [1, 2], [3, 4]]
    assert slopes.tolist() == [0, 0, 0, 6, 8]
    assert [part.tolist() for part in fixed(np.arange(3.0))[:3]] == [[0], [1, 2], []]
    with pytest.raises(ShapeError, match="the part from 3 to n ends before it begins"):
        fixed(np.arange(2.0))
    open_cut = gx.compile([x, cut], gx.split(x, [cut]))
    assert [part.tolist() for part in open_cut(np.arange(3.0), 2)] == [[0, 1], [2]]
    with pytest.raises(ShapeError, match="the part from cut to n ends before it begins"):
        open_cut(np.arange(3.0), 4)
    for places in ([3, 1], [-1], [x.shape[0] + 1]):
        with pytest.raises(ShapeError, match="out of order or outside an extent of n"):
            gx.split(x, places)


@pytest.mark.parametrize(("dtype", "value"), [("int32", 0.5), ("uint8", -1), ("int8", 200), ("bool", 2)])
def test_padding_is_a_number_that_the_dtype_has(dtype: str, value: float) -> None:
    with pytest.raises(DTypeError, match=f"pad: {value} is no {dtype}"):
        pad(array(3, dtype=dtype), 1, value)


@pytest.mark.parametrize("level", [0, 2])
@pytest.mark.parametrize("dtype", ["float32", "complex64"])
def test_padding_has_its_sign(dtype: str, level: int) -> None:
    x = gx.input("x", (1,), dtype)
    values = [0.0, -0.0] if dtype == "float32" else [0j, -0.0, complex(0, -0.0), complex(1, -0.0), complex(1, 0)]
    f = gx.compile([x], [pad(x, (0, 1), value) for value in values], level=level, verify=True)
    assert [repr(complex(y[1])) for y in f(np.ones(1, dtype))] == [repr(complex(value)) for value in values]


def test_whole_floats_pad_integers() -> None:
    assert gx.evaluate(pad(np.array([1, 3]), 1, 2.0)).tolist() == [2, 1, 3, 2]
