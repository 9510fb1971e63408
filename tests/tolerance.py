"""How far a computed value may be from the exact one: from the dtype and the number of terms."""

from typing import Any

import ml_dtypes
import numpy as np
import numpy.typing as npt

from graphc.types import DType, is_complex, is_differentiable, real_of

__all__ = ["assert_close", "relative"]

_STEPS = 16  # roundings of an op with one term, functions of a few units in the last place included


def relative(dtype: DType, terms: int = 1) -> float:
    """The relative error allowed to a result of `dtype` that adds up `terms` terms."""
    if not is_differentiable(dtype):
        return 0.0
    epsilon = float(ml_dtypes.finfo(real_of(dtype)).eps)  # type: ignore[no-untyped-call]  # NumPy's knows no bfloat16
    return epsilon * (_STEPS + terms)


def assert_close(actual: npt.NDArray[Any], expected: npt.ArrayLike, terms: int = 1) -> None:
    """`actual` is `expected` up to rounding, relative to the largest of the finite values; nan equals nan.

    Complex numbers are compared by their distance.
    """
    bound = relative(actual.dtype, terms)
    if bound == 0:
        np.testing.assert_array_equal(actual, expected)
        return
    wide = np.complex128 if is_complex(actual.dtype) else np.float64
    exact = np.asarray(expected, dtype=wide)
    largest = np.abs(exact[np.isfinite(exact)]).max(initial=0.0)
    np.testing.assert_allclose(actual.astype(wide), exact, rtol=bound, atol=bound * float(largest))
