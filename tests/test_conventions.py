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
from graphc.ops.bits import left_shift, right_shift
from graphc.ops.derivatives import grad, jvp
from graphc.ops.elementwise import erfinv, log, sigmoid, softplus, stop_gradient, tanh
from graphc.ops.extremes import max, max_with_index, min, min_with_index
from graphc.ops.interpolation import lerp
from graphc.ops.movement import concat, flip
from graphc.ops.norms import vector_norm
from graphc.ops.padding import pad
from graphc.ops.piecewise import clip, copysign, heaviside, maximum, minimum, nan_to_num, relu, sign
from graphc.ops.powers import cbrt, hypot, power, sqrt
from graphc.ops.reduction import prod
from graphc.ops.reduction import sum as sum_all
from graphc.ops.special import logaddexp, logaddexp2, xlog1py, xlogy
from graphc.ops.statistics import log_softmax, logsumexp, mean, softmax, std
from graphc.ops.stepping import fmod, remainder
from graphc.ops.tensor_float import to_tensor_float
from graphc.ops.trigonometry import acos, acosh, asin, atan2, atanh, sinc
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


@pytest.mark.parametrize("extreme", [max, min])
def test_all_share_the_gradient_of_nan_in_both_modes(extreme: Callable[..., Node]) -> None:
    at = np.array([1.0, NAN, 2.0, -3.0])
    x, t = nodes_for([at, at])
    y = extreme(x)
    by_x, tangent = evaluate([grad(y, x), jvp(y, x, t)], {x: at, t: np.array([1.0, 2.0, 4.0, 8.0])})
    assert by_x.tolist() == [0.25] * 4
    assert tangent == 3.75


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


def test_tensor_floats_are_the_nearest_with_ties_to_even_and_nan_stays() -> None:
    x = np.array([1 + 2**-11, 1 + 3 * 2**-11, -0.0, 3.4028235e38, -np.inf, 1e-40], np.float32)
    nan = np.array([0x7F800001, 0xFFFFFFFF], np.uint32).view(np.float32)
    found = evaluate(to_tensor_float(np.concatenate([x, nan])))
    np.testing.assert_array_equal(found[:5], np.array([1, 1 + 2**-9, -0.0, np.inf, -np.inf], np.float32))
    assert np.signbit(found[2])
    assert 0 < found[5] < 1.1e-40
    assert np.isnan(found[6:]).all()
    assert (found.view(np.uint32) % (1 << 13) == 0)[:6].all()


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


def test_where_reaches_no_further_than_a_sum() -> None:
    total = slope(lambda x: where(x[0] > 0, sum_all(log(x)), 0.0), [0.0, 0.0])
    assert np.isnan(total).all()
    assert slope(lambda x: where(x[0] > 0, sum_all(log(where(x > 0, x, 1.0))), 0.0), [0.0, 0.0]) == [0, 0]


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


# Functions of two numbers, where one of them or both are 0 or infinite.


def test_hypot_has_slope_0_at_0() -> None:
    by_x, by_y = slopes(hypot, [0.0, -0.0, 3.0, 0.0], [0.0, 0.0, 4.0, -2.0])
    assert by_x.tolist() == [0, 0, 0.6, 0]
    assert by_y.tolist() == [0, 0, 0.8, -1]


def test_hypot_neither_overflows_nor_vanishes() -> None:
    found = value(lambda x: hypot(x, x * 0.75), [4e200, 4e-200, 4e-320])
    assert found == pytest.approx([5e200, 5e-200, 5e-320], rel=1e-3)
    by_x, by_y = slopes(hypot, [3e200, 3e-200], [4e200, 4e-200])
    assert by_x == pytest.approx([0.6, 0.6])
    assert by_y == pytest.approx([0.8, 0.8])


def test_hypot_of_an_infinity_is_infinite() -> None:
    assert value(lambda x: hypot(x, flip(x)), [INF, NAN]).tolist() == [INF, INF]
    assert value(lambda x: hypot(x, x), [-INF]).tolist() == [INF]


def test_atan2_has_slope_0_at_0() -> None:
    by_y, by_x = slopes(atan2, [0.0, -0.0, 0.0], [0.0, 0.0, -2.0])
    assert by_y.tolist() == [0, 0, -0.5]
    assert by_x.tolist() == [0, 0, 0]


def test_atan2_tells_the_signs_of_zeros_apart() -> None:
    found = value(lambda y: atan2(y, constant_array(np.array([-1.0, -1, 0, -0.0]))), [0.0, -0.0, 0.0, -0.0])
    assert found.tolist() == [math.pi, -math.pi, 0, -math.pi]


def test_copysign_has_the_slope_of_abs() -> None:
    by_x, by_sign = slopes(copysign, [2.0, -2.0, 2.0, 0.0, -0.0], [1.0, -0.0, -3.0, -1.0, 1.0])
    assert by_x.tolist() == [1, 1, -1, 0, 0]
    assert by_sign.tolist() == [0] * 5


def test_heaviside_has_slope_0_by_its_operand_and_1_by_the_value_at_0() -> None:
    by_x, by_height = slopes(heaviside, [-1.0, 0.0, -0.0, 1.0], [0.5, 0.5, 0.5, 0.5])
    assert by_x.tolist() == [0] * 4
    assert by_height.tolist() == [0, 1, 1, 0]
    assert np.isnan(value(lambda x: heaviside(x, 0.5), [NAN]))


def test_fmod_has_the_sign_of_the_dividend() -> None:
    found = value(lambda x: fmod(x, -3), [7.0, -7.0, -6.0, -0.0, INF, 1.0])
    assert found[:2].tolist() == [1, -1]
    assert np.signbit(found[2:4]).all()
    assert not found[2:4].any()
    assert np.isnan(found[4])
    assert found[5] == 1
    assert np.isnan(value(lambda x: fmod(x, 0), [1.0]))


def test_fmod_of_the_least_integer_is_that_of_c() -> None:
    least = constant_array(np.array([-128, -128, 127], np.int8))
    assert evaluate(fmod(least, constant_array(np.array([3, -1, 0], np.int8))), {}).tolist() == [-2, 0, 0]


def test_slopes_of_fmod_are_1_and_minus_the_whole_part() -> None:
    by_x, by_y = slopes(fmod, [7.0, -7.0], [2.0, 2.0])
    assert (by_x.tolist(), by_y.tolist()) == ([1, 1], [-3, 3])


def test_xlogy_is_0_at_0() -> None:
    assert value(lambda x: xlogy(x, x), [0.0, 1.0]).tolist() == [0, 0]
    assert np.isnan(value(lambda y: xlogy(0.0, y), [NAN]))
    by_x, by_y = slopes(xlogy, [0.0, 0.0], [0.0, 2.0])
    assert by_x.tolist() == [-INF, math.log(2)]
    assert by_y.tolist() == [0, 0]


def test_xlog1py_is_0_at_0() -> None:
    by_x, by_y = slopes(xlog1py, [0.0, 0.0], [-1.0, 1.0])
    assert by_x.tolist() == [-INF, math.log(2)]
    assert by_y.tolist() == [0, 0]


@pytest.mark.parametrize("function", [xlogy, xlog1py])
def test_mixed_slope_at_0_is_the_reciprocal(function: Callable[..., Node]) -> None:
    at_x, at_y = np.zeros(()), np.array(2.0)
    x, y = nodes_for([at_x, at_y])
    (by_y,) = pull_back([function(x, y)], [constant_array(np.ones(()))], [y])
    assert by_y is not None
    (mixed,) = pull_back([by_y], [constant_array(np.ones(()))], [x])
    assert mixed is not None
    assert evaluate(mixed, {x: at_x, y: at_y}) == (1 / 2 if function is xlogy else 1 / 3)


@pytest.mark.parametrize("function", [logaddexp, logaddexp2])
def test_sum_of_powers_at_infinities(function: Callable[..., Node]) -> None:
    left, right = [INF, -INF, INF, 0.0], [INF, -INF, -INF, -INF]
    nodes = nodes_for([np.array(left), np.array(right)])
    found = evaluate(function(*nodes), dict(zip(nodes, [np.array(left), np.array(right)], strict=True)))
    assert found.tolist() == [INF, -INF, INF, 0]
    by_left, by_right = slopes(function, left, right)
    assert by_left.tolist() == [0, 0, 1, 1]
    assert by_right.tolist() == [0, 0, 0, 0]


def test_slopes_are_infinite_at_ends_of_a_domain() -> None:
    assert slope(asin, [-1.0, 1.0]) == [INF, INF]
    assert slope(acos, [-1.0, 1.0]) == [-INF, -INF]
    assert slope(acosh, [1.0]) == [INF]
    assert slope(atanh, [-1.0, 1.0]) == [INF, INF]
    assert slope(cbrt, [-0.0, 0.0]) == [INF, INF]
    assert slope(erfinv, [-1.0, 1.0]) == [INF, INF]


@pytest.mark.parametrize(("function", "factor"), [(asin, 1), (acos, -1), (atanh, 2)])
def test_second_derivatives_keep_their_digits_near_0(function: Callable[[Node], Node], factor: int) -> None:
    at = np.array([1e-300, 1e-12, 1e-8])
    (x,) = nodes_for([at])
    second = evaluate(grad(sum_all(grad(sum_all(function(x)), x)), x), {x: at})
    np.testing.assert_allclose(second, factor * at, rtol=1e-14)


@pytest.mark.parametrize("order", [-1, -2.5])
def test_norm_of_a_negative_order_has_slope_0_beside_a_0(order: float) -> None:
    assert slope(lambda x: vector_norm(x, order), [0.0, 3.0]) == [0, 0]
    assert slope(lambda x: vector_norm(x, order), [0.0, 0.0]) == [0, 0]
    assert value(lambda x: vector_norm(x, order), [0.0, 3.0]) == 0


def test_nan_to_num_has_slope_0_where_it_changes_the_value() -> None:
    assert slope(nan_to_num, [NAN, INF, -INF, 3.0]) == [0, 0, 0, 1]


@pytest.mark.parametrize("dtype", ["float64", "complex128"])
def test_derivatives_of_sinc_at_0_are_its_limits(dtype: str) -> None:
    x = placeholder(TensorType((), np.dtype(dtype)))
    derivative: Node | None = sinc(x)
    for exact in (1, 0, -(math.pi**2) / 3, 0, math.pi**4 / 5, 0):
        assert derivative is not None
        assert evaluate(derivative, {x: np.array(0, dtype)}) == pytest.approx(exact, rel=1e-15)
        (derivative,) = pull_back([derivative], [constant_array(np.ones((), dtype))], [x])


def test_lerp_is_exact_at_both_ends() -> None:
    ends = np.array([1e16, -0.3]), np.array([1.0, 0.7])
    for weight, end in enumerate(ends):
        assert (
            evaluate(lerp(constant_array(ends[0]), constant_array(ends[1]), float(weight)), {}).tolist() == end.tolist()
        )


def test_shifts_by_the_width_or_a_negative_number_move_all_bits_out() -> None:
    x, by = np.array([5, -5, 5, -5], np.int8), np.array([8, 8, -1, -1], np.int8)
    nodes = nodes_for([x, by])
    found = evaluate([f(*nodes) for f in (left_shift, right_shift)], dict(zip(nodes, [x, by], strict=True)))
    assert [shifted.tolist() for shifted in found] == [[0, 0, 0, 0], [0, -1, 0, -1]]
