"""Routines as kernels: sorting by counting what comes before, Fourier transforms as the sums that they are.

The work grows with the square of the extent, shared by as many threads as there are results.
"""

from collections.abc import Callable, Mapping
from math import pi
from typing import TypeAlias

from graphc.kernel.buffer import Buffer, Role
from graphc.kernel.monoids import Monoid
from graphc.kernel.scalar import Axis, Fn, Formula, Load
from graphc.kernel.steps import Extern, Fold, Kernel, Stage, Store
from graphc.sizes import Size
from graphc.types import BOOL, DTYPES, INT64, complex_of, is_complex, is_floating, real_of

__all__ = ["Kernels", "kernels_of_routine"]

FLOAT64 = DTYPES["float64"]

Kernels: TypeAlias = tuple[list[Kernel], list[Buffer]]  # and what they hold between them


def kernels_of_routine(step: Extern) -> Kernels | None:
    """Kernels that do what a routine does; None where there are none."""
    made = _ROUTINES.get(step.routine)
    return None if made is None else made(step)


def _sort(step: Extern) -> Kernels:
    """Each element goes to the place whose number is that of the elements before it."""
    (x,), (values, places) = step.reads, step.writes
    descending = bool(dict(step.options).get("descending", False))
    axes = _axes(x)
    along = Axis(len(axes), x.shape[-1])
    rank = Buffer(Role.LOCAL, INT64, ())
    formula = Formula()
    index = [formula.axis(axis) for axis in axes]
    own = formula.add(Load(x, tuple(index), x.dtype))
    other = formula.add(Load(x, (*index[:-1], formula.axis(along)), x.dtype))
    is_before, is_behind = (_before(formula, *pair, descending) for pair in ((other, own), (own, other)))
    is_earlier = formula.call(Fn.LT, (formula.axis(along), index[-1]))
    ties = formula.call(Fn.AND, (is_earlier, formula.call(Fn.NOT, (is_behind,))))
    counted = formula.call(Fn.CAST, (formula.call(Fn.OR, (is_before, ties)),), INT64)
    counting = Stage((along,), tuple(formula.lets), (Fold(Monoid.SUM, counted, (rank,)),))
    formula = Formula()
    index = [formula.axis(axis) for axis in axes]
    own = formula.add(Load(x, tuple(index), x.dtype))
    place = (*index[:-1], formula.add(Load(rank, (), INT64)))
    stores = (Store(values, place, own), Store(places, place, index[-1]))
    return [Kernel(axes, (counting, Stage((), tuple(formula.lets), stores)), step.origins)], []


def _before(formula: Formula, first: int, second: int, descending: bool) -> int:
    """Whether an element comes before another; nan is larger than every number."""
    if descending:
        first, second = second, first
    less = formula.call(Fn.LT, (first, second))
    if not is_floating(formula.lets[first].dtype):
        return less
    is_nan, was_nan = (formula.call(Fn.ISNAN, (x,)) for x in (second, first))
    return formula.call(Fn.OR, (less, formula.call(Fn.AND, (is_nan, formula.call(Fn.NOT, (was_nan,))))))


def _axes(buffer: Buffer) -> tuple[Axis, ...]:
    return tuple([Axis(number, extent) for number, extent in enumerate(buffer.shape)])


# Fourier transforms: each result is a sum over an axis, of products with turns of the unit circle.


def _transform(step: Extern) -> Kernels:
    (x,), (y,) = step.reads, step.writes
    options = dict(step.options)
    at = len(y.shape) + int(options.get("axis", -1))
    is_inverse = step.routine == "irfft" or bool(options.get("inverse", False))
    n = y.shape[at] if step.routine == "irfft" else x.shape[at]
    real = real_of(y.dtype)
    turns = Buffer(Role.TEMPORARY, complex_of(real), (n,))
    axes, along = _axes(y), Axis(len(y.shape), x.shape[at])
    formula = Formula()
    index = [formula.axis(axis) for axis in axes]
    inner = formula.axis(along)
    value = formula.add(Load(x, (*index[:at], inner, *index[at + 1 :]), x.dtype))
    turned = formula.call(Fn.MOD, (formula.call(Fn.MUL, (index[at], inner)), formula.size(n)))
    turn = formula.add(Load(turns, (turned,), turns.dtype))
    cosine, sine = (formula.call(fn, (turn,), real) for fn in (Fn.REAL, Fn.IMAG))
    if not is_inverse:
        sine = formula.call(Fn.NEG, (sine,))
    if is_complex(x.dtype):
        parts = [formula.call(fn, (value,), real) for fn in (Fn.REAL, Fn.IMAG)]
        products = [[formula.call(Fn.MUL, (part, factor)) for factor in (cosine, sine)] for part in parts]
        sums = [
            formula.call(Fn.SUB, (products[0][0], products[1][1])),
            formula.call(Fn.ADD, (products[0][1], products[1][0])),
        ]
        if step.routine == "irfft":
            sums = [_twice(formula, sums[0], products[0][0], parts[0], inner, n)]
    else:
        sums = [formula.call(Fn.MUL, (value, factor)) for factor in (cosine, sine)]
    locals = [Buffer(Role.LOCAL, real, ()) for _ in sums]
    folds = tuple([Fold(Monoid.SUM, number, (local,)) for number, local in zip(sums, locals, strict=True)])
    adding = Stage((along,), tuple(formula.lets), folds)
    return [
        _turns(turns, n, step),
        Kernel(axes, (adding, _scaled(step, y, axes, at, locals, n)), step.origins),
    ], [turns]


def _twice(formula: Formula, term: int, half: int, first: int, inner: int, n: Size) -> int:
    """A term and that of the conjugate; the first one, and of an even extent the last, have none."""
    dtype = formula.lets[term].dtype
    twice = formula.call(Fn.ADD, (term, term))
    double = formula.call(Fn.MUL, (inner, formula.constant(2, INT64)))
    is_last = formula.call(Fn.EQ, (double, formula.size(n)))
    is_first = formula.call(Fn.EQ, (inner, formula.constant(0, INT64)))
    return formula.call(Fn.WHERE, (is_first, first, formula.call(Fn.WHERE, (is_last, half, twice), dtype)), dtype)


def _turns(turns: Buffer, n: Size, step: Extern) -> Kernel:
    """e^(2 pi i j / n) for every j."""
    axis = Axis(0, n)
    formula = Formula()
    j = formula.axis(axis)
    whole = formula.call(Fn.CAST, (formula.size(n),), FLOAT64)
    part = formula.call(Fn.DIV, (formula.call(Fn.CAST, (j,), FLOAT64), whole))
    angle = formula.call(Fn.MUL, (part, formula.constant(2 * pi, FLOAT64)))
    cosine, sine = (formula.call(fn, (angle,)) for fn in (Fn.COS, Fn.SIN))
    value = formula.call(Fn.COMPLEX, (cosine, sine), DTYPES["complex128"])
    if turns.dtype != DTYPES["complex128"]:
        value = formula.call(Fn.CAST, (value,), turns.dtype)
    return Kernel((axis,), (Stage((), tuple(formula.lets), (Store(turns, (j,), value),)),), step.origins)


def _scaled(step: Extern, y: Buffer, axes: tuple[Axis, ...], at: int, sums: list[Buffer], n: Size) -> Stage:
    """Sums as results: divided, and real where they have to be."""
    formula = Formula()
    index = [formula.axis(axis) for axis in axes]
    real, roots = real_of(y.dtype), dict(step.options).get("roots", 0)
    parts = [formula.add(Load(local, (), real)) for local in sums]
    if roots:
        scale = formula.call(Fn.CAST, (formula.size(n),), FLOAT64)
        scale = formula.call(Fn.SQRT, (scale,)) if roots == 1 else scale
        scale = scale if real == FLOAT64 else formula.call(Fn.CAST, (scale,), real)
        parts = [formula.call(Fn.DIV, (part, scale)) for part in parts]
    if step.routine == "rfft":
        double = formula.call(Fn.MUL, (index[at], formula.constant(2, INT64)))
        ends = [formula.call(Fn.EQ, (double, formula.size(end))) for end in (0, n)]
        is_real = formula.call(Fn.OR, ends, BOOL)
        parts[1] = formula.call(Fn.WHERE, (is_real, formula.constant(0.0, real), parts[1]), real)
    value = parts[0] if len(parts) == 1 else formula.call(Fn.COMPLEX, parts, y.dtype)
    return Stage((), tuple(formula.lets), (Store(y, tuple(index), value),))


_ROUTINES: Mapping[str, Callable[[Extern], Kernels]] = {
    "sort": _sort,
    "fft": _transform,
    "rfft": _transform,
    "irfft": _transform,
}
