"""Steps of one pattern are the same but for the buffers they touch."""

from dataclasses import replace

from graphc.kernel.affine import AffineIndex
from graphc.kernel.buffer import Buffer
from graphc.kernel.pattern import formed, on_buffers, opened, opened_kernel, overlaps, pattern_of
from graphc.kernel.scalar import Fn, Formula
from graphc.kernel.steps import Contract, Kernel, Stage, Store
from graphc.kernel.text import kernel_text
from graphc.sizes import Size
from graphc.types import DTYPES, INT64
from tests.kernel.building import HERE, axes, given, load, matmul, output, pointwise, softmax, temporary


def test_kernels_on_other_buffers_have_one_pattern() -> None:
    one, buffers = pattern_of(pointwise(Fn.ADD, [given(0, 4), given(1, 4)], output(0, 4)))
    other, _ = pattern_of(pointwise(Fn.ADD, [given(2, 4), given(3, 4)], output(1, 4)))
    assert one == other
    assert [buffer.slot for buffer in buffers] == [0, 1, 0]


def test_whether_two_operands_are_one_buffer_is_part_of_the_pattern() -> None:
    x = given(0, 4)
    one, _ = pattern_of(pointwise(Fn.ADD, [x, x], output(0, 4)))
    other, _ = pattern_of(pointwise(Fn.ADD, [x, given(1, 4)], output(0, 4)))
    assert one != other


def test_which_buffers_have_the_same_bytes_is_told_apart_from_views() -> None:
    x, y, z = temporary(4), temporary(4), temporary(4)
    view = Buffer(x.role, x.dtype, (2, 2), base=x)
    assert overlaps([x, y, z], lambda buffer: buffer.root) == ()
    assert overlaps([x, view, y], lambda buffer: buffer.root) == ()
    assert overlaps([x, view, y, z], {x: x, view: x, y: y, z: x}.__getitem__) == (0, 0, 1, 0)


def test_function_role_type_and_shape_are_part_of_the_pattern() -> None:
    x, y = given(0, 4), output(0, 4)
    steps = [
        pointwise(Fn.EXP, [x], y),
        pointwise(Fn.LOG, [x], y),
        pointwise(Fn.EXP, [temporary(4)], y),
        pointwise(Fn.EXP, [given(0, 5)], output(0, 5)),
        pointwise(Fn.EXP, [given(0, 4, dtype=DTYPES["float64"])], output(0, 4, dtype=DTYPES["float64"])),
    ]
    assert len({pattern_of(step)[0] for step in steps}) == len(steps)


def test_a_kernel_moved_to_other_buffers_is_the_one_written_for_them() -> None:
    x, y, u, v = given(0, 3, 4), output(0, 3, 4), given(1, 3, 4), output(1, 3, 4)
    moved, written = on_buffers(softmax(x, y), {x: u, y: v}, HERE), softmax(u, v)
    assert pattern_of(moved)[0] == pattern_of(written)[0]
    names = {u: "x1", v: "y1"}
    assert kernel_text(moved, names) == kernel_text(written, names)


def test_kernels_made_of_one_have_its_form_and_write_their_stages_when_asked() -> None:
    x, y, u, v = given(0, 3, 4), output(0, 3, 4), given(1, 3, 4), output(1, 3, 4)
    first = formed(softmax(x, y))
    moved = on_buffers(first, {x: u, y: v}, HERE)
    again = on_buffers(moved, {u: x, v: y}, HERE)
    assert moved.form is again.form is first.form
    assert again.written is moved.written is first
    assert (moved.reads, moved.writes, again.reads, again.writes) == ((u,), (v,), (x,), (y,))
    assert "stages" not in vars(moved)
    names = {x: "x0", y: "y0"}
    assert kernel_text(again, names) == kernel_text(first, names)


def test_a_moved_kernel_shares_no_local() -> None:
    x, y, u, v = given(0, 3, 4), output(0, 3, 4), given(1, 3, 4), output(1, 3, 4)
    first = softmax(x, y)
    assert not set(first.locals) & set(on_buffers(first, {x: u, y: v}, HERE).locals)


def test_products_with_one_row_after_another_have_one_pattern() -> None:
    x, w, out = given(0, 5, 4), given(1, 4, 3), output(0, 3)
    k, j = AffineIndex(((0, 1),)), AffineIndex(((1, 1),))

    def row(number: int) -> Contract:
        return Contract((4, 3), x, w, out, (AffineIndex((), number), k), (k, j), (j,), HERE)

    (first, numbers), (second, others) = opened(row(2)), opened(row(4))
    assert pattern_of(first)[0] == pattern_of(second)[0]
    assert (list(numbers.values()), list(others.values())) == ([2], [4])


def test_a_product_that_reaches_outside_of_its_operands_has_another_pattern() -> None:
    step = matmul(given(0, 2, 3), given(1, 3, 4), output(0, 2, 4))
    assert pattern_of(step)[0] != pattern_of(replace(step, guarded=True))[0]
    fixed = replace(step, left_index=(AffineIndex((), 1), step.left_index[1]), guarded=True)
    assert opened(fixed)[0].guarded
    assert fixed.product.guarded


def test_a_product_without_fixed_positions_is_open_already() -> None:
    step = matmul(given(0, 2, 3), given(1, 3, 4), output(0, 2, 4))
    assert opened(step) == (step, {})


def test_kernels_that_read_and_store_one_row_after_another_have_one_pattern() -> None:
    x, out, y = given(0, 9, 4), temporary(9, 4), temporary(4)

    def row(source: Buffer, target: Buffer, at: int) -> Kernel:
        (axis,) = axes(4)
        formula = Formula()
        place = (formula.constant(at, INT64), formula.axis(axis))
        value = load(formula, source, *(place if len(source.shape) > 1 else place[1:]))
        effect = Store(target, place if len(target.shape) > 1 else place[1:], value)
        return Kernel((axis,), (Stage((), tuple(formula.lets), (effect,)),), HERE)

    def opened_at(kernel: Kernel) -> tuple[Kernel, list[int]]:
        places: dict[Size, int] = {}
        return opened_kernel(kernel, lambda buffer: buffer.root, places), list(places.values())

    for source, target in ((x, y), (y, out), (x, out)):
        one, other = opened_at(row(source, target, 2)), opened_at(row(source, target, 5))
        assert pattern_of(one[0])[0] == pattern_of(other[0])[0]
        assert (one[1], other[1]) == ([2], [5])
    assert opened_at(row(x, y, 0))[1] == []  # the first row is read in many ways
    assert opened_at(row(out, out, 2))[1] == []  # which element is read may matter to what is written
