"""Types of reductions, and what has no extreme."""

from collections.abc import Callable

import numpy as np
import pytest

import graphc as gx
from graphc import sizes
from graphc.autodiff.reverse import placeholder
from graphc.errors import ShapeError
from graphc.ir.arithmetic import Spread
from graphc.ir.node import Node
from graphc.ops import extremes, reduction, running, statistics
from graphc.sizes import Size
from graphc.testing import check_gradients
from graphc.types import DTYPES, TensorType

n = sizes.symbol("n")
EXTREMES = [extremes.max, extremes.min, extremes.argmax, extremes.max_with_index]


def array(*shape: Size, dtype: str = "float32") -> Node:
    """An input."""
    return placeholder(TensorType(shape, DTYPES[dtype]))


@pytest.mark.parametrize(
    ("dtype", "found"),
    [
        ("bool", "int64"),
        ("int8", "int64"),
        ("uint8", "uint64"),
        ("float16", "float16"),
        ("bfloat16", "bfloat16"),
        ("float32", "float32"),
        ("float64", "float64"),
    ],
)
def test_integers_are_added_up_in_64_bits(dtype: str, found: str) -> None:
    x = array(2, 3, dtype=dtype)
    for function in (reduction.sum, reduction.prod, running.cumsum, running.cumprod):
        assert function(x, 0).dtype == DTYPES[found]
    assert reduction.sum(x, ()).dtype == DTYPES[found]


def test_sum_in_another_dtype() -> None:
    assert reduction.sum(array(3), dtype="float64").dtype == np.float64


@pytest.mark.parametrize(
    ("function", "dtype", "found"),
    [
        (statistics.mean, "int32", "float32"),
        (statistics.mean, "float16", "float16"),
        (statistics.var, "bfloat16", "bfloat16"),
        (statistics.softmax, "float64", "float64"),
        (extremes.max, "int8", "int8"),
        (extremes.argmin, "float32", "int64"),
        (reduction.any, "float32", "bool"),
        (reduction.count_nonzero, "bool", "int64"),
    ],
)
def test_dtypes_of_results(function: Callable[..., Node], dtype: str, found: str) -> None:
    assert function(array(4, dtype=dtype), 0).dtype == DTYPES[found]


@pytest.mark.parametrize("function", [reduction.sum, reduction.prod, extremes.max, statistics.var])
def test_keepdims_leaves_extents_of_1(function: Callable[..., Node]) -> None:
    assert function(array(2, n, 3), (0, -1), keepdims=True).shape == (1, n, 1)
    assert function(array(2, n, 3), keepdims=True).shape == (1, 1, 1)
    assert function(array(2, n, 3)).shape == ()


def test_what_keepdims_left_is_repeated_in_one_step() -> None:
    x = array(n, 3)
    assert [type(y.op) for y in (x - reduction.sum(x, 0, keepdims=True)).inputs[1:]] == [Spread]
    assert (x - reduction.sum(x, 0, keepdims=True)).inputs[1].inputs[0].op.name == "sum"


@pytest.mark.parametrize("function", EXTREMES)
def test_nothing_has_no_extreme(function: Callable[..., object]) -> None:
    with pytest.raises(ShapeError, match="axis 1 has extent 0"):
        function(array(2, 0), 1)


@pytest.mark.parametrize("function", [reduction.sum, extremes.max, extremes.argmax, running.cumsum])
def test_axis_outside_raises(function: Callable[..., object]) -> None:
    with pytest.raises(ShapeError, match=r"axis 2 of an array of rank 2"):
        function(array(2, 3), 2)


def test_a_size_that_may_be_0_is_checked() -> None:
    x = array(2, n)
    (need,) = extremes.max(x, 1).op.requirements(x.tensor)
    assert "may be empty" in need.because
    assert not list(extremes.max(x, 0).op.requirements(x.tensor))


MOVED: dict[str, Callable[[Node], Node]] = {
    "squeeze": lambda x: gx.squeeze(gx.expand_dims(x, 1), 1),
    "transpose": lambda x: gx.transpose(x, (2, 1, 0)),
    "reshape": lambda x: gx.reshape(gx.reshape(x, (-1,)), (*reversed(x.shape),)),
    "pick": lambda x: gx.stack([x, 2 * x])[1],
}
BY_PARTS: dict[str, Callable[[Node], Node]] = {
    "prod of one": lambda x: gx.prod(x, 0),
    "prod of more": lambda x: gx.prod(x),
    "cumprod": lambda x: gx.cumprod(x, 1),
    "det": gx.linalg.det,
    "multiply": lambda x: gx.at(x)[np.array([[0], [0]])].multiply(x * x),
}


@pytest.mark.parametrize("function", BY_PARTS)
@pytest.mark.parametrize("movement", MOVED)
@pytest.mark.parametrize("shape", [(1, 1, 1), (1, 2, 1)])
def test_a_rule_written_as_a_function_holds_for_operands_that_are_moved(
    movement: str, function: str, shape: tuple[int, int, int]
) -> None:
    if function == "det":
        shape = (1, 1, 1)
    array = 0.4 + 0.1 * np.arange(shape[1], dtype=np.float64).reshape(shape)
    check_gradients(lambda x: gx.sum(gx.sin(BY_PARTS[function](MOVED[movement](x)))), [array])
