"""Every row of the table of ops, by native kernels: values, dtypes, open sizes, derivatives."""

from collections.abc import Sequence

import numpy as np
import pytest

from graphc.driver import compile
from graphc.ir.node import Node
from tests.case import Array, Case
from tests.cases import CASES
from tests.test_cases import COMPLEX, WITH_SLOPES, nodes_for, results, sized_nodes_for, slopes_of
from tests.tolerance import assert_close

EVERY = pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
FULL = [pytest.param(dtype, marks=pytest.mark.full) for dtype in ("float64", "float16", "bfloat16")]


def require_values(case: Case, nodes: Sequence[Node], arrays: Sequence[Array]) -> None:
    """Raise where a row has another value or type than NumPy finds."""
    outputs = results(case, nodes)
    found = compile(list(nodes), outputs, backend="llvm")(*arrays)
    for y, actual, exact in zip(outputs, map(np.asarray, found), case.expected(arrays), strict=True):
        assert (actual.shape, actual.dtype) == (exact.shape, y.dtype)
        assert_close(actual, exact, case.terms)


@EVERY
@pytest.mark.parametrize("dtype", ["float32", *FULL])
def test_values_and_types_are_those_of_numpy(case: Case, dtype: str) -> None:
    arrays = case.arrays(dtype)
    require_values(case, nodes_for(arrays), arrays)


@pytest.mark.parametrize("dtype", ["complex64", pytest.param("complex128", marks=pytest.mark.full)])
@pytest.mark.parametrize("case", COMPLEX, ids=lambda case: case.name)
def test_values_of_complex_operands(case: Case, dtype: str) -> None:
    arrays = case.arrays(dtype)
    require_values(case, nodes_for(arrays), arrays)


@pytest.mark.full
@pytest.mark.parametrize("case", [c for c in CASES if c.symbolic], ids=lambda case: case.name)
def test_extents_may_be_sizes(case: Case) -> None:
    arrays = case.arrays("float64")
    require_values(case, sized_nodes_for(arrays), arrays)


@pytest.mark.full
@WITH_SLOPES
def test_derivatives_are_those_of_the_numpy_backend(case: Case, dtype: str) -> None:
    arrays = case.arrays(dtype)
    made = slopes_of(case, arrays)
    nodes, derivatives = list(made.nodes), list(made.derivatives)
    expected = compile(nodes, derivatives, backend="numpy")(*arrays)
    for found, exact in zip(compile(nodes, derivatives, backend="llvm")(*arrays), expected, strict=True):
        assert float(found) == pytest.approx(float(exact), rel=1e-8, abs=1e-8)
