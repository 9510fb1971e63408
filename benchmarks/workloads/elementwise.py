"""A call of little work, and formulas of single elements."""

from collections.abc import Callable, Sequence

import numpy as np

import graphc as gx
from benchmarks.workloads.plain import Plain
from benchmarks.workloads.workload import Declared, Graph, Workload, normal

__all__ = ["black_scholes", "call", "chain", "crosswise", "gelu", "pool"]

_PLAIN = Plain(gx, gx.erf, gx.sigmoid)


def _graph(formula: Callable[..., gx.Node | tuple[gx.Node, ...]]) -> Graph:
    def graph(xs: Sequence[gx.Node], _: Sequence[gx.Node]) -> Declared:
        found = formula(*xs)
        return (found if isinstance(found, tuple) else (found,)), None

    return graph


def call(name: str, n: int) -> Workload:
    """a + b + c + d + e of n elements each: what a call costs."""
    return Workload(name, "call", _graph(_PLAIN.call), [normal(n, seed=seed) for seed in range(5)])


def gelu(name: str, n: int) -> Workload:
    """0.5 x (1 + tanh(sqrt(2 / pi) (x + 0.044715 x^3)))"""
    return Workload(name, "gelu", _graph(_PLAIN.gelu), [normal(n)], moved=8 * n)


def black_scholes(name: str, n: int) -> Workload:
    """The prices of n calls and puts: of spot, strike, years and volatility."""
    rng = np.random.default_rng(0)
    ranges = ((50, 150), (50, 150), (0.2, 2), (0.1, 0.5))
    arrays = [rng.uniform(low, high, n).astype("float32") for low, high in ranges]
    return Workload(name, "black_scholes", _graph(_PLAIN.black_scholes), arrays, moved=24 * n)


def chain(name: str, n: int) -> Workload:
    """Twelve operations of four matrices n x n."""
    arrays = [normal(n, n, seed=seed) for seed in range(4)]
    return Workload(name, "chain", _graph(_PLAIN.chain), arrays, moved=20 * n * n)


def crosswise(name: str, n: int, m: int) -> Workload:
    """A matrix n x m, and one m x n transposed."""
    return Workload(name, "crosswise", _graph(_PLAIN.crosswise), [normal(n, m), normal(m, n, seed=1)], moved=12 * n * m)


def pool(name: str, n: int, side: int) -> Workload:
    """The largest of each 2 x 2 of n images of side x side."""
    return Workload(
        name, "pool", _graph(lambda x: gx.max_pool(x, 2)), [normal(1, n, side, side)], moved=5 * n * side**2
    )
