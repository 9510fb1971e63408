"""Every row of the table of ops over integers and bool: NumPy's value, in the dtype of the node, or a refusal."""

from collections.abc import Sequence
from contextlib import suppress

import numpy as np
import pytest

from graphc.errors import GraphError
from graphc.ir.node import Node
from graphc.types import DTYPES, is_complex, is_differentiable
from tests.case import Array, Case
from tests.cases import CASES
from tests.dtype_coverage import as_given, operands
from tests.test_cases import nodes_for, results, run

FULL = ("int16", "int32", "uint16", "uint32", "uint64")
EACH = [*("bool", "int8", "int64", "uint8"), *(pytest.param(dtype, marks=pytest.mark.full) for dtype in FULL)]

#: rows whose reference says something else of integers, and why
OTHER = {
    "pow": "2 to the power of -1 is 0 among integers",
    "pow of a number": "2 to the power of -1 is 0 among integers",
    "window_sum": "the reference adds bools as numbers",
    "fold": "the reference adds bools as numbers",
    "topk": "equal elements, in another order",
    "det of singular matrices": "the operands are singular as floats alone",
    "unique_counts": "another number of elements is found than the row has room for",
    "unique_inverse": "another number of elements is found than the row has room for",
    "argpartition": "equal elements, in another order",
    "cholesky of a product": "a product of bools is one of truths, and singular here",
    "full_like": "2.5 is 2 among integers",
}


def taken(case: Case, nodes: Sequence[Node]) -> list[Node]:
    """The nodes of a row; none where the row refuses such operands."""
    with suppress(GraphError):
        return results(case, nodes)
    return []


@pytest.mark.parametrize("dtype", EACH)
@pytest.mark.parametrize("case", [c for c in CASES if c.name not in OTHER], ids=lambda case: case.name)
def test_values_of_integers_and_bool_are_those_of_numpy(case: Case, dtype: str) -> None:
    arrays = operands(case, DTYPES[dtype])
    if arrays is None:
        pytest.skip("for complex numbers alone")
    nodes = nodes_for(arrays)
    outputs = taken(case, nodes)
    if not outputs:
        return
    found = run(outputs, nodes, arrays)
    assert [y.dtype for y in found] == [node.dtype for node in outputs]
    wanted = list(as_given(case, arrays))
    assert not wanted or any(all(map(_same, found, each)) for each in wanted)


def _same(actual: Array, expected: Array) -> bool:
    """Whether two arrays have one shape, and the same values up to rounding in float32."""
    if actual.shape != expected.shape:
        return False
    if not is_differentiable(actual.dtype):
        return bool(np.array_equal(actual.astype(np.float64), expected.astype(np.float64), equal_nan=True))
    wide = np.complex128 if is_complex(actual.dtype) else np.float64
    exact = expected.astype(wide)
    largest = float(np.abs(exact[np.isfinite(exact)]).max(initial=1.0))
    return np.allclose(actual.astype(wide), exact, rtol=3e-5, atol=1e-5 * largest, equal_nan=True)
