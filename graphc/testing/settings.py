"""In which sizes, with which numbers and in which memory a random program is called."""

from collections.abc import Callable, Mapping, Sequence
from typing import final

import numpy as np

from graphc.dataclass import dataclass
from graphc.testing.layouts import LAYOUTS
from graphc.testing.program import RandomProgram

__all__ = ["Setting", "settings_of"]

LANES = (2, 4, 8, 16)  # elements of a vector register, whatever the machine: 16 to 64 bytes of 1 to 16
PRIMES = (5, 7, 13, 23, 37, 61)
SMALL = (0, 1, 2, 3)
ODD = tuple(sorted({*PRIMES, *(n for lanes in LANES for n in (lanes - 1, lanes, lanes + 1, 2 * lanes + 1))}))
FEWER = 6  # draws of odd sizes, of which the first that is quick to interpret is taken


@final
@dataclass(frozen=True)
class Setting:
    """The values of sizes, whether arrays hold special numbers, and where each lies: see `layouts`."""

    sizes: Mapping[str, int]
    special: bool
    layouts: tuple[str, ...] = ()


def settings_of(program: RandomProgram, is_quick: Callable[[dict[str, int]], bool]) -> Sequence[Setting]:
    """Two of the settings in which a program is called: one with ordinary numbers, one of the edges.

    Of the edges every other has sizes around those of vectors, where `is_quick` allows these, and two of three have
    arrays that do not lie as NumPy makes them.
    """
    rng = np.random.default_rng(program.recipe.seed)
    sizes = {name: int(rng.integers(0, 4)) for name in ("n", "m")}
    special = bool(rng.random() < 0.6)
    if rng.random() < 1 / 2:
        draws = (_odd_sizes(rng) for _ in range(FEWER))
        sizes = next((odd for odd in draws if is_quick(odd)), sizes)
    kinds = ["contiguous", *rng.choice([*LAYOUTS], 2).tolist()]
    layouts = tuple(rng.choice(kinds, len(program.inputs)).tolist()) if rng.random() < 2 / 3 else ()
    plain = Setting({"n": 2, "m": 3}, special=False)
    return [setting for setting in (plain, Setting(sizes, special, layouts)) if program.fits(setting.sizes)]


def _odd_sizes(rng: np.random.Generator) -> dict[str, int]:
    """A size around that of a vector, or a prime, and another one, or a small one."""
    one, other = (int(rng.choice(ODD)) for _ in range(2))
    if rng.random() < 0.7:
        other = int(rng.choice(SMALL))
    return {"n": one, "m": other} if rng.random() < 0.7 else {"n": other, "m": one}
