"""The row that follows: while a row is computed its elements are asked for, so that they are there when it begins.

Between the first and the last element of a row a kernel of several stages reads nothing new, and the processor, which
sees no more of a walk than it has read, would ask for nothing.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import final

from graphc.dataclass import dataclass
from graphc.kernel.accesses import Access
from graphc.kernel.buffer import Buffer, Role
from graphc.kernel.scalar import Axis
from graphc.kernel.stages import StagePlan
from graphc.sizes import estimate

__all__ = ["Following", "following", "of_columns", "of_elements", "of_rows_apart"]

LONG = 1 << 9  # elements: a row that is shorter is read at once
AHEAD = 6  # rows of which less than a page is read
SOON = 1 << 9  # elements of short rows that are asked for before they are read
NEXT = 1 << 10  # bytes of arrays that are walked element by element
FAR = 1 << 24  # bytes of an array that is read alone: of a smaller one much is in some cache still
LEAST = 1 << 18  # elements of an array: smaller ones are in some cache


@final
@dataclass(frozen=True)
class Following:
    """What a stage asks for beside what it does: these places, `ahead` steps along `axis` further.

    read, written  accesses along whose elements the lanes of the stage lie
    """

    axis: Axis
    ahead: int
    read: Sequence[Access]
    written: Sequence[Access]


def following(outer: Sequence[Axis], stages: Sequence[StagePlan]) -> Mapping[StagePlan, Following]:
    """For the stage that computes most what it asks for; nothing where one stage is all there is."""
    deep = [stage for stage in stages if stage.has_lanes and len(stage.inner) == 1]
    if len(deep) < 2 or not outer:
        return {}
    axis, busy = outer[-1], max(deep, key=lambda stage: len(stage.needed))
    if estimate(busy.inner[0].extent) < LONG:
        return {}
    read: dict[Buffer, Access] = {}
    written: dict[Buffer, Access] = {}
    for stage in deep:
        read.update((x.buffer.root, x) for x in _rows(stage.loads.values(), stage, busy, axis))
        stored = (x for places in stage.places for x in places)
        written.update((x.buffer.root, x) for x in _rows(stored, stage, busy, axis))
    others = [x for root, x in read.items() if root not in written]
    return {busy: Following(axis, 1, others, list(written.values()))} if read or written else {}


def of_columns(lane: Axis, stages: Sequence[StagePlan]) -> Mapping[StagePlan, Following]:
    """What stages ask for that walk far from row to row, in lanes along `lane`: each row is in another page."""
    found = {}
    for stage in stages:
        if not stage.inner:
            continue
        axis = stage.inner[-1]
        read = [x for x in stage.loads.values() if _is_far(x, lane, axis)]
        if read:
            found[stage] = Following(axis, AHEAD, read, ())
    return found


def of_elements(lane: Axis, stages: Sequence[StagePlan]) -> Mapping[StagePlan, Following]:
    """What stages ask for that walk large arrays element by element: at the end of a page the processor starts anew."""
    found = {}
    for stage in stages:
        read = {x.buffer.root: x for x in stage.loads.values() if _is_large(x) and x.step(lane) == 1}
        if len(read) > 1 or any(estimate(buffer.bytes) >= FAR for buffer in read):
            ahead = NEXT // max(buffer.dtype.itemsize for buffer in read)
            found[stage] = Following(lane, ahead, list(read.values()), ())
    return found


def of_rows_apart(stages: Sequence[StagePlan]) -> Mapping[StagePlan, Following]:
    """What stages ask for whose lanes lie in short rows, each of which is in another page."""
    found = {}
    for stage in stages:
        if not stage.has_lanes or len(stage.inner) < 2:
            continue
        *_, axis, lane = stage.inner
        read = [x for x in stage.loads.values() if _is_far(x, lane, axis)]
        stored = [x for places in stage.places for x in places if _is_far(x, lane, axis)]
        if read or stored:
            ahead = max(1, SOON // max(estimate(lane.extent), 1))
            found[stage] = Following(axis, ahead, read, stored)
    return found


def _is_far(access: Access, lane: Axis, axis: Axis) -> bool:
    """Whether an access walks a large array element by element in lanes, and far along an axis."""
    return _is_large(access) and access.step(lane) == 1 and estimate(access.step(axis)) >= LONG


def _is_large(access: Access) -> bool:
    """Whether an access is to an array that caches hold no more, at a place that axes alone say."""
    return access.buffer.role is not Role.LOCAL and not access.data and estimate(access.buffer.size) >= LEAST


def _rows(found: Iterable[Access], of: StagePlan, by: StagePlan, outer: Axis) -> Iterator[Access]:
    """The accesses that walk rows of large arrays element by element, as those of another stage with as long rows."""
    (lane,), (new,) = of.inner, by.inner
    for access in found:
        if _is_large(access) and access.step(lane) == 1 and access.step(outer) != 0 and lane.extent == new.extent:
            yield replace(access, terms={new if axis is lane else axis: step for axis, step in access.terms.items()})
