"""Derivatives of what is drawn: those of the distribution, by its parameters."""

from collections.abc import Callable

import mpmath
import numpy as np
import pytest
from scipy import special, stats

import graphc as gx
from graphc.autodiff.reverse import placeholder
from graphc.ops.gamma_draws import gamma_slope
from graphc.types import DTYPES, TensorType

KEY = gx.random.key(11)


def exact_slope(z: float, alpha: float) -> float:
    """-(dF / d alpha) / F', by the series of F: x^n / (a (a + 1) ... (a + n)), and of its derivative."""
    with mpmath.workdps(80):
        x, a = mpmath.mpf(z), mpmath.mpf(alpha)
        term, harmonic = 1 / a, 1 / a
        total, derivative = term, -term * harmonic
        for n in range(1, 400):
            term *= x / (a + n)
            harmonic += 1 / (a + n)
            total += term
            derivative -= term * harmonic
        return float(-x * ((mpmath.log(x) - mpmath.digamma(a)) * total + derivative))


@pytest.mark.parametrize(("dtype", "error"), [("float32", 4e-6), ("float64", 4e-9)])
def test_slope_of_a_gamma_number(dtype: str, error: float) -> None:
    points = [
        (float(stats.gamma.ppf(p, alpha)), alpha)
        for alpha in (1.0, 1.3, 2.0, 5.0, 20.0)
        for p in (1e-6, 0.01, 0.3, 0.62, 0.9, 0.9999)
    ]
    z, alpha = (np.array(column, dtype) for column in zip(*points, strict=True))
    x, a = (placeholder(TensorType(z.shape, DTYPES[dtype])) for _ in range(2))
    found = gx.evaluate(gamma_slope(x, a), {x: z, a: alpha})
    exact = [exact_slope(float(one), float(order)) for one, order in zip(z, alpha, strict=True)]
    np.testing.assert_allclose(found, exact, rtol=error)


@pytest.mark.parametrize("alpha", [0.3, 1.0, 2.5, 30.0])
def test_mean_slopes_of_gamma_are_slopes_of_means(alpha: float) -> None:
    a = gx.input("alpha", (), "float64")
    z = gx.random.gamma(KEY, a, 100_000, "float64")
    slopes = [gx.grad(gx.mean(y), a) for y in (z, gx.log(z), z * z)]
    second = gx.grad(slopes[2], a)
    forward = gx.jvp(gx.mean(z), a, gx.constant(np.float64(1)))
    found = gx.compile([a], [*slopes, second, forward])(alpha)
    exact = [1, special.polygamma(1, alpha), 2 * alpha + 1, 2, 1]
    np.testing.assert_allclose(found, exact, rtol=0.02)


def test_second_slope_is_that_of_the_first() -> None:
    a = gx.input("alpha", (), "float64")
    z = gx.input("z", (5,), "float64")
    g = gamma_slope(z, gx.broadcast_to(a, 5))
    total = gx.jvp(g, [a, z], [gx.constant(np.float64(1)), g])
    f = gx.compile([a, z], [g, total])
    at, step = np.array([0.2, 1.5, 2.4, 2.6, 6.0]), 1e-5
    slope, second = f(2.5, at)
    moved = [f(2.5 + h, at + h * slope + h * h / 2 * second)[0] for h in (-step, step)]
    np.testing.assert_allclose((moved[1] - moved[0]) / (2 * step), second, rtol=1e-6)


def test_mean_slopes_of_beta_are_slopes_of_means() -> None:
    a, b = gx.input("a", (), "float64"), gx.input("b", (), "float64")
    mean = gx.mean(gx.random.beta(KEY, a, b, 100_000, "float64"))
    found = gx.compile([a, b], gx.grad(mean, [a, b]))(0.6, 2.0)
    np.testing.assert_allclose(found, [2.0 / 2.6**2, -0.6 / 2.6**2], rtol=0.03)


def test_slopes_of_normal_and_uniform_numbers_are_those_of_what_moves_them() -> None:
    mean, width = gx.input("mean", (), "float64"), gx.input("width", (), "float64")
    first, second = gx.random.split(KEY)
    x = mean + width * gx.random.normal(first, 1000, "float64")
    u = gx.random.uniform(second, 1000, "float64", low=mean, high=mean + width)
    f = gx.compile([mean, width], [x, gx.jacobian(x, width), u, *gx.jacobian(u, [mean, width])])
    drawn, by_width, unit, by_mean, by_high = f(1.0, 2.0)
    np.testing.assert_allclose(drawn, 1 + 2 * by_width, rtol=1e-12)
    np.testing.assert_allclose(by_mean, 1, rtol=1e-12)
    np.testing.assert_allclose(unit, 1 + 2 * by_high, rtol=1e-12)


@pytest.mark.parametrize(
    "draw",
    [
        lambda key, x: gx.random.bernoulli(key, x, 5),
        lambda key, x: gx.random.categorical(key, gx.stack([x, x])),
        lambda key, x: gx.random.bits(key, 5),
    ],
)
def test_nothing_flows_through_what_is_counted(draw: Callable[[gx.Node, gx.Node], gx.Node]) -> None:
    x = gx.input("x", (), "float64")
    y = draw(KEY, x).astype("float64")
    slope = gx.grad(gx.sum(y) + x, x)
    assert gx.compile([x], slope)(0.5) == 1


def test_gamma_numbers_of_what_is_no_shape() -> None:
    alpha = gx.input("alpha", 5)
    f = gx.compile([alpha], gx.random.gamma(KEY, alpha))
    found = f(np.array([np.nan, -0.5, 0.0, np.inf, 1.0], np.float32))
    assert np.isnan(found[:2]).all()
    assert found[2] == 0
    assert found[3] == np.inf
    assert found[4] > 0
