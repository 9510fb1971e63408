"""What kernels take, in bytes: what they compute along which lanes, and what they read and write."""

from collections.abc import Sequence
from itertools import takewhile

from graphc.kernel.accesses import Access, access_of, merged_axes, with_axes
from graphc.kernel.buffer import Role
from graphc.kernel.costs import additions
from graphc.kernel.indices import affine_of, behind
from graphc.kernel.scalar import Axis, AxisIndex, Call, Fn, Let, Load
from graphc.kernel.stages import stage_plan
from graphc.kernel.steps import Kernel, Stage, Store
from graphc.kernel.target import Target
from graphc.passes.costs import moving
from graphc.passes.stages import points, wholes
from graphc.sizes import estimate, product
from graphc.types import INT64

__all__ = ["time_of", "walked_by_loads", "walked_by_values"]

HIDDEN = 0.75  # of what compiled code computes, while it waits for memory, or the other way round
LANES = 16  # elements that are computed side by side
SHORT = 8  # elements: of a shorter axis, few lanes are of use
PICKING = 60  # additions: what it takes to read an element whose place is data
ASKING = 20  # additions: the same of one that is read where a condition says so
LINE = 64  # bytes
STREAMS = 32  # so many lines may be written in turn
APART = 4  # times as long as side by side it takes to store in more lines, where no cache holds all
DIVIDING = (Fn.FLOORDIV, Fn.MOD)


def time_of(kernel: Kernel, target: Target) -> float:
    """What the stages of a kernel take, in bytes; each function is a call where the target counts these."""
    found = 0.0
    for stage, whole in zip(kernel.stages, wholes(kernel), strict=True):
        lane = None if target.let else _lane_of(kernel.outer, stage)
        computing, traffic = _computing(whole, target, lane), _traffic(whole, target)
        hidden = 0.0 if target.let else HIDDEN * min(computing, traffic)
        found += computing + traffic - hidden + target.let * (len(_calls(whole)) + len(whole.effects))
    return found


def walked_by_values(stage: Stage) -> frozenset[Axis]:
    """The axes that something computed depends on."""
    seen = _axes_behind_all(stage)
    return frozenset().union(*[seen[number] for number in _calls(stage)])


def walked_by_loads(stage: Stage) -> frozenset[Axis]:
    """The axes that something read depends on."""
    seen = _axes_behind_all(stage)
    return frozenset().union(*[seen[number] for number, let in enumerate(stage.lets) if isinstance(let, Load)])


def _lane_of(outer: Sequence[Axis], stage: Stage) -> Axis | None:
    """The axis along which compiled code makes elements of a stage side by side: that which most accesses walk so.

    Axes through which all accesses step at once are one, with the number of the last.
    """
    plan = stage_plan(stage, outer)
    accesses = [access for access in plan.accesses if access.buffer.role is not Role.LOCAL]
    axes, became = merged_axes([*outer, *stage.inner], accesses, plan.used)
    if not axes:
        return None
    walked = [with_axes(access, became) for access in accesses]
    return min(reversed(axes), key=lambda axis: (_misses(axis, walked), estimate(axis.extent) < SHORT))


def _misses(axis: Axis, accesses: Sequence[Access]) -> int:
    """How many accesses do not walk an axis element by element."""
    return sum([access.step(axis) not in (0, 1) or bool(access.data) for access in accesses])


def _computing(stage: Stage, target: Target, lane: Axis | None) -> float:
    """What computing is worth, in bytes: of each let at as many points as the loops have that it stands in."""
    seen, affine = _axes_behind_all(stage), affine_of(stage.lets)
    work = 0.0
    for number in _calls(stage):
        let = stage.lets[number]
        work += additions([let]) * let.dtype.itemsize * _times(stage, seen[number], target, lane)
    for number, let in enumerate(stage.lets):
        if lane is not None and isinstance(let, Load):
            work += _picking(let, lane, seen, affine) * _times(stage, seen[number], target, lane)
    return work * target.addition


def _picking(load: Load, lane: Axis, seen: Sequence[frozenset[Axis]], affine: Sequence[object | None]) -> int:
    """What reading lane by lane takes, in additions of bytes, where places are data, or some read nothing."""

    def is_of_lanes(number: int) -> bool:
        return any(axis.number == lane.number for axis in seen[number])

    if any(affine[number] is None and is_of_lanes(number) for number in load.index):
        return PICKING * load.dtype.itemsize
    return ASKING * load.dtype.itemsize if load.guard is not None and is_of_lanes(load.guard) else 0


def _calls(stage: Stage) -> Sequence[int]:
    """The lets that take time: additions and products of places do not."""
    needed = behind(stage, affine_of(stage.lets), lambda call, _: call.args)
    return [
        n
        for n in sorted(needed)
        if isinstance(let := stage.lets[n], Call) and (let.dtype != INT64 or let.fn in DIVIDING)
    ]


def _axes_behind_all(stage: Stage) -> Sequence[frozenset[Axis]]:
    """The axes that each let depends on."""
    seen: list[frozenset[Axis]] = []
    for let in stage.lets:
        seen.append(_axes_behind(let, seen))
    return seen


def _axes_behind(let: Let, seen: Sequence[frozenset[Axis]]) -> frozenset[Axis]:
    match let:
        case AxisIndex(axis=axis):
            return frozenset([axis])
        case Call(args=args):
            return frozenset().union(*[seen[number] for number in args])
        case Load(index=index, guard=guard, otherwise=otherwise):
            others = [number for number in (guard, otherwise) if number is not None]
            return frozenset().union(*[seen[number] for number in (*index, *others)])
    return frozenset()


def _times(stage: Stage, axes: frozenset[Axis], target: Target, lane: Axis | None) -> float:
    """How many elements take as long as what is computed that depends on these axes, in the loops that it stands in.

    One value takes as long as several side by side.
    """
    if target.let:
        return estimate(product([axis.extent for axis in axes]))
    deepest = max([place for place, axis in enumerate(stage.inner, 1) if axis in axes], default=0)
    count = estimate(product([axis.extent for axis in stage.inner[:deepest]]))
    if lane is None or all(axis.number != lane.number for axis in axes):
        return count * LANES
    return count * max(LANES / max(estimate(lane.extent), 1), 1)


def _traffic(stage: Stage, target: Target) -> float:
    """What reading and writing is worth that a stage does, in bytes."""
    stored = [points(stage) * x.buffer.dtype.itemsize for x in stage.effects if isinstance(x, Store)]
    seen = _axes_behind_all(stage)
    read = [
        estimate(product([axis.extent for axis in seen[number]])) * let.buffer.dtype.itemsize
        for number, let in enumerate(stage.lets)
        if isinstance(let, Load)
    ]
    most = max([*stored, *read])
    again = 0.0 if target.let or most <= target.cache_bytes else _stored_apart(stage) * (APART - 1)
    return (sum([*stored, *read]) + again) * moving(1, target, of=most)


def _stored_apart(stage: Stage) -> float:
    """How many bytes a stage stores in lines to which its loops come back only after many others."""
    affine = affine_of(stage.lets)
    stores = [effect for effect in stage.effects if isinstance(effect, Store)]
    lines = [_lines(stage, access_of(store.buffer, store.index, affine)) for store in stores]
    bytes = [points(stage) * store.buffer.dtype.itemsize for store in stores]
    return sum(n for n, streams in zip(bytes, lines, strict=True) if streams > STREAMS)


def _lines(stage: Stage, access: Access) -> float:
    """In how many lines the innermost loops of a stage store in turn, before they come to the next element of one."""
    near = LINE // access.buffer.dtype.itemsize
    far = takewhile(lambda axis: abs(estimate(access.step(axis))) > near, reversed(stage.inner))
    return estimate(product([axis.extent for axis in far]))
