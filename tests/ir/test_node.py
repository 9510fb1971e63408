"""Nodes beside arrays: operators build nodes whichever side the array is on; NumPy's functions are refused."""

import operator
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import graphc as gx
from graphc.ir.leaves import uniform
from graphc.ir.node import made_meanwhile

OPERATORS: list[Callable[[Any, Any], Any]] = [  # Any: operators of arrays and of nodes
    operator.add, operator.sub, operator.mul, operator.truediv, operator.floordiv, operator.mod, operator.pow,
    operator.matmul, operator.eq, operator.ne, operator.lt, operator.le, operator.gt, operator.ge,
]  # fmt: skip


@pytest.mark.parametrize("operate", OPERATORS, ids=lambda operate: operate.__name__)
def test_an_array_on_the_left_meets_a_node(operate: Callable[[Any, Any], Any]) -> None:
    x = gx.input("x", (2, 2), "float64")
    left, right = np.array([[1.0, 2.0], [3.0, 4.0]]), np.array([[2.0, 2.0], [0.5, 4.0]])
    found = gx.evaluate(operate(left, x), {x: right})
    np.testing.assert_allclose(found, operate(left, right))
    np.testing.assert_allclose(gx.evaluate(operate(x, right), {x: left}), operate(left, right))


@pytest.mark.parametrize("operate", [operator.and_, operator.or_, operator.xor])
def test_bools_on_the_left_meet_a_node(operate: Callable[[Any, Any], Any]) -> None:
    x = gx.input("x", 4, "bool")
    left, right = np.array([True, True, False, False]), np.array([True, False, True, False])
    assert gx.evaluate(operate(left, x), {x: right}).tolist() == operate(left, right).tolist()


@pytest.mark.parametrize("number", [2, 2.5, np.float32(2), np.float64(2), np.int64(2), True], ids=repr)
def test_a_number_on_the_left_meets_a_node(number: Any) -> None:
    x = gx.input("x", (), "float64")
    assert gx.evaluate([number * x, number - x, number / x], {x: 4.0}) == [number * 4, number - 4.0, number / 4]


@pytest.mark.parametrize(
    "function",
    [
        np.exp,
        np.sum,
        np.mean,
        np.max,
        lambda x: np.reshape(x, -1),
        np.transpose,
        np.asarray,
        np.stack,
        np.add.reduce,
        lambda x: np.add(x, x),
        lambda x: np.add(np.ones(2), x, out=np.ones(2)),
        lambda x: np.concatenate([np.ones(2), x]),
        lambda x: np.array([x, x]),
    ],
)
def test_functions_of_numpy_are_refused(function: Callable[..., object]) -> None:
    x = gx.input("x", 2)
    with pytest.raises(gx.ArgumentError, match="a node has no"):
        function(x)


@pytest.mark.parametrize("use", [bool, len, list, float, int, operator.index])
def test_a_node_is_no_number_and_no_sequence(use: Callable[[Any], object]) -> None:
    with pytest.raises(gx.ArgumentError, match="a node has no"):
        use(gx.input("x", 2))


def test_nodes_are_hashed_by_identity() -> None:
    x, y = gx.input("x"), gx.input("x")
    assert len({x, y, x}) == 2


def test_equality_builds_a_node() -> None:
    x = gx.input("x", 3)
    assert isinstance(x == x, gx.Node)
    assert isinstance(x != 1, gx.Node)


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
@pytest.mark.parametrize("number", [1, 0.5, -0.0])
def test_a_number_beside_floats_is_one_constant_of_their_type(dtype: str, number: float) -> None:
    x = gx.input("x", ("n", 3), dtype)
    with made_meanwhile() as made:
        y = number - x
    constant, result = made
    assert result is y
    assert constant.type == x.type
    assert repr(uniform(constant)) == repr(float(number))
