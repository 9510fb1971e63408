"""Losses against SciPy and against their formulas, and where naive formulas break."""

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


def test_labels_are_integers_with_one_axis_less() -> None:
    z = gx.input("z", ("batch", 5))
    with pytest.raises(gx.DTypeError, match="labels are float32"):
        gx.nn.softmax_cross_entropy(z, gx.input("t", "batch"))
    with pytest.raises(gx.ShapeError, match="one axis more"):
        gx.nn.softmax_cross_entropy(z, gx.input("t", ("batch", 5), "int64"))


def test_label_out_of_range_raises() -> None:
    z, t = gx.input("z", ("batch", 5)), gx.input("t", "batch", "int64")
    loss = gx.compile([z, t], gx.nn.softmax_cross_entropy(z, t))
    with pytest.raises(gx.IndexRangeError, match=r"softmax_cross_entropy.* 5 is not in -5 \.\. 4"):
        loss(np.zeros((2, 5), "float32"), np.array([0, 5]))


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
