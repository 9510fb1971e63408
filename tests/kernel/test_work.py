"""The bytes that steps move and their operations, counted by hand."""

from graphc.kernel.affine import AffineIndex
from graphc.kernel.buffer import Buffer
from graphc.kernel.monoids import Monoid
from graphc.kernel.scalar import Fn, Formula, Load
from graphc.kernel.steps import Contract, Extern, Kernel, Stage, Store
from graphc.kernel.work import Work, work_of
from graphc.sizes import Size
from graphc.types import DTYPES, INT64
from tests.kernel.building import F32, HERE, N, axes, element, given, load, output, pointwise, softmax


def plain(*numbers: int) -> tuple[AffineIndex, ...]:
    return tuple(AffineIndex(((number, 1),)) for number in numbers)


def added(first: Buffer, second: Buffer, out: Buffer, shift: int) -> Kernel:
    """out[i] = first[i] + second[i + shift]."""
    (axis,) = at = axes(*out.shape)
    formula = Formula()
    here = formula.axis(axis)
    there = formula.call(Fn.ADD, (here, formula.constant(shift, INT64)))
    value = formula.call(Fn.ADD, (load(formula, first, here), load(formula, second, there)))
    return Kernel(at, (Stage((), tuple(formula.lets), (Store(out, (here,), value),)),), HERE)


def test_a_row_that_several_stages_read_is_read_once() -> None:
    x, y = given(0, N, 10), output(0, N, 10)
    elements: Size = N * 10
    work = work_of(softmax(x, y))
    assert (work.read, work.written) == (4 * elements, 4 * elements)


def test_what_varies_along_one_axis_is_computed_once_for_each_of_its_points() -> None:
    rows, out = axes(N, 10), output(0, N, 10)
    bias = given(1, 10)
    formula = Formula()
    root = formula.call(Fn.EXP, (element(formula, bias, rows[1:]),))
    value = formula.call(Fn.ADD, (element(formula, given(0, N, 10), rows), root))
    store = Store(out, tuple(map(formula.axis, rows)), value)
    work = work_of(Kernel(rows, (Stage((), tuple(formula.lets), (store,)),), HERE))
    assert work == Work(4 * (N * 10) + 40, 4 * (N * 10), N * 10 + 10, 10)


def test_an_operand_read_at_two_places_counts_at_most_its_size() -> None:
    x, out = given(0, 10), output(0, 9)
    assert work_of(added(x, x, out, 1)) == Work(4 * 10, 4 * 9, 9)
    assert work_of(added(x, given(1, 10), out, 1)) == Work(4 * 18, 4 * 9, 9)


def test_what_is_looked_up_counts_as_often_as_it_is() -> None:
    index, table, out = given(0, 5, dtype=INT64), given(1, 1000), output(0, 5)
    at = axes(5)
    formula = Formula()
    place = element(formula, index, at)
    value = formula.add(Load(table, (place,), F32))
    kernel = Kernel(at, (Stage((), tuple(formula.lets), (Store(out, (formula.axis(at[0]),), value),)),), HERE)
    assert work_of(kernel) == Work(8 * 5 + 4 * 5, 4 * 5)


def test_combining_reads_what_is_there() -> None:
    x, out = given(0, 5), output(0, 5)
    (stage,) = pointwise(Fn.EXP, [x], out).stages
    (store,) = stage.effects
    assert isinstance(store, Store)
    combined = Stage((), stage.lets, (Store(out, store.index, store.value, Monoid.SUM),))
    assert work_of(Kernel(axes(5), (combined,), HERE)) == Work(4 * 10, 4 * 5, 10, 5)


def test_conversions_and_integers_are_no_flops() -> None:
    x, counts = given(0, 5), given(1, 5, dtype=INT64)
    assert work_of(pointwise(Fn.CAST, [x], output(0, 5, dtype=DTYPES["float64"]))) == Work(20, 40)
    assert work_of(pointwise(Fn.ADD, [counts, counts], output(0, 5, dtype=INT64))) == Work(40, 40)
    assert work_of(pointwise(Fn.LT, [x, x], output(0, 5, dtype=DTYPES["bool"]))) == Work(20, 5, 5)
    assert work_of(pointwise(Fn.FMA, [x, x, x], output(0, 5))).flops == 10


def test_a_contraction_is_a_product_and_a_sum_for_each_point() -> None:
    a, b, out = given(0, N, 4), given(1, 4, 3), output(0, N, 3)
    step = Contract((N, 3, 4), a, b, out, plain(0, 2), plain(2, 1), plain(0, 1), HERE)
    assert work_of(step) == Work(4 * (N * 4 + 12), 4 * (N * 3), 2 * (N * 12))
    adding = Contract((N, 3, 4), a, b, out, plain(0, 2), plain(2, 1), plain(0, 1), HERE, adds=True)
    assert work_of(adding).read == 4 * (N * 4 + 12 + N * 3)


def test_a_window_reads_each_element_once() -> None:
    x, w, out = given(0, 12), given(1, 3), output(0, 10)
    step = Contract((10, 3), x, w, out, (AffineIndex(((0, 1), (1, 1))),), plain(1), plain(0), HERE)
    assert work_of(step) == Work(4 * 12 + 4 * 3, 4 * 10, 60)


def test_a_routine_moves_its_operands_and_results() -> None:
    a, lower = given(0, 4, 4), output(0, 4, 4)
    assert work_of(Extern("cholesky", (), (a,), (lower,), HERE)) == Work(64, 64)
