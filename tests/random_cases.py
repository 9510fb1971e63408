"""Rows of the table: random numbers, of seeds that are drawn; the reference has a Philox of its own."""

from collections.abc import Callable

import numpy as np
from scipy import special

from graphc.ir.node import Node
from graphc.ops import draws, gamma_draws, keys, sampling
from tests.case import Array, Case, Draw, between, normal, whole
from tests.philox_reference import numbers_32, numbers_64

__all__ = ["RANDOM"]

SHAPE = (3, 7)
SEED = whole(0, 100)


def _row(
    name: str,
    build: Callable[..., Node],
    reference: Callable[..., Array],
    *more: Draw,
    order: int = 0,
    wide: bool = False,
) -> Case:
    """A row of a function of a key, which is made of a seed, and of more operands.

    `wide`: these as float64; how many bits are drawn goes by the dtype, which the reference is not told.
    """
    return Case(
        name,
        lambda seed, *xs: build(keys.key(seed), *(x.astype("float64") if wide else x for x in xs)),
        lambda seed, *xs: reference(int(seed), *xs),
        (SEED, *more),
        order,
    )


def _signed(seed: int, shape: tuple[int, ...] = SHAPE, *, wide: bool = False) -> Array:
    """Odd multiples of 2^-24, or of 2^-53, from -1 to 1."""
    count = int(np.prod(shape))
    if wide:
        odd = 2 * (numbers_64(seed, count).view(np.int64) >> 11) + 1
        return np.asarray(odd * 2.0**-53).reshape(shape)
    odd = 2 * (numbers_32(seed, count).astype(np.uint32).view(np.int32) >> 8) + 1
    return np.asarray(odd * 2.0**-24).reshape(shape)


def _between(seed: int, low: Array, high: Array) -> Array:
    unit = (numbers_64(seed, low.size) >> np.uint64(11)).reshape(low.shape) * 2.0**-53
    return np.asarray(low + (high - low) * unit)


def _truncated(seed: int, low: Array, high: Array) -> Array:
    least, most = special.ndtr(low), special.ndtr(high)
    return np.asarray(special.ndtri(least + (most - least) * (_signed(seed, low.shape, wide=True) + 1) / 2))


def _waiting(seed: int, shape: tuple[int, ...] = SHAPE, *, wide: bool = False) -> Array:
    return np.asarray(-np.log((_signed(seed, shape, wide=wide) + 1) / 2))


def _parts(seed: int, purpose: int = 4) -> tuple[int, int]:
    """The keys of what one draw is made of."""
    first, second = numbers_64(seed, 2, purpose)
    return int(first), int(second)


def _gamma(seed: int, alpha: Array) -> Array:
    """Marsaglia and Tsang, 2000: a number for each alpha, by its own attempts."""
    for_power, for_attempts = _parts(seed)
    raised = np.where(alpha < 1, alpha + 1, alpha)
    found = np.full(alpha.shape, np.nan)
    for attempt in range(64):
        first, second = _parts(int(numbers_64(for_attempts, attempt + 1, 2)[-1]))
        x = special.ndtri((_signed(first, alpha.shape, wide=True) + 1) / 2)
        u = (_signed(second, alpha.shape, wide=True) + 1) / 2
        d = raised - 1 / 3
        v = np.maximum(1 + x / np.sqrt(9 * d), 1e-10) ** 3
        accepted = np.isnan(found) & (np.log(u) < x * x / 2 + d - d * v + d * np.log(v)) & (v > 1e-29)
        found = np.where(accepted, d * v, found)
    power = (_signed(for_power, alpha.shape, wide=True) + 1) / 2
    return np.where(alpha < 1, found * power ** (1 / alpha), found)


def _beta(seed: int, a: Array, b: Array) -> Array:
    first, second = _parts(seed)
    x, y = _gamma(first, a), _gamma(second, b)
    return np.asarray(x / (x + y))


def _chosen(seed: int, x: Array) -> Array:
    places = [int(word) * len(x) >> 64 for word in numbers_64(seed, 5)]
    return np.asarray(x[places])


def _with_probabilities(seed: int, p: Array) -> Array:
    unit = (_signed(seed, (6,), wide=True) + 1) / 2
    return np.asarray(np.searchsorted(np.cumsum(p), unit * p.sum(), "right"))


RANDOM = (
    Case("key", keys.key, lambda seed: np.asarray(seed).astype(np.uint64), (SEED,), order=0),
    _row("keys", lambda key: keys.keys(key, SHAPE), lambda seed: numbers_64(seed, 21, 1).reshape(SHAPE)),
    Case(
        "random.split",
        lambda seed: keys.split(keys.key(seed), 3),
        lambda seed: tuple(numbers_64(int(seed), 3, 1)),
        (SEED,),
        order=0,
    ),
    Case(
        "fold_in",
        lambda seed, place: keys.fold_in(keys.key(seed), place),
        lambda seed, place: numbers_64(int(seed), int(place) + 1, 2)[-1],
        (SEED, whole(0, 9)),
        order=0,
    ),
    _row("bits", lambda key: draws.bits(key, SHAPE), lambda seed: numbers_32(seed, 21).reshape(SHAPE)),
    _row("bits of 8", lambda key: draws.bits(key, 9, "uint8"), lambda seed: numbers_32(seed, 9) >> np.uint64(24)),
    _row("bits of 64", lambda key: draws.bits(key, 9, "uint64"), lambda seed: numbers_64(seed, 9)),
    _row(
        "uniform",
        lambda key: draws.uniform(key, SHAPE),
        lambda seed: (numbers_32(seed, 21) >> np.uint64(8)).reshape(SHAPE) * 2.0**-24,
    ),
    _row(
        "uniform between",
        lambda key, low, width: draws.uniform(key, low.shape, "float64", low=low, high=low + width),
        lambda seed, low, width: _between(seed, low, low + width),
        normal(3, 2),
        between(1, 2, 3, 2),
        order=3,
        wide=True,
    ),
    _row("normal", lambda key: draws.normal(key, SHAPE), lambda seed: special.ndtri((_signed(seed) + 1) / 2)),
    _row(
        "truncated_normal",
        lambda key, low, width: draws.truncated_normal(key, low, low + width, dtype="float64"),
        lambda seed, low, width: _truncated(seed, low, low + width),
        between(-1, 0, 3, 2),
        between(1, 2, 3, 2),
        order=3,
        wide=True,
    ),
    _row("exponential", lambda key: draws.exponential(key, SHAPE), _waiting),
    _row(
        "gamma",
        lambda key, alpha: gamma_draws.gamma(key, alpha, dtype="float64"),
        _gamma,
        between(0.3, 4, 3, 5),
        wide=True,
    ),
    _row(
        "beta",
        lambda key, a, b: gamma_draws.beta(key, a, b, dtype="float64"),
        _beta,
        between(0.3, 4, 3, 2),
        between(0.3, 4, 3, 2),
        wide=True,
    ),
    _row(
        "bernoulli",
        draws.bernoulli,
        lambda seed, p: numbers_32(seed, p.size).reshape(p.shape) < np.floor(p * 2.0**32),
        between(0, 1, 4, 5),
    ),
    _row(
        "categorical",
        lambda key, logits: sampling.categorical(key, logits, 0, (5,)),
        lambda seed, logits: np.argmax(logits - np.log(_waiting(seed, (5, *logits.shape), wide=True)), 1),
        between(-1, 1, 3, 2),
        wide=True,
    ),
    _row("permutation", lambda key: sampling.permutation(key, 9), lambda seed: np.argsort(numbers_64(seed, 9))),
    _row(
        "shuffle",
        lambda key, x: sampling.shuffle(key, x, 1),
        lambda seed, x: x[:, np.argsort(numbers_64(seed, x.shape[1]))],
        normal(2, 5),
        order=3,
    ),
    _row("choice", lambda key, x: sampling.choice(key, x, 5), _chosen, normal(4, 2), order=3),
    _row(
        "choice by probabilities",
        lambda key, p: sampling.choice(key, 4, 6, p=p),
        _with_probabilities,
        between(0.1, 1, 4),
        wide=True,
    ),
    _row(
        "choice without putting back",
        lambda key: sampling.choice(key, 9, 5, replace=False),
        lambda seed: np.argsort(numbers_64(seed, 9))[:5],
    ),
)
