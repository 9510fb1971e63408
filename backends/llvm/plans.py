"""How a kernel is walked: which axes are one, in which order, and along which of them lanes lie."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import final

from graphc.backends.llvm.accesses import Access, access_of, merged_axes, place_of_row, with_axes
from graphc.kernel.buffer import Buffer, Role
from graphc.kernel.indices import Affine, affine_of
from graphc.kernel.monoids import BETTER
from graphc.kernel.scalar import Axis, AxisIndex, Call, Fn, Let, Load
from graphc.kernel.steps import Effect, Fold, Kernel, Prefix, Stage, Store, Total
from graphc.sizes import estimate, product
from graphc.types import INT64

__all__ = ["Plan", "StagePlan", "planned"]

ABREAST = 16  # vectors of rows that lie side by side: of fewer, each step into another page would bring less
LIGHT = 8  # lets of a stage that folds
FEW = 16  # elements: rows that are shorter lie side by side in lanes


@final
@dataclass(frozen=True, eq=False)
class StagePlan:
    """A stage with its accesses.

    needed  the lets that are more than affine parts of places
    loads   let -> where it reads
    places  for each effect, where its results go
    inner   the axes that are walked, in order; lanes lie along the last one if `has_lanes`
    rare    choice that seldom holds -> the lets that only it needs
    """

    stage: Stage
    affine: Sequence[Affine | None]
    needed: frozenset[int]
    loads: Mapping[int, Access]
    places: Sequence[Sequence[Access]]
    inner: tuple[Axis, ...]
    has_lanes: bool = False
    rare: Mapping[int, Sequence[int]] = field(default_factory=dict)

    @cached_property
    def sunk(self) -> frozenset[int]:
        """The lets that are computed only where some lane asks for them."""
        return frozenset(number for listed in self.rare.values() for number in listed)

    @property
    def vectors(self) -> int:
        """How many vectors lie side by side in its loops: several where little is done to each."""
        if not any(not isinstance(effect, Store) for effect in self.stage.effects):
            return 1
        work = len(self.needed)
        return 4 if work <= LIGHT else 2 if work <= 2 * LIGHT else 1

    @property
    def accesses(self) -> Iterator[Access]:
        """All of them."""
        yield from self.loads.values()
        for places in self.places:
            yield from places

    @property
    def used(self) -> frozenset[Axis]:
        """The axes whose place is read as a number, or that order what is done."""
        lets = self.stage.lets
        found = {lets[n].axis for n in self.needed if isinstance(lets[n], AxisIndex)}  # type: ignore[union-attr]
        for number in self.needed:
            affine = self.affine[number]
            if affine is not None:
                found.update(axis for axis, _ in affine.terms)
        for effect in self.stage.effects:
            if isinstance(effect, Prefix) or (isinstance(effect, Fold) and effect.monoid in BETTER):
                found.update(self.stage.inner)
        return frozenset(found)


@final
@dataclass(frozen=True, eq=False)
class Plan:
    """A kernel as it is walked.

    outer   its axes in order; lanes lie along the last one if `lane` is that
    lane    the outer axis along which lanes lie, or None
    vectors  how many vectors lie side by side there: several where rows are walked far apart, so that each step
             reads whole lines of the cache
    """

    kernel: Kernel
    outer: tuple[Axis, ...]
    stages: tuple[StagePlan, ...]
    last: tuple[StagePlan, ...]
    lane: Axis | None
    vectors: int
    written: frozenset[Buffer] = field(default_factory=frozenset)


def planned(kernel: Kernel, kept: frozenset[Axis] = frozenset()) -> Plan:
    """The plan of a kernel.  The axes `kept` are walked one by one, whatever could be walked as one."""
    outer = tuple(sorted(kernel.outer, key=lambda axis: axis.number))
    stages = [_stage_plan(stage, kernel.outer) for stage in kernel.stages]
    used = kept.union(axis for stage in stages for axis in stage.used)
    walked = [stage for stage in stages if not stage.stage.is_last]
    merged, became = merged_axes(outer, [access for stage in walked for access in stage.accesses], used)
    stages = [_merged(stage, became, used) for stage in stages]
    walked = [stage for stage in stages if not stage.stage.is_last]
    last = tuple(_with_lanes(stage) for stage in stages if stage.stage.is_last)
    written = frozenset(buffer.root for buffer in kernel.writes)
    lane = _outer_lane(merged, walked)
    inside = tuple(map(_with_lanes, walked))
    if lane is not None and not _prefers_inner(lane, merged, walked, inside):
        order = (*(axis for axis in merged if axis is not lane), lane)
        is_deep = any(stage.inner for stage in walked)
        vectors = min((stage.vectors for stage in walked), default=1)
        if is_deep:
            vectors = 1 if any(map(_keeps_rows, walked)) else ABREAST
        return Plan(kernel, order, tuple(walked), last, lane, vectors, written)
    return Plan(kernel, tuple(merged), inside, last, None, 1, written)


def _stage_plan(stage: Stage, outer: Sequence[Axis]) -> StagePlan:
    affine = [part if let.dtype == INT64 else None for part, let in zip(affine_of(stage.lets), stage.lets, strict=True)]
    places = [_places(effect, stage, affine, () if stage.is_last else outer) for effect in stage.effects]
    needed = _needed(stage, affine)
    loads = {n: access_of(let.buffer, let.index, affine) for n in needed if isinstance(let := stage.lets[n], Load)}
    inner = tuple(sorted(stage.inner, key=lambda axis: axis.number))
    return StagePlan(stage, affine, needed, loads, places, inner, rare=_rare(stage, needed))


def _rare(stage: Stage, needed: frozenset[int]) -> Mapping[int, Sequence[int]]:
    """For each choice that seldom holds, the lets that nothing else needs, in order."""
    found: dict[int, list[int]] = {}
    choices = [n for n in sorted(needed) if isinstance(let := stage.lets[n], Call) and let.fn is Fn.RARELY]
    if not choices:
        return found
    users: dict[int, set[int]] = {n: set() for n in needed}
    for number in needed:
        for used in _operands(stage.lets[number]):
            users.setdefault(used, set()).add(number)
    kept = {effect.value for effect in stage.effects}
    kept.update(part for effect in stage.effects if isinstance(effect, Store | Total) for part in effect.index)
    taken: set[int] = set()
    for choice in choices:  # an inner choice comes before the outer one that has it
        let = stage.lets[choice]
        assert isinstance(let, Call), let
        condition, wanted, other = let.args
        inside: set[int] = set()
        for number in range(choice - 1, -1, -1):
            if number not in needed or number in kept or number in (condition, other) or number in taken:
                continue
            by = users[number]
            if by and all(user in inside or (user == choice and number == wanted) for user in by):
                inside.add(number)
        found[choice] = sorted(inside)
        taken |= inside
    return found


def _operands(let: Let) -> Sequence[int]:
    match let:
        case Call(args=args):
            return args
        case Load(index=index, guard=guard, otherwise=otherwise):
            return [*index, *(n for n in (guard, otherwise) if n is not None)]
    return ()


def _places(effect: Effect, stage: Stage, affine: Sequence[Affine | None], outer: Sequence[Axis]) -> Sequence[Access]:
    match effect:
        case Store():
            return [access_of(effect.buffer, effect.index, affine)]
        case Total():
            return [access_of(effect.result, effect.index, affine)]
        case Prefix():
            return [place_of_row(effect.result, outer, stage.inner)]
        case Fold():
            return [place_of_row(buffer, outer) for buffer in effect.results]


def _needed(stage: Stage, affine: Sequence[Affine | None]) -> frozenset[int]:
    """The lets that are computed: values of effects, and what these are made of."""
    found: set[int] = set()
    waiting = [effect.value for effect in stage.effects]
    for effect in stage.effects:
        if isinstance(effect, Store | Total):
            waiting += [part for part in effect.index if affine[part] is None]
    while waiting:
        number = waiting.pop()
        if number in found:
            continue
        found.add(number)
        match stage.lets[number]:
            case Call(args=args) if affine[number] is None:
                waiting += args
            case Load() as load:
                waiting += [part for part in load.index if affine[part] is None]
                waiting += [other for other in (load.guard, load.otherwise) if other is not None]
    return frozenset(found)


def _merged(stage: StagePlan, became: Mapping[Axis, Axis | None], used: frozenset[Axis]) -> StagePlan:
    """The stage by the outer axes that others became, its own inner axes merged too."""
    if not stage.stage.is_last:
        stage = _by(stage, became)
    inner, own = merged_axes(stage.inner, list(stage.accesses), used)
    return replace(_by(stage, own), inner=tuple(inner))


def _by(stage: StagePlan, became: Mapping[Axis, Axis | None]) -> StagePlan:
    loads = {number: with_axes(access, became) for number, access in stage.loads.items()}
    return replace(stage, loads=loads, places=[[with_axes(x, became) for x in places] for places in stage.places])


# Lanes.


def _outer_lane(outer: Sequence[Axis], stages: Sequence[StagePlan]) -> Axis | None:
    """The outer axis that most accesses walk element by element, of those along which all stages can have lanes."""
    best: Axis | None = None
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
                if places[0].data or (axis not in places[0].terms and places[0].buffer.role is not Role.LOCAL):
                    return False
                if is_inner and axis not in places[0].terms:
                    return False
            case Total():
                if places[0].data:
                    return False
            case Prefix():
                if is_inner:
                    return False
            case Fold(monoid=monoid):
                if is_inner and monoid in BETTER:
                    return False
    return True


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
    misses = sum(_misses(stage.inner[-1], [stage]) for stage in deep)
    others = _misses(lane, walked)
    if misses != others:
        return misses < others
    shortest = min(estimate(stage.inner[-1].extent) for stage in deep)
    return shortest >= FEW or estimate(lane.extent) < shortest or estimate(product(a.extent for a in outer)) < FEW
