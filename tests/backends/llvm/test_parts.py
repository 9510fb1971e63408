"""Programs of many steps are several functions, one after the other."""

import numpy as np
import pytest

import graphc as gx
from graphc.backends.llvm.schedule import PART
from tests.case import Array


def chain(steps: int) -> tuple[list[gx.Node], gx.Node]:
    """x w w w ..., each time with a row that an index chooses, which nobody looks at before."""
    x, w, index = gx.input("x", (3, 4)), gx.input("w", (4, 4)), gx.input("index", (steps,), "int64")
    h = x
    for step in range(steps):
        h = gx.tanh(h @ w + gx.take(gx.sort(h, 0), index[step : step + 1], 0))
    return [x, w, index], h


@pytest.fixture(scope="module")
def function() -> gx.CompiledFunction:
    inputs, h = chain(PART)
    return gx.compile(inputs, h, backend="llvm")


def given(seed: int = 0) -> tuple[Array, Array, Array]:
    rng = np.random.default_rng(seed)
    x, w = rng.standard_normal((3, 4)).astype("float32"), (rng.standard_normal((4, 4)) / 4).astype("float32")
    return x, w, rng.integers(0, 3, PART)


def test_all_parts_run_in_order(function: gx.CompiledFunction) -> None:
    assert "@graphc_compute_1(" in function.source
    inputs, h = chain(PART)
    arrays = given()
    np.testing.assert_allclose(function(*arrays), gx.compile(inputs, h, backend="numpy")(*arrays), rtol=1e-4, atol=1e-6)


def test_what_a_later_part_finds_ends_the_run(function: gx.CompiledFunction) -> None:
    x, w, index = given()
    index[PART - 2] = 3
    with pytest.raises(gx.IndexRangeError, match="3"):
        function(x, w, index)
    index[PART - 2] = 0
    assert np.isfinite(function(x, w, index)).all()
