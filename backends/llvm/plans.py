"""How a kernel is walked: which axes are one, in which order, and along which of them lanes lie."""

from collections.abc import Mapping, Sequence
from dataclasses import field, replace
from typing import final

from graphc.backends.llvm.following import Following, following, of_columns, of_elements, of_rows_apart
from graphc.backends.llvm.memory import NEAR
from graphc.backends.llvm.registers import LINE
from graphc.dataclass import dataclass
from graphc.kernel.accesses import merged_axes
from graphc.kernel.buffer import Buffer, Role
from graphc.kernel.monoids import BETTER
from graphc.kernel.scalar import Axis, Load
from graphc.kernel.stages import StagePlan, merged_stage, stage_plan
from graphc.kernel.steps import Fold, Kernel, Prefix, Store, Total
from graphc.kernel.summing import is_long, is_ordered
from graphc.sizes import estimate, product

__all__ = ["Plan", "is_plain", "planned", "run_of", "vectors_of"]

ABREAST = 8  # vectors of rows that lie side by side: of fewer, each step into another page would bring less
WIDE = 4096  # rows that lie side by side, of which twice as many vectors leave enough chunks
LIGHT = 8  # lets of a stage that computes little
SMALL, LARGE = 140, 480  # lets of a stage of which four vectors, or two, are made side by side
CROSSED = 1 << 17  # elements of an array: a smaller one stays near, in whichever order it is read
FEW = 16  # elements: rows that are shorter lie side by side in lanes


@final
@dataclass(frozen=True, eq=False)
class Plan:
    """A kernel as it is walked.

    outer   its axes in order; lanes lie along the last one if `lane` is that
    lane    the outer axis along which lanes lie, or None
    vectors  how many vectors lie side by side there: several where each waits for itself, see `vectors_of`, and where
             rows are walked far apart, so that each step reads whole lines of the cache
    following  what stages ask for of the row that follows
    block    so many steps of the axis before `lane` are made for each vector: what lies crosswise is then read a line
             of the cache at a time; 1 where all of a row is made before the next
    """

    kernel: Kernel
    outer: tuple[Axis, ...]
    stages: tuple[StagePlan, ...]
    last: tuple[StagePlan, ...]
    lane: Axis | None
    vectors: int
    written: frozenset[Buffer] = field(default_factory=frozenset)
    following: Mapping[StagePlan, Following] = field(default_factory=dict)
    block: int = 1

    @property
    def blocked(self) -> Axis | None:
        """The axis along which blocks are walked."""
        return self.outer[-2] if self.block > 1 else None


def planned(kernel: Kernel, apart: frozenset[Axis] = frozenset()) -> Plan:
    """The plan of a kernel.  The outer axes `apart` are not walked as one with those before them."""
    outer = tuple(sorted(kernel.outer, key=lambda axis: axis.number))
    stages = [stage_plan(stage, kernel.outer) for stage in kernel.stages]
    used = frozenset(axis for stage in stages for axis in (*stage.used, *_before_runs(stage), *_of_terms(stage, outer)))
    walked = [stage for stage in stages if not stage.stage.is_last]
    merged, became = merged_axes(outer, [access for stage in walked for access in stage.accesses], used, apart)
    stages = [merged_stage(stage, became, used) for stage in stages]
    walked = [stage for stage in stages if not stage.stage.is_last]
    last = tuple(_with_lanes(stage) for stage in stages if stage.stage.is_last)
    written = frozenset(buffer.root for buffer in kernel.writes)
    lane = _outer_lane(merged, walked)
    inside = tuple(map(_with_lanes, walked))
    if lane is not None and not _prefers_inner(lane, merged, walked, inside):
        order = (*(axis for axis in merged if axis is not lane), lane)
        is_deep = any(stage.inner for stage in walked)
        asked = of_columns if is_deep else of_elements
        vectors = min((vectors_of(stage, lane) for stage in walked), default=1)
        if is_deep:
            vectors = 1 if any(_keeps_rows(stage) or _has_runs(stage) for stage in walked) else _abreast(lane, walked)
        ahead, block = asked(lane, walked), _block(order, walked)
        return Plan(kernel, order, tuple(walked), last, lane, vectors, written, ahead, block)
    ahead = {**of_rows_apart(inside), **following(merged, inside)}
    return Plan(kernel, tuple(merged), inside, last, None, 1, written, ahead)


def _before_runs(stage: StagePlan) -> Sequence[Axis]:
    """The axes in front of runs, which are not one with these."""
    inner = sorted(stage.stage.inner, key=lambda axis: axis.number)
    runs = [effect.run for effect in stage.stage.effects if isinstance(effect, Fold) and 0 < effect.run < len(inner)]
    return [inner[-run - 1] for run in runs]


def _of_terms(stage: StagePlan, outer: Sequence[Axis]) -> Sequence[Axis]:
    """The axes of a total of all points: its terms lie in their order, whichever are walked in rows."""
    has_all = any(isinstance(effect, Total) and effect.run for effect in stage.stage.effects)
    return (*outer, *stage.stage.inner) if has_all and stage.stage.inner else ()


def vectors_of(stage: StagePlan, lane: Axis) -> int:
    """How many vectors lie side by side along `lane` in the loops of a stage.

    A formula is a long row of instructions that wait for each other, and so is a fold: the processor is busy only
    where several of them are under way.
    """
    work = len(stage.needed)
    if is_plain(stage) and work <= LIGHT:
        return 1
    if not _reads_vectors(stage, lane):
        return 4 if work <= LIGHT else 1
    if not is_plain(stage) and not isinstance(lane.extent, int):
        return 4 if work <= LIGHT else 1  # a row that is shorter is folded one by one
    return 4 if work <= SMALL else 2 if work <= LARGE else 1


def _abreast(lane: Axis, stages: Sequence[StagePlan]) -> int:
    """How many vectors of rows lie side by side, which are walked far apart: their folds are in registers."""
    is_light = all(len(stage.needed) <= LIGHT for stage in stages)
    are_many = all(estimate(product(axis.extent for axis in stage.inner)) > FEW for stage in stages if stage.inner)
    return 2 * ABREAST if is_light and are_many and estimate(lane.extent) >= WIDE else ABREAST


def is_plain(stage: StagePlan) -> bool:
    """Whether a stage does nothing but store."""
    return all(isinstance(effect, Store) and effect.combine is None for effect in stage.stage.effects)


def _reads_vectors(stage: StagePlan, lane: Axis) -> bool:
    """Whether all that is read and written lies side by side in memory, or is the same for all lanes."""
    guards = (let.guard for number in stage.loads if isinstance(let := stage.stage.lets[number], Load))
    return all(not x.data and x.step(lane) in (0, 1) for x in stage.accesses) and all(x is None for x in guards)


# Lanes.


def _outer_lane(outer: Sequence[Axis], stages: Sequence[StagePlan]) -> Axis | None:
    """The outer axis that most accesses walk element by element, of those along which all stages can have lanes."""
    best: Axis | None = None
    totals = [effect for stage in stages for effect in stage.stage.effects if isinstance(effect, Total)]
    if any(effect.run and is_ordered(effect.monoid, effect.result.dtype) for effect in totals):
        outer = outer[-1:]  # the last axis of their runs
    for axis in outer:
        is_able = all(_may_lie_along(axis, stage, is_inner=False) for stage in stages)
        if is_able and (best is None or _misses(axis, stages) <= _misses(best, stages)):
            best = axis
    return best


def _may_lie_along(axis: Axis, stage: StagePlan, *, is_inner: bool) -> bool:
    """Whether the points along an axis can be made side by side: their stores meet nowhere, and need no order."""
    for effect, places in zip(stage.stage.effects, stage.places, strict=True):
        match effect:
            case Store():
                is_apart = axis in places[0].terms  # whatever is data: it is the index of another axis
                if not is_apart and (is_inner or places[0].data or places[0].buffer.role is not Role.LOCAL):
                    return False
            case Total(run=run):
                if places[0].data:
                    return False
                if is_ordered(effect.monoid, effect.result.dtype) and axis not in places[0].terms and not run:
                    return False
            case Prefix():
                if is_inner:
                    return False
            case Fold(monoid=monoid):
                if is_inner and monoid in BETTER:
                    return False
                is_rounded = is_ordered(monoid, effect.results[0].dtype)
                if is_inner and is_rounded and not (axis is stage.inner[-1] and is_long(run_of(stage, effect))):
                    return False
    return True


def run_of(stage: StagePlan, effect: Fold) -> tuple[Axis, ...]:
    """The axes of the run of a fold, as they are walked."""
    if not effect.run:
        return ()
    first = sorted(axis.number for axis in stage.stage.inner)[-effect.run]
    return tuple([axis for axis in stage.inner if axis.number >= first])


def _has_runs(stage: StagePlan) -> bool:
    """Whether each row has several accumulators."""
    folds = [effect for effect in stage.stage.effects if isinstance(effect, Fold)]
    return any(is_ordered(fold.monoid, fold.results[0].dtype) and is_long(run_of(stage, fold)) for fold in folds)


def _keeps_rows(stage: StagePlan) -> bool:
    """Whether a stage leaves several elements for each row: of many rows side by side they would not stay in cache."""
    effects = zip(stage.stage.effects, stage.places, strict=True)
    kept = [x.buffer for effect, places in effects if not isinstance(effect, Total) for x in places]
    return any(buffer.role is Role.LOCAL and buffer.shape for buffer in kept)


def _misses(axis: Axis, stages: Sequence[StagePlan]) -> int:
    """How many accesses do not walk an axis element by element."""
    return sum(
        access.step(axis) not in (0, 1) or bool(access.data)
        for stage in stages
        for access in stage.accesses
        if access.buffer.role is not Role.LOCAL
    )


def _block(order: Sequence[Axis], stages: Sequence[StagePlan]) -> int:
    """The elements of a line of the cache, where a large array is walked one by one along the axis before the lanes."""
    if len(order) < 2 or any(stage.inner or not is_plain(stage) for stage in stages):
        return 1
    *_, axis, lane = order
    crosswise = [
        x.buffer.dtype.itemsize
        for stage in stages
        for x in stage.loads.values()
        if not x.data and x.step(axis) == 1 and estimate(x.step(lane)) >= FEW and estimate(x.buffer.size) >= CROSSED
    ]
    return LINE // max(crosswise) if crosswise and estimate(axis.extent) >= FEW else 1


def _is_near(axis: Axis, stage: StagePlan) -> bool:
    """Whether all accesses walk an axis in steps that vectors are put together of."""
    return all(not x.data and str(x.step(axis)) in ("0", "1", *NEAR) for x in stage.accesses)


def _with_lanes(stage: StagePlan) -> StagePlan:
    """The stage with lanes along the inner axis that most accesses walk element by element, if it can."""
    able = [axis for axis in stage.inner if _may_lie_along(axis, stage, is_inner=True)]
    if not able:
        return stage
    best = min(reversed(able), key=lambda axis: _misses(axis, [stage]))
    ordered = any(isinstance(effect, Store) and effect.combine is not None for effect in stage.stage.effects)
    if ordered and best is not stage.inner[-1]:
        return stage  # what is combined in order stays in order
    return replace(stage, inner=(*(axis for axis in stage.inner if axis is not best), best), has_lanes=True)


def _prefers_inner(lane: Axis, outer: Sequence[Axis], walked: Sequence[StagePlan], inside: Sequence[StagePlan]) -> bool:
    """Whether lanes along the inner axes of the stages do better than lanes along an outer axis."""
    deep = [stage for stage in inside if stage.inner]
    if not deep:
        return False
    if not all(stage.has_lanes for stage in deep):
        return False
    shortest = min(estimate(stage.inner[-1].extent) for stage in deep)
    if shortest < FEW <= estimate(lane.extent) and all(_is_near(lane, stage) for stage in walked):
        return False
    misses = sum(_misses(stage.inner[-1], [stage]) for stage in deep)
    others = _misses(lane, walked)
    if misses != others:
        return misses < others
    return shortest >= FEW or estimate(lane.extent) < shortest or estimate(product(a.extent for a in outer)) < FEW
