"""Slopes at corners and ties, limits, and what infinities and nan become: one convention each."""

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from graphc.autodiff.reverse import placeholder, pull_back
from graphc.driver import evaluate
from graphc.ir.arithmetic import ones_like, sum_over
from graphc.ir.leaves import constant_array
from graphc.ir.node import Node
from graphc.ir.operands import where
from graphc.ops.elementwise import log, sigmoid, softplus, stop_gradient, tanh
from graphc.ops.extremes import max, max_with_index, min, min_with_index
from graphc.ops.movement import concat, flip
from graphc.ops.padding import pad
from graphc.ops.piecewise import clip, maximum, minimum, relu, remainder, sign
from graphc.ops.powers import power, sqrt
from graphc.ops.reduction import prod
from graphc.ops.statistics import log_softmax, logsumexp, mean, softmax, std
from graphc.sizes import symbol
from graphc.types import TensorType
from tests.test_cases import nodes_for

Vector = Sequence[float]
INF, NAN = math.inf, math.nan


def value(build: Callable[[Node], Node], x: Vector | Sequence[Vector]) -> npt.NDArray[np.float64]:
    """The value of a function at `x`."""
    array = np.array(x, dtype=np.float64)
    (node,) = nodes_for([array])
    return np.asarray(evaluate([build(node)], {node: array})[0])


def slopes(build: Callable[..., Node], *xs: Vector | Sequence[Vector]) -> list[npt.NDArray[np.float64]]:
    """The gradient of the sum of a function with respect to each operand."""
    arrays = [np.array(x, dtype=np.float64) for x in xs]
    nodes = nodes_for(arrays)
    y = build(*nodes)
    found = pull_back([sum_over(y, tuple(range(y.ndim)))], [constant_array(np.ones(()))], nodes)
    outputs = [ones_like(x) * 0 if g is None else g for g, x in zip(found, nodes, strict=True)]
    return [np.asarray(g) for g in evaluate(outputs, dict(zip(nodes, arrays, strict=True)))]


def slope(build: Callable[[Node], Node], x: Vector | Sequence[Vector]) -> Any:
    """The gradient of the sum of a function of one operand: a list, nested as `x` is."""
    return slopes(build, x)[0].tolist()


def test_relu_has_slope_0_at_0() -> None:
    assert slope(relu, [-1.0, -0.0, 0.0, 1.0, NAN]) == [0, 0, 0, 1, 0]


def test_maximum_with_0_has_slope_one_half_at_0() -> None:
    assert slope(lambda x: maximum(x, 0), [-1.0, 0.0, 1.0]) == [0, 0.5, 1]


def test_abs_has_slope_0_at_0() -> None:
    assert slope(abs, [-2.0, -0.0, 0.0, 2.0]) == [-1, 0, 0, 1]


def test_sign_has_slope_0() -> None:
    assert slope(sign, [-2.0, 0.0, 2.0]) == [0, 0, 0]


def test_sign_of_nan_is_nan() -> None:
    assert np.isnan(value(sign, [NAN]))


@pytest.mark.parametrize("extreme", [maximum, minimum])
def test_equal_operands_share_the_gradient(extreme: Callable[..., Node]) -> None:
    left, right = slopes(extreme, [1.0, 0.0], [1.0, -0.0])
    assert left.tolist() == right.tolist() == [0.5, 0.5]


@pytest.mark.parametrize("extreme", [max, min])
def test_equal_elements_share_the_gradient(extreme: Callable[..., Node]) -> None:
    assert slope(lambda x: extreme(x, 1), [[2.0, 2.0, 2.0, 2.0], [3.0, 3.0, 3.0, 3.0]]) == [[0.25] * 4] * 2


@pytest.mark.parametrize("extreme", [max_with_index, min_with_index])
def test_the_element_at_the_index_gets_the_gradient(extreme: Callable[..., tuple[Node, Node]]) -> None:
    assert slope(lambda x: extreme(x)[0], [2.0, 2.0, 2.0]) == [1, 0, 0]


def test_clip_shares_the_gradient_at_a_bound() -> None:
    assert slope(lambda x: clip(x, -1, 1), [-2.0, -1.0, 0.0, 1.0, 2.0]) == [0, 0.5, 1, 0.5, 0]


def test_maximum_passes_nan_on() -> None:
    assert np.isnan(value(lambda x: maximum(x, 0), [NAN]))


def test_pow_with_exponent_0_has_slope_0() -> None:
    by_x, _ = slopes(power, [0.0, 2.0, -1.0], [0.0, 0.0, 0.0])
    assert by_x.tolist() == [0, 0, 0]


def test_pow_of_0_has_slope_0_by_the_exponent() -> None:
    _, by_p = slopes(power, [0.0, 0.0, 0.0], [0.0, 0.5, 3.0])
    assert by_p.tolist() == [0, 0, 0]


def test_pow_of_0_has_its_limits_as_slopes() -> None:
    by_x, _ = slopes(power, [0.0, 0.0, 0.0], [0.5, 1.0, 2.0])
    assert by_x.tolist() == [INF, 1, 0]


@pytest.mark.parametrize("order", [1, 2, 3, 4])
def test_derivatives_of_a_cube_at_0(order: int) -> None:
    array = np.zeros(())
    x, p = nodes_for([array, array])
    derivative: Node | None = power(x, p)
    for _ in range(order):
        assert derivative is not None
        (derivative,) = pull_back([derivative], [constant_array(np.ones(()))], [x])
    assert derivative is not None
    assert evaluate([derivative], {x: array, p: np.array(3.0)})[0] == [0, 0, 6, 0][order - 1]


def test_std_of_equal_elements_has_slope_0() -> None:
    assert slope(std, [3.0, 3.0, 3.0]) == [0, 0, 0]


def test_remainder_has_the_sign_of_the_divisor() -> None:
    assert value(lambda x: remainder(x, -3), [7.0, -7.0]).tolist() == [-2, -1]


def test_stop_gradient_has_no_slope() -> None:
    assert slope(lambda x: stop_gradient(x) * x, [5.0]) == [5]


def test_a_gradient_passes_a_cast_between_floats() -> None:
    assert slope(lambda x: x.astype("float32") * 3, [5.0]) == [3]
    assert slope(lambda x: x.astype("int64").astype("float64") * x, [5.0]) == [5]


def test_where_keeps_nan_of_the_branch_not_taken_out_of_the_gradient() -> None:
    assert slope(lambda x: where(x > 0, sqrt(x), 0.0), [-1.0, 0.0, 4.0]) == [0, 0, 0.25]
    assert slope(lambda x: where(x > 0, log(x) * x, x), [-1.0, 0.0, 1.0]) == [1, 1, 1]


@pytest.mark.parametrize(
    "move",
    [
        flip,
        lambda x: x[1:],
        lambda x: x[2],
        lambda x: pad(x, 1, 4.0),
        lambda x: x.reshape(2, 2).T,
        lambda x: concat((x, ones_like(x))),
    ],
    ids=["flip", "slice", "pick", "pad", "reshape and transpose", "concat"],
)
def test_where_keeps_nan_out_through_movements(move: Callable[[Node], Node]) -> None:
    x = [-1.0, 0.0, 4.0, -9.0]
    through = slope(lambda x: where(move(x) > 0, move(sqrt(x)), 0.0), x)
    assert through == slope(lambda x: where(move(x) > 0, sqrt(move(x)), 0.0), x)
    assert np.isfinite(through).all()


def test_product_has_a_gradient_at_zeros() -> None:
    assert slope(prod, [0.0, 2.0, 3.0]) == [6, 0, 0]
    assert slope(prod, [0.0, 0.0, 3.0]) == [0, 0, 0]


def test_product_along_a_size_has_a_gradient_at_zeros() -> None:
    x = placeholder(TensorType((symbol("n"),), np.dtype(np.float64)))
    (back,) = pull_back([prod(x)], [constant_array(np.ones(()))], [x])
    assert back is not None
    assert evaluate([back], {x: np.array([0.0, 2.0, 3.0])})[0].tolist() == [6, 0, 0]


def test_logsumexp_of_nothing_likely_is_minus_infinity() -> None:
    assert value(lambda x: logsumexp(x, 1), [[-INF, -INF], [0.0, -INF]]).tolist() == [-INF, 0]
    assert slope(lambda x: logsumexp(x, 1), [[-INF, -INF], [0.0, -INF]]) == [[0, 0], [1, 0]]


def test_logsumexp_passes_infinity_and_nan_on() -> None:
    assert value(logsumexp, [INF, 0.0]) == INF
    assert np.isnan(value(logsumexp, [NAN, 0.0]))


def test_softmax_of_large_numbers_does_not_overflow() -> None:
    assert value(softmax, [1000.0, 1000.0]).tolist() == [0.5, 0.5]
    assert value(log_softmax, [1000.0, 0.0]).tolist() == [0, -1000]


def test_mean_of_nothing_is_nan() -> None:
    assert np.isnan(value(mean, []))


def test_tails_of_activations() -> None:
    assert value(sigmoid, [-1000.0, 1000.0, -INF, INF]).tolist() == [0, 1, 0, 1]
    assert value(tanh, [-INF, INF]).tolist() == [-1, 1]
    assert value(softplus, [-1000.0, 1000.0, -INF, INF]).tolist() == [0, 1000, 0, INF]
