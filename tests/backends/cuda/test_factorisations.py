"""Factorisations as CUDA C++: of large and of small numbers, whose squares are out of range."""

import numpy as np

import graphc as gx
from graphc.backends.cuda.emulation.emulator import Emulator
from tests.backends.cuda.emulated import NEEDS_COMPILER, made_at_once

pytestmark = NEEDS_COMPILER


def test_large_and_small_matrices_have_the_factors_of_others() -> None:
    functions = []
    for dtype in ("float32", "complex64"):
        a = gx.input("a", ("b", 3, 3), dtype)
        functions.append(gx.compile([a], [*gx.linalg.qr(a), gx.linalg.svd(a)[1]], backend="numpy"))
    for known, f in zip(functions, made_at_once(functions, Emulator()), strict=True):
        draws = np.random.default_rng(0).standard_normal((2, 3, 3))
        one = draws[0] + 1j * draws[1] if known.graph.inputs[0].dtype.kind == "c" else draws[0]
        below = np.diag([4.0, 4.0, 4.0]) + np.diag([0, 1e-31], -1)
        given = np.stack([one, 1e-30 * one, 1e30 * one, below]).astype(known.graph.inputs[0].dtype)
        for ours, theirs in zip(f(given), known(given), strict=True):
            for x, y in zip(ours, theirs, strict=True):
                np.testing.assert_allclose(x, y, rtol=0, atol=1e-5 * np.abs(y).max())
