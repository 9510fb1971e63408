"""Small programs, built by hand: what the tests of `graphc.kernel` run, verify and print."""

from collections.abc import Sequence

import numpy as np

from graphc.kernel.affine import AffineIndex
from graphc.kernel.arrays import Array
from graphc.kernel.buffer import Buffer, Role
from graphc.kernel.monoids import Monoid
from graphc.kernel.program import Program
from graphc.kernel.routines import Option
from graphc.kernel.scalar import Axis, Fn, Formula, Load
from graphc.kernel.steps import (
    Check,
    Contract,
    Extern,
    Fold,
    IndexInRange,
    Kernel,
    Prefix,
    SizesAgree,
    Stage,
    Step,
    Store,
)
from graphc.origin import Origin
from graphc.sizes import Size, symbol
from graphc.types import DTYPES, INT64, DType

N = symbol("n")
F32 = DTYPES["float32"]
F64 = DTYPES["float64"]
HERE = (Origin("no/model.py", 3, "model"),)


def floats(values: object) -> Array:
    """An array of float32."""
    return np.array(values, np.float32)


def given(slot: int, *shape: Size, dtype: DType = F32) -> Buffer:
    """An input."""
    return Buffer(Role.INPUT, dtype, shape, slot)


def variable(slot: int, *shape: Size, dtype: DType = F32) -> Buffer:
    return Buffer(Role.VARIABLE, dtype, shape, slot)


def output(slot: int, *shape: Size, dtype: DType = F32) -> Buffer:
    return Buffer(Role.OUTPUT, dtype, shape, slot)


def temporary(*shape: Size, dtype: DType = F32) -> Buffer:
    return Buffer(Role.TEMPORARY, dtype, shape)


def local(*shape: Size, dtype: DType = F32) -> Buffer:
    return Buffer(Role.LOCAL, dtype, shape)


def program_of(
    steps: Sequence[Step],
    inputs: Sequence[Buffer] = (),
    outputs: Sequence[Buffer] = (),
    *,
    variables: Sequence[Buffer] = (),
    constants: Sequence[Buffer] = (),
    commit: int | None = None,
    symbols: tuple[str, ...] = ("n",),
    aliases: dict[Buffer, Buffer] | None = None,
) -> Program:
    """A program; without `commit`, one that sets no variable."""
    return Program(
        tuple(steps),
        tuple(inputs),
        tuple(variables),
        tuple(constants),
        tuple(outputs),
        len(steps) if commit is None else commit,
        symbols,
        aliases or {},
    )


def axes(*extents: Size, start: int = 0) -> tuple[Axis, ...]:
    return tuple(Axis(number + start, extent) for number, extent in enumerate(extents))


def load(formula: Formula, buffer: Buffer, *index: int) -> int:
    return formula.add(Load(buffer, index, buffer.dtype))


def element(formula: Formula, buffer: Buffer, at: Sequence[Axis]) -> int:
    """The let for the element of `buffer` at the axes `at`."""
    return load(formula, buffer, *map(formula.axis, at))


def pointwise(fn: Fn, operands: Sequence[Buffer], out: Buffer) -> Kernel:
    """out[...] = fn(operands[...]), all of one shape."""
    at = axes(*out.shape)
    formula = Formula()
    value = formula.call(fn, [element(formula, operand, at) for operand in operands], out.dtype)
    store = Store(out, tuple(map(formula.axis, at)), value)
    return Kernel(at, (Stage((), tuple(formula.lets), (store,)),), HERE)


def copied(source: Buffer, out: Buffer) -> Kernel:
    return pointwise(Fn.CAST, [source], out)


def softmax(x: Buffer, y: Buffer) -> Kernel:
    """Softmax of the rows of x [n, m], in three stages."""
    row, column = axes(*x.shape)
    largest, total = local(dtype=x.dtype), local(dtype=x.dtype)

    def shifted(formula: Formula) -> int:
        difference = (element(formula, x, (row, column)), load(formula, largest))
        return formula.call(Fn.EXP, (formula.call(Fn.SUB, difference),))

    first, second, third = Formula(), Formula(), Formula()
    most = Fold(Monoid.MAX, element(first, x, (row, column)), (largest,))
    add = Fold(Monoid.SUM, shifted(second), (total,))
    quotient = third.call(Fn.DIV, (shifted(third), load(third, total)))
    store = Store(y, (third.axis(row), third.axis(column)), quotient)
    stages = [Stage((column,), tuple(f.lets), (e,)) for f, e in ((first, most), (second, add), (third, store))]
    return Kernel((row,), tuple(stages), HERE)


def folded(monoid: Monoid, x: Buffer, outs: Sequence[Buffer]) -> Kernel:
    """out[i] = the fold of x[i, :], for each result of the monoid."""
    row, column = axes(*x.shape)
    results = tuple(local(dtype=out.dtype) for out in outs)
    first, second = Formula(), Formula()
    fold = Fold(monoid, element(first, x, (row, column)), results)
    stores = tuple(
        Store(out, (second.axis(row),), load(second, result)) for out, result in zip(outs, results, strict=True)
    )
    stages = (Stage((column,), tuple(first.lets), (fold,)), Stage((), tuple(second.lets), stores))
    return Kernel((row,), stages, HERE)


def running(monoid: Monoid, x: Buffer, y: Buffer, *, reverse: bool = False) -> Kernel:
    """y[i, j] = the combination of x[i, 0] to x[i, j], or of x[i, j] to the last."""
    row, column = axes(*x.shape)
    result = local(column.extent, dtype=y.dtype)
    first, second = Formula(), Formula()
    prefix = Prefix(monoid, element(first, x, (row, column)), result, reverse)
    value = element(second, result, (column,))
    store = Store(y, (second.axis(row), second.axis(column)), value)
    stages = (Stage((column,), tuple(first.lets), (prefix,)), Stage((column,), tuple(second.lets), (store,)))
    return Kernel((row,), stages, HERE)


def scatter_add(places: Buffer, updates: Buffer, out: Buffer) -> Kernel:
    """out = 0; out[places[i]] += updates[i], in order."""
    (over,), (along,) = axes(*out.shape), axes(*updates.shape)
    first, second = Formula(), Formula()
    fill = Store(out, (first.axis(over),), first.constant(0.0, out.dtype))
    to = element(second, places, (along,))
    add = Store(out, (to,), element(second, updates, (along,)), Monoid.SUM)
    stages = (Stage((over,), tuple(first.lets), (fill,)), Stage((along,), tuple(second.lets), (add,)))
    return Kernel((), stages, HERE)


def padded(x: Buffer, y: Buffer, before: int) -> Kernel:
    """y[i] = x[i - before], and -1 where that is outside."""
    (at,) = axes(*y.shape)
    formula = Formula()
    place = formula.affine(AffineIndex(((0, 1),), -before), (formula.axis(at),))
    low = formula.call(Fn.GE, (place, formula.size(0)))
    high = formula.call(Fn.LT, (place, formula.size(x.shape[0])))
    inside = formula.call(Fn.AND, (low, high))
    other = formula.constant(-1.0, x.dtype)
    value = formula.add(Load(x, (place,), x.dtype, inside, other))
    store = Store(y, (formula.axis(at),), value)
    return Kernel((at,), (Stage((), tuple(formula.lets), (store,)),), HERE)


def matmul(left: Buffer, right: Buffer, out: Buffer) -> Contract:
    """out[i, j] = sum over k of left[i, k] right[k, j]."""
    i, j, k = (AffineIndex(((axis, 1),)) for axis in range(3))
    extents = (left.shape[0], right.shape[1], left.shape[1])
    return Contract(extents, left, right, out, (i, k), (k, j), (i, j), HERE)


def spread_window(x: Buffer, w: Buffer, out: Buffer, stride: int) -> Contract:
    """out[stride * i + k] += x[i] w[k]: the adjoint of a strided window."""
    i, k = AffineIndex(((0, 1),)), AffineIndex(((1, 1),))
    to = AffineIndex(((0, stride), (1, 1)))
    return Contract((x.shape[0], w.shape[0]), x, w, out, (i,), (k,), (to,), HERE)


def extern(routine: str, reads: Sequence[Buffer], writes: Sequence[Buffer], **options: Option) -> Extern:
    return Extern(routine, tuple(options.items()), tuple(reads), tuple(writes), HERE)


def index_check(index: Buffer, extent: Size, *, negative: bool = False) -> Check:
    return Check(IndexInRange(index, extent, negative), "take: index out of range", None, HERE)


def size_check(left: Size, right: Size) -> Check:
    return Check(SizesAgree(left, right), "add: extents differ", "pad the shorter", HERE)


def softmax_program() -> Program:
    x, y = given(0, N, 4), output(0, N, 4)
    return program_of([softmax(x, y)], [x], [y])


def training_program() -> Program:
    """y = x w after two checks, through views; then w = w + (-w), computed over a temporary."""
    x, w, y = given(0, N, 3), variable(0, 3), output(0, N)
    places = given(1, N, dtype=INT64)
    column = Buffer(Role.VARIABLE, F32, (3, 1), 0, w)
    product = temporary(N, 1)
    flat = Buffer(Role.TEMPORARY, F32, (N,), base=product)
    total, fresh = temporary(3), temporary(3)
    steps: list[Step] = [
        size_check(N, 3),
        index_check(places, 3, negative=True),
        matmul(x, column, product),
        copied(flat, y),
        pointwise(Fn.NEG, [w], total),
        pointwise(Fn.ADD, [w, total], fresh),
        copied(fresh, w),
    ]
    return program_of(steps, [x, places], [y], variables=[w], commit=6, aliases={fresh: total})
