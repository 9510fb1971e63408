"""What holds of every step by itself: lets, indices, dtypes, axes, locals."""

from collections.abc import Mapping, Sequence
from typing import assert_never

from graphc.kernel.affine import axes_in
from graphc.kernel.buffer import Buffer, Role
from graphc.kernel.epilogue import objection_to
from graphc.kernel.monoids import BETTER, Monoid
from graphc.kernel.naming import axis_names, let_name
from graphc.kernel.routines import EXTERNS
from graphc.kernel.scalar import Axis, AxisIndex, Call, Const, Let, Load, SizeValue
from graphc.kernel.signatures import objection
from graphc.kernel.steps import (
    Branch,
    Check,
    Contract,
    Effect,
    Extern,
    Fold,
    IndexInRange,
    Kernel,
    Loop,
    Prefix,
    Stage,
    Step,
    Store,
    Total,
    targets,
)
from graphc.kernel.text import let_text
from graphc.sizes import equal
from graphc.types import BOOL, INT64, Shape, accumulator, is_complex, is_floating, is_integer, short_name

__all__ = ["demand", "verify_step"]

Names = Mapping[Buffer, str]


def demand(holds: bool, message: str) -> None:
    """Raise AssertionError, also where Python is told to skip assertions."""
    if not holds:
        raise AssertionError(message)


def verify_step(step: Step, place: str, names: Names) -> None:
    """Raise AssertionError unless the step makes sense by itself.  `place` begins the message: `step 3`."""
    match step:
        case Kernel():
            _verify_kernel(step, place, names)
        case Contract():
            _verify_contract(step, place, names)
        case Extern():
            _verify_extern(step, place)
        case Check(condition=IndexInRange(index=index)):
            demand(is_integer(index.dtype), f"{place}: {names[index]} is checked as an index but has no integers")
        case Check():
            pass
        case Loop():
            _verify_loop(step, place, names)
        case Branch():
            demand(bool(step.parts), f"{place}: a branch without steps")
            is_index = step.index.shape == () and step.index.dtype in (BOOL, INT64)
            demand(is_index, f"{place}: {names[step.index]} is no number that chooses")


def _verify_kernel(kernel: Kernel, place: str, names: Names) -> None:
    written: set[Buffer] = set()
    is_over = False  # whether all rows are done
    for number, stage in enumerate(kernel.stages):
        where = f"{place}, stage {number}"
        demand(stage.is_last or not is_over, f"{where}: a stage of rows comes after a last one")
        if stage.is_last and not is_over:
            is_over = True
            written = {total.result for total in kernel.totals}
        axes = stage.inner if is_over else (*kernel.outer, *stage.inner)
        demand(len({axis.number for axis in axes}) == len(axes), f"{where}: two axes have one number")
        _verify_lets(stage.lets, axes, where, names, axis_names(kernel))
        folded = {result for effect in stage.effects for result in targets(effect) if not _is_store(effect)}
        for let in stage.lets:
            if isinstance(let, Load) and let.buffer.role is Role.LOCAL:
                name = names[let.buffer]
                demand(let.buffer not in folded, f"{where}: {name} is read where it is folded")
                demand(let.buffer in written, f"{where}: {name} is read before it is written")
        for effect in stage.effects:
            _verify_effect(effect, stage, len(kernel.outer), where, names)
            demand(not is_over or _is_store(effect), f"{where}: a last stage does more than store")
            if isinstance(effect, Store) and effect.combine and effect.buffer.role is Role.LOCAL:
                name = names[effect.buffer]
                demand(effect.buffer in written, f"{where}: {name} is combined before it is written")
        written.update(x for effect in stage.effects if not isinstance(effect, Total) for x in targets(effect))


def _verify_loop(loop: Loop, place: str, names: Names) -> None:
    """Rows have the types of what they are rows of."""
    for carry in loop.carries:
        for row in (carry.start, carry.before, carry.after, *([carry.last] if carry.last is not None else [])):
            is_alike = row.dtype == carry.rows.dtype and _agree(row.shape, carry.rows.shape[1:])
            demand(is_alike, f"{place}: {names[row]} is no row of {names[carry.rows]}")
    for held in loop.held:
        is_alike = held.start.dtype == held.buffer.dtype and _agree(held.start.shape, held.buffer.shape)
        demand(is_alike, f"{place}: {names[held.start]} cannot start {names[held.buffer]}")
    for rows in (*loop.sequences, *loop.outputs):
        is_row = rows.row.dtype == rows.of.dtype and _agree(rows.row.shape, rows.of.shape[1:])
        demand(is_row, f"{place}: {names[rows.row]} is no row of {names[rows.of]}")
    holds = loop.holds
    demand(holds is None or (holds.dtype == BOOL and holds.shape == ()), f"{place}: the condition is no bool")


def _agree(shape: Shape, other: Shape) -> bool:
    return len(shape) == len(other) and all(equal(n, m) is not False for n, m in zip(shape, other, strict=True))


def _is_store(effect: Effect) -> bool:
    return isinstance(effect, Store)


# Lets.


def _verify_lets(
    lets: Sequence[Let], axes: Sequence[Axis], place: str, names: Names, letters: Mapping[Axis, str]
) -> None:
    for number, let in enumerate(lets):
        where = f"{place}, {let_name(number)} = {let_text(let, names, letters)}"
        later = [let_name(used) for used in _used(let) if not 0 <= used < number]
        demand(not later, f"{where}: {', '.join(later)} is no earlier let")
        match let:
            case Const():
                demand(_holds(let), f"{where}: no {short_name(let.dtype)}")
            case SizeValue():
                demand(let.dtype != BOOL, f"{where}: a size is a number, not a bool")
            case AxisIndex():
                demand(let.axis in axes, f"{where}: the axis is neither outer nor of this stage")
                demand(let.dtype == INT64, f"{where}: a loop counts in i64, not {short_name(let.dtype)}")
            case Load():
                _verify_load(let, lets, where, names)
            case Call():
                problem = objection(let.fn, [lets[used].dtype for used in let.args], let.dtype)
                demand(problem is None, f"{where}: {problem}")
            case _:
                assert_never(let)


def _used(let: Let) -> tuple[int, ...]:
    """The numbers of the lets that `let` refers to."""
    match let:
        case Const() | SizeValue() | AxisIndex():
            return ()
        case Load(index=index, guard=guard, otherwise=otherwise):
            return (*index, *(number for number in (guard, otherwise) if number is not None))
        case Call(args=args):
            return args


def _holds(let: Const) -> bool:
    """Whether the dtype of a constant has its value."""
    if let.dtype == BOOL:
        return isinstance(let.value, bool)
    if is_complex(let.dtype):
        return not isinstance(let.value, bool)
    if is_floating(let.dtype):
        return not isinstance(let.value, bool | complex)
    limits = 2 ** (8 * let.dtype.itemsize - (let.dtype.kind == "i"))
    least = -limits if let.dtype.kind == "i" else 0
    return type(let.value) is int and least <= let.value < limits


def _verify_load(load: Load, lets: Sequence[Let], where: str, names: Names) -> None:
    name, buffer = names[load.buffer], load.buffer
    _verify_index(buffer, load.index, lets, where, names)
    demand(
        load.dtype == buffer.dtype,
        f"{where}: {name} has {short_name(buffer.dtype)}, not {short_name(load.dtype)}",
    )
    demand((load.guard is None) == (load.otherwise is None), f"{where}: guard and otherwise come together")
    if load.guard is not None and load.otherwise is not None:
        demand(lets[load.guard].dtype == BOOL, f"{where}: the guard is no bool")
        other = lets[load.otherwise].dtype
        demand(other == load.dtype, f"{where}: {short_name(other)} otherwise, not {short_name(load.dtype)}")


def _verify_index(buffer: Buffer, index: Sequence[int], lets: Sequence[Let], where: str, names: Names) -> None:
    rank = len(buffer.shape)
    demand(len(index) == rank, f"{where}: {names[buffer]} has {rank} axes and is indexed by {len(index)}")
    others = [let_name(number) for number in index if lets[number].dtype != INT64]
    demand(not others, f"{where}: the index {', '.join(others)} is not i64")


# Effects.


def _verify_effect(effect: Effect, stage: Stage, outer_rank: int, place: str, names: Names) -> None:
    written = ", ".join(names[buffer] for buffer in targets(effect))
    where = f"{place}, effect on {written}"
    used = (effect.value, *effect.index) if isinstance(effect, Store | Total) else (effect.value,)
    later = [let_name(number) for number in used if not 0 <= number < len(stage.lets)]
    demand(not later, f"{where}: {', '.join(later)} is no let")
    dtype = stage.lets[effect.value].dtype
    match effect:
        case Store(buffer=buffer):
            _verify_index(buffer, effect.index, stage.lets, where, names)
            demand(
                dtype == buffer.dtype,
                f"{where}: {short_name(dtype)} is stored, not {short_name(buffer.dtype)}",
            )
            if effect.combine is not None:
                _verify_monoid(effect.combine, buffer, where)
        case Fold(monoid=monoid, results=results):
            _verify_fold(effect, stage, where)
            if monoid not in BETTER:
                _verify_monoid(monoid, results[0], where)
            for result in results:
                _verify_rank(result, 0, outer_rank, where)
        case Prefix(monoid=monoid, result=result):
            demand(len(stage.inner) == 1, f"{where}: a prefix runs along one axis, not {len(stage.inner)}")
            _verify_monoid(monoid, result, where)
            _verify_rank(result, 1, outer_rank, where)
            extent, wanted = result.shape[-1], stage.inner[0].extent
            demand(equal(extent, wanted) is not False, f"{where}: the extents {extent} and {wanted} differ")
        case Total(monoid=monoid, result=result):
            demand(result.role is Role.LOCAL, f"{where}: a total is a local")
            _verify_index(result, effect.index, stage.lets, where, names)
            _verify_monoid(monoid, result, where)


def _verify_fold(fold: Fold, stage: Stage, where: str) -> None:
    if fold.monoid not in BETTER:
        demand(len(fold.results) == 1, f"{where}: {fold.monoid.value} has one result, not {len(fold.results)}")
        return
    name = fold.monoid.value
    demand(len(stage.inner) == 1, f"{where}: {name} goes along one axis, not {len(stage.inner)}")
    demand(len(fold.results) in (1, 2), f"{where}: {name} has the results (value, index) or (index)")
    demand(is_integer(fold.results[-1].dtype), f"{where}: the index of {name} is no integer")
    if len(fold.results) == 2:
        dtype = stage.lets[fold.value].dtype
        demand(fold.results[0].dtype == dtype, f"{where}: {name} keeps the dtype {short_name(dtype)}")


def _verify_monoid(monoid: Monoid, buffer: Buffer, where: str) -> None:
    demand(monoid not in BETTER, f"{where}: {monoid.value} is for folds alone")
    if monoid in (Monoid.MAX, Monoid.MIN):
        is_ordered = not is_complex(buffer.dtype)
        demand(is_ordered, f"{where}: {monoid.value} has no meaning for {short_name(buffer.dtype)}")
    if monoid in (Monoid.ANY, Monoid.ALL):
        demand(buffer.dtype == BOOL, f"{where}: {monoid.value} gives a bool, not {short_name(buffer.dtype)}")


def _verify_rank(buffer: Buffer, inner_rank: int, outer_rank: int, where: str) -> None:
    rank = inner_rank if buffer.role is Role.LOCAL else outer_rank + inner_rank
    demand(len(buffer.shape) == rank, f"{where}: the result has {len(buffer.shape)} axes, not {rank}")


# Other steps.


def _verify_contract(contract: Contract, place: str, names: Names) -> None:
    for buffer, index in (
        (contract.left, contract.left_index),
        (contract.right, contract.right_index),
        (contract.out, contract.out_index),
    ):
        rank = len(buffer.shape)
        where = f"{place}: {names[buffer]}"
        demand(len(index) == rank, f"{where} has {rank} axes and is indexed by {len(index)}")
        unknown = sorted(axes_in(index) - set(range(len(contract.extents))))
        demand(not unknown, f"{where} is indexed by axes that are not there: {unknown}")
    left, right = contract.left.dtype, contract.right.dtype
    demand(accumulator(left) == accumulator(right), f"{place}: a product of {short_name(left)} and {short_name(right)}")
    if contract.then is not None:
        _verify_kernel(contract.then, f"{place}, epilogue", names)
        problem = objection_to(contract.then, contract)
        demand(problem is None, f"{place}, epilogue: {problem}")


def _verify_extern(extern: Extern, place: str) -> None:
    demand(extern.routine in EXTERNS, f"{place}: there is no routine {extern.routine!r}")
    routine = EXTERNS[extern.routine]
    unknown = [name for name, _ in extern.options if name not in routine.options]
    demand(not unknown, f"{place}: {routine.name} has no option {', '.join(unknown)}")
    axis = int(dict(extern.options).get("axis", -1))
    demand(axis < 0, f"{place}: {routine.name} works on an axis that is counted from the end, not {axis}")
    for what, buffers, ranks in (
        ("operands", extern.reads, routine.operands),
        ("results", extern.writes, routine.results),
    ):
        demand(len(buffers) == len(ranks), f"{place}: {routine.name} has {len(ranks)} {what}, not {len(buffers)}")
        for buffer, rank in zip(buffers, ranks, strict=True):
            least = max(rank, -axis) if rank else 0
            demand(len(buffer.shape) >= least, f"{place}: {routine.name} works on {least} axes")
