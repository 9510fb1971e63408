"""Short rows lie side by side in lanes, though each adds something at a place of its own."""

from collections.abc import Sequence

import numpy as np
import pytest

import graphc as gx
from graphc.backends.llvm.plans import planned
from graphc.kernel.steps import Kernel

CLASSES = 10


def loss_and_slope(rows: int | str) -> tuple[Sequence[gx.Node], Sequence[gx.Node]]:
    """A label of each row, at whose place a slope is added to those of all."""
    x, labels = gx.input("x", (rows, CLASSES)), gx.input("labels", (rows,), "int64")
    loss = gx.nn.softmax_cross_entropy(x, labels)
    return [x, labels], [loss, gx.grad(loss, x)]


@pytest.mark.parametrize("rows", [1, 2, 15, 16, 17, 31, 33, 100])
@pytest.mark.parametrize("is_open", [False, True], ids=["number", "size"])
def test_what_is_added_at_labels_is_added_once(rows: int, *, is_open: bool) -> None:
    """A last vector that made rows again would add to what it had just stored, or to nothing."""
    inputs, outputs = loss_and_slope("n" if is_open else rows)
    rng = np.random.default_rng(rows)
    arrays = [rng.standard_normal((rows, CLASSES), np.float32), rng.integers(0, CLASSES, rows)]
    found, expected = (gx.compile(inputs, outputs, backend=backend)(*arrays) for backend in ("llvm", "numpy"))
    for one, other in zip(found, expected, strict=True):
        np.testing.assert_allclose(one, other, rtol=2e-6, atol=1e-8)


def test_rows_with_labels_lie_side_by_side() -> None:
    """One by one they took three times as long: each element calls exp."""
    f = gx.compile(*loss_and_slope(32), backend="llvm")
    (kernel,) = (step for step in f.program.steps if isinstance(step, Kernel) and len(step.stages) > 1)
    lane = planned(kernel).lane
    assert lane is not None
    assert lane.extent == 32


def test_rows_of_a_table_that_indices_tell_are_added_in_vectors() -> None:
    """Lanes have one index: they lie side by side in memory."""
    table, at, rows = gx.input("table", (9, 40)), gx.input("at", (25,), "int64"), gx.input("rows", (25, 40))
    rng = np.random.default_rng(0)
    start, places = rng.standard_normal((9, 40), np.float32), rng.integers(-9, 9, 25)
    added = rng.standard_normal((25, 40), np.float32)
    f = gx.compile([table, at, rows], gx.scatter_add(table, at, rows), backend="llvm")
    expected = start.copy()
    np.add.at(expected, places, added)
    np.testing.assert_allclose(f(start, places, added), expected, rtol=1e-5, atol=1e-6)
