"""Losses against SciPy and against their formulas, and where naive formulas break."""

import mpmath
import numpy as np
import pytest
from scipy.special import log_expit, log_softmax, softmax

import graphc as gx


def test_softmax_cross_entropy_is_mean_of_negative_log_softmax() -> None:
    rng = np.random.default_rng(0)
    logits, labels = rng.normal(size=(4, 6, 5)), rng.integers(0, 5, (4, 6))
    value = gx.evaluate(gx.nn.softmax_cross_entropy(gx.constant(logits), gx.constant(labels)))
    wanted = -np.take_along_axis(log_softmax(logits, -1), labels[..., None], -1).mean()
    assert value == pytest.approx(wanted, rel=1e-14)


def test_gradient_of_softmax_cross_entropy_is_softmax_less_one_hot() -> None:
    rng = np.random.default_rng(0)
    z, t = gx.input("z", ("batch", 5), "float64"), gx.input("t", "batch", "int8")
    logits, labels = rng.normal(size=(4, 5)), rng.integers(0, 5, 4).astype("int8")
    gradient = gx.grad(gx.nn.softmax_cross_entropy(z, t), z)
    wanted = (softmax(logits, -1) - np.eye(5)[labels]) / 4
    np.testing.assert_allclose(gx.compile([z, t], gradient)(logits, labels), wanted, rtol=1e-13, atol=1e-16)


def test_softmax_cross_entropy_of_large_logits_is_finite_and_exact() -> None:
    z = gx.input("z", (2, 2))
    loss = gx.nn.softmax_cross_entropy(z, np.array([0, 1]))
    value, slope = gx.compile([z], [loss, gx.grad(loss, z)])(np.array([[1e30, 0], [1e30, 0]], "float32"))
    assert value == np.float32(0.5e30)
    np.testing.assert_array_equal(slope, [[0, 0], [0.5, -0.5]])


@pytest.mark.parametrize("level", [0, 1, 2])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("lead", [1.0, 10.0, 14.0, 20.0, 60.0, -14.0, -1000.0])
def test_softmax_cross_entropy_of_what_is_almost_certain_keeps_its_digits(lead: float, dtype: str, level: int) -> None:
    z, t = gx.input("z", (1, 3), dtype), gx.input("t", 1, "int64")
    loss = gx.nn.softmax_cross_entropy(z, t)
    value, slope = gx.compile([z, t], [loss, gx.grad(loss, z)], level=level)(np.array([[0, lead, 0.5]], dtype), [1])
    with mpmath.workprec(200):
        powers = [mpmath.exp(x) for x in (0, lead, 0.5)]
        total = mpmath.fsum(powers)
        shares = [float(e / total) for e in powers]
        wanted = [shares[0], -float((powers[0] + powers[2]) / total), shares[2]]
        exact = float(mpmath.log(total) - lead)
    rtol = 4 * float(np.finfo(dtype).eps)
    np.testing.assert_allclose(value, exact, rtol=rtol)
    np.testing.assert_allclose(slope[0], wanted, rtol=rtol)


def test_softmax_cross_entropy_of_one_class_is_0() -> None:
    z = gx.input("z", (2, 1))
    loss = gx.nn.softmax_cross_entropy(z, np.array([0, 0]))
    value, slope = gx.compile([z], [loss, gx.grad(loss, z)])(np.array([[3], [-2]], "float32"))
    assert (value, *slope.ravel()) == (0, 0, 0)


def test_curvature_of_softmax_cross_entropy_is_that_of_log_softmax() -> None:
    z = gx.input("z", 4, "float64")
    losses = gx.nn.softmax_cross_entropy(z[None], np.array([2])), -gx.log_softmax(z)[2]
    ours, other = (gx.compile(z, gx.hessian(loss, z))(np.array([0.5, -1, 2, 0.25])) for loss in losses)
    np.testing.assert_allclose(ours, other, rtol=1e-13)


def test_labels_are_integers_with_one_axis_less() -> None:
    z = gx.input("z", ("batch", 5))
    with pytest.raises(gx.DTypeError, match="labels are float32"):
        gx.nn.softmax_cross_entropy(z, gx.input("t", "batch"))
    with pytest.raises(gx.ShapeError, match="one axis more"):
        gx.nn.softmax_cross_entropy(z, gx.input("t", ("batch", 5), "int64"))


def test_label_out_of_range_raises() -> None:
    z, t = gx.input("z", ("batch", 5)), gx.input("t", "batch", "int64")
    loss = gx.compile([z, t], gx.nn.softmax_cross_entropy(z, t))
    with pytest.raises(gx.IndexRangeError, match=r"softmax_cross_entropy: a label.* 5 is not in 0 \.\. 4"):
        loss(np.zeros((2, 5), "float32"), np.array([0, 5]))


@pytest.mark.parametrize("level", [0, 1, 2])
def test_a_label_of_minus_one_is_refused_and_not_the_last_class(level: int) -> None:
    z, t, labels = gx.input("z", (2, 3)), gx.input("t", 2, "int8"), np.array([-1, 0], np.int8)
    logits = np.zeros((2, 3), np.float32)
    told = r"softmax_cross_entropy: a label is out of range, -1 is not in 0 \.\. 2"
    for given in (t, t * 2 // 2, labels):
        loss = gx.nn.softmax_cross_entropy(z, given)
        for y in (loss, gx.grad(loss, z)):
            f = gx.compile([z, t], y, level=level)
            with pytest.raises(gx.IndexRangeError, match=told):
                f(logits, labels)


def test_binary_cross_entropy_is_exact_in_both_tails() -> None:
    z = np.array([-800.0, -40, -1, 0, 1, 40, 800])
    t = np.array([1.0, 0, 0, 0.25, 1, 1, 0])
    wanted = (-t * log_expit(z) - (1 - t) * log_expit(-z)).mean()
    assert gx.evaluate(gx.nn.binary_cross_entropy(gx.constant(z), gx.constant(t))) == pytest.approx(wanted, rel=1e-14)
    alone = gx.evaluate(gx.nn.binary_cross_entropy(gx.constant(z[5:6]), gx.constant(t[5:6])))
    assert alone == pytest.approx(np.exp(-40), rel=1e-13)  # a small loss keeps its digits


def test_slope_of_binary_cross_entropy_is_sigmoid_less_target() -> None:
    z, t = gx.input("z", 5, "float64"), np.array([0.0, 0.25, 0.5, 1, 1])
    at = np.array([-3.0, 0, 0, 2, 700])
    slope = gx.compile([z], gx.grad(gx.nn.binary_cross_entropy(z, t), z))(at)
    np.testing.assert_allclose(slope, (1 / (1 + np.exp(-at)) - t) / 5, rtol=1e-14, atol=1e-16)


def test_mean_squared_error() -> None:
    assert gx.evaluate(gx.nn.mean_squared_error(np.array([1.0, 2, 4]), np.array([1.0, 0, 1]))) == pytest.approx(13 / 3)
