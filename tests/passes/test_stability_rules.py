"""Every identity that keeps digits: it applies to its left side, and its right side has the value of the left one.

That value is taken in float64, whose range has room for all products of two numbers of the narrower floats.
"""

from collections.abc import Callable, Sequence
from typing import TypeAlias

import ml_dtypes
import numpy as np
import pytest

import graphc as gx
from graphc.ir.graph import Graph
from graphc.kernel.arrays import Array
from graphc.passes.pipeline import Log
from graphc.passes.rewrite import Rewrite, Rule
from graphc.passes.rules.stability import STABILITY
from graphc.types import DTYPES

Left: TypeAlias = Callable[..., gx.Node]  # of x [6], y [6], g [6]

DTYPE_NAMES = ["float16", "bfloat16", "float32", "float64"]


def hostile(dtype: str, seed: int) -> Array:
    """Six values: special ones, limits and others."""
    floats = ml_dtypes.finfo(DTYPES[dtype])  # type: ignore[no-untyped-call]
    tiny = float(floats.smallest_subnormal)
    rng = np.random.default_rng(seed)
    special = [0.0, -0.0, np.inf, -np.inf, np.nan, tiny, -tiny, float(floats.max), 1.0, *rng.standard_normal(9)]
    return rng.choice(special, 6).astype(DTYPES[dtype])


def top(x: gx.Node) -> gx.Node:
    return gx.max(x, keepdims=True)


def total(x: gx.Node) -> gx.Node:
    return gx.log(gx.sum(gx.exp(x - top(x)), keepdims=True))


def whole(x: gx.Node) -> gx.Node:
    return gx.squeeze(total(x) + top(x), axis=0)


def near(x: gx.Node) -> gx.Node:
    """Without the limits, of which a difference has no digits in float64 either."""
    return gx.where(gx.isfinite(x), gx.clip(x, -9, 9), x)


def picked(x: gx.Node) -> gx.Node:
    return gx.take_along_axis(x, gx.constant([-4]), 0)


def log_shares(x: gx.Node) -> gx.Node:
    shifted = x - gx.max(x)
    return shifted - gx.log(gx.sum(gx.exp(shifted)))


_SHARES = "log1p(sum(exp(x - m)) of others + expm1(x[i] - m))"
NARROW = ["float16", "bfloat16", "float32"]

LEFT: dict[str, Sequence[Left]] = {
    "log1p(exp(x)) = softplus(x)": [lambda x, y, g: gx.log1p(gx.exp(x))],
    "log(1 + x) = log1p(x)": [lambda x, y, g: gx.log(1 + x), lambda x, y, g: gx.log(x + 1)],
    "log(1 - x) = log1p(-x)": [lambda x, y, g: gx.log(1 - x)],
    "log(x - -1) = log1p(x)": [lambda x, y, g: gx.log(x - -1)],
    "log(abs(1 + x)) = log1p(maximum(x, -2 - x))": [lambda x, y, g: gx.log(gx.abs(1 + x))],
    "log(sqrt(x)) = log(x) * 0.5": [lambda x, y, g: gx.log(gx.sqrt(x))],
    "log2(1 + x) = log1p(x) * 1.4426950408889634": [lambda x, y, g: gx.log2(1 + x)],
    "log10(1 + x) = log1p(x) * 0.43429448190325176": [lambda x, y, g: gx.log10(1 + x)],
    "exp(x) - 1 = expm1(x)": [lambda x, y, g: gx.exp(x) - 1],
    "exp(x) + -1 = expm1(x)": [lambda x, y, g: -1 + gx.exp(x)],
    "1 - exp(x) = -expm1(x)": [lambda x, y, g: 1 - gx.exp(x)],
    "exp2(x) - 1 = expm1(x * 0.6931471805599453)": [lambda x, y, g: gx.exp2(x) - 1],
    "1 - cos(x) = square(sin(x * 0.5)) * 2": [lambda x, y, g: 1 - gx.cos(x)],
    "1 - erf(x) = erfc(x)": [lambda x, y, g: 1 - gx.erf(x)],
    "1 + erf(x) = erfc(-x)": [lambda x, y, g: gx.erf(x) + 1],
    "1 - erfc(x) = erf(x)": [lambda x, y, g: 1 - gx.erfc(x)],
    "log((1 + x) / (1 - x)) = atanh(x) * 2": [lambda x, y, g: gx.log((x + 1) / (1 - x))],
    "a * a - b * b = (a - b) * (a + b)": [lambda x, y, g: x * x - y * y],
    "square(a) - square(b) = (a - b) * (a + b)": [lambda x, y, g: gx.square(x) - gx.square(y)],
    "log(cosh(x)) = log1p(2 sinh(x / 2)^2) where abs(x) < 1, else abs(x) + log1p(exp(-2 abs(x))) - log 2": [
        lambda x, y, g: gx.log(gx.cosh(x)),
    ],
    "log(-expm1(x)) = log(expm1(-x)) + x where x > -log 2, else log1p(-exp(x))": [
        lambda x, y, g: gx.log(-gx.expm1(x)),
    ],
    **{
        f"{f.__name__}(a^m * b^n) = {f.__name__}(abs(a)) * m + {f.__name__}(b * sign(a^m)) * n": [
            lambda x, y, g, f=f: f(x * y),
            lambda x, y, g, f=f: f(gx.square(x)),
            lambda x, y, g, f=f: f(x * -3 * y),
            lambda x, y, g, f=f: f(x * x * x),
            lambda x, y, g, f=f: f(gx.square(y) * x),
            lambda x, y, g, f=f: f(1 / (x * y)),
            lambda x, y, g, f=f: f(3 / gx.square(x)),
            lambda x, y, g, f=f: f(x**-2),
        ]
        for f in (gx.log, gx.log2, gx.log10)
    },
    "b / (a * b) = b / b / a": [
        lambda x, y, g: y / (x * y),
        lambda x, y, g: y / (y * x),
        lambda x, y, g: y / (y * y),
        lambda x, y, g: y / gx.square(y),
        lambda x, y, g: y * -2 / gx.square(y),
        lambda x, y, g: (x * y) / (x * y),
        lambda x, y, g: x / (g * (x * y)),
    ],
    "g / (a * b) * b = b / b * g / a": [
        lambda x, y, g: g / (x * y) * y,
        lambda x, y, g: y * (g / (y * x)),
        lambda x, y, g: -(g / (y * x)) * y,
        lambda x, y, g: g / gx.square(y) * (y * 2),
        lambda x, y, g: 1 / (x / y) * (x / y / g),
        lambda x, y, g: g / x / y * y,
    ],
    "g / (a / b) / b = b / b * g / a": [lambda x, y, g: g / (x / y) / y],
    "g / sqrt(a * b) / (sqrt(a * b) * c) * b = g / sqrt(sign(a * b)) / a * (b / b) / c": [
        lambda x, y, g: g / gx.sqrt(x * y) / (gx.sqrt(x * y) * 2) * y,
    ],
    "log(abs(a * b)) = log(abs(a)) + log(abs(b))": [lambda x, y, g: gx.log(gx.abs(x * y))],
    "log(prod(x)) = sum(log(abs(x))) + log(prod(sign(x)))": [
        lambda x, y, g: gx.log(gx.prod(gx.stack([x, y]), axis=0)),
    ],
    f"x[i] - m - log(sum(exp(x - m))) = x[i] - m - {_SHARES}": [
        lambda x, y, g: picked(x) - top(x) - total(x),
    ],
    f"log(sum(exp(x - m))) - (x[i] - m) = {_SHARES} - (x[i] - m)": [
        lambda x, y, g: total(x) - (picked(x) - top(x)),
    ],
    f"(x - m - log(sum(exp(x - m))))[i] = x[i] - m - {_SHARES}": [lambda x, y, g: log_shares(x)[2]],
    f"(x - m - log(sum(exp(x - m))))[i:i + 1] = x[i] - m - {_SHARES}": [lambda x, y, g: log_shares(x)[2:3]],
    f"log(sum(exp(x - m))) + m - x[i] = {_SHARES} - (x[i] - m)": [
        lambda x, y, g: total(x) + top(x) - picked(x),
        lambda x, y, g: top(x) + total(x) - picked(x),
        lambda x, y, g: gx.logsumexp(x) - x[2],
        lambda x, y, g: gx.logsumexp(x) - x[gx.constant(2)],
    ],
    "x - (log(sum(exp(x - m))) + m) = x - m - log(sum(exp(x - m))), m = max(x)": [
        lambda x, y, g: near(x) - whole(near(x)),
        lambda x, y, g: near(x) - gx.squeeze(top(near(x)) + total(near(x)), axis=0),
    ],
    "log(sum(exp(x - m))) + m - x = log(sum(exp(x - m))) - (x - m), m = max(x)": [
        lambda x, y, g: whole(near(x)) - near(x),
    ],
}

CASES = [(rule, left) for rule in STABILITY for left in LEFT[rule.name]]


def rewritten(rule: Rule, inputs: Sequence[gx.Node], node: gx.Node) -> tuple[gx.Node, int]:
    """What a rule alone makes of a graph, and how often it applied."""
    log = Log()
    graph = Rewrite((rule,)).run(Graph(tuple(inputs), (node,)), log)
    return graph.outputs[0], len(log.notes)


def operands(dtype: str) -> list[gx.Node]:
    return [gx.input(name, (6,), dtype) for name in "xyg"]


def test_every_rule_has_a_left_side_here() -> None:
    assert [rule.name for rule in STABILITY] == list(LEFT)


@pytest.mark.parametrize("dtype", DTYPE_NAMES)
@pytest.mark.parametrize(("rule", "left"), CASES)
def test_rule_applies_to_its_left_side_and_keeps_the_type(rule: Rule, left: Left, dtype: str) -> None:
    inputs = operands(dtype)
    node = left(*inputs)
    right, applied = rewritten(rule, inputs, node)
    assert applied == 1
    assert right.type == node.type
    assert rewritten(rule, inputs, right) == (right, 0)


@pytest.mark.parametrize("dtype", NARROW)
@pytest.mark.parametrize(("rule", "left"), CASES)
def test_the_right_side_has_the_value_of_the_left_one(rule: Rule, left: Left, dtype: str) -> None:
    """And is nan where that is: no rule makes a number of what has no value."""
    inputs, wide = operands(dtype), operands("float64")
    found = gx.compile(inputs, rewritten(rule, inputs, left(*inputs))[0], level=0)
    expected = gx.compile(wide, left(*wide), level=0)
    limits = ml_dtypes.finfo(DTYPES[dtype])  # type: ignore[no-untyped-call]
    eps, largest = float(limits.eps), float(limits.max)
    for seed in range(60):
        values = [hostile(dtype, 3 * seed + n) for n in range(3)]
        one = found(*values).astype("float64")
        other = expected(*[value.astype("float64") for value in values])
        np.testing.assert_array_equal(np.isnan(one), np.isnan(other))
        both = np.isfinite(one) & (np.abs(other) < largest / 8)
        np.testing.assert_allclose(one[both], other[both], rtol=16 * eps, atol=4 * eps)
        left_out = np.abs(other[~both & ~np.isnan(one)])
        assert (left_out > largest / 16).all()


@pytest.mark.parametrize(
    ("formula", "powers"),
    [
        (lambda x, y, z: gx.log(x * y * z), (1, 1, 1)),
        (lambda x, y, z: gx.log(x * (y * z)), (1, 1, 1)),
        (lambda x, y, z: gx.log(3 * gx.square(x) * y), (2, 1, 0)),
        (lambda x, y, z: gx.log(x**2 * y**2), (2, 2, 0)),
        (lambda x, y, z: gx.log(x**5), (5, 0, 0)),
        (lambda x, y, z: gx.log(1 / x**2), (-2, 0, 0)),
        (lambda x, y, z: gx.log(x**-2), (-2, 0, 0)),
        (lambda x, y, z: gx.log2(x * y * x) * np.log(2), (2, 1, 0)),
        (lambda x, y, z: gx.log(x / y), (1, -1, 0)),
        (lambda x, y, z: gx.log(x / (y * z)), (1, -1, -1)),
        (lambda x, y, z: gx.log(x / y / z), (1, -1, -1)),
        (lambda x, y, z: gx.log(x * y / z), (1, 1, -1)),
    ],
)
@pytest.mark.parametrize("size", [1e-30, 1e25])
def test_slopes_of_logarithms_of_products_do_not_go_by_way_of_the_product(
    formula: Left, powers: Sequence[int], size: float
) -> None:
    operands = [gx.input(name, (3,), "float32") for name in "xyz"]
    value, g = formula(*operands), gx.input("g", (3,), "float32")
    slopes = gx.vjp(value, operands, g, unconnected="zero")
    found = gx.compile([*operands, g], slopes)(*[np.full(3, size, "float32")] * 3, np.full(3, 2, "float32"))
    for slope, power in zip(found, powers, strict=True):
        np.testing.assert_allclose(slope * np.float32(size), np.full(3, 2.0 * power), rtol=1e-6)


@pytest.mark.parametrize("of", [gx.power, lambda x, y: x**3 * y, lambda x, y: gx.square(x * y)])
def test_a_factor_that_is_no_product_is_not_taken_apart_where_it_is_above_itself(
    of: Callable[[gx.Node, gx.Node], gx.Node],
) -> None:
    """A power with an open exponent is one factor: p / p stays, and is not made of p / p again."""
    x, y, t = (gx.input(name, (6,)) for name in "xyt")
    slopes = gx.jvp([1 / of(x, y)], [y], [t])
    arrays = [np.random.default_rng(seed).uniform(0.5, 2, 6).astype("float32") for seed in range(3)]
    found, expected = (gx.compile([x, y, t], slopes, level=level)(*arrays) for level in (2, 0))
    np.testing.assert_allclose(found, expected, rtol=1e-5)
