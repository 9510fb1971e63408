"""A call of little work, and formulas of single elements."""

import math
from collections.abc import Sequence

import numpy as np

import graphc as gx
from benchmarks.workloads.workload import Declared, Workload, normal

__all__ = ["RATE", "black_scholes", "call", "chain", "gelu"]

RATE = 0.02  # interest, of Black and Scholes


def call(name: str, n: int) -> Workload:
    """a + b + c + d + e of n elements each: what a call costs."""

    def graph(xs: Sequence[gx.Node], _: Sequence[gx.Node]) -> Declared:
        a, b, c, d, e = xs
        return [a + b + c + d + e], None

    return Workload(name, "call", graph, [normal(n, seed=seed) for seed in range(5)])


def gelu(name: str, n: int) -> Workload:
    """0.5 x (1 + tanh(sqrt(2 / pi) (x + 0.044715 x^3)))"""

    def graph(xs: Sequence[gx.Node], _: Sequence[gx.Node]) -> Declared:
        (x,) = xs
        return [0.5 * x * (1 + gx.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x * x * x)))], None

    return Workload(name, "gelu", graph, [normal(n)], moved=8 * n)


def black_scholes(name: str, n: int) -> Workload:
    """The prices of n calls and puts: of spot, strike, years and volatility."""

    def graph(xs: Sequence[gx.Node], _: Sequence[gx.Node]) -> Declared:
        spot, strike, years, volatility = xs
        spread = volatility * gx.sqrt(years)
        first = (gx.log(spot / strike) + (RATE + 0.5 * volatility * volatility) * years) / spread
        present = strike * gx.exp(-RATE * years)
        up, down = (0.5 + 0.5 * gx.erf(d * math.sqrt(0.5)) for d in (first, first - spread))
        value = spot * up - present * down
        return [value, value - spot + present], None

    rng = np.random.default_rng(0)
    ranges = ((50, 150), (50, 150), (0.2, 2), (0.1, 0.5))
    arrays = [rng.uniform(low, high, n).astype("float32") for low, high in ranges]
    return Workload(name, "black_scholes", graph, arrays, moved=24 * n)


def chain(name: str, n: int) -> Workload:
    """Twelve operations of four matrices n x n."""

    def graph(xs: Sequence[gx.Node], _: Sequence[gx.Node]) -> Declared:
        a, b, c, d = xs
        return [gx.tanh(a * b + c) * gx.sigmoid(d) + gx.sqrt(gx.abs(a - c)) / (1 + d * d)], None

    return Workload(name, "chain", graph, [normal(n, n, seed=seed) for seed in range(4)], moved=20 * n * n)
