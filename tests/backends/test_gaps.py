"""Products that leave elements of their result out, between the points of a stride or behind the last: these are 0."""

from typing import Literal

import numpy as np
import pytest

import graphc as gx

CASES: dict[str, tuple[int, int, dict[str, object]]] = {
    "between steps": (5, 1, {"padding": 3, "stride": 2}),
    "behind the last": (2, 3, {"padding": ((2, 0),), "stride": 2}),
}


@pytest.mark.parametrize("level", [0, 2])
@pytest.mark.parametrize("backend", ["numpy", "llvm"])
@pytest.mark.parametrize("name", CASES)
def test_elements_that_no_point_writes_are_zero(name: str, backend: Literal["numpy", "llvm"], level: int) -> None:
    """On memory that nothing was written to, `debug` has what is not a number."""
    length, points, options = CASES[name]
    x, w = gx.input("x", (1, 2, length)), gx.input("w", (2, 1, points))
    y = gx.conv1d(x, w, groups=2, **options)  # type: ignore[arg-type]
    c = gx.input("c", y.shape)
    f = gx.compile([w, c], gx.grad(gx.sum(y * c), [x]), backend=backend, level=level, debug=True)
    (found,) = f(np.ones(w.shape, np.float32), np.ones(c.shape, np.float32))
    ones = gx.compile([x, w], y, backend="llvm")
    for place in range(length):  # the derivative by an element is what a one at its place adds up to
        one = np.zeros(x.shape, np.float32)
        one[..., place] = 1
        np.testing.assert_allclose(found[0, 0, place], ones(one, np.ones(w.shape, np.float32)).sum() / 2)
