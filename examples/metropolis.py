"""Metropolis sampling of a posterior that is known: Student's own, for the data of his paper.

Ten patients slept so many hours longer with one drug than with another.  Of normal numbers with unknown mean m and
deviation s, under the prior 1 / s, the posterior of m is a t distribution with 9 degrees of freedom, scaled by the
standard error; chains that know the density of (m, log s) only up to a factor should find it.

A step of a chain moves both by normal noise, and stays with probability 1 - p(there) / p(here).  A chain is a
`gx.scan` over keys, one for each step; `gx.vmap` over keys makes many chains of it, all of whose steps run together.
Student: The Probable Error of a Mean, 1908.  Gelman, Carlin, Stern, Rubin: Bayesian Data Analysis, 1995, chapter 11.
"""

import math
from typing import Any

import numpy as np
from scipy import stats

import graphc as gx

HOURS = np.array([1.2, 2.4, 1.3, 1.3, 0.0, 1.0, 1.8, 0.8, 4.6, 1.4])
CHAINS, STEPS, IGNORED = 100, 2000, 200  # the first steps still remember the start
STRIDE = np.array([0.6, 0.35])  # of m and log s


def log_density(at: gx.Node) -> gx.Node:
    """Of (m, log s), but for a constant.   at [2]   ->   []"""
    m, log_s = gx.unstack(at)
    return -len(HOURS) * log_s - 0.5 * gx.sum(((HOURS - m) / gx.exp(log_s)) ** 2)


def chain(key: gx.Node) -> tuple[gx.Node, gx.Node]:
    """All points that a chain has been at, [STEPS, 2], and at which steps it moved, [STEPS]."""

    def step(here: tuple[gx.Node, gx.Node], key: gx.Node) -> tuple[tuple[gx.Node, gx.Node], tuple[gx.Node, gx.Node]]:
        at, height = here
        way, chance = gx.random.split(key)
        there = at + STRIDE * gx.random.normal(way, 2, "float64")
        new = log_density(there)
        moves = gx.log(gx.random.uniform(chance, (), "float64")) < new - height
        at, height = gx.where(moves, there, at), gx.where(moves, new, height)
        return (at, height), (at, moves)

    first, rest = gx.random.split(key)
    start = gx.random.normal(first, 2, "float64") * 3
    visited: tuple[gx.Node, gx.Node] = gx.scan(step, (start, log_density(start)), gx.random.keys(rest, STEPS))[1]
    return visited


def main() -> dict[str, Any]:
    """The draws of m of all chains, how often they moved, their agreement, and the exact posterior."""
    seed = gx.input("seed", (), "int64")
    points, moved = gx.vmap(chain)(gx.random.keys(gx.random.key(seed), CHAINS))
    sample = gx.compile([seed], [points[:, IGNORED:, 0], gx.mean(moved.astype("float64"))])
    draws, moves = sample(0)

    within, between = draws.var(1, ddof=1).mean(), draws.mean(1).var(ddof=1)
    agreement = math.sqrt((draws.shape[1] - 1) / draws.shape[1] + between / within)
    error = draws.mean(1).std(ddof=1) / math.sqrt(CHAINS)
    exact = stats.t(df=len(HOURS) - 1, loc=HOURS.mean(), scale=stats.sem(HOURS))
    print(f"{CHAINS} chains of {STEPS} steps moved at {moves:.0%} of them; their variances agree to {agreement:.4f}\n")
    print("                    sampled     exact")
    rows = {
        "mean": (draws.mean(), exact.mean()),
        "deviation": (draws.std(), exact.std()),
        "probability m > 0": (np.mean(draws > 0), exact.sf(0)),
    }
    for name, (sampled, known) in rows.items():
        print(f"{name:18} {sampled:8.4f}  {known:8.4f}")
    print(f"standard error of the sampled mean {error:.4f}")
    return {"draws": draws, "moves": float(moves), "agreement": agreement, "error": float(error), "exact": exact}


if __name__ == "__main__":
    main()
