"""The numbers of a million draws are distributed as they should be, at fixed seeds."""

from collections.abc import Callable, Mapping

import numpy as np
import pytest
from scipy import stats

import graphc as gx
from tests.case import Array

COUNT = 10**6
LEAST = 1e-3  # probability that a true distribution is farther off: one seed of a thousand

KEY = gx.random.key(20_240_229)


def _gamma_of(alpha: float) -> Callable[[gx.Node], gx.Node]:
    return lambda key: gx.random.gamma(key, alpha, 200_000)


#: draws with the distribution function that they should have
CONTINUOUS: Mapping[str, tuple[Callable[[gx.Node], gx.Node], Callable[[Array], Array]]] = {
    "uniform": (lambda key: gx.random.uniform(key, COUNT), stats.uniform.cdf),
    "uniform f64": (lambda key: gx.random.uniform(key, COUNT, "float64", low=-2, high=3), stats.uniform(-2, 5).cdf),
    "normal": (lambda key: gx.random.normal(key, COUNT), stats.norm.cdf),
    "normal f64": (lambda key: gx.random.normal(key, COUNT, "float64"), stats.norm.cdf),
    "truncated normal": (
        lambda key: gx.random.truncated_normal(key, -1, 2.5, COUNT),
        stats.truncnorm(-1, 2.5).cdf,
    ),
    "exponential": (lambda key: gx.random.exponential(key, COUNT), stats.expon.cdf),
    **{f"gamma {alpha}": (_gamma_of(alpha), stats.gamma(alpha).cdf) for alpha in (0.3, 1.0, 2.5, 40.0)},
    "gamma f64": (lambda key: gx.random.gamma(key, 0.02, 100_000, "float64"), stats.gamma(0.02).cdf),
    "beta": (lambda key: gx.random.beta(key, 0.4, 2.5, 200_000), stats.beta(0.4, 2.5).cdf),
    "normal of many keys": (
        lambda key: gx.ravel(gx.vmap(lambda one: gx.random.normal(one, 100))(gx.random.keys(key, COUNT // 100))),
        stats.norm.cdf,
    ),
}


@pytest.mark.parametrize("name", CONTINUOUS)
def test_kolmogorov_smirnov(name: str) -> None:
    draw, cdf = CONTINUOUS[name]
    found = np.sort(gx.compile([], draw(KEY))())
    assert np.isfinite(found).all()
    exact = cdf(found.astype(np.float64))
    steps = np.arange(found.size + 1) / found.size
    distance = max(float((steps[1:] - exact).max()), float((exact - steps[:-1]).max()))
    assert stats.kstwobign.sf(distance * found.size**0.5) > LEAST


P = np.array([0.1, 0.2, 0.3, 0.05, 0.35], np.float32)


def _places_of_one(key: gx.Node) -> gx.Node:
    keys = gx.random.keys(key, COUNT // 10)
    (places,) = gx.vmap(lambda one: [gx.argmax(gx.random.permutation(one, 6))])(keys)
    assert isinstance(places, gx.Node)
    return places


#: draws of small integers with their probabilities
DISCRETE: Mapping[str, tuple[Callable[[gx.Node], gx.Node], Array]] = {
    "bits": (lambda key: gx.random.bits(key, COUNT, "uint8"), np.full(256, 1 / 256)),
    "low bits": (lambda key: gx.random.bits(key, COUNT, "uint64") & np.uint64(63), np.full(64, 1 / 64)),
    "bernoulli": (lambda key: gx.random.bernoulli(key, 0.3, COUNT), np.array([0.7, 0.3])),
    "categorical": (lambda key: gx.random.categorical(key, np.log(P), shape=COUNT), P),
    "choice": (lambda key: gx.random.choice(key, 37, COUNT), np.full(37, 1 / 37)),
    "choice by probabilities": (lambda key: gx.random.choice(key, 5, COUNT, p=P), P),
    "permutation": (_places_of_one, np.full(6, 1 / 6)),
}


@pytest.mark.parametrize("name", DISCRETE)
def test_chi_square(name: str) -> None:
    draw, p = DISCRETE[name]
    found = np.bincount(np.asarray(gx.compile([], draw(KEY))()).astype(np.int64), minlength=p.size)
    assert stats.chisquare(found, p.astype(np.float64) / p.sum(dtype=np.float64) * found.sum()).pvalue > LEAST


def test_weights_without_putting_back() -> None:
    keys = gx.random.keys(KEY, 20_000)
    pairs = gx.vmap(lambda key: gx.random.choice(key, 5, 2, replace=False, p=P))(keys)
    first, second = gx.compile([], pairs)().T
    assert (first != second).all()
    exact = np.array([[0 if i == j else P[i] * P[j] / (1 - P[i]) for j in range(5)] for i in range(5)]).reshape(-1)
    found = np.bincount(5 * first + second, minlength=25)
    possible = exact > 0
    assert stats.chisquare(found[possible], exact[possible] / exact.sum() * found.sum()).pvalue > LEAST


@pytest.mark.parametrize("other", ["split", "folded", "seeds", "beginnings", "stream"])
def test_streams_are_not_correlated(other: str) -> None:
    stream = gx.random.Stream("keys", 7)
    pairs: Mapping[str, Callable[[], tuple[gx.Node, gx.Node]]] = {
        "split": lambda: gx.random.split(KEY),  # type: ignore[dict-item, return-value]
        "folded": lambda: (gx.random.fold_in(KEY, 0), gx.random.fold_in(KEY, 1)),
        "seeds": lambda: (gx.random.key(0), gx.random.key(1)),
        "beginnings": lambda: (KEY, gx.random.split(KEY)[0]),
        "stream": lambda: (stream.key(), stream.key()),
    }
    nodes = [gx.random.normal(key, COUNT) for key in pairs[other]()]
    x, y = gx.compile([], nodes, reused_keys="allow")()
    for shift in (0, 1, 4):
        correlation = float(np.mean(x[shift:] * y[: COUNT - shift], dtype=np.float64))
        assert abs(correlation) * COUNT**0.5 < 4, shift


def test_neighbours_are_not_correlated() -> None:
    x = gx.compile([], gx.random.normal(KEY, COUNT))().astype(np.float64)
    for shift in (1, 2, 3, 4, 8, 1024):
        assert abs(float(np.mean(x[shift:] * x[:-shift]))) * COUNT**0.5 < 4, shift


def test_ends_of_uniform_numbers() -> None:
    for dtype, digits in (("float16", 11), ("bfloat16", 8)):
        found = gx.compile([], gx.random.uniform(KEY, 200_000, dtype))().astype(np.float64)
        assert found.min() == 0
        assert found.max() == 1 - 2.0**-digits
    found = gx.compile([], gx.random.uniform(KEY, COUNT, low=1, high=1.0000002))()
    assert found.min() == 1
    assert found.max() < np.float32(1.0000002)


def test_normal_numbers_are_finite_at_both_ends() -> None:
    x = gx.input("x", (2,), "int32")
    for dtype, word in (("float32", 2**31 - 1), ("float32", -(2**31))):
        node = gx.random.normal(KEY, 2, dtype)
        bits = next(n for n in gx.Graph((), (node,)).nodes if n.op.name == "cast")
        at_end = gx.replace(node, {bits: x})
        assert np.isfinite(gx.evaluate(at_end, {x: np.full(2, word, np.int32)})).all()


def test_a_choice_from_an_open_axis_that_is_empty_raises() -> None:
    x = gx.input("x", ("n", 4))
    f = gx.compile([x], gx.random.choice(gx.random.key(0), x, (2,)))
    assert f(np.ones((3, 4), np.float32)).shape == (2, 4)
    with pytest.raises(gx.IndexRangeError, match="0"):
        f(np.ones((0, 4), np.float32))
