"""Every row of the table of ops, by native kernels: values, dtypes, open sizes, derivatives."""

from collections.abc import Sequence

import numpy as np
import pytest

from graphc.autodiff.reverse import pull_back
from graphc.driver import compile
from graphc.ir.leaves import constant_array
from graphc.ir.node import Node
from graphc.types import is_differentiable
from tests.case import Array, Case
from tests.cases import CASES
from tests.test_cases import COMPLEX, WITH_SLOPES, directions, nodes_for, paired, results, sized_nodes_for
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
    rng = np.random.default_rng(1)
    arrays = case.arrays(dtype)
    nodes = nodes_for(arrays)
    places = [i for i, x in enumerate(nodes) if is_differentiable(x.dtype)]
    wrt = [nodes[i] for i in places]
    outputs = [y for y in results(case, nodes) if is_differentiable(y.dtype)]
    derivatives = [paired(outputs, directions(case.expected(arrays)[: len(outputs)], rng))]
    for _ in range(case.order):
        slopes = pull_back([derivatives[-1]], [constant_array(np.ones(()))], wrt)
        derivatives.append(paired(slopes, directions([arrays[i] for i in places], rng)))
    expected = compile(nodes, derivatives)(*arrays)
    for found, exact in zip(compile(nodes, derivatives, backend="llvm")(*arrays), expected, strict=True):
        assert float(found) == pytest.approx(float(exact), rel=1e-8, abs=1e-8)
