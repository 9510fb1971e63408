"""What a contraction is to backends that have no more for it: kernels, and the axes of its epilogue."""

from collections.abc import Iterator, Sequence
from itertools import pairwise

from graphc.kernel.accesses import merged_axes
from graphc.kernel.affine import axes_in
from graphc.kernel.buffer import Buffer, Role
from graphc.kernel.guards import Guard, guards_of
from graphc.kernel.monoids import Monoid, number_in
from graphc.kernel.scalar import Axis, AxisIndex, Fn, Formula, Load
from graphc.kernel.stages import stage_plan
from graphc.kernel.steps import Contract, Fold, Kernel, Stage, Store
from graphc.types import NARROW, accumulator

__all__ = ["axes_of", "cleared", "kernels_of", "walked_as_one"]


def axes_of(contract: Contract) -> tuple[tuple[Axis, int], ...]:
    """The axes of the epilogue, each with the number of the axis of the contraction that it is; -1 for none."""
    then = contract.then
    assert then is not None, contract
    (stage,) = then.stages
    own = next(let.index for let in stage.lets if isinstance(let, Load) and let.buffer is contract.out)
    found: dict[Axis, int] = {}
    for part, place in zip(contract.out_index, own, strict=True):
        let = stage.lets[place]
        if part.terms and isinstance(let, AxisIndex):
            found[let.axis] = part.terms[0][0]
    return tuple([(axis, found.get(axis, -1)) for axis in then.outer])


def walked_as_one(contract: Contract) -> frozenset[tuple[int, int]]:
    """Pairs of axes of the contraction, each followed by the next one, that its epilogue can walk as one."""
    then = contract.then
    assert then is not None, contract
    (stage,) = then.stages
    plan = stage_plan(stage, then.outer)
    numbers = dict(axes_of(contract))
    outer = sorted(then.outer, key=lambda axis: axis.number)
    _, became = merged_axes(outer, plan.accesses, plan.used)
    several = [axis for axis in outer if axis.extent != 1]
    return frozenset((numbers[axis], numbers[after]) for axis, after in pairwise(several) if became[axis] is None)


def kernels_of(contract: Contract) -> Iterator[Kernel]:
    """Kernels that make the product, without its epilogue."""
    axes = [Axis(number, extent) for number, extent in enumerate(contract.extents)]
    walked = axes_in(contract.out_index)
    if not contract.is_whole:
        if not contract.adds:
            yield cleared(contract.out)
        yield _scattered(contract, axes)
        return
    outer = tuple(axis for axis in axes if axis.number in walked)
    inner = tuple(axis for axis in axes if axis.number not in walked)
    dtype = accumulator(contract.out.dtype)
    total = Buffer(Role.LOCAL, dtype, ())
    formula = Formula()
    numbers = [formula.axis(axis) for axis in axes]
    term = formula.call(Fn.MUL, [_factor(formula, contract, side, numbers) for side in ("left", "right")])
    sums = Stage(inner, tuple(formula.lets), (Fold(Monoid.SUM, term, (total,), _run(contract, walked)),))
    last = Formula()
    numbers = [last.axis(axis) if axis.number in walked else -1 for axis in axes]
    place = tuple(last.affine(part, numbers) for part in contract.out_index)
    value = last.add(Load(total, (), dtype))
    if contract.adds:
        before = last.add(Load(contract.out, place, contract.out.dtype))
        if contract.out.dtype != dtype:
            before = last.call(Fn.CAST, (before,), dtype)
        value = last.call(Fn.ADD, (before, value))
    if contract.out.dtype != dtype:
        value = last.call(Fn.CAST, (value,), contract.out.dtype)
    stores = Stage((), tuple(last.lets), (Store(contract.out, place, value),))
    yield Kernel(outer, (sums, stores), contract.origins)


def _run(contract: Contract, walked: set[int]) -> int:
    """The run of the sums: all of them, where in both operands they end with what lies side by side."""
    last = len(contract.extents) - 1
    if last in walked:
        return 0
    ends = [index[-1] if index else None for index in (contract.left_index, contract.right_index)]
    is_run = all(end is not None and any(axis == last and factor == 1 for axis, factor in end.terms) for end in ends)
    return len(contract.extents) - len(walked) if is_run else 0


def _factor(formula: Formula, contract: Contract, side: str, numbers: list[int]) -> int:
    buffer, index = (contract.left, contract.left_index) if side == "left" else (contract.right, contract.right_index)
    dtype = accumulator(contract.out.dtype)
    place = tuple(formula.affine(part, numbers) for part in index)
    guard = _guard(formula, guards_of(contract, buffer, index), numbers)
    zero = None if guard is None else formula.constant(number_in(0, buffer.dtype), buffer.dtype)
    value = formula.add(Load(buffer, place, buffer.dtype, guard, zero))
    return value if buffer.dtype == dtype else formula.call(Fn.CAST, (value,), dtype)


def _guard(formula: Formula, guards: Sequence[Guard], numbers: list[int]) -> int | None:
    """The let that says whether an element is inside of its array; None where all are."""
    found: int | None = None
    for guard in guards:
        place = formula.affine(guard.part, numbers)
        for fn, limit, is_needed in ((Fn.GE, 0, guard.precedes), (Fn.LT, guard.extent, guard.exceeds)):
            if is_needed:
                holds = formula.call(fn, (place, formula.size(limit)))
                found = holds if found is None else formula.call(Fn.AND, (found, holds))
    return found


def cleared(out: Buffer) -> Kernel:
    """A kernel that lets every element be 0."""
    axes = tuple(Axis(number, extent) for number, extent in enumerate(out.shape))
    formula = Formula()
    place = tuple(formula.axis(axis) for axis in axes)
    zero = formula.constant(number_in(0, out.dtype), out.dtype)
    return Kernel(axes, (Stage((), tuple(formula.lets), (Store(out, place, zero),)),), ())


def _scattered(contract: Contract, axes: list[Axis]) -> Kernel:
    """Every term into the element that it belongs to."""
    formula = Formula()
    numbers = [formula.axis(axis) for axis in axes]
    term = formula.call(Fn.MUL, [_factor(formula, contract, side, numbers) for side in ("left", "right")])
    place = tuple(formula.affine(part, numbers) for part in contract.out_index)
    if contract.out.dtype in NARROW:
        term = formula.call(Fn.CAST, (term,), contract.out.dtype)
    effect = Store(contract.out, place, term, Monoid.SUM)
    return Kernel((), (Stage(tuple(axes), tuple(formula.lets), (effect,)),), contract.origins)
