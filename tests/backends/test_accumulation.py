"""Products that are added to what is there."""

from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from graphc.backends.numpy.accumulation import add_product


def _matrix(rows: int, columns: int, dtype: str, layout: str) -> npt.NDArray[Any]:
    rng = np.random.default_rng(rows + columns)
    x = (rng.standard_normal((rows, columns)) + 1j * rng.standard_normal((rows, columns))).astype(dtype)
    match layout:
        case "by columns":
            return np.asfortranarray(x)
        case "with gaps":
            return np.repeat(x, 2, axis=1)[:, ::2]
    return x


@pytest.mark.filterwarnings("ignore::numpy.exceptions.ComplexWarning")
@pytest.mark.parametrize("dtype", ["float32", "float64", "complex64", "complex128"])
@pytest.mark.parametrize("terms", [0, 1, 2, 5])
@pytest.mark.parametrize(("rows", "columns"), [(0, 3), (3, 0), (1, 1), (1, 4), (4, 1), (3, 5)])
def test_a_product_is_added_however_its_operands_lie(rows: int, columns: int, terms: int, dtype: str) -> None:
    for first in ("by rows", "by columns", "with gaps"):
        for second in ("by rows", "by columns", "with gaps"):
            a, b = _matrix(rows, terms, dtype, first), _matrix(terms, columns, dtype, second)
            total = _matrix(rows, columns, dtype, "by rows")
            wanted = total + a @ b
            add_product(total, a, b)
            np.testing.assert_allclose(total, wanted, rtol=1e-4, atol=1e-5)
