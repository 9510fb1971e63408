"""What a program means: an interpreter that is slow and plainly right.

Every backend is compared with it.  Each let is one NumPy scalar of its dtype; loops are loops.  Functions are those of
NumPy and SciPy, a witness that shares nothing with the formulas of other backends.  An `expanded_program` has these
formulas instead: step by step, they give the bits of native kernels.
"""

from collections.abc import Mapping, Sequence
from itertools import product
from typing import Protocol

import numpy as np

from graphc.kernel.affine import AffineIndex
from graphc.kernel.arrays import Array, Arrays, Point
from graphc.kernel.buffer import Buffer, Role
from graphc.kernel.carries import Carry
from graphc.kernel.failures import index_outside, sizes_differ, too_many_steps
from graphc.kernel.meaning import Value, converted, value_of
from graphc.kernel.monoids import BETTER, COMBINE, Monoid, start_of
from graphc.kernel.outline import Limit
from graphc.kernel.program import Program
from graphc.kernel.routines import EXTERNS
from graphc.kernel.scalar import Axis, AxisIndex, Call, Const, Fn, Let, Load, SizeValue
from graphc.kernel.steps import (
    Branch,
    Check,
    Contract,
    Extern,
    Fold,
    IndexInRange,
    Kernel,
    Loop,
    Prefix,
    SizesAgree,
    Stage,
    Step,
    Store,
    Total,
)
from graphc.types import BOOL, DType

__all__ = ["Observer", "interpret"]


class Observer(Protocol):
    """Looks at the arrays around each step, those inside loops and branches too, and may change them."""

    def before(self, step: Step, arrays: Arrays) -> None:
        """`step` is the next."""
        return

    def after(self, step: Step, arrays: Arrays) -> None:
        """`step` was made."""
        return


@np.errstate(all="ignore")
def interpret(
    program: Program,
    inputs: Sequence[Array],
    variables: Sequence[Array],
    sizes: Mapping[str, int],
    constants: Sequence[Array] = (),
    observer: Observer | None = None,
) -> tuple[list[Array], list[Array]]:
    """The outputs of one call, and what the variables hold after it.  What is given stays as it is.

    `sizes` has the value of each symbol.  Raises ShapeError or IndexRangeError where a check fails.
    `observe` is called after every step.
    """
    arrays = Arrays(program, sizes)
    for buffers, given in (
        (program.inputs, inputs),
        (program.variables, variables),
        (program.constants, constants),
    ):
        for buffer, array in zip(buffers, given, strict=True):
            arrays.put(buffer, array)
    _run(program.steps, arrays, observer)
    return (
        [arrays.whole(buffer).copy() for buffer in program.outputs],
        [arrays.whole(buffer).copy() for buffer in program.variables],
    )


def _run(steps: Sequence[Step], arrays: Arrays, observer: Observer | None) -> None:
    """Steps in order."""
    for step in steps:
        if observer is not None:
            observer.before(step, arrays)
        match step:
            case Kernel():
                _run_kernel(step, arrays)
            case Contract():
                _run_contract(step, arrays)
                if step.then is not None:
                    _run_kernel(step.then, arrays)
            case Extern():
                operands, results = map(arrays.whole, step.reads), map(arrays.whole, step.writes)
                EXTERNS[step.routine].run([*operands], [*results], dict(step.options))
            case Check():
                _run_check(step, arrays)
            case Loop():
                _run_loop(step, arrays, observer)
            case Branch():
                _run(step.parts[int(arrays.whole(step.index))], arrays, observer)
        if observer is not None:
            observer.after(step, arrays)


# Loops.


def _run_loop(loop: Loop, arrays: Arrays, observer: Observer | None) -> None:
    """Steps again and again, each time with the next rows."""
    most = None if loop.length is None else arrays.number(loop.length)
    count = most if loop.count is None else int(arrays.whole(loop.count))
    for carry in loop.carries:
        arrays.whole(carry.rows)[count if carry.is_kept and loop.reverse else 0] = arrays.whole(carry.start)
    for held in loop.held:
        arrays.whole(held.buffer)[...] = arrays.whole(held.start)
    made = 0
    while True:
        at = made if count is None or not loop.reverse else count - 1 - made
        places = {carry: _places(carry, loop, at, made) for carry in loop.carries}
        for carry, (old, _) in places.items():
            arrays.show(carry.before, carry.rows, old)
        _run(loop.condition, arrays, observer)
        if made == count if loop.holds is None else not arrays.whole(loop.holds):
            break
        if made == most:
            raise too_many_steps(Limit(loop.length, loop.origins), made)
        for carry, (_, new) in places.items():
            arrays.show(carry.after, carry.rows, new)
        for rows in (*loop.sequences, *loop.outputs):
            arrays.show(rows.row, rows.of, at + rows.shift)
        _run(loop.steps, arrays, observer)
        made += 1
    for carry in loop.carries:
        if carry.last is not None:
            arrays.whole(carry.last)[...] = arrays.whole(carry.before)
    if loop.made is not None:
        arrays.whole(loop.made)[...] = made


def _places(carry: Carry, loop: Loop, at: int, made: int) -> tuple[int, int]:
    """The rows of a carry before and after a step."""
    if not carry.is_kept:
        return made % 2, (made + 1) % 2
    return (at + 1, at) if loop.reverse else (at, at + 1)


# Kernels.


def _run_kernel(kernel: Kernel, arrays: Arrays) -> None:
    """For every point of the outer axes, the stages in order; then the last ones.

    Locals live for one point, totals and what the last stages leave from the first to the last.
    """
    arrays.start_kernel()
    arrays.start_point((), kernel.locals)
    totals = kernel.totals
    for total in totals:
        arrays.whole(total.result).fill(start_of(total.monoid, total.result.dtype))
    kept = {total.result for total in totals}
    local = [buffer for buffer in kernel.locals if buffer not in kept]
    for point in np.ndindex(arrays.shape([axis.extent for axis in kernel.outer])):
        arrays.start_point(point, local)
        for stage in kernel.stages:
            if not stage.is_last:
                _run_stage(stage, dict(zip(kernel.outer, point, strict=True)), arrays)
    last = [stage for stage in kernel.stages if stage.is_last]
    if last:
        arrays.start_kernel()
        for stage in last:
            _run_stage(stage, {}, arrays)


def _run_stage(stage: Stage, row: Mapping[Axis, int], arrays: Arrays) -> None:
    """For every point of the inner axes, row-major by the axes' numbers: the lets, then the effects."""
    inner = sorted(stage.inner, key=lambda axis: axis.number)
    gathered: list[list[Value]] = [[] for _ in stage.effects]
    for point in np.ndindex(arrays.shape([axis.extent for axis in inner])):
        values = _let_values(stage.lets, {**row, **dict(zip(inner, point, strict=True))}, arrays)
        for effect, earlier in zip(stage.effects, gathered, strict=True):
            if isinstance(effect, Store):
                index = tuple(int(values[number]) for number in effect.index)
                _store(effect, index, values[effect.value], arrays)
            elif isinstance(effect, Total):
                index = tuple(int(values[number]) for number in effect.index)
                before = arrays.load(effect.result, index)
                total = _combined(effect.monoid, before, values[effect.value], effect.result.dtype)
                arrays.store(effect.result, index, total)
            else:
                earlier.append(values[effect.value])
    at = tuple(row.values())
    for effect, all_values in zip(stage.effects, gathered, strict=True):
        match effect:
            case Store() | Total():
                pass  # done point by point
            case Fold():
                _fold(effect, all_values, stage.lets[effect.value].dtype, at, arrays)
            case Prefix():
                _prefix(effect, all_values, at, arrays)


def _let_values(lets: Sequence[Let], counters: Mapping[Axis, int], arrays: Arrays) -> list[Value]:
    """The value of every let at one point, in order.  A load whose guard is false reads nothing."""
    values: list[Value] = []
    for let in lets:
        value: Value
        match let:
            case Const():
                value = np.array(let.value, let.dtype)[()]
            case SizeValue():
                value = converted(np.int64(arrays.number(let.size)), let.dtype)
            case AxisIndex():
                value = np.int64(counters[let.axis])
            case Load(guard=guard, otherwise=otherwise):
                if guard is not None and otherwise is not None and not values[guard]:
                    value = values[otherwise]
                else:
                    value = arrays.load(let.buffer, tuple(int(values[number]) for number in let.index))
            case Call():
                value = value_of(let.fn, [values[number] for number in let.args], let.dtype)
        values.append(value)
    return values


def _store(effect: Store, index: Point, value: Value, arrays: Arrays) -> None:
    """Write a value, or combine it into what is there."""
    if effect.combine is not None:
        value = _combined(effect.combine, arrays.load(effect.buffer, index), value, effect.buffer.dtype)
    arrays.store(effect.buffer, index, value)


def _fold(effect: Fold, values: Sequence[Value], dtype: DType, row: Point, arrays: Arrays) -> None:
    """Combine all values of a row, from the first to the last, in the dtype of the result."""
    if effect.monoid in BETTER:
        best, place = _extreme(effect.monoid, values, dtype)
        results = (best, np.int64(place)) if len(effect.results) == 2 else (np.int64(place),)
    else:
        results = (_running(effect.monoid, values, effect.results[0].dtype)[-1],)
    for buffer, result in zip(effect.results, results, strict=True):
        arrays.store(buffer, _place_of(buffer, row), result)


def _prefix(effect: Prefix, values: Sequence[Value], row: Point, arrays: Arrays) -> None:
    """Combine the values of a row up to each one, from the first or from the last."""
    order = range(len(values))[::-1] if effect.reverse else range(len(values))
    results = _running(effect.monoid, [values[place] for place in order], effect.result.dtype)[1:]
    for place, result in zip(order, results, strict=True):
        arrays.store(effect.result, (*_place_of(effect.result, row), place), result)


def _place_of(buffer: Buffer, row: Point) -> Point:
    """Where the result for a row stands: a local belongs to the row, others have a place per row."""
    return () if buffer.role is Role.LOCAL else row


def _running(monoid: Monoid, values: Sequence[Value], dtype: DType) -> list[Value]:
    """The combination of the first 0, 1, 2 ... values."""
    results = [np.array(start_of(monoid, dtype), dtype)[()]]
    for value in values:
        results.append(_combined(monoid, results[-1], value, dtype))
    return results


def _combined(monoid: Monoid, first: Value, second: Value, dtype: DType) -> Value:
    """Two values combined in `dtype`."""
    return value_of(COMBINE[monoid], (converted(first, dtype), converted(second, dtype)), dtype)


def _extreme(monoid: Monoid, values: Sequence[Value], dtype: DType) -> tuple[Value, int]:
    """The first of the best values and where it stands; the first nan if there is one."""
    best, at = np.array(start_of(monoid, dtype), dtype)[()], 0
    for place, value in enumerate(values):
        is_first_nan = bool(value != value) and bool(best == best)
        if is_first_nan or value_of(BETTER[monoid], (value, best), BOOL):
            best, at = value, place
    return best, at


# Other steps.


def _run_contract(contract: Contract, arrays: Arrays) -> None:
    """Sum the products in the dtype of the output, point by point in row-major order."""
    dtype = contract.out.dtype
    if not contract.adds:
        arrays.whole(contract.out).fill(0)
    arrays.start_kernel()
    maps = [
        [_numeric(part, arrays) for part in index]
        for index in (contract.left_index, contract.right_index, contract.out_index)
    ]
    for point in product(*map(range, arrays.shape(contract.extents))):
        at_left, at_right, at_out = (
            tuple(offset + sum(point[axis] * factor for axis, factor in terms) for terms, offset in parts)
            for parts in maps
        )
        pairs = ((contract.left, at_left), (contract.right, at_right))
        factors = [_factor(contract, operand, at, arrays) for operand, at in pairs]
        term = value_of(Fn.MUL, [converted(factor, dtype) for factor in factors], dtype)
        total = value_of(Fn.ADD, (arrays.load(contract.out, at_out), term), dtype)
        arrays.store(contract.out, at_out, total)


def _factor(contract: Contract, operand: Buffer, at: Point, arrays: Arrays) -> Value:
    if contract.guarded and arrays.is_outside(operand, at):
        return operand.dtype.type(0)
    return arrays.load(operand, at)


def _numeric(index: AffineIndex, arrays: Arrays) -> tuple[list[tuple[int, int]], int]:
    """The terms and the offset of an affine index, as numbers."""
    return [(axis, arrays.number(factor)) for axis, factor in index.terms], arrays.number(index.offset)


def _run_check(check: Check, arrays: Arrays) -> None:
    """Raise if the condition does not hold."""
    match check.condition:
        case SizesAgree(left=left, right=right):
            if arrays.number(left) != arrays.number(right):
                raise sizes_differ(check, arrays.number(left), arrays.number(right))
        case IndexInRange(index=buffer, extent=size, negative=negative):
            extent = arrays.number(size)
            least = -extent if negative else 0
            for index in arrays.whole(buffer).flat:
                if not least <= int(index) < extent:
                    raise index_outside(check, int(index), extent)
