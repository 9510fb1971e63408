"""Regions: of stages that store over each other, each makes only what stays."""

from collections.abc import Iterator, Mapping, Sequence
from math import prod
from typing import TypeAlias

from graphc.dataclass import dataclass
from graphc.kernel.affine import AffineIndex
from graphc.kernel.buffer import Buffer
from graphc.kernel.indices import affine_of
from graphc.kernel.scalar import Axis, AxisIndex, Formula
from graphc.kernel.steps import Stage, Store
from graphc.passes.meeting import Place, Walk, met
from graphc.sizes import estimate

__all__ = ["made_once"]

MOST = 64  # stages, or parts of one
BEGUN = 128  # what beginning a part takes, in elements
LINE = 16  # so many elements side by side take as long as one
APART = 4  # of so many elements one is stored again: each of the others is a part of its own

_Walks: TypeAlias = Mapping[int, Walk]  # the points of a part of a stage, along those axes that it does not walk whole


def made_once(stages: Sequence[Stage]) -> Sequence[Stage]:
    """Stages that only store, each without the points at which a later one stores again, as far as these are known."""
    if len(stages) > MOST:
        return stages
    boxes = [_boxes(stage) for stage in stages]
    found: list[Stage] = []
    for number, stage in enumerate(stages):
        later = [box for each in reversed(boxes[number + 1 :]) for box in each]
        found += _left(stage, boxes[number][0], later) if len(stage.effects) == len(boxes[number]) == 1 else [stage]
    return found


@dataclass(frozen=True)
class _Box:
    """The elements of an array that a stage stores, each once: where they lie along each axis of the array."""

    buffer: Buffer
    places: Sequence[Place]

    def at(self, walks: _Walks) -> "_Box":
        """Those that are stored at some of the points."""
        return _Box(self.buffer, [_walked(place, walks) for place in self.places])

    def without(self, other: "_Box") -> Sequence[_Walks]:
        """The parts that another box has not; one of all points where none are common, or it is not known which."""
        inside: dict[int, Walk] = {}
        parts: list[_Walks] = []
        for one, by in zip(self.places, other.places, strict=True):
            both = met(one, by)
            if both is None or both[0].count == 0 or both[0].step > APART:
                return [{}]
            if one.axis is not None:
                parts += [{**inside, one.axis.number: rest} for rest in _beside(both[0], estimate(one.count))]
                inside[one.axis.number] = both[0]
        return parts


def _boxes(stage: Stage) -> Sequence[_Box]:
    """What the effects of a stage store, of those of which that is known."""
    affine = affine_of(stage.lets)
    walked = {axis for axis in stage.inner if axis.extent != 1}
    found: list[_Box] = []
    for effect in stage.effects:
        assert isinstance(effect, Store), effect
        places = [place for place in (Place.of(affine[part]) for part in effect.index) if place is not None]
        axes = [place.axis for place in places if place.axis is not None]
        if len(places) == len(effect.index) and len(axes) == len(walked) and set(axes) == walked:
            found.append(_Box(effect.buffer, places))
    return found


def _left(stage: Stage, box: _Box, over: Sequence[_Box]) -> Sequence[Stage]:
    """What is left of a stage where others store: parts of it."""
    parts: list[_Walks] = [{}]
    for other in over:
        if other.buffer is box.buffer:
            parts = [_within(part, walks) for walks in parts for part in box.at(walks).without(other)]
        if len(parts) > MOST:
            return [stage]
    if sum(_time(box.at(walks)) for walks in parts) >= _time(box):
        return [stage]
    return [_at(stage, walks) for walks in parts]


def _time(box: _Box) -> float:
    """What storing these elements takes, in elements: rows of few are no quicker than longer ones."""
    *rows, last = [estimate(place.count) for place in box.places] or [1]
    return BEGUN + prod(rows) * max(last, LINE)


def _beside(walk: Walk, count: int) -> Iterator[Walk]:
    """The points of an axis beside those of a walk."""
    step = walk.step if walk.count > 1 else 1
    first = walk.start % step
    starts = [(start, count) for start in range(min(step, count)) if start != first]
    for start, stop in [(first, walk.start), *starts, (walk.start + step * walk.count, count)]:
        if start < stop:
            yield Walk(-((start - stop) // step), step, start)


def _walked(place: Place, walks: _Walks) -> Place:
    """A place along the points of a part."""
    walk = None if place.axis is None else walks.get(place.axis.number)
    if walk is None or place.axis is None:
        return place
    return Place(Axis(place.axis.number, walk.count), place.step * walk.step, place.start + walk.start * place.step)


def _within(part: _Walks, walks: _Walks) -> _Walks:
    """A part of a part."""
    found = dict(walks)
    for axis, inner in part.items():
        outer = walks.get(axis, Walk(0, 1, 0))
        found[axis] = Walk(inner.count, outer.step * inner.step, outer.start + outer.step * inner.start)
    return found


def _at(stage: Stage, walks: _Walks) -> Stage:
    """A stage at some of its points."""
    axes = {axis: Axis(axis.number, walks[axis.number].count) for axis in stage.inner if axis.number in walks}
    formula = Formula()
    numbers: list[int] = []
    for let in stage.lets:
        if not isinstance(let, AxisIndex) or let.axis not in axes:
            numbers.append(formula.copied(let, numbers))
            continue
        walk, axis = walks[let.axis.number], axes[let.axis]
        terms = () if walk.count == 1 else ((0, walk.step),)
        numbers.append(formula.affine(AffineIndex(terms, walk.start), [formula.axis(axis)] if terms else []))
    effects = [effect.renumbered(numbers) for effect in stage.effects if isinstance(effect, Store)]
    inner = [axes.get(axis, axis) for axis in stage.inner if axis not in axes or axes[axis].extent != 1]
    return Stage(tuple(inner), tuple(formula.lets), tuple(effects))
