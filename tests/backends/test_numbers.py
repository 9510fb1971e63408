"""Numbers in generated source: each has a name, and no two share one."""

import re

import numpy as np
import pytest

import graphc as gx
from graphc.backends.numpy.calls import number_name, number_text
from graphc.kernel.scalar import Const, Fn, Formula
from graphc.kernel.steps import Kernel, Stage, Store
from graphc.types import BFLOAT16, DTYPES, DType
from tests.backends.running import run, source_of
from tests.kernel.building import HERE, axes, element, given, output, program_of

F32, F64, I64 = DTYPES["float32"], DTYPES["float64"], DTYPES["int64"]


@pytest.mark.parametrize(
    ("value", "dtype", "name"),
    [
        (0.5, F32, "n_0_5"),
        (-0.0, F64, "n_minus_0"),
        (3, I64, "n_3"),
        (True, DTYPES["bool"], "n_True"),
        (float("nan"), F32, "n_nan"),
        (1e300, F64, ""),
        (0.1234567890123, F64, ""),
    ],
)
def test_a_short_number_has_a_name_that_reads_like_it(value: float, dtype: DType, name: str) -> None:
    assert number_name(Const(repr(value), value, dtype)) == name


def test_infinities_are_written_as_numpy_has_them() -> None:
    assert number_text(Const("inf", float("inf"), F32)) == "np.inf"
    assert number_text(Const("-inf", float("-inf"), BFLOAT16)) == "bfloat16(-np.inf)"


def test_numbers_that_read_alike_have_names_of_their_own() -> None:
    x, i = gx.input("x", (4,)), gx.input("i", (4,), "int64")
    d, b = gx.input("d", (4,), "float64"), gx.input("b", (4,), "int32")
    outputs = [gx.maximum(x, 0), gx.maximum(i, 0), gx.maximum(d, 0), gx.maximum(b, 0), x * 0.1, d * 0.1]
    given = [np.array([-1, 2, 3, -4]).astype(node.dtype) for node in (x, i, d, b)]
    for order in (outputs, outputs[::-1]):
        f = gx.compile([x, i, d, b], order, level=0, backend="numpy")
        bound = re.findall(r"^ +(n_\w+) = np.array", f.source, re.MULTILINE)
        assert len(set(bound)) == len(bound) == 6
        for found, node in zip(f(*given), order, strict=True):
            expected = gx.evaluate(node, dict(zip([x, i, d, b], given, strict=True)))
            np.testing.assert_array_equal(found, expected)
            assert found.dtype == node.dtype


def test_every_dtype_adds_its_own_one() -> None:
    dtypes = [d for d in DTYPES.values() if d.kind != "b"]
    inputs = [given(slot, 2, dtype=dtype) for slot, dtype in enumerate(dtypes)]
    outputs = [output(slot, 2, dtype=dtype) for slot, dtype in enumerate(dtypes)]
    steps = []
    for x, y in zip(inputs, outputs, strict=True):
        formula, at = Formula(), axes(2)
        one = formula.constant(1 if x.dtype.kind in "iu" else 1.0, x.dtype)
        total = formula.call(Fn.ADD, (element(formula, x, at), one))
        steps.append(Kernel(at, (Stage((), tuple(formula.lets), (Store(y, (formula.axis(at[0]),), total),)),), HERE))
    program = program_of(steps, inputs, outputs, symbols=())
    assert "np.array(bfloat16(1.0), bfloat16)" in source_of(program)
    found, _ = run(program, [np.array([1, 2], dtype) for dtype in dtypes])
    for array, dtype in zip(found, dtypes, strict=True):
        assert array.dtype == dtype
        assert np.real(array).astype(int).tolist() == [2, 3]
