"""Every row of the table of ops in every dtype: what it is given, what comes out, and what it should be."""

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass

import numpy as np

from graphc.errors import GraphError
from graphc.types import BOOL, DTYPES, DType, is_complex, is_differentiable, is_floating, real_of
from tests.case import Array, Case
from tests.cases import CASES
from tests.docs.public_functions import public_name
from tests.test_cases import nodes_for, results, run

__all__ = ["COLUMNS", "REFUSED", "Covered", "as_given", "covered", "covered_functions", "operands"]

#: dtypes that stand for those of their kind
COLUMNS = ("bool", "int8", "int64", "uint8", "float16", "bfloat16", "float32", "float64", "complex64")


def operands(case: Case, dtype: DType) -> list[Array] | None:
    """The operands of a row in `dtype`, integers from 1 to 3 in size; None where only complex ones have a meaning.

    What a row draws as integers or bools beside floats, such as indices, stays what it is.
    """
    if is_floating(dtype) or is_complex(dtype):
        return case.arrays(dtype.name)
    rng = np.random.default_rng(0)
    drawn = [draw(rng) for draw in case.draws]
    if any(is_complex(array.dtype) for array in drawn):
        return None
    has_floats = any(is_floating(array.dtype) for array in drawn)
    return [_in(array, dtype) if is_floating(array.dtype) or not has_floats else array for array in drawn]


def _in(array: Array, dtype: DType) -> Array:
    if dtype == BOOL:
        return array if array.dtype == BOOL else array > 0
    size = np.clip(np.ceil(np.abs(np.nan_to_num(array.astype(np.float64)))), 1, 3)
    return (size * np.where(array < 0, -1, 1) if dtype.kind == "i" else size).astype(dtype)


def _all_in(case: Case, dtype: DType) -> list[Array]:
    """The operands of a row in `dtype`, all of them: of one that draws integers, or complex numbers, alone."""
    drawn = [np.real(array) for array in case.arrays("float64")]
    return [_in(array, dtype) if dtype.kind in "biu" else array.astype(dtype) for array in drawn]


def as_given(case: Case, arrays: Sequence[Array]) -> Iterator[list[Array]]:
    """What NumPy makes of a row: computed in the dtypes given, and in float64."""
    for wide in (arrays, [array.astype(np.float64) for array in arrays]):
        with np.errstate(all="ignore"):
            try:
                found = case.reference(*wide)
            except (TypeError, ValueError, IndexError, OverflowError, np.linalg.LinAlgError):
                continue
        yield [np.asarray(part) for part in (found if isinstance(found, tuple) else (found,))]


REFUSED = "–"


@dataclass
class Covered:
    """What one function takes.

    results   dtype of the operands -> of the first result, or REFUSED
    error     the largest in float32, in units of eps of the largest element of a result
    """

    results: Mapping[str, str]
    error: float = 0.0


def covered() -> Mapping[str, Covered]:
    """For each public function of arrays what the first row about it takes, and the largest error of all its rows."""
    found: dict[str, Covered] = {}
    for case in CASES:
        name = _function_of(case.name)
        if name is not None and name not in found:
            found[name] = Covered({column: _result(case, DTYPES[column]) for column in COLUMNS})
        if name is not None:
            found[name].error = max(found[name].error, _error(case))
    return found


def covered_functions() -> set[str]:
    """The functions that rows of the table are about, by their public names."""
    return {name for case in CASES if (name := _function_of(case.name))}


def _result(case: Case, dtype: DType) -> str:
    """The dtype of the first result of a row for operands of `dtype`, or REFUSED."""
    arrays = operands(case, dtype)
    if arrays is None or all(array.dtype != dtype for array in arrays):
        arrays = _all_in(case, dtype)
    with suppress(GraphError):
        return results(case, nodes_for(arrays))[0].dtype.name
    return REFUSED


#: rows that are called by an op, or by what they show, and the functions that they are about
FUNCTIONS = {
    "sub": "subtract",
    "mul": "multiply",
    "product": "multiply",
    "div": "divide",
    "neg": "negative",
    "mod": "remainder",
    "pow": "power",
    "cast": "astype",
    "compare": "not_equal",
    "parts": "real",
    "spread": "broadcast_to",
    "declare": "broadcast_to",
    "vector": "vector_norm",
    "matrix": "matrix_norm",
}


def _function_of(row: str) -> str | None:
    """The public name of the function that a row is about; none where it is about an op alone, or takes no arrays."""
    name = re.split(r"[ ,(]", row)[0]
    if re.match(r"(set|add|multiply|max|min) (at|where a mask) ", row):
        return f"at(x)[...].{name}"
    if name in ("slice", "index"):
        return "x[...]"
    return "op" if name == "formula" else public_name(FUNCTIONS.get(name, name))


def _error(case: Case) -> float:
    """The largest error of a row in float32, in units of eps of the largest element."""
    arrays = case.arrays("float32")
    nodes = nodes_for(arrays)
    worst = 0.0
    for actual, exact in zip(run(results(case, nodes), nodes, arrays), case.expected(arrays), strict=True):
        if not is_differentiable(actual.dtype):
            continue
        finite = np.isfinite(exact)
        largest = float(np.abs(exact[finite]).max(initial=0.0))
        off = float(np.abs(actual[finite] - exact[finite]).max(initial=0.0))
        worst = max(worst, off / (float(np.finfo(real_of(actual.dtype)).eps) * largest) if largest else 0.0)
    return worst
