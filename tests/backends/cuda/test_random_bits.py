"""Random numbers of a GPU are those of a CPU: the bits of Philox, and what is made of them."""

from typing import Literal

import numpy as np
import pytest

import graphc as gx
from graphc.backends.cuda.emulation.emulator import Emulator
from tests.backends.cuda.emulated import NEEDS_COMPILER, made_at_once, near
from tests.philox_reference import numbers_32
from tests.random.test_same_bits import DRAWS

pytestmark = NEEDS_COMPILER

SEEDS = [0, 0x9E3779B97F4A7C15, 2**64 - 1]
#: what is made by functions that backends compute in ways of their own
ROUNDED = {"normal", "truncated", "exponential", "gamma", "beta"}
CPU: tuple[Literal["numpy", "llvm"], ...] = ("numpy", "llvm")


@pytest.mark.parametrize(
    "names",
    [
        pytest.param(["bits", "bits of 64", "uniform", "uniform f64", "bernoulli"], id="sample"),
        pytest.param([*DRAWS], marks=pytest.mark.full, id="all"),
    ],
)
def test_the_same_key_gives_the_same_bits(names: list[str]) -> None:
    key = gx.input("key", (), "uint64")
    plain = [[gx.compile([key], DRAWS[name](key), backend=backend) for backend in CPU] for name in names]
    for name, functions, function in zip(names, plain, made_at_once([f for f, _ in plain], Emulator(1)), strict=True):
        for seed in map(np.uint64, SEEDS):
            for exact in [f(seed) for f in functions]:
                if name in ROUNDED:
                    near(function(seed), exact)
                else:
                    np.testing.assert_array_equal(function(seed), exact)


def test_element_i_is_word_i_of_any_number_of_elements() -> None:
    n = gx.size("n")
    bits = [gx.random.bits(gx.random.key(77), (n,)), gx.random.bits(gx.random.key(78), (n, 3))]
    (function,) = made_at_once([gx.compile([n], bits, backend="numpy")], Emulator())
    for count in (0, 1, 3, 4, 31, 1000, 4097):
        flat, rows = function(count)
        np.testing.assert_array_equal(flat, numbers_32(77, count))
        np.testing.assert_array_equal(rows.reshape(-1), numbers_32(78, 3 * count))
