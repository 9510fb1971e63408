"""What programs mean: the interpreter against NumPy, and the corners by hand."""

from collections.abc import Mapping, Sequence

import numpy as np
import pytest

from graphc.errors import IndexRangeError, ShapeError
from graphc.kernel.affine import AffineIndex
from graphc.kernel.arrays import Array
from graphc.kernel.buffer import Buffer, Role
from graphc.kernel.contractions import kernels_of
from graphc.kernel.framing import framed
from graphc.kernel.monoids import Monoid
from graphc.kernel.program import Program
from graphc.kernel.reference import interpret
from graphc.kernel.scalar import Fn, Formula
from graphc.kernel.steps import Contract, Fold, Kernel, Stage, Store
from graphc.kernel.verify import verify
from graphc.types import BFLOAT16, BOOL, DTYPES, INT64, DType
from tests.kernel.building import (
    F32,
    F64,
    HERE,
    N,
    axes,
    copied,
    element,
    extern,
    floats,
    folded,
    given,
    index_check,
    load,
    local,
    matmul,
    output,
    padded,
    pointwise,
    program_of,
    running,
    scatter_add,
    size_check,
    softmax_program,
    spread_window,
    temporary,
    training_program,
    variable,
)

NAN = np.nan
INF = np.inf


def run(
    program: Program,
    inputs: Sequence[Array],
    sizes: Mapping[str, int] | None = None,
    variables: Sequence[Array] = (),
) -> list[Array]:
    """The outputs of a program that verifies."""
    verify(program)
    return interpret(program, inputs, variables, sizes or {})[0]


def fold_of(monoid: Monoid, rows: Array, *dtypes: DType) -> list[Array]:
    x = given(0, *rows.shape, dtype=rows.dtype)
    outs = [output(slot, len(rows), dtype=dtype) for slot, dtype in enumerate(dtypes)]
    return run(program_of([folded(monoid, x, outs)], [x], outs, symbols=()), [rows])


def prefix_of(monoid: Monoid, rows: Array, *, reverse: bool = False) -> Array:
    x, y = given(0, *rows.shape, dtype=rows.dtype), output(0, *rows.shape, dtype=rows.dtype)
    return run(program_of([running(monoid, x, y, reverse=reverse)], [x], [y], symbols=()), [rows])[0]


# Kernels.


def test_softmax_in_three_stages() -> None:
    x = np.array([[1, 2, 3, 4], [1000, 0, -1000, 999]], np.float32)
    exact = np.exp(x - x.max(1, keepdims=True).astype(float))
    exact /= exact.sum(1, keepdims=True)
    (y,) = run(softmax_program(), [x], {"n": 2})
    assert y.dtype == F32
    np.testing.assert_allclose(y, exact, rtol=1e-6)


def test_no_rows_give_no_rows() -> None:
    (y,) = run(softmax_program(), [np.empty((0, 4), np.float32)], {"n": 0})
    assert y.shape == (0, 4)


def test_arithmetic_has_the_dtype_of_the_let() -> None:
    x, y = given(0, N, dtype=BFLOAT16), output(0, N, dtype=BFLOAT16)
    ones = np.array([1, 1 / 256], BFLOAT16)
    (total,) = run(program_of([pointwise(Fn.ADD, [x, x], y)], [x], [y]), [ones], {"n": 2})
    assert total.dtype == BFLOAT16
    np.testing.assert_array_equal(total.astype(float), [2, 1 / 128])


def test_guarded_load_reads_nothing_outside() -> None:
    x, y = given(0, 3), output(0, 6)
    (shifted,) = run(program_of([padded(x, y, 2)], [x], [y], symbols=()), [floats([1, 2, 3])])
    np.testing.assert_array_equal(shifted, [-1, -1, 1, 2, 3, -1])


def test_unguarded_load_outside_is_a_mistake_of_the_compiler() -> None:
    x, y = given(0, 3), output(0, 4)
    program = program_of([copied(x, y)], [x], [y], symbols=())
    with pytest.raises(AssertionError, match=r"index \(3,\) of an array of shape \(3,\)"):
        run(program, [np.zeros(3, np.float32)])


def test_negative_index_is_a_mistake_of_the_compiler() -> None:
    places, x, y = given(0, 2, dtype=INT64), given(1, 2), output(0, 2)
    program = program_of([scatter_add(places, x, y)], [places, x], [y], symbols=())
    with pytest.raises(AssertionError, match=r"index \(-1,\)"):
        run(program, [np.array([0, -1]), np.ones(2, np.float32)])


def test_size_and_constant_are_numbers_of_their_dtype() -> None:
    y = output(0, dtype=F64)
    formula = Formula()
    value = formula.call(Fn.DIV, (formula.size(N, F64), formula.constant(4.0, F64)))
    stage = Stage((), tuple(formula.lets), (Store(y, (), value),))
    (quotient,) = run(program_of([Kernel((), (stage,), HERE)], [], [y]), [], {"n": 10})
    assert quotient == 2.5


def test_inner_axes_run_in_the_order_of_their_numbers() -> None:
    y = output(0, dtype=INT64)
    i, j = axes(2, 3)
    formula = Formula()
    place = formula.affine(AffineIndex(((0, 3), (1, 1))), (formula.axis(i), formula.axis(j)))
    stage = Stage((j, i), tuple(formula.lets), (Store(y, (), place),))
    (last,) = run(program_of([Kernel((), (stage,), HERE)], [], [y], symbols=()), [])
    assert last == 5


def test_points_that_write_one_element_are_found() -> None:
    y = output(0, dtype=INT64)
    (i,) = axes(2)
    formula = Formula()
    number = formula.axis(i)
    stage = Stage((), tuple(formula.lets), (Store(y, (), number),))
    with pytest.raises(AssertionError, match=r"points \(0,\) and \(1,\) meet"):
        run(program_of([Kernel((i,), (stage,), HERE)], [], [y], symbols=()), [])


# Folds.


def test_sum_over_nothing_is_zero() -> None:
    np.testing.assert_array_equal(fold_of(Monoid.SUM, np.empty((2, 0), np.float32), F32)[0], [0, 0])


def test_sum_accumulates_in_the_dtype_of_the_result() -> None:
    rows = np.full((1, 3000), 1, np.float16)
    assert fold_of(Monoid.SUM, rows, F32)[0] == 3000
    assert fold_of(Monoid.SUM, rows, DTYPES["float16"])[0] == 2048


def test_sum_of_bools_counts_in_an_integer_result() -> None:
    assert fold_of(Monoid.SUM, np.array([[True, False, True]]), INT64)[0] == 2


def test_product_of_integers_wraps() -> None:
    assert fold_of(Monoid.PROD, np.full((1, 3), 7, np.int8), DTYPES["int8"])[0] == 343 - 256


def test_maximum_passes_nan_on() -> None:
    rows = floats([[1, NAN, 3], [1, 2, -3]])
    np.testing.assert_array_equal(fold_of(Monoid.MAX, rows, F32)[0], [NAN, 2])
    np.testing.assert_array_equal(fold_of(Monoid.MIN, rows, F32)[0], [NAN, -3])


def test_any_and_all() -> None:
    rows = np.array([[True, False], [False, False], [True, True]])
    np.testing.assert_array_equal(fold_of(Monoid.ANY, rows, BOOL)[0], [True, False, True])
    np.testing.assert_array_equal(fold_of(Monoid.ALL, rows, BOOL)[0], [False, False, True])


def test_argmax_gives_value_and_first_index() -> None:
    rows = floats([[1, 3, 3], [-INF, -INF, -INF], [0.0, -0.0, -1]])
    values, places = fold_of(Monoid.ARGMAX, rows, F32, INT64)
    np.testing.assert_array_equal(values, [3, -INF, 0])
    np.testing.assert_array_equal(places, [1, 0, 0])


def test_argmax_takes_the_first_nan() -> None:
    rows = floats([[1, NAN, INF, NAN], [NAN, 1, 2, 3]])
    np.testing.assert_array_equal(fold_of(Monoid.ARGMAX, rows, F32, INT64)[1], [1, 0])
    np.testing.assert_array_equal(fold_of(Monoid.ARGMIN, rows, F32, INT64)[1], [1, 0])


def test_argmin_with_one_result_gives_the_index_alone() -> None:
    (places,) = fold_of(Monoid.ARGMIN, np.array([[3, 1, 1], [-128, -128, 2]], np.int8), INT64)
    np.testing.assert_array_equal(places, [1, 0])


def test_argmax_of_bools() -> None:
    rows = np.array([[False, True, True], [False, False, False]])
    np.testing.assert_array_equal(fold_of(Monoid.ARGMAX, rows, INT64)[0], [1, 0])


def test_fold_goes_over_all_inner_axes() -> None:
    x, y = given(0, 2, 3), output(0)
    at, total = axes(2, 3), local()
    first, second = Formula(), Formula()
    fold = Fold(Monoid.SUM, element(first, x, at), (total,))
    store = Store(y, (), element(second, total, ()))
    stages = (Stage(at, tuple(first.lets), (fold,)), Stage((), tuple(second.lets), (store,)))
    program = program_of([Kernel((), stages, HERE)], [x], [y], symbols=())
    assert run(program, [np.arange(6, dtype=np.float32).reshape(2, 3)])[0] == 15


def test_fold_into_a_buffer_has_an_element_per_row() -> None:
    x, y = given(0, 2, 3), output(0, 2)
    row, column = axes(2, 3)
    formula = Formula()
    fold = Fold(Monoid.SUM, element(formula, x, (row, column)), (y,))
    kernel = Kernel((row,), (Stage((column,), tuple(formula.lets), (fold,)),), HERE)
    (sums,) = run(program_of([kernel], [x], [y], symbols=()), [floats([[1, 2, 3], [4, 5, 6]])])
    np.testing.assert_array_equal(sums, [6, 15])


# Prefixes.


def test_prefix_includes_the_present_element() -> None:
    rows = floats([[1, 2, 3], [4, 5, 6]])
    np.testing.assert_array_equal(prefix_of(Monoid.SUM, rows), np.cumsum(rows, 1))


def test_reverse_prefix_runs_from_the_last() -> None:
    rows = floats([[1, 2, 3], [4, 5, 6]])
    np.testing.assert_array_equal(prefix_of(Monoid.SUM, rows, reverse=True), [[6, 5, 3], [15, 11, 6]])


def test_running_maximum_keeps_nan() -> None:
    np.testing.assert_array_equal(prefix_of(Monoid.MAX, floats([[1, NAN, 3]])), [[1, NAN, NAN]])


def test_prefix_along_nothing_is_nothing() -> None:
    assert prefix_of(Monoid.SUM, np.empty((2, 0), np.float32)).shape == (2, 0)


# Stores.


def test_scatter_adds_in_order() -> None:
    places, x, y = given(0, 4, dtype=INT64), given(1, 4), output(0, 3)
    program = program_of([scatter_add(places, x, y)], [places, x], [y], symbols=())
    (out,) = run(program, [np.array([2, 0, 2, 2]), floats([1e8, 5, 1, -1e8])])
    np.testing.assert_array_equal(out, [5, 0, 0])  # 1e8 + 1 is 1e8


def test_what_is_not_written_is_nan() -> None:
    y = output(0, 3)
    formula = Formula()
    store = Store(y, (formula.size(1),), formula.constant(7.0, F32))
    program = program_of([Kernel((), (Stage((), tuple(formula.lets), (store,)),), HERE)], [], [y], symbols=())
    np.testing.assert_array_equal(run(program, [])[0], [NAN, 7, NAN])


def test_local_starts_anew_for_every_row() -> None:
    y = output(0, 2)
    (i,), kept = axes(2), local(2)
    first, second = Formula(), Formula()
    keep = Store(kept, (first.axis(i),), first.constant(1.0, F32))
    store = Store(y, (second.axis(i),), load(second, kept, second.size(0)))
    stages = (Stage((), tuple(first.lets), (keep,)), Stage((), tuple(second.lets), (store,)))
    (out,) = run(program_of([Kernel((i,), stages, HERE)], [], [y], symbols=()), [])
    np.testing.assert_array_equal(out, [1, NAN])


# Contractions.


def test_contraction_is_a_matrix_product() -> None:
    x, w, y = given(0, N, 3), given(1, 3, 2), output(0, N, 2)
    left, right = np.arange(12, dtype=np.float32).reshape(4, 3), floats([[1, 2], [3, 4], [5, 6]])
    (out,) = run(program_of([matmul(x, w, y)], [x, w], [y]), [left, right], {"n": 4})
    np.testing.assert_array_equal(out, left @ right)


def test_contraction_reads_zeros_outside_of_its_operands_where_it_is_guarded() -> None:
    x, w, y = given(0, N), given(1, 3), output(0, N)
    i, j = AffineIndex(((0, 1),)), AffineIndex(((1, 1),))
    window = AffineIndex(((0, 1), (1, 1)), -1)
    step = Contract((N, 3), x, w, y, (window,), (j,), (i,), HERE, guarded=True)
    left, right = floats([1, 2, 3, 4]), floats([10, 100, 1000])
    expected = np.correlate(np.pad(left, 1), right)
    guarded = program_of([step], [x, w], [y])
    for program in (guarded, framed(guarded), program_of([*kernels_of(step)], [x, w], [y])):
        (out,) = run(program, [left, right], {"n": 4})
        np.testing.assert_array_equal(out, expected)


def test_contraction_accumulates_in_the_dtype_of_the_output() -> None:
    half = DTYPES["float16"]
    x, w, y = given(0, 1, 3000, dtype=half), given(1, 3000, 1, dtype=half), output(0, 1, 1)
    ones = np.ones((1, 3000), np.float16)
    assert run(program_of([matmul(x, w, y)], [x, w], [y], symbols=()), [ones, ones.T])[0] == 3000


def test_contraction_over_nothing_is_zero() -> None:
    x, w, y = given(0, 2, N), given(1, N, 2), output(0, 2, 2)
    empty = np.empty((2, 0), np.float32)
    (out,) = run(program_of([matmul(x, w, y)], [x, w], [y]), [empty, empty.T], {"n": 0})
    np.testing.assert_array_equal(out, np.zeros((2, 2)))


def test_contraction_with_a_window_in_the_output_adds_where_windows_meet() -> None:
    x, w, y = given(0, 3), given(1, 3), output(0, 7)
    program = program_of([spread_window(x, w, y, 2)], [x, w], [y], symbols=())
    (out,) = run(program, [floats([1, 2, 3]), floats([1, 10, 100])])
    np.testing.assert_array_equal(out, [1, 10, 102, 20, 203, 30, 300])


# Externs.


def test_extern_sorts_and_says_where_from() -> None:
    x, y, places = given(0, N, 3), output(0, N, 3), output(1, N, 3, dtype=INT64)
    program = program_of([extern("sort", [x], [y, places])], [x], [y, places])
    values, found = run(program, [floats([[3, NAN, 1], [2, 1, 2]])], {"n": 2})
    np.testing.assert_array_equal(values, [[1, 3, NAN], [1, 2, 2]])
    np.testing.assert_array_equal(found, [[2, 0, 1], [1, 0, 2]])


def test_extern_is_told_its_options() -> None:
    a, b, x = given(0, 2, 2), given(1, 2, 1), output(0, 2, 1)
    step = extern("triangular_solve", [a, b], [x], lower=False)
    matrix, right = floats([[2, 1], [99, 4]]), floats([[4], [8]])
    (solved,) = run(program_of([step], [a, b], [x], symbols=()), [matrix, right])
    np.testing.assert_array_equal(solved, [[1], [2]])


# Checks.


def test_sizes_that_agree_pass() -> None:
    y = output(0)
    formula = Formula()
    store = Store(y, (), formula.constant(1.0, F32))
    fill = Kernel((), (Stage((), tuple(formula.lets), (store,)),), HERE)
    assert run(program_of([size_check(N, 3), fill], [], [y]), [], {"n": 3})[0] == 1


def test_sizes_that_differ_raise_with_the_line() -> None:
    with pytest.raises(ShapeError, match=r"add: extents differ, n = 4 and 3\n  at model\.py:3 in model"):
        run(program_of([size_check(N, 3)]), [], {"n": 4})


@pytest.mark.parametrize(("index", "negative"), [(3, False), (3, True), (-1, False), (-4, True)])
def test_index_outside_raises(index: int, negative: bool) -> None:
    places = given(0, 2, dtype=INT64)
    program = program_of([index_check(places, 3, negative=negative)], [places], symbols=())
    with pytest.raises(IndexRangeError, match=f"{index} is not in"):
        run(program, [np.array([0, index])])


def test_negative_index_passes_where_it_is_allowed() -> None:
    places = given(0, 2, dtype=INT64)
    assert run(program_of([index_check(places, 3, negative=True)], [places], symbols=()), [np.array([-3, 2])]) == []


# Memory.


def test_variables_have_new_values_and_the_given_ones_stay() -> None:
    x, w = np.eye(3, dtype=np.float32), floats([1, 2, 3])
    places = np.array([0, -3, 2])
    (y,), (updated,) = interpret(training_program(), [x, places], [w], {"n": 3})
    np.testing.assert_array_equal(y, [1, 2, 3])
    np.testing.assert_array_equal(updated, [0, 0, 0])
    np.testing.assert_array_equal(w, [1, 2, 3])


def test_constants_are_read_by_slot() -> None:
    first, second = (Buffer(Role.CONSTANT, F32, (2,), slot) for slot in (0, 1))
    x, y = output(0, 2), output(1, 2)
    steps = [copied(second, x), copied(first, y)]
    program = program_of(steps, outputs=[x, y], constants=[first, second], symbols=())
    arrays = [floats([1, 2]), floats([3, 4])]
    outputs, _ = interpret(program, [], [], {}, arrays)
    np.testing.assert_array_equal(outputs, [[3, 4], [1, 2]])


def test_temporary_written_over_another_has_its_elements() -> None:
    places, x, y = given(0, 2, dtype=INT64), given(1, 3), output(0, 3)
    base, total = temporary(3), temporary(3)
    (i,) = axes(2)
    formula = Formula()
    add = Store(total, (element(formula, places, (i,)),), formula.constant(10.0, F32), Monoid.SUM)
    scatter = Kernel((), (Stage((i,), tuple(formula.lets), (add,)),), HERE)
    program = program_of(
        [copied(x, base), scatter, copied(total, y)], [places, x], [y], symbols=(), aliases={total: base}
    )
    (out,) = run(program, [np.array([2, 2]), floats([1, 2, 3])])
    np.testing.assert_array_equal(out, [1, 2, 23])


def test_variable_is_updated_in_place() -> None:
    w = variable(0, 2)
    program = program_of([pointwise(Fn.ADD, [w, w], w)], variables=[w], commit=0, symbols=())
    _, (doubled,) = interpret(program, [], [floats([1, 2])], {})
    np.testing.assert_array_equal(doubled, [2, 4])
