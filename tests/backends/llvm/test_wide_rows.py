"""Sums across rows of thousands of elements: more of a row is read in one step, and the sums are the same."""

import numpy as np
import pytest

import graphc as gx
from graphc.backends.llvm import plans
from graphc.backends.llvm.plans import ABREAST, WIDE, planned
from graphc.kernel.steps import Kernel


def vectors(f: gx.CompiledFunction) -> int:
    """How many vectors the first kernel has side by side."""
    kernel = f.program.steps[0]
    assert isinstance(kernel, Kernel)
    return planned(kernel).vectors


@pytest.mark.parametrize(
    ("shape", "count"),
    [((40, WIDE), 2 * ABREAST), ((40, WIDE - 1), ABREAST), ((8, WIDE), ABREAST)],
    ids=["wide", "narrow", "few rows"],
)
def test_rows_of_many_elements_are_read_further_in_each_step(shape: tuple[int, int], count: int) -> None:
    x = gx.input("x", shape)
    assert vectors(gx.compile(x, gx.sum(x, 0), backend="llvm")) == count


def test_what_computes_much_has_as_many_as_registers_hold() -> None:
    x = gx.input("x", (40, WIDE))
    y = gx.sum(gx.exp(gx.tanh(x) * gx.sin(x) + gx.cos(x) * 2), 0)
    assert vectors(gx.compile(x, y, backend="llvm")) == ABREAST


@pytest.mark.parametrize("extent", [WIDE, WIDE + 1, WIDE + 257])
def test_the_sums_have_the_same_bits(extent: int, monkeypatch: pytest.MonkeyPatch) -> None:
    x = gx.input("x", (40, extent))
    a = np.random.default_rng(0).standard_normal((40, extent), dtype="float32")
    outputs = [gx.sum(x, 0), gx.max(x, 0), gx.mean(x * x, 0)]
    wide = gx.compile(x, outputs, backend="llvm")(a)
    monkeypatch.setenv("GRAPHC_CACHE", "off")
    monkeypatch.setattr(plans, "WIDE", 1 << 40)
    for one, other in zip(wide, gx.compile(x, outputs, backend="llvm")(a), strict=True):
        assert one.tobytes() == other.tobytes()
